//! The walk over two versions in the store.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::stream::{BoxStream, StreamExt as _};

use super::merge::{self, Change, Need};
use crate::catalog::{Column, Table};
use crate::limits::snapshot as limits;
use crate::snapshot::rows::{self, Files, hash};
use crate::snapshot::{Error, ROW_HASH};

/// One of two versions that are compared.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its files.
    pub files: Files,
    /// How its rows were hashed, as [`hash::scheme`] names it.
    pub hashing: String,
}

/// The keys and hashes of a version, read ahead in a task of its own.
struct Keys {
    side: merge::Side,
    batches: BoxStream<'static, Result<RecordBatch, Error>>,
    path: String,
}

/// Two versions on the way to their ends.
pub struct Walk {
    old: Keys,
    new: Keys,
    /// Rows found unchanged so far.
    pub unchanged: u64,
    ended: bool,
}

impl Walk {
    /// Begins at the first keys of both.
    pub fn begin(old: &Version, new: &Version, table: &Table) -> Self {
        // Hashes of one way can be compared; else all values are read and hashed in today's way.
        let stored = old.hashing == new.hashing;
        Walk {
            old: Keys::read(&old.files, table, stored),
            new: Keys::read(&new.files, table, stored),
            unchanged: 0,
            ended: false,
        }
    }

    /// The next changes in the order of the key, at most as many as
    /// [`limits::CHANGES_AT_ONCE`]; none at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Unsorted`], and what reading meets.
    pub async fn next(&mut self) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        while !self.ended {
            let (old, new) = (&mut self.old.side, &mut self.new.side);
            let (need, unchanged) = merge::walk(old, new, &mut changes, limits::CHANGES_AT_ONCE);
            self.unchanged += unchanged;
            match need {
                Need::Old => self.old.go_on().await?,
                Need::New => self.new.go_on().await?,
                Need::Room => break,
                Need::Nothing => self.ended = true,
            }
        }
        Ok(changes)
    }
}

impl Keys {
    fn read(files: &Files, table: &Table, stored: bool) -> Self {
        let batches = if stored {
            files.read(0..files.list().len(), key_schema(table), None)
        } else {
            hashed(files, table)
        };
        let path = files.list().first().map(|file| file.path.clone()).unwrap_or_default();
        Keys { side: merge::Side::default(), batches: rows::ahead(batches), path }
    }

    async fn go_on(&mut self) -> Result<(), Error> {
        match self.batches.next().await {
            None => self.side.end(),
            Some(batch) => {
                let unsorted = |merge::Unsorted| Error::Unsorted { path: self.path.clone() };
                self.side.push(&batch?).map_err(unsorted)?;
            }
        }
        Ok(())
    }
}

fn key_schema(table: &Table) -> SchemaRef {
    let keys = table.key.iter().map(|name| Field::new(&**name, DataType::Utf8, true));
    let hash = Field::new(ROW_HASH, DataType::Binary, true);
    Arc::new(Schema::new(keys.chain([hash]).collect::<Vec<_>>()))
}

/// All columns of a table that a version may hold.
pub fn columns(table: &Table) -> Vec<Column> {
    table.columns.iter().filter(|column| !column.on_request).cloned().collect()
}

/// The keys, and hashes made of the values.
fn hashed(files: &Files, table: &Table) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let columns = columns(table);
    let fields: Vec<_> = columns.iter().map(Column::field).collect();
    let (keys, key) = (key_schema(table), table.key.clone());
    let batches = files.read(0..files.list().len(), Arc::new(Schema::new(fields)), None);
    let with_hashes = move |batch: RecordBatch| {
        let hashes = hash::rows(&columns, batch.columns(), batch.num_rows())?;
        let mut arrays: Vec<_> =
            key.iter().filter_map(|name| batch.column_by_name(name).cloned()).collect();
        arrays.push(hash::column(&hashes));
        RecordBatch::try_new(keys.clone(), arrays)
    };
    let shaped = move |batch: Result<RecordBatch, Error>| {
        with_hashes(batch?).map_err(|source| Error::Shape { action: "hash stored rows", source })
    };
    batches.map(shaped).boxed()
}
