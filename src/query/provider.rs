//! Tables as DataFusion sees them.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::exec::Read;
use super::{Error, Opened, Part, pushdown};
use crate::catalog::{Column, Filter, Scan};

/// A state of a table.
///
/// Filters are taken as far as they are understood and applied again above; which rows a limit
/// leaves is the source's choice.
#[derive(Debug)]
pub struct Rows {
    opened: Arc<Opened>,
    columns: Vec<Column>,
    schema: SchemaRef,
    part: Option<Part>,
    /// Whether parts of a stored version are read side by side, and so in no order.
    side_by_side: bool,
    /// Whether the source may help with filters.
    helps: bool,
}

impl Rows {
    /// These columns of what was opened, and one part of its rows if one is named.
    ///
    /// # Errors
    ///
    /// [`Error::NoPart`].
    pub fn new(
        opened: Arc<Opened>,
        columns: Vec<Column>,
        part: Option<Part>,
        side_by_side: bool,
    ) -> Result<Self, Error> {
        opened.check(part)?;
        let scan =
            Scan { table: opened.table.clone(), columns, limit: None, filter: None, enough: None };
        let schema = bare(&scan);
        Ok(Rows { opened, columns: scan.columns, schema, part, side_by_side, helps: true })
    }

    /// The same, read whole whatever is asked of it.
    pub fn alone(self) -> Self {
        Rows { helps: false, ..self }
    }

    /// What was opened, where its source may help.
    pub fn helping(&self) -> Option<&Arc<Opened>> {
        self.helps.then_some(&self.opened)
    }

    /// What is read, which part of it, and whether in the order of its key, where its source may
    /// help.
    pub fn reading(&self) -> Option<(&Arc<Opened>, Option<Part>, bool)> {
        Some((self.helping()?, self.part, !self.side_by_side))
    }

    /// The scan that has these of its columns.
    fn scan(&self, projection: Option<&Vec<usize>>, filter: Option<Filter>) -> Scan {
        let columns = match projection {
            Some(chosen) => chosen.iter().filter_map(|at| self.columns.get(*at).cloned()).collect(),
            None => self.columns.clone(),
        };
        Scan { table: self.opened.table.clone(), columns, limit: None, filter, enough: None }
    }
}

#[async_trait]
impl TableProvider for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let filter = Filter::all(filters.iter().filter_map(pushdown::filter));
        let mut scan = self.scan(projection, filter);
        scan.limit = limit.map(|rows| rows as u64);
        let parts = match (self.part, self.opened.known()) {
            (Some(part), _) => vec![Some(part.index)],
            (None, Some(known)) if self.side_by_side && limit.is_none() => {
                (0..known.parts).map(Some).collect()
            }
            (None, _) => vec![None],
        };
        let read = Read::new(self.opened.clone(), scan, parts);
        Ok(Arc::new(if self.helps { read } else { read.alone() }))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match pushdown::filter(filter) {
            Some(_) if self.helps => TableProviderFilterPushDown::Inexact,
            _ => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}

/// The schema of a scan as plans see it: without descriptions, which differ where types do not.
pub fn bare(scan: &Scan) -> SchemaRef {
    let plain = |column: &Column| {
        let field = column.field();
        let kept = |key: &String| key.starts_with("ARROW:extension");
        let mut metadata = field.metadata().clone();
        metadata.retain(|key, _| kept(key));
        Field::clone(&field).with_metadata(metadata)
    };
    Arc::new(Schema::new(scan.columns.iter().map(plain).collect::<Vec<_>>()))
}
