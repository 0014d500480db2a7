//! Versions that are no longer wanted.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::TryStreamExt as _;
use object_store::path::Path;
use serde_json::{Value, json};

use super::history::{self, Log};
use super::lease::Lease;
use super::{CHANGES, Entry, Stored, Turn};
use crate::error::Kind;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// Which versions stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Those that were the newest at some moment within this time.
    pub newer_than: Duration,
    /// And at least so many of the newest; one always stays.
    pub newest: usize,
}

/// What an expiry did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// The versions that are gone.
    pub versions: Vec<u64>,
    /// A version that stays, and with it those after it, because somebody reads it.
    pub in_use: Option<u64>,
    /// Files that were removed.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
}

impl Expired {
    /// The same as the action `expire` and `expire --json` tell it.
    pub fn to_json(&self, connection: &str, table: &str) -> Value {
        json!({
            "connection": connection,
            "table": table,
            "expired": self.versions,
            "in_use": self.in_use,
            "files": self.files,
            "bytes": self.bytes,
        })
    }
}

impl Stored {
    /// Removes the versions that `keep` does not keep, and the files that no version has.
    ///
    /// Cut short at any moment, it leaves each version whole or not to be seen, and the next one
    /// goes on with it. Versions after one that is being read stay with it. In a bucket nobody can
    /// tell who reads, so that what was the newest within the last
    /// [`limits::EXPIRES_IN_BUCKET_AFTER`] stays as well.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub async fn expire(
        &self,
        turn: &Turn,
        keep: &Keep,
        now: DateTime<Utc>,
    ) -> Result<Expired, Error> {
        let mut expired = Expired::default();
        while expired.in_use.is_none() && self.expire_some(turn, keep, now, &mut expired).await? {}
        self.sweep(now, &mut expired).await?;
        Ok(expired)
    }

    /// Removes as many versions as can be held at once; gives whether there may be more.
    async fn expire_some(
        &self,
        turn: &Turn,
        keep: &Keep,
        now: DateTime<Utc>,
        expired: &mut Expired,
    ) -> Result<bool, Error> {
        let entries = self.versions().await?;
        let unwanted = unwanted(&entries, keep, now, self.folder().is_none());
        let some = unwanted.min(limits::EXPIRED_AT_ONCE);
        let mut held = Vec::new();
        if self.folder().is_some() {
            for entry in &entries[..some] {
                match Lease::alone(self, entry.version).await? {
                    Some(lease) => held.push(lease),
                    None => {
                        expired.in_use = Some(entry.version);
                        break;
                    }
                }
            }
        }
        let gone = if self.folder().is_some() { held.len() } else { some };
        let Some(oldest) = entries.get(gone).filter(|_| gone > 0) else { return Ok(false) };
        let versions: Vec<u64> = entries[..gone].iter().map(|entry| entry.version).collect();
        let (place, lock, oldest) = (self.clone(), turn.held(), oldest.version);
        // Once begun it goes on whoever waits, and until it has ended nobody may read or load.
        let cut = tokio::spawn(async move {
            let cut_at = place.cut(oldest).await?;
            let gone: Vec<u64> = versions.into_iter().filter(|it| *it < cut_at).collect();
            for version in &gone {
                Lease::forget(&place, *version);
            }
            drop((held, lock));
            Ok::<_, Error>((gone, cut_at))
        });
        let (gone, cut_at) = cut.await.map_err(Error::Died)??;
        expired.versions.extend(gone);
        if cut_at < oldest {
            // Makes the room for which fewer went.
            self.sweep(now, expired).await?;
        }
        Ok(unwanted > some || cut_at < oldest)
    }

    /// Removes all of the log that is before this version, so that it can be read without. Where its
    /// checkpoint cannot be written, as on a full disk, that is all before the last one that is there;
    /// tells before which.
    async fn cut(&self, mut oldest: u64) -> Result<u64, Error> {
        let mut log = Log::list(self).await?;
        if !log.checkpoints.contains(&oldest)
            && let Err(error) = self.checkpoint(oldest).await
        {
            let first = log.readable().first().copied().unwrap_or(oldest);
            let before = |at: &u64| first < *at && *at < oldest;
            let earlier = log.checkpoints.iter().copied().rfind(before);
            oldest = earlier.filter(|_| error.kind() == Kind::Unavailable).ok_or(error)?;
        }
        log.files.retain(|(version, _)| *version < oldest);
        // Checkpoints first, then commits from the first on: with the first of either that goes,
        // none of these versions is shown any more. That this one is gone is on the disk before others
        // go, and what is gone of the log before the files that it named.
        let is_commit = |(_, path): &&(u64, Path)| path.as_ref().ends_with(".json");
        let (commits, checkpoints): (Vec<_>, Vec<_>) = log.files.iter().partition(is_commit);
        for files in [checkpoints, commits] {
            for (at, (_, path)) in files.into_iter().enumerate() {
                self.remove(path).await?;
                if at == 0 {
                    self.settle(history::LOG).await?;
                }
            }
        }
        self.settle(history::LOG).await?;
        Ok(oldest)
    }

    /// Removes the files of loads that no version has. Nobody else loads a local table meanwhile;
    /// of one in a bucket, only files are removed that are older than any load under way.
    pub(super) async fn sweep(&self, now: DateTime<Utc>, swept: &mut Expired) -> Result<(), Error> {
        let named = self.named().await?;
        let listing = |source| Error::Store { action: "list", path: String::new(), source };
        let objects: Vec<_> = self.files().list(None).try_collect().await.map_err(listing)?;
        let young = |written: DateTime<Utc>| {
            let age = now.signed_duration_since(written).to_std().unwrap_or_default();
            self.folder().is_none() && age < limits::EXPIRES_IN_BUCKET_AFTER
        };
        for object in objects {
            let ours = object.location.filename().is_some_and(|it| it.starts_with(super::LOADED));
            let unnamed = ours && !named.contains(object.location.as_ref());
            if unnamed && !young(object.last_modified) {
                tracing::info!(table = self.name(), file = %object.location, "cleared away");
                self.remove(&object.location).await?;
                swept.files += 1;
                swept.bytes += object.size;
            }
        }
        if let Some(folder) = self.folder() {
            unfinished(folder).map_err(|source| Error::Store {
                action: "clear away what is unfinished in",
                path: String::new(),
                source: object_store::Error::Generic { store: "folder", source: source.into() },
            })?;
        }
        Ok(())
    }

    /// All files that a version has: those that commits name, those that the oldest version has from
    /// commits before it, and those of the newest, of which a checkpoint may be all that is left.
    async fn named(&self) -> Result<HashSet<String>, Error> {
        let read = |log: Arc<Log>| async move {
            let mut named = history::files(self, log.readable().to_vec()).await?;
            let (oldest, newest) = (log.readable().first().copied(), log.newest());
            for version in oldest.into_iter().chain(newest.filter(|_| oldest != newest)) {
                let (_, files) = self.files_of(version).await?;
                named.extend(files.into_iter().map(|file| file.path));
            }
            Ok(named)
        };
        history::steady(self, read).await
    }
}

/// Removes the files that a process began to write and did not live to name: until they are whole
/// they have a `#` and a number behind their name, and no listing of the store shows them.
fn unfinished(table: &std::path::Path) -> io::Result<()> {
    for folder in [table.to_owned(), table.join(CHANGES), table.join(history::LOG)] {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some((name, number)) = name.to_str().and_then(|name| name.rsplit_once('#')) else {
                continue;
            };
            let ours = name.starts_with(super::LOADED) || folder.ends_with(history::LOG);
            if ours && !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()) {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// How many of the oldest versions are not kept.
fn unwanted(entries: &[Entry], keep: &Keep, now: DateTime<Utc>, bucket: bool) -> usize {
    let age =
        if bucket { keep.newer_than.max(limits::EXPIRES_IN_BUCKET_AFTER) } else { keep.newer_than };
    // The clock that commits were made by may be ahead of this one.
    let now = entries.last().map_or(now, |newest| now.max(newest.committed));
    let since = chrono::Duration::from_std(age).ok().and_then(|age| now.checked_sub_signed(age));
    // A version was the newest until the next was committed.
    let wanted = |next: &Entry| since.is_none_or(|since| next.committed > since);
    let old = entries.iter().skip(1).position(wanted);
    let old = old.unwrap_or(entries.len().saturating_sub(1));
    old.min(entries.len().saturating_sub(keep.newest.max(1)))
}
