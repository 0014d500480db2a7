//! What a stored version knows of a column, in the form that DuckDB's planner takes.
//!
//! The planner leaves out rows that the statistics rule out, so a bound may be wide and must never
//! be narrow.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryArray, BooleanArray, Int64Array, RecordBatch,
    StringArray, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use crate::snapshot::Bounds;

/// The key in a schema's metadata which says that there are statistics.
pub const FLAG: &str = "can_produce_statistics";

/// The client takes the longer of the two bounds for the longest text there is, and packs texts of
/// less than sixteen bytes into numbers.
const TEXT_BYTES_MIN: usize = 64;

/// One row in Arrow IPC: `min`, `max`, `has_not_null`, `has_null` and `distinct_count`, which is 0
/// where it is not known.
///
/// # Errors
///
/// None that a caller could cause.
pub fn written(bounds: &Bounds) -> Result<Vec<u8>, ArrowError> {
    let (least, greatest) = ends(bounds);
    let flag = |flag| Arc::new(BooleanArray::from(vec![flag])) as ArrayRef;
    let row = RecordBatch::try_from_iter_with_nullable([
        ("min", least, true),
        ("max", greatest, true),
        ("has_not_null", flag(bounds.may_have_values), false),
        ("has_null", flag(bounds.may_have_nulls), false),
        ("distinct_count", Arc::new(Int64Array::from(vec![0])) as ArrayRef, false),
    ])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &row.schema())?;
    writer.write(&row)?;
    writer.into_inner()
}

/// Both bounds; those of texts are never null, which the client cannot read, and say that there is
/// every sign and any length.
fn ends(bounds: &Bounds) -> (ArrayRef, ArrayRef) {
    let (least, greatest) = (&bounds.least, &bounds.greatest);
    match least.data_type() {
        DataType::Utf8 => {
            let start = least.as_string::<i32>().iter().next().flatten().unwrap_or_default();
            let end = greatest.as_string::<i32>().iter().next().flatten().unwrap_or_default();
            let mut end = end.to_owned();
            while end.len() < TEXT_BYTES_MIN || !end.ends_with(char::MAX) {
                end.push(char::MAX);
            }
            (Arc::new(StringArray::from(vec![start])), Arc::new(StringArray::from(vec![end])))
        }
        DataType::Binary => {
            let ends: [&[u8]; 2] = [&[], &[u8::MAX; TEXT_BYTES_MIN]];
            let [start, end] = ends.map(|end| Arc::new(BinaryArray::from(vec![end])) as ArrayRef);
            (start, end)
        }
        // Bounds of lists and structs are not read.
        nested if nested.is_nested() => {
            let null = new_null_array(&DataType::Boolean, 1);
            (null.clone(), null)
        }
        _ => (least.clone(), greatest.clone()),
    }
}
