//! Sorted runs, made one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::ipc::Block;
use arrow::row::{Row, Rows};

use super::columns::Columns;
use super::gather::{column, gather};
use super::key::{Keys, beginning};
use super::scratch::Scratch;
use crate::snapshot::Error;

/// Runs of rows; later ones hold rows that were given later.
pub struct Runs {
    pub keys: Arc<Keys>,
    pub runs: Vec<Run>,
}

/// Batches in the order of their key.
pub struct Run {
    pub pieces: Vec<Place>,
    /// How often its rows were merged before.
    pub tier: u32,
    /// Where its batches are, if they are on the disk.
    pub scratch: Option<Scratch>,
}

/// Where a batch is.
pub enum Place {
    Memory(RecordBatch),
    Disk(Block),
}

/// All rows in the order of their key, each key once: of rows with one key the last one given.
pub struct Merge {
    runs: Runs,
    heap: BinaryHeap<Cursor>,
    /// Batches that chosen rows or cursors point into.
    batches: Vec<RecordBatch>,
    batch_rows: usize,
    duplicates: u64,
}

/// Rows chosen out of batches, in the order of their key.
pub struct Picked {
    batches: Vec<RecordBatch>,
    /// Of each row the batch and the row of it.
    places: Vec<(usize, usize)>,
}

/// Where a merge stands in one run; the greatest is the one whose row comes next.
struct Cursor {
    /// Where the batch stands in [`Merge::batches`].
    batch: usize,
    keys: Box<Rows>,
    at: usize,
    /// What the key of that row begins with.
    beginning: u128,
    /// Rows of the batch.
    end: usize,
    run: usize,
    /// The piece after this batch.
    next: usize,
}

impl Runs {
    fn get(&self, run: usize, piece: usize) -> Result<Option<RecordBatch>, Error> {
        let Run { pieces, scratch, .. } = &self.runs[run];
        match (pieces.get(piece), scratch) {
            (Some(Place::Memory(batch)), _) => Ok(Some(batch.clone())),
            (Some(Place::Disk(block)), Some(scratch)) => scratch.get(block).map(Some),
            (None, _) | (Some(Place::Disk(_)), None) => Ok(None),
        }
    }
}

impl Merge {
    /// Begins at the first key; a batch has at most `batch_rows`.
    ///
    /// # Errors
    ///
    /// [`Error::Scratch`] if the disk refuses.
    pub fn new(runs: Runs, batch_rows: usize) -> Result<Self, Error> {
        let count = runs.runs.len();
        let mut merge =
            Merge { runs, heap: BinaryHeap::new(), batches: Vec::new(), batch_rows, duplicates: 0 };
        for run in 0..count {
            merge.go_on(run, 0)?;
        }
        Ok(merge)
    }

    /// Rows left out so far because a later one has their key.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Puts the next batch of a run that has rows among those that are merged; a run at its end is
    /// gone.
    fn go_on(&mut self, run: usize, mut piece: usize) -> Result<(), Error> {
        while let Some(batch) = self.runs.get(run, piece)? {
            piece += 1;
            let keys = Box::new(self.runs.keys.of(&batch)?);
            let end = keys.num_rows();
            if end > 0 {
                self.batches.push(batch);
                let batch = self.batches.len() - 1;
                let beginning = beginning(keys.row(0));
                self.heap.push(Cursor { batch, keys, at: 0, beginning, end, run, next: piece });
                break;
            }
        }
        Ok(())
    }

    fn next_rows(&mut self) -> Result<Option<Picked>, Error> {
        let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(self.batch_rows);
        while chosen.len() < self.batch_rows {
            let Some(mut cursor) = self.heap.pop() else { break };
            let repeated = loop {
                let repeated = match self.heap.peek() {
                    _ if cursor.next_is_equal() => true,
                    Some(other) => other.is_equal(&cursor),
                    None => false,
                };
                if repeated {
                    self.duplicates += 1;
                } else {
                    chosen.push((cursor.batch, cursor.at));
                }
                cursor.step();
                if cursor.at == cursor.end || chosen.len() == self.batch_rows {
                    break repeated;
                }
                // Cheaper than to put one back and to take the next.
                if let Some(mut next) = self.heap.peek_mut()
                    && *next > cursor
                {
                    mem::swap(&mut *next, &mut cursor);
                }
            };
            if cursor.at < cursor.end {
                self.heap.push(cursor);
            } else {
                let last = (!repeated).then(|| cursor.keys.row(cursor.at - 1).owned());
                let run = cursor.run;
                self.go_on(run, cursor.next)?;
                // The first of the next batch may be equal: then the one chosen was not the last.
                let equal = last.is_some_and(|last| {
                    self.heap.iter().any(|it| it.run == run && it.key() == last.row())
                });
                if equal {
                    chosen.pop();
                    self.duplicates += 1;
                }
            }
        }
        if chosen.is_empty() {
            return Ok(None);
        }
        let kept = self.kept();
        let batches = mem::replace(&mut self.batches, kept);
        Ok(Some(Picked { batches, places: chosen }))
    }

    /// The batches that cursors point into.
    fn kept(&mut self) -> Vec<RecordBatch> {
        let mut kept = Vec::with_capacity(self.heap.len());
        let cursors = mem::take(&mut self.heap).into_vec();
        let moved = cursors.into_iter().map(|mut cursor| {
            kept.push(self.batches[cursor.batch].clone());
            cursor.batch = kept.len() - 1;
            cursor
        });
        self.heap = moved.collect();
        kept
    }
}

impl Iterator for Merge {
    type Item = Result<Picked, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_rows().transpose()
    }
}

impl Picked {
    /// The rows as one batch.
    ///
    /// # Errors
    ///
    /// As [`gather`].
    pub fn batch(&self) -> Result<RecordBatch, ArrowError> {
        gather(&self.batches, &self.places)
    }
}

impl Columns for Picked {
    fn rows(&self) -> usize {
        self.places.len()
    }

    fn columns(&self) -> usize {
        self.batches.first().map_or(0, RecordBatch::num_columns)
    }

    fn column(&self, at: usize) -> Result<ArrayRef, ArrowError> {
        column(&self.batches, at, &self.places)
    }
}

impl Cursor {
    fn key(&self) -> Row<'_> {
        self.keys.row(self.at)
    }

    /// Goes on to the next row, if there is one.
    fn step(&mut self) {
        self.at += 1;
        if self.at < self.end {
            self.beginning = beginning(self.keys.row(self.at));
        }
    }

    /// Whether both stand at one key.
    fn is_equal(&self, other: &Cursor) -> bool {
        self.beginning == other.beginning && self.key() == other.key()
    }

    fn next_is_equal(&self) -> bool {
        self.at + 1 < self.end && self.keys.row(self.at + 1) == self.key()
    }
}

impl Ord for Cursor {
    /// The heap gives the greatest first: the smallest key, and of equal ones the earliest run.
    fn cmp(&self, other: &Self) -> Ordering {
        let beginnings = other.beginning.cmp(&self.beginning);
        beginnings.then_with(|| other.key().cmp(&self.key())).then(other.run.cmp(&self.run))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cursor {}
