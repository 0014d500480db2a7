//! Batches of values from outside, checked before Arrow's reader sees them.
//!
//! Arrow's reader takes what a message says at its word: it panics at types that there are not and at
//! buffers that are too short, and sets memory aside for lengths that nobody sent. All that it
//! relies on is looked at here first; what is wrong with the values themselves, such as offsets that
//! lead back or text that is not UTF-8, it finds itself.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::timezone::Tz;
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Field, SchemaRef,
};
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{read_dictionary, read_record_batch};
use arrow::ipc::{self, MetadataVersion, Type, root_as_message};

use crate::limits::query::{BINDINGS_MAX, PARAMETERS_MAX, WIDTH_MAX};

/// Reads the messages of one stream of batches.
#[derive(Default)]
pub struct ValuesReader {
    schema: Option<SchemaRef>,
    /// The values of dictionaries, by id, and what they are made of.
    dictionaries: HashMap<i64, ArrayRef>,
    dictionary_types: HashMap<i64, DataType>,
    batches: Vec<RecordBatch>,
}

impl ValuesReader {
    /// Reads the message with this head; its body stands at the beginning of `rest`. The length of
    /// the body.
    ///
    /// # Errors
    ///
    /// [`ArrowError::IpcError`] of what is not there or contradicts itself, of types that are not
    /// taken, of what is compressed, which could be any size, and of more rows than are bound.
    pub fn take(&mut self, head: &[u8], rest: &[u8]) -> Result<usize, ArrowError> {
        let message = root_as_message(head).map_err(|_| wrong("a message cannot be read"))?;
        let length = usize::try_from(message.bodyLength()).map_err(|_| cut())?;
        let body = rest.get(..length).ok_or_else(cut)?;
        // What the checks have missed is the client's fault as well.
        catch_unwind(AssertUnwindSafe(|| self.read(&message, body)))
            .unwrap_or_else(|_| Err(wrong("a message contradicts itself")))?;
        Ok(length)
    }

    /// All values as one batch.
    ///
    /// # Errors
    ///
    /// [`ArrowError::IpcError`] if no schema came, and what does not fit into one batch.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        let schema = self.schema.ok_or_else(|| wrong("no schema came"))?;
        concat_batches(&schema, &self.batches)
    }

    fn read(&mut self, message: &ipc::Message<'_>, body: &[u8]) -> Result<(), ArrowError> {
        let version = message.version();
        if ![MetadataVersion::V4, MetadataVersion::V5].contains(&version) {
            return Err(wrong("a message is of another version of Arrow's format"));
        }
        if let Some(schema) = message.header_as_schema() {
            return self.begin(schema);
        }
        let schema = self.schema.clone().ok_or_else(|| wrong("no schema came first"))?;
        // A copy: what is sliced from it begins where values of its type may.
        let buffer = Buffer::from(body);
        if let Some(dictionary) = message.header_as_dictionary_batch() {
            let values = dictionary.data().ok_or_else(cut)?;
            let ty = self.dictionary_types.get(&dictionary.id());
            let ty = ty.ok_or_else(|| wrong("there is no such dictionary"))?;
            Layout::of(&values, body.len())?.columns([ty], values.length())?;
            return read_dictionary(&buffer, dictionary, &schema, &mut self.dictionaries, &version);
        }
        let Some(batch) = message.header_as_record_batch() else {
            return Err(wrong("a message is neither a schema nor a batch"));
        };
        let before: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        let rows_max = BINDINGS_MAX.saturating_sub(before) as i64;
        if !(0..=rows_max).contains(&batch.length()) {
            return Err(wrong("there are more sets of values than are taken"));
        }
        let types = schema.fields().iter().map(|field| field.data_type());
        Layout::of(&batch, body.len())?.columns(types, batch.length())?;
        let batch = read_record_batch(&buffer, batch, schema, &self.dictionaries, None, &version)?;
        batch.columns().iter().try_for_each(check_digits)?;
        self.batches.push(batch);
        Ok(())
    }

    fn begin(&mut self, schema: ipc::Schema<'_>) -> Result<(), ArrowError> {
        if self.schema.is_some() {
            return Err(wrong("there are two schemas"));
        }
        if schema.endianness() != ipc::Endianness::Little {
            return Err(wrong("values are little-endian"));
        }
        let fields = schema.fields().ok_or_else(|| wrong("the schema has no fields"))?;
        if fields.len() > PARAMETERS_MAX {
            return Err(wrong("there are more columns than there can be parameters"));
        }
        fields.iter().try_for_each(|field| check_field(&field))?;
        let ours = fb_to_schema(schema);
        for (field, ours) in fields.iter().zip(ours.fields()) {
            self.note_dictionaries(&field, ours)?;
        }
        self.schema = Some(ours.into());
        Ok(())
    }

    fn note_dictionaries(
        &mut self,
        field: &ipc::Field<'_>,
        ours: &Field,
    ) -> Result<(), ArrowError> {
        if let (Some(dictionary), DataType::Dictionary(_, values)) =
            (field.dictionary(), ours.data_type())
        {
            return match self.dictionary_types.insert(dictionary.id(), (**values).clone()) {
                None => Ok(()),
                Some(_) => Err(wrong("two columns share a dictionary")),
            };
        }
        let below: Vec<&Field> = match ours.data_type() {
            DataType::List(item) | DataType::LargeList(item) => vec![item],
            DataType::FixedSizeList(item, _) => vec![item],
            DataType::Struct(fields) => fields.iter().map(AsRef::as_ref).collect(),
            _ => return Ok(()),
        };
        let children = field.children().into_iter().flatten();
        children.zip(below).try_for_each(|(field, ours)| self.note_dictionaries(&field, ours))
    }
}

/// Checks that a field is of a type that is taken, with all that this type needs.
fn check_field(field: &ipc::Field<'_>) -> Result<(), ArrowError> {
    let ty = field.type_type();
    let nests = [Type::List, Type::LargeList, Type::FixedSizeList, Type::Struct_].contains(&ty);
    if let Some(dictionary) = field.dictionary() {
        let index = dictionary.indexType();
        if nests || !index.is_some_and(|index| is_int(&index)) {
            return Err(wrong("a dictionary has plain values and whole numbers as keys"));
        }
    }
    let children = field.children().map_or(0, |children| children.len());
    let known = match ty {
        Type::Null | Type::Bool | Type::Utf8 | Type::LargeUtf8 | Type::Utf8View => true,
        Type::Binary | Type::LargeBinary | Type::BinaryView => true,
        Type::Int => field.type_as_int().is_some_and(|it| is_int(&it)),
        Type::FloatingPoint => field.type_as_floating_point().is_some_and(|it| {
            [ipc::Precision::HALF, ipc::Precision::SINGLE, ipc::Precision::DOUBLE]
                .contains(&it.precision())
        }),
        Type::Decimal => field.type_as_decimal().is_some_and(|it| is_decimal(&it)),
        Type::FixedSizeBinary => field
            .type_as_fixed_size_binary()
            .is_some_and(|it| (1..=WIDTH_MAX as i32).contains(&it.byteWidth())),
        Type::FixedSizeList => {
            let size = field.type_as_fixed_size_list().map(|it| it.listSize());
            children == 1 && size.is_some_and(|size| (1..=WIDTH_MAX as i32).contains(&size))
        }
        Type::List | Type::LargeList => children == 1,
        Type::Struct_ => children > 0,
        other => is_time(field, other),
    };
    if !known {
        return Err(wrong("a column is of a type that is not taken, or that there is not"));
    }
    match nests {
        true => field.children().into_iter().flatten().try_for_each(|child| check_field(&child)),
        false => Ok(()),
    }
}

fn is_int(int: &ipc::Int<'_>) -> bool {
    [8, 16, 32, 64].contains(&int.bitWidth())
}

fn is_decimal(decimal: &ipc::Decimal<'_>) -> bool {
    let digits_max = match decimal.bitWidth() {
        32 => 9,
        64 => 18,
        128 => 38,
        256 => 76,
        _ => return false,
    };
    let precision = decimal.precision();
    (1..=digits_max).contains(&precision) && (-precision..=precision).contains(&decimal.scale())
}

fn is_time(field: &ipc::Field<'_>, ty: Type) -> bool {
    use ipc::TimeUnit;
    let fine = [TimeUnit::MICROSECOND, TimeUnit::NANOSECOND];
    let coarse = [TimeUnit::SECOND, TimeUnit::MILLISECOND];
    let is_unit = |unit| fine.contains(&unit) || coarse.contains(&unit);
    match ty {
        Type::Date => field.type_as_date().is_some_and(|it| {
            [ipc::DateUnit::DAY, ipc::DateUnit::MILLISECOND].contains(&it.unit())
        }),
        Type::Time => field.type_as_time().is_some_and(|it| match it.bitWidth() {
            32 => coarse.contains(&it.unit()),
            64 => fine.contains(&it.unit()),
            _ => false,
        }),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|it| {
            let zone = it.timezone().map(str::parse::<Tz>);
            is_unit(it.unit()) && zone.is_none_or(|zone| zone.is_ok())
        }),
        Type::Duration => field.type_as_duration().is_some_and(|it| is_unit(it.unit())),
        Type::Interval => field.type_as_interval().is_some_and(|it| {
            use ipc::IntervalUnit as Unit;
            [Unit::YEAR_MONTH, Unit::DAY_TIME, Unit::MONTH_DAY_NANO].contains(&it.unit())
        }),
        _ => false,
    }
}

/// Checks that decimals have no more digits than their type.
fn check_digits(column: &ArrayRef) -> Result<(), ArrowError> {
    match column.data_type() {
        DataType::Decimal32(digits, _) => {
            column.as_primitive::<Decimal32Type>().validate_decimal_precision(*digits)
        }
        DataType::Decimal64(digits, _) => {
            column.as_primitive::<Decimal64Type>().validate_decimal_precision(*digits)
        }
        DataType::Decimal128(digits, _) => {
            column.as_primitive::<Decimal128Type>().validate_decimal_precision(*digits)
        }
        DataType::Decimal256(digits, _) => {
            column.as_primitive::<Decimal256Type>().validate_decimal_precision(*digits)
        }
        _ => Ok(()),
    }
}

/// The nodes and buffers of a batch that no column has taken yet.
struct Layout {
    nodes: VecDeque<(i64, i64)>,
    /// Their lengths.
    buffers: VecDeque<i64>,
    variadic: VecDeque<i64>,
    /// More values than that have no place in the body.
    values_max: i64,
}

impl Layout {
    fn of(batch: &ipc::RecordBatch<'_>, body: usize) -> Result<Self, ArrowError> {
        if batch.compression().is_some() {
            return Err(wrong("values are not to be compressed"));
        }
        let body = i64::try_from(body).map_err(|_| cut())?;
        let within = |buffer: &ipc::Buffer| {
            let (start, length) = (buffer.offset(), buffer.length());
            let end = start.checked_add(length).filter(|_| start >= 0 && length >= 0);
            end.filter(|end| *end <= body).map(|_| length).ok_or_else(cut)
        };
        let buffers = batch.buffers().ok_or_else(cut)?;
        let nodes = batch.nodes().ok_or_else(cut)?;
        Ok(Layout {
            nodes: nodes.iter().map(|node| (node.length(), node.null_count())).collect(),
            buffers: buffers.iter().map(within).collect::<Result<_, _>>()?,
            variadic: batch.variadicBufferCounts().into_iter().flatten().collect(),
            values_max: body.saturating_mul(8).max(BINDINGS_MAX as i64),
        })
    }

    /// Checks that there is all that columns of these types need, which have so many rows.
    fn columns<'a>(
        mut self,
        types: impl IntoIterator<Item = &'a DataType>,
        rows: i64,
    ) -> Result<(), ArrowError> {
        for ty in types {
            if self.column(ty)? != rows {
                return Err(wrong("a column has another number of rows than its batch"));
            }
        }
        match self.variadic.is_empty() {
            true => Ok(()),
            false => Err(wrong("a batch counts buffers that no column has")),
        }
    }

    /// Takes what one column needs; its length.
    fn column(&mut self, ty: &DataType) -> Result<i64, ArrowError> {
        let (length, nulls) = self.nodes.pop_front().ok_or_else(cut)?;
        if !(0..=self.values_max).contains(&length) || !(0..=length).contains(&nulls) {
            return Err(wrong("a column has an impossible number of rows or nulls"));
        }
        if ty.is_null() {
            return Ok(length);
        }
        self.bits(if nulls > 0 { length } else { 0 })?;
        match ty {
            DataType::Boolean => self.bits(length)?,
            DataType::Utf8 | DataType::Binary => self.offsets(length, 4, true)?,
            DataType::LargeUtf8 | DataType::LargeBinary => self.offsets(length, 8, true)?,
            DataType::Utf8View | DataType::BinaryView => {
                self.bytes(length, 16)?;
                let count = self.variadic.pop_front().ok_or_else(cut)?;
                for _ in 0..usize::try_from(count).map_err(|_| cut())? {
                    self.bytes(0, 1)?;
                }
            }
            DataType::FixedSizeBinary(width) => self.bytes(length, (*width).into())?,
            DataType::List(item) => {
                self.offsets(length, 4, false)?;
                self.column(item.data_type())?;
            }
            DataType::LargeList(item) => {
                self.offsets(length, 8, false)?;
                self.column(item.data_type())?;
            }
            DataType::FixedSizeList(item, size) => {
                let items = length.checked_mul((*size).into()).ok_or_else(cut)?;
                if self.column(item.data_type())? < items {
                    return Err(cut());
                }
            }
            DataType::Struct(fields) => {
                for field in fields {
                    if self.column(field.data_type())? != length {
                        return Err(wrong("a part of a struct has another number of rows"));
                    }
                }
            }
            DataType::Dictionary(key, _) => self.bytes(length, fixed(key)?)?,
            other => self.bytes(length, fixed(other)?)?,
        }
        Ok(length)
    }

    fn offsets(&mut self, length: i64, width: i64, data: bool) -> Result<(), ArrowError> {
        // One of nothing may leave them out.
        self.bytes(if length > 0 { length + 1 } else { 0 }, width)?;
        if data { self.bytes(0, 1) } else { Ok(()) }
    }

    fn bits(&mut self, length: i64) -> Result<(), ArrowError> {
        self.bytes(length.saturating_add(7) / 8, 1)
    }

    /// Takes a buffer that has to hold so many values of this width.
    fn bytes(&mut self, length: i64, width: i64) -> Result<(), ArrowError> {
        let there = self.buffers.pop_front().ok_or_else(cut)?;
        let needed = length.checked_mul(width).ok_or_else(cut)?;
        if there < needed { Err(cut()) } else { Ok(()) }
    }
}

fn fixed(ty: &DataType) -> Result<i64, ArrowError> {
    let width = ty.primitive_width().and_then(|width| i64::try_from(width).ok());
    width.ok_or_else(|| wrong("a column is of a type that is not taken"))
}

/// What contradicts itself, or is not taken.
pub fn wrong(what: &str) -> ArrowError {
    ArrowError::IpcError(what.to_owned())
}

/// What is not there.
pub fn cut() -> ArrowError {
    wrong("a message is shorter than it says")
}
