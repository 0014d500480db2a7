//! Lets others have their turn.
//!
//! What multiplies rows, such as a join, can work for a long time on what it has read, and a task
//! that never waits cannot be stopped nor let another run on its core.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{JoinSide, JoinType, Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;

/// Makes every step that multiplies rows stop now and then.
#[derive(Debug)]
pub struct Fair;

impl PhysicalOptimizerRule for Fair {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let fair = |step: Arc<dyn ExecutionPlan>| {
            if let Some(apart) = apart(&step)? {
                return Ok(Transformed::yes(apart));
            }
            if multiplies(&step) {
                return Ok(Transformed::yes(Arc::new(CooperativeExec::new(step)) as _));
            }
            Ok(Transformed::no(step))
        };
        plan.transform_up(fair).data()
    }

    fn name(&self) -> &str {
        "fair"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A nested-loop join that keeps what its condition lets through, as all pairs and a filter: it
/// would go through all pairs in one go if nothing is let through.
fn apart(step: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(join) = step.downcast_ref::<NestedLoopJoinExec>() else { return Ok(None) };
    let Some(filter) = join.filter().filter(|_| *join.join_type() == JoinType::Inner) else {
        return Ok(None);
    };
    let (left, right) = (join.left().clone(), join.right().clone());
    let width = left.schema().fields().len();
    let sides = filter.column_indices();
    let of_pair = |expr: Arc<dyn PhysicalExpr>| {
        let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
        let Some(side) = sides.get(column.index()) else {
            return internal_err!("a join's condition names a column that it has not");
        };
        let index = if side.side == JoinSide::Left { side.index } else { width + side.index };
        Ok(Transformed::yes(Arc::new(Column::new(column.name(), index)) as _))
    };
    let condition = filter.expression().clone().transform_up(of_pair).data()?;
    let pairs = CooperativeExec::new(Arc::new(CrossJoinExec::new(left, right)));
    let kept: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(condition, Arc::new(pairs))?);
    let Some(projection) = join.projection() else { return Ok(Some(kept)) };
    let schema = kept.schema();
    let columns = projection.iter().map(|at| {
        let field = schema.field(*at);
        (Arc::new(Column::new(field.name(), *at)) as Arc<dyn PhysicalExpr>, field.name().clone())
    });
    Ok(Some(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), kept.clone())?)))
}

/// Whether a step can give many more rows than it is given.
fn multiplies(step: &Arc<dyn ExecutionPlan>) -> bool {
    let name = step.name();
    name.ends_with("JoinExec") || matches!(name, "UnnestExec" | "RecursiveQueryExec")
}
