//! A file that holds a secret.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::limits::cli as limits;

/// Why a file does not give a secret, as it ends the sentence "names the file …, which".
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error(
        "everybody on this machine may {}: run `chmod 600 {path}`; for a Kubernetes secret set \
         `defaultMode: 0400`, or 0440 with an `fsGroup`; for one of Docker's `mode: 0400`",
        if *.written { "change" } else { "read" }
    )]
    Open { path: String, written: bool },
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    #[error("is not UTF-8 text")]
    NotText,
    #[error("has more than one line")]
    Lines,
    #[error("has more than {bytes_max} bytes, which no secret has")]
    Long { bytes_max: u64 },
}

/// Reads a secret: the one line of a file, without a byte order mark and the line's end.
///
/// # Errors
///
/// See [`Unusable`]. That everybody may read it is an error even where the folders above keep them
/// out, since those are not seen from here in every place that the file is mounted.
pub fn read(path: &Path) -> Result<String, Unusable> {
    let mut file = File::open(path)?;
    check_mode(path, &file)?;
    let mut bytes = Vec::new();
    file.by_ref().take(limits::SECRET_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::SECRET_BYTES_MAX {
        return Err(Unusable::Long { bytes_max: limits::SECRET_BYTES_MAX });
    }
    if is_utf16(&bytes) {
        return Err(Unusable::Utf16);
    }
    let text = String::from_utf8(bytes).map_err(|_| Unusable::NotText)?;
    let line = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    match line.contains(['\r', '\n']) {
        true => Err(Unusable::Lines),
        false => Ok(line.to_owned()),
    }
}

/// Whether bytes are UTF-16 of either order: by their mark, or by the zeros that only it has.
pub fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0)
}

/// The group may read: volumes of Kubernetes are given to a group.
#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), Unusable> {
    use std::os::unix::fs::PermissionsExt as _;
    let of_others = file.metadata()?.permissions().mode() & 0o006;
    if of_others == 0 {
        return Ok(());
    }
    Err(Unusable::Open { path: path.display().to_string(), written: of_others & 0o002 != 0 })
}

/// Who may read a file is not told by a mode here.
#[cfg(not(unix))]
fn check_mode(path: &Path, _: &File) -> Result<(), Unusable> {
    let path = path.display();
    tracing::warn!(%path, "make sure that nobody else may read this file, which holds a secret");
    Ok(())
}
