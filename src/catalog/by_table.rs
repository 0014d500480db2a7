//! Rules that single tables may have of their own.

use std::collections::BTreeMap;

use super::{Catalog, Error};

/// A rule for all tables, and others for single ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByTable<T> {
    /// The rule of each table that has none of its own.
    pub default: T,
    /// Those of single tables, by name.
    pub tables: BTreeMap<String, T>,
}

impl<T: Copy> ByTable<T> {
    /// The rule of every table.
    pub fn all(default: T) -> Self {
        ByTable { default, tables: BTreeMap::new() }
    }

    /// The rule of one table.
    pub fn of(&self, table: &str) -> T {
        self.tables.get(table).copied().unwrap_or(self.default)
    }

    /// Checks that the tables exist.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`].
    pub fn check(&self, catalog: &Catalog) -> Result<(), Error> {
        self.tables.keys().try_for_each(|table| catalog.table(table).map(drop))
    }
}
