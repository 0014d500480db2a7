//! How much a call of a function would make of what it is given, or take.

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array};
use arrow::compute::kernels::length::bit_length;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use crate::limits::query as limits;

/// What a call is given: a column for each argument, which for a constant has one row.
pub struct Given {
    columns: Vec<ArrayRef>,
    rows: usize,
}

/// A number for each row, or one that goes with every row.
#[derive(Default)]
pub struct Each(Vec<u64>);

impl Each {
    /// The same number for every row.
    pub fn same(number: u64) -> Self {
        Each(vec![number])
    }

    /// The same numbers, none below `least`; where there are none, that.
    pub fn at_least(self, least: u64) -> Self {
        if self.0.is_empty() {
            return Each::same(least);
        }
        Each(self.0.into_iter().map(|number| number.max(least)).collect())
    }

    fn of(&self, row: usize) -> u64 {
        self.0.get(row).or(self.0.last()).copied().unwrap_or(0)
    }
}

impl Given {
    /// What these arguments are.
    ///
    /// # Errors
    ///
    /// None that a caller could cause.
    pub fn new(args: &ScalarFunctionArgs) -> Result<Self> {
        // Constants make one value, however many rows there are.
        let alone = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if alone { 1 } else { args.number_rows };
        let columns = args.args.iter().map(|arg| arg.to_array(1)).collect::<Result<_>>()?;
        Ok(Given { columns, rows })
    }

    /// The bytes of each value of an argument, at least 1.
    pub fn sizes(&self, at: usize) -> Each {
        let Some(column) = self.columns.get(at) else { return Each::default() };
        let least = if column.data_type().is_nested() { limits::ELEMENT_BYTES } else { 1 };
        Each(within(column, value_bytes)).at_least(least)
    }

    /// The numbers of an argument: none below 0, and 0 for what is no number.
    pub fn numbers(&self, at: usize) -> Each {
        let Some(column) = self.columns.get(at) else { return Each::default() };
        let numbers = integers(column);
        let whole = |number: Option<i64>| u64::try_from(number.unwrap_or(0)).unwrap_or(0);
        Each(numbers.iter().map(whole).collect())
    }

    /// How many elements each list of an argument has, those of lists in lists included.
    pub fn elements(&self, at: usize) -> Each {
        let Some(column) = self.columns.get(at) else { return Each::default() };
        Each(within(column, |values| vec![1; values.len()]))
    }

    /// How many texts each regular expression of an argument may capture.
    pub fn captures(&self, at: usize) -> Each {
        let texts = self.columns.get(at).and_then(|column| cast(column, &DataType::Utf8).ok());
        let Some(texts) = texts else { return Each::default() };
        let opened = |text: Option<&str>| text.unwrap_or_default().matches('(').count() as u64;
        Each(texts.as_string::<i32>().iter().map(|text| opened(text) + 1).collect())
    }

    /// Row by row the product, of all rows together.
    pub fn product(&self, sizes: &Each, times: &Each) -> u64 {
        self.total(|row| sizes.of(row).saturating_mul(times.of(row)))
    }

    /// The bytes of all arguments from this one on.
    pub fn sum(&self, from: usize) -> u64 {
        let all: Vec<Each> = (from..self.columns.len()).map(|at| self.sizes(at)).collect();
        self.total(|row| all.iter().map(|each| each.of(row)).fold(0, u64::saturating_add))
    }

    /// The bytes of all arguments from the second on, and of the first between them.
    pub fn separated(&self) -> u64 {
        let gaps = Each::same(self.columns.len().saturating_sub(2) as u64);
        self.sum(1).saturating_add(self.product(&self.sizes(0), &gaps))
    }

    /// The bytes of a list's text, with the second argument between its elements and the third in
    /// place of nulls.
    pub fn joined(&self) -> u64 {
        let number = match self.columns.first().map(|lists| leaf(lists.data_type())) {
            Some(ty) if ty.is_floating() => limits::FLOAT_LETTERS,
            _ => limits::NUMBER_LETTERS,
        };
        let (elements, between, nulls) = (self.elements(0), self.sizes(1), self.sizes(2));
        let besides = self.total(|row| {
            let each = number.saturating_add(between.of(row)).saturating_add(nulls.of(row));
            elements.of(row).saturating_mul(each)
        });
        let text = self.sizes(0);
        besides.saturating_add(self.total(|row| text.of(row)))
    }

    /// The bytes of lists side by side, each as long as the longest.
    pub fn zipped(&self) -> u64 {
        let all: Vec<Each> = (0..self.columns.len()).map(|at| self.elements(at)).collect();
        let element = limits::ELEMENT_BYTES.saturating_mul(all.len() as u64);
        self.total(|row| {
            let longest = all.iter().map(|each| each.of(row)).max().unwrap_or(0);
            longest.saturating_mul(element)
        })
    }

    /// The bytes of a row of numbers or times from one value to another.
    pub fn series(&self) -> u64 {
        let columns: Vec<Int64Array> = self.columns.iter().map(steps).collect();
        let (start, end, step) = match &*columns {
            [end] => (None, end, None),
            [start, end] => (Some(start), end, None),
            [start, end, step, ..] => (Some(start), end, Some(step)),
            [] => return 0,
        };
        let at = |column: Option<&Int64Array>, row: usize, otherwise: i64| {
            let Some(column) = column else { return otherwise };
            let row = if column.len() == 1 { 0 } else { row };
            if column.is_valid(row) { column.value(row) } else { otherwise }
        };
        self.total(|row| {
            let way = at(Some(end), row, 0).abs_diff(at(start, row, 0));
            let steps = way / at(step, row, 1).unsigned_abs().max(1);
            steps.saturating_mul(limits::ELEMENT_BYTES)
        })
    }

    fn total(&self, of: impl Fn(usize) -> u64) -> u64 {
        (0..self.rows).map(of).fold(0, u64::saturating_add)
    }
}

/// About how many bytes the values of a column take, whatever else its buffers hold.
pub fn bytes(column: &ArrayRef) -> u64 {
    let fixed = column.data_type().is_primitive() || *column.data_type() == DataType::Boolean;
    // Of values of any length it is also noted where they end.
    let ends = if fixed { 0 } else { limits::ELEMENT_BYTES.saturating_mul(column.len() as u64) };
    within(column, value_bytes).into_iter().fold(ends, u64::saturating_add)
}

/// What `of` makes of each value; of a list the sum of what it makes of its elements.
fn within(column: &ArrayRef, of: fn(&ArrayRef) -> Vec<u64>) -> Vec<u64> {
    let (values, ends): (&ArrayRef, Vec<usize>) = match column.data_type() {
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            (list.values(), list.offsets().iter().map(|end| *end as usize).collect())
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            (list.values(), list.offsets().iter().map(|end| *end as usize).collect())
        }
        DataType::FixedSizeList(_, size) => {
            let list = column.as_fixed_size_list();
            (list.values(), (0..=list.len()).map(|row| row * *size as usize).collect())
        }
        _ => return of(column),
    };
    let (mut sum, mut sums) = (0_u64, vec![0]);
    for one in within(values, of) {
        sum = sum.saturating_add(one);
        sums.push(sum);
    }
    let until = |end: usize| sums.get(end).copied().unwrap_or(sum);
    ends.windows(2).map(|ends| until(ends[1]).saturating_sub(until(ends[0]))).collect()
}

/// What the lists of a type hold, those in lists too.
fn leaf(ty: &DataType) -> &DataType {
    match ty {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            leaf(item.data_type())
        }
        other => other,
    }
}

/// The bytes of each value.
fn value_bytes(values: &ArrayRef) -> Vec<u64> {
    if let Ok(bits) = bit_length(values) {
        let bytes = |bits: Option<i64>| u64::try_from(bits.unwrap_or(0)).unwrap_or(0) / 8;
        return integers(&bits).iter().map(bytes).collect();
    }
    let each = values.data_type().primitive_width().unwrap_or_else(|| {
        // Of what is neither text nor number an average.
        let all = values.to_data().get_slice_memory_size();
        all.unwrap_or_else(|_| values.get_array_memory_size()) / values.len().max(1)
    });
    vec![(each as u64).max(limits::ELEMENT_BYTES); values.len()]
}

fn integers(column: &ArrayRef) -> Int64Array {
    let lax = CastOptions { safe: true, ..CastOptions::default() };
    match cast_with_options(column, &DataType::Int64, &lax) {
        Ok(numbers) => numbers.as_primitive::<Int64Type>().clone(),
        Err(_) => Int64Array::new_null(column.len()),
    }
}

/// Numbers as they are, times and their differences in microseconds.
fn steps(column: &ArrayRef) -> Int64Array {
    match column.data_type() {
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
    }
}
