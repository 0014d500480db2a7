//! A file that has not got its name yet.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Error;
use crate::snapshot::durable;

/// The file beside, removed unless it was given its name.
pub struct Unfinished {
    path: PathBuf,
    named: bool,
}

impl Unfinished {
    /// Begins the file that is to be called `path`.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.partial", std::process::id()));
        let beside = PathBuf::from(beside);
        let file = File::create(&beside)?;
        Ok((Unfinished { path: beside, named: false }, file))
    }

    /// Makes sure that it is on the disk and gives it its name, which is then there too; tells its
    /// length.
    pub fn named(mut self, path: &Path, file: &File) -> io::Result<u64> {
        durable::sync_file(&self.path, file)?;
        let bytes = file.metadata()?.len();
        std::fs::rename(&self.path, path)?;
        self.named = true;
        durable::sync_folder(path.parent().unwrap_or(Path::new("")))?;
        Ok(bytes)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.named {
            let removed = std::fs::remove_file(&self.path);
            if let Err(error) = removed {
                tracing::warn!(path = %self.path.display(), %error, "an unfinished file stays");
            }
        }
    }
}

/// Writes a text into a file, which is there whole or not at all.
///
/// # Errors
///
/// [`Error::Write`].
pub fn text(path: &Path, text: &str) -> Result<(), Error> {
    let refused = |source| Error::Write { path: path.to_owned(), source };
    let (unfinished, mut file) = Unfinished::create(path).map_err(refused)?;
    file.write_all(text.as_bytes()).map_err(refused)?;
    unfinished.named(path, &file).map_err(refused)?;
    Ok(())
}
