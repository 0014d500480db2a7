//! How many rows changed and in which columns, without reading whole rows.
//!
//! The hash of a row is the sum of the hashes of its cells. So when some columns of an updated row
//! explain the difference between its two hashes, no other column of it has changed, and none needs
//! to be read. What changes in a directory from one day to the next is mostly the same few columns:
//! those that changed in the first rows are tried for all others, and the other columns are read only
//! of rows that they do not explain.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::changed::picked;
use super::merge::Change;
use super::walk::{self, KeyedFiles};
use crate::catalog::{Column, Table};
use crate::limits::snapshot as limits;
use crate::snapshot::rows::{Files, hash};
use crate::snapshot::{Counts, Error};

/// Counts changes.
pub struct Counted {
    old: Files,
    new: Files,
    columns: Vec<Column>,
    /// The columns in which a row may change: all but its key.
    all: BTreeSet<usize>,
    /// Those that have changed in some row so far.
    tried: BTreeSet<usize>,
}

/// A row that both versions have, by its positions in them, and what of the difference of its hashes
/// is not explained.
#[derive(Clone, Copy)]
struct Update {
    old: u64,
    new: u64,
    difference: u128,
}

impl Counted {
    /// Counts changes between two versions that have the same key.
    pub fn new(old: KeyedFiles, new: KeyedFiles, table: &Table) -> Self {
        let columns = walk::columns(table);
        let may_change = |at: &usize| old.key.iter().all(|key| **key != *columns[*at].name);
        let all = (0..columns.len()).filter(may_change).collect();
        Counted { old: old.files, new: new.files, columns, all, tried: BTreeSet::new() }
    }

    /// Adds these changes to the counts.
    pub async fn count(&mut self, changes: &[Change], counts: &mut Counts) -> Result<(), Error> {
        let mut updates = Vec::new();
        for change in changes {
            match *change {
                Change::Insert(_) => counts.inserted += 1,
                Change::Delete(_) => counts.deleted += 1,
                Change::Update { old, new, difference } => {
                    counts.updated += 1;
                    updates.push(Update { old, new, difference });
                }
            }
        }
        if self.tried.is_empty() {
            let rest = updates.split_off(updates.len().min(limits::UPDATES_TRIED));
            self.explain(&updates, &self.all.clone(), counts).await?;
            updates = rest;
        }
        let tried = self.tried.clone();
        let unexplained = self.explain(&updates, &tried, counts).await?;
        self.explain(&unexplained, &(&self.all - &tried), counts).await?;
        Ok(())
    }

    /// Counts in which of these columns the rows differ, and gives those that differ elsewhere too.
    async fn explain(
        &mut self,
        updates: &[Update],
        columns: &BTreeSet<usize>,
        counts: &mut Counts,
    ) -> Result<Vec<Update>, Error> {
        if updates.is_empty() {
            return Ok(Vec::new());
        }
        let fields = columns.iter().map(|column| self.columns[*column].field());
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let olds: Vec<u64> = updates.iter().map(|update| update.old).collect();
        let news: Vec<u64> = updates.iter().map(|update| update.new).collect();
        let (old, new) = futures::try_join!(
            picked(&self.old, &olds, &schema),
            picked(&self.new, &news, &schema)
        )?;
        let mut left = updates.to_vec();
        for (at, column) in columns.iter().enumerate() {
            let hashes = |batch: &RecordBatch| {
                hash::cells(&self.columns[*column], batch.column(at))
                    .map_err(|source| Error::Shape { action: "compare rows", source })
            };
            let cells = hashes(&old)?.into_iter().zip(hashes(&new)?);
            let mut differ = 0;
            for ((before, after), update) in cells.zip(&mut left) {
                if before != after {
                    update.difference = update.difference.wrapping_sub(after.wrapping_sub(before));
                    differ += 1;
                }
            }
            if differ > 0 {
                self.tried.insert(*column);
                *counts.columns.entry(self.columns[*column].name.to_string()).or_default() +=
                    differ;
            }
        }
        left.retain(|update| update.difference != 0);
        Ok(left)
    }
}
