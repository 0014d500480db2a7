//! The schema that is announced, and the batches that have it.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UnionArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::Error;
use super::rewrites::ShownNames;

/// The schema that an answer is announced with: every column may be null, and there are none of
/// the types that carry more than their rows over the wire.
pub fn announced(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let ty = plain(field.data_type());
        Field::new(field.name(), ty, true).with_metadata(field.metadata().clone())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The schema with the names that people see.
pub fn shown(schema: &Schema, names: &ShownNames) -> Schema {
    if names.is_empty() {
        return schema.clone();
    }
    let all: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let fields = schema.fields().iter().map(|field| {
        let name = names.of(field.name(), &all);
        Arc::new(field.as_ref().clone().with_name(name))
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

fn plain(ty: &DataType) -> DataType {
    let inner =
        |field: &FieldRef| Arc::new((**field).clone().with_data_type(plain(field.data_type())));
    match ty {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(item) | DataType::ListView(item) => DataType::List(inner(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::List(inner(item)),
        DataType::Struct(parts) => DataType::Struct(parts.iter().map(inner).collect()),
        // A value that is nothing at all, or one of several things, as JSON functions give it, has
        // no type that every client reads.
        DataType::Null | DataType::Union(..) => DataType::Utf8,
        other => other.clone(),
    }
}

/// The batch with the schema that was announced.
pub fn conform(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            return Ok(column.clone());
        }
        match column.as_any().downcast_ref::<UnionArray>() {
            Some(union) => texts(union),
            None => cast_with_options(column, field.data_type(), &strict),
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>();
    let shaped = columns
        .and_then(|columns| RecordBatch::try_new_with_options(schema.clone(), columns, &rows));
    shaped.map_err(|error| datafusion::common::DataFusionError::from(error).into())
}

/// Each value as text, whichever of the things it is.
fn texts(union: &UnionArray) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let each = (0..union.len()).map(|row| {
        let value = union.value(row);
        if value.is_null(0) || value.data_type().is_null() {
            return Ok(None);
        }
        let formatter = ArrayFormatter::try_new(&value, &options)?;
        Ok(Some(formatter.value(0).try_to_string()?))
    });
    Ok(Arc::new(each.collect::<Result<StringArray, ArrowError>>()?))
}
