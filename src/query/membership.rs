//! `IN (subquery)` where nulls may be, said so that DataFusion joins it rightly.
//!
//! `x IN (S)` is unknown, not false, where `x` equals no row of `S` and `x` is null or a row of `S`
//! is. DataFusion 55 knows that of `NOT IN` alone at the top of a condition, and of an `S` that does
//! not depend on the outer row. Elsewhere it takes unknown for false, and `NOT IN` then keeps rows
//! that it must drop:
//!
//! - <https://github.com/apache/datafusion/issues/21309>: inside of `OR`, `NOT`, `CASE`
//! - <https://github.com/apache/datafusion/issues/25340>: of a constant
//! - <https://github.com/apache/datafusion/issues/25474>: of an expression over columns without nulls
//! - <https://github.com/apache/datafusion/issues/25347>,
//!   <https://github.com/apache/datafusion/issues/25336>,
//!   <https://github.com/apache/datafusion/issues/25480>: of an `S` that depends on the outer row
//!
//! So those are written with `EXISTS`, which has two values. `tests/it/sql/upstream.rs` tells when
//! this rule can go.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DFSchema, ExprSchema as _, Result, ScalarValue, not_impl_err};
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::{COUNT_STAR_EXPANSION, conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable as _, Filter, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, lit, not, when,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::correlation;
use crate::limits::query as limits;

/// Writes `IN (subquery)` with `EXISTS` where DataFusion would mistake unknown for false.
#[derive(Debug)]
pub struct Membership;

impl OptimizerRule for Membership {
    fn name(&self) -> &str {
        "membership"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        correlation::check(&plan)?;
        match plan {
            LogicalPlan::Filter(Filter { predicate, input, .. }) if asks(&predicate) => {
                let scope = Scope { schema: input.schema(), config };
                let conjuncts = split_conjunction_owned(predicate).into_iter();
                let settled = conjuncts.map(|expr| scope.conjunct(expr));
                let settled = settled.collect::<Result<Vec<_>>>()?;
                let predicate = conjunction(settled).unwrap_or_else(|| lit(true));
                Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, input)?)))
            }
            LogicalPlan::Projection(projection) if projection.expr.iter().any(asks) => {
                let Projection { expr, input, schema, .. } = projection;
                let scope = Scope { schema: input.schema(), config };
                let named = expr.into_iter().zip(schema.iter()).map(|(expr, (of, field))| {
                    let value = scope.value(expr)?;
                    Ok(value.unalias().alias_qualified(of.cloned(), field.name()))
                });
                let named = named.collect::<Result<_>>()?;
                let projection = Projection::try_new_with_schema(named, input, schema)?;
                Ok(Transformed::yes(LogicalPlan::Projection(projection)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Whether an expression has a subquery that becomes a join.
fn asks(expr: &Expr) -> bool {
    let found = expr.exists(|part| Ok(matches!(part, Expr::InSubquery(_) | Expr::Exists(_))));
    found.unwrap_or(true)
}

/// What may become of an unknown condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// It has the effect of a false one, as at the top of a `WHERE`.
    IsFalse,
    /// It stays unknown.
    Stays,
}

/// What a condition is said of.
struct Scope<'a> {
    schema: &'a DFSchema,
    config: &'a dyn OptimizerConfig,
}

/// One `IN (subquery)`.
struct Question {
    /// What is looked for.
    sought: Expr,
    /// The subquery, its only column under a name that no outer one has.
    among: LogicalPlan,
    /// Its only column.
    column: Expr,
}

impl Scope<'_> {
    /// A condition at the top of a filter.
    fn conjunct(&self, expr: Expr) -> Result<Expr> {
        let expr = positive(expr);
        match expr {
            Expr::InSubquery(of) if of.negated && self.is_known_to_datafusion(&of)? => {
                Ok(Expr::InSubquery(of))
            }
            Expr::InSubquery(of) if of.negated => match correlation::one_value(&of.subquery)? {
                true => Ok(of_one_value(of)),
                false => self.not_any(of),
            },
            other => self.settled(other, Unknown::IsFalse),
        }
    }

    /// The same condition, wherever it stands.
    fn settled(&self, expr: Expr, unknown: Unknown) -> Result<Expr> {
        match positive(expr) {
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: op @ (Operator::And | Operator::Or),
                right,
            }) => {
                let left = Box::new(self.settled(*left, unknown)?);
                let right = Box::new(self.settled(*right, unknown)?);
                Ok(Expr::BinaryExpr(BinaryExpr { left, op, right }))
            }
            Expr::IsTrue(inner) => {
                Ok(Expr::IsTrue(Box::new(self.settled(*inner, Unknown::IsFalse)?)))
            }
            Expr::IsNotTrue(inner) => {
                Ok(Expr::IsNotTrue(Box::new(self.settled(*inner, Unknown::IsFalse)?)))
            }
            Expr::Case(Case { expr: None, when_then_expr, else_expr }) => {
                let settle = |expr: Expr, unknown| self.settled(expr, unknown).map(Box::new);
                let branches = when_then_expr.into_iter().map(|(when, then)| {
                    Ok((settle(*when, Unknown::IsFalse)?, settle(*then, Unknown::Stays)?))
                });
                let when_then_expr = branches.collect::<Result<_>>()?;
                let otherwise = else_expr.map(|expr| settle(*expr, Unknown::Stays));
                Ok(Expr::Case(Case {
                    expr: None,
                    when_then_expr,
                    else_expr: otherwise.transpose()?,
                }))
            }
            Expr::Exists(Exists { subquery, negated }) => {
                Ok(match correlation::one_value(&subquery)? {
                    true => lit(!negated),
                    false => Expr::Exists(Exists { subquery: unlisted(subquery)?, negated }),
                })
            }
            Expr::InSubquery(of) => self.member(of, unknown),
            other => {
                let settled = |expr| Ok(Transformed::yes(self.settled(expr, Unknown::Stays)?));
                Ok(other.map_children(settled)?.data)
            }
        }
    }

    fn member(&self, of: InSubquery, unknown: Unknown) -> Result<Expr> {
        if correlation::one_value(&of.subquery)? {
            return Ok(of_one_value(of));
        }
        let never_unknown = !of.expr.nullable(self.schema)? && !nullable(&of.subquery);
        let no_matter = unknown == Unknown::IsFalse && !of.negated;
        if never_unknown && !correlation::depends(&of.subquery) || no_matter {
            return self.named(of);
        }
        if unknown == Unknown::IsFalse && correlation::depends(&of.subquery) {
            return self.not_any(of);
        }
        let negated = of.negated;
        let answer = match correlation::depends(&of.subquery) {
            true => self.asked_twice(of)?,
            false => self.counted(of)?,
        };
        Ok(if negated { not(answer) } else { answer })
    }

    /// The same, its column under a name of its own where it may have that of another.
    fn named(&self, of: InSubquery) -> Result<Expr> {
        if is_column(&of.subquery.subquery) && !correlation::depends(&of.subquery) {
            return Ok(Expr::InSubquery(of));
        }
        let negated = of.negated;
        let Question { sought, among, .. } = self.renamed(of)?;
        Ok(Expr::InSubquery(InSubquery::new(Box::new(sought), subquery(among), negated)))
    }

    /// The same expression in the list of a `SELECT`, where DataFusion joins subqueries of one value
    /// alone: rows are counted.
    fn value(&self, expr: Expr) -> Result<Expr> {
        let counted = expr.transform_up(|expr| match positive(expr) {
            Expr::Exists(of) => {
                let has_row = match correlation::one_value(&of.subquery)? {
                    true => lit(true),
                    false => {
                        correlation::check_value(&of.subquery.subquery)?;
                        any_row(Arc::unwrap_or_clone(of.subquery.subquery))?
                    }
                };
                Ok(Transformed::yes(if of.negated { not(has_row) } else { has_row }))
            }
            Expr::InSubquery(of) if correlation::one_value(&of.subquery)? => {
                Ok(Transformed::yes(of_one_value(of)))
            }
            Expr::InSubquery(of) => {
                let negated = of.negated;
                correlation::check_value(&of.subquery.subquery)?;
                let Question { sought, among, column } = self.question(of)?;
                let equal = column.clone().eq(self.outer(sought.clone())?);
                let found = LogicalPlanBuilder::from(among.clone()).filter(equal)?.build()?;
                let answer = unsure(any_row(found)?, sought, among, column)?;
                Ok(Transformed::yes(if negated { not(answer) } else { answer }))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(counted?.data)
    }

    /// Whether a `NOT IN` at the top of a filter is joined rightly as it stands.
    fn is_known_to_datafusion(&self, of: &InSubquery) -> Result<bool> {
        let is_column = matches!(&*of.expr, Expr::Column(_));
        let seen = is_column || nullable(&of.subquery) || !of.expr.nullable(self.schema)?;
        let has_column = !of.expr.column_refs().is_empty();
        Ok(seen && has_column && !correlation::depends(&of.subquery))
    }

    /// `x NOT IN (S)` where unknown is false: no row of `S` equals `x`, or might.
    fn not_any(&self, of: InSubquery) -> Result<Expr> {
        let Question { sought, among, column } = self.question(of)?;
        let might = Expr::IsNotFalse(Box::new(column.eq(self.outer(sought)?)));
        exists(among, might, true)
    }

    /// `x IN (S)` of an `S` that depends on the outer row.
    fn asked_twice(&self, of: InSubquery) -> Result<Expr> {
        let Question { sought, among, column } = self.question(of)?;
        let equal = column.eq(self.outer(sought)?);
        let found = exists(among.clone(), Expr::IsTrue(Box::new(equal.clone())), false)?;
        let unsure = exists(among, Expr::IsNull(Box::new(equal)), false)?;
        when(found, lit(true)).when(unsure, lit(ScalarValue::Boolean(None))).otherwise(lit(false))
    }

    /// `x IN (S)` of an `S` that is the same for every row.
    fn counted(&self, of: InSubquery) -> Result<Expr> {
        let Question { sought, among, column } = self.question(of)?;
        let found = InSubquery::new(Box::new(sought.clone()), subquery(among.clone()), false);
        unsure(Expr::InSubquery(found), sought, among, column)
    }

    fn question(&self, of: InSubquery) -> Result<Question> {
        // Each is written two or three times, and so is what nests in it.
        if correlation::nesting(&of.subquery.subquery) > limits::MEMBERSHIP_DEPTH_MAX {
            return not_impl_err!("IN (subquery) of subqueries that nest deeper than here");
        }
        self.renamed(of)
    }

    fn renamed(&self, of: InSubquery) -> Result<Question> {
        let name = self.config.alias_generator().next("__among");
        let among = match Arc::unwrap_or_clone(of.subquery.subquery) {
            // A cast has the name of its column, which the subquery may depend on by another.
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                let only = expr.into_iter().map(|expr| expr.unalias().alias(&name));
                LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(only)?
            }
            other => {
                let only = Expr::Column(Column::from(other.schema().qualified_field(0)));
                LogicalPlanBuilder::from(other).project([only.alias(&name)])?
            }
        };
        let among = among.build()?;
        let column = Expr::Column(Column::new_unqualified(name));
        Ok(Question { sought: *of.expr, among, column })
    }

    /// An expression over the outer row as a subquery says it.
    fn outer(&self, expr: Expr) -> Result<Expr> {
        let outer = expr.transform_up(|expr| match expr {
            Expr::Column(column) => {
                let field = self.schema.field_from_column(&column)?.clone();
                Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(outer?.data)
    }
}

/// `NOT (x IN (S))` as `x NOT IN (S)`, and the like.
fn positive(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(of) => Expr::InSubquery(InSubquery { negated: !of.negated, ..of }),
            Expr::Exists(of) => Expr::Exists(Exists { negated: !of.negated, ..of }),
            inner => Expr::Not(Box::new(inner)),
        },
        other => other,
    }
}

/// `x IN (S)` of an `S` that has one row, as a comparison.
fn of_one_value(of: InSubquery) -> Expr {
    let value = Expr::ScalarSubquery(of.subquery);
    let sought = *of.expr;
    if of.negated { sought.not_eq(value) } else { sought.eq(value) }
}

/// True where `found`, else unknown where `sought` or a row of `among` is null: the greatest of 1 for
/// each row and 2 for each null tells that, without a comparison of all rows with all.
fn unsure(found: Expr, sought: Expr, among: LogicalPlan, column: Expr) -> Result<Expr> {
    let is_null = |expr: Expr, yes: i64, no: i64| when(expr.is_null(), lit(yes)).otherwise(lit(no));
    let worst = max(is_null(column, 2, 1)?);
    let worst = LogicalPlanBuilder::from(among).aggregate(Vec::<Expr>::new(), [worst])?.build()?;
    let unsure = is_null(sought, 1, 2)?.lt_eq(Expr::ScalarSubquery(subquery(worst)));
    when(found, lit(true)).when(unsure, lit(ScalarValue::Boolean(None))).otherwise(lit(false))
}

/// Whether a subquery has a row, as a value.
fn any_row(plan: LogicalPlan) -> Result<Expr> {
    let rows = count(Expr::Literal(COUNT_STAR_EXPANSION, None));
    let counted = LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), [rows])?.build()?;
    Ok(Expr::ScalarSubquery(subquery(counted)).gt(lit(0_i64)))
}

/// A subquery that lists nothing: that does not matter to `EXISTS`, and may have the name of a column
/// that the subquery depends on.
fn unlisted(of: Subquery) -> Result<Subquery> {
    Ok(match Arc::unwrap_or_clone(of.subquery) {
        LogicalPlan::Projection(listed) => {
            let rows = LogicalPlanBuilder::from(Arc::unwrap_or_clone(listed.input));
            subquery(rows.project([lit(true).alias("__row")])?.build()?)
        }
        other => Subquery { subquery: Arc::new(other), ..of },
    })
}

/// Whether a query gives a column as it is.
fn is_column(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(of) => matches!(&*of.expr, [Expr::Column(_)]),
        LogicalPlan::SubqueryAlias(of) => is_column(&of.input),
        LogicalPlan::Filter(of) => is_column(&of.input),
        LogicalPlan::TableScan(_) => true,
        _ => false,
    }
}

fn nullable(subquery: &Subquery) -> bool {
    subquery.subquery.schema().fields().first().is_none_or(|field| field.is_nullable())
}

fn exists(among: LogicalPlan, condition: Expr, negated: bool) -> Result<Expr> {
    let plan = LogicalPlanBuilder::from(among).filter(condition)?.build()?;
    Ok(Expr::Exists(Exists { subquery: subquery(plan), negated }))
}

fn subquery(plan: LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Default::default() }
}
