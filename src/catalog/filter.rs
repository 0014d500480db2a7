//! What a scan leaves out, as far as whoever answers it may help.

use std::collections::BTreeSet;
use std::sync::Arc;

/// A condition on the rows of one table.
///
/// Whoever answers a scan may give more rows than the filter lets through, never fewer: who asked
/// filters again. So a part that cannot be helped with is left out of a [`Filter::All`], and takes
/// a whole [`Filter::Any`] with it.
///
/// A comparison with a null cell holds nowhere, as in SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every part holds.
    All(Vec<Filter>),
    /// At least one part holds.
    Any(Vec<Filter>),
    /// The cell compares so with the value; text by its bytes.
    Compare(Arc<str>, Comparison, Value),
    /// The cell is one of the values.
    In(Arc<str>, Vec<Value>),
    /// The cell is null.
    Null(Arc<str>),
    /// The cell is not null.
    NotNull(Arc<str>),
    /// The cell is text that begins so.
    StartsWith(Arc<str>, Arc<str>),
    /// The cell is text that ends so.
    EndsWith(Arc<str>, Arc<str>),
    /// The cell is a list with this item.
    Has(Arc<str>, Value),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a cell is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(Arc<str>),
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Microseconds since 1970, UTC.
    Timestamp(i64),
    /// Days since 1970.
    Date(i32),
}

impl Filter {
    /// All of these; `None` of none.
    pub fn all(parts: impl IntoIterator<Item = Filter>) -> Option<Filter> {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Filter::All(inner) => flat.extend(inner),
                part => flat.push(part),
            }
        }
        match flat.len() {
            0 | 1 => flat.pop(),
            _ => Some(Filter::All(flat)),
        }
    }

    /// The only texts that `column` can hold in a row that is let through, where the filter says
    /// so.
    pub fn texts(&self, column: &str) -> Option<BTreeSet<Arc<str>>> {
        match self {
            Filter::Compare(name, Comparison::Equal, Value::Text(text)) if &**name == column => {
                Some(BTreeSet::from([text.clone()]))
            }
            Filter::In(name, values) if &**name == column => {
                let text = |value: &Value| match value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                };
                values.iter().map(text).collect()
            }
            Filter::All(parts) => {
                let sets = parts.iter().filter_map(|part| part.texts(column));
                sets.reduce(|one, other| one.intersection(&other).cloned().collect())
            }
            Filter::Any(parts) => {
                let mut all = BTreeSet::new();
                for part in parts {
                    all.extend(part.texts(column)?);
                }
                Some(all)
            }
            _ => None,
        }
    }

    /// Every column it speaks of.
    pub fn columns(&self) -> BTreeSet<&str> {
        match self {
            Filter::All(parts) | Filter::Any(parts) => {
                parts.iter().flat_map(Filter::columns).collect()
            }
            Filter::Compare(column, ..)
            | Filter::In(column, _)
            | Filter::Null(column)
            | Filter::NotNull(column)
            | Filter::StartsWith(column, _)
            | Filter::EndsWith(column, _)
            | Filter::Has(column, _) => BTreeSet::from([&**column]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(column: &str, text: &str) -> Filter {
        Filter::Compare(column.into(), Comparison::Equal, Value::Text(text.into()))
    }

    fn one_of(column: &str, texts: &[&str]) -> Filter {
        Filter::In(column.into(), texts.iter().map(|text| Value::Text((*text).into())).collect())
    }

    #[test]
    fn texts_are_told_where_nothing_else_can_be() {
        let null = Filter::Null("id".into());
        let cases: [(Filter, Option<&[&str]>); 8] = [
            (is("id", "a"), Some(&["a"])),
            (is("other", "a"), None),
            (one_of("id", &["b", "a", "b"]), Some(&["a", "b"])),
            (Filter::All(vec![one_of("id", &["a", "b"]), is("id", "b")]), Some(&["b"])),
            (Filter::All(vec![is("other", "x"), is("id", "b")]), Some(&["b"])),
            (Filter::All(vec![is("id", "a"), is("id", "b")]), Some(&[])),
            (Filter::Any(vec![is("id", "a"), is("id", "b")]), Some(&["a", "b"])),
            (Filter::Any(vec![is("id", "a"), null]), None),
        ];
        for (filter, expected) in cases {
            let expected =
                expected.map(|texts| texts.iter().map(|text| Arc::from(*text)).collect());
            assert_eq!(filter.texts("id"), expected, "{filter:?}");
        }
    }
}
