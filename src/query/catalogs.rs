//! The names that a statement may use: a catalog for each connection, with four schemas.
//!
//! Whoever asks for a catalog or schema that there is none of gets one whose tables are the error
//! that says so, with the nearest names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};

use super::functions::{AS_OF, CHANGES};
use super::provider::Rows;
use super::words::Words;
use super::{Connection, Error, Namespace, Of, Opened, Part, Version, system};
use crate::catalog::{self, Column};
use crate::snapshot::Which;

/// The schema of names without one.
pub const DIRECTORY: &str = "directory";

/// Tables as Graph has them now.
pub const LIVE: &str = "live";

/// The newest stored version of each table.
pub const STORED: &str = "stored";

/// What the server knows of itself.
pub const SYSTEM: &str = "system";

/// All of them.
pub const SCHEMAS: [&str; 4] = [DIRECTORY, LIVE, STORED, SYSTEM];

/// What stands in the place of a table and is none.
const TABLE_FUNCTIONS: [&str; 4] = [AS_OF, CHANGES, "generate_series", "range"];

/// The catalog of names without one where nobody chose between several connections.
const UNDECIDED: &str = "(no connection)";

/// What one statement may name.
#[derive(Clone, Debug)]
pub struct Catalogs {
    named: Arc<Named>,
}

#[derive(Debug)]
struct Named {
    namespace: Arc<Namespace>,
    words: Words,
    default_catalog: String,
    default_schema: String,
    /// One part of the only table's rows, and the version that it is a part of.
    part: Option<(Part, Option<u64>)>,
    /// Whether sources may help with filters.
    pushdown: bool,
    /// The stored tables of each connection, where somebody asks for a list.
    stored: BTreeMap<Arc<str>, Vec<String>>,
    /// How many tables were opened for it, those of which the plan needs nothing included.
    opened: Arc<AtomicUsize>,
}

impl Catalogs {
    /// The names of `namespace` for the statement `words`, which may leave out the catalog and
    /// schema given, or the defaults.
    pub fn new(
        namespace: Arc<Namespace>,
        words: Words,
        catalog: Option<&str>,
        schema: Option<&str>,
        part: Option<(Part, Option<u64>)>,
        pushdown: bool,
    ) -> Self {
        let only = namespace.connection(None).map(|only| only.name.to_string());
        let default_catalog = match catalog {
            Some(name) => name.to_owned(),
            None => only.unwrap_or_else(|_| UNDECIDED.to_owned()),
        };
        let default_schema = schema.unwrap_or(DIRECTORY).to_owned();
        let (stored, opened) = (BTreeMap::new(), Arc::default());
        Catalogs {
            named: Arc::new(Named {
                namespace,
                words,
                default_catalog,
                default_schema,
                part,
                pushdown,
                stored,
                opened,
            }),
        }
    }

    /// The same, with the stored tables listed.
    pub fn with_stored(self, stored: BTreeMap<Arc<str>, Vec<String>>) -> Self {
        let Named {
            namespace, words, default_catalog, default_schema, part, pushdown, opened, ..
        } = &*self.named;
        let named = Named {
            namespace: namespace.clone(),
            words: words.clone(),
            default_catalog: default_catalog.clone(),
            default_schema: default_schema.clone(),
            part: *part,
            pushdown: *pushdown,
            stored,
            opened: opened.clone(),
        };
        Catalogs { named: Arc::new(named) }
    }

    /// How many tables were opened so far.
    pub fn opened(&self) -> usize {
        self.named.opened.load(Ordering::Relaxed)
    }

    /// The catalog of names without one.
    pub fn default_catalog(&self) -> &str {
        &self.named.default_catalog
    }

    /// The schema of names without one.
    pub fn default_schema(&self) -> &str {
        &self.named.default_schema
    }

    /// The table of this name, as a state of it; names may be qualified with a connection.
    pub async fn open(&self, name: &str, of: &Of) -> Result<Rows, Error> {
        let (connection, table) = match name.split_once('.') {
            Some((connection, table)) => (Some(connection), table),
            None => (None, name),
        };
        let chosen = connection.or(Some(self.default_catalog())).filter(|it| *it != UNDECIDED);
        let connection = self.named.namespace.connection(chosen)?.clone();
        self.named.rows(connection, table, of).await
    }
}

impl Named {
    async fn rows(&self, connection: Arc<Connection>, table: &str, of: &Of) -> Result<Rows, Error> {
        let wanted = {
            let table = connection.catalog.table(table)?;
            let named = table.columns.iter().map(|column| column.name.to_string());
            named.filter(|name| self.words.has(name)).collect::<Vec<_>>()
        };
        let pinned = self
            .part
            .and_then(|(_, version)| version)
            .map(|version| Of::Rows(Some(Version::Stored(Which::Number(version)))));
        let of = pinned.as_ref().unwrap_or(of);
        self.opened.fetch_add(1, Ordering::Relaxed);
        let mut opened = Opened::find(connection, table, of, &wanted).await?;
        if self.words.explains() {
            opened = opened.expecting().await?;
        }
        // What is given on request is there for a statement that names it.
        let given = |column: &&Column| {
            (!column.on_request || self.words.has(&column.name)) && opened.has(&column.name)
        };
        let columns = opened.table.columns.iter().filter(given).cloned().collect();
        let rows = Rows::new(Arc::new(opened), columns, self.part.map(|(part, _)| part), true)?;
        Ok(if self.pushdown { rows } else { rows.alone() })
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        _: String,
        _: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        self.named.namespace.connections().map(|it| it.name.to_string()).collect()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        Some(Arc::new(Catalog { named: self.named.clone(), name: name.to_owned() }))
    }
}

/// One connection.
#[derive(Debug)]
struct Catalog {
    named: Arc<Named>,
    name: String,
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        let connection = self.named.namespace.connection(Some(&self.name));
        let Ok(connection) = connection else { return Vec::new() };
        let has = |schema: &&str| *schema != STORED || connection.store.is_some();
        SCHEMAS.into_iter().filter(has).map(str::to_owned).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let (named, catalog) = (self.named.clone(), self.name.clone());
        Some(Arc::new(Schema { named, catalog, name: name.to_owned() }))
    }
}

/// One schema of a connection.
#[derive(Debug)]
struct Schema {
    named: Arc<Named>,
    catalog: String,
    name: String,
}

impl Schema {
    fn connection(&self) -> Result<&Arc<Connection>, Error> {
        let chosen = Some(&*self.catalog).filter(|name| *name != UNDECIDED);
        self.named.namespace.connection(chosen)
    }

    async fn find(&self, table: &str) -> Result<Arc<dyn TableProvider>, Error> {
        let connection = self.connection()?.clone();
        let of = match &*self.name {
            DIRECTORY => Of::Rows(None),
            LIVE => Of::Rows(Some(Version::Live)),
            STORED => Of::Rows(Some(Version::Stored(Which::Latest))),
            SYSTEM => return system::table(&self.named.namespace, table).await,
            other => {
                return Err(Error::UnknownSchema {
                    name: catalog::shown(other),
                    near: catalog::nearest(other, SCHEMAS.into_iter()),
                });
            }
        };
        Ok(Arc::new(self.named.rows(connection, table, &of).await?))
    }
}

#[async_trait]
impl SchemaProvider for Schema {
    fn table_names(&self) -> Vec<String> {
        let Ok(connection) = self.connection() else { return Vec::new() };
        match &*self.name {
            DIRECTORY | LIVE => {
                connection.catalog.tables().iter().map(|table| table.name.to_string()).collect()
            }
            STORED => self.named.stored.get(&connection.name).cloned().unwrap_or_default(),
            SYSTEM => system::NAMES.iter().map(|name| (*name).to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        // Functions stand where tables do, and are looked up as tables first.
        if TABLE_FUNCTIONS.contains(&name) {
            return Ok(None);
        }
        let found = self.find(name).await;
        found.map(Some).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|table| table == name)
    }
}
