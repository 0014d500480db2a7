//! Which tables exist and what may be asked of them.
//!
//! A [`Table`] says where Graph keeps its rows, what they hold, which columns tell one from
//! another, and what reading it needs and costs. The built-in ones are data: a file a table in
//! `catalog/tables/`, in a form that `file.rs` describes. The catalogue does no IO and knows
//! nothing of requests: `graph` turns a [`Scan`] into URLs and `decode` turns rows into batches.

mod builtin;
mod by_table;
mod changes;
mod column;
mod error;
mod file;
mod filter;
mod near;
mod notation;
mod pattern;
mod scan;
mod schema;
mod table;
mod types;

use std::sync::Arc;

pub use by_table::ByTable;
pub use changes::{CHANGE_TYPE, CHANGED_COLUMNS, COMMIT_TIMESTAMP, COMMIT_VERSION};
pub use column::{Column, Filters, Operator, Operators, Origin};
pub use error::{Error, Fault};
pub use filter::{Comparison, Filter, Value};
pub use near::{clause, nearest, shown};
pub use notation::NotationError;
pub use scan::Scan;
pub use table::{Family, Licence, Read, Table, Version};
pub use types::{Property, Type};

/// The tables that can be read.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Sorted by name, no name twice, and every parent is among them.
    tables: Vec<Arc<Table>>,
}

impl Catalog {
    /// The tables that come with the program.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the program was built with an unusable data file.
    pub fn builtin() -> Result<Catalog, Error> {
        Catalog::parse(builtin::FILES.iter().copied())
    }

    /// The tables described by `files`: pairs of a table's name and the text of its data file.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] at the first file that cannot be used, that repeats a name, or whose
    /// parent is not among the files.
    pub fn parse<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Catalog, Error> {
        let mut tables = Vec::new();
        for (name, text) in files {
            let table = file::parse(name, text).map_err(|fault| malformed(name, fault))?;
            tables.push(Arc::new(table));
        }
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        for (table, next) in tables.iter().zip(tables.iter().skip(1)) {
            if table.name == next.name {
                return Err(malformed(&table.name, Fault::Repeated(table.name.to_string())));
            }
        }
        let catalog = Catalog { tables };
        catalog.check_parents()?;
        Ok(catalog)
    }

    /// The table of exactly this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`], with the nearest names.
    pub fn table(&self, name: &str) -> Result<&Arc<Table>, Error> {
        self.find(name).ok_or_else(|| Error::UnknownTable {
            asked: shown(name),
            near: nearest(name, self.tables.iter().map(|table| &*table.name)),
        })
    }

    /// All tables, by name.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    /// The tables whose whole name fits `pattern`, by name. `*` stands for any characters, `?` for
    /// any one; case counts; the empty pattern, which is what a client sends that asks for nothing
    /// in particular, fits all.
    pub fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = &'a Arc<Table>> {
        self.tables
            .iter()
            .filter(move |table| pattern.is_empty() || pattern::fits(pattern, &table.name))
    }

    fn find(&self, name: &str) -> Option<&Arc<Table>> {
        let at = self.tables.binary_search_by(|table| (*table.name).cmp(name)).ok()?;
        self.tables.get(at)
    }

    fn check_parents(&self) -> Result<(), Error> {
        for table in &self.tables {
            if let Some(parent) = table.read.parent()
                && self.find(parent).is_none()
            {
                return Err(malformed(&table.name, Fault::UnknownParent(parent.to_owned())));
            }
        }
        Ok(())
    }
}

fn malformed(table: &str, source: Fault) -> Error {
    Error::Malformed { table: table.to_owned(), source }
}
