//! The schema that is announced, and the batches that have it.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use super::Error;

/// The schema that an answer is announced with: every column may be null, and there are none of
/// the types that carry more than their rows over the wire.
pub fn announced(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let ty = plain(field.data_type());
        Field::new(field.name(), ty, true).with_metadata(field.metadata().clone())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
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
        // A value that is nothing at all has no type that every client reads.
        DataType::Null => DataType::Utf8,
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
        cast_with_options(column, field.data_type(), &strict)
    });
    let columns = columns.collect::<Result<Vec<_>, _>>();
    let shaped = columns
        .and_then(|columns| RecordBatch::try_new_with_options(schema.clone(), columns, &rows));
    shaped.map_err(|error| datafusion::common::DataFusionError::from(error).into())
}
