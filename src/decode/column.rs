//! A growing column.

use arrow::datatypes::FieldRef;

use crate::catalog::Type;

use super::binary;
use super::bits::Bits;
use super::calendar;
use super::error::Error;
use super::members::Members;
use super::number;
use super::texts::Texts;

/// A column to which values are appended in the order of the rows.
///
/// Invariant: validity and values are equally long whenever no value is being read.
pub(super) struct Column {
    pub valid: Bits,
    pub values: Values,
    /// Values that were of another type and became null.
    pub mismatches: u64,
    /// Whether it is part of the key, of which no value is put aside.
    pub in_key: bool,
}

/// The values of a column, laid out as Arrow has them; a null has a value too, zero or empty.
pub(super) enum Values {
    Text(Texts),
    Json(Texts),
    Binary(Texts),
    Boolean(Bits),
    Int32(Vec<i32>),
    Date(Vec<i32>),
    Int64(Vec<i64>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    Float64(Vec<f64>),
    List(Box<List>),
    Struct(Box<Members>),
}

/// Lists: where each one ends among the items of all.
pub(super) struct List {
    pub offsets: Vec<i32>,
    pub item: Column,
    pub field: FieldRef,
}

impl List {
    /// Ends the list to which items were appended since the last one ended.
    #[inline(always)]
    pub fn close(&mut self) {
        // Items are no more than bytes of JSON, which `limits::BATCH_JSON_BYTES_MAX` bounds.
        self.offsets.push(self.item.valid.len() as i32);
    }

    fn pop(&mut self) {
        self.offsets.pop();
        let items = self.offsets.last().map_or(0, |end| *end as usize);
        while self.item.valid.len() > items {
            self.item.pop();
        }
    }
}

impl Values {
    /// Appends the value that stands where there is none.
    #[inline(never)]
    fn push_nothing(&mut self) {
        match self {
            Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => texts.close(),
            Values::Boolean(bits) => bits.push(false),
            Values::Int32(values) | Values::Date(values) => values.push(0),
            Values::Int64(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.push(0);
            }
            Values::Float64(values) => values.push(0.0),
            Values::List(list) => list.close(),
            Values::Struct(members) => members.push_nulls(),
        }
    }
}

impl Column {
    /// An empty column of this type.
    pub fn new(ty: &Type) -> Result<Self, Error> {
        let values = match ty {
            Type::Text => Values::Text(Texts::new()),
            Type::Json => Values::Json(Texts::new()),
            Type::Binary => Values::Binary(Texts::new()),
            Type::Boolean => Values::Boolean(Bits::default()),
            Type::Int32 => Values::Int32(Vec::new()),
            Type::Date => Values::Date(Vec::new()),
            Type::Int64 => Values::Int64(Vec::new()),
            Type::Time => Values::Time(Vec::new()),
            Type::Timestamp => Values::Timestamp(Vec::new()),
            Type::Float64 => Values::Float64(Vec::new()),
            Type::List(item) => Values::List(Box::new(List {
                offsets: vec![0],
                item: Column::new(item)?,
                field: item.field("item"),
            })),
            Type::Struct(parts) => {
                let parts = parts.iter().map(|part| (part.name.clone(), &part.ty)).collect();
                Values::Struct(Box::new(Members::new(parts)?))
            }
        };
        Ok(Column { valid: Bits::default(), values, mismatches: 0, in_key: false })
    }

    /// Appends a null.
    #[inline(always)]
    pub fn push_null(&mut self) {
        self.valid.push(false);
        match &mut self.values {
            Values::Text(texts) => texts.close(),
            values => values.push_nothing(),
        }
    }

    /// Takes the last value off, because its key came again in the same object.
    #[cold]
    pub fn pop(&mut self) {
        self.valid.pop();
        match &mut self.values {
            Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => texts.pop(),
            Values::Boolean(bits) => bits.pop(),
            Values::Int32(values) | Values::Date(values) => {
                values.pop();
            }
            Values::Int64(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.pop();
            }
            Values::Float64(values) => {
                values.pop();
            }
            Values::List(list) => list.pop(),
            Values::Struct(members) => members.pop(),
        }
    }

    /// Takes off whatever is behind the first `len` values, also of a value that was begun.
    #[cold]
    pub fn cut(&mut self, len: usize) {
        self.valid.cut(len);
        match &mut self.values {
            Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => texts.cut(len),
            Values::Boolean(bits) => bits.cut(len),
            Values::Int32(values) | Values::Date(values) => values.truncate(len),
            Values::Int64(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.truncate(len);
            }
            Values::Float64(values) => values.truncate(len),
            Values::List(list) => {
                list.offsets.truncate(len + 1);
                list.item.cut(list.offsets.last().map_or(0, |end| *end as usize));
            }
            Values::Struct(members) => members.cut(len),
        }
    }

    /// Appends what a string stands for; `None`, and nothing appended, if that is not of the type.
    pub fn push_string(&mut self, text: &[u8]) -> Option<()> {
        match &mut self.values {
            Values::Int64(values) => values.push(number::integer(text)?),
            Values::Float64(values) => values.push(number::named_double(text)?),
            Values::Timestamp(values) => values.push(calendar::timestamp(text)?),
            Values::Date(values) => values.push(calendar::date(text)?),
            Values::Time(values) => values.push(calendar::time(text)?),
            Values::Binary(texts) => {
                if binary::from_base64(text, &mut texts.bytes).is_none() {
                    texts.undo();
                    return None;
                }
                texts.close();
            }
            _ => return None,
        }
        self.valid.push(true);
        Some(())
    }

    /// Appends what a number stands for; `None`, and nothing appended, if that is not of the type.
    pub fn push_number(&mut self, text: &[u8]) -> Option<()> {
        match &mut self.values {
            Values::Int32(values) => values.push(number::integer(text)?.try_into().ok()?),
            Values::Int64(values) => values.push(number::integer(text)?),
            Values::Float64(values) => values.push(number::double(text)?),
            _ => return None,
        }
        self.valid.push(true);
        Some(())
    }

    /// What a value has to be, for people.
    pub fn expected(&self) -> &'static str {
        match &self.values {
            Values::Text(_) => "string",
            Values::Json(_) => "JSON",
            Values::Binary(_) => "base64 string",
            Values::Boolean(_) => "boolean",
            Values::Int32(_) => "32-bit integer",
            Values::Int64(_) => "64-bit integer",
            Values::Float64(_) => "number",
            Values::Date(_) => "date",
            Values::Time(_) => "time of day",
            Values::Timestamp(_) => "timestamp",
            Values::List(_) => "list",
            Values::Struct(_) => "object",
        }
    }

    /// Bytes it takes as Arrow buffers, everything below it included.
    pub fn size(&self) -> usize {
        self.valid.bytes()
            + match &self.values {
                Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => texts.size(),
                Values::Boolean(bits) => bits.bytes(),
                Values::Int32(values) | Values::Date(values) => size_of_val(values.as_slice()),
                Values::Int64(values) | Values::Time(values) | Values::Timestamp(values) => {
                    size_of_val(values.as_slice())
                }
                Values::Float64(values) => size_of_val(values.as_slice()),
                Values::List(list) => size_of_val(list.offsets.as_slice()) + list.item.size(),
                Values::Struct(members) => members.size(),
            }
    }

    /// Sets how many values of another type there were, here and in everything below.
    #[cold]
    pub fn set_mismatches(&mut self, count: u64) {
        self.mismatches = count;
        match &mut self.values {
            Values::List(list) => list.item.set_mismatches(0),
            Values::Struct(members) => {
                members.columns.iter_mut().for_each(|part| part.set_mismatches(0));
            }
            _ => {}
        }
    }

    /// Values of another type, here and in everything below.
    pub fn mismatches(&self) -> u64 {
        self.mismatches
            + match &self.values {
                Values::List(list) => list.item.mismatches(),
                Values::Struct(members) => {
                    members.columns.iter().map(|part| part.mismatches()).sum()
                }
                _ => 0,
            }
    }
}
