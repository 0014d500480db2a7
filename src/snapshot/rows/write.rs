//! Rows into Parquet files of the store.

use std::mem;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory};
use parquet::arrow::async_writer::AsyncFileWriter as _;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::columns::Columns;
use super::crew::Crew;
use super::group::Group;
use super::leaves::leaves;
use super::read;
use super::statistics::FileStatistics;
use crate::limits::snapshot as limits;
use crate::snapshot::digests::{Digester, Digests};
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
    /// Who encodes, once there is something to encode.
    crew: Option<Crew>,
    open: Option<Open>,
    files: Vec<DataFile>,
    rows: u64,
}

/// A file that is being written.
struct Open {
    path: String,
    columns: SchemaDescriptor,
    groups: ArrowRowGroupWriterFactory,
    /// The row group under way.
    group: Option<Group>,
    /// Bytes of those before.
    bytes: u64,
    rows: u64,
    statistics: FileStatistics,
    /// Gives what row groups have become to the store. It stands before `hand`, whose end tells it that
    /// the file is whole: of a load that is given up it goes first.
    put: AbortOnDropHandle<Result<Digests, Error>>,
    hand: mpsc::Sender<Vec<ArrowColumnChunk>>,
}

impl Writer {
    /// Writes files whose names begin with `prefix`, such as `load-0193…`.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: String, schema: SchemaRef) -> Self {
        let (crew, open, files) = (None, None, Vec::new());
        Writer { store, prefix, schema, crew, open, files, rows: 0 }
    }

    /// Appends rows of the schema, whose texts may be given as bytes.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the store refuses, [`Error::Shape`] if a column cannot be made.
    pub async fn write(&mut self, mut rows: Arc<dyn Columns>) -> Result<(), Error> {
        if rows.rows() == 0 {
            return Ok(());
        }
        if self.open.is_none() {
            let batch = whole(rows.as_ref(), &self.schema)
                .map_err(|source| Error::Shape { action: "write rows", source })?;
            self.open = Some(self.begin(&batch)?);
            rows = Arc::new(batch);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let count = rows.rows() as u64;
        let crew = match &mut self.crew {
            Some(crew) => crew,
            none => none.insert(Crew::new(self.schema.fields().len())),
        };
        let size = open.write(rows, crew).await?;
        open.rows += count;
        self.rows += count;
        let full = open.bytes + size as u64 >= limits::FILE_BYTES || open.rows >= limits::FILE_ROWS;
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
    fn begin(&self, batch: &RecordBatch) -> Result<Open, Error> {
        let path = format!("{}-{:05}.parquet", self.prefix, self.files.len());
        let path_in_store = Path::from(path.as_str());
        let object =
            BufWriter::with_capacity(self.store.clone(), path_in_store, limits::PART_BYTES)
                .with_max_concurrency(limits::PARTS_AT_ONCE);
        let sample = batch.slice(0, batch.num_rows().min(limits::SAMPLE_ROWS));
        let opened = properties(&sample)
            .and_then(|properties| {
                ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties))
            })
            .and_then(ArrowWriter::into_serialized_writer);
        let (file, groups) = opened.map_err(|source| failed(&path, source))?;
        let columns = file.schema_descr().clone();
        let (hand, taken) = mpsc::channel(limits::GROUPS_AHEAD);
        let put = AbortOnDropHandle::new(tokio::spawn(put(path.clone(), file, object, taken)));
        let statistics = FileStatistics::new(&self.schema);
        let (group, bytes, rows) = (None, 0, 0);
        Ok(Open { path, columns, groups, group, bytes, rows, statistics, hand, put })
    }

    async fn close(&mut self) -> Result<(), Error> {
        let (Some(mut open), Some(crew)) = (self.open.take(), &mut self.crew) else {
            return Ok(());
        };
        open.end_group(crew).await?;
        let Open { path, rows, statistics, hand, put, .. } = open;
        drop(hand);
        let digests = Some(put.await.map_err(Error::Died)??);
        let head = self.store.head(&Path::from(path.as_str())).await;
        let bytes = head
            .map_err(|source| Error::Store { action: "look at", path: path.clone(), source })?
            .size;
        let stats = Some(statistics.to_json(rows).to_string());
        self.files.push(DataFile { path, bytes, rows, stats, digests });
        Ok(())
    }
}

impl Open {
    /// Appends rows and says about how many bytes the row group under way has.
    async fn write(&mut self, rows: Arc<dyn Columns>, crew: &mut Crew) -> Result<usize, Error> {
        if self.group.is_none() {
            // Only encryption asks which one it is.
            let writers = self.groups.create_column_writers(0);
            let writers = writers.map_err(|source| failed(&self.path, source))?;
            self.group = Some(Group::new(&self.path, &self.columns, writers));
        }
        let Some(group) = &mut self.group else { return Ok(0) };
        let size = group.write(rows, crew).await?;
        let rows = group.rows();
        if size < limits::ROW_GROUP_BYTES && rows < limits::ROW_GROUP_ROWS {
            return Ok(size);
        }
        self.end_group(crew).await?;
        Ok(0)
    }

    /// Ends the row group under way; it is given to the store while the next is encoded.
    async fn end_group(&mut self, crew: &mut Crew) -> Result<(), Error> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let chunks = group.finish(crew).await?;
        for chunk in chunks.iter().map(ArrowColumnChunk::close) {
            self.bytes += chunk.bytes_written;
            self.statistics.add(&chunk.metadata);
        }
        if self.hand.send(chunks).await.is_err() {
            // Whoever takes them ended before, and says why.
            let ended = (&mut self.put).await.map_err(Error::Died)?;
            return Err(ended.err().unwrap_or(Error::Panicked));
        }
        Ok(())
    }
}

/// Gives row groups to the store, and in the end what closes the file; tells the digests of all.
async fn put(
    path: String,
    mut file: SerializedFileWriter<Vec<u8>>,
    mut object: BufWriter,
    mut groups: mpsc::Receiver<Vec<ArrowColumnChunk>>,
) -> Result<Digests, Error> {
    let mut digester = Digester::new();
    let put = async {
        while let Some(chunks) = groups.recv().await {
            let mut group = file.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close()?;
            let bytes = mem::take(file.inner_mut());
            digester.take(&bytes);
            object.write(bytes.into()).await?;
        }
        let bytes = file.into_inner()?;
        digester.take(&bytes);
        object.write(bytes.into()).await?;
        object.complete().await
    };
    put.await.map_err(|source| failed(&path, source))?;
    Ok(digester.finish())
}

/// All of these rows as a batch.
fn whole(rows: &dyn Columns, schema: &Schema) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = (0..rows.columns()).map(|at| rows.column(at)).collect::<Result<Vec<_>, _>>()?;
    let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
        Field::new(field.name(), column.data_type().clone(), field.is_nullable())
    });
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
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

pub(super) fn failed(path: &str, source: ParquetError) -> Error {
    Error::File { action: "write", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray as _, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;
    use futures::TryStreamExt as _;
    use object_store::memory::InMemory;

    use super::Writer;
    use crate::limits::snapshot as limits;
    use crate::snapshot::rows::Files;

    /// Rows from this number on.
    fn rows(first: i64) -> RecordBatch {
        let numbers = first..first + limits::BATCH_ROWS as i64;
        let keys = StringArray::from_iter_values(numbers.clone().map(|it| format!("{it:08}")));
        let squares = Int64Array::from_iter(numbers.map(|it| (it % 3 > 0).then_some(it * it)));
        let columns = [("key", Arc::new(keys) as _), ("square", Arc::new(squares) as _)];
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    #[tokio::test]
    async fn rows_stay_whole_and_in_order_over_row_groups_and_files() {
        let schema = rows(0).schema();
        let store = Arc::new(InMemory::new());
        let mut writer = Writer::new(store.clone(), "load-x".into(), schema.clone());
        let total = limits::FILE_ROWS + 3 * limits::BATCH_ROWS;
        for first in (0..total).step_by(limits::BATCH_ROWS as usize) {
            writer.write(Arc::new(rows(first as i64))).await.expect("room");
        }
        let files = writer.finish("users").await.expect("files");
        let found: Vec<_> = files.iter().map(|it| (&*it.path, it.rows)).collect();
        let rest = total - limits::FILE_ROWS;
        let names = ["load-x-00000.parquet", "load-x-00001.parquet"];
        assert_eq!(found, [(names[0], limits::FILE_ROWS), (names[1], rest)]);
        let ends = files.iter().map(|file| {
            let stats = file.stats.as_deref().expect("statistics");
            let stats: serde_json::Value = serde_json::from_str(stats).expect("JSON");
            [&stats["minValues"]["key"], &stats["maxValues"]["key"]]
                .map(|it| it.as_str().map(str::to_owned))
        });
        let end = |at: u64| Some(format!("{at:08}"));
        let expected =
            [[end(0), end(limits::FILE_ROWS - 1)], [end(limits::FILE_ROWS), end(total - 1)]];
        assert_eq!(ends.collect::<Vec<_>>(), expected);

        let mut read = Files::new(store, files).read(0..2, schema, None);
        let mut next = 0;
        while let Some(batch) = read.try_next().await.expect("rows") {
            let keys = batch.column(0).as_string::<i32>().iter();
            let squares = batch.column(1).as_primitive::<Int64Type>().iter();
            for (key, square) in keys.zip(squares) {
                assert_eq!(key, end(next as u64).as_deref());
                assert_eq!(square, (next % 3 > 0).then_some(next * next));
                next += 1;
            }
        }
        assert_eq!(next, total as i64);
    }
}
