//! Rows out of Parquet files of the store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector,
};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::schema::types::SchemaDescriptor;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::Batches;
use super::lanes::{abreast, lanes};
use super::object::Object;
use super::shape::conform;
use super::sift;
use crate::catalog::Filter;
use crate::limits::snapshot as limits;
use crate::snapshot::store::Lease;
use crate::snapshot::{DataFile, Error};

/// Files whose rows are counted as one table, in the order of their names.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    files: Arc<[DataFile]>,
    /// Where pages are in the file from which rows were picked last: reading that costs more than
    /// picking a few rows does.
    picked: Arc<Mutex<Option<(String, ArrowReaderMetadata)>>>,
    /// Keeps them from being removed while they are read.
    lease: Option<Lease>,
}

impl Files {
    /// The files of one version, in the order of their keys.
    pub fn new(store: Arc<dyn ObjectStore>, files: Vec<DataFile>) -> Self {
        Files { store, files: files.into(), picked: Arc::default(), lease: None }
    }

    /// The same, kept while these or a read of them live.
    pub fn held(self, lease: Option<Lease>) -> Self {
        Files { lease, ..self }
    }

    /// The files.
    pub fn list(&self) -> &[DataFile] {
        &self.files
    }

    /// Where they are.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The rows of the files at these places, as batches of `schema`: columns that a file has not
    /// are null. Rows that `filter` does not let through may be left out.
    pub fn read(&self, files: Range<usize>, schema: SchemaRef, filter: Option<Filter>) -> Batches {
        let chosen: Vec<DataFile> = self.files.get(files).unwrap_or_default().to_vec();
        let (store, lease) = (self.store.clone(), self.lease.clone());
        stream::iter(chosen)
            .then(move |file| all(store.clone(), file, schema.clone(), filter.clone()))
            .try_flatten()
            .inspect(move |_| {
                let _held = &lease;
            })
            .boxed()
    }

    /// The rows at these positions, counted through all files and in rising order, as batches of
    /// `schema`.
    pub fn pick(&self, positions: &[u64], schema: SchemaRef) -> Batches {
        let mut wanted = Vec::new();
        let mut start = 0;
        for file in self.files.iter() {
            let end = start + file.rows;
            let here = positions.partition_point(|at| *at < start)
                ..positions.partition_point(|at| *at < end);
            for rows in positions[here].chunks(limits::PICKED_ROWS) {
                let rows: Vec<u64> = rows.iter().map(|at| at - start).collect();
                wanted.push((file.clone(), rows));
            }
            start = end;
        }
        let files = self.clone();
        stream::iter(wanted)
            .map(move |(file, rows)| {
                let (files, schema) = (files.clone(), schema.clone());
                let some = async move { files.some(file, rows, schema).await };
                AbortOnDropHandle::new(tokio::spawn(some))
            })
            .buffered(limits::PICKS_AT_ONCE)
            .map(|picked| picked.map_err(Error::Died)?)
            .map_ok(|batches| stream::iter(batches).map(Ok))
            .try_flatten()
            .boxed()
    }

    /// The rows of one file at these positions.
    async fn some(
        &self,
        file: DataFile,
        rows: Vec<u64>,
        schema: SchemaRef,
    ) -> Result<Vec<RecordBatch>, Error> {
        let metadata = self.pages(&file).await?;
        let object = Object::new(&self.store, &file);
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(object, metadata)
            .with_row_selection(selection(&rows, file.rows));
        let columns = wanted(builder.parquet_schema(), &schema);
        conformed(read(builder, &file, columns)?, schema).try_collect().await
    }

    /// Where pages are in this file.
    async fn pages(&self, file: &DataFile) -> Result<ArrowReaderMetadata, Error> {
        let mut picked = self.picked.lock().await;
        if let Some((path, metadata)) = &*picked
            && *path == file.path
        {
            return Ok(metadata.clone());
        }
        let mut object = Object::new(&self.store, file);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load_async(&mut object, options).await;
        let metadata = metadata.map_err(|source| failed(file, source))?;
        *picked = Some((file.path.clone(), metadata.clone()));
        Ok(metadata)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Files").field(&self.files).finish()
    }
}

/// How many rows the file says it has.
pub async fn count(store: &Arc<dyn ObjectStore>, file: &DataFile) -> Result<u64, Error> {
    let mut reader = Object::new(store, file);
    let metadata = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new()).await;
    let metadata = metadata.map_err(|source| failed(file, source))?;
    Ok(u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// The rows of a file, as batches of `schema`.
async fn all(
    store: Arc<dyn ObjectStore>,
    file: DataFile,
    schema: SchemaRef,
    filter: Option<Filter>,
) -> Result<Batches, Error> {
    let mut object = Object::new(&store, &file);
    let metadata = ArrowReaderMetadata::load_async(&mut object, ArrowReaderOptions::new()).await;
    let metadata = metadata.map_err(|source| failed(&file, source))?;
    let builder =
        || ParquetRecordBatchStreamBuilder::new_with_metadata(object.clone(), metadata.clone());
    let Some(filter) = filter else {
        let lanes = lanes(metadata.metadata(), wanted(metadata.parquet_schema(), &schema));
        let lanes = lanes.into_iter().map(|columns| read(builder(), &file, columns));
        return Ok(conformed(abreast(lanes.collect::<Result<_, _>>()?), schema));
    };
    let parquet = (metadata.metadata().row_groups(), metadata.parquet_schema());
    let groups = sift::groups(&filter, parquet.0, metadata.schema(), parquet.1);
    let rows = sift::rows(&filter, parquet.1);
    let builder = builder().with_row_groups(groups).with_row_filter(rows);
    let columns = wanted(builder.parquet_schema(), &schema);
    Ok(conformed(read(builder, &file, columns)?, schema))
}

/// Which columns of a file `schema` has too.
fn wanted(stored: &SchemaDescriptor, schema: &Schema) -> Vec<usize> {
    let fields = stored.root_schema().get_fields().iter().enumerate();
    fields
        .filter(|(_, field)| schema.field_with_name(field.name()).is_ok())
        .map(|(at, _)| at)
        .collect()
}

/// What the reader gives of these columns.
fn read(
    builder: ParquetRecordBatchStreamBuilder<Object>,
    file: &DataFile,
    columns: Vec<usize>,
) -> Result<Batches, Error> {
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
    let builder = builder.with_projection(mask).with_batch_size(batch_rows(file));
    let batches = builder.build().map_err(|source| failed(file, source))?;
    let file = file.clone();
    Ok(batches.map_err(move |source| failed(&file, source)).boxed())
}

/// The same as batches of `schema`.
fn conformed(batches: Batches, schema: SchemaRef) -> Batches {
    let conformed = batches.map(move |batch| {
        conform(&batch?, &schema)
            .map_err(|source| Error::Shape { action: "read stored rows", source })
    });
    conformed.boxed()
}

/// Rows of a batch: of wide tables fewer, so that none is much larger than another.
fn batch_rows(file: &DataFile) -> usize {
    let fit = limits::BATCH_BYTES as u64 / bytes_a_row(file.bytes, file.rows);
    fit.clamp(64, limits::BATCH_ROWS) as usize
}

/// What a row takes in memory, at least 1, of files of so many bytes and rows.
pub fn bytes_a_row(bytes: u64, rows: u64) -> u64 {
    // Arrow takes about six times what zstd leaves of it.
    bytes.saturating_mul(6).checked_div(rows).unwrap_or(0).max(1)
}

fn selection(rows: &[u64], total: u64) -> RowSelection {
    let mut selectors = Vec::with_capacity(rows.len() * 2 + 1);
    let mut at = 0;
    for row in rows {
        if *row > at {
            selectors.push(RowSelector::skip((row - at) as usize));
        }
        selectors.push(RowSelector::select(1));
        at = row + 1;
    }
    if total > at {
        selectors.push(RowSelector::skip((total - at) as usize));
    }
    RowSelection::from(selectors)
}

pub(super) fn failed(file: &DataFile, source: ParquetError) -> Error {
    Error::File { action: "read", path: file.path.clone(), source }
}
