//! Parameters of statements, and their values.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::Error;
use crate::limits::query as limits;

/// The parameters of a plan, in order, with the types that the statement gives them; none where it
/// gives none.
///
/// # Errors
///
/// [`Error::Statement`] for a parameter that has no number.
pub fn parameters(plan: &LogicalPlan) -> Result<SchemaRef, Error> {
    let mut types = plan.get_parameter_types()?;
    type_limits(plan, &mut types)?;
    let mut by_number = BTreeMap::new();
    for (name, ty) in types {
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        let Some(number) = number.filter(|number| *number > 0) else {
            let message = format!("parameter `{name}` has no number; write `?`, or `$1`");
            return Err(Error::Statement { message, place: String::new() });
        };
        by_number.insert(number, ty);
    }
    let count = by_number.keys().next_back().copied().unwrap_or(0);
    if count > limits::PARAMETERS_MAX {
        return Err(Error::TooLong { what: "parameters", count, max: limits::PARAMETERS_MAX });
    }
    let field = |number| {
        let ty = by_number.get(&number).cloned().flatten();
        Field::new(format!("${number}"), ty.map_or(DataType::Null, plain), true)
    };
    Ok(Arc::new(Schema::new((1..=count).map(field).collect::<Vec<_>>())))
}

/// Gives the parameters of LIMIT and OFFSET their type, which DataFusion does not.
fn type_limits(
    plan: &LogicalPlan,
    types: &mut HashMap<String, Option<DataType>>,
) -> Result<(), Error> {
    plan.apply_with_subqueries(|step| {
        if !matches!(step, LogicalPlan::Limit(_)) {
            return Ok(TreeNodeRecursion::Continue);
        }
        step.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Placeholder(parameter) = part {
                    let ty = types.entry(parameter.id.clone()).or_default();
                    ty.get_or_insert(DataType::Int64);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

/// A type that every client can send.
fn plain(ty: DataType) -> DataType {
    match ty {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => plain(*values),
        other => other,
    }
}

/// The plan with each row of `values` in place of its parameters; itself if it has none.
///
/// # Errors
///
/// [`Error::ParameterCount`], [`Error::ParameterType`], [`Error::TooManyBindings`].
pub fn bound(plan: LogicalPlan, values: Option<&RecordBatch>) -> Result<Vec<LogicalPlan>, Error> {
    let wanted = parameters(&plan)?;
    let given = values.map_or(0, RecordBatch::num_columns);
    if given != wanted.fields().len() {
        return Err(Error::ParameterCount { wanted: wanted.fields().len(), given });
    }
    let Some(values) = values.filter(|_| given > 0) else { return Ok(vec![plan]) };
    let count = values.num_rows();
    if count > limits::BINDINGS_MAX {
        return Err(Error::TooManyBindings { count, max: limits::BINDINGS_MAX });
    }
    let mut columns = Vec::with_capacity(given);
    for (at, (column, field)) in values.columns().iter().zip(wanted.fields()).enumerate() {
        let fitted = fitted(column, field.data_type()).map_err(|_| Error::ParameterType {
            number: at + 1,
            wanted: field.data_type().to_string(),
            given: column.data_type().to_string(),
        });
        columns.push(fitted?);
    }
    (0..count)
        .map(|row| {
            let scalars: Vec<ScalarValue> = columns
                .iter()
                .map(|column| ScalarValue::try_from_array(column, row))
                .collect::<Result<_, _>>()?;
            Ok(plan.clone().with_param_values(ParamValues::from(scalars))?)
        })
        .collect()
}

/// The values as the type that the statement wants, where that loses nothing of them; else as they
/// came, for the statement to make of them what it would of a literal.
fn fitted(values: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if let (Some(uuids), DataType::Utf8 | DataType::Null) = (uuids(values), wanted) {
        return Ok(uuids);
    }
    if values.data_type() == wanted || wanted.is_null() {
        return Ok(values.clone());
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let fitted = cast_with_options(values, wanted, &strict)?;
    let back = cast_with_options(&fitted, values.data_type(), &strict);
    Ok(if back.is_ok_and(|back| &back == values) { fitted } else { values.clone() })
}

/// UUIDs in the notation that ids have here; `None` where the values are no UUIDs.
///
/// <https://arrow.apache.org/docs/format/CanonicalExtensions.html#uuid>
fn uuids(values: &ArrayRef) -> Option<ArrayRef> {
    let uuids = values.as_fixed_size_binary_opt().filter(|uuids| uuids.value_length() == 16)?;
    let text = |bytes: &[u8]| {
        let mut text = String::with_capacity(36);
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    };
    let texts = uuids.iter().map(|uuid| uuid.map(text));
    Some(Arc::new(texts.collect::<StringArray>()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, FixedSizeBinaryArray, Float64Array, Int64Array};

    use super::*;

    #[test]
    fn a_value_is_never_made_another() {
        let floats = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
        let whole = fitted(&floats(&[1.0, 2.0]), &DataType::Int64).expect("numbers");
        assert_eq!(*whole.data_type(), DataType::Int64);
        let part = fitted(&floats(&[1.5]), &DataType::Int64).expect("a number");
        assert_eq!(*part.data_type(), DataType::Float64);
        let number = Arc::new(Int64Array::from(vec![5])) as ArrayRef;
        assert_eq!(&fitted(&number, &DataType::Null).expect("any"), &number);
        let text = Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
        assert!(fitted(&text, &DataType::Int64).is_err());
    }

    #[test]
    fn a_uuid_is_the_text_that_ids_are() {
        let bytes: Vec<u8> = (0..16).map(|byte| byte * 16 + 1).collect();
        let uuids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
            [Some(bytes.as_slice()), None].into_iter(),
            16,
        );
        let uuids = Arc::new(uuids.expect("UUIDs")) as ArrayRef;
        let texts = StringArray::from(vec![Some("01112131-4151-6171-8191-a1b1c1d1e1f1"), None]);
        for wanted in [DataType::Utf8, DataType::Null] {
            let fitted = fitted(&uuids, &wanted).expect("texts");
            assert_eq!(fitted.as_ref(), &texts as &dyn Array);
        }
    }
}
