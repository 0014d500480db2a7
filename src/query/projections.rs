//! Projections that stand on one another.
//!
//! DataFusion 55 takes two projections with the same expressions for one, also where the second
//! computes anew what the first has named: `x + 1 AS x` twice gives `x + 1`
//! (<https://github.com/apache/datafusion/pull/24686> mends it). So the lower one is written another
//! way, which means the same and is gone once they are merged. `tests/it/sql/upstream.rs` tells when
//! this rule can go.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Tells each projection from one that stands on it.
#[derive(Debug)]
pub struct Projections;

impl OptimizerRule for Projections {
    fn name(&self) -> &str {
        "projections"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Projection(upper) = &plan else { return Ok(Transformed::no(plan)) };
        let LogicalPlan::Projection(lower) = &*upper.input else {
            return Ok(Transformed::no(plan));
        };
        // Those that are merged name each expression once, so that the next has two names at least.
        let wanted = (deepest(&upper.expr) + 1).max(2);
        let given = deepest(&lower.expr);
        if given == 0 || given >= wanted {
            return Ok(Transformed::no(plan));
        }
        let named = lower.expr.iter().cloned().map(|expr| named_again(expr, wanted - given));
        let (input, schema) = (lower.input.clone(), lower.schema.clone());
        let lower = Projection::try_new_with_schema(named.collect(), input, schema)?;
        let input = Arc::new(LogicalPlan::Projection(lower));
        let upper =
            Projection::try_new_with_schema(upper.expr.clone(), input, upper.schema.clone())?;
        Ok(Transformed::yes(LogicalPlan::Projection(upper)))
    }
}

/// How many names the expression with the most of them has. One without a name is a column, or is
/// named after what it computes: to compute it again changes nothing.
fn deepest(exprs: &[Expr]) -> usize {
    exprs.iter().map(names).max().unwrap_or(0)
}

fn names(expr: &Expr) -> usize {
    match expr {
        Expr::Alias(alias) => 1 + names(&alias.expr),
        _ => 0,
    }
}

/// The same expression by the same name, which is said so many times more.
fn named_again(expr: Expr, times: usize) -> Expr {
    let Expr::Alias(named) = expr else { return expr };
    let again = |inner, _| Expr::Alias(Alias { expr: Box::new(inner), ..named.clone() });
    (0..times).fold(Expr::Alias(named.clone()), again)
}
