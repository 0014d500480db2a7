//! Columns as Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array,
    ListArray, StringArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::column::{Column, List, Values};
use super::texts::{Texts, replacement};

impl Column {
    /// All values as an array; none are left. No byte is copied.
    pub fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let len = self.valid.len();
        let nulls = self.valid.take_nulls();
        Ok(match &mut self.values {
            Values::Text(texts) | Values::Json(texts) => Arc::new(strings(texts, nulls)),
            Values::Binary(texts) => Arc::new(binaries(texts, nulls)?),
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.take(), nulls)),
            Values::Int32(values) => Arc::new(Int32Array::try_new(scalars(values), nulls)?),
            Values::Date(values) => Arc::new(Date32Array::try_new(scalars(values), nulls)?),
            Values::Int64(values) => Arc::new(Int64Array::try_new(scalars(values), nulls)?),
            Values::Float64(values) => Arc::new(Float64Array::try_new(scalars(values), nulls)?),
            Values::Time(values) => {
                Arc::new(Time64MicrosecondArray::try_new(scalars(values), nulls)?)
            }
            Values::Timestamp(values) => {
                let array = TimestampMicrosecondArray::try_new(scalars(values), nulls)?;
                Arc::new(array.with_timezone("UTC"))
            }
            Values::List(list) => Arc::new(lists(list, nulls)?),
            Values::Struct(members) => {
                let arrays = members.take()?;
                let fields = members.fields.clone();
                Arc::new(StructArray::try_new_with_length(fields, arrays, nulls, len)?)
            }
        })
    }
}

fn scalars<T>(values: &mut Vec<T>) -> ScalarBuffer<T>
where
    T: arrow::datatypes::ArrowNativeType,
{
    let next = replacement(values);
    ScalarBuffer::from(std::mem::replace(values, next))
}

fn strings(texts: &mut Texts, nulls: Option<NullBuffer>) -> StringArray {
    let (offsets, bytes) = texts.take();
    // SAFETY: the offsets ascend from 0 to the number of bytes (invariant of `Texts`), and there
    // is one more than there are rows (invariant of `Column`). The bytes between two of them are
    // UTF-8: they are pieces of a page that was validated whole, cut where an ASCII byte stands,
    // and characters encoded by std.
    unsafe {
        let offsets = OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets));
        StringArray::new_unchecked(offsets, Buffer::from_vec(bytes), nulls)
    }
}

fn binaries(texts: &mut Texts, nulls: Option<NullBuffer>) -> Result<BinaryArray, ArrowError> {
    let (offsets, bytes) = texts.take();
    BinaryArray::try_new(ascending(offsets), Buffer::from_vec(bytes), nulls)
}

fn lists(list: &mut List, nulls: Option<NullBuffer>) -> Result<ListArray, ArrowError> {
    let mut next = replacement(&list.offsets);
    next.push(0);
    let offsets = std::mem::replace(&mut list.offsets, next);
    ListArray::try_new(list.field.clone(), ascending(offsets), list.item.take()?, nulls)
}

fn ascending(offsets: Vec<i32>) -> OffsetBuffer<i32> {
    // SAFETY: each offset is the length, at its time, of something that only grows; what takes a
    // value off takes its offset off too.
    unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets)) }
}
