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

/// Files of rows in the order of their key, with hashes: one of two versions that are compared.
#[derive(Clone, Debug)]
pub struct KeyedFiles {
    /// Its files.
    pub files: Files,
    /// How its rows were hashed, as [`hash::scheme`] names it.
    pub hashing: String,
    /// The columns that they are sorted by.
    pub key: Vec<String>,
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
    /// Changes that are given in one go.
    most: usize,
    ended: bool,
}

impl Walk {
    /// Begins at the first keys of both.
    ///
    /// # Errors
    ///
    /// [`Error::KeyChanged`].
    pub fn begin(old: &KeyedFiles, new: &KeyedFiles, table: &Table) -> Result<Self, Error> {
        old.are_told_apart_by(&new.key, table)?;
        let keys = |version: &KeyedFiles| Keys::read(version, table, version.is_of(table));
        Ok(Walk::of(keys(old), keys(new), at_once(old).min(at_once(new))))
    }

    /// Begins with the hashes that a version has and those that its values have now, between which
    /// nothing changes in a sound one.
    pub fn proof(version: &KeyedFiles, table: &Table) -> Self {
        // Of values that were hashed in another way nothing can be said.
        let again = Keys::read(version, table, !version.is_of(table));
        Walk::of(Keys::read(version, table, true), again, at_once(version))
    }

    fn of(old: Keys, new: Keys, most: usize) -> Self {
        Walk { old, new, unchanged: 0, most, ended: false }
    }

    /// The next changes in the order of the key, not too many to hold their rows; none at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Unsorted`], and what reading meets.
    pub async fn next(&mut self) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        while !self.ended {
            let (old, new) = (&mut self.old.side, &mut self.new.side);
            let (need, unchanged) = merge::walk(old, new, &mut changes, self.most);
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

impl KeyedFiles {
    /// Whether the rows can be compared with ones that the table has today.
    ///
    /// # Errors
    ///
    /// [`Error::KeyChanged`].
    pub fn are_told_apart_as(&self, table: &Table) -> Result<(), Error> {
        let key: Vec<String> = table.key.iter().map(ToString::to_string).collect();
        self.are_told_apart_by(&key, table)
    }

    fn are_told_apart_by(&self, key: &[String], table: &Table) -> Result<(), Error> {
        if self.key == key {
            return Ok(());
        }
        Err(Error::KeyChanged {
            table: table.name.to_string(),
            old: self.key.join(", "),
            new: key.join(", "),
        })
    }

    /// Whether the hashes that are stored are those that the table's rows have today.
    fn is_of(&self, table: &Table) -> bool {
        self.hashing == hash::scheme(&table.columns)
    }
}

/// How many changes of such rows can be held at once.
fn at_once(version: &KeyedFiles) -> usize {
    let files = version.files.list();
    let (bytes, rows) =
        files.iter().fold((0, 0), |(bytes, rows), file| (bytes + file.bytes, rows + file.rows));
    let fit = limits::CHANGES_BYTES / rows::bytes_a_row(bytes, rows);
    usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, limits::CHANGES_AT_ONCE)
}

impl Keys {
    /// With the hashes that are stored, or made of the values in today's way.
    fn read(version: &KeyedFiles, table: &Table, stored: bool) -> Self {
        let files = &version.files;
        let batches = if stored {
            files.read(0..files.list().len(), key_schema(&version.key), None)
        } else {
            hashed(version, table)
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

fn key_schema(key: &[String]) -> SchemaRef {
    let keys = key.iter().map(|name| Field::new(name, DataType::Utf8, true));
    let hash = Field::new(ROW_HASH, DataType::Binary, true);
    Arc::new(Schema::new(keys.chain([hash]).collect::<Vec<_>>()))
}

/// All columns of a table that a version may hold.
pub fn columns(table: &Table) -> Vec<Column> {
    table.columns.iter().filter(|column| !column.on_request).cloned().collect()
}

/// The keys, and hashes made of the values.
fn hashed(version: &KeyedFiles, table: &Table) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let KeyedFiles { files, key, .. } = version.clone();
    let (columns, keys) = (columns(table), key_schema(&key));
    let mut fields: Vec<_> = columns.iter().map(Column::field).collect();
    let gone = |name: &&String| columns.iter().all(|column| *column.name != ***name);
    let gone = key.iter().filter(gone).filter_map(|name| keys.field_with_name(name).ok());
    fields.extend(gone.cloned().map(Arc::new).collect::<Vec<_>>());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::{KeyedFiles, at_once, limits};
    use crate::snapshot::DataFile;
    use crate::snapshot::rows::Files;

    #[test]
    fn of_larger_rows_fewer_changes_are_held_and_one_always_is() {
        let held = |bytes: u64, rows: u64| {
            let file = DataFile {
                path: "load-1.parquet".to_owned(),
                bytes,
                rows,
                stats: None,
                digests: None,
            };
            let files = Files::new(Arc::new(InMemory::new()), vec![file.clone(), file]);
            at_once(&KeyedFiles { files, hashing: String::new(), key: Vec::new() })
        };
        assert_eq!(held(200 << 20, 1 << 20), limits::CHANGES_AT_ONCE);
        assert_eq!(held(0, 0), limits::CHANGES_AT_ONCE);
        assert_eq!(held(8 << 20, 1 << 10) as u64, limits::CHANGES_BYTES / (6 * (8 << 10)));
        assert_eq!(held(1 << 40, 10), 1);
    }
}
