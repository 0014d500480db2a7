//! Log entries that a loss of power left half written.
//!
//! What this program writes into a folder is on the disk before it has a name. Not so what others
//! wrote, what it wrote before it did that, and what a file system loses that keeps no promise. Such
//! an entry is empty, breaks off, or names files that are not there whole; as the newest one it
//! would stand in the way of every load.

use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::de::IgnoredAny;

use super::Stored;
use super::history::{self, LOG, Log};
use crate::snapshot::Error;

/// Where engines look first for a checkpoint.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Whether an entry is not what somebody wrote: it has no line, or its first or last is none of JSON.
pub fn is_torn(commit: &[u8]) -> bool {
    let mut lines = commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return true };
    let is_json = |line: &[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
    !is_json(first) || lines.next_back().is_some_and(|last| !is_json(last))
}

impl Stored {
    /// Takes the newest entries out of the log that a loss of power left half written: their loads are
    /// lost, and the one before them is the newest again. Nobody else loads the table meanwhile. In a
    /// bucket an entry is whole or not there.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub(super) async fn clear_torn(&self) -> Result<(), Error> {
        if self.folder().is_none() {
            return Ok(());
        }
        loop {
            let log = Log::list(self).await?;
            let Some(newest) = log.commits.last().copied() else { return Ok(()) };
            let what = match history::is_torn(self, newest).await? {
                true => "it is not whole",
                // Where no entry is left, nothing would be.
                false if log.readable().len() > 1 && self.lacks_files(newest).await? => {
                    "files that it names are not whole"
                }
                false => return Ok(()),
            };
            let (table, version) = (self.name(), newest);
            tracing::warn!(table, version, what, "a log entry is cleared away, and its load lost");
            let of_entry = log.files.into_iter().filter(|(version, _)| *version >= newest);
            let mut paths: Vec<Path> = of_entry.map(|(_, path)| path).collect();
            // The checkpoint before the entry that it is of.
            paths.sort_by_key(|path| path.as_ref().ends_with(".json"));
            for path in paths {
                self.remove(&path).await?;
            }
            self.forget_checkpoint().await?;
            self.settle(LOG).await?;
        }
    }

    /// Whether a load's files are missing or shorter than it says.
    async fn lacks_files(&self, version: u64) -> Result<bool, Error> {
        for (path, bytes) in history::loaded_files(self, version).await? {
            match self.files().head(&Path::from(path.as_str())).await {
                Ok(head) if Some(head.size) >= bytes => {}
                Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(true),
                Err(source) => return Err(Error::Store { action: "look at", path, source }),
            }
        }
        Ok(false)
    }

    /// Removes the word of where the last checkpoint is; engines then look for it.
    async fn forget_checkpoint(&self) -> Result<(), Error> {
        let path = Path::from(LOG).join(LAST_CHECKPOINT);
        match self.files().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(Error::Store { action: "remove", path: path.to_string(), source }),
        }
    }
}
