//! The table of what changed in a table.

use std::sync::Arc;

use super::{Column, Origin, Read, Table, Type, schema};

/// `insert`, `update_preimage`, `update_postimage` or `delete`.
///
/// The first three names are those of Delta's change data feed.
/// <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-data-files>
pub const CHANGE_TYPE: &str = "_change_type";

/// The version that the change led to.
pub const COMMIT_VERSION: &str = "_commit_version";

/// When that version was committed.
pub const COMMIT_TIMESTAMP: &str = "_commit_timestamp";

/// Of both images of an update: the names of the columns whose values differ.
pub const CHANGED_COLUMNS: &str = "_changed_columns";

impl Table {
    /// What changed in this table between two stored versions, as a table: all columns of this one
    /// that are given without being named, then what is said of each change.
    ///
    /// It is read from the store alone, whatever its path says.
    pub fn changes(&self) -> Table {
        let mut columns: Vec<Column> =
            self.columns.iter().filter(|column| !column.on_request).cloned().collect();
        columns.extend([
            said(
                CHANGE_TYPE,
                Type::Text,
                "Edm.String",
                "insert, update_preimage, update_postimage or delete",
            ),
            said(COMMIT_VERSION, Type::Int64, "Edm.Int64", "Stored version that the change led to"),
            said(
                COMMIT_TIMESTAMP,
                Type::Timestamp,
                "Edm.DateTimeOffset",
                "When that version was committed",
            ),
            said(
                CHANGED_COLUMNS,
                Type::List(Arc::new(Type::Text)),
                "Collection(Edm.String)",
                "Of both images of an update: the columns whose values differ",
            ),
        ]);
        let mut key = self.key.clone();
        key.push(CHANGE_TYPE.into());
        let mut table = Table {
            name: self.name.clone(),
            description: format!("What changed in {}", self.name).into(),
            read: Read::Collection,
            key,
            columns,
            ..self.clone()
        };
        table.schema = schema::schema(&table);
        table
    }
}

fn said(name: &str, ty: Type, graph_type: &str, description: &str) -> Column {
    Column {
        name: name.into(),
        origin: Origin::Comparison,
        ty,
        graph_type: graph_type.into(),
        description: Some(description.into()),
        permission: None,
        on_request: false,
        unordered: false,
        filters: Default::default(),
    }
}
