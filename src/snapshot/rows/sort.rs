//! Any number of rows in the order of their key, within a stated memory.
//!
//! Rows are gathered until they fill the memory, sorted, and put aside as a run on the disk of this
//! machine; at the end the runs are merged. Of rows with one key the last one given stays.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _};
use std::mem;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::row::{RowConverter, Rows, SortField};

use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// Takes rows in any order.
pub struct Sorter {
    schema: SchemaRef,
    keys: Keys,
    memory: usize,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    runs: Vec<File>,
    rows: u64,
    bytes: u64,
}

/// The rows in the order of their key, each key once.
pub struct Sorted {
    keys: Keys,
    heap: BinaryHeap<Cursor>,
    /// Batches that chosen rows or cursors point into.
    batches: Vec<RecordBatch>,
    batch_rows: usize,
    duplicates: u64,
}

/// Makes keys of rows that compare as bytes.
struct Keys {
    converter: RowConverter,
    columns: Vec<usize>,
}

/// What is left of one run; the greatest is the one whose row comes next.
struct Cursor {
    /// Where the batch stands in [`Sorted::batches`].
    batch: usize,
    keys: Rows,
    at: usize,
    rest: Rest,
    /// Later runs hold rows that were given later.
    run: usize,
}

enum Rest {
    Memory(std::vec::IntoIter<RecordBatch>),
    Disk(Box<StreamReader<BufReader<File>>>),
}

impl Sorter {
    /// Sorts rows of `schema` by the columns `key`, holding about `memory` bytes of them.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the columns cannot be sorted by.
    pub fn new(schema: SchemaRef, key: Vec<usize>, memory: usize) -> Result<Self, Error> {
        let fields =
            key.iter().map(|column| SortField::new(schema.field(*column).data_type().clone()));
        let converter = RowConverter::new(fields.collect()).map_err(unsortable)?;
        let keys = Keys { converter, columns: key };
        Ok(Sorter {
            schema,
            keys,
            memory,
            held: Vec::new(),
            held_bytes: 0,
            runs: Vec::new(),
            rows: 0,
            bytes: 0,
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
        if self.held_bytes >= self.memory {
            let run = self.sorted_run()?;
            self.put_aside(run)?;
        }
        Ok(())
    }

    /// The first of the columns sorted by.
    pub fn first_key(&self) -> usize {
        self.keys.columns.first().copied().unwrap_or(0)
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The rows in order.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<Sorted, Error> {
        let last = self.sorted_run()?;
        let row_bytes = self.bytes.checked_div(self.rows).unwrap_or(0).max(1);
        let batch_rows = (limits::BATCH_BYTES as u64 / row_bytes).clamp(1, limits::BATCH_ROWS);
        let mut sorted = Sorted {
            keys: self.keys,
            heap: BinaryHeap::new(),
            batches: Vec::new(),
            batch_rows: batch_rows as usize,
            duplicates: 0,
        };
        let runs = self.runs.len();
        for (run, mut file) in self.runs.into_iter().enumerate() {
            file.rewind().map_err(Error::Scratch)?;
            let reader = StreamReader::try_new_buffered(file, None).map_err(scratched)?;
            sorted.go_on(Rest::Disk(Box::new(reader)), run)?;
        }
        sorted.go_on(Rest::Memory(last.into_iter()), runs)?;
        Ok(sorted)
    }

    /// What is held, in order, in batches of the size for the disk.
    fn sorted_run(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let held = mem::take(&mut self.held);
        self.held_bytes = 0;
        let keys = held.iter().map(|batch| self.keys.of(batch)).collect::<Result<Vec<_>, _>>()?;
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (batch, rows) in held.iter().enumerate() {
            order.extend((0..rows.num_rows()).map(|row| (batch, row)));
        }
        // Stable, so that of equal keys the last one given comes last.
        order.sort_by(|a, b| keys[a.0].row(a.1).cmp(&keys[b.0].row(b.1)));
        drop(keys);
        let bytes: usize = held.iter().map(RecordBatch::get_array_memory_size).sum();
        let row_bytes = bytes.checked_div(order.len()).unwrap_or(0).max(1);
        let rows = (limits::RUN_BATCH_BYTES / row_bytes).clamp(1, limits::BATCH_ROWS as usize);
        let batches: Vec<&RecordBatch> = held.iter().collect();
        let cut = order.chunks(rows).map(|rows| interleave_record_batch(&batches, rows));
        cut.collect::<Result<_, _>>().map_err(unsortable)
    }

    fn put_aside(&mut self, run: Vec<RecordBatch>) -> Result<(), Error> {
        let file = tempfile::tempfile().map_err(Error::Scratch)?;
        let mut writer =
            StreamWriter::try_new(BufWriter::new(file), &self.schema).map_err(scratched)?;
        for batch in &run {
            writer.write(batch).map_err(scratched)?;
        }
        let file = writer.into_inner().map_err(scratched)?.into_inner();
        self.runs.push(file.map_err(|error| Error::Scratch(error.into_error()))?);
        Ok(())
    }
}

impl Sorted {
    /// Rows left out so far because a later one has their key.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Puts the next batch of a run among those that are merged; a run at its end is gone.
    fn go_on(&mut self, mut rest: Rest, run: usize) -> Result<(), Error> {
        let batch = match &mut rest {
            Rest::Memory(batches) => batches.next().map(Ok),
            Rest::Disk(reader) => reader.next(),
        };
        let Some(batch) = batch else { return Ok(()) };
        let batch = batch.map_err(scratched)?;
        let keys = self.keys.of(&batch)?;
        self.batches.push(batch);
        self.heap.push(Cursor { batch: self.batches.len() - 1, keys, at: 0, rest, run });
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(self.batch_rows);
        while chosen.len() < self.batch_rows {
            let Some(mut cursor) = self.heap.pop() else { break };
            let row = (cursor.batch, cursor.at);
            let repeated = match self.heap.peek() {
                _ if cursor.next_is_equal() => true,
                Some(other) => other.key() == cursor.key(),
                None => false,
            };
            if repeated {
                self.duplicates += 1;
            } else {
                chosen.push(row);
            }
            cursor.at += 1;
            if cursor.at < cursor.keys.num_rows() {
                self.heap.push(cursor);
            } else {
                let last = (!repeated).then(|| cursor.keys.row(cursor.at - 1).owned());
                let (rest, run) = (cursor.rest, cursor.run);
                self.go_on(rest, run)?;
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
        let merged = interleave_record_batch(&batches, &chosen).map_err(unsortable)?;
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

impl Iterator for Sorted {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

impl Keys {
    fn of(&self, batch: &RecordBatch) -> Result<Rows, Error> {
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|column| batch.column(*column).clone()).collect();
        self.converter.convert_columns(&columns).map_err(unsortable)
    }
}

impl Cursor {
    fn key(&self) -> arrow::row::Row<'_> {
        self.keys.row(self.at)
    }

    fn next_is_equal(&self) -> bool {
        self.at + 1 < self.keys.num_rows() && self.keys.row(self.at + 1) == self.key()
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

fn unsortable(source: ArrowError) -> Error {
    Error::Shape { action: "sort rows", source }
}

fn scratched(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) => Error::Scratch(source),
        source => Error::Shape { action: "put rows aside", source },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{AsArray as _, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::Sorter;

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
            memory in prop::sample::select(vec![1_usize, 2_000, 1 << 20]),
        ) {
            let rows: Vec<(String, i64)> = keys.into_iter().zip(0..).collect();
            let expected: BTreeMap<String, i64> = rows.iter().cloned().collect();
            let mut sorter = Sorter::new(batch(&rows).schema(), vec![0], memory).expect("a key");
            for rows in rows.chunks(batch_rows) {
                sorter.push(batch(rows)).expect("room");
            }
            let mut sorted = sorter.finish().expect("room");
            let mut found = Vec::new();
            for batch in sorted.by_ref() {
                let batch = batch.expect("rows");
                let keys = batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned);
                let values = batch.column(1).as_primitive::<Int64Type>().values().to_vec();
                found.extend(keys.zip(values));
            }
            prop_assert_eq!(sorted.duplicates(), (rows.len() - expected.len()) as u64);
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
