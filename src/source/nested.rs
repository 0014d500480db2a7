//! Rows that stand inside their parents' rows, as `$expand` gives them.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use super::shape::Shape;
use crate::catalog::{Column, Origin};
use crate::decode::{self, Counts, Decoder, Padded, Settings};

/// Why nested rows cannot be taken out.
#[derive(Debug)]
pub enum Trouble {
    /// They are not rows of the table.
    Decode(decode::Error),
    /// The batches do not fit together.
    Shape(ArrowError),
}

impl From<decode::Error> for Trouble {
    fn from(error: decode::Error) -> Self {
        Trouble::Decode(error)
    }
}

impl From<ArrowError> for Trouble {
    fn from(error: ArrowError) -> Self {
        Trouble::Shape(error)
    }
}

/// Takes the nested rows out of a batch of parents: one row for each parent that has one.
///
/// `parents` is the key of each parent and the JSON text of its nested row, which is decoded with
/// the table's own columns, so that nothing in it is lost. Returns what was put aside as well.
pub fn unnest(
    parents: &RecordBatch,
    shape: &Shape,
    settings: &Settings,
) -> Result<(RecordBatch, Counts), Trouble> {
    let nested = parents.column(1);
    let set: BooleanArray = is_not_null(nested)?;
    let keys = filter(parents.column(0), &set)?;
    let own: Vec<Column> =
        shape.decoded.iter().filter(|column| column.origin != Origin::Parent).cloned().collect();
    let (rows, counts) = decode(&own, nested, settings)?;
    let schema = rows.schema();
    let mut decoded = rows.columns().iter().zip(schema.fields());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(shape.decoded.len());
    let mut fields = Vec::with_capacity(shape.decoded.len());
    for column in &shape.decoded {
        if column.origin == Origin::Parent {
            columns.push(keys.clone());
            fields.push(column.ty.field(&column.name));
        } else if let Some((values, field)) = decoded.next() {
            columns.push(values.clone());
            fields.push(field.clone());
        }
    }
    Ok((RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, counts))
}

/// Decodes every text that is set, as one batch.
fn decode(
    columns: &[Column],
    nested: &ArrayRef,
    settings: &Settings,
) -> Result<(RecordBatch, Counts), decode::Error> {
    let settings = Settings {
        batch_rows_max: usize::MAX,
        batch_bytes_max: usize::MAX,
        first_batch_rows: usize::MAX,
        ..settings.clone()
    };
    let mut decoder = Decoder::new(columns, settings)?;
    let texts = nested.as_string::<i32>();
    let mut page = Vec::with_capacity(texts.values().len() + 2 * texts.len() + 2);
    page.push(b'[');
    for text in texts.iter().flatten() {
        if page.len() > 1 {
            page.push(b',');
        }
        page.extend_from_slice(text.as_bytes());
    }
    page.push(b']');
    let mut batches = Vec::new();
    decoder.push(&Padded::from_vec(page), 0, None, &mut batches)?;
    let last = decoder.finish()?;
    let rows = last.unwrap_or_else(|| RecordBatch::new_empty(decoder.schema()));
    Ok((rows, decoder.counts()))
}
