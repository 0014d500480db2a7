//! From the text of a statement to a plan.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    self, ObjectName, Visit as _, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::catalogs::{Catalogs, SCHEMAS};
use super::functions::{AS_OF, CHANGES, Called};
use super::threads::Serving;
use super::words::{Names, Words};
use super::{Error, Namespace, Opened, Statement, listing, plan_size, session, system};
use crate::catalog::{Catalog, Property, Type};
use crate::limits::query as limits;

/// The names that a statement may use without quotes, functions that it may call included.
pub fn names(namespace: &Namespace, base: &SessionState) -> Names {
    let mut names = Names::default();
    let scalar = base.scalar_functions().keys().chain(base.higher_order_functions().keys());
    let of_rows = base.aggregate_functions().keys().chain(base.window_functions().keys());
    let tables = base.table_functions().keys().map(String::as_str).chain([AS_OF, CHANGES]);
    let functions = scalar.chain(of_rows).map(String::as_str).chain(tables);
    functions.for_each(|name| names.add_function(name));
    SCHEMAS.iter().chain(&system::NAMES).for_each(|name| names.add(name));
    names.add("information_schema");
    for connection in namespace.connections() {
        names.add(&connection.name);
        add_tables(&mut names, &connection.catalog);
    }
    names
}

fn add_tables(names: &mut Names, catalog: &Catalog) {
    for table in catalog.tables() {
        names.add(&table.name);
        for column in &table.columns {
            names.add(&column.name);
            add_parts(names, &column.ty);
        }
    }
}

fn add_parts(names: &mut Names, ty: &Type) {
    match ty {
        Type::List(item) => add_parts(names, item),
        Type::Struct(parts) => {
            for Property { name, ty, .. } in parts.iter() {
                names.add(name);
                add_parts(names, ty);
            }
        }
        _ => {}
    }
}

/// A statement that is planned and not yet made better.
pub struct Planned {
    /// The plan, names and types settled.
    pub plan: LogicalPlan,
    /// What it was planned in.
    pub state: SessionState,
    /// The only table that its text names, even if the plan leaves it out. A list of tables opens
    /// others while it is read.
    pub only: Option<Arc<Opened>>,
}

/// Reads the statement and finds what its names mean; reads no rows.
///
/// # Errors
///
/// See [`Error`]: what cannot be read or planned, with its place; what would write; names that
/// mean nothing.
pub async fn plan(
    base: &SessionState,
    namespace: &Arc<Namespace>,
    names: &Names,
    statement: &Statement,
    pushdown: bool,
    serving: &Serving,
) -> Result<Planned, Error> {
    let text = &*statement.text;
    let words = Words::read(text, names)?;
    let parsed = parse(text, &words)?;
    read_only(&parsed)?;
    plan_size::tables(&parsed)?;
    let lists = lists_tables(&parsed);
    let mut catalogs =
        Catalogs::new(namespace.clone(), words, statement, pushdown, serving.clone());
    if lists {
        let namespace = namespace.clone();
        let stored = serving.open(async move { stored(&namespace).await });
        catalogs = catalogs.with_stored(stored.await?);
    }
    let called = Called::find(&parsed, &catalogs).await?;
    let mut state = session::of(base, catalogs.clone());
    for (name, function) in called.functions() {
        state.register_udtf(name, function);
    }
    let failed = |error| Error::planning(text, error);
    let plan = state.statement_to_plan(Parsed::Statement(Box::new(parsed))).await;
    let plan = plan.map_err(failed)?;
    let reads =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reads.verify_plan(&plan).map_err(failed)?;
    Ok(Planned { plan, state, only: catalogs.only().filter(|_| !lists) })
}

/// The only statement of the text.
fn parse(text: &str, words: &Words) -> Result<ast::Statement, Error> {
    let failed = |error: ParserError| Error::planning(text, error.into());
    let parser = Parser::new(&GenericDialect {}).with_recursion_limit(limits::DEPTH_MAX);
    let mut parser = parser.with_tokens_with_locations(words.tokens.clone());
    let mut statements = parser.parse_statements().map_err(failed)?;
    let wrong = |message: &str| Error::statement(text, message.to_owned(), None);
    match (statements.pop(), statements.len()) {
        (None, _) => Err(wrong("it is empty")),
        (Some(mut one), 0) => {
            let _ = VisitMut::visit(&mut one, &mut AnyOf);
            Ok(one)
        }
        (Some(_), _) => Err(wrong("it holds several statements; send one at a time")),
    }
}

/// Writes `= ANY (SELECT …)` as `IN (SELECT …)`, which is the same and whose names are looked up
/// where they stand.
struct AnyOf;

impl VisitorMut for AnyOf {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        if let ast::Expr::AnyOp { left, compare_op: ast::BinaryOperator::Eq, right, .. } = expr
            && let ast::Expr::Subquery(subquery) = &mut **right
        {
            *expr = ast::Expr::InSubquery {
                expr: left.clone(),
                subquery: subquery.clone(),
                negated: false,
            };
        }
        ControlFlow::Continue(())
    }
}

/// An expression over columns, such as the `filter` of a request.
pub fn parse_expr(text: &str, words: &Words) -> Result<ast::Expr, Error> {
    let failed = |error: ParserError| Error::planning(text, error.into());
    let parser = Parser::new(&GenericDialect {}).with_recursion_limit(limits::DEPTH_MAX);
    let mut parser = parser.with_tokens_with_locations(words.tokens.clone());
    let expr = parser.parse_expr().map_err(failed)?;
    parser.expect_token(&Token::EOF).map_err(failed)?;
    Ok(expr)
}

/// Lets through what reads.
fn read_only(statement: &ast::Statement) -> Result<(), Error> {
    use ast::Statement as S;
    match statement {
        S::Query(_) | S::ShowTables { .. } | S::ShowColumns { .. } | S::ShowFunctions { .. } => {
            Ok(())
        }
        S::ShowVariable { .. } | S::ExplainTable { .. } => Ok(()),
        S::Explain { statement, .. } => read_only(statement),
        other => {
            let text = other.to_string();
            let verb = text.split_ascii_whitespace().next().unwrap_or_default().to_uppercase();
            Err(Error::Writes { verb })
        }
    }
}

/// Whether the statement asks which tables there are.
fn lists_tables(statement: &ast::Statement) -> bool {
    struct Lists;
    impl Visitor for Lists {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let names_it = |part: &ast::ObjectNamePart| {
                part.as_ident().is_some_and(|name| name.value == "information_schema")
            };
            match relation.0.iter().any(names_it) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    matches!(statement, ast::Statement::ShowTables { .. } | ast::Statement::ShowColumns { .. })
        || statement.visit(&mut Lists).is_break()
}

/// The tables of each connection that have a stored version.
async fn stored(namespace: &Namespace) -> Result<BTreeMap<Arc<str>, Vec<String>>, Error> {
    let mut all = BTreeMap::new();
    for connection in namespace.connections() {
        let newest = listing::newest(connection).await?;
        let names = newest.into_iter().map(|(table, _)| table.name.to_string());
        all.insert(connection.name.clone(), names.collect());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn no_name_of_the_catalogue_means_two_things_without_quotes() {
        let catalog = Arc::new(Catalog::builtin().expect("the built-in tables"));
        let mut names = Names::default();
        add_tables(&mut names, &catalog);
        assert_eq!(names.twins().collect::<Vec<_>>(), [] as [&[String]; 0]);
    }
}
