//! Lets others have their turn.
//!
//! What multiplies rows, such as a join, can work for a long time on what it has read, and a task
//! that never waits cannot be stopped nor let another run on its core.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

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

/// Whether a step can give many more rows than it is given.
fn multiplies(step: &Arc<dyn ExecutionPlan>) -> bool {
    let name = step.name();
    name.ends_with("JoinExec") || matches!(name, "UnnestExec" | "RecursiveQueryExec")
}
