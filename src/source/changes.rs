//! What changed between two stored versions.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::{BoxStream, StreamExt as _};

use super::bounded::bounded;
use super::{Error, Source};
use crate::catalog::{Scan, Table};
use crate::clock::Instant;
use crate::graph::Meter;
use crate::snapshot::{self, Snapshot};

/// Compares two stored versions of a table.
#[derive(Clone, Debug)]
pub struct Changes {
    old: Snapshot,
    new: Snapshot,
    table: Arc<Table>,
}

impl Changes {
    /// Tells what makes `new` of `old`, which are versions of `table`.
    pub fn new(old: Snapshot, new: Snapshot, table: Arc<Table>) -> Self {
        Changes { old, new, table }
    }
}

impl Source for Changes {
    /// `scan` is of [`Table::changes`](crate::catalog::Table::changes).
    fn scan(
        &self,
        scan: Scan,
        deadline: Instant,
        _: Arc<Meter>,
    ) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let compared = snapshot::compare(&self.old, &self.new, &self.table);
        let schema = scan.schema();
        let table = scan.table.name.clone();
        let rows = compared.batches.map(move |batch| {
            let pick = |batch: RecordBatch| {
                let columns: Result<Vec<_>, _> = schema
                    .fields()
                    .iter()
                    .map(|field| batch.schema().index_of(field.name()))
                    .collect();
                let picked = batch.project(&columns?)?;
                RecordBatch::try_new(schema.clone(), picked.columns().to_vec())
            };
            pick(batch?).map_err(|source| Error::Shape { table: table.to_string(), source })
        });
        bounded(rows.boxed(), &scan, deadline)
    }
}
