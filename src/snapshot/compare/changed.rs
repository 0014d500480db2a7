//! From positions of rows that differ to rows of changes.

use std::mem;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use futures::stream::TryStreamExt as _;

use super::Led;
use super::merge::Change;
use super::walk;
use crate::catalog::{Column, Table};
use crate::snapshot::rows::{Files, hash};
use crate::snapshot::{Counts, Error};

/// Reads the values of rows that differ and says in which columns.
pub struct Changed {
    old: Files,
    new: Files,
    columns: Vec<Column>,
    /// The columns as they are read.
    values: SchemaRef,
    /// The columns of a change.
    schema: SchemaRef,
    led: Led,
    /// Of the updates of the last call: in how many each column changed.
    differ: Vec<u64>,
}

impl Changed {
    pub fn new(old: Files, new: Files, table: &Table, led: Led) -> Self {
        let columns = walk::columns(table);
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        Changed {
            old,
            new,
            differ: vec![0; columns.len()],
            columns,
            values: Arc::new(Schema::new(fields)),
            schema: table.changes().schema,
            led,
        }
    }

    /// The rows of these changes.
    pub async fn rows(&mut self, changes: &[Change]) -> Result<RecordBatch, Error> {
        let (mut olds, mut news) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Insert(new) => news.push(*new),
                Change::Delete(old) => olds.push(*old),
                Change::Update { old, new, .. } => {
                    olds.push(*old);
                    news.push(*new);
                }
            }
        }
        let (old, new) = futures::try_join!(
            picked(&self.old, &olds, &self.values),
            picked(&self.new, &news, &self.values)
        )?;
        self.shaped(changes, &old, &new)
            .map_err(|source| Error::Shape { action: "compare rows", source })
    }

    /// Adds these changes, the last given to [`rows`](Self::rows), to what was counted.
    pub fn count(&mut self, changes: &[Change], counts: &mut Counts) {
        for change in changes {
            *match change {
                Change::Insert(_) => &mut counts.inserted,
                Change::Delete(_) => &mut counts.deleted,
                Change::Update { .. } => &mut counts.updated,
            } += 1;
        }
        for (column, differ) in self.columns.iter().zip(&mut self.differ) {
            let differ = mem::take(differ);
            if differ > 0 {
                *counts.columns.entry(column.name.to_string()).or_default() += differ;
            }
        }
    }

    fn shaped(
        &mut self,
        changes: &[Change],
        old: &RecordBatch,
        new: &RecordBatch,
    ) -> Result<RecordBatch, ArrowError> {
        let differences = self.differences(changes, old, new)?;
        let (mut from, mut kinds) = (Vec::new(), Vec::new());
        let mut names = ListBuilder::new(StringBuilder::new());
        let (mut olds, mut news, mut updates) = (0, 0, 0);
        for change in changes {
            match change {
                Change::Insert(_) => {
                    from.push((1, news));
                    news += 1;
                    kinds.push("insert");
                    names.append_null();
                }
                Change::Delete(_) => {
                    from.push((0, olds));
                    olds += 1;
                    kinds.push("delete");
                    names.append_null();
                }
                Change::Update { .. } => {
                    from.extend([(0, olds), (1, news)]);
                    kinds.extend(["update_preimage", "update_postimage"]);
                    for _ in 0..2 {
                        for column in &differences[updates] {
                            names.values().append_value(&*self.columns[*column].name);
                        }
                        names.append(true);
                    }
                    olds += 1;
                    news += 1;
                    updates += 1;
                }
            }
        }
        let rows = interleave_record_batch(&[old, new], &from)?;
        let count = from.len();
        let version = i64::try_from(self.led.version).unwrap_or(i64::MAX);
        let committed = vec![self.led.committed.timestamp_micros(); count];
        let mut columns = rows.columns().to_vec();
        let said: [ArrayRef; 4] = [
            Arc::new(StringArray::from(kinds)),
            Arc::new(Int64Array::from(vec![version; count])),
            Arc::new(TimestampMicrosecondArray::from(committed).with_timezone("UTC")),
            Arc::new(names.finish()),
        ];
        columns.extend(said);
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    /// Of each update, the columns that differ, and counts them.
    fn differences(
        &mut self,
        changes: &[Change],
        old: &RecordBatch,
        new: &RecordBatch,
    ) -> Result<Vec<Vec<usize>>, ArrowError> {
        let mut pairs = Vec::new();
        let (mut olds, mut news) = (0, 0);
        for change in changes {
            if let Change::Update { .. } = change {
                pairs.push((olds, news));
            }
            olds += usize::from(!matches!(change, Change::Insert(_)));
            news += usize::from(!matches!(change, Change::Delete(_)));
        }
        let mut differences = vec![Vec::new(); pairs.len()];
        if pairs.is_empty() {
            return Ok(differences);
        }
        for (at, column) in self.columns.iter().enumerate() {
            let before = hash::cells(column, old.column(at))?;
            let after = hash::cells(column, new.column(at))?;
            for (pair, differ) in pairs.iter().zip(&mut differences) {
                if before[pair.0] != after[pair.1] {
                    differ.push(at);
                    self.differ[at] += 1;
                }
            }
        }
        Ok(differences)
    }
}

/// The rows at these positions, as one batch of `schema`.
pub async fn picked(
    files: &Files,
    positions: &[u64],
    schema: &SchemaRef,
) -> Result<RecordBatch, Error> {
    let batches: Vec<_> = files.pick(positions, schema.clone()).try_collect().await?;
    let rows: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    if rows != positions.len() as u64 {
        let path = files.list().first().map(|file| file.path.clone()).unwrap_or_default();
        return Err(Error::Miscounted {
            table: path,
            written: positions.len() as u64,
            found: rows,
        });
    }
    concat_batches(schema, &batches)
        .map_err(|source| Error::Shape { action: "compare rows", source })
}
