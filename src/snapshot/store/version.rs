//! One stored version.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use super::Stored;
use super::place::Entry;
use crate::catalog::Filter;
use deltalake::DeltaTableError;

use crate::limits::snapshot as limits;
use crate::snapshot::rows::{self, Bounds, Files};
use crate::snapshot::{DataFile, Error, ROW_HASH, Record};

/// A version of a table, as it was stored. It does not change and does not expire while this or a
/// read of it lives; cloning it is cheap.
#[derive(Clone)]
pub struct Snapshot {
    place: Stored,
    entry: Arc<Entry>,
    files: Files,
    schema: SchemaRef,
}

impl Snapshot {
    pub(super) fn new(place: Stored, entry: Entry, files: Files, schema: SchemaRef) -> Self {
        Snapshot { place, entry: Arc::new(entry), files, schema }
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.entry.version
    }

    /// When it was committed.
    pub fn committed(&self) -> DateTime<Utc> {
        self.entry.committed
    }

    /// The load that made it.
    pub fn record(&self) -> &Record {
        &self.entry.record
    }

    /// `connection/table`.
    pub fn table(&self) -> &str {
        self.place.name()
    }

    /// Its rows.
    pub fn rows(&self) -> u64 {
        self.entry.record.rows
    }

    /// The length of its files.
    pub fn bytes(&self) -> u64 {
        self.files.list().iter().map(|file| file.bytes).sum()
    }

    /// Whether it has a column of this name; hashes are none.
    pub fn has(&self, column: &str) -> bool {
        column != ROW_HASH && self.schema.field_with_name(column).is_ok()
    }

    /// Its files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Its columns as they are stored, hashes included.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether its columns and files are those that its load wrote, as far as that said so.
    pub(super) fn is_as_sealed(&self) -> Result<bool, DeltaTableError> {
        let seal = self.entry.seal.as_ref();
        seal.map_or(Ok(true), |seal| seal.is_of(&self.schema, self.files.list()))
    }

    /// In how many parts it can be read side by side, at least 1; each holds whole files.
    pub fn parts(&self) -> u32 {
        let files = self.files.list().len().clamp(1, limits::PARTS_MAX);
        u32::try_from(files).unwrap_or(1)
    }

    /// The rows of one of its [`parts`](Self::parts), or all.
    pub fn rows_of(&self, part: Option<u32>) -> u64 {
        match part {
            Some(_) => self.files_of(part).iter().map(|file| file.rows).sum(),
            None => self.rows(),
        }
    }

    /// The files of one of its [`parts`](Self::parts), or all, in the order of their rows.
    pub fn files_of(&self, part: Option<u32>) -> &[DataFile] {
        self.files.list().get(self.chosen(part)).unwrap_or_default()
    }

    /// What its files say of the values of a column, which is announced with the type `of`.
    ///
    /// # Errors
    ///
    /// [`Error::File`] of a file that cannot be read.
    pub async fn bounds(&self, column: &str, of: &DataType) -> Result<Bounds, Error> {
        self.files.bounds(column, of).await
    }

    /// Its rows, or those of one of its [`parts`](Self::parts), in the order of the key, as batches
    /// of `schema`. Columns that are not stored are null; rows that `filter` does not let through
    /// may be left out.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a file cannot be read; the stream ends then.
    pub fn read(
        &self,
        schema: SchemaRef,
        part: Option<u32>,
        filter: Option<Filter>,
    ) -> BoxStream<'static, Result<RecordBatch, Error>> {
        rows::ahead(self.files.read(self.chosen(part), schema, filter))
    }

    /// Which of its files a part has.
    fn chosen(&self, part: Option<u32>) -> Range<usize> {
        let files = self.files.list().len();
        let Some(part) = part else { return 0..files };
        let (part, parts) = (part as usize, self.parts() as usize);
        (files * part / parts)..(files * (part + 1) / parts)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("table", &self.table())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
