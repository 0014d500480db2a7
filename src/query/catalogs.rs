//! The names that a statement may use: a catalog for each connection, with four schemas.
//!
//! Whoever asks for a catalog or schema that there is none of gets one whose tables are the error
//! that says so, with the nearest names.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};

use super::functions::{AS_OF, CHANGES};
use super::provider::Rows;
use super::threads::Serving;
use super::words::Words;
use super::{Connection, Error, Namespace, Of, Opened, Part, Statement, Version, system};
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
    /// One part of the only table's rows.
    part: Option<Part>,
    /// The version of the only table.
    version: Option<u64>,
    /// Whether sources may help with filters.
    pushdown: bool,
    /// Who opens tables.
    serving: Serving,
    /// The stored tables of each connection, where somebody asks for a list.
    stored: BTreeMap<Arc<str>, Vec<String>>,
    /// What was opened for it, tables of which the plan needs nothing included.
    opened: Arc<Tally>,
}

/// How many tables were opened, and the first of them.
#[derive(Debug, Default)]
struct Tally {
    count: AtomicUsize,
    first: OnceLock<Arc<Opened>>,
}

impl Catalogs {
    /// The names of `namespace` for `statement`, which was read as `words` and may leave out the
    /// catalog and the schema of names.
    pub fn new(
        namespace: Arc<Namespace>,
        words: Words,
        statement: &Statement,
        pushdown: bool,
        serving: Serving,
    ) -> Self {
        let only = namespace.connection(None).map(|only| only.name.to_string());
        let default_catalog = match &statement.catalog {
            Some(name) => name.clone(),
            None => only.unwrap_or_else(|_| UNDECIDED.to_owned()),
        };
        let default_schema = statement.schema.as_deref().unwrap_or(DIRECTORY).to_owned();
        Catalogs {
            named: Arc::new(Named {
                namespace,
                words,
                default_catalog,
                default_schema,
                part: statement.part,
                version: statement.version,
                pushdown,
                serving,
                stored: BTreeMap::new(),
                opened: Arc::default(),
            }),
        }
    }

    /// The same, with the stored tables listed.
    pub fn with_stored(self, stored: BTreeMap<Arc<str>, Vec<String>>) -> Self {
        let named = Named {
            namespace: self.named.namespace.clone(),
            words: self.named.words.clone(),
            default_catalog: self.named.default_catalog.clone(),
            default_schema: self.named.default_schema.clone(),
            part: self.named.part,
            version: self.named.version,
            pushdown: self.named.pushdown,
            serving: self.named.serving.clone(),
            stored,
            opened: self.named.opened.clone(),
        };
        Catalogs { named: Arc::new(named) }
    }

    /// The only table that was opened so far; `None` if there are others, or none.
    pub fn only(&self) -> Option<Arc<Opened>> {
        let Tally { count, first } = &*self.named.opened;
        first.get().filter(|_| count.load(Ordering::Relaxed) == 1).cloned()
    }

    /// The catalog of names without one.
    pub fn default_catalog(&self) -> &str {
        &self.named.default_catalog
    }

    /// The same, where there is one.
    pub fn chosen_catalog(&self) -> Option<&str> {
        Some(self.default_catalog()).filter(|name| *name != UNDECIDED)
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
        let chosen = connection.or_else(|| self.chosen_catalog());
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
        let pinned =
            self.version.map(|version| Of::Rows(Some(Version::Stored(Which::Number(version)))));
        let of = pinned.as_ref().unwrap_or(of);
        self.opened.count.fetch_add(1, Ordering::Relaxed);
        let (table, of, explains) = (table.to_owned(), of.clone(), self.words.explains());
        let opened = self.serving.open(async move {
            let opened = Opened::find(connection, &table, &of, &wanted).await?;
            if explains { opened.expecting().await } else { Ok(opened) }
        });
        let opened = opened.await?;
        // What is given on request is there for a statement that names it.
        let given = |column: &&Column| {
            (!column.on_request || self.words.has(&column.name)) && opened.has(&column.name)
        };
        let columns = opened.table.columns.iter().filter(given).cloned().collect();
        let opened = Arc::new(opened);
        self.opened.first.get_or_init(|| opened.clone());
        let rows = Rows::new(opened, columns, self.part, true)?;
        Ok(if self.pushdown { rows } else { rows.alone() })
    }

    async fn system(&self, table: &str) -> Result<Arc<dyn TableProvider>, Error> {
        let (namespace, table) = (self.namespace.clone(), table.to_owned());
        self.serving.open(async move { system::table(&namespace, &table).await }).await
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
        // What the server knows of itself is not one connection's.
        if self.name == SYSTEM && self.catalog == UNDECIDED {
            return self.named.system(table).await;
        }
        let connection = self.connection()?.clone();
        let of = match &*self.name {
            DIRECTORY => Of::Rows(None),
            LIVE => Of::Rows(Some(Version::Live)),
            STORED => Of::Rows(Some(Version::Stored(Which::Latest))),
            SYSTEM => return self.named.system(table).await,
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
