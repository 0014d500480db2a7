//! Which columns tell rows apart, and which lead to other tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::query::Listed;

/// `NO ACTION`: nothing is written, so nothing follows from it.
const NO_ACTION: u8 = 3;

/// The column that a parent's key refers to.
const PARENT_KEY: &str = "id";

/// A reference to a table; what is left out may be any.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The connection.
    pub catalog: Option<String>,
    /// The schema.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
}

impl Named {
    fn is(&self, listed: &Listed) -> bool {
        let fits = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == name)
        };
        fits(&self.catalog, &listed.catalog)
            && fits(&self.schema, listed.schema)
            && *listed.name == *self.table
    }
}

/// The schema of the answer to `GetPrimaryKeys`.
pub fn primary_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// The key columns of a table, in order.
///
/// # Errors
///
/// None that a caller could cause.
pub fn primary(tables: &[Listed], of: &Named) -> Result<RecordBatch, ArrowError> {
    let mut rows = Vec::new();
    for listed in tables.iter().filter(|listed| of.is(listed)) {
        let key = listed.table.iter().flat_map(|table| table.key.iter().enumerate());
        rows.extend(key.map(|(at, column)| (listed, column, at)));
    }
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|(listed, ..)| &*listed.catalog)),
        texts(rows.iter().map(|(listed, ..)| listed.schema)),
        texts(rows.iter().map(|(listed, ..)| &*listed.name)),
        texts(rows.iter().map(|(_, column, _)| &***column)),
        texts(rows.iter().map(|(listed, ..)| &*listed.name)),
        numbers(rows.iter().map(|(.., at)| *at)),
    ];
    RecordBatch::try_new(primary_schema(), columns)
}

/// The schema of the answers about keys that lead from one table to another.
pub fn foreign_schema() -> SchemaRef {
    let mut fields = Vec::new();
    for side in ["pk", "fk"] {
        fields.push(Field::new(format!("{side}_catalog_name"), DataType::Utf8, true));
        fields.push(Field::new(format!("{side}_db_schema_name"), DataType::Utf8, true));
        fields.push(Field::new(format!("{side}_table_name"), DataType::Utf8, false));
        fields.push(Field::new(format!("{side}_column_name"), DataType::Utf8, false));
    }
    fields.push(Field::new("key_sequence", DataType::Int32, false));
    fields.push(Field::new("fk_key_name", DataType::Utf8, true));
    fields.push(Field::new("pk_key_name", DataType::Utf8, true));
    fields.push(Field::new("update_rule", DataType::UInt8, false));
    fields.push(Field::new("delete_rule", DataType::UInt8, false));
    Arc::new(Schema::new(fields))
}

/// The keys that lead from a table to its parent, of those between the tables named.
///
/// # Errors
///
/// None that a caller could cause.
pub fn foreign(
    tables: &[Listed],
    parent: Option<&Named>,
    child: Option<&Named>,
) -> Result<RecordBatch, ArrowError> {
    let is = |wanted: Option<&Named>, listed: &Listed| wanted.is_none_or(|it| it.is(listed));
    let mut rows = Vec::new();
    for listed in tables.iter().filter(|listed| is(child, listed)) {
        let Some(table) = &listed.table else { continue };
        let (Some(of), Some(column)) = (table.read.parent(), table.columns.first()) else {
            continue;
        };
        let beside = |other: &&Listed| {
            other.catalog == listed.catalog && other.schema == listed.schema && *other.name == *of
        };
        if let Some(to) = tables.iter().find(beside).filter(|to| is(parent, to)) {
            rows.push((to, listed, &*column.name));
        }
    }
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|(to, ..)| &*to.catalog)),
        texts(rows.iter().map(|(to, ..)| to.schema)),
        texts(rows.iter().map(|(to, ..)| &*to.name)),
        texts(rows.iter().map(|_| PARENT_KEY)),
        texts(rows.iter().map(|(_, from, _)| &*from.catalog)),
        texts(rows.iter().map(|(_, from, _)| from.schema)),
        texts(rows.iter().map(|(_, from, _)| &*from.name)),
        texts(rows.iter().map(|(.., column)| *column)),
        numbers(rows.iter().map(|_| 0)),
        texts(rows.iter().map(|(_, from, _)| &*from.name)),
        texts(rows.iter().map(|(to, ..)| &*to.name)),
        rules(rows.len()),
        rules(rows.len()),
    ];
    RecordBatch::try_new(foreign_schema(), columns)
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Places in a key, from 1.
fn numbers(places: impl Iterator<Item = usize>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(places.map(|at| at as i32 + 1)))
}

fn rules(count: usize) -> ArrayRef {
    Arc::new(UInt8Array::from(vec![NO_ACTION; count]))
}
