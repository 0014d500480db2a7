//! Who reads a version, so that it does not expire meanwhile.
//!
//! In a local store each version has a file whose lock readers share and an expiry wants for
//! itself. A lock goes with the process that holds it, however that ends.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Stored, lock};
use crate::snapshot::Error;

/// Where the files are whose locks readers share.
const READERS: &str = "_readers";

/// A version that is held while this lives. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Lease {
    _lock: Arc<File>,
}

impl Lease {
    /// Makes what readers hold a version by, so that those can who may only read the folder. Nothing
    /// is lost where that fails: whoever may write makes it.
    pub fn prepare(place: &Stored, version: u64) {
        if let Some(path) = path(place, version) {
            let _ = open(&path);
        }
    }

    /// Holds a version together with other readers; `None` where there are no locks: in a bucket, on a
    /// file system that has none, and in a folder that can only be read and was not prepared.
    ///
    /// # Errors
    ///
    /// [`Error::Expiring`] if it is about to go, [`Error::Lock`].
    pub async fn shared(place: &Stored, version: u64) -> Result<Option<Self>, Error> {
        let Some(path) = path(place, version) else { return Ok(None) };
        let file = match open(&path) {
            Err(error) if matches!(error.kind(), DENIED | READ_ONLY) => match File::open(&path) {
                Ok(file) => file,
                Err(_) => return Ok(None),
            },
            opened => opened.map_err(Error::Lock)?,
        };
        match lock::taken(&file, File::try_lock_shared).await {
            Ok(true) => Ok(Some(Lease { _lock: Arc::new(file) })),
            // No version expires from here, since an expiry begins with a lock; of one that another
            // machine lets go meanwhile, a read meets the missing file.
            Err(Error::NoLocks(_)) => Ok(None),
            Err(error) => Err(error),
            Ok(false) => Err(Error::Expiring { table: place.name().to_owned(), version }),
        }
    }

    /// Holds a version against all readers; `None` if one of them has it.
    ///
    /// # Errors
    ///
    /// [`Error::Lock`], [`Error::NoLocks`].
    pub async fn alone(place: &Stored, version: u64) -> Result<Option<Self>, Error> {
        let Some(path) = path(place, version) else { return Ok(None) };
        let file = open(&path).map_err(Error::Lock)?;
        let alone = lock::taken(&file, File::try_lock).await?;
        Ok(alone.then(|| Lease { _lock: Arc::new(file) }))
    }

    /// Forgets that a version could be held, once it is gone.
    pub fn forget(place: &Stored, version: u64) {
        if let Some(path) = path(place, version) {
            // An empty file that stays does no harm.
            let _ = std::fs::remove_file(path);
        }
    }
}

const DENIED: io::ErrorKind = io::ErrorKind::PermissionDenied;
const READ_ONLY: io::ErrorKind = io::ErrorKind::ReadOnlyFilesystem;

fn path(place: &Stored, version: u64) -> Option<PathBuf> {
    Some(place.folder()?.join(READERS).join(format!("{version:020}.lock")))
}

fn open(path: &PathBuf) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Network file systems want a file that may be read for a shared lock, and one that may be written
    // for the other.
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}
