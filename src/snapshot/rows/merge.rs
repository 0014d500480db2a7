//! Sorted runs, made one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::Block;
use arrow::row::{Row, Rows};

use super::gather::gather;
use super::key::Keys;
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

/// Where a merge stands in one run; the greatest is the one whose row comes next.
struct Cursor {
    /// Where the batch stands in [`Merge::batches`].
    batch: usize,
    keys: Box<Rows>,
    at: usize,
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
                self.heap.push(Cursor { batch, keys, at: 0, end, run, next: piece });
                break;
            }
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(self.batch_rows);
        while chosen.len() < self.batch_rows {
            let Some(mut cursor) = self.heap.pop() else { break };
            let repeated = loop {
                let repeated = match self.heap.peek() {
                    _ if cursor.next_is_equal() => true,
                    Some(other) => other.key() == cursor.key(),
                    None => false,
                };
                if repeated {
                    self.duplicates += 1;
                } else {
                    chosen.push((cursor.batch, cursor.at));
                }
                cursor.at += 1;
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
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let merged = gather(&batches, &chosen).map_err(Error::unsortable)?;
        self.forget();
        Ok(Some(merged))
    }

    /// Lets go of the batches that no cursor points into.
    fn forget(&mut self) {
        let mut kept = Vec::with_capacity(self.heap.len());
        let cursors = mem::take(&mut self.heap).into_vec();
        let moved = cursors.into_iter().map(|mut cursor| {
            kept.push(self.batches[cursor.batch].clone());
            cursor.batch = kept.len() - 1;
            cursor
        });
        self.heap = moved.collect();
        self.batches = kept;
    }
}

impl Iterator for Merge {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

impl Cursor {
    fn key(&self) -> Row<'_> {
        self.keys.row(self.at)
    }

    fn next_is_equal(&self) -> bool {
        self.at + 1 < self.end && self.keys.row(self.at + 1) == self.key()
    }
}

impl Ord for Cursor {
    /// The heap gives the greatest first: the smallest key, and of equal ones the earliest run.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key()).then(other.run.cmp(&self.run))
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
