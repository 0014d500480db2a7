//! Rows in each of the formats.

use std::io::{BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use arrow::json::LineDelimitedWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Format, csv};
use crate::limits;

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Writes rows in one format.
pub enum Writer<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Arrow(Box<FileWriter<BufWriter<W>>>),
    Csv(Box<arrow::csv::Writer<BufWriter<W>>>, SchemaRef),
    Jsonl(Box<LineDelimitedWriter<BufWriter<W>>>),
}

impl<W: Write + Send + 'static> Writer<W> {
    pub fn new(format: Format, file: W, schema: &SchemaRef) -> Result<Self, BoxError> {
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

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
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

    pub fn finish(self) -> Result<W, BoxError> {
        let flushed = |mut buffer: BufWriter<W>| -> Result<W, BoxError> {
            buffer.flush()?;
            Ok(buffer.into_inner().map_err(std::io::IntoInnerError::into_error)?)
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
