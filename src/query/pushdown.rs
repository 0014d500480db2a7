//! What a `WHERE` says, as a [`Filter`] that whoever answers the scan may use.
//!
//! Pure: no IO, no clock. A part of an `AND` that is not understood is left out, one of an `OR`
//! takes the whole `OR` with it; SQL filters again either way.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Like, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    self as physical, CaseExpr, DynamicFilterPhysicalExpr, InListExpr, Literal,
};
use datafusion::physical_expr::utils::split_conjunction;

use crate::catalog::{Comparison, Filter, Value};
use crate::limits::query as limits;

/// The filter that `expr` implies; `None` where nothing of it is understood.
pub fn filter(expr: &Expr) -> Option<Filter> {
    match expr {
        Expr::Alias(alias) => filter(&alias.expr),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Filter::all(filter(left).into_iter().chain(filter(right)))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let mut parts = Vec::new();
            for side in [filter(left)?, filter(right)?] {
                match side {
                    Filter::Any(inner) => parts.extend(inner),
                    side => parts.push(side),
                }
            }
            Some(Filter::Any(parts))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let comparison = comparison(*op)?;
            match (column(left), value(right), value(left), column(right)) {
                (Some(column), Some(value), ..) => Some(Filter::Compare(column, comparison, value)),
                (_, _, Some(value), Some(column)) => {
                    Some(Filter::Compare(column, mirrored(comparison), value))
                }
                _ => None,
            }
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            let values = list.iter().map(value).collect::<Option<Vec<_>>>()?;
            Some(Filter::In(column(expr)?, values))
        }
        Expr::Between(between) if !between.negated => {
            let of = column(&between.expr)?;
            let side =
                |comparison, expr| Some(Filter::Compare(of.clone(), comparison, value(expr)?));
            let low = side(Comparison::GreaterOrEqual, &between.low);
            let high = side(Comparison::LessOrEqual, &between.high);
            Filter::all(low.into_iter().chain(high))
        }
        Expr::IsNull(inner) => Some(Filter::Null(column(inner)?)),
        Expr::IsNotNull(inner) => Some(Filter::NotNull(column(inner)?)),
        Expr::IsTrue(inner) => boolean(inner, true),
        Expr::IsFalse(inner) => boolean(inner, false),
        Expr::Column(_) => boolean(expr, true),
        Expr::Not(inner) => match &**inner {
            Expr::Column(_) => boolean(inner, false),
            Expr::IsNull(inner) => Some(Filter::NotNull(column(inner)?)),
            Expr::IsNotNull(inner) => Some(Filter::Null(column(inner)?)),
            _ => None,
        },
        Expr::Like(like) if !like.negated => pattern(like),
        Expr::ScalarFunction(call) => function(call),
        _ => None,
    }
}

/// A column by itself that has to be true, or false.
fn boolean(expr: &Expr, value: bool) -> Option<Filter> {
    Some(Filter::Compare(column(expr)?, Comparison::Equal, Value::Boolean(value)))
}

fn comparison(operator: Operator) -> Option<Comparison> {
    Some(match operator {
        Operator::Eq => Comparison::Equal,
        Operator::NotEq => Comparison::NotEqual,
        Operator::Lt => Comparison::Less,
        Operator::LtEq => Comparison::LessOrEqual,
        Operator::Gt => Comparison::Greater,
        Operator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

/// `LIKE` with a fixed beginning or a fixed end. Without case it is the same to whoever compares
/// without case, and too much to ask of whoever does not.
fn pattern(like: &Like) -> Option<Filter> {
    if like.case_insensitive || like.escape_char.is_some_and(|escape| escape != '\\') {
        return None;
    }
    let Value::Text(pattern) = value(&like.pattern)? else { return None };
    let column = column(&like.expr)?;
    if pattern.contains('\\') {
        return None;
    }
    let start = pattern.split(['%', '_']).next().unwrap_or_default();
    let end = pattern.rsplit(['%', '_']).next().unwrap_or_default();
    if start.len() == pattern.len() {
        return Some(Filter::Compare(column, Comparison::Equal, Value::Text(pattern)));
    }
    let start = (!start.is_empty()).then(|| Filter::StartsWith(column.clone(), start.into()));
    let end = (!end.is_empty()).then(|| Filter::EndsWith(column, end.into()));
    Filter::all(start.into_iter().chain(end))
}

fn function(call: &ScalarFunction) -> Option<Filter> {
    let [subject, argument] = call.args.as_slice() else { return None };
    let column = column(subject)?;
    match (call.name(), value(argument)?) {
        ("starts_with", Value::Text(start)) => Some(Filter::StartsWith(column, start)),
        ("ends_with", Value::Text(end)) => Some(Filter::EndsWith(column, end)),
        ("array_has", item) => Some(Filter::Has(column, item)),
        _ => None,
    }
}

fn column(expr: &Expr) -> Option<Arc<str>> {
    match expr {
        Expr::Column(column) => Some(column.name.as_str().into()),
        _ => None,
    }
}

fn value(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Literal(value, _) => scalar(value),
        _ => None,
    }
}

fn scalar(value: &ScalarValue) -> Option<Value> {
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Some(Value::Text(text.as_str().into())),
        ScalarValue::Boolean(Some(value)) => Some(Value::Boolean(*value)),
        ScalarValue::Int32(Some(number)) => Some(Value::Integer((*number).into())),
        ScalarValue::Int64(Some(number)) => Some(Value::Integer(*number)),
        ScalarValue::Date32(Some(days)) => Some(Value::Date(*days)),
        ScalarValue::TimestampMicrosecond(Some(micros), Some(_)) => Some(Value::Timestamp(*micros)),
        ScalarValue::Dictionary(_, inner) => scalar(inner),
        _ => None,
    }
}

/// What a filter that a join, or a limit over an order, has worked out by now lets through: of it,
/// lists of values.
pub fn dynamic(expr: &Arc<dyn PhysicalExpr>) -> Option<Filter> {
    let current = match expr.downcast_ref::<DynamicFilterPhysicalExpr>() {
        Some(dynamic) => dynamic.current().ok()?,
        None => expr.clone(),
    };
    Filter::all(split_conjunction(&current).into_iter().filter_map(listed))
}

fn is_false(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let literal = expr.downcast_ref::<Literal>();
    literal.is_some_and(|literal| *literal.value() == ScalarValue::Boolean(Some(false)))
}

fn listed(expr: &Arc<dyn PhysicalExpr>) -> Option<Filter> {
    // A join in parts has a list for each; which one holds depends on a hash of the row.
    if let Some(case) = expr.downcast_ref::<CaseExpr>() {
        let lists = case.when_then_expr().iter().map(|(_, then)| then).chain(case.else_expr());
        let possible = lists.filter(|then| !is_false(then));
        return Some(Filter::Any(possible.map(dynamic).collect::<Option<_>>()?));
    }
    let list = expr.downcast_ref::<InListExpr>()?;
    let of = list.expr().downcast_ref::<physical::Column>()?;
    if list.negated() {
        return None;
    }
    let mut values: Vec<Value> = Vec::new();
    for item in list.list() {
        let item = item.downcast_ref::<Literal>()?.value();
        // No row is equal to a null; a join for which nulls are says so in another way.
        if item.is_null() {
            continue;
        }
        let value = scalar(item)?;
        if !values.contains(&value) {
            values.push(value);
        }
        if values.len() > limits::DYNAMIC_VALUES_MAX {
            return None;
        }
    }
    Some(Filter::In(of.name().into(), values))
}
