//! Windows over rows without columns.
//!
//! `count(*) OVER (PARTITION BY (SELECT …))` needs no column of its table, and DataFusion 55 can
//! neither sort nor deal out rows that have none. So they get one, and lose it above the window.
//! `tests/it/sql/upstream.rs` tells when this rule can go.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::config::ConfigOptions;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, lit};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};

/// Gives windows a column where they have none. Has to come before sorts are put in.
#[derive(Debug)]
pub struct Columnless;

impl PhysicalOptimizerRule for Columnless {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(with_column).data()
    }

    fn name(&self) -> &str {
        "columnless"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn with_column(step: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let is_window = step.is::<WindowAggExec>() || step.is::<BoundedWindowAggExec>();
    let children = step.children();
    let ([rows], true) = (&*children, is_window) else { return Ok(Transformed::no(step)) };
    if !rows.schema().fields().is_empty() {
        return Ok(Transformed::no(step));
    }
    let column = [(lit(true), "__row".to_owned())];
    let rows: Arc<dyn ExecutionPlan> = Arc::new(ProjectionExec::try_new(column, (*rows).clone())?);
    let schema = step.schema();
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    let window = step.replace_children(vec![rows], recompute)?;
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), at + 1));
        (column, field.name().clone())
    });
    let columns: Vec<_> = columns.collect();
    Ok(Transformed::yes(Arc::new(ProjectionExec::try_new(columns, window)?)))
}
