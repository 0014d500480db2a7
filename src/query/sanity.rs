//! The last check of a plan.
//!
//! DataFusion 55 puts in sorts by what it knows of the rows at that time, such as that a column is
//! the same in all of them, and its later rules can make it forget that. A plan that is fine is then
//! refused. So requirements are met once more before it is.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_plan::ExecutionPlan;

/// The rule that checks, with another try.
#[derive(Debug)]
pub struct Sane(pub Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for Sane {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match self.0.optimize(plan.clone(), config) {
            Ok(plan) => Ok(plan),
            Err(_) => self.0.optimize(EnsureRequirements::new().optimize(plan, config)?, config),
        }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}
