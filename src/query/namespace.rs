//! The connections and what each of them serves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Error;
use crate::catalog::{self, ByTable, Catalog, Table};
use crate::snapshot::{Keep, Store, Stored};
use crate::source::Live;

/// A named tenant: its tables and the way to read them.
#[derive(Clone, Debug)]
pub struct Connection {
    /// As the settings name it.
    pub name: Arc<str>,
    /// Which tables it serves.
    pub catalog: Arc<Catalog>,
    /// Reads them from Graph.
    pub live: Live,
    /// Keeps versions of them, where there is a store.
    pub store: Option<Store>,
    /// How old a stored version may be that answers in place of Graph.
    pub max_age: ByTable<Duration>,
    /// The share of its rows, from 0 to 1, that a table may lose between two loads without being
    /// suspected.
    pub lost_share_max: f64,
    /// Which versions stay after each load; `None` is all.
    pub keep: Option<Keep>,
    /// Room for loads that are under way in this process, whoever asked for them.
    pub loads: Arc<Semaphore>,
}

impl Connection {
    /// Where versions of `table` are kept.
    ///
    /// # Errors
    ///
    /// [`Error::NoStore`].
    pub fn stored(&self, table: &Table) -> Result<Stored, Error> {
        match &self.store {
            Some(store) => Ok(store.table(&self.name, &table.name)),
            None => Err(Error::NoStore),
        }
    }

    /// How old a stored version of the table may be that answers in place of Graph.
    pub fn max_age(&self, table: &str) -> Duration {
        self.max_age.of(table)
    }
}

/// All connections of a server, by name.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    connections: BTreeMap<Arc<str>, Arc<Connection>>,
}

impl Namespace {
    /// Takes the connections; of two with one name the later stays.
    pub fn new(connections: impl IntoIterator<Item = Connection>) -> Self {
        let named = |connection: Connection| (connection.name.clone(), Arc::new(connection));
        Namespace { connections: connections.into_iter().map(named).collect() }
    }

    /// The connection of this name; without a name, the only one there is.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`] with the nearest names; [`Error::WhichConnection`] if there
    /// is not exactly one to choose.
    pub fn connection(&self, name: Option<&str>) -> Result<&Arc<Connection>, Error> {
        match name {
            Some(name) => self.connections.get(name).ok_or_else(|| Error::UnknownConnection {
                name: catalog::shown(name),
                near: catalog::nearest(name, self.connections.keys().map(AsRef::as_ref)),
            }),
            None => {
                let mut all = self.connections.values();
                match (all.next(), all.next()) {
                    (Some(only), None) => Ok(only),
                    _ => Err(Error::WhichConnection { count: self.connections.len() }),
                }
            }
        }
    }

    /// Every connection, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values()
    }
}
