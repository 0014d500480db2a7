//! One answer into one file.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::disk::{Disk, Refusal};
use super::unfinished::Unfinished;
use super::writer::{BoxError, Writer};
use super::{Error, Format};

/// A file being written.
///
/// The rows go to a file beside the one asked for, which takes its name in
/// [`finish`](Self::finish). Dropped before that, it leaves nothing behind and whatever had the
/// name before as it was.
pub struct Export {
    path: PathBuf,
    unfinished: Unfinished,
    writer: Writer<Disk>,
    refusal: Refusal,
    rows: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows in the file.
    pub rows: u64,
    /// Length of the file.
    pub bytes: u64,
}

impl Export {
    /// Begins the file.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] if the name ends in no known format, [`Error::Write`] if the system
    /// refuses.
    pub fn create(path: &Path, schema: &SchemaRef) -> Result<Self, Error> {
        let format = Format::of(path)?;
        let refused = |source| Error::Write { path: path.to_owned(), source };
        let (unfinished, file) = Unfinished::create(path).map_err(refused)?;
        let (disk, refusal) = Disk::new(file);
        let writer =
            Writer::new(format, disk, schema).map_err(|source| failed(path, source, &refusal))?;
        Ok(Export { path: path.to_owned(), unfinished, writer, refusal, rows: 0 })
    }

    /// Appends the rows of one batch.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] if the system refuses, as for a full disk; [`Error::Rows`] if the format
    /// cannot hold the rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|source| failed(&self.path, source, &self.refusal))
    }

    /// Ends the file, makes sure that it is on the disk, and gives it its name.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] or [`Error::Write`]; the name is then as it was before.
    pub fn finish(self) -> Result<Written, Error> {
        let Export { path, unfinished, writer, refusal, rows } = self;
        let file = writer.finish().map_err(|source| failed(&path, source, &refusal))?.into_file();
        let refused = |source| Error::Write { path: path.clone(), source };
        let bytes = unfinished.named(&path, &file).map_err(refused)?;
        Ok(Written { rows, bytes })
    }
}

/// What the system refused explains more than what the writer made of it.
fn failed(path: &Path, source: BoxError, refusal: &Refusal) -> Error {
    match refusal.take() {
        Some(source) => Error::Write { path: path.to_owned(), source },
        None => Error::Rows { path: path.to_owned(), source },
    }
}
