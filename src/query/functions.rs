//! Tables that a statement asks for with a call: `as_of` and `changes`.

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarUDF, Volatility, create_udf};
use datafusion::sql::sqlparser::ast::{
    self, FunctionArg, FunctionArgExpr, TableFactor, UnaryOperator, Value, Visit, Visitor,
};

use super::catalogs::Catalogs;
use super::{Error, Of, Version};
use crate::snapshot::Which;

/// `as_of(TABLE, VERSION)`: the rows as they were stored.
pub const AS_OF: &str = "as_of";

/// `changes(TABLE [, FROM [, TO]])`: what changed between two stored versions.
pub const CHANGES: &str = "changes";

/// How each is called, for an error.
const FORMS: [(&str, &str); 2] = [
    (AS_OF, "as_of('users', 12), as_of('users', '2026-11-01') or as_of('users', 'latest')"),
    (CHANGES, "changes('users'), changes('users', 11) or changes('users', 11, 12)"),
];

/// One call, by its name and the text of its arguments.
type Call = (&'static str, Vec<String>);

/// The tables that the calls of one statement mean.
#[derive(Clone, Default)]
pub struct Called {
    tables: Arc<HashMap<Call, Arc<dyn TableProvider>>>,
}

impl Called {
    /// Finds the tables that the calls in `statement` mean.
    ///
    /// # Errors
    ///
    /// [`Error::Call`] for arguments that are none, and what [`Catalogs::open`] meets.
    pub async fn find(statement: &ast::Statement, catalogs: &Catalogs) -> Result<Self, Error> {
        let mut calls = Calls::default();
        let _ = statement.visit(&mut calls);
        let mut tables: HashMap<Call, Arc<dyn TableProvider>> = HashMap::new();
        for (name, arguments) in calls.found {
            let arguments = arguments.ok_or_else(|| call_error(name))?;
            let of = meant(name, &arguments)?;
            let table = arguments.first().ok_or_else(|| call_error(name))?;
            let rows = catalogs.open(table, &of).await?;
            tables.insert((name, arguments), Arc::new(rows));
        }
        Ok(Called { tables: Arc::new(tables) })
    }

    /// The functions, to be registered under these names.
    pub fn functions(&self) -> [(&'static str, Arc<dyn TableFunctionImpl>); 2] {
        let of = |name| -> (&'static str, Arc<dyn TableFunctionImpl>) {
            (name, Arc::new(Function { name, called: self.clone() }))
        };
        [of(AS_OF), of(CHANGES)]
    }
}

/// The state of the table that a call means.
fn meant(name: &'static str, arguments: &[String]) -> Result<Of, Error> {
    let which = |text: &String| text.parse::<Which>().map_err(|source| Error::Which { source });
    match (name, arguments) {
        (AS_OF, [_, version]) => Ok(Of::Rows(Some(Version::Stored(which(version)?)))),
        (CHANGES, [_]) => Ok(Of::Changes { from: None, to: Which::Latest }),
        (CHANGES, [_, from]) => Ok(Of::Changes { from: Some(which(from)?), to: Which::Latest }),
        (CHANGES, [_, from, to]) => Ok(Of::Changes { from: Some(which(from)?), to: which(to)? }),
        _ => Err(call_error(name)),
    }
}

fn call_error(name: &'static str) -> Error {
    let form = FORMS.iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form);
    Error::Call { name, form }
}

/// The functions that tell what names without a catalog or schema mean in one statement.
pub fn of_session(catalogs: &Catalogs) -> [Arc<ScalarUDF>; 3] {
    let text = |name: &str, text: Option<&str>| {
        let value = ColumnarValue::Scalar(ScalarValue::Utf8(text.map(str::to_owned)));
        let told = Arc::new(move |_: &[ColumnarValue]| Ok(value.clone()));
        Arc::new(create_udf(name, Vec::new(), DataType::Utf8, Volatility::Stable, told))
    };
    let catalog = catalogs.chosen_catalog();
    [
        text("current_schema", Some(catalogs.default_schema())),
        text("current_catalog", catalog),
        text("current_database", catalog),
    ]
}

/// The calls in a statement; without arguments where they are not literals.
#[derive(Default)]
struct Calls {
    found: Vec<(&'static str, Option<Vec<String>>)>,
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let (name, arguments) = match factor {
            TableFactor::Table { name, args: Some(args), .. } => (name, &args.args),
            TableFactor::Function { name, args, .. } => (name, args),
            _ => return ControlFlow::Continue(()),
        };
        let name = name.to_string().to_lowercase();
        if let Some((known, _)) = FORMS.iter().find(|(known, _)| *known == name) {
            let texts = arguments.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => literal(expr),
                _ => None,
            });
            self.found.push((known, texts.collect()));
        }
        ControlFlow::Continue(())
    }
}

/// A literal as text.
fn literal(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            Value::Number(text, _) => Some(text.clone()),
            _ => None,
        },
        ast::Expr::TypedString(typed) => match &typed.value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            Some(format!("-{}", literal(expr)?))
        }
        _ => None,
    }
}

struct Function {
    name: &'static str,
    called: Called,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function").field(&self.name).finish()
    }
}

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let texts: Option<Vec<String>> = args.exprs().iter().map(planned).collect();
        let found = texts.and_then(|texts| self.called.tables.get(&(self.name, texts)));
        match found {
            Some(table) => Ok(table.clone()),
            None => plan_err!("{}", call_error(self.name)),
        }
    }
}

/// The same text of a literal as [`literal`] gives, once it is planned.
fn planned(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(text), _) => text.clone(),
        Expr::Literal(value @ (ScalarValue::Int64(_) | ScalarValue::UInt64(_)), _) => {
            Some(value.to_string())
        }
        Expr::Literal(value @ ScalarValue::Float64(_), _) => Some(value.to_string()),
        Expr::Cast(cast) => planned(&cast.expr),
        Expr::Negative(inner) => Some(format!("-{}", planned(inner)?)),
        _ => None,
    }
}
