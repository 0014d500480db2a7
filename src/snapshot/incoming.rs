//! Rows on their way into a version.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use futures::stream::{BoxStream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::rows::{self, Room, Shaped, Sorter, Writer, hash};
use super::store::{CHANGES, delta_schema};
use super::{DataFile, Error, ROW_HASH, Stored};
use crate::catalog::{CHANGED_COLUMNS, COMMIT_TIMESTAMP, COMMIT_VERSION};
use crate::catalog::{Column, Table};
use crate::limits::snapshot as limits;

/// Takes the rows of a load as they come and hashes and sorts them.
pub struct Incoming {
    columns: Vec<Column>,
    schema: SchemaRef,
    /// The same, texts being bytes.
    sorted: SchemaRef,
    sorter: Sorter,
}

/// All rows of a load, in the order of their key.
pub struct Sorted {
    schema: SchemaRef,
    rows: rows::Sorted,
}

impl Incoming {
    /// Takes batches of these columns, which are those of `schema`, keyed by `key`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the key is not among them.
    pub fn new(columns: &[Column], key: &[Arc<str>], schema: SchemaRef) -> Result<Self, Error> {
        let key = key.iter().map(|name| schema.index_of(name));
        let key = key
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| Error::Shape { action: "sort rows", source })?;
        let hash = Arc::new(Field::new(ROW_HASH, DataType::Binary, true));
        let fields: Vec<FieldRef> = schema.fields().iter().cloned().chain([hash]).collect();
        let schema = Arc::new(Schema::new(fields));
        let room = Room { bytes: limits::SORT_BYTES, runs: limits::RUNS_MAX };
        let sorted = Arc::new(rows::unread(&schema));
        let sorter = Sorter::new(sorted.clone(), key, room)?;
        Ok(Incoming { columns: columns.to_vec(), schema, sorted, sorter })
    }

    /// Takes a batch. It may take as long as sorting some tens of MiB.
    ///
    /// # Errors
    ///
    /// [`Error::Scratch`] if this machine's disk refuses, [`Error::Shape`] for other columns.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let hashed = |batch: &RecordBatch| {
            let hashes = hash::rows(&self.columns, batch.columns(), batch.num_rows())?;
            let mut columns = batch.columns().to_vec();
            columns.push(hash::column(&hashes));
            rows::conform(&RecordBatch::try_new(self.schema.clone(), columns)?, &self.sorted)
        };
        let misshapen = |source| Error::Shape { action: "hash rows", source };
        self.sorter.push(hashed(batch).map_err(misshapen)?)
    }

    /// Takes all batches of a stream in a thread of its own, and gives their rows once it has ended.
    ///
    /// # Errors
    ///
    /// The first of the stream, and as [`push`](Self::push).
    pub async fn take_all<E: From<Error>>(
        mut self,
        mut batches: BoxStream<'_, Result<RecordBatch, E>>,
    ) -> Result<Sorted, E> {
        let (hand, mut taken) = mpsc::channel::<RecordBatch>(limits::BATCHES_AHEAD);
        let sort = tokio::task::spawn_blocking(move || {
            while let Some(batch) = taken.blocking_recv() {
                self.push(&batch)?;
            }
            self.finish()
        });
        let mut failed = None;
        while let Some(batch) = batches.next().await {
            match batch {
                Ok(batch) => {
                    // Of a sort that has ended its own error is told.
                    if hand.send(batch).await.is_err() {
                        break;
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        drop(hand);
        let sorted = sort.await.map_err(Error::Died)?;
        match failed {
            Some(error) => Err(error),
            None => Ok(sorted?),
        }
    }

    /// All rows taken.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(self) -> Result<Sorted, Error> {
        let Incoming { schema, sorter, .. } = self;
        Ok(Sorted { schema, rows: sorter.finish()? })
    }
}

impl Sorted {
    /// The columns, hashes last.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Rows taken, duplicates among them.
    pub fn rows(&self) -> u64 {
        self.rows.rows()
    }

    /// Writes the rows as files of `load`, with the columns of `schema`: those that the rows have
    /// not are null. Gives the files, and how many rows were left out because a later one has their
    /// key.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Scratch`], and [`Error::Miscounted`] if the files do not hold the
    /// rows.
    pub async fn write(
        self,
        place: &Stored,
        load: &str,
        schema: &SchemaRef,
    ) -> Result<(Vec<DataFile>, u64), Error> {
        let target = Arc::new(delta_schema(schema));
        let writer = Writer::new(place.files().clone(), format!("load-{load}"), target.clone());
        let left_out = self.rows.duplicates();
        let merge = self.rows.merge()?;
        let (from, to) = (rows::unread(&self.schema), rows::unread(&target));
        let table = place.name().to_owned();
        let write = write_merged(merge, writer, Arc::new(from), Arc::new(to), table);
        // Several tables are written side by side, and whoever waits for them is one task.
        let written = AbortOnDropHandle::new(tokio::spawn(write));
        let (files, duplicates) = written.await.map_err(Error::Died)??;
        Ok((files, left_out + duplicates))
    }
}

/// Merges rows of the schema `from` in a thread of its own and writes them as ones of `to`; gives the
/// files and how many rows were left out.
async fn write_merged(
    mut merge: rows::Merge,
    mut writer: Writer,
    from: SchemaRef,
    to: SchemaRef,
    table: String,
) -> Result<(Vec<DataFile>, u64), Error> {
    let (hand, mut taken) = mpsc::channel(limits::BATCHES_AHEAD);
    let merge = tokio::task::spawn_blocking(move || {
        for rows in merge.by_ref() {
            if hand.blocking_send(rows?).is_err() {
                break;
            }
        }
        Ok(merge.duplicates())
    });
    while let Some(rows) = taken.recv().await {
        writer.write(Arc::new(Shaped { rows, from: from.clone(), to: to.clone() })).await?;
    }
    let duplicates = merge.await.map_err(Error::Died)??;
    Ok((writer.finish(&table).await?, duplicates))
}

/// Writes what changed as Delta's change data files of `load`; no changes, no files.
///
/// <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-data-files>
///
/// # Errors
///
/// The first of `batches`, and as [`Sorted::write`].
pub async fn write_changes(
    place: &Stored,
    load: &str,
    table: &Table,
    batches: &mut BoxStream<'static, Result<RecordBatch, Error>>,
) -> Result<Vec<DataFile>, Error> {
    let schema = Arc::new(feed_schema(table));
    let prefix = format!("{CHANGES}/load-{load}");
    let mut writer = Writer::new(place.files().clone(), prefix, schema.clone());
    while let Some(batch) = batches.next().await {
        let batch = rows::conform(&batch?, &schema)
            .map_err(|source| Error::Shape { action: "write changes", source })?;
        writer.write(Arc::new(batch)).await?;
    }
    writer.finish(place.name()).await
}

/// The columns of Delta's change data files.
pub fn feed_schema(table: &Table) -> Schema {
    let changes = table.changes().schema;
    // What a reader of the feed adds itself, and what is only ours.
    let added = [COMMIT_VERSION, COMMIT_TIMESTAMP, CHANGED_COLUMNS];
    let kept = changes.fields().iter().filter(|field| !added.contains(&field.name().as_str()));
    delta_schema(&Schema::new(kept.cloned().collect::<Vec<_>>()))
}

/// The columns of a version that follows `old` with the rows of `new`: all of `new`, then those
/// that only `old` has, then the hashes.
///
/// # Errors
///
/// [`Error::TypeChanged`] for a column that both have and whose types differ.
pub fn evolved(old: &SchemaRef, new: &SchemaRef, table: &str) -> Result<SchemaRef, Error> {
    let old = delta_schema(old);
    let new = delta_schema(new);
    let is_hash = |field: &&FieldRef| field.name() == ROW_HASH;
    let mut fields: Vec<FieldRef> =
        new.fields().iter().filter(|it| !is_hash(it)).cloned().collect();
    for before in old.fields().iter().filter(|it| !is_hash(it)) {
        match new.field_with_name(before.name()) {
            Err(_) => fields.push(before.clone()),
            Ok(now) if now.data_type() == before.data_type() => {}
            Ok(now) if widens(before.data_type(), now.data_type()) => {}
            Ok(now) => {
                return Err(Error::TypeChanged {
                    table: table.to_owned(),
                    column: before.name().clone(),
                    stored: before.data_type().to_string(),
                    now: now.data_type().to_string(),
                });
            }
        }
    }
    fields.extend(new.fields().iter().filter(is_hash).cloned());
    Ok(Arc::new(Schema::new(fields)))
}

/// Whether stored values of the first type can be read as the second: structs may gain parts, at
/// any depth.
fn widens(before: &DataType, now: &DataType) -> bool {
    match (before, now) {
        (DataType::Struct(before), DataType::Struct(now)) => before.iter().all(|part| {
            now.find(part.name()).is_some_and(|(_, now)| widens(part.data_type(), now.data_type()))
        }),
        (DataType::List(before), DataType::List(now)) => {
            widens(before.data_type(), now.data_type())
        }
        _ => before == now,
    }
}
