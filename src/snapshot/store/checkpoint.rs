//! The state of a table at one version, written out, so that reading it needs no commit before.

use deltalake::protocol::checkpoints::create_checkpoint;

use super::Stored;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;
use crate::snapshot::error::CHECKPOINT;

impl Stored {
    /// Writes a checkpoint where one is due after a commit. That it could not be written does not
    /// undo the commit: the next one that is due makes up for it.
    pub(super) async fn checkpoint_if_due(&self, version: u64) {
        if version == 0 || !version.is_multiple_of(limits::CHECKPOINT_EVERY) {
            return;
        }
        if let Err(error) = self.checkpoint(version).await {
            let error = crate::error::Report::new(&error, None);
            tracing::warn!(table = self.name(), version, %error, "no checkpoint was written");
        }
    }

    /// Writes the checkpoint of a version.
    ///
    /// # Errors
    ///
    /// [`Error::Log`].
    pub(super) async fn checkpoint(&self, version: u64) -> Result<(), Error> {
        let (table, _) = self.files_of(version).await?;
        let written = create_checkpoint(&table, None).await;
        written.map_err(|source| self.log(CHECKPOINT, source))
    }
}
