//! `count(*)` of a whole table, as Graph counts it.
//!
//! Graph's own count comes from its index, which lags behind the directory; so it is asked only
//! where a connection allows such answers.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, Result, ScalarValue, project_schema};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream::{self, StreamExt as _};

use super::provider::Rows;
use super::{Opened, Spent};
use crate::source;

/// The name of the only column.
const COUNT: &str = "count";

/// Asks Graph for a count in place of the rows.
#[derive(Debug)]
pub struct Count;

impl OptimizerRule for Count {
    fn name(&self) -> &str {
        "count"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let Some((opened, name)) = counted(&plan) else { return Ok(Transformed::no(plan)) };
        let schema: SchemaRef =
            Arc::new(Schema::new(vec![Field::new(COUNT, DataType::Int64, false)]));
        let counts = provider_as_source(Arc::new(Counts { opened, schema }));
        let count = Expr::Column(Column::from_name(COUNT)).alias(name);
        let scan = LogicalPlanBuilder::scan("counts", counts, None)?;
        Ok(Transformed::yes(scan.project([count])?.build()?))
    }
}

/// The table that a plan only counts, and what it calls the count.
fn counted(plan: &LogicalPlan) -> Option<(Arc<Opened>, String)> {
    let LogicalPlan::Aggregate(aggregate) = plan else { return None };
    let ([], [only]) = (&*aggregate.group_expr, &*aggregate.aggr_expr) else { return None };
    let Expr::AggregateFunction(call) = only else { return None };
    let counts_rows = match &*call.params.args {
        [] => true,
        [Expr::Literal(value, _)] => *value != ScalarValue::Null && !value.is_null(),
        _ => false,
    };
    let plain = call.func.name() == "count"
        && counts_rows
        && !call.params.distinct
        && call.params.filter.is_none();
    let LogicalPlan::TableScan(scan) = &*aggregate.input else { return None };
    if !plain || !scan.filters.is_empty() || scan.fetch.is_some() {
        return None;
    }
    let provider = source_as_provider(&scan.source).ok()?;
    let opened = provider.downcast_ref::<Rows>()?.helping()?.clone();
    let counts =
        opened.is_live() && opened.table.counted && opened.connection.live.graph().uses_index();
    counts.then(|| (opened, only.schema_name().to_string()))
}

/// The count of one table, as a table of one row.
#[derive(Debug)]
struct Counts {
    opened: Arc<Opened>,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for Counts {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(project_schema(&self.schema, projection)?),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Arc::new(Asked { opened: self.opened.clone(), properties: Arc::new(properties) }))
    }
}

/// Asks for the count.
#[derive(Debug)]
struct Asked {
    opened: Arc<Opened>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for Asked {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = if matches!(format, DisplayFormatType::TreeRender) { "\n" } else { ", " };
        let Opened { connection, table, .. } = &*self.opened;
        let asked = connection.live.graph().explain_count(table);
        write!(f, "Count: table={}.{}{line}{asked}", connection.name, table.name)
    }
}

impl ExecutionPlan for Asked {
    fn name(&self) -> &str {
        "Count"
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
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (opened, schema) = (self.opened.clone(), self.schema());
        let spent = context.session_config().get_extension::<Spent>();
        let spent = spent.ok_or_else(|| DataFusionError::Internal("no call".to_owned()))?;
        let serving = spent.serving.clone();
        let count = async move {
            let graph = opened.connection.live.graph();
            let count = graph.count(&opened.table, Some(spent.deadline), spent.meter.clone()).await;
            let count = count
                .map_err(|error| DataFusionError::External(Box::new(source::Error::from(error))))?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let column = |_| Arc::new(Int64Array::from(vec![count])) as ArrayRef;
            let columns = schema.fields().iter().map(column).collect();
            let row = RecordBatchOptions::new().with_row_count(Some(1));
            Ok(RecordBatch::try_new_with_options(schema, columns, &row)?)
        };
        let count = match serving {
            Some(serving) => serving.read(stream::once(count)),
            None => stream::once(count).boxed(),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), count)))
    }
}
