//! Locks of files.

use std::fs::{File, TryLockError};

use crate::clock;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// Takes a lock by `lock`, which is [`File::try_lock`] or [`File::try_lock_shared`]; `false` if
/// somebody has it and keeps it.
///
/// A lock that was let go can still be held for a moment: a process that is being started has all
/// open files of the one that starts it, until its own program begins.
///
/// # Errors
///
/// [`Error::Lock`] where there are no locks.
pub async fn taken(
    file: &File,
    lock: fn(&File) -> Result<(), TryLockError>,
) -> Result<bool, Error> {
    for _ in 0..limits::LOCK_TRIES {
        match lock(file) {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => clock::sleep(limits::LOCK_WAIT).await,
            Err(TryLockError::Error(source)) => return Err(Error::Lock(source)),
        }
    }
    Ok(false)
}
