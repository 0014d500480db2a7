//! Names of changed rows, and of the rows that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::DataType;
use futures::StreamExt as _;

use super::Error;
use crate::catalog::{Filter, Origin, Scan, Table, Value};
use crate::limits::cli as limits;
use crate::query::Connection;
use crate::snapshot::{Snapshot, Which};

/// What is stored of the table whose rows a table's rows belong to, such as the groups of members.
pub struct ParentNames {
    /// The column of a row that names its parent.
    column: Arc<str>,
    /// The parent's names and the column that tells it from others.
    table: Arc<Table>,
    /// The newest version and the one before: a row that is gone may belong to what is gone too.
    versions: Vec<Snapshot>,
    known: BTreeMap<String, Option<String>>,
}

impl ParentNames {
    /// `None` where a table has no parent, or nothing of it is stored.
    pub async fn of(connection: &Connection, table: &Table) -> Result<Option<Self>, Error> {
        let column = table.columns.iter().find(|column| column.origin == Origin::Parent);
        let (Some(column), Some(parent)) = (column, table.read.parent()) else { return Ok(None) };
        let parent = connection.catalog.table(parent)?.clone();
        let place = connection.stored(&parent)?;
        let Some(newest) = place.try_snapshot(Which::Latest).await? else { return Ok(None) };
        let before = place.before(&newest).await.ok();
        Ok(Some(ParentNames {
            column: column.name.clone(),
            table: parent,
            versions: std::iter::once(newest).chain(before).collect(),
            known: BTreeMap::new(),
        }))
    }

    /// Reads the names of the parents of these rows.
    pub async fn read(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let Some(cells) = batch.column_by_name(&self.column) else { return Ok(()) };
        let Some(ids) = cells.as_string_opt::<i32>() else { return Ok(()) };
        if self.known.len() > limits::NAMES_MAX {
            self.known.clear();
        }
        let ids = ids.iter().flatten().filter(|id| !self.known.contains_key(*id));
        let mut wanted: BTreeSet<String> = ids.map(str::to_owned).collect();
        for version in &self.versions {
            if wanted.is_empty() {
                break;
            }
            for (id, name) in names(version, &self.table, &wanted).await? {
                wanted.remove(&id);
                self.known.insert(id, Some(name));
            }
        }
        self.known.extend(wanted.into_iter().map(|id| (id, None)));
        Ok(())
    }

    /// The name of a row's parent, if it is known.
    pub fn name(&self, column: &str, id: &str) -> Option<&str> {
        (column == &*self.column).then(|| self.known.get(id)?.as_deref()).flatten()
    }
}

/// The names of those rows of a version that have one of these ids.
async fn names(
    version: &Snapshot,
    table: &Arc<Table>,
    ids: &BTreeSet<String>,
) -> Result<Vec<(String, String)>, Error> {
    let [key] = &*table.key else { return Ok(Vec::new()) };
    let columns: Vec<String> =
        std::iter::once(key).chain(&table.named_by).map(ToString::to_string).collect();
    let scan = Scan::new(table.clone(), Some(&columns), None)?;
    let values = ids.iter().map(|id| Value::Text(id.as_str().into()));
    let filter = Filter::In(key.clone(), values.collect());
    let mut rows = version.read(scan.schema(), None, Some(filter));
    let mut found = Vec::new();
    while let Some(batch) = rows.next().await.transpose()? {
        let Some(keys) = batch.column(0).as_string_opt::<i32>() else { return Ok(found) };
        for row in 0..batch.num_rows() {
            let id = keys.value(row);
            if ids.contains(id)
                && let Some(name) = name(&batch, table, row)
            {
                found.push((id.to_owned(), name.to_owned()));
            }
        }
    }
    Ok(found)
}

/// What a row is called, by the first of the table's names that it has.
pub fn name<'a>(batch: &'a RecordBatch, table: &Table, row: usize) -> Option<&'a str> {
    let cells = table.named_by.iter().filter_map(|column| batch.column_by_name(column));
    let texts = cells.filter(|cells| *cells.data_type() == DataType::Utf8);
    let mut names = texts.map(|cells| cells.as_string::<i32>()).filter(|cells| cells.is_valid(row));
    names.next().map(|cells| cells.value(row))
}
