//! Any number of rows in the order of their key, within a stated memory.
//!
//! Rows are gathered until they fill the memory, sorted, and put aside as a run on the disk of this
//! machine, while the next are gathered; at the end the runs are merged. Of rows with one key the
//! last one given stays.

use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::gather::gather;
use super::key::{Keys, beginning};
use super::merge::{Merge, Place, Run, Runs};
use super::scratch::Scratch;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// What a sort may hold.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of rows that are gathered before they are sorted and put aside. While that is done,
    /// as many more may be gathered, and there is a copy of those that are sorted.
    pub bytes: usize,
    /// Runs of equal standing before they are made one: a merge holds a batch of each.
    pub runs: usize,
}

/// Takes rows in any order.
pub struct Sorter {
    schema: SchemaRef,
    room: Room,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    runs: Runs,
    /// The run that is being sorted.
    under_way: Option<JoinHandle<Result<Run, Error>>>,
    rows: u64,
    bytes: u64,
    /// Rows left out while runs were made one.
    duplicates: u64,
}

/// All rows, in runs that are ready to be merged.
pub struct Sorted {
    runs: Runs,
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
        Ok(Sorter {
            schema,
            room,
            held: Vec::new(),
            held_bytes: 0,
            runs: Runs { keys, runs: Vec::new() },
            under_way: None,
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
            self.put_aside()?;
        }
        Ok(())
    }

    /// All rows taken.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<Sorted, Error> {
        self.wait()?;
        if self.runs.runs.is_empty() {
            let held = mem::take(&mut self.held);
            let rows = self.batch_rows(limits::RUN_BATCH_BYTES);
            let pieces = sorted(&self.runs.keys, held, rows, |batch| Ok(Place::Memory(batch)))?;
            self.runs.runs.push(Run { pieces, tier: 0, scratch: None });
        } else if !self.held.is_empty() {
            self.put_aside()?;
            self.wait()?;
        }
        Ok(Sorted {
            batch_rows: self.batch_rows(limits::WRITTEN_BATCH_BYTES),
            runs: self.runs,
            rows: self.rows,
            duplicates: self.duplicates,
        })
    }

    /// Lets a thread sort what is held and put it on the disk, once the run before is there.
    fn put_aside(&mut self) -> Result<(), Error> {
        self.wait()?;
        let held = mem::take(&mut self.held);
        self.held_bytes = 0;
        let (keys, scratch) = (self.runs.keys.clone(), Scratch::new(self.schema.clone())?);
        let rows = self.batch_rows(limits::RUN_BATCH_BYTES);
        let sort = move || {
            let put = |batch: RecordBatch| Ok(Place::Disk(scratch.put(&batch)?));
            let pieces = sorted(&keys, held, rows, put)?;
            Ok(Run { pieces, tier: 0, scratch: Some(scratch) })
        };
        let thread = thread::Builder::new().name("sort".to_owned()).spawn(sort);
        self.under_way = Some(thread.map_err(Error::Scratch)?);
        Ok(())
    }

    /// Waits for the run that is being sorted.
    fn wait(&mut self) -> Result<(), Error> {
        if let Some(thread) = self.under_way.take() {
            let run = thread.join().map_err(|_| Error::Panicked)?;
            self.runs.runs.push(run?);
            self.merge_equals()?;
        }
        Ok(())
    }

    /// Makes one of the last runs, once enough of them were merged equally often: so each row is
    /// merged once more only when there are as many times the rows.
    fn merge_equals(&mut self) -> Result<(), Error> {
        while let Some(tier) = self.runs.runs.last().map(|run| run.tier) {
            let others = self.runs.runs.iter().rposition(|run| run.tier != tier);
            let equals = others.map_or(0, |last| last + 1);
            if self.runs.runs.len() - equals < self.room.runs.max(2) {
                break;
            }
            let runs = self.runs.runs.split_off(equals);
            let many = Runs { keys: self.runs.keys.clone(), runs };
            let mut merge = Merge::new(many, self.batch_rows(limits::RUN_BATCH_BYTES))?;
            let scratch = Scratch::new(self.schema.clone())?;
            let mut pieces = Vec::new();
            for batch in merge.by_ref() {
                let batch = batch?.batch().map_err(Error::unsortable)?;
                pieces.push(Place::Disk(scratch.put(&batch)?));
            }
            self.duplicates += merge.duplicates();
            self.runs.runs.push(Run { pieces, tier: tier + 1, scratch: Some(scratch) });
        }
        Ok(())
    }

    /// Rows of a batch of so many bytes.
    fn batch_rows(&self, bytes: usize) -> usize {
        let row_bytes = self.bytes.checked_div(self.rows).unwrap_or(0).max(1);
        (bytes as u64 / row_bytes).clamp(1, limits::BATCH_ROWS) as usize
    }
}

/// These batches in order, in pieces of so many rows; `put` says where each goes.
fn sorted(
    keys: &Keys,
    held: Vec<RecordBatch>,
    piece_rows: usize,
    put: impl Fn(RecordBatch) -> Result<Place, Error>,
) -> Result<Vec<Place>, Error> {
    let of_batches = held.iter().map(|batch| keys.of(batch)).collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<(u128, (usize, usize))> = Vec::new();
    for (batch, keys) in of_batches.iter().enumerate() {
        order.extend(keys.iter().enumerate().map(|(row, key)| (beginning(key), (batch, row))));
    }
    // The beginnings mostly tell; of equal keys the last one given comes last.
    order.sort_unstable_by(|(start, a), (other, b)| {
        let key = |at: &(usize, usize)| of_batches[at.0].row(at.1);
        start.cmp(other).then_with(|| key(a).cmp(&key(b))).then(a.cmp(b))
    });
    drop(of_batches);
    let order: Vec<(usize, usize)> = order.into_iter().map(|(_, place)| place).collect();
    if order.is_empty() {
        return Ok(Vec::new());
    }
    // All in one go: of each column the processor then holds what is copied in any order.
    let gathered = gather(&held, &order).map_err(Error::unsortable)?;
    drop(held);
    let piece = |start| gathered.slice(start, piece_rows.min(gathered.num_rows() - start));
    (0..gathered.num_rows()).step_by(piece_rows).map(|start| put(piece(start))).collect()
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

    /// The rows in the order of their key.
    ///
    /// # Errors
    ///
    /// As [`Sorter::push`].
    pub fn merge(self) -> Result<Merge, Error> {
        Merge::new(self.runs, self.batch_rows)
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
            runs in 1_usize..6,
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
            let mut merge = sorted.merge().expect("room");
            for batch in merge.by_ref() {
                let batch = batch.expect("rows").batch().expect("a batch");
                let keys = batch.column(0).as_string::<i32>().iter().flatten();
                let values = batch.column(1).as_primitive::<Int64Type>().values().to_vec();
                found.extend(keys.map(str::to_owned).zip(values));
            }
            duplicates += merge.duplicates();
            prop_assert_eq!(duplicates, (rows.len() - expected.len()) as u64);
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
