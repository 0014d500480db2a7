//! Rows that a filter leaves out, before the rest of their columns is read.
//!
//! What is not understood is kept: whoever asked filters again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, RecordBatch, Scalar, StringArray};
use arrow::array::{BooleanArray as Booleans, Date32Array, Int64Array, TimestampMicrosecondArray};
use arrow::compute::kernels::cmp;
use arrow::compute::kernels::comparison::{ends_with, starts_with};
use arrow::compute::{and_kleene, cast, is_not_null, is_null, or_kleene, prep_null_mask_filter};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter};
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::SchemaDescriptor;

use crate::catalog::{Comparison, Filter, Value};

/// Reads only the filter's columns of all rows, and the others of the rows that it keeps.
pub fn rows(filter: &Filter, schema: &SchemaDescriptor) -> RowFilter {
    let columns = filter.columns();
    let roots = schema.root_schema().get_fields().iter().enumerate();
    let wanted = roots.filter(|(_, field)| columns.contains(field.name())).map(|(at, _)| at);
    let mask = ProjectionMask::roots(schema, wanted);
    let filter = filter.clone();
    let keep = move |batch: RecordBatch| {
        let kept = kept(&filter, &batch)?;
        Ok(if kept.null_count() > 0 { prep_null_mask_filter(&kept) } else { kept })
    };
    RowFilter::new(vec![Box::new(ArrowPredicateFn::new(mask, keep))])
}

/// The row groups that may hold rows which the filter keeps.
pub fn groups(
    filter: &Filter,
    groups: &[RowGroupMetaData],
    arrow: &SchemaRef,
    parquet: &SchemaDescriptor,
) -> Vec<usize> {
    let all = BooleanArray::from(vec![true; groups.len()]);
    let may = may_hold(filter, groups, arrow, parquet).ok().flatten().unwrap_or(all);
    (0..groups.len()).filter(|at| may.is_null(*at) || may.value(*at)).collect()
}

/// Of each row whether the filter keeps it; null where it does not.
fn kept(filter: &Filter, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let anything = || BooleanArray::from(vec![true; batch.num_rows()]);
    let parts = |parts: &[Filter],
                 join: fn(&Booleans, &Booleans) -> Result<Booleans, ArrowError>| {
        let mut all = parts.iter().map(|part| kept(part, batch));
        let first = all.next().unwrap_or_else(|| Ok(anything()))?;
        all.try_fold(first, |one, other| join(&one, &other?))
    };
    let column = |name: &str| batch.column_by_name(name);
    let found = match filter {
        Filter::All(all) => return parts(all, and_kleene),
        Filter::Any(any) => return parts(any, or_kleene),
        Filter::Compare(name, comparison, value) => match column(name) {
            Some(column) => compared(column, *comparison, value)?,
            None => None,
        },
        Filter::In(name, values) => match column(name) {
            Some(column) => one_of(column, values)?,
            None => None,
        },
        Filter::Null(name) => column(name).map(|column| is_null(column)).transpose()?,
        Filter::NotNull(name) => column(name).map(|column| is_not_null(column)).transpose()?,
        Filter::StartsWith(name, text) => match column(name).filter(|it| is_text(it)) {
            Some(column) => Some(starts_with(column, &StringArray::new_scalar(&**text))?),
            None => None,
        },
        Filter::EndsWith(name, text) => match column(name).filter(|it| is_text(it)) {
            Some(column) => Some(ends_with(column, &StringArray::new_scalar(&**text))?),
            None => None,
        },
        Filter::Has(..) => None,
    };
    Ok(found.unwrap_or_else(anything))
}

fn is_text(column: &ArrayRef) -> bool {
    *column.data_type() == DataType::Utf8
}

/// `None` where the column's type is another than the value's.
fn compared(
    column: &ArrayRef,
    comparison: Comparison,
    value: &Value,
) -> Result<Option<BooleanArray>, ArrowError> {
    let Some((column, value)) = alike(column, value)? else { return Ok(None) };
    let value = Scalar::new(value);
    Ok(Some(match comparison {
        Comparison::Equal => cmp::eq(&column, &value)?,
        Comparison::NotEqual => cmp::neq(&column, &value)?,
        Comparison::Less => cmp::lt(&column, &value)?,
        Comparison::LessOrEqual => cmp::lt_eq(&column, &value)?,
        Comparison::Greater => cmp::gt(&column, &value)?,
        Comparison::GreaterOrEqual => cmp::gt_eq(&column, &value)?,
    }))
}

fn one_of(column: &ArrayRef, values: &[Value]) -> Result<Option<BooleanArray>, ArrowError> {
    if is_text(column) {
        let texts: Option<std::collections::HashSet<&str>> = values
            .iter()
            .map(|value| match value {
                Value::Text(text) => Some(&**text),
                _ => None,
            })
            .collect();
        let Some(texts) = texts else { return Ok(None) };
        let cells = column.as_string::<i32>().iter();
        return Ok(Some(cells.map(|cell| cell.map(|cell| texts.contains(cell))).collect()));
    }
    let mut any: Option<BooleanArray> = None;
    for value in values {
        let Some(one) = compared(column, Comparison::Equal, value)? else { return Ok(None) };
        any = Some(match any {
            Some(any) => or_kleene(&any, &one)?,
            None => one,
        });
    }
    Ok(any.or_else(|| Some(BooleanArray::from(vec![false; column.len()]))))
}

/// A column and a value of one type.
fn alike(column: &ArrayRef, value: &Value) -> Result<Option<(ArrayRef, ArrayRef)>, ArrowError> {
    let same = |value: ArrayRef| Ok(Some((column.clone(), value)));
    match (column.data_type(), value) {
        (DataType::Utf8, Value::Text(text)) => same(Arc::new(StringArray::from(vec![&**text]))),
        (DataType::Boolean, Value::Boolean(flag)) => same(Arc::new(Booleans::from(vec![*flag]))),
        (DataType::Date32, Value::Date(days)) => same(Arc::new(Date32Array::from(vec![*days]))),
        (DataType::Timestamp(TimeUnit::Microsecond, Some(zone)), Value::Timestamp(micros)) => {
            let value = TimestampMicrosecondArray::from(vec![*micros]);
            same(Arc::new(value.with_timezone(zone.clone())))
        }
        (DataType::Int32 | DataType::Int64, Value::Integer(number)) => {
            let column = cast(column, &DataType::Int64)?;
            Ok(Some((column, Arc::new(Int64Array::from(vec![*number])))))
        }
        _ => Ok(None),
    }
}

/// Of each row group whether it may hold such rows, by its least and greatest values; `None` where
/// that says nothing.
fn may_hold(
    filter: &Filter,
    groups: &[RowGroupMetaData],
    arrow: &SchemaRef,
    parquet: &SchemaDescriptor,
) -> Result<Option<BooleanArray>, ArrowError> {
    let each = |parts: &[Filter]| {
        let may = |part| may_hold(part, groups, arrow, parquet);
        parts.iter().map(may).collect::<Result<Vec<_>, _>>()
    };
    let bounds = |name: &str| -> Result<(ArrayRef, ArrayRef), ArrowError> {
        let of = StatisticsConverter::try_new(name, arrow, parquet)?;
        Ok((of.row_group_mins(groups)?, of.row_group_maxes(groups)?))
    };
    match filter {
        // What says nothing leaves the others to say it.
        Filter::All(parts) => {
            let known = each(parts)?.into_iter().flatten();
            known.map(Ok).reduce(|one, other| and_kleene(&one?, &other?)).transpose()
        }
        Filter::Any(parts) => {
            let known: Option<Vec<_>> = each(parts)?.into_iter().collect();
            let known = known.into_iter().flatten();
            known.map(Ok).reduce(|one, other| or_kleene(&one?, &other?)).transpose()
        }
        Filter::Compare(name, comparison, value) => {
            let (least, greatest) = bounds(name)?;
            let at_least = |value| compared(&greatest, Comparison::GreaterOrEqual, value);
            let at_most = |value| compared(&least, Comparison::LessOrEqual, value);
            match comparison {
                Comparison::Equal => both(at_least(value)?, at_most(value)?),
                Comparison::Less | Comparison::LessOrEqual => at_most(value),
                Comparison::Greater | Comparison::GreaterOrEqual => at_least(value),
                Comparison::NotEqual => Ok(None),
            }
        }
        Filter::In(name, values) => {
            let (least, greatest) = bounds(name)?;
            let mut any: Option<BooleanArray> = None;
            for value in values {
                let may = both(
                    compared(&greatest, Comparison::GreaterOrEqual, value)?,
                    compared(&least, Comparison::LessOrEqual, value)?,
                )?;
                let Some(may) = may else { return Ok(None) };
                any = Some(any.map_or(Ok(may.clone()), |any| or_kleene(&any, &may))?);
            }
            Ok(any)
        }
        Filter::StartsWith(name, text) => {
            let (_, greatest) = bounds(name)?;
            compared(&greatest, Comparison::GreaterOrEqual, &Value::Text(text.clone()))
        }
        Filter::Null(_) | Filter::NotNull(_) | Filter::EndsWith(..) | Filter::Has(..) => Ok(None),
    }
}

fn both(
    one: Option<BooleanArray>,
    other: Option<BooleanArray>,
) -> Result<Option<BooleanArray>, ArrowError> {
    match (one, other) {
        (Some(one), Some(other)) => and_kleene(&one, &other).map(Some),
        _ => Ok(None),
    }
}
