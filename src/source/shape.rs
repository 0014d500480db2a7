//! Which columns are decoded for a scan, and how they become the ones asked for.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::catalog::{Column, Origin, Read, Scan, Type};
use crate::graph::NESTED_ID;

/// The columns of a scan, with the key's behind them where they were not asked for: rows are told
/// apart by key when a listing begins again.
#[derive(Debug)]
pub struct Shape {
    /// What is decoded: the columns asked for, then what else the key needs.
    pub decoded: Vec<Column>,
    /// Where the key's columns are among them.
    pub key: Vec<usize>,
    /// The schema of the answer, which is of the first columns.
    pub schema: SchemaRef,
    /// Set where rows are nested in their parents'.
    pub navigation: Option<Arc<str>>,
}

impl Shape {
    /// Works it out.
    pub fn new(scan: &Scan) -> Self {
        let mut decoded = scan.columns.clone();
        let mut key = Vec::with_capacity(scan.table.key.len());
        for name in &scan.table.key {
            let place = decoded.iter().position(|column| column.name == *name);
            let place = place.or_else(|| {
                let column = scan.table.columns.iter().find(|column| column.name == *name)?;
                decoded.push(column.clone());
                Some(decoded.len() - 1)
            });
            key.extend(place);
        }
        // A listing that takes no `$select` sends every property: one that was declared and not
        // asked for is decoded and dropped, so that it is not taken for an undeclared one.
        let rest = decoded.iter().any(|column| column.origin == Origin::Extra);
        if rest && !scan.table.takes_select {
            let known: Vec<_> = decoded.iter().map(|column| column.name.clone()).collect();
            let others = scan.table.columns.iter().filter(|column| !known.contains(&column.name));
            decoded.extend(others.cloned());
        }
        let navigation = match &scan.table.read {
            Read::Expand { navigation, .. } => Some(navigation.clone()),
            Read::Collection | Read::FanOut { .. } => None,
        };
        // A nested row of which no column is wanted comes with its id.
        if rest && navigation.is_some() && !decoded.iter().any(|column| &*column.name == NESTED_ID)
        {
            decoded.extend(scan.table.column(NESTED_ID).cloned());
        }
        Shape { decoded, key, schema: scan.schema(), navigation }
    }

    /// What the pages' own rows hold: the decoded columns, or a parent's key and its nested row.
    pub fn outer(&self) -> Vec<Column> {
        let Some(navigation) = &self.navigation else { return self.decoded.clone() };
        let outer = |name: &Arc<str>, ty| Column {
            name: name.clone(),
            origin: Origin::Property(name.clone()),
            ty,
            graph_type: "".into(),
            description: None,
            permission: None,
            on_request: false,
            unordered: false,
            filters: Default::default(),
        };
        vec![outer(&"id".into(), Type::Text), outer(navigation, Type::Json)]
    }

    /// Where the key's columns are in the pages' own rows.
    pub fn outer_key(&self) -> &[usize] {
        if self.navigation.is_some() { &[0] } else { &self.key }
    }

    /// The answer's columns of a decoded batch.
    pub fn answer(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let wanted = self.schema.fields().len();
        let columns = batch.columns().iter().take(wanted).cloned().collect();
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }
}
