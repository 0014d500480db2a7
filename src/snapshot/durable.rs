//! Files and folders that outlive a loss of power.
//!
//! The system keeps what is written in memory for a while. Bytes are on the disk once their file is
//! synced, and a name, or that it is gone, once its folder is. Each is told at the level `trace`.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes sure that the bytes of a file are on the disk.
///
/// # Errors
///
/// What the system says.
pub fn sync_file(path: &Path, file: &File) -> io::Result<()> {
    file.sync_all()?;
    tracing::trace!(path = %path.display(), "synced");
    Ok(())
}

/// Makes sure that the names in a folder are on the disk as they are now, where the system has a call
/// for that: Windows has none, and some network file systems refuse it.
///
/// # Errors
///
/// What the system says.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    match File::open(path).and_then(|folder| folder.sync_all()) {
        // A folder may be one to write into and not to look at.
        Err(error) if unsupported(&error) || error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            tracing::trace!(path = %path.display(), "synced");
            Ok(())
        }
    }
}

/// Makes a folder, and those that it is in, where they are not there.
///
/// # Errors
///
/// What the system says.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    create_folder(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !path.is_dir() => Err(error),
        _ => sync_folder(parent),
    }
}

/// Whether the file system says that it does not know of such a thing.
pub fn unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput)
}
