//! Locks of files.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::clock;
use crate::limits::snapshot as limits;
use crate::snapshot::{Error, Loader};

/// The file that a load of a local table holds.
const LOCK: &str = "_load.lock";

/// The tables that this process loads: a lock does not tell whose it is.
static OWN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The lock of a load. Dropping it lets the next one begin.
#[derive(Debug)]
pub struct LoadLock {
    path: PathBuf,
    _file: File,
}

impl LoadLock {
    /// Takes the lock of the table in this folder, or tells who has it.
    ///
    /// # Errors
    ///
    /// [`Error::Lock`] and [`Error::NoLocks`].
    pub async fn take(folder: &Path) -> Result<Result<Self, Loader>, Error> {
        let path = folder.join(LOCK);
        let open = File::options().create(true).truncate(false).read(true).write(true).clone();
        let file = open.open(&path).map_err(Error::Lock)?;
        let taken = taken(&file, File::try_lock).await?;
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match taken {
            true => {
                own.insert(path.clone());
                Ok(LoadLock { path, _file: file })
            }
            false if own.contains(&path) => Err(Loader::ThisProcess),
            false => Err(Loader::AnotherProcess),
        })
    }
}

impl Drop for LoadLock {
    /// Before the lock itself goes, with the file.
    fn drop(&mut self) {
        OWN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

/// Takes a lock by `lock`, which is [`File::try_lock`] or [`File::try_lock_shared`]; `false` if
/// somebody has it and keeps it.
///
/// A lock that was let go can still be held for a moment: a process that is being started has all
/// open files of the one that starts it, until its own program begins.
///
/// # Errors
///
/// [`Error::NoLocks`] where there are none.
pub async fn taken(
    file: &File,
    lock: fn(&File) -> Result<(), TryLockError>,
) -> Result<bool, Error> {
    for _ in 0..limits::LOCK_TRIES {
        match lock(file) {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => clock::sleep(limits::LOCK_WAIT).await,
            Err(TryLockError::Error(source)) => return Err(Error::NoLocks(source)),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::fs::TryLockError;
    use std::io::ErrorKind;

    use super::taken;
    use crate::error::Kind;

    #[tokio::test]
    async fn a_folder_without_locks_is_a_fault_of_the_settings() {
        let file = tempfile::tempfile().expect("a file");
        let none = |_: &_| Err(TryLockError::Error(ErrorKind::Unsupported.into()));
        let refused = taken(&file, none).await.expect_err("no locks");
        assert_eq!(refused.kind(), Kind::Invalid);
        assert!(refused.hint().expect("a hint").contains("a disk of this machine"));
    }
}
