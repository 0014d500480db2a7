//! Every table that a statement may name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::catalogs::{DIRECTORY, LIVE, SCHEMAS, STORED, SYSTEM};
use super::{Connection, Error, Namespace, Opened, system};
use crate::catalog::{Scan, Table};
use crate::limits::query as limits;
use crate::snapshot::{Commit, Snapshot, Which};

/// What a statement names a table by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The connection.
    pub catalog: Arc<str>,
    /// One of [`SCHEMAS`].
    pub schema: &'static str,
    /// The table's name.
    pub name: Arc<str>,
}

/// A table in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The connection.
    pub catalog: Arc<str>,
    /// One of [`SCHEMAS`].
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

impl Listed {
    /// What a statement names it by.
    pub fn named(&self) -> Name {
        Name { catalog: self.catalog.clone(), schema: self.schema, name: self.name.clone() }
    }
}

/// The names of all tables that may be listed; those of the store may have no version yet.
pub fn names(namespace: &Namespace) -> Vec<Name> {
    let mut all = Vec::new();
    for connection in namespace.connections() {
        for schema in SCHEMAS {
            let names: Vec<Arc<str>> = match schema {
                SYSTEM => system::NAMES.map(Arc::<str>::from).to_vec(),
                STORED if connection.store.is_none() => Vec::new(),
                _ => connection.catalog.tables().iter().map(|table| table.name.clone()).collect(),
            };
            let named = |name| Name { catalog: connection.name.clone(), schema, name };
            all.extend(names.into_iter().map(named));
        }
    }
    all
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

/// What was last found of each stored table.
///
/// The columns and rows of the newest version stay as they are until there is another commit. As
/// long as there is none, the log's folder is listed and nothing is read of it. No version is held
/// for that.
#[derive(Clone, Debug, Default)]
pub struct Found(Arc<Mutex<HashMap<Name, Seen>>>);

/// The newest commit of a table, and the newest version then, if there was one.
type Seen = (Commit, Option<Listed>);

impl Found {
    /// The stored tables whose names fit and that have a version. The others are not looked up.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub async fn stored(
        &self,
        namespace: &Namespace,
        fits: impl Fn(&Name) -> bool,
    ) -> Result<Vec<Listed>, Error> {
        let mut wanted = Vec::new();
        for connection in namespace.connections().filter(|it| it.store.is_some()) {
            for table in connection.catalog.tables() {
                let (catalog, name) = (connection.name.clone(), table.name.clone());
                let name = Name { catalog, schema: STORED, name };
                if fits(&name) {
                    wanted.push((connection.clone(), table.clone(), name));
                }
            }
        }
        let this = self.clone();
        let found = stream::iter(wanted)
            .map(move |(connection, table, name)| {
                let this = this.clone();
                async move { this.newest(&connection, table, name).await }
            })
            .buffered(limits::LOOKUPS);
        let found: Vec<Option<Listed>> = found.try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn newest(
        &self,
        connection: &Arc<Connection>,
        table: Arc<Table>,
        name: Name,
    ) -> Result<Option<Listed>, Error> {
        let place = connection.stored(&table)?;
        let Some(commit) = place.newest_commit().await? else {
            self.locked().remove(&name);
            return Ok(None);
        };
        if let Some((known, listed)) = self.locked().get(&name)
            && *known == commit
        {
            return Ok(listed.clone());
        }
        let newest = place.try_snapshot(Which::Latest).await?;
        let listed = newest.map(|newest| of_store(connection, table, newest)).transpose()?;
        self.locked().insert(name, (commit, listed.clone()));
        Ok(listed)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Name, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
