//! Every table that a statement may name.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::catalogs::{DIRECTORY, LIVE, STORED, SYSTEM};
use super::{Connection, Error, Namespace, Opened, system};
use crate::catalog::{Scan, Table};
use crate::limits::query as limits;
use crate::snapshot::{Snapshot, Which};

/// A table in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The connection.
    pub catalog: Arc<str>,
    /// One of [`SCHEMAS`](super::SCHEMAS).
    pub schema: &'static str,
    /// The table's name.
    pub name: Arc<str>,
    /// The columns that it gives by default.
    pub columns: SchemaRef,
    /// What it is; `None` of tables of `system`.
    pub table: Option<Arc<Table>>,
    /// The version of a stored table, as of which its columns and rows are told.
    pub version: Option<u64>,
    /// How many rows it has, where a stored version tells.
    pub rows: Option<u64>,
}

/// Which of them are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Those that the catalogue names.
    LeftOut,
    /// Also those of the store that have a version, which are looked up.
    LookedUp,
}

/// The tables that the catalogue and the server itself name, by catalog, schema and name.
///
/// # Errors
///
/// None that a caller could cause.
pub async fn fixed(namespace: &Namespace) -> Result<Vec<Listed>, Error> {
    let mut all = Vec::new();
    for connection in namespace.connections() {
        for schema in [DIRECTORY, LIVE] {
            for table in connection.catalog.tables() {
                all.push(listed(connection, schema, table.clone())?);
            }
        }
        for name in system::NAMES {
            all.push(Listed {
                catalog: connection.name.clone(),
                schema: SYSTEM,
                name: name.into(),
                columns: system::table(&Namespace::default(), name).await?.schema(),
                table: None,
                version: None,
                rows: None,
            });
        }
    }
    Ok(all)
}

/// These and those of the store that have a version, in the same order.
///
/// # Errors
///
/// What the store meets.
pub async fn with_stored(namespace: &Namespace, fixed: &[Listed]) -> Result<Vec<Listed>, Error> {
    let mut all = fixed.to_vec();
    for connection in namespace.connections() {
        for (table, newest) in newest(connection).await? {
            all.push(of_store(connection, table, newest)?);
        }
    }
    all.sort_by(|a, b| (&a.catalog, a.schema, &a.name).cmp(&(&b.catalog, b.schema, &b.name)));
    Ok(all)
}

fn listed(
    connection: &Connection,
    schema: &'static str,
    table: Arc<Table>,
) -> Result<Listed, Error> {
    Ok(Listed {
        catalog: connection.name.clone(),
        schema,
        name: table.name.clone(),
        columns: Scan::new(table.clone(), None, None)?.schema(),
        table: Some(table),
        version: None,
        rows: None,
    })
}

fn of_store(
    connection: &Arc<Connection>,
    table: Arc<Table>,
    newest: Snapshot,
) -> Result<Listed, Error> {
    let opened = Opened::stored(connection.clone(), table.clone(), newest);
    let scan = Scan { columns: opened.select(None)?, ..Scan::new(table.clone(), None, None)? };
    let known = opened.known();
    Ok(Listed {
        columns: scan.schema(),
        version: known.map(|known| known.version),
        rows: known.map(|known| known.rows),
        ..listed(connection, STORED, table)?
    })
}

/// The tables of a connection that have a stored version, with the newest, in their order.
///
/// # Errors
///
/// What the store meets.
pub async fn newest(connection: &Arc<Connection>) -> Result<Vec<(Arc<Table>, Snapshot)>, Error> {
    if connection.store.is_none() {
        return Ok(Vec::new());
    }
    let of = connection.clone();
    let found = stream::iter(connection.catalog.tables().to_vec())
        .map(move |table| {
            let of = of.clone();
            async move {
                let newest = of.stored(&table)?.try_snapshot(Which::Latest).await?;
                Ok::<_, Error>(newest.map(|newest| (table, newest)))
            }
        })
        .buffered(limits::LOOKUPS);
    let found: Vec<_> = found.try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}
