//! The formats a file can have.

use std::path::Path;

use super::Error;

/// What a file is written as; its name's ending says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.parquet`: zstd, statistics and page indexes.
    Parquet,
    /// `.arrow`: the Arrow IPC file format, not compressed, for memory mapping.
    Arrow,
    /// `.csv`: a header line; lists and structs as JSON text.
    Csv,
    /// `.jsonl`: one object a line, nulls left out.
    Jsonl,
}

impl Format {
    /// The format that the ending of `path` names, in either case.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] for any other ending.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "parquet" => Ok(Format::Parquet),
            "arrow" => Ok(Format::Arrow),
            "csv" => Ok(Format::Csv),
            "jsonl" => Ok(Format::Jsonl),
            _ => Err(Error::Format { path: path.to_owned() }),
        }
    }
}
