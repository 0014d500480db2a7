//! Leaves out what a join has found where it may be said of another column.
//!
//! On its way down to a read, DataFusion finds the column of a join's filter by its name in each
//! schema that it passes (<https://github.com/apache/datafusion/issues/25244>). Where a name stands
//! twice, as `id` of two tables that were joined does, that is the first of them and not the one
//! meant. So each filter is followed from its join down, and a read keeps those alone whose columns
//! are the only ones of their names all the way.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{JoinSide, JoinType, Result};
use datafusion::config::ConfigOptions;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;

use super::exec::Read;

/// Follows the filters of joins from where they are made to where they are used.
#[derive(Debug)]
pub struct Lineage;

impl PhysicalOptimizerRule for Lineage {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        follow(plan, Vec::new())
    }

    fn name(&self) -> &str {
        "lineage"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A filter on its way down.
#[derive(Clone, Debug)]
struct Sent {
    /// Names the filter, whatever columns it is said of.
    id: u64,
    /// The columns that it is said of here.
    columns: Vec<String>,
}

impl Sent {
    /// The same where the columns have the names that `below` gives; `None` where one has none.
    fn renamed(self, below: impl Fn(&str) -> Option<String>) -> Option<Sent> {
        let columns = self.columns.iter().map(|name| below(name)).collect::<Option<_>>()?;
        Some(Sent { columns, ..self })
    }

    /// Whether each column is the only one of its name.
    fn is_clear(&self, schema: &Schema) -> bool {
        let times = |name: &String| schema.fields().iter().filter(|it| it.name() == name).count();
        self.columns.iter().all(|name| times(name) == 1)
    }
}

fn follow(plan: Arc<dyn ExecutionPlan>, sent: Vec<Sent>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = without_bounds(plan)?;
    if let Some(read) = plan.downcast_ref::<Read>() {
        return Ok(Arc::new(read.listening_to(|id| sent.iter().any(|sent| sent.id == id))));
    }
    let children: Vec<_> = plan.children().into_iter().cloned().collect();
    if children.is_empty() {
        return Ok(plan);
    }
    let followed = children.iter().zip(below(&plan, sent)).map(|(child, mut sent)| {
        let schema = child.schema();
        sent.retain(|sent| sent.is_clear(&schema));
        follow(child.clone(), sent)
    });
    let followed: Vec<_> = followed.collect::<Result<_>>()?;
    if children.iter().zip(&followed).all(|(old, new)| Arc::ptr_eq(old, new)) {
        return Ok(plan);
    }
    plan.replace_children(followed, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
}

/// The join without a filter of what it finds, where that would be the least and the greatest of
/// lists or structs: DataFusion cannot compare them (<https://github.com/apache/datafusion/issues/24937>),
/// and no source could use them.
fn without_bounds(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(join) = plan.downcast_ref::<HashJoinExec>() else { return Ok(plan) };
    let schema = join.left().schema();
    let types = join.on().iter().map(|(left, _)| left.data_type(&schema));
    let nested = types.collect::<Result<Vec<_>>>()?.iter().any(DataType::is_nested);
    match nested && !join.dynamic_expressions_produced().is_empty() {
        true => join.builder().reset_state().build_exec(),
        false => Ok(plan),
    }
}

/// What each child of a step may be sent, of what the step is sent.
fn below(plan: &Arc<dyn ExecutionPlan>, sent: Vec<Sent>) -> Vec<Vec<Sent>> {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        // The side that has no rows in the answer may have columns of the same names.
        let only = only_side(join.join_type());
        let [left, mut right] = [JoinSide::Left, JoinSide::Right]
            .map(|side| if only.is_none_or(|only| only == side) { sent.clone() } else { vec![] });
        right.extend(found(join));
        return vec![left, right];
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let exprs = || projection.expr().iter().map(|it| (&it.expr, &it.alias));
        return vec![renamed(sent, exprs)];
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let exprs = || aggregate.group_expr().expr().iter().map(|(expr, alias)| (expr, alias));
        return vec![renamed(sent, exprs)];
    }
    let passes = plan.is::<FilterExec>()
        || plan.is::<CooperativeExec>()
        || plan.is::<RepartitionExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<SortExec>();
    let children = plan.children().len();
    if passes { vec![sent; children] } else { vec![Vec::new(); children] }
}

/// The side whose rows alone are in the answer of a join.
fn only_side(join: &JoinType) -> Option<JoinSide> {
    match join {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => Some(JoinSide::Left),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => Some(JoinSide::Right),
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => None,
    }
}

/// The filter that a join works out for its right side.
fn found(join: &HashJoinExec) -> Option<Sent> {
    let id = join.dynamic_expressions_produced().first()?.expression_id()?;
    let keys = join.on().iter().flat_map(|(_, right)| collect_columns(right));
    Some(Sent { id, columns: keys.map(|column| column.name().to_owned()).collect() })
}

fn renamed<'a, E>(sent: Vec<Sent>, exprs: impl Fn() -> E) -> Vec<Sent>
where
    E: Iterator<Item = (&'a Arc<dyn PhysicalExpr>, &'a String)>,
{
    let below = |name: &str| {
        let (expr, _) = exprs().find(|(_, alias)| *alias == name)?;
        Some(expr.downcast_ref::<Column>()?.name().to_owned())
    };
    sent.into_iter().filter_map(|sent| sent.renamed(below)).collect()
}
