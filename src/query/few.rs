//! Tells a read how many rows are probably enough.
//!
//! A limit above a filter cannot be given to the source, which would count rows that the filter
//! drops. But pages need not be as large as they come, nor asked for before they are wanted.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;

use super::exec::Read;

/// Passes limits down to reads through whatever keeps the order of rows.
#[derive(Debug)]
pub struct Few;

impl PhysicalOptimizerRule for Few {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        pass(plan, None)
    }

    fn name(&self) -> &str {
        "few"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn pass(plan: Arc<dyn ExecutionPlan>, enough: Option<u64>) -> Result<Arc<dyn ExecutionPlan>> {
    if let (Some(read), Some(rows)) = (plan.downcast_ref::<Read>(), enough) {
        return Ok(Arc::new(read.with_enough(rows)));
    }
    let skipped = plan.downcast_ref::<GlobalLimitExec>().map_or(0, GlobalLimitExec::skip);
    let own = plan.fetch().map(|rows| (rows + skipped) as u64);
    let below = match (own, enough) {
        // What stops after so many rows asks for no more of what is below it.
        (Some(own), _) if stops(&plan) => Some(own.min(enough.unwrap_or(own))),
        (None, Some(rows)) if passes(&plan) => Some(rows),
        _ => None,
    };
    let children: Vec<_> = plan.children().into_iter().cloned().collect();
    if children.is_empty() {
        return Ok(plan);
    }
    let passed: Vec<_> =
        children.iter().map(|child| pass(child.clone(), below)).collect::<Result<_>>()?;
    let same = children.iter().zip(&passed).all(|(old, new)| Arc::ptr_eq(old, new));
    if same {
        return Ok(plan);
    }
    plan.replace_children(passed, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
}

fn passes(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.is::<CooperativeExec>()
        || plan.is::<RepartitionExec>()
        || plan.is::<CoalescePartitionsExec>()
}

fn stops(plan: &Arc<dyn ExecutionPlan>) -> bool {
    passes(plan) || plan.is::<GlobalLimitExec>() || plan.is::<LocalLimitExec>()
}
