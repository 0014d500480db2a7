//! How large a plan, its constants and its types may be.
//!
//! Nobody counts the memory of a plan, of a constant that becomes a column, or of a value whose type
//! alone says how long it is: a statement of a hundred bytes could take all memory there is. They
//! are measured before anything is set aside for them.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Result, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor};

use super::Error;
use crate::limits::query as limits;

/// Checks how many tables a statement names with all its `WITH` queries written out: one that is used
/// twice is planned twice, and each that uses it so doubles that.
///
/// # Errors
///
/// [`Error::TooLong`].
pub fn tables(statement: &ast::Statement) -> Result<(), Error> {
    let mut named = NamedQueries::default();
    let _ = statement.visit(&mut named);
    let count = named.tables(statement);
    let max = limits::TABLES_MAX;
    match count <= max {
        true => Ok(()),
        false => {
            Err(Error::TooLong { what: "tables with each `WITH` query written out", count, max })
        }
    }
}

/// The number of tables that each named query stands for. Queries are met in the order of the text, so
/// those that a query uses are known.
#[derive(Default)]
struct NamedQueries(HashMap<String, usize>);

impl NamedQueries {
    fn tables<T: Visit>(&self, part: &T) -> usize {
        let mut tables = Tables { named: self, count: 0 };
        let _ = part.visit(&mut tables);
        tables.count
    }
}

impl Visitor for NamedQueries {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        for named in query.with.iter().flat_map(|with| &with.cte_tables) {
            let count = self.tables(&named.query);
            self.0.insert(named.alias.name.value.clone(), count.max(1));
        }
        ControlFlow::Continue(())
    }
}

/// Counts tables.
struct Tables<'a> {
    named: &'a NamedQueries,
    count: usize,
}

impl Visitor for Tables<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ast::ObjectName) -> ControlFlow<()> {
        let of_query = match &*relation.0 {
            [only] => only.as_ident().and_then(|name| self.named.0.get(&name.value)),
            _ => None,
        };
        self.count = self.count.saturating_add(of_query.copied().unwrap_or(1));
        ControlFlow::Continue(())
    }
}

/// Checks the constants of a plan that has been made better: each may become a column, with a row
/// for each that is read.
///
/// # Errors
///
/// [`Error::TooLong`].
pub fn constants(plan: &LogicalPlan) -> Result<(), Error> {
    let (mut largest, mut many) = (0, false);
    plan.apply_with_subqueries(|step| {
        many |= match step {
            LogicalPlan::EmptyRelation(_) => false,
            LogicalPlan::Unnest(_) => true,
            step => step.inputs().is_empty(),
        };
        step.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Literal(value, _) = part {
                    largest = largest.max(value.size());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let max = limits::CONSTANT_BYTES_MAX;
    match many && largest > max {
        true => Err(Error::TooLong { what: "bytes in one constant", count: largest, max }),
        false => Ok(()),
    }
}

/// Puts a bound on the types that a call of these functions names.
///
/// # Errors
///
/// If one of them is not there.
pub fn bound(state: &mut SessionState) -> Result<()> {
    for name in ["arrow_cast", "arrow_try_cast"] {
        let bounded = CastToNamed { inner: state.udf(name)? };
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(bounded)))?;
    }
    Ok(())
}

/// Checks that a value of this type, null included, takes no more than it may.
fn check(ty: &DataType) -> Result<()> {
    match width(ty) {
        Some(bytes) if bytes <= limits::WIDTH_MAX => Ok(()),
        _ => plan_err!("a value of type {ty} takes more than {} bytes", limits::WIDTH_MAX),
    }
}

/// Bytes that a value takes whatever it is; `None` if the type makes no sense.
fn width(ty: &DataType) -> Option<u64> {
    match ty {
        DataType::FixedSizeBinary(bytes) => u64::try_from(*bytes).ok(),
        DataType::FixedSizeList(item, length) => {
            width(item.data_type())?.max(1).checked_mul(u64::try_from(*length).ok()?)
        }
        DataType::Struct(fields) => {
            fields.iter().try_fold(0_u64, |sum, field| sum.checked_add(width(field.data_type())?))
        }
        DataType::Union(fields, _) => fields
            .iter()
            .try_fold(0_u64, |sum, (_, field)| sum.checked_add(width(field.data_type())?)),
        // What is in a list is there only if somebody made it, and then it is of that width.
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            width(item.data_type())
        }
        DataType::LargeListView(item) | DataType::Map(item, _) => width(item.data_type()),
        DataType::Dictionary(_, values) => width(values),
        DataType::RunEndEncoded(_, values) => width(values.data_type()),
        other => Some(other.primitive_width().unwrap_or_default() as u64),
    }
}

/// A cast to a type that stands in a text.
#[derive(Debug)]
struct CastToNamed {
    inner: Arc<ScalarUDF>,
}

impl PartialEq for CastToNamed {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for CastToNamed {}

impl Hash for CastToNamed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for CastToNamed {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = self.inner.inner().return_field_from_args(args)?;
        check(field.data_type())?;
        Ok(field)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let simplified = self.inner.inner().simplify(args, context)?;
        match &simplified {
            ExprSimplifyResult::Simplified(Expr::Cast(cast)) => check(cast.field.data_type())?,
            ExprSimplifyResult::Simplified(Expr::TryCast(cast)) => check(cast.field.data_type())?,
            _ => {}
        }
        Ok(simplified)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
