//! A file of the store as the Parquet reader wants it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::limits::snapshot as limits;
use crate::snapshot::DataFile;
use crate::snapshot::digests::Digests;

/// Reads ranges of one file.
#[derive(Clone, Debug)]
pub struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
    digests: Option<Digests>,
}

impl Object {
    /// A file whose length is known from the log.
    pub fn new(store: &Arc<dyn ObjectStore>, file: &DataFile) -> Self {
        let (path, digests) = (Path::from(file.path.as_str()), file.digests.clone());
        Object { store: store.clone(), path, bytes: file.bytes, digests }
    }

    /// The bytes at these places, proved by their digests where there are some.
    async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(digests) = &self.digests else {
            return self.store.get_ranges(&self.path, ranges).await.map_err(told);
        };
        let around: Vec<_> =
            ranges.iter().map(|range| Digests::around(range, self.bytes)).collect();
        let blocks = self.store.get_ranges(&self.path, &around).await.map_err(told)?;
        let found = blocks.iter().zip(ranges).zip(&around).map(|((blocks, range), around)| {
            if !digests.prove(around.start, blocks) {
                let (from, to) = (around.start, around.end);
                let what = format!("its bytes {from} to {to} are not those that were written");
                return Err(ParquetError::General(what));
            }
            let at = |place: u64| usize::try_from(place - around.start).unwrap_or(usize::MAX);
            Ok(blocks.slice(at(range.start)..at(range.end)))
        });
        found.collect()
    }
}

fn told(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Object {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        Box::pin(async move { Ok(self.read(&[range]).await?.pop().unwrap_or_default()) })
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        Box::pin(async move { self.read(&ranges).await })
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        Box::pin(async move {
            let bytes = self.bytes;
            let found = self.store.head(&self.path).await.map_err(told)?.size;
            if found != bytes {
                let what = format!("it has {found} bytes in place of {bytes}");
                return Err(ParquetError::General(what));
            }
            let reader = ParquetMetaDataReader::new()
                .with_arrow_reader_options(options)
                .with_prefetch_hint(Some(limits::FOOTER_BYTES));
            reader.load_and_finish(self, bytes).await.map(Arc::new)
        })
    }
}
