//! `EXCEPT ALL` and `INTERSECT ALL`, which count copies.
//!
//! DataFusion 55 keeps or drops all copies of a row (<https://github.com/apache/datafusion/issues/12956>,
//! <https://github.com/apache/datafusion/issues/12955>). With a number for each copy no two rows are
//! alike, and both do what they should. `tests/it/sql/upstream.rs` tells when this rule can go.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinType, NullEquality, Result};
use datafusion::functions_window::row_number::row_number;
use datafusion::logical_expr::{
    Distinct, Expr, ExprFunctionExt as _, Join, LogicalPlan, LogicalPlanBuilder,
};
use datafusion::optimizer::AnalyzerRule;

/// Numbers the copies of rows.
#[derive(Debug)]
pub struct Multisets;

/// The columns that have the numbers.
const COPIES: [&str; 2] = ["__copy", "__copy_of"];

impl AnalyzerRule for Multisets {
    fn name(&self) -> &str {
        "multisets"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let counted = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Join(join) if of_all(&join) => Ok(Transformed::yes(counted(join)?)),
            other => Ok(Transformed::no(other)),
        });
        Ok(counted?.data)
    }
}

/// Whether a join is one of these set operations: so early, nothing else joins nulls with nulls.
/// Without `ALL` the rows on the left are distinct.
fn of_all(join: &Join) -> bool {
    join.null_equality == NullEquality::NullEqualsNull
        && matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && !matches!(&*join.left, LogicalPlan::Distinct(Distinct::All(_)))
}

fn counted(join: Join) -> Result<LogicalPlan> {
    let (left, right): (Vec<Expr>, Vec<Expr>) = join.on.into_iter().unzip();
    let kept = join.left.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
    let number = |plan: &LogicalPlan, keys: &[Expr], name: &str| {
        let copy = row_number().partition_by(keys.to_vec()).build()?.alias(name);
        LogicalPlanBuilder::from(plan.clone()).window([copy])?.build()
    };
    let [copy, copy_of] = COPIES;
    let on_left = number(&join.left, &left, copy)?;
    let on_right = number(&join.right, &right, copy_of)?;
    let [copy, copy_of] = COPIES.map(|name| Expr::Column(Column::new_unqualified(name)));
    let on = left.into_iter().zip(right).chain([(copy, copy_of)]).collect();
    let numbered = Join::try_new(
        on_left.into(),
        on_right.into(),
        on,
        join.filter,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    LogicalPlanBuilder::from(LogicalPlan::Join(numbered)).project(kept)?.build()
}
