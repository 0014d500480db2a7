//! How many rows changed and in which columns, without reading whole rows.
//!
//! The hash of a row is the sum of the hashes of its cells. So when some columns of an updated row
//! explain the difference between its two hashes, no other column of it has changed, and none needs
//! to be read. What changes in a directory from one day to the next is mostly the same few columns:
//! those that changed in the first rows are tried for all others, and only rows that they do not
//! explain are read whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use super::changed::picked;
use super::merge::Change;
use super::walk;
use crate::catalog::{Column, Table};
use crate::limits::snapshot as limits;
use crate::snapshot::rows::{Files, hash};
use crate::snapshot::{Counts, Error};

/// Counts changes.
pub struct Counted {
    old: Files,
    new: Files,
    columns: Vec<Column>,
    /// The columns that have changed in some row so far.
    tried: BTreeSet<usize>,
}

/// A row that both versions have, by its positions in them, and the difference of its hashes.
#[derive(Clone, Copy)]
struct Update {
    old: u64,
    new: u64,
    difference: u128,
}

impl Counted {
    pub fn new(old: Files, new: Files, table: &Table) -> Self {
        Counted { old, new, columns: walk::columns(table), tried: BTreeSet::new() }
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
        let all: Vec<usize> = (0..self.columns.len()).collect();
        if self.tried.is_empty() {
            let first = updates.split_off(updates.len().min(limits::UPDATES_TRIED));
            let first = std::mem::replace(&mut updates, first);
            self.explain(&first, &all, counts).await?;
        }
        let tried: Vec<usize> = self.tried.iter().copied().collect();
        let unexplained = self.explain(&updates, &tried, counts).await?;
        self.explain(&unexplained, &all, counts).await?;
        Ok(())
    }

    /// Counts the updates that these columns explain and gives the others; all columns explain
    /// every one.
    async fn explain(
        &mut self,
        updates: &[Update],
        columns: &[usize],
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
        let mut sums = vec![0_u128; updates.len()];
        let mut differ = vec![Vec::new(); updates.len()];
        for (at, column) in columns.iter().enumerate() {
            let hashes = |batch: &arrow::array::RecordBatch| -> Result<Vec<u128>, ArrowError> {
                hash::cells(&self.columns[*column], batch.column(at))
            };
            let misshapen = |source| Error::Shape { action: "compare rows", source };
            let before = hashes(&old).map_err(misshapen)?;
            let after = hashes(&new).map_err(misshapen)?;
            for (row, (before, after)) in before.into_iter().zip(after).enumerate() {
                if before != after {
                    sums[row] = sums[row].wrapping_add(after.wrapping_sub(before));
                    differ[row].push(*column);
                }
            }
        }
        let whole = columns.len() == self.columns.len();
        let mut unexplained = Vec::new();
        for ((update, sum), differ) in updates.iter().zip(sums).zip(differ) {
            if !whole && sum != update.difference {
                unexplained.push(*update);
                continue;
            }
            for column in differ {
                *counts.columns.entry(self.columns[column].name.to_string()).or_default() += 1;
                self.tried.insert(column);
            }
        }
        Ok(unexplained)
    }
}
