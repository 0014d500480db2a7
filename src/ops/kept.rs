//! Rows of the version before, of parents that a load had to leave out.
//!
//! A parent whose rows cannot be read has not lost them: without these, the next comparison would
//! tell of deletions that nobody made.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use futures::stream::{BoxStream, StreamExt as _};

use super::Error;
use crate::catalog::{Filter, Origin, Table, Value};
use crate::snapshot::Files;

/// Reads the rows that `old` has of these parents, as batches of `schema`; none of a table whose rows
/// have no parent.
pub fn rows_of(
    old: &Files,
    table: &Table,
    schema: &SchemaRef,
    parents: Vec<Arc<str>>,
) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let column = table.columns.iter().find(|column| column.origin == Origin::Parent);
    let at = column.and_then(|column| schema.index_of(&column.name).ok());
    let Some((column, at)) = column.zip(at) else { return futures::stream::empty().boxed() };
    let values = parents.iter().map(|parent| Value::Text(parent.clone())).collect();
    let filter = Filter::In(column.name.clone(), values);
    let parents: HashSet<Arc<str>> = parents.into_iter().collect();
    let rows = old.read(0..old.list().len(), schema.clone(), Some(filter));
    // The filter may let through too much.
    rows.map(move |batch| Ok(of_parents(&batch?, at, &parents)?)).boxed()
}

fn of_parents(
    batch: &RecordBatch,
    at: usize,
    parents: &HashSet<Arc<str>>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let ids = batch.column(at).as_string_opt::<i32>();
    let is_one = |id: Option<&str>| Some(id.is_some_and(|id| parents.contains(id)));
    let mask: BooleanArray = match ids {
        Some(ids) => ids.iter().map(is_one).collect(),
        None => std::iter::repeat_n(Some(false), batch.num_rows()).collect(),
    };
    filter_record_batch(batch, &mask)
}
