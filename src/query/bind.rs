//! Parameters of statements, and their values.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;

use super::Error;
use crate::limits::query as limits;

/// The parameters of a plan, in order, with the types that the statement gives them; text where it
/// gives none.
///
/// # Errors
///
/// [`Error::Statement`] for a parameter that has no number.
pub fn parameters(plan: &LogicalPlan) -> Result<SchemaRef, Error> {
    let mut by_number = BTreeMap::new();
    for (name, ty) in plan.get_parameter_types()? {
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
        let ty = by_number.get(&number).cloned().flatten().map_or(DataType::Utf8, plain);
        Field::new(format!("${number}"), ty, true)
    };
    Ok(Arc::new(Schema::new((1..=count).map(field).collect::<Vec<_>>())))
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
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let mut columns = Vec::with_capacity(given);
    for (at, (column, field)) in values.columns().iter().zip(wanted.fields()).enumerate() {
        let cast = cast_with_options(column, field.data_type(), &strict);
        columns.push(cast.map_err(|_| Error::ParameterType {
            number: at + 1,
            wanted: field.data_type().to_string(),
            given: column.data_type().to_string(),
        })?);
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
