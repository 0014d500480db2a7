//! A read of a table as a step of a plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream::{self, StreamExt as _};

use super::provider::bare;
use super::{Opened, Spent, pushdown};
use crate::catalog::{Filter, Scan};
use crate::limits::query as limits;
use crate::{clock, source};

/// Reads a state of a table; a partition for each part.
#[derive(Clone, Debug)]
pub struct Read {
    opened: Arc<Opened>,
    scan: Scan,
    parts: Vec<Option<u32>>,
    schema: SchemaRef,
    /// What others work out while the plan runs; known when the first row is asked for.
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether that is waited for.
    listens: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl Read {
    /// Reads what `scan` says, without columns only counting; `parts` of a stored version, or
    /// once the whole.
    pub fn new(opened: Arc<Opened>, scan: Scan, parts: Vec<Option<u32>>) -> Self {
        let mut scan = scan;
        let schema = bare(&scan);
        if scan.columns.is_empty() {
            // Somebody has to be counted: the key is the least that is read anyway.
            let key = opened.table.key.iter().filter_map(|name| opened.table.column(name));
            scan.columns.extend(key.take(1).cloned());
        }
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(parts.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Read {
            opened,
            scan,
            parts,
            schema,
            dynamic: Vec::new(),
            listens: true,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The same, whatever others work out.
    pub fn alone(self) -> Self {
        Read { listens: false, ..self }
    }

    /// The same, which heeds of what others work out only the filters that are `meant` for it.
    pub fn listening_to(&self, meant: impl Fn(u64) -> bool) -> Self {
        let mut read = self.clone();
        read.dynamic.retain(|filter| filter.expression_id().is_some_and(&meant));
        read
    }

    /// The same, whose asker probably stops after so many rows.
    pub fn with_enough(&self, rows: u64) -> Self {
        let mut read = self.clone();
        read.scan.enough = Some(rows);
        read
    }

    /// The scan with what was worked out meanwhile.
    fn scan_now(&self) -> Scan {
        let mut scan = self.scan.clone();
        let dynamic = self.dynamic.iter().filter_map(pushdown::dynamic);
        scan.filter = Filter::all(scan.filter.into_iter().chain(dynamic));
        scan
    }
}

impl DisplayAs for Read {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = if matches!(format, DisplayFormatType::TreeRender) { "\n" } else { ", " };
        write!(f, "Read: table={}.{}", self.opened.connection.name, self.opened.table.name)?;
        if let Some(known) = self.opened.known() {
            write!(f, "{line}version={}", known.version)?;
        } else if self.opened.is_live() {
            let graph = self.opened.connection.live.graph();
            match graph.explain(&self.scan, self.opened.expected()) {
                Ok(asked) => write!(f, "{line}{asked}")?,
                Err(error) => write!(f, "{line}error={error}")?,
            }
        }
        if let Some(limit) = self.scan.limit {
            write!(f, "{line}limit={limit}")?;
        }
        if !self.dynamic.is_empty() {
            write!(f, "{line}and what a join finds")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for Read {
    fn name(&self) -> &str {
        "Read"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expr in &self.dynamic {
            f(expr)?;
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let spent = context.session_config().get_extension::<Spent>();
        let spent = spent.ok_or_else(|| DataFusionError::Internal("no call".to_owned()))?;
        let serving = spent.serving.clone();
        let rows = MetricBuilder::new(&self.metrics).output_rows(partition);
        let source = self.opened.source(self.parts.get(partition).copied().flatten());
        let this = self.clone();
        let schema = self.schema.clone();
        // What a join works out is known once the first row is asked for, not before.
        let batches = stream::once(async move {
            let own = clock::now() + this.opened.connection.live.deadline();
            let deadline = spent.deadline.min(own);
            source.scan(this.scan_now(), deadline, spent.meter.clone())
        });
        let batches = batches.flatten().map(|batch| batch.map_err(failed));
        let batches = match serving {
            Some(serving) => serving.read(batches),
            None => batches.boxed(),
        };
        let batches = batches.map(move |batch| {
            let batch = batch?;
            rows.add(batch.num_rows());
            conform(batch, &schema)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, _: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Inexact(self.rows_guessed());
        Ok(Arc::new(statistics))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<_> =
            result.parent_filters.into_iter().map(|parent| parent.filter).collect();
        let not_exact = vec![PushedDown::No; filters.len()];
        let told = FilterPushdownPropagation::with_parent_pushdown_result(not_exact);
        // What can be said while planning came with the scan.
        if phase == FilterPushdownPhase::Pre || filters.is_empty() || !self.listens {
            return Ok(told);
        }
        let mut read = self.clone();
        read.dynamic.extend(filters);
        Ok(told.with_updated_node(Arc::new(read)))
    }
}

impl Read {
    /// About how many rows there will be: joins begin with the side that has fewer.
    fn rows_guessed(&self) -> usize {
        let table = &self.opened.table;
        let all = match self.opened.known() {
            Some(known) => usize::try_from(known.rows).unwrap_or(usize::MAX),
            None if table.read.parent().is_some() => limits::FAN_OUT_ROWS_GUESSED,
            None => limits::ROWS_GUESSED,
        };
        let listed = |name: &Arc<str>| {
            self.scan.filter.as_ref().and_then(|filter| filter.texts(name)).map(|it| it.len())
        };
        let keyed = match (&*table.key, listed(table.key.first().unwrap_or(&table.name))) {
            ([_], Some(ids)) => ids,
            (_, Some(parents)) => parents.saturating_mul(limits::CHILDREN_GUESSED),
            (_, None) => all,
        };
        let limit = self.scan.limit.and_then(|limit| usize::try_from(limit).ok());
        keyed.min(all).min(limit.unwrap_or(usize::MAX))
    }
}

/// The batch as the plan announced it: without columns it is only a count.
fn conform(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().iter().take(schema.fields().len()).cloned().collect();
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &rows)?)
}

/// A failure of a source on its way through DataFusion.
fn failed(error: source::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
