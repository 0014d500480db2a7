//! Rows into Parquet files of the store.

use std::sync::Arc;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::json;

use super::leaves::leaves;
use super::read;
use crate::limits::snapshot as limits;
use crate::snapshot::{DataFile, Error, ROW_HASH};

/// Writes rows, in the order given, into as many files as they need.
///
/// Files carry the name of the load, so that no two loads meet and those of a load that failed can
/// be told from those that a version holds.
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    /// What the names of the files begin with.
    prefix: String,
    schema: SchemaRef,
    /// The column whose smallest and greatest value is noted for each file.
    sorted_by: Option<usize>,
    open: Option<Open>,
    files: Vec<DataFile>,
    rows: u64,
}

struct Open {
    path: String,
    writer: AsyncArrowWriter<BufWriter>,
    rows: u64,
    first: Option<String>,
    last: Option<String>,
}

impl Writer {
    /// Writes files whose names begin with `prefix`, such as `load-0193…`; rows come in the order
    /// of the text column `sorted_by`, if there is one.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: String,
        schema: SchemaRef,
        sorted_by: Option<usize>,
    ) -> Self {
        Writer { store, prefix, schema, sorted_by, open: None, files: Vec::new(), rows: 0 }
    }

    /// Appends the rows of a batch of the schema.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the store refuses.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        if self.open.is_none() {
            self.open = Some(self.begin(batch)?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(column) = self.sorted_by {
            let keys = batch.column(column).as_string_opt::<i32>();
            let key = |row: usize| {
                keys.filter(|keys| row < keys.len() && keys.is_valid(row))
                    .map(|keys| keys.value(row).to_owned())
            };
            open.first = open.first.take().or_else(|| key(0));
            open.last = key(batch.num_rows().saturating_sub(1)).or(open.last.take());
        }
        open.writer.write(batch).await.map_err(|source| failed(&open.path, source))?;
        open.rows += batch.num_rows() as u64;
        self.rows += batch.num_rows() as u64;
        if open.writer.in_progress_size() > limits::ROW_GROUP_BYTES {
            open.writer.flush().await.map_err(|source| failed(&open.path, source))?;
        }
        let full = open.writer.bytes_written() + open.writer.in_progress_size()
            >= limits::FILE_BYTES
            || open.rows >= limits::FILE_ROWS;
        if full { self.close().await } else { Ok(()) }
    }

    /// Ends the last file and counts what is in all of them.
    ///
    /// # Errors
    ///
    /// [`Error::File`], and [`Error::Miscounted`] if the files do not hold the rows written.
    pub async fn finish(mut self, table: &str) -> Result<Vec<DataFile>, Error> {
        self.close().await?;
        let mut found = 0;
        for file in &self.files {
            found += read::count(&self.store, file).await?;
        }
        if found != self.rows {
            return Err(Error::Miscounted { table: table.to_owned(), written: self.rows, found });
        }
        Ok(self.files)
    }

    /// Opens a file for rows like these.
    fn begin(&self, sample: &RecordBatch) -> Result<Open, Error> {
        let path = format!("{}-{:05}.parquet", self.prefix, self.files.len());
        let path_in_store = Path::from(path.as_str());
        let object =
            BufWriter::with_capacity(self.store.clone(), path_in_store, limits::PART_BYTES)
                .with_max_concurrency(limits::PARTS_AT_ONCE);
        let properties = properties(sample).map_err(|source| failed(&path, source))?;
        let writer = AsyncArrowWriter::try_new(object, self.schema.clone(), Some(properties))
            .map_err(|source| failed(&path, source))?;
        Ok(Open { path, writer, rows: 0, first: None, last: None })
    }

    async fn close(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let Open { path, writer, rows, first, last } = open;
        writer.close().await.map_err(|source| failed(&path, source))?;
        let head = self.store.head(&Path::from(path.as_str())).await;
        let bytes = head
            .map_err(|source| Error::Store { action: "look at", path: path.clone(), source })?
            .size;
        let column = self.sorted_by.map(|column| self.schema.field(column).name().clone());
        let stats = match (column, first, last) {
            (Some(column), Some(first), Some(last)) => json!({
                "numRecords": rows,
                "minValues": { &column: first },
                "maxValues": { &column: last },
                "nullCount": { &column: 0 },
            }),
            _ => json!({ "numRecords": rows }),
        };
        self.files.push(DataFile { path, bytes, rows, stats: Some(stats.to_string()) });
        Ok(())
    }
}

/// zstd(1), and dictionaries only where they save something: measured on users, those of all columns
/// cost half of the speed.
fn properties(sample: &RecordBatch) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(Some(limits::STATISTIC_BYTES))
        .set_column_index_truncate_length(Some(limits::STATISTIC_BYTES))
        .set_max_row_group_row_count(Some(limits::ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(limits::PAGE_ROWS)
        .set_data_page_size_limit(limits::PAGE_BYTES)
        // Hashes are as long as each other and never repeat: their lengths apart take nothing, and what
        // is left cannot be made smaller.
        .set_column_encoding(ColumnPath::from(ROW_HASH), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        .set_column_compression(ColumnPath::from(ROW_HASH), Compression::UNCOMPRESSED);
    for leaf in leaves(sample)? {
        if leaf.in_list {
            let none = EnabledStatistics::None;
            properties = properties.set_column_statistics_enabled(leaf.path.clone(), none);
        }
        if leaf.repeats {
            properties = properties.set_column_dictionary_enabled(leaf.path, true);
        }
    }
    Ok(properties.build())
}

fn failed(path: &str, source: ParquetError) -> Error {
    Error::File { action: "write", path: path.to_owned(), source }
}
