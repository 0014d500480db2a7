//! Functions whose answer may be any number of times as large as what they are given.
//!
//! Nobody counts what a function takes, and constants are worked out while planning: one call of
//! `repeat` could take all memory there is. Such calls are measured before they run.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, Int64Array};
use datafusion::arrow::compute::kernels::length::bit_length;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimeUnit,
};
use datafusion::common::{Result, exec_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use crate::limits::query as limits;

/// How the size of an answer is reckoned, from the columns that a function is given: each has as
/// many values as rows. Bytes of texts, and elements of lists times the bytes of one.
type Reckon = fn(&[ArrayRef]) -> Vec<u64>;

const BOUNDED: [(&str, Reckon); 8] = [
    ("array_repeat", |args| product(&sizes(args.first()), &numbers(args.get(1)))),
    ("array_resize", |args| product(&[limits::ELEMENT_BYTES], &numbers(args.get(1)))),
    ("generate_series", steps),
    ("lpad", |args| product(&[limits::LETTER_BYTES], &numbers(args.get(1)))),
    ("range", steps),
    ("repeat", |args| product(&sizes(args.first()), &numbers(args.get(1)))),
    ("replace", |args| product(&sizes(args.first()), &sizes(args.get(2)))),
    ("rpad", |args| product(&[limits::LETTER_BYTES], &numbers(args.get(1)))),
];

/// Puts a bound on those functions.
///
/// # Errors
///
/// If one of them is not there.
pub fn bound(state: &mut SessionState) -> Result<()> {
    for (name, reckon) in BOUNDED {
        let inner = state.udf(name)?;
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(Bounded { inner, reckon })))?;
    }
    Ok(())
}

/// A function that refuses to make too much.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    reckon: Reckon,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.inner().return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(types)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.inner().documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // Constants make one value, however many rows there are.
        let alone = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if alone { 1 } else { args.number_rows };
        let given = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let bytes = (self.reckon)(&given).into_iter().fold(0, u64::saturating_add);
        if bytes > limits::FUNCTION_BYTES_MAX {
            return exec_err!(
                "{} would make more than {} MiB at once",
                self.name(),
                limits::FUNCTION_BYTES_MAX >> 20
            );
        }
        self.inner.invoke_with_args(args)
    }
}

/// Value by value the product; a single value goes with all of the other.
fn product(sizes: &[u64], times: &[u64]) -> Vec<u64> {
    let rows = sizes.len().max(times.len());
    let of = |all: &[u64], row: usize| all.get(row).or(all.last()).copied().unwrap_or(0);
    (0..rows).map(|row| of(sizes, row).saturating_mul(of(times, row))).collect()
}

/// The numbers of a column: none below 0, and 0 for what is no number.
fn numbers(column: Option<&ArrayRef>) -> Vec<u64> {
    let Some(column) = column else { return Vec::new() };
    let numbers = integers(column);
    numbers.iter().map(|number| u64::try_from(number.unwrap_or(0)).unwrap_or(0)).collect()
}

fn integers(column: &ArrayRef) -> Int64Array {
    let lax = CastOptions { safe: true, ..CastOptions::default() };
    match cast_with_options(column, &DataType::Int64, &lax) {
        Ok(numbers) => numbers.as_primitive::<Int64Type>().clone(),
        Err(_) => Int64Array::new_null(column.len()),
    }
}

/// The bytes of each value, at least 1.
fn sizes(column: Option<&ArrayRef>) -> Vec<u64> {
    let Some(column) = column else { return Vec::new() };
    match bit_length(column) {
        Ok(bits) => {
            let bits = integers(&bits);
            bits.iter()
                .map(|bits| u64::try_from(bits.unwrap_or(0)).unwrap_or(0) / 8)
                .map(|bytes| bytes.max(1))
                .collect()
        }
        // Of what is no text an average.
        Err(_) => {
            let bytes = column.get_array_memory_size() / column.len().max(1);
            vec![(bytes as u64).max(limits::ELEMENT_BYTES); column.len()]
        }
    }
}

/// The bytes of a row of numbers or times from one value to another.
fn steps(args: &[ArrayRef]) -> Vec<u64> {
    let whole = |column: &ArrayRef| match column.data_type() {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            let lax = CastOptions { safe: true, ..CastOptions::default() };
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            let micros = cast_with_options(column, &micros, &lax);
            micros.map_or_else(|_| Int64Array::new_null(column.len()), |it| integers(&it))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
            let of = |interval: IntervalMonthDayNano| {
                let days = i64::from(interval.months) * 28 + i64::from(interval.days);
                days.saturating_mul(DAY_MICROS).saturating_add(interval.nanoseconds / 1_000)
            };
            column.as_primitive::<IntervalMonthDayNanoType>().unary(of)
        }
        _ => integers(column),
    };
    let columns: Vec<Int64Array> = args.iter().map(whole).collect();
    let (start, end, step) = match &*columns {
        [end] => (None, end, None),
        [start, end] => (Some(start), end, None),
        [start, end, step, ..] => (Some(start), end, Some(step)),
        [] => return Vec::new(),
    };
    let at = |column: Option<&Int64Array>, row: usize, otherwise: i64| {
        column.filter(|it| it.is_valid(row)).map_or(otherwise, |it| it.value(row))
    };
    (0..end.len())
        .map(|row| {
            let way = at(Some(end), row, 0).abs_diff(at(start, row, 0));
            let steps = way / at(step, row, 1).unsigned_abs().max(1);
            steps.saturating_mul(limits::ELEMENT_BYTES)
        })
        .collect()
}
