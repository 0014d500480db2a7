//! Takes back what DataFusion says of the rows of outer joins.
//!
//! A column that is the same in all rows of one side is null in the rows which that side does not
//! have, and columns that are equal there need not stay so. DataFusion 55 takes over both
//! (`EquivalenceGroup::join`), and leaves out sorts by such columns. So a step above each outer join
//! claims nothing of its rows.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{
    Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion,
};
use datafusion::common::{JoinType, Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// Puts a step that claims nothing above each outer join. Has to come before sorts are put in.
#[derive(Debug)]
pub struct Outer;

impl PhysicalOptimizerRule for Outer {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let claimless = |step: Arc<dyn ExecutionPlan>| match join_type(&step) {
            Some(join) if join.is_outer() => Ok(Transformed::yes(Unclaimed::above(step))),
            _ => Ok(Transformed::no(step)),
        };
        plan.transform_up(claimless).data()
    }

    fn name(&self) -> &str {
        "outer"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn join_type(step: &Arc<dyn ExecutionPlan>) -> Option<JoinType> {
    let hash = step.downcast_ref::<HashJoinExec>().map(|join| *join.join_type());
    let merge = || step.downcast_ref::<SortMergeJoinExec>().map(|join| join.join_type());
    let nested = || step.downcast_ref::<NestedLoopJoinExec>().map(|join| *join.join_type());
    hash.or_else(merge).or_else(nested)
}

/// A step that passes rows on as they are and claims neither an order nor equal columns.
#[derive(Clone, Debug)]
struct Unclaimed {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl Unclaimed {
    fn above(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let of = input.properties();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            of.output_partitioning().clone(),
            of.emission_type,
            of.boundedness,
        );
        Arc::new(Unclaimed { input, properties: Arc::new(properties) })
    }
}

impl DisplayAs for Unclaimed {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unclaimed: no order and no equal columns")
    }
}

impl ExecutionPlan for Unclaimed {
    fn name(&self) -> &str {
        "Unclaimed"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.into_iter().next() {
            Some(input) => Ok(Unclaimed::above(input)),
            None => internal_err!("a step above a join lost its input"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}
