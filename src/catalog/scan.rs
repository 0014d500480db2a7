//! What is asked of a table.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::{Column, Error, Filter, Table};

/// Some columns of a table, which of its rows, and how many.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub table: Arc<Table>,
    /// Columns of that table in the order asked for, none twice, at least one.
    pub columns: Vec<Column>,
    /// How many rows at most; `None` for all.
    pub limit: Option<u64>,
    /// Rows that it does not let through may be left out; see [`Filter`].
    pub filter: Option<Filter>,
    /// How many rows are probably enough: whoever asked may stop early, and goes on when it has
    /// filtered too many of them.
    pub enough: Option<u64>,
}

impl Scan {
    /// Asks for the columns named, or for all that [`Table::select`] gives without names.
    ///
    /// # Errors
    ///
    /// Those of [`Table::select`].
    pub fn new(
        table: Arc<Table>,
        columns: Option<&[String]>,
        limit: Option<u64>,
    ) -> Result<Scan, Error> {
        let columns = table.select(columns)?;
        Ok(Scan { table, columns, limit, filter: None, enough: None })
    }

    /// The Arrow schema of the answer: the scan's columns, and the metadata of the table's schema.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<_> = self.columns.iter().map(Column::field).collect();
        Arc::new(Schema::new_with_metadata(fields, self.table.schema.metadata().clone()))
    }
}
