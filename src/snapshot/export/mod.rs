//! One answer in one file of its own.
//!
//! [`Export`] writes one answer into one file, in the format that its name asks for. The file is
//! there whole or not at all.

mod csv;
mod disk;
mod file;
mod format;
mod pipe;
mod unfinished;
mod writer;

pub use file::{Export, Written};
pub use format::Format;
pub use pipe::Pipe;
pub use unfinished::text;

use std::path::PathBuf;

use crate::error::Kind;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name does not say which format is meant.
    #[error("`{}` does not end in `.parquet`, `.arrow`, `.csv` or `.jsonl`", path.display())]
    Format {
        /// The file asked for.
        path: PathBuf,
    },
    /// The system refused, as for a full disk.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// The rows could not be written in this format.
    #[error("could not write the rows to `{}`", path.display())]
    Rows {
        /// The file asked for.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Format { .. } => Kind::Invalid,
            Error::Write { .. } => Kind::Unavailable,
            Error::Rows { .. } => Kind::Internal,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Write { .. } => {
                Some("check that the folder exists, may be written to and has room".to_owned())
            }
            _ => None,
        }
    }
}
