//! One answer into one file.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use arrow::json::LineDelimitedWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::disk::{Disk, Refusal};
use super::unfinished::Unfinished;
use super::{Error, Format, csv};
use crate::limits;

/// A file being written.
///
/// The rows go to a file beside the one asked for, which takes its name in
/// [`finish`](Self::finish). Dropped before that, it leaves nothing behind and whatever had the
/// name before as it was.
pub struct Export {
    path: PathBuf,
    unfinished: Unfinished,
    writer: Writer,
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

enum Writer {
    Parquet(Box<ArrowWriter<Disk>>),
    Arrow(Box<FileWriter<BufWriter<Disk>>>),
    Csv(Box<arrow::csv::Writer<BufWriter<Disk>>>, SchemaRef),
    Jsonl(Box<LineDelimitedWriter<BufWriter<Disk>>>),
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

impl Writer {
    fn new(format: Format, file: Disk, schema: &SchemaRef) -> Result<Self, BoxError> {
        Ok(match format {
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
                    .set_max_row_group_row_count(Some(limits::snapshot::ROW_GROUP_ROWS))
                    .build();
                Writer::Parquet(Box::new(ArrowWriter::try_new(
                    file,
                    schema.clone(),
                    Some(properties),
                )?))
            }
            Format::Arrow => Writer::Arrow(Box::new(FileWriter::try_new_buffered(file, schema)?)),
            Format::Csv => {
                let flat = csv::flat_schema(schema);
                let mut writer = arrow::csv::Writer::new(BufWriter::new(file));
                // The header comes with the first batch, and a table may have no rows.
                writer.write(&RecordBatch::new_empty(flat.clone()))?;
                Writer::Csv(Box::new(writer), flat)
            }
            Format::Jsonl => {
                Writer::Jsonl(Box::new(LineDelimitedWriter::new(BufWriter::new(file))))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        match self {
            Writer::Parquet(writer) => {
                writer.write(batch)?;
                // The writer holds a row group in memory; wide tables reach the bound in bytes
                // long before the one in rows.
                if writer.in_progress_size() > limits::snapshot::ROW_GROUP_BYTES {
                    writer.flush()?;
                }
            }
            Writer::Arrow(writer) => writer.write(batch)?,
            Writer::Csv(writer, flat) => writer.write(&csv::flatten(batch, flat)?)?,
            Writer::Jsonl(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Disk, BoxError> {
        let flushed = |mut buffer: BufWriter<Disk>| -> Result<Disk, BoxError> {
            buffer.flush()?;
            Ok(buffer.into_inner()?)
        };
        match self {
            Writer::Parquet(writer) => Ok(writer.into_inner()?),
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                flushed(writer.into_inner()?)
            }
            Writer::Csv(writer, _) => flushed(writer.into_inner()),
            Writer::Jsonl(mut writer) => {
                writer.finish()?;
                flushed(writer.into_inner())
            }
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
