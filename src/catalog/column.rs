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
    /// What Graph can be asked of it in a `$filter`.
    pub filters: Filters,
}

/// What `$filter` may say of a property.
///
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// In a basic query.
    pub basic: Operators,
    /// In an advanced one, which an index answers that lags behind.
    pub advanced: Operators,
}

/// A set of the operators of `$filter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operators(u16);

/// An operator of `$filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Operator {
    /// `eq`
    Eq = 1,
    /// `ne`
    Ne = 2,
    /// `ge`
    Ge = 4,
    /// `le`
    Le = 8,
    /// `in`
    In = 16,
    /// `startsWith`
    StartsWith = 32,
    /// `endsWith`
    EndsWith = 64,
    /// `eq null`
    Null = 128,
    /// `ne null`
    NotNull = 256,
    /// `any` over a list, with `eq` for its items
    Any = 512,
}

impl Operators {
    /// Whether `operator` is among them.
    pub fn has(self, operator: Operator) -> bool {
        self.0 & operator as u16 != 0
    }

    /// Reads a list such as `eq, in, startsWith`; the word that is none comes back.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut all = 0;
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let named = Operator::ALL.iter().find(|(name, _)| *name == word);
            all |= named.ok_or_else(|| word.to_owned())?.1 as u16;
        }
        Ok(Operators(all))
    }
}

impl Operator {
    /// All of them, by the names that the data files use.
    pub const ALL: [(&str, Operator); 10] = [
        ("eq", Operator::Eq),
        ("ne", Operator::Ne),
        ("ge", Operator::Ge),
        ("le", Operator::Le),
        ("in", Operator::In),
        ("startsWith", Operator::StartsWith),
        ("endsWith", Operator::EndsWith),
        ("null", Operator::Null),
        ("notNull", Operator::NotNull),
        ("any", Operator::Any),
    ];
}

impl std::fmt::Display for Operators {
    /// As it is parsed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = Operator::ALL.iter().filter(|(_, operator)| self.has(*operator));
        f.write_str(&names.map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
    }
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
