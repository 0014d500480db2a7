//! Rows of many batches in one, in any order.
//!
//! Most bytes of a row are in its lists, whose elements lie side by side: here they are copied by
//! the list, and not one by one as `arrow::compute::interleave` does it.

use std::borrow::Borrow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray as _, BooleanArray, BooleanBufferBuilder,
    GenericByteArray, ListArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StructArray,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{
    ByteArrayType, DataType, Date32Type, Float64Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;

/// The rows at these places, each a batch and a row of it, in this order. There is a batch at least,
/// and all have one schema.
///
/// # Errors
///
/// [`ArrowError::OffsetOverflowError`] if the texts, or the elements of the lists, of a column are
/// more than 2 GiB.
pub fn gather(
    batches: &[impl Borrow<RecordBatch>],
    places: &[(usize, usize)],
) -> Result<RecordBatch, ArrowError> {
    let Some(first) = batches.first().map(Borrow::borrow) else {
        return Err(ArrowError::InvalidArgumentError("rows of no batch".to_owned()));
    };
    let columns = (0..first.num_columns()).map(|at| column(batches, at, places));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
    RecordBatch::try_new_with_options(first.schema(), columns, &options)
}

/// The values that [`gather`] puts into the column at `at`.
///
/// # Errors
///
/// As [`gather`].
pub fn column(
    batches: &[impl Borrow<RecordBatch>],
    at: usize,
    places: &[(usize, usize)],
) -> Result<ArrayRef, ArrowError> {
    let arrays: Vec<&dyn Array> =
        batches.iter().map(|batch| batch.borrow().column(at).as_ref()).collect();
    gathered(&arrays, Places::Rows(places))
}

/// What is taken, in order.
#[derive(Clone, Copy)]
enum Places<'a> {
    /// Of an array one value.
    Rows(&'a [(usize, usize)]),
    /// Of an array values side by side.
    Ranges { ranges: &'a [(usize, Range<usize>)], total: usize },
}

impl Places<'_> {
    fn total(&self) -> usize {
        match self {
            Places::Rows(rows) => rows.len(),
            Places::Ranges { total, .. } => *total,
        }
    }

    /// The same, value by value.
    fn singly(&self) -> Vec<(usize, usize)> {
        match self {
            Places::Rows(rows) => rows.to_vec(),
            Places::Ranges { ranges, .. } => ranges
                .iter()
                .flat_map(|(array, range)| range.clone().map(|row| (*array, row)))
                .collect(),
        }
    }
}

fn gathered(arrays: &[&dyn Array], places: Places<'_>) -> Result<ArrayRef, ArrowError> {
    let of = arrays[0].data_type();
    if arrays.iter().all(|array| array.null_count() == array.len()) {
        return Ok(new_null_array(of, places.total()));
    }
    match of {
        DataType::Boolean => Ok(booleans(arrays, places)),
        DataType::Int32 => Ok(primitives::<Int32Type>(arrays, places)),
        DataType::Int64 => Ok(primitives::<Int64Type>(arrays, places)),
        DataType::Float64 => Ok(primitives::<Float64Type>(arrays, places)),
        DataType::Date32 => Ok(primitives::<Date32Type>(arrays, places)),
        DataType::Time64(TimeUnit::Microsecond) => {
            Ok(primitives::<Time64MicrosecondType>(arrays, places))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Ok(primitives::<TimestampMicrosecondType>(arrays, places))
        }
        DataType::Utf8 => bytes::<arrow::datatypes::Utf8Type>(arrays, places),
        DataType::Binary => bytes::<arrow::datatypes::BinaryType>(arrays, places),
        DataType::List(_) => lists(arrays, places),
        DataType::Struct(_) => structs(arrays, places),
        _ => interleave(arrays, &places.singly()),
    }
}

/// Which of the values are there; `None` if all are.
fn nulls(arrays: &[&dyn Array], places: Places<'_>) -> Option<NullBuffer> {
    if arrays.iter().all(|array| array.null_count() == 0) {
        return None;
    }
    let known: Vec<Option<&NullBuffer>> =
        arrays.iter().map(|array| array.nulls().filter(|it| it.null_count() > 0)).collect();
    let valid = bits(places, |array| known[array].map(NullBuffer::inner));
    Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
}

/// Bits of those that an array has; all set where it has none.
fn bits<'a>(places: Places<'_>, of: impl Fn(usize) -> Option<&'a BooleanBuffer>) -> BooleanBuffer {
    match places {
        Places::Rows(rows) => BooleanBuffer::collect_bool(rows.len(), |at| {
            let (array, row) = rows[at];
            of(array).is_none_or(|bits| bits.value(row))
        }),
        Places::Ranges { ranges, total } => {
            let mut all = BooleanBufferBuilder::new(total);
            for (array, range) in ranges {
                match of(*array) {
                    Some(bits) => {
                        let (start, end) = (bits.offset() + range.start, bits.offset() + range.end);
                        all.append_packed_range(start..end, bits.values());
                    }
                    None => all.append_n(range.len(), true),
                }
            }
            all.finish()
        }
    }
}

fn booleans(arrays: &[&dyn Array], places: Places<'_>) -> ArrayRef {
    let values: Vec<&BooleanBuffer> =
        arrays.iter().map(|array| array.as_boolean().values()).collect();
    let values = bits(places, |array| Some(values[array]));
    Arc::new(BooleanArray::new(values, nulls(arrays, places)))
}

fn primitives<T: ArrowPrimitiveType>(arrays: &[&dyn Array], places: Places<'_>) -> ArrayRef {
    let of: Vec<&[T::Native]> =
        arrays.iter().map(|array| &**array.as_primitive::<T>().values()).collect();
    let mut values = Vec::with_capacity(places.total());
    match places {
        Places::Rows(rows) => values.extend(rows.iter().map(|(array, row)| of[*array][*row])),
        Places::Ranges { ranges, .. } => {
            for (array, range) in ranges {
                values.extend_from_slice(&of[*array][range.clone()]);
            }
        }
    }
    let values = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls(arrays, places));
    Arc::new(values.with_data_type(arrays[0].data_type().clone()))
}

fn bytes<T: ByteArrayType<Offset = i32>>(
    arrays: &[&dyn Array],
    places: Places<'_>,
) -> Result<ArrayRef, ArrowError> {
    let of: Vec<(&[i32], &[u8])> = arrays
        .iter()
        .map(|array| array.as_bytes::<T>())
        .map(|array| (&**array.offsets(), array.values().as_slice()))
        .collect();
    let span = |array: usize, range: Range<usize>| {
        let offsets = of[array].0;
        offsets[range.start] as usize..offsets[range.end] as usize
    };
    let mut values: Vec<u8> = Vec::with_capacity(expected(arrays, &of, places.total()));
    let mut ends: Vec<i32> = Vec::with_capacity(places.total() + 1);
    ends.push(0);
    match places {
        Places::Rows(rows) => {
            for (array, row) in rows {
                let span = span(*array, *row..row + 1);
                append(&mut values, of[*array].1, span);
                ends.push(values.len() as i32);
            }
        }
        Places::Ranges { ranges, .. } => {
            for (array, range) in ranges {
                let span = span(*array, range.clone());
                let moved = (values.len() as i32).wrapping_sub(span.start as i32);
                let offsets = &of[*array].0[range.start + 1..=range.end];
                ends.extend(offsets.iter().map(|end| end.wrapping_add(moved)));
                append(&mut values, of[*array].1, span);
            }
        }
    }
    // Ends beyond that have wrapped.
    i32::try_from(values.len()).map_err(|_| ArrowError::OffsetOverflowError(values.len()))?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    let nulls = nulls(arrays, places);
    Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, values.into(), nulls)?))
}

/// Appends these bytes. Of a few, mostly, more are copied and then forgotten: to copy as many as are
/// known beforehand is much quicker than to ask how many.
fn append(to: &mut Vec<u8>, from: &[u8], span: Range<usize>) {
    const BLOCK: usize = 64;
    let few = (1..=BLOCK).contains(&span.len());
    match from.get(span.start..).and_then(<[u8]>::first_chunk::<BLOCK>).filter(|_| few) {
        Some(block) => {
            let end = to.len() + span.len();
            to.extend_from_slice(block);
            to.truncate(end);
        }
        None if span.is_empty() => {}
        None => to.extend_from_slice(&from[span]),
    }
}

/// About how many bytes so many values take, by what all of the arrays hold.
fn expected(arrays: &[&dyn Array], of: &[(&[i32], &[u8])], total: usize) -> usize {
    let held = of.iter().map(|(offsets, _)| match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (last - first) as usize,
        _ => 0,
    });
    let (held, count) =
        (held.sum::<usize>(), arrays.iter().map(|array| array.len()).sum::<usize>());
    // A sixteenth more is mostly enough; if not, they are moved.
    let fair = (held as u128 * total as u128 / count.max(1) as u128) as usize;
    fair + fair / 16
}

fn lists(arrays: &[&dyn Array], places: Places<'_>) -> Result<ArrayRef, ArrowError> {
    let of: Vec<&ListArray> = arrays.iter().map(|array| array.as_list::<i32>()).collect();
    let mut ranges: Vec<(usize, Range<usize>)> = Vec::new();
    let mut total = 0_usize;
    let mut ends: Vec<i32> = Vec::with_capacity(places.total() + 1);
    ends.push(0);
    match places {
        Places::Rows(rows) => {
            for (array, row) in rows {
                let offsets: &[i32] = of[*array].offsets();
                let (start, end) = (offsets[*row] as usize, offsets[row + 1] as usize);
                if start < end {
                    total += end - start;
                    ranges.push((*array, start..end));
                }
                ends.push(total as i32);
            }
        }
        Places::Ranges { ranges: of_lists, .. } => {
            for (array, lists) in of_lists {
                let offsets: &[i32] = of[*array].offsets();
                let span = offsets[lists.start] as usize..offsets[lists.end] as usize;
                let moved = (total as i32).wrapping_sub(span.start as i32);
                let offsets = &offsets[lists.start + 1..=lists.end];
                ends.extend(offsets.iter().map(|end| end.wrapping_add(moved)));
                total += span.len();
                if !span.is_empty() {
                    ranges.push((*array, span));
                }
            }
        }
    }
    // Ends beyond that have wrapped.
    i32::try_from(total).map_err(|_| ArrowError::OffsetOverflowError(total))?;
    let items: Vec<&dyn Array> = of.iter().map(|list| list.values().as_ref()).collect();
    let items = gathered(&items, Places::Ranges { ranges: &ranges, total })?;
    let DataType::List(field) = arrays[0].data_type() else {
        return Err(ArrowError::CastError("a list is none".to_owned()));
    };
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    let nulls = nulls(arrays, places);
    Ok(Arc::new(ListArray::try_new(field.clone(), offsets, items, nulls)?))
}

fn structs(arrays: &[&dyn Array], places: Places<'_>) -> Result<ArrayRef, ArrowError> {
    let of: Vec<&StructArray> = arrays.iter().map(|array| array.as_struct()).collect();
    let parts = (0..of[0].num_columns()).map(|part| {
        let parts: Vec<&dyn Array> = of.iter().map(|it| it.column(part).as_ref()).collect();
        gathered(&parts, places)
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let (fields, nulls) = (of[0].fields().clone(), nulls(arrays, places));
    Ok(Arc::new(StructArray::try_new_with_length(fields, parts, nulls, places.total())?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, DictionaryArray, Float64Array,
        Int32Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray, StructArray,
        Time64MicrosecondArray, TimestampMicrosecondArray,
    };
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::compute::interleave_record_batch;
    use arrow::datatypes::{Field, Int32Type, Schema};
    use proptest::prelude::*;

    use super::gather;

    /// Numbers of which some are missing.
    type Cells = Vec<Option<u8>>;

    fn lists(items: ArrayRef, lengths: &[usize], nulls: Option<NullBuffer>) -> ArrayRef {
        let field = Arc::new(Field::new("item", items.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
        Arc::new(ListArray::new(field, offsets, items, nulls))
    }

    /// A column of each kind: texts of any length, structs in lists in lists.
    fn batch(cells: &Cells, void: bool) -> RecordBatch {
        let text = |cell: u8| "ä€x".chars().cycle().take(usize::from(cell % 7)).collect::<String>();
        let texts = |cells: &Cells| -> ArrayRef {
            Arc::new(cells.iter().map(|cell| cell.map(text)).collect::<StringArray>())
        };
        let numbers = |cells: &Cells| -> Int64Array {
            cells.iter().map(|cell| cell.map(i64::from)).collect()
        };
        let present: Vec<bool> = cells.iter().map(Option::is_some).collect();
        let nulls = || Some(NullBuffer::from(present.clone()));
        let lengths: Vec<usize> =
            cells.iter().map(|it| it.map_or(0, |it| it as usize % 4)).collect();
        let inner: Cells =
            (0..lengths.iter().sum::<usize>() as u8).map(|at| (at % 5 > 0).then_some(at)).collect();
        let structs = |cells: &Cells| -> ArrayRef {
            let parts: [(_, ArrayRef); 2] =
                [("text", texts(cells)), ("number", Arc::new(numbers(cells)))];
            let fields =
                parts.iter().map(|(name, it)| Field::new(*name, it.data_type().clone(), true));
            let nulls = NullBuffer::from_iter((0..cells.len()).map(|row| row % 3 > 0));
            let (fields, parts) = (fields.collect(), parts.into_iter().map(|it| it.1).collect());
            Arc::new(StructArray::new(fields, parts, Some(nulls)))
        };
        let deep = {
            let lengths: Vec<usize> =
                inner.iter().map(|it| it.map_or(0, |it| it as usize % 3)).collect();
            let items: Cells = (0..lengths.iter().sum::<usize>() as u8).map(Some).collect();
            lists(structs(&items), &lengths, None)
        };
        let floats = cells.iter().map(|it| it.map(|it| f64::from(it) / 3.0));
        let bytes: Vec<Option<&[u8]>> =
            cells.iter().map(|it| it.map(|it| &[0xff, 0xfe][..it as usize % 3])).collect();
        let flags: BooleanArray = cells.iter().map(|it| it.map(|it| it % 2 == 0)).collect();
        let none = |cells: &Cells| cells.iter().map(|_| None::<i32>).collect::<Int32Array>();
        let kinds: DictionaryArray<Int32Type> =
            cells.iter().map(|it| it.map(|it| if it > 9 { "large" } else { "small" })).collect();
        let ints: Int32Array = cells.iter().map(|it| it.map(i32::from)).collect();
        let columns: Vec<ArrayRef> = vec![
            if void { texts(&vec![None; cells.len()]) } else { texts(cells) },
            Arc::new(BinaryArray::from_iter(bytes)),
            Arc::new(flags),
            Arc::new(none(cells)),
            Arc::new(Date32Array::from_iter(ints.iter())),
            Arc::new(ints),
            Arc::new(Float64Array::from_iter(floats)),
            Arc::new(Time64MicrosecondArray::from_iter(numbers(cells).iter())),
            Arc::new(
                TimestampMicrosecondArray::from_iter(numbers(cells).iter()).with_timezone("UTC"),
            ),
            Arc::new(kinds),
            Arc::new(NullArray::new(cells.len())),
            structs(cells),
            lists(texts(&inner), &lengths, nulls()),
            lists(Arc::new(numbers(&inner)), &lengths, None),
            lists(structs(&inner), &lengths, nulls()),
            lists(deep, &lengths, nulls()),
        ];
        let fields = columns.iter().enumerate();
        let fields =
            fields.map(|(at, it)| Field::new(format!("c{at}"), it.data_type().clone(), true));
        RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
            .expect("a batch")
    }

    proptest! {
        #[test]
        fn what_is_gathered_is_what_arrow_interleaves(
            cells in prop::collection::vec(
                prop::collection::vec(prop::option::weighted(0.8, any::<u8>()), 1..20), 1..5),
            void in any::<bool>(),
            cut in 0_usize..3,
            picks in prop::collection::vec((any::<usize>(), any::<usize>()), 0..60),
        ) {
            let batches: Vec<RecordBatch> = cells
                .iter()
                .map(|cells| batch(cells, void))
                // As slices, whose arrays do not begin at their buffers' beginnings.
                .map(|batch| {
                    let cut = cut.min(batch.num_rows() - 1);
                    batch.slice(cut, batch.num_rows() - cut)
                })
                .collect();
            let batches: Vec<&RecordBatch> = batches.iter().collect();
            let places: Vec<(usize, usize)> = picks
                .into_iter()
                .map(|(batch, row)| {
                    let batch = batch % batches.len();
                    (batch, row % batches[batch].num_rows())
                })
                .collect();
            let found = gather(&batches, &places).expect("rows");
            let expected = interleave_record_batch(&batches, &places).expect("rows");
            prop_assert_eq!(found, expected);
        }
    }
}
