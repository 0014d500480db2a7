//! Pages in, batches out.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::catalog;
use crate::limits::decode as limits;

use super::Settings;
use super::cursor::Cursor;
use super::error::Error;
use super::isa::{Instructions, Isa};
use super::padded::Padded;
use super::pass::{Broken, Counts, Pass, Step, Surprise};
use super::portable::Portable;
use super::table::Table;

/// Turns the rows of pages into batches.
///
/// Rows that do not fill a batch wait for the next page, for [`flush`](Self::flush) or for
/// [`finish`](Self::finish): without a flush the same rows give the same batches however Graph
/// divides them into pages and in whatever order it writes their members.
///
/// ```
/// # use std::sync::Arc;
/// use entra_flight::catalog::{Column, Origin, Type};
/// use entra_flight::decode::{Decoder, Padded, Settings};
///
/// # fn main() -> Result<(), entra_flight::decode::Error> {
/// let id = Column {
///     name: "id".into(),
///     origin: Origin::Property("id".into()),
///     ty: Type::Text,
///     graph_type: "Edm.String".into(),
///     description: None,
///     permission: None,
///     on_request: false,
///     unordered: false,
///     filters: Default::default(),
/// };
/// let mut decoder = Decoder::new(&[id], Settings::default())?;
/// let page = Padded::from_vec(br#"{"value":[{"id":"a"},{"id":null}]}"#.to_vec());
/// let mut batches = Vec::new();
/// let end = decoder.push(&page, 9, None, &mut batches)?;
/// batches.extend(decoder.finish()?);
/// assert_eq!(end, 33);
/// assert_eq!(batches[0].num_rows(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Decoder {
    table: Table,
    settings: Settings,
    instructions: Instructions,
    /// Rows of the scan so far.
    rows: u64,
    batch: Batch,
    counts: Counts,
    /// What there was before the last page.
    before: Before,
    failed: Option<Error>,
}

/// What a decoder held before a page.
#[derive(Default)]
struct Before {
    rows: u64,
    held: usize,
    json_bytes: usize,
    counts: Counts,
    /// Of each column; not worked out where there are none.
    mismatches: Vec<u64>,
}

/// The batch that is growing.
struct Batch {
    rows: usize,
    rows_max: usize,
    /// Bytes of JSON its rows came from, the parent's key counted for each.
    json_bytes: usize,
    json_bytes_max: usize,
}

impl Batch {
    #[inline(always)]
    fn is_full(&self, table: &Table, settings: &Settings) -> bool {
        self.rows >= self.rows_max
            || self.json_bytes >= self.json_bytes_max
            || (self.rows.is_multiple_of(limits::BATCH_BYTES_CHECK_ROWS)
                && table.size() >= settings.batch_bytes_max)
    }
}

impl Decoder {
    /// A decoder for these columns, with the fastest instructions of this machine.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::error::Kind::Invalid) if two columns have one name or read one
    /// member, if a parent's key or the rest is not text, if a type nests too deep or has too
    /// many members, or if a bound of the settings is 0.
    pub fn new(columns: &[catalog::Column], settings: Settings) -> Result<Self, Error> {
        Self::with_instructions(columns, settings, Instructions::detect())
    }

    /// A decoder that uses these instructions, to compare one set with another.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_instructions(
        columns: &[catalog::Column],
        settings: Settings,
        instructions: Instructions,
    ) -> Result<Self, Error> {
        let bounds = [
            ("batch_rows_max", settings.batch_rows_max),
            ("batch_bytes_max", settings.batch_bytes_max),
            ("first_batch_rows", settings.first_batch_rows),
        ];
        if let Some((name, _)) = bounds.iter().find(|(_, bound)| *bound == 0) {
            return Err(Error::Zero(name));
        }
        let batch = Batch {
            rows: 0,
            rows_max: settings.first_batch_rows.min(settings.batch_rows_max),
            json_bytes: 0,
            json_bytes_max: limits::BATCH_JSON_BYTES_MAX,
        };
        let table = Table::new(columns, &settings.key)?;
        Ok(Decoder {
            table,
            settings,
            instructions,
            rows: 0,
            batch,
            counts: Counts::default(),
            before: Before::default(),
            failed: None,
        })
    }

    /// What every batch has: a nullable field for each column, in their order.
    pub fn schema(&self) -> SchemaRef {
        self.table.schema.clone()
    }

    /// Rows read so far, over all pages.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// For each column, how many values were of another type and became null; values within
    /// lists and objects count for the column they are in.
    pub fn mismatches(&self) -> Vec<u64> {
        self.table.mismatches()
    }

    /// What was put aside or left out so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes the rows of one page and appends the batches they complete to `out`.
    ///
    /// `at` is the offset of the `[` that opens the list of rows, or of white space before it;
    /// `parent` is the key of the parent whose rows these are. Returns the offset just behind the
    /// closing `]`; what follows there is not looked at.
    ///
    /// A property that is absent and one that is `null` both become a null cell. Of a key that
    /// comes twice in one object the last value is kept, and the others are counted.
    ///
    /// What the columns have no room for goes into the [`Extra`](catalog::Origin::Extra) column if
    /// there is one, at its place: members that are not declared, and, under
    /// [`OnMismatch::Extra`](super::OnMismatch::Extra), values that are not of their column's type.
    /// Within an object that a column holds such a member stands in an object of the same name; of
    /// a list each item has its position, null where there is nothing. A key with an `@` is an
    /// annotation and left out, except for `@odata.type` within a nested object, which Graph sends
    /// where the object is of a derived type. Everything left out is still checked to be JSON.
    ///
    /// # Errors
    ///
    /// [`Kind::Corrupt`](crate::error::Kind::Corrupt) if the page is not UTF-8, is larger than
    /// [`PAGE_BYTES_MAX`](limits::PAGE_BYTES_MAX), or has no list of objects at `at`, if a row
    /// nests deeper than [`NESTING_MAX`](limits::NESTING_MAX), and if a value is not of its
    /// column's type, of a key's column always and of others under
    /// [`OnMismatch::Error`](super::OnMismatch::Error). The message gives the row and its key, the
    /// column and the byte offset, never the value. Batches of rows before the fault may have been appended. A decoder that
    /// has failed stays failed: every later call returns the same error, until the page is
    /// [taken back](Self::take_back).
    pub fn push(
        &mut self,
        page: &Padded,
        at: usize,
        parent: Option<&str>,
        out: &mut Vec<RecordBatch>,
    ) -> Result<usize, Error> {
        self.unless_failed(|decoder| {
            let Batch { rows: held, json_bytes, .. } = decoder.batch;
            let counts = decoder.counts;
            let any = counts.put_aside != 0;
            let mismatches = if any { decoder.mismatches() } else { Vec::new() };
            decoder.before = Before { rows: decoder.rows, held, json_bytes, counts, mismatches };
            let size = page.len().saturating_add(parent.map_or(0, str::len));
            if size > limits::PAGE_BYTES_MAX {
                return Err(Error::PageTooLarge(size));
            }
            let cursor = Cursor::new(page, at).ok_or(Error::NoRows(at))?;
            if !page.is_utf8() {
                return Err(Error::NotUtf8(valid_up_to(page)));
            }
            match decoder.instructions {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2(avx2) => decoder.read(avx2, cursor, parent, out),
                Instructions::Portable => decoder.read(Portable, cursor, parent, out),
            }
        })
    }

    /// Takes the rows of the last page back, whether it was decoded or failed, so that the page can
    /// be pushed again. `out` is what it completed, and nothing else; what remains there are the
    /// rows of earlier pages.
    pub fn take_back(&mut self, out: &mut Vec<RecordBatch>) {
        let Before { rows, held, json_bytes, counts, mismatches } =
            std::mem::take(&mut self.before);
        self.failed = None;
        self.rows = rows;
        if self.counts.put_aside != counts.put_aside {
            let none = vec![0; self.schema().fields().len()];
            self.table.set_mismatches(if mismatches.is_empty() { &none } else { &mismatches });
        }
        self.counts = counts;
        self.before = Before { rows, held, json_bytes, counts, mismatches };
        if out.is_empty() {
            self.table.cut(held);
            (self.batch.rows, self.batch.json_bytes) = (held, json_bytes);
            return;
        }
        self.table.cut(0);
        (self.batch.rows, self.batch.json_bytes) = (0, 0);
        out.truncate(if held == 0 { 0 } else { 1 });
        for batch in out {
            *batch = batch.slice(0, held.min(batch.num_rows()));
        }
        (self.before.held, self.before.json_bytes) = (0, 0);
    }

    /// Whether a row that waits for its batch to fill has a null in this column of the schema.
    pub fn holds_null(&self, column: usize) -> bool {
        self.table.holds_null(column)
    }

    /// The rows that wait for their batch to fill, as a batch of their own, `None` if there are
    /// none; the decoder goes on.
    ///
    /// For when the network makes us wait: rows at hand are better than rows held.
    ///
    /// # Errors
    ///
    /// The error of an earlier call, if there was one.
    pub fn flush(&mut self) -> Result<Option<RecordBatch>, Error> {
        self.unless_failed(|decoder| {
            Ok(if decoder.batch.rows == 0 { None } else { Some(decoder.take()?) })
        })
    }

    /// The last batch, `None` if no rows are left over.
    ///
    /// # Errors
    ///
    /// The error of an earlier call, if there was one.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, Error> {
        self.flush()
    }

    fn unless_failed<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        work(self).inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn read<I: Isa>(
        &mut self,
        isa: I,
        cursor: Cursor<'_>,
        parent: Option<&str>,
        out: &mut Vec<RecordBatch>,
    ) -> Result<usize, Error> {
        let mut pass = Pass::new(isa, cursor, self.settings.on_mismatch);
        pass.surprise.wanted = self.table.members.rest.is_some();
        let read = self.rows_of(&mut pass, parent, out);
        self.counts.put_aside += pass.counts.put_aside;
        self.counts.duplicate_members += pass.counts.duplicate_members;
        if let Some(rest) = &mut self.table.members.rest {
            self.counts.duplicate_members += std::mem::take(&mut rest.duplicates);
        }
        read
    }

    #[inline(always)]
    fn rows_of<I: Isa>(
        &mut self,
        pass: &mut Pass<'_, I>,
        parent: Option<&str>,
        out: &mut Vec<RecordBatch>,
    ) -> Result<usize, Error> {
        pass.cursor.space();
        if !pass.cursor.eat::<b'['>() {
            return Err(Error::NoRows(pass.cursor.offset()));
        }
        pass.cursor.space();
        let mut more = !pass.cursor.eat::<b']'>();
        while more {
            let start = pass.cursor;
            more = match self.row(pass, parent) {
                Ok(more) => more,
                Err(Broken(fault)) => {
                    let key = || self.table.key(start, parent);
                    return Err(fault.at_row(self.rows - self.before.rows, key));
                }
            };
            if self.rows - self.before.rows > limits::PAGE_ROWS_MAX {
                return Err(Error::TooManyRows);
            }
            if self.batch.is_full(&self.table, &self.settings) {
                out.push(self.take()?);
            }
        }
        Ok(pass.cursor.offset())
    }

    /// At a row: reads it, and moves to the next one; whether there is one.
    #[inline(always)]
    fn row<I: Isa>(&mut self, pass: &mut Pass<'_, I>, parent: Option<&str>) -> Step<bool> {
        let start = pass.cursor;
        pass.row(&mut self.table.members)?;
        let mut bytes = pass.cursor.since(start).len();
        if pass.surprise.found {
            bytes = bytes.max(self.surprise(&mut pass.surprise, start)?);
        }
        self.table.close_row(parent);
        self.rows += 1;
        self.batch.rows += 1;
        self.batch.json_bytes += bytes + parent.map_or(0, str::len);
        pass.next_row()
    }

    /// Keeps what the row at `start` holds beyond its columns; its bytes at most.
    #[cold]
    #[inline(never)]
    fn surprise(&mut self, surprise: &mut Surprise, start: Cursor<'_>) -> Step<usize> {
        let bytes = self.table.mirror(start, &surprise.mismatched)?;
        surprise.found = false;
        surprise.mismatched.clear();
        Ok(bytes)
    }

    fn take(&mut self) -> Result<RecordBatch, Error> {
        self.batch.rows = 0;
        self.batch.json_bytes = 0;
        let grown = self.batch.rows_max.saturating_mul(limits::BATCH_ROWS_GROWTH);
        self.batch.rows_max = grown.min(self.settings.batch_rows_max);
        self.table.take().map_err(refused)
    }
}

impl fmt::Debug for Decoder {
    /// Tells how far it is; the rows it holds are values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut decoder = f.debug_struct("Decoder");
        decoder.field("rows", &self.rows).field("failed", &self.failed).finish_non_exhaustive()
    }
}

fn refused(error: ArrowError) -> Error {
    Error::Batch(Arc::from(error.to_string()))
}

pub(super) fn valid_up_to(page: &Padded) -> usize {
    str::from_utf8(page.as_slice()).err().map_or(page.len(), |error| error.valid_up_to())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array as _, StringArray};

    #[test]
    fn a_batch_ends_before_its_offsets_could_overflow() {
        let mut decoder = Decoder::new(&[], Settings::default()).expect("no columns are sound");
        decoder.batch.json_bytes_max = 8;
        let mut batches = Vec::new();
        for _ in 0..2 {
            let page = Padded::from_vec(br#"[ {"a":1} , {}, {},{} ]"#.to_vec());
            decoder.push(&page, 0, Some("key"), &mut batches).expect("the page is sound");
        }
        batches.extend(decoder.finish().expect("the pages are sound"));
        let rows: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [1, 2, 2, 2, 1], "10, 5 + 5, 5 + 10, 5 + 5, 5 bytes");
    }

    #[test]
    fn a_page_that_is_taken_back_leaves_no_trace() {
        let column = |name: &str, ty: &str, origin| catalog::Column {
            name: name.into(),
            origin,
            ty: ty.parse().expect("a type"),
            graph_type: "".into(),
            description: None,
            permission: None,
            on_request: false,
            unordered: false,
            filters: Default::default(),
        };
        let of = |name: &str, ty| column(name, ty, catalog::Origin::Property(name.into()));
        let columns = [
            of("id", "text"),
            of("on", "boolean"),
            of("tags", "list<struct<a: text, b: int32>>"),
            of("at", "struct<x: list<text>, y: float64>"),
            column("_extra", "json", catalog::Origin::Extra),
        ];
        let row = |n: usize| {
            format!(
                r#"{{"id":"{n}","on":true,"new":{n},"at":{{"x":["p","q"],"y":1.5}},"tags":[{{"a":"b","b":{n}}}]}}"#
            )
        };
        let page = |from: usize| {
            let rows: Vec<_> = (from..from + 60).map(row).collect();
            format!("[{}]", rows.join(","))
        };
        let padded = |text: &str| Padded::from_vec(text.as_bytes().to_vec());
        for batch_rows_max in [1, 7, 60, 64, 500] {
            let settings = Settings { batch_rows_max, ..Settings::default() };
            let mut decoder = Decoder::new(&columns, settings).expect("the columns are sound");
            let mut rows = 0;
            for from in [0, 60, 120] {
                let text = page(from);
                for cut in (1..text.len()).step_by(97) {
                    let mut out = Vec::new();
                    let bad = padded(text.get(..cut).expect("ASCII"));
                    decoder.push(&bad, 0, None, &mut out).expect_err("the page is cut");
                    decoder.take_back(&mut out);
                    rows += out.iter().map(RecordBatch::num_rows).sum::<usize>();
                }
                let mut out = Vec::new();
                decoder.push(&padded(&text), 0, None, &mut out).expect("the page is sound");
                assert!(!decoder.holds_null(0) && !decoder.holds_null(4));
                rows += out.iter().map(RecordBatch::num_rows).sum::<usize>();
            }
            let last = decoder.finish().expect("the pages are sound");
            if let Some(last) = &last {
                let id = last.column(0).as_any().downcast_ref::<StringArray>().expect("text");
                assert_eq!(id.value(last.num_rows() - 1), "179");
            }
            rows += last.map_or(0, |last| last.num_rows());
            assert_eq!((rows, decoder.rows()), (180, 180), "batches of {batch_rows_max}");
        }
    }

    #[test]
    fn a_page_too_large_for_offsets_is_refused_unread() {
        let mut decoder = Decoder::new(&[], Settings::default()).expect("no columns are sound");
        let page = Padded::with_len(limits::PAGE_BYTES_MAX + 1);
        let error = decoder.push(&page, 0, None, &mut Vec::new()).expect_err("too large");
        assert_eq!(error, Error::PageTooLarge(limits::PAGE_BYTES_MAX + 1));
    }
}
