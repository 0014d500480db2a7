//! Subqueries that depend on the row outside.
//!
//! DataFusion 55 turns them into joins: a condition on the outer row is taken out of the subquery and
//! becomes the join's. That is the same only as long as every step between can be done before the
//! condition as well as after it, which is not looked at: a window then counts rows of other outer
//! rows, a `LIMIT` is dropped, and an aggregate without groups has no row where it had one
//! (<https://github.com/apache/datafusion/issues/25347> lists some). Such subqueries are refused.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, Result, TableReference, not_impl_err};
use datafusion::logical_expr::expr::{InSubquery, SetComparison};
use datafusion::logical_expr::logical_plan::{FetchType, SkipType, Subquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, Filter, Limit, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, Window, lit,
};
use datafusion::optimizer::AnalyzerRule;

/// Puts subqueries where DataFusion can join them.
#[derive(Debug)]
pub struct Correlation;

impl AnalyzerRule for Correlation {
    fn name(&self) -> &str {
        "correlation"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut names = 1..;
        let placed = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Aggregate(step) => aggregate(step),
            LogicalPlan::Window(step) => window(step),
            LogicalPlan::Filter(step) => filter(unambiguous(step, &mut names)?),
            LogicalPlan::Projection(step) => projection(step),
            LogicalPlan::SubqueryAlias(step) if has_outer(&step.input) => {
                Ok(Transformed::yes(renamed(&step.input, &step.alias)?))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(placed?.data)
    }
}

fn has_outer(plan: &LogicalPlan) -> bool {
    !plan.all_out_ref_exprs().is_empty()
}

/// A named table that depends on the outer row, its columns named one by one: a condition that is
/// taken out of it needs columns which the name would hide, and the planner then panics.
fn renamed(plan: &LogicalPlan, alias: &TableReference) -> Result<LogicalPlan> {
    let columns = plan.schema().columns().into_iter();
    let columns = columns.filter(|column| !column.name.starts_with(INNER)).map(|column| {
        let name = column.name.clone();
        Expr::Column(column).alias_qualified(Some(alias.clone()), name)
    });
    LogicalPlanBuilder::from(plan.clone()).project(columns.collect::<Vec<_>>())?.build()
}

/// What the names of columns begin with that stand for others of the same subquery.
const INNER: &str = "__inner";

/// A condition on the outer row, by columns with names of their own: it is taken out of the subquery,
/// where nothing but a name tells columns, and the first of a name is taken for all of them.
fn unambiguous(step: Filter, names: &mut impl Iterator<Item = usize>) -> Result<Filter> {
    let columns = step.input.schema().columns();
    let shares_name = |column: &Column| {
        columns.contains(column) && columns.iter().filter(|it| it.name == column.name).count() > 1
    };
    let mut own: Vec<(Column, String)> = Vec::new();
    let mut conditions = Vec::new();
    for condition in split_conjunction(&step.predicate) {
        if !condition.contains_outer() {
            conditions.push(condition.clone());
            continue;
        }
        let renamed = condition.clone().transform_up(|part| match part {
            Expr::Column(column) if shares_name(&column) => {
                let known = own.iter().find(|(of, _)| *of == column).map(|(_, name)| name.clone());
                let name = known.unwrap_or_else(|| {
                    let name = format!("{INNER}_{}", names.next().unwrap_or_default());
                    own.push((column, name.clone()));
                    name
                });
                Ok(Transformed::yes(Expr::Column(Column::new_unqualified(name))))
            }
            other => Ok(Transformed::no(other)),
        });
        conditions.push(renamed?.data);
    }
    if own.is_empty() {
        return Ok(step);
    }
    let own = own.into_iter().map(|(column, name)| Expr::Column(column).alias(name));
    let all = columns.iter().cloned().map(Expr::Column).chain(own).collect::<Vec<_>>();
    let input = LogicalPlanBuilder::from(Arc::unwrap_or_clone(step.input)).project(all)?.build()?;
    Filter::try_new(conjunction(conditions).unwrap_or_else(|| lit(true)), Arc::new(input))
}

/// The columns that stand for subqueries, one for each.
struct Asked {
    columns: Vec<Expr>,
    /// What their names begin with.
    prefix: &'static str,
}

impl Asked {
    /// None yet, of those that are columns themselves.
    fn subqueries() -> Self {
        Asked { columns: Vec::new(), prefix: "__asked" }
    }

    /// None yet, of those that are looked for in others.
    fn sought() -> Self {
        Asked { columns: Vec::new(), prefix: "__sought" }
    }

    fn next_name(&self) -> String {
        format!("{}_{}", self.prefix, self.columns.len() + 1)
    }

    /// The expression with a column for each subquery in it that is no mere value.
    fn without_subqueries(&mut self, expr: Expr) -> Result<Expr> {
        let name = expr.schema_name().to_string();
        let replaced = expr.transform_down(|part| {
            let is_joined = match &part {
                Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => true,
                Expr::ScalarSubquery(of) => depends(of),
                _ => false,
            };
            if !is_joined {
                return Ok(Transformed::no(part));
            }
            let name = self.next_name();
            self.columns.push(part.alias(&name));
            let column = Expr::Column(Column::new_unqualified(name));
            Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
        })?;
        match replaced.transformed {
            true => Ok(replaced.data.unalias().alias(name)),
            false => Ok(replaced.data),
        }
    }

    /// The expression with a column for what is looked for in a subquery where that is one itself:
    /// it would be asked inside of the other.
    fn without_sought(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_up(|part| {
            let (Expr::InSubquery(InSubquery { expr: sought, .. })
            | Expr::SetComparison(SetComparison { expr: sought, .. })) = &part
            else {
                return Ok(Transformed::no(part));
            };
            let is_asked = |part: &Expr| {
                Ok(matches!(
                    part,
                    Expr::ScalarSubquery(_)
                        | Expr::InSubquery(_)
                        | Expr::Exists(_)
                        | Expr::SetComparison(_)
                ))
            };
            if !sought.exists(is_asked)? {
                return Ok(Transformed::no(part));
            }
            let name = self.next_name();
            self.columns.push(sought.as_ref().clone().alias(&name));
            let column = Box::new(Expr::Column(Column::new_unqualified(name)));
            Ok(Transformed::yes(match part {
                Expr::InSubquery(of) => Expr::InSubquery(InSubquery { expr: column, ..of }),
                Expr::SetComparison(of) => {
                    Expr::SetComparison(SetComparison { expr: column, ..of })
                }
                other => other,
            }))
        });
        Ok(replaced?.data)
    }

    /// `input` with the columns.
    fn above(self, input: &LogicalPlan) -> Result<Arc<LogicalPlan>> {
        let mut below = Asked::sought();
        let columns = self.columns.into_iter().map(|column| below.without_sought(column));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let all = input.schema().columns().into_iter().map(Expr::Column).chain(columns);
        let all = all.collect::<Vec<_>>();
        let input = match below.columns.is_empty() {
            true => Arc::new(input.clone()),
            false => below.above(input)?,
        };
        Ok(Arc::new(LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(all)?.build()?))
    }
}

/// An aggregate over values of subqueries that were found below it.
fn aggregate(step: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let mut asked = Asked::subqueries();
    let mut each = |exprs: Vec<Expr>| {
        exprs.into_iter().map(|expr| asked.without_subqueries(expr)).collect::<Result<Vec<_>>>()
    };
    let (groups, calls) = (each(step.group_expr.clone())?, each(step.aggr_expr.clone())?);
    if asked.columns.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Aggregate(step)));
    }
    let aggregate = Aggregate::try_new(asked.above(&step.input)?, groups, calls)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

/// A filter over what is looked for in its subqueries.
fn filter(step: Filter) -> Result<Transformed<LogicalPlan>> {
    let mut asked = Asked::sought();
    let predicate = asked.without_sought(step.predicate.clone())?;
    if asked.columns.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Filter(step)));
    }
    let kept = step.input.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
    let filter = Filter::try_new(predicate, asked.above(&step.input)?)?;
    let plan = LogicalPlanBuilder::from(LogicalPlan::Filter(filter)).project(kept)?.build()?;
    Ok(Transformed::yes(plan))
}

/// A projection over what is looked for in its subqueries.
fn projection(step: Projection) -> Result<Transformed<LogicalPlan>> {
    let mut asked = Asked::sought();
    let named = step.expr.iter().zip(step.schema.iter()).map(|(expr, (of, field))| {
        let expr = asked.without_sought(expr.clone())?;
        Ok(expr.unalias().alias_qualified(of.cloned(), field.name()))
    });
    let named = named.collect::<Result<Vec<_>>>()?;
    if asked.columns.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Projection(step)));
    }
    let projection = Projection::try_new(named, asked.above(&step.input)?)?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}

/// Windows over values of subqueries that were found below them.
fn window(step: Window) -> Result<Transformed<LogicalPlan>> {
    let mut asked = Asked::subqueries();
    let calls = step.window_expr.iter().cloned();
    let calls = calls.map(|expr| asked.without_subqueries(expr)).collect::<Result<Vec<_>>>()?;
    if asked.columns.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Window(step)));
    }
    let window = Window::try_new(calls, asked.above(&step.input)?)?;
    // What was asked is no column of the answer.
    let kept = step.schema.columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
    let plan = LogicalPlanBuilder::from(LogicalPlan::Window(window)).project(kept)?.build()?;
    Ok(Transformed::yes(plan))
}

/// How deep subqueries nest in a plan; 0 where it has none.
pub fn nesting(plan: &LogicalPlan) -> usize {
    let mut deepest = 0;
    let below = plan.apply_expressions(|expr| {
        expr.apply(|part| {
            let subquery = match part {
                Expr::Exists(of) => Some(&of.subquery),
                Expr::InSubquery(of) => Some(&of.subquery),
                Expr::SetComparison(of) => Some(&of.subquery),
                Expr::ScalarSubquery(of) => Some(of),
                _ => None,
            };
            let depth = subquery.map_or(0, |of| 1 + nesting(&of.subquery));
            deepest = deepest.max(depth);
            Ok(TreeNodeRecursion::Continue)
        })
    });
    let inputs = plan.inputs().into_iter().map(nesting).max().unwrap_or(0);
    // Nothing in there fails.
    below.map_or(usize::MAX, |_| deepest.max(inputs))
}

/// Whether a subquery depends on the row outside.
pub fn depends(subquery: &Subquery) -> bool {
    !subquery.outer_ref_columns.is_empty() || !subquery.subquery.all_out_ref_exprs().is_empty()
}

/// Whether a subquery that depends on the row outside has one row for each: an aggregate without
/// groups.
///
/// # Errors
///
/// `NotImplemented` for one that has a row for some only.
pub fn one_value(subquery: &Subquery) -> Result<bool> {
    if !depends(subquery) {
        return Ok(false);
    }
    let mut plan = &*subquery.subquery;
    let mut filtered = false;
    loop {
        plan = match plan {
            LogicalPlan::Projection(step) => &step.input,
            LogicalPlan::SubqueryAlias(step) => &step.input,
            LogicalPlan::Sort(step) => &step.input,
            LogicalPlan::Filter(step) => {
                filtered = true;
                &step.input
            }
            LogicalPlan::Limit(step) if keeps_first(step)? => &step.input,
            LogicalPlan::Aggregate(step) if step.group_expr.is_empty() && filtered => {
                return not_impl_err!(
                    "a subquery that depends on the outer row and has HAVING without GROUP BY"
                );
            }
            LogicalPlan::Aggregate(step) => return Ok(step.group_expr.is_empty()),
            _ => return Ok(false),
        };
    }
}

/// Looks for conditions that a subquery in the list of a `SELECT` cannot have.
///
/// # Errors
///
/// `NotImplemented` where it depends on the outer row by more than columns that equal something of
/// it: it becomes groups by those columns.
pub fn check_value(plan: &LogicalPlan) -> Result<()> {
    if let LogicalPlan::Filter(step) = plan {
        for condition in split_conjunction(&step.predicate) {
            let is_outer = |expr: &Expr| expr.contains_outer() && expr.column_refs().is_empty();
            let equal = match condition {
                Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                    is_outer(left) && !right.contains_outer()
                        || is_outer(right) && !left.contains_outer()
                }
                _ => false,
            };
            if condition.contains_outer() && !equal {
                return not_impl_err!(
                    "a subquery in the list of SELECT that depends on the outer row by more than \
                     columns that equal something of it"
                );
            }
        }
    }
    plan.inputs().into_iter().try_for_each(check_value)
}

/// Whether a limit takes nothing away of one row.
fn keeps_first(limit: &Limit) -> Result<bool> {
    let skips = !matches!(limit.get_skip_type()?, SkipType::Literal(0));
    let takes = matches!(limit.get_fetch_type()?, FetchType::Literal(None | Some(1..)));
    Ok(takes && !skips)
}

/// Looks at the subqueries of one step of a plan.
///
/// # Errors
///
/// `NotImplemented` for a subquery that depends on the outer row in a way that would be lost.
pub fn check(plan: &LogicalPlan) -> Result<()> {
    if let LogicalPlan::Subquery(lateral) = plan {
        pulled(&lateral.subquery, Kind::Value)?;
    }
    plan.apply_expressions(|expr| {
        expr.apply(|part| {
            match part {
                Expr::Exists(of) => pulled(&of.subquery.subquery, Kind::Exists)?,
                Expr::InSubquery(of) => pulled(&of.subquery.subquery, Kind::Value)?,
                Expr::ScalarSubquery(of) => pulled(&of.subquery, Kind::Value)?,
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

/// What is asked of a subquery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whether it has a row.
    Exists,
    /// A value of its rows.
    Value,
}

/// Whether what depends on the outer row below `plan` can be done after it.
fn pulled(plan: &LogicalPlan, kind: Kind) -> Result<()> {
    if plan.all_out_ref_exprs().is_empty() {
        return Ok(());
    }
    let refused = |what: &str| {
        not_impl_err!("a subquery that depends on the outer row and has {what} above that")
    };
    match plan {
        LogicalPlan::Projection(step) => pulled(&step.input, kind),
        LogicalPlan::SubqueryAlias(step) => pulled(&step.input, kind),
        LogicalPlan::Sort(step) => pulled(&step.input, kind),
        LogicalPlan::Filter(step) => pulled(&step.input, Kind::Value),
        LogicalPlan::Limit(step) if kind == Kind::Exists && keeps_first(step)? => {
            pulled(&step.input, Kind::Value)
        }
        LogicalPlan::Limit(step) if step.input.all_out_ref_exprs().is_empty() => Ok(()),
        LogicalPlan::Limit(_) => refused("LIMIT or OFFSET"),
        LogicalPlan::Window(_) => refused("a window function"),
        LogicalPlan::Join(join) => {
            let (left, right) = match join.join_type {
                JoinType::Inner => (true, true),
                JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    (true, false)
                }
                JoinType::Right
                | JoinType::RightSemi
                | JoinType::RightAnti
                | JoinType::RightMark => (false, true),
                JoinType::Full => (false, false),
            };
            for (side, commutes) in [(&join.left, left), (&join.right, right)] {
                if !commutes && !side.all_out_ref_exprs().is_empty() {
                    return refused("an outer join");
                }
                pulled(side, Kind::Value)?;
            }
            Ok(())
        }
        other => other.inputs().into_iter().try_for_each(|input| pulled(input, Kind::Value)),
    }
}
