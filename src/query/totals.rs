//! Filters above the one row of an aggregate without groups.
//!
//! DataFusion 55 takes a condition without columns, such as one on a subquery, for one on the groups
//! alone, and filters the rows that are counted in place of the row that counts them. That row is
//! there whatever they are. So such filters stay where they are; nothing else could be pushed down
//! there. `tests/it/sql/upstream.rs` tells when this rule can go.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// A rule that pushes filters down, kept from aggregates without groups.
#[derive(Debug)]
pub struct Totals(pub Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for Totals {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match &plan {
            LogicalPlan::Filter(filter) if is_total(&filter.input) => Ok(Transformed::no(plan)),
            _ => self.0.rewrite(plan, config),
        }
    }
}

/// Whether it is an aggregate without groups, but for filters above it.
fn is_total(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Filter(filter) => is_total(&filter.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        _ => false,
    }
}
