//! Any number of rows in the order of their key, within a stated memory.
//!
//! Rows are gathered until they fill the memory, sorted, and put aside as a run on the disk of this
//! machine; at the end the runs are merged. Of rows with one key the last one given stays.

use std::mem;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;

use super::key::Keys;
use super::merge::{Merge, Piece, Place, Run, Runs};
use super::scratch::Scratch;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// What a sort may hold.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of rows before they are sorted and put aside; while that is done, twice as many.
    pub bytes: usize,
    /// Runs before they are made one: a merge holds a batch of each.
    pub runs: usize,
}

/// Takes rows in any order.
pub struct Sorter {
    schema: SchemaRef,
    room: Room,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    runs: Runs,
    rows: u64,
    bytes: u64,
    /// Rows left out while runs were made one.
    duplicates: u64,
}

/// All rows, in runs that are ready to be merged.
pub struct Sorted {
    runs: Arc<Runs>,
    rows: u64,
    batch_rows: usize,
    duplicates: u64,
}

impl Sorter {
    /// Sorts rows of `schema` by the columns `key`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the columns cannot be sorted by; [`Error::Scratch`].
    pub fn new(schema: SchemaRef, key: Vec<usize>, room: Room) -> Result<Self, Error> {
        let keys = Arc::new(Keys::new(&schema, key)?);
        let runs = Runs { keys, runs: Vec::new(), scratch: Scratch::new(schema.clone())? };
        Ok(Sorter {
            schema,
            room,
            held: Vec::new(),
            held_bytes: 0,
            runs,
            rows: 0,
            bytes: 0,
            duplicates: 0,
        })
    }

    /// Takes a batch.
    ///
    /// # Errors
    ///
    /// [`Error::Scratch`] if the disk refuses, [`Error::Shape`] for a batch of another schema.
    pub fn push(&mut self, batch: RecordBatch) -> Result<(), Error> {
        let bytes = batch.get_array_memory_size();
        self.rows += batch.num_rows() as u64;
        self.bytes += bytes as u64;
        self.held_bytes += bytes;
        self.held.push(batch);
        if self.held_bytes >= self.room.bytes {
            let run = self.sorted_run()?;
            self.runs.put_aside(run.into_iter().map(Ok))?;
        }
        if self.runs.runs.len() > self.room.runs.max(1) {
            self.make_one()?;
        }
        Ok(())
    }

    /// The first of the columns sorted by.
    pub fn first_key(&self) -> usize {
        self.runs.keys.first_column()
    }

    /// All rows taken.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<Sorted, Error> {
        let last = self.sorted_run()?;
        let in_memory = |batch: RecordBatch| {
            Ok(Piece { first: self.runs.keys.first(&batch)?, place: Place::Memory(batch) })
        };
        let last: Run = last.into_iter().map(in_memory).collect::<Result<_, Error>>()?;
        self.runs.runs.push(last);
        Ok(Sorted {
            batch_rows: self.batch_rows(limits::BATCH_BYTES),
            runs: Arc::new(self.runs),
            rows: self.rows,
            duplicates: self.duplicates,
        })
    }

    /// What is held, in order, in batches of the size for the disk.
    fn sorted_run(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let held = mem::take(&mut self.held);
        self.held_bytes = 0;
        let keys = held.iter().map(|batch| self.runs.keys.of(batch));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (batch, rows) in held.iter().enumerate() {
            order.extend((0..rows.num_rows()).map(|row| (batch, row)));
        }
        // Stable, so that of equal keys the last one given comes last.
        order.sort_by(|a, b| keys[a.0].row(a.1).cmp(&keys[b.0].row(b.1)));
        drop(keys);
        let batches: Vec<&RecordBatch> = held.iter().collect();
        let rows = self.batch_rows(limits::RUN_BATCH_BYTES);
        let cut = order.chunks(rows).map(|rows| interleave_record_batch(&batches, rows));
        cut.collect::<Result<_, _>>().map_err(Error::unsortable)
    }

    /// Merges all runs into one, in a scratch of its own, so that the room of the others is free.
    fn make_one(&mut self) -> Result<(), Error> {
        let one = Runs {
            keys: self.runs.keys.clone(),
            runs: Vec::new(),
            scratch: Scratch::new(self.schema.clone())?,
        };
        let many = Arc::new(mem::replace(&mut self.runs, one));
        let mut merge = Merge::new(many, None, None, self.batch_rows(limits::RUN_BATCH_BYTES))?;
        self.runs.put_aside(merge.by_ref())?;
        self.duplicates += merge.duplicates();
        Ok(())
    }

    /// Rows of a batch of so many bytes.
    fn batch_rows(&self, bytes: usize) -> usize {
        let row_bytes = self.bytes.checked_div(self.rows).unwrap_or(0).max(1);
        (bytes as u64 / row_bytes).clamp(1, limits::BATCH_ROWS) as usize
    }
}

impl Sorted {
    /// Rows taken, duplicates among them.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows left out so far because a later one has their key.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The rows in at most so many ranges of keys, about equally large and in their order; each can
    /// be merged by a thread of its own. Few rows are one range.
    ///
    /// # Errors
    ///
    /// As [`Sorter::push`].
    pub fn ranges(self, most: usize) -> Result<Vec<Merge>, Error> {
        let most = if self.runs.runs.len() > 1 { most } else { 1 };
        let mut ends = self.runs.divided(most);
        let mut from = None;
        let mut ranges = Vec::with_capacity(ends.len() + 1);
        for to in ends.drain(..).map(Some).chain([None]) {
            ranges.push(Merge::new(self.runs.clone(), from, to.clone(), self.batch_rows)?);
            from = to;
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{AsArray as _, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::{Room, Sorter};

    fn batch(rows: &[(String, i64)]) -> RecordBatch {
        let keys = StringArray::from_iter_values(rows.iter().map(|(key, _)| key));
        let values = Int64Array::from_iter_values(rows.iter().map(|(_, value)| *value));
        RecordBatch::try_from_iter([("key", Arc::new(keys) as _), ("value", Arc::new(values) as _)])
            .expect("a batch")
    }

    proptest! {
        #[test]
        fn rows_come_in_order_and_of_one_key_the_last(
            keys in prop::collection::vec("[a-c]{0,3}", 1..200),
            batch_rows in 1_usize..20,
            bytes in prop::sample::select(vec![1_usize, 2_000, 1 << 20]),
            (runs, ranges) in (1_usize..6, 1_usize..5),
        ) {
            let rows: Vec<(String, i64)> = keys.into_iter().zip(0..).collect();
            let expected: BTreeMap<String, i64> = rows.iter().cloned().collect();
            let room = Room { bytes, runs };
            let mut sorter = Sorter::new(batch(&rows).schema(), vec![0], room).expect("a key");
            for rows in rows.chunks(batch_rows) {
                sorter.push(batch(rows)).expect("room");
            }
            let sorted = sorter.finish().expect("room");
            let mut duplicates = sorted.duplicates();
            let mut found = Vec::new();
            for mut range in sorted.ranges(ranges).expect("room") {
                for batch in range.by_ref() {
                    let batch = batch.expect("rows");
                    let keys = batch.column(0).as_string::<i32>().iter().flatten();
                    let values = batch.column(1).as_primitive::<Int64Type>().values().to_vec();
                    found.extend(keys.map(str::to_owned).zip(values));
                }
                duplicates += range.duplicates();
            }
            prop_assert_eq!(duplicates, (rows.len() - expected.len()) as u64);
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
