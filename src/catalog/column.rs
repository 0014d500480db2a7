//! One column of a table.

use std::sync::Arc;

use super::Type;

/// A column: its name, where its values come from, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Graph's own name, or `<parent>_id`, `odata_type`, `_extra`.
    pub name: Arc<str>,
    /// Where a row holds it.
    pub origin: Origin,
    /// What it holds.
    pub ty: Type,
    /// Graph's type, such as `Edm.DateTimeOffset` or `Collection(microsoft.graph.assignedPlan)`.
    pub graph_type: Arc<str>,
    /// A sentence for people, when there is one.
    pub description: Option<Arc<str>>,
    /// The application permission this column needs beyond the table's own.
    pub permission: Option<Arc<str>>,
    /// Left out unless asked for by name, because asking for it can fail the whole request (it
    /// needs [`permission`](Self::permission)) or costs far more than the other columns.
    pub on_request: bool,
    /// Graph does not keep the order of the elements of its lists: lists that differ in nothing
    /// else are the same.
    pub unordered: bool,
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The JSON member of this name in each row.
    Property(Arc<str>),
    /// The key of the parent whose rows these are; the same for every row of a page.
    Parent,
    /// Everything in the row that the table does not declare, as one JSON object; `@odata.*`
    /// annotations are left out, and null stands where nothing is left.
    Extra,
    /// Worked out by comparing two stored versions; only in a table of changes.
    Comparison,
}
