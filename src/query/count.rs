//! `count(*)` of a whole table, as Graph counts it.
//!
//! Graph's own count comes from its index, which lags behind the directory; so it is asked only
//! where a connection allows such answers.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DataFusionError, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

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
        let counts = Arc::new(Counts { opened, schema: schema.clone() });
        let table = StreamingTable::try_new(schema, vec![counts])?;
        let count = Expr::Column(Column::from_name(COUNT)).alias(name);
        let scan = LogicalPlanBuilder::scan("counts", provider_as_source(Arc::new(table)), None)?;
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

/// The count of one table.
#[derive(Debug)]
struct Counts {
    opened: Arc<Opened>,
    schema: SchemaRef,
}

impl PartitionStream for Counts {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (opened, schema) = (self.opened.clone(), self.schema.clone());
        let spent = context.session_config().get_extension::<Spent>();
        let count = async move {
            let spent = spent.ok_or_else(|| DataFusionError::Internal("no call".to_owned()))?;
            let graph = opened.connection.live.graph();
            let count = graph.count(&opened.table, Some(spent.deadline), spent.meter.clone()).await;
            let count = count
                .map_err(|error| DataFusionError::External(Box::new(source::Error::from(error))))?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            Ok(RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![count]))])?)
        };
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::once(count)))
    }
}
