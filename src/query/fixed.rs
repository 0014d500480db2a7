//! Answers that are always the same.

use arrow::datatypes::SchemaRef;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, TableScan};

use super::provider::Rows;

/// Columns of a stored version, or of a part of it, as they stand there: nothing is filtered,
/// computed or left out. Whatever is equal to it has the same rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fixed {
    /// `connection/table`.
    pub table: String,
    /// The files that hold the rows, in order. No two loads write files of one name.
    pub files: Vec<String>,
    /// The columns, in order, as the table calls them.
    pub columns: Vec<String>,
    /// What the batches look like.
    pub schema: SchemaRef,
    /// Whether they are in the order of the key; else parts come in any.
    pub ordered: bool,
    /// How many rows that are.
    pub rows: u64,
}

impl Fixed {
    /// What this plan gives, as batches of `schema`, if that is fixed.
    pub fn of(plan: &LogicalPlan, schema: SchemaRef) -> Option<Self> {
        let (scan, columns) = verbatim(plan)?;
        let table = source_as_provider(&scan.source).ok()?;
        let (opened, part, ordered) = table.downcast_ref::<Rows>()?.reading()?;
        let (table, files) = opened.files_of(part)?;
        Some(Fixed { table, files, columns, schema, ordered, rows: opened.rows_of(part)? })
    }
}

/// The scan whose rows a plan gives as they are, and which of its columns.
fn verbatim(plan: &LogicalPlan) -> Option<(&TableScan, Vec<String>)> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
            let fields = scan.projected_schema.fields().iter();
            Some((scan, fields.map(|field| field.name().clone()).collect()))
        }
        LogicalPlan::SubqueryAlias(alias) => verbatim(&alias.input),
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let (scan, columns) = verbatim(input)?;
            let chosen = expr.iter().map(|expr| {
                let Expr::Column(column) = expr.clone().unalias() else { return None };
                let at = input.schema().maybe_index_of_column(&column)?;
                columns.get(at).cloned()
            });
            Some((scan, chosen.collect::<Option<_>>()?))
        }
        _ => None,
    }
}
