//! Nested columns as text, for a format that has none.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};

/// The schema with every list and struct as text.
pub fn flat_schema(schema: &Schema) -> SchemaRef {
    let flat = |field: &FieldRef| match field.data_type().is_nested() {
        true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        false => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(flat).collect::<Vec<_>>()))
}

/// The batch with every list and struct as JSON text.
pub fn flatten(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let whole = batch.schema();
    let columns = whole.fields().iter().zip(batch.columns());
    let flat = columns.map(|(field, column)| match field.data_type().is_nested() {
        true => json(field, column),
        false => Ok(column.clone()),
    });
    RecordBatch::try_new(schema.clone(), flat.collect::<Result<_, _>>()?)
}

fn json(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default();
    let mut encoder = make_encoder(field, column, &options)?;
    let mut out = StringBuilder::with_capacity(column.len(), 0);
    let mut text = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            out.append_null();
            continue;
        }
        text.clear();
        encoder.encode(row, &mut text);
        let text = std::str::from_utf8(&text);
        out.append_value(text.map_err(|error| ArrowError::from_external_error(error.into()))?);
    }
    Ok(Arc::new(out.finish()))
}
