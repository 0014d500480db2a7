//! Expressions, and the calls and windows in them.

use std::ops::ControlFlow::{Break, Continue};

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Interval, NullTreatment, Select, TypedString,
    Visit as _, Visitor, WindowFrame, WindowSpec, WindowType,
};

use super::{Flow, none, order};

/// What functions take their rows one by one although DataFusion has no function of the name.
const UNNEST: [&str; 2] = ["unnest", "unnest_outer"];

/// Looks at one expression, not at those inside of it.
pub fn expr(expr: &Expr, functions: &SessionState) -> Flow {
    match expr {
        Expr::Function(call) => function(call, functions),
        Expr::Cast { kind: _, expr: _, data_type: _, array, format } => {
            none([(*array, "ARRAY"), (format.is_some(), "FORMAT")])
        }
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { root: _, access_chain: _ }
        | Expr::JsonAccess { value: _, path: _ }
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(_, _)
        | Expr::IsNotDistinctFrom(_, _)
        | Expr::InList { expr: _, list: _, negated: _ }
        | Expr::InSubquery { expr: _, subquery: _, negated: _ }
        | Expr::Between { expr: _, negated: _, low: _, high: _ }
        | Expr::BinaryOp { left: _, op: _, right: _ }
        | Expr::Like { negated: _, any: false, expr: _, pattern: _, escape_char: _ }
        | Expr::ILike { negated: _, any: false, expr: _, pattern: _, escape_char: _ }
        | Expr::SimilarTo { negated: _, expr: _, pattern: _, escape_char: _ }
        | Expr::AnyOp { left: _, compare_op: _, right: _, is_some: _ }
        | Expr::AllOp { left: _, compare_op: _, right: _ }
        | Expr::UnaryOp { op: _, expr: _ }
        | Expr::AtTimeZone { timestamp: _, time_zone: _ }
        | Expr::Extract { field: _, syntax: _, expr: _ }
        | Expr::Ceil { expr: _, field: _ }
        | Expr::Floor { expr: _, field: _ }
        | Expr::Position { expr: _, r#in: _ }
        | Expr::Substring {
            expr: _,
            substring_from: _,
            substring_for: _,
            special: _,
            shorthand: _,
        }
        | Expr::Trim { trim_where: _, trim_what: _, expr: _, trim_characters: _ }
        | Expr::Overlay { expr: _, overlay_what: _, overlay_from: _, overlay_for: _ }
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::TypedString(TypedString { data_type: _, value: _, uses_odbc_syntax: _ })
        | Expr::Case { case_token: _, end_token: _, operand: _, conditions: _, else_result: _ }
        | Expr::Exists { subquery: _, negated: _ }
        | Expr::Subquery(_)
        | Expr::GroupingSets(_)
        | Expr::Cube(_)
        | Expr::Rollup(_)
        | Expr::Tuple(_)
        | Expr::Struct { values: _, fields: _ }
        | Expr::Named { expr: _, name: _ }
        | Expr::Dictionary(_)
        | Expr::Map(_)
        | Expr::Array(_)
        | Expr::Interval(Interval {
            value: _,
            leading_field: _,
            leading_precision: _,
            last_field: _,
            fractional_seconds_precision: _,
        })
        | Expr::Wildcard(_)
        | Expr::QualifiedWildcard(_, _)
        | Expr::Lambda(_) => Continue(()),
        other => Break(unknown(other)),
    }
}

/// The name of an expression that the planner has no place for.
fn unknown(expr: &Expr) -> &'static str {
    match expr {
        Expr::Like { .. } | Expr::ILike { .. } => "LIKE ANY",
        Expr::IsNormalized { .. } => "NORMALIZED",
        Expr::InUnnest { .. } => "IN UNNEST",
        Expr::RLike { .. } => "RLIKE or REGEXP",
        Expr::Convert { .. } => "CONVERT",
        Expr::Collate { .. } => "COLLATE",
        Expr::Prefixed { .. } => "a prefix of a value",
        Expr::MatchAgainst { .. } => "MATCH",
        Expr::OuterJoin(_) => "(+)",
        Expr::Prior(_) => "PRIOR",
        Expr::MemberOf(_) => "MEMBER OF",
        _ => "an expression",
    }
}

fn function(call: &Function, functions: &SessionState) -> Flow {
    let Function {
        name,
        uses_odbc_syntax: _,
        parameters,
        args,
        filter,
        null_treatment,
        over,
        within_group,
    } = call;
    none([
        (*parameters != FunctionArguments::None, "parameters in front of arguments"),
        (matches!(args, FunctionArguments::Subquery(_)), "a subquery in place of arguments"),
    ])?;
    within_group.iter().try_for_each(order)?;
    match over {
        None | Some(WindowType::NamedWindow(_)) => {}
        Some(WindowType::WindowSpec(spec)) => window(spec)?,
    }
    let name = name.to_string();
    let by_row = functions.scalar_functions().contains_key(&name)
        || functions.higher_order_functions().contains_key(&name)
        || UNNEST.contains(&&*name);
    if by_row {
        none([
            (filter.is_some(), "FILTER"),
            (over.is_some(), "OVER"),
            (!within_group.is_empty(), "WITHIN GROUP"),
            (null_treatment.is_some(), nulls(null_treatment.as_ref())),
        ])?;
    }
    if let FunctionArguments::List(list) = args {
        arguments(list, by_row)?;
    }
    Continue(())
}

fn arguments(list: &FunctionArgumentList, by_row: bool) -> Flow {
    let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
    let distinct = *duplicate_treatment == Some(DuplicateTreatment::Distinct);
    none([(by_row && distinct, "DISTINCT")])?;
    for clause in clauses {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(how) if by_row => {
                return Break(nulls(Some(how)));
            }
            FunctionArgumentClause::OrderBy(_) if by_row => return Break("ORDER BY"),
            FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
            FunctionArgumentClause::OrderBy(by) => by.iter().try_for_each(order)?,
            FunctionArgumentClause::Limit(_) => return Break("LIMIT in a call"),
            FunctionArgumentClause::OnOverflow(_) => return Break("ON OVERFLOW"),
            FunctionArgumentClause::Having(_) => return Break("HAVING in a call"),
            FunctionArgumentClause::Separator(_) => return Break("SEPARATOR"),
            FunctionArgumentClause::JsonNullClause(_) => return Break("NULL ON NULL"),
            FunctionArgumentClause::JsonReturningClause(_) => return Break("RETURNING"),
        }
    }
    args.iter().try_for_each(|arg| {
        let (FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg)) = arg;
        match arg {
            FunctionArgExpr::Expr(_)
            | FunctionArgExpr::QualifiedWildcard(_)
            | FunctionArgExpr::Wildcard => Continue(()),
            FunctionArgExpr::WildcardWithOptions(_) => Break("* with options in a call"),
        }
    })
}

/// Whether an argument says of which parameter it is.
pub fn is_named(arg: &FunctionArg) -> bool {
    !matches!(arg, FunctionArg::Unnamed(_))
}

fn nulls(treatment: Option<&NullTreatment>) -> &'static str {
    match treatment {
        Some(NullTreatment::RespectNulls) => "RESPECT NULLS",
        _ => "IGNORE NULLS",
    }
}

/// Looks at what stands in an `OVER`.
pub fn window(spec: &WindowSpec) -> Flow {
    let WindowSpec { window_name, partition_by: _, order_by, window_frame } = spec;
    none([(window_name.is_some(), "a named window inside of OVER")])?;
    if let Some(WindowFrame { units: _, start_bound: _, end_bound: _ }) = window_frame {}
    order_by.iter().try_for_each(order)
}

/// Looks for named windows where they are not replaced by what they name: the planner does that
/// for the list of `SELECT` alone.
pub fn named_windows(select: &Select) -> Flow {
    let elsewhere = [&select.selection, &select.having, &select.qualify].into_iter().flatten();
    elsewhere.into_iter().try_for_each(|expr| expr.visit(&mut NamedWindows))
}

struct NamedWindows;

impl Visitor for NamedWindows {
    type Break = &'static str;

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        match expr {
            Expr::Function(Function { over: Some(WindowType::NamedWindow(_)), .. }) => {
                Break("a named window outside of the list of SELECT")
            }
            _ => Continue(()),
        }
    }
}
