//! Keeps filters from columns of the same name.
//!
//! DataFusion 55 looks up the columns of a filter by name on its way down a plan, and takes the
//! first where a step has several of one name, as a join of a table with itself
//! (<https://github.com/apache/datafusion/pull/25259>). So while filters are on their way, a gate
//! above each such step lets through only those whose columns have a name of their own there.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::tree_node::{
    Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion,
};
use datafusion::common::{Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase,
    FilterPushdownPropagation,
};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// A rule that pushes filters down, kept from columns of the same name.
#[derive(Debug)]
pub struct Unambiguous(pub Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for Unambiguous {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut gates = false;
        let gated = |step: Arc<dyn ExecutionPlan>| {
            let names = ambiguous(&step.schema());
            if names.is_empty() {
                return Ok(Transformed::no(step));
            }
            gates = true;
            Ok(Transformed::yes(Arc::new(Gate { step, names: Arc::new(names) }) as _))
        };
        let plan = self.0.optimize(plan.transform_up(gated).data()?, config)?;
        if !gates {
            return Ok(plan);
        }
        let without = |step: Arc<dyn ExecutionPlan>| match step.downcast_ref::<Gate>() {
            Some(gate) => Ok(Transformed::yes(gate.step.clone())),
            None => Ok(Transformed::no(step)),
        };
        plan.transform_up(without).data()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// The names that several columns have.
fn ambiguous(schema: &Schema) -> HashSet<String> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    schema.fields().iter().for_each(|field| *times.entry(field.name()).or_default() += 1);
    times.into_iter().filter(|(_, times)| *times > 1).map(|(name, _)| name.to_owned()).collect()
}

/// Lets filters through whose columns have a name of their own.
#[derive(Clone, Debug)]
struct Gate {
    step: Arc<dyn ExecutionPlan>,
    names: Arc<HashSet<String>>,
}

impl DisplayAs for Gate {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl ExecutionPlan for Gate {
    fn name(&self) -> &str {
        "Gate"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.step.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.step]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.into_iter().next() {
            Some(step) => Ok(Arc::new(Gate { step, names: self.names.clone() })),
            None => internal_err!("a gate lost its step"),
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
        self.step.execute(partition, context)
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let fields = self.step.schema();
        let own = |(at, field): (usize, &Arc<arrow::datatypes::Field>)| {
            (!self.names.contains(field.name())).then_some(at)
        };
        let own = fields.fields().iter().enumerate().filter_map(own).collect();
        let child =
            ChildFilterDescription::from_child_with_allowed_indices(&filters, own, &self.step)?;
        Ok(FilterDescription::new().with_child(child))
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}
