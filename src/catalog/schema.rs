//! Columns and tables as Arrow fields and schemas.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};

use super::{Column, Table};

impl Column {
    /// The Arrow field: nullable, with Graph's type, the description and the permission under
    /// `entra.type`, `entra.description` and `entra.permission`.
    pub fn field(&self) -> FieldRef {
        let field = Arc::unwrap_or_clone(self.ty.field(&self.name));
        let mut metadata = field.metadata().clone();
        put(&mut metadata, "entra.type", Some(&self.graph_type));
        put(&mut metadata, "entra.description", self.description.as_deref());
        put(&mut metadata, "entra.permission", self.permission.as_deref());
        Arc::new(Field::with_metadata(field, metadata))
    }
}

/// The schema of all columns of `table`, whatever its own `schema` is.
///
/// Its metadata are `entra.table`, `entra.description`, `entra.version`, `entra.path`,
/// `entra.key` and `entra.permission` (lists with commas; any one of the permissions is enough),
/// `entra.licence` where one is needed, and `entra.hidden_without` where rows are left out without a
/// further permission.
pub(super) fn schema(table: &Table) -> SchemaRef {
    let mut metadata = HashMap::new();
    put(&mut metadata, "entra.table", Some(&table.name));
    put(&mut metadata, "entra.description", Some(&table.description));
    put(&mut metadata, "entra.version", Some(&table.version.to_string()));
    put(&mut metadata, "entra.path", Some(&table.path));
    put(&mut metadata, "entra.key", Some(&table.key.join(",")));
    put(&mut metadata, "entra.permission", Some(&table.permissions.join(",")));
    put(&mut metadata, "entra.licence", table.licence.map(|it| it.to_string()).as_deref());
    put(&mut metadata, "entra.hidden_without", table.hidden_without.as_deref());
    let fields: Vec<_> = table.columns.iter().map(Column::field).collect();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

fn put(metadata: &mut HashMap<String, String>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        metadata.insert(key.to_owned(), value.to_owned());
    }
}
