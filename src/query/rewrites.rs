//! Ways to say a thing that the planner does not know, in the words that it knows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::BinaryOperator::{And, Or};
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, CastKind, Expr, Fetch, Ident, LimitClause, Query, Select, SelectFlavor,
    SelectItem, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::patterns;

/// Rewrites what the planner does not know and could, all over what was parsed.
pub fn rewrite(parsed: &mut impl VisitMut) {
    let _ = parsed.visit(&mut Rewrites);
}

struct Rewrites;

impl VisitorMut for Rewrites {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        fetch_as_limit(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // `FROM users` by itself, which is read as a list of nothing.
        if select.flavor == SelectFlavor::FromFirstNoSelect && select.projection.is_empty() {
            let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
            select.projection.push(all);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if swallows(expr) {
            let whole = std::mem::replace(expr, Expr::value(Value::Null));
            *expr = Conditions::of(whole).joined();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            // Its names are looked up where they stand.
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, is_some: _ } => {
                if let Expr::Subquery(subquery) = &mut **right {
                    *expr = Expr::InSubquery {
                        expr: left.clone(),
                        subquery: subquery.clone(),
                        negated: false,
                    };
                }
            }
            Expr::Like { negated: _, any: _, expr: _, pattern, escape_char }
            | Expr::ILike { negated: _, any: _, expr: _, pattern, escape_char } => {
                escaped_by_backslash(pattern, escape_char);
            }
            Expr::Function(call) if is_unsigned(call) => {
                *expr = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(Expr::Function(call.clone())),
                    data_type: ast::DataType::BigInt(None),
                    array: false,
                    format: None,
                };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether a call gives places in an order: DataFusion counts them without a sign, so that the
/// difference of two is never below 0.
fn is_unsigned(call: &ast::Function) -> bool {
    let of = ["row_number", "rank", "dense_rank", "ntile"];
    let [ast::ObjectNamePart::Identifier(name)] = &*call.name.0 else { return false };
    call.over.is_some() && of.iter().any(|it| name.value.eq_ignore_ascii_case(it))
}

/// Whether an `IS DISTINCT FROM` has taken the `AND` or `OR` behind it for its own: the parser reads
/// `a IS DISTINCT FROM b AND c` as `a IS DISTINCT FROM (b AND c)`
/// (<https://github.com/apache/datafusion-sqlparser-rs/pull/2436>).
fn swallows(expr: &Expr) -> bool {
    match expr {
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => {
            matches!(&**right, Expr::BinaryOp { op: And | Or, .. }) || swallows(right)
        }
        Expr::BinaryOp { left, op: And | Or, right } => swallows(left) || swallows(right),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => swallows(expr),
        _ => false,
    }
}

/// Conditions in the order of the text, and the words between them. What stands in parentheses is
/// one condition.
#[derive(Default)]
struct Conditions {
    all: Vec<Expr>,
    words: Vec<BinaryOperator>,
}

impl Conditions {
    fn of(expr: Expr) -> Self {
        let mut conditions = Conditions::default();
        conditions.add(expr);
        conditions
    }

    fn add(&mut self, expr: Expr) {
        let first = self.all.len();
        match expr {
            Expr::BinaryOp { left, op: word @ (And | Or), right } => {
                self.add(*left);
                self.words.push(word);
                self.add(*right);
            }
            Expr::IsDistinctFrom(left, right) => {
                self.add(*right);
                self.wrap(first, |right| Expr::IsDistinctFrom(left, Box::new(right)));
            }
            Expr::IsNotDistinctFrom(left, right) => {
                self.add(*right);
                self.wrap(first, |right| Expr::IsNotDistinctFrom(left, Box::new(right)));
            }
            Expr::UnaryOp { op: op @ UnaryOperator::Not, expr } => {
                self.add(*expr);
                self.wrap(first, |expr| Expr::UnaryOp { op, expr: Box::new(expr) });
            }
            other => self.all.push(other),
        }
    }

    fn wrap(&mut self, at: usize, with: impl FnOnce(Expr) -> Expr) {
        if let Some(condition) = self.all.get_mut(at) {
            *condition = with(std::mem::replace(condition, Expr::value(Value::Null)));
        }
    }

    /// All of them, `AND` before `OR`.
    fn joined(self) -> Expr {
        let join = |left: Option<Expr>, op: BinaryOperator, right: Expr| match left {
            Some(left) => Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) },
            None => right,
        };
        let mut any: Option<Expr> = None;
        let mut all: Option<Expr> = None;
        let words = std::iter::once(And).chain(self.words);
        for (condition, word) in self.all.into_iter().zip(words) {
            if word == Or
                && let Some(done) = all.take()
            {
                any = Some(join(any.take(), Or, done));
            }
            all = Some(join(all.take(), And, condition));
        }
        match all {
            Some(last) => join(any, Or, last),
            None => Expr::value(Value::Null),
        }
    }
}

/// `FETCH FIRST 3 ROWS ONLY` as `LIMIT 3`.
fn fetch_as_limit(query: &mut Query) {
    let Some(Fetch { with_ties: false, percent: false, quantity }) = &query.fetch else { return };
    let one = Expr::value(Value::Number("1".to_owned(), false));
    let quantity = quantity.clone().unwrap_or(one);
    match &mut query.limit_clause {
        None => {
            let limit = Some(quantity);
            let clause = LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() };
            query.limit_clause = Some(clause);
        }
        Some(LimitClause::LimitOffset { limit: limit @ None, offset: _, limit_by: _ }) => {
            *limit = Some(quantity);
        }
        // Two limits: that is refused.
        Some(_) => return,
    }
    query.fetch = None;
}

/// Writes a literal pattern with the backslash, which every part of DataFusion knows; one that is
/// no literal stays as it is.
fn escaped_by_backslash(pattern: &mut Expr, escape: &mut Option<ValueWithSpan>) {
    let Some(Value::SingleQuotedString(mark)) = escape.as_ref().map(|it| &it.value) else { return };
    let mut letters = mark.chars();
    let mark = match (letters.next(), letters.next()) {
        (mark, None) => mark,
        _ => return,
    };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), span: _ }) = pattern
    else {
        return;
    };
    if let Some(same) = patterns::with_backslash(text, mark) {
        *text = same;
        *escape = None;
    }
}

/// What the columns of an answer are called besides what the plan calls them.
#[derive(Clone, Debug, Default)]
pub struct ShownNames {
    names: Vec<(String, Shown)>,
}

#[derive(Clone, Debug)]
enum Shown {
    As(String),
    /// As the column at this place is.
    Like(usize),
}

impl ShownNames {
    /// The name that people see.
    pub fn of<'a>(&'a self, name: &'a str, all: &[&'a str]) -> &'a str {
        match self.names.iter().find(|(planned, _)| planned == name) {
            Some((_, Shown::As(shown))) => shown,
            Some((_, Shown::Like(at))) => all.get(*at).copied().unwrap_or(name),
            None => name,
        }
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Gives each column of the answer a name of its own, since a plan may have no two of one name,
/// and says what each is to be called: `SELECT *, id` and `SELECT 1, 1`.
///
/// `CAST(x AS int)` is called `x`, as elsewhere, so that it can be told from the column.
pub fn name_apart(statement: &mut ast::Statement) -> ShownNames {
    let mut shown = ShownNames::default();
    if let ast::Statement::Query(query) = statement {
        name_body(&mut query.body, &mut shown);
    }
    shown
}

fn name_body(body: &mut ast::SetExpr, shown: &mut ShownNames) {
    match body {
        ast::SetExpr::Select(select) => name_select(select, shown),
        ast::SetExpr::Query(query) => name_body(&mut query.body, shown),
        ast::SetExpr::SetOperation { left, op: _, set_quantifier: _, right } => {
            name_body(left, shown);
            // The first names the columns of all.
            name_body(right, &mut ShownNames::default());
        }
        _ => {}
    }
}

fn name_select(select: &mut Select, shown: &mut ShownNames) {
    let wild = |item: &SelectItem| {
        matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(_, _))
    };
    let has_wildcard = select.projection.iter().any(wild);
    let mut seen: Vec<(String, usize)> = Vec::new();
    for (at, item) in select.projection.iter_mut().enumerate() {
        let (expr, name) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), Some(alias.value.clone())),
            SelectItem::UnnamedExpr(expr) => (expr.clone(), column_name(expr)),
            _ => continue,
        };
        let key = name.clone().unwrap_or_else(|| expr.to_string());
        let first = seen.iter().find(|(known, _)| *known == key).map(|(_, at)| *at);
        let among_all =
            has_wildcard && matches!(item, SelectItem::UnnamedExpr(_)) && name.is_some();
        if first.is_none() {
            seen.push((key.clone(), at));
        }
        let alias = match (first, &name) {
            (None, _) if among_all => apart(&key, at, shown, Shown::As(key.clone())),
            (Some(_), Some(name)) => apart(&key, at, shown, Shown::As(name.clone())),
            (Some(_), None) if has_wildcard => apart(&key, at, shown, Shown::As(key.clone())),
            (Some(first), None) => apart(&key, at, shown, Shown::Like(first)),
            (None, Some(name)) if matches!(expr, Expr::Cast { .. }) => name.clone(),
            (None, _) => continue,
        };
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', alias) };
    }
}

/// Notes a name that nobody sees.
fn apart(key: &str, at: usize, shown: &mut ShownNames, as_what: Shown) -> String {
    let name = format!("{key} (column {})", at + 1);
    shown.names.push((name.clone(), as_what));
    name
}

/// The name of a column, also where it is only cast.
fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()),
        Expr::Cast { kind: _, expr, data_type: _, array: _, format: _ } | Expr::Nested(expr) => {
            column_name(expr)
        }
        _ => None,
    }
}
