//! From the text of a statement to a plan.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::FunctionRegistry as _;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{self, ObjectName, Visit as _, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::catalogs::{Catalogs, SCHEMAS};
use super::functions::{self, AS_OF, CHANGES, Called};
use super::rewrites::ShownNames;
use super::threads::Serving;
use super::words::{self, Names, Words};
use super::{
    Error, Namespace, Opened, Statement, clauses, listing, plan_size, rewrites, session, system,
};
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
    INFORMATION.iter().for_each(|name| names.add_information(name));
    for connection in namespace.connections() {
        names.add(&connection.name);
        add_tables(&mut names, &connection.catalog);
    }
    names
}

/// Names of tables and columns in `information_schema`, which every client writes as it likes.
const INFORMATION: [&str; 35] = [
    "catalog_name",
    "character_maximum_length",
    "character_octet_length",
    "character_set_catalog",
    "character_set_name",
    "character_set_schema",
    "collation_catalog",
    "collation_name",
    "collation_schema",
    "column_default",
    "column_name",
    "columns",
    "data_type",
    "datetime_precision",
    "default_character_set_catalog",
    "default_character_set_name",
    "default_character_set_schema",
    "definition",
    "df_settings",
    "interval_type",
    "is_nullable",
    "numeric_precision",
    "numeric_precision_radix",
    "numeric_scale",
    "ordinal_position",
    "parameters",
    "routines",
    "schema_name",
    "schema_owner",
    "schemata",
    "table_catalog",
    "table_name",
    "table_schema",
    "table_type",
    "tables",
];

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
    /// What the columns of its answer are called.
    pub shown: ShownNames,
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
    let text = words::plain(&statement.text);
    let words = Words::read(text, names)?;
    let mut parsed = parse(text, &words)?;
    if let Some(listing) = listing_of(&parsed) {
        parsed = parse(listing, &Words::read(listing, names)?)?;
    }
    read_only(&parsed)?;
    plan_size::tables(&parsed)?;
    rewrites::rewrite(&mut parsed);
    if let Some(clause) = clauses::dropped(&parsed, base) {
        return Err(Error::clause(text, clause, words.place(clause)));
    }
    let of = Planning { base, namespace, words, statement, pushdown, serving };
    match Box::pin(of.plan(parsed.clone())).await {
        Err(error) if tells_names_apart(&error) => {
            let shown = rewrites::name_apart(&mut parsed);
            let again = Box::pin(of.plan(parsed)).await;
            again.map(|planned| Planned { shown, ..planned }).map_err(|_| error)
        }
        other => other,
    }
    .map_err(|error| Error::planning(text, error))
}

/// What a statement is planned with.
struct Planning<'a> {
    base: &'a SessionState,
    namespace: &'a Arc<Namespace>,
    words: Words,
    statement: &'a Statement,
    pushdown: bool,
    serving: &'a Serving,
}

impl Planning<'_> {
    async fn plan(&self, parsed: ast::Statement) -> Result<Planned, DataFusionError> {
        let ours = |error: Error| DataFusionError::External(Box::new(error));
        let lists = lists_tables(&parsed);
        let (namespace, words) = (self.namespace.clone(), self.words.clone());
        let serving = self.serving.clone();
        let mut catalogs = Catalogs::new(namespace, words, self.statement, self.pushdown, serving);
        if lists {
            let namespace = self.namespace.clone();
            let stored = self.serving.open(async move { stored(&namespace).await });
            catalogs = catalogs.with_stored(stored.await.map_err(ours)?);
        }
        let called = Called::find(&parsed, &catalogs).await.map_err(ours)?;
        let mut state = session::of(self.base, catalogs.clone());
        for (name, function) in called.functions() {
            state.register_udtf(name, function);
        }
        for function in functions::of_session(&catalogs) {
            state.register_udf(function)?;
        }
        let plan = state.statement_to_plan(Parsed::Statement(Box::new(parsed))).await?;
        let reads = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        reads.verify_plan(&plan)?;
        let only = catalogs.only().filter(|_| !lists);
        Ok(Planned { plan, state, only, shown: ShownNames::default() })
    }
}

/// Whether a plan failed because two columns of an answer have one name.
fn tells_names_apart(error: &DataFusionError) -> bool {
    let message = error.to_string();
    ["unique expression names", "must appear in select list", "would be ambiguous"]
        .iter()
        .any(|part| message.contains(part))
}

/// The statement that gives the list which `SHOW` asks for, where there is such a list.
fn listing_of(statement: &ast::Statement) -> Option<&'static str> {
    use ast::Statement as S;
    let (terse, history, options, text) = match statement {
        S::ShowSchemas { terse, history, show_options } => {
            let text = "SELECT catalog_name, schema_name FROM information_schema.schemata \
                        ORDER BY catalog_name, schema_name";
            (terse, history, show_options, text)
        }
        S::ShowCatalogs { terse, history, show_options }
        | S::ShowDatabases { terse, history, show_options } => {
            let text = "SELECT connection AS catalog_name FROM system.connections ORDER BY 1";
            (terse, history, show_options, text)
        }
        _ => return None,
    };
    let ast::ShowStatementOptions { show_in, starts_with, limit, limit_from, filter_position } =
        options;
    let plain = !terse
        && !history
        && show_in.is_none()
        && starts_with.is_none()
        && limit.is_none()
        && limit_from.is_none()
        && filter_position.is_none();
    plain.then_some(text)
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
        (Some(one), 0) => Ok(one),
        (Some(_), _) => Err(wrong("it holds several statements; send one at a time")),
    }
}

/// An expression over columns, such as the `filter` of a request.
pub fn parse_expr(text: &str, words: &Words, functions: &SessionState) -> Result<ast::Expr, Error> {
    let failed = |error: ParserError| Error::planning(text, error.into());
    let parser = Parser::new(&GenericDialect {}).with_recursion_limit(limits::DEPTH_MAX);
    let mut parser = parser.with_tokens_with_locations(words.tokens.clone());
    let mut expr = parser.parse_expr().map_err(failed)?;
    parser.expect_token(&Token::EOF).map_err(failed)?;
    rewrites::rewrite(&mut expr);
    match clauses::dropped(&expr, functions) {
        Some(clause) => Err(Error::clause(text, clause, words.place(clause))),
        None => Ok(expr),
    }
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
        S::Use(_) => Err(Error::NotSupported {
            message: "`USE`; name tables as in `connection.schema.table`, or set the options \
                      `catalog` and `schema` of the session"
                .to_owned(),
        }),
        S::ShowSchemas { .. } | S::ShowDatabases { .. } | S::ShowCatalogs { .. } => {
            Err(Error::NotSupported {
                message: "this kind of `SHOW`; `information_schema.schemata` has all schemas"
                    .to_owned(),
            })
        }
        other if other.to_string().starts_with("SHOW ") => Err(Error::NotSupported {
            message:
                "this kind of `SHOW`; the schemas `information_schema` and `system` have what \
                      there is to know"
                    .to_owned(),
        }),
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
