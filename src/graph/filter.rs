//! What a scan leaves out, as Graph's `$filter`.
//!
//! Graph compares text without case and orders it its own way, so a clause is sent only where it
//! lets through at least what was asked for: equality and beginnings of text, never `ne`, `ge` or
//! `le` of text. Who asked filters again.
//!
//! <https://learn.microsoft.com/graph/filter-query-parameter>

use chrono::{DateTime, SecondsFormat, TimeDelta};

use crate::catalog::{Comparison, Family, Filter, Operator, Origin, Table, Value};
use crate::limits::graph as limits;

/// A `$filter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    /// As it is sent, before it is encoded for a URL.
    pub text: String,
    /// Whether only an advanced query may say it.
    pub advanced: bool,
    /// How many alternatives it has; Graph bounds those of a basic query.
    alternatives: usize,
}

/// Says as much of `filter` as the table's listing understands; advanced clauses only where they
/// are `allowed` and nothing basic can be said.
pub(super) fn clause(table: &Table, filter: &Filter, allowed: bool) -> Option<Clause> {
    let basic = say(table, filter, false);
    if basic.is_some() || !allowed {
        return basic;
    }
    say(table, filter, true)
}

fn say(table: &Table, filter: &Filter, advanced: bool) -> Option<Clause> {
    match filter {
        Filter::All(parts) => {
            let said: Vec<_> = parts.iter().filter_map(|part| say(table, part, advanced)).collect();
            joined(said, " and ", usize::max)
        }
        // Whether logs understand `or` is not documented.
        Filter::Any(_) if table.family != Family::Directory => None,
        Filter::Any(parts) => {
            let said: Option<Vec<_>> =
                parts.iter().map(|part| say(table, part, advanced)).collect();
            let clause = joined(said?, " or ", usize::saturating_add)?;
            let fits = clause.advanced || clause.alternatives <= limits::FILTER_ALTERNATIVES_MAX;
            fits.then(|| Clause { text: format!("({})", clause.text), ..clause })
        }
        Filter::Compare(column, comparison, value) => {
            Of::find(table, column, advanced)?.compared(*comparison, value)
        }
        Filter::In(column, values) => Of::find(table, column, advanced)?.one_of(values),
        Filter::Null(column) => {
            let of = Of::find(table, column, advanced)?;
            of.if_may(Operator::Null, |name| format!("{name} eq null"))
        }
        Filter::NotNull(column) => {
            let of = Of::find(table, column, advanced)?;
            of.if_may(Operator::NotNull, |name| format!("{name} ne null"))
        }
        Filter::StartsWith(column, start) => {
            let start = text(start)?;
            let of = Of::find(table, column, advanced)?;
            of.if_may(Operator::StartsWith, |name| format!("startsWith({name},{start})"))
        }
        Filter::EndsWith(column, end) => {
            let end = text(end)?;
            let of = Of::find(table, column, advanced)?;
            of.if_may(Operator::EndsWith, |name| format!("endsWith({name},{end})"))
        }
        Filter::Has(column, Value::Text(item)) => {
            let item = text(item)?;
            let of = Of::find(table, column, advanced)?;
            of.if_may(Operator::Any, |name| format!("{name}/any(x:x eq {item})"))
        }
        Filter::Has(..) => None,
    }
}

fn joined(said: Vec<Clause>, with: &str, count: impl Fn(usize, usize) -> usize) -> Option<Clause> {
    said.into_iter().reduce(|one, other| Clause {
        text: format!("{}{with}{}", one.text, other.text),
        advanced: one.advanced || other.advanced,
        alternatives: count(one.alternatives, other.alternatives),
    })
}

/// A property, and what may be said of it.
struct Of<'a> {
    name: &'a str,
    filters: crate::catalog::Filters,
    advanced: bool,
}

impl<'a> Of<'a> {
    fn find(table: &'a Table, column: &str, advanced: bool) -> Option<Of<'a>> {
        let column = table.column(column)?;
        match &column.origin {
            Origin::Property(name) => Some(Of { name, filters: column.filters, advanced }),
            Origin::Parent | Origin::Extra | Origin::Comparison => None,
        }
    }

    fn if_may(&self, operator: Operator, said: impl FnOnce(&str) -> String) -> Option<Clause> {
        let basic = self.filters.basic.has(operator);
        let may = basic || self.advanced && self.filters.advanced.has(operator);
        may.then(|| Clause { text: said(self.name), advanced: !basic, alternatives: 1 })
    }

    fn compared(&self, comparison: Comparison, value: &Value) -> Option<Clause> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let said = |operator: Operator, word: &str, literal: String| {
            self.if_may(operator, |name| format!("{name} {word} {literal}"))
        };
        match (comparison, value) {
            // Graph refuses an id that cannot be one.
            (Equal, Value::Text(value)) if self.name == "id" && !is_guid(value) => None,
            (Equal, Value::Text(value)) => said(Operator::Eq, "eq", text(value)?),
            (Equal, Value::Boolean(value)) => said(Operator::Eq, "eq", value.to_string()),
            (Equal, Value::Integer(value)) => said(Operator::Eq, "eq", value.to_string()),
            (NotEqual, Value::Boolean(value)) => said(Operator::Ne, "ne", value.to_string()),
            // A cell has lost the seventh digit of the second, so that it stands for ten values.
            (Equal, Value::Timestamp(value)) => joined(
                vec![
                    said(Operator::Ge, "ge", time(*value, false)?)?,
                    said(Operator::Le, "le", time(*value, true)?)?,
                ],
                " and ",
                usize::max,
            ),
            (Greater | GreaterOrEqual, Value::Timestamp(value)) => {
                said(Operator::Ge, "ge", time(*value, false)?)
            }
            (Less | LessOrEqual, Value::Timestamp(value)) => {
                said(Operator::Le, "le", time(*value, true)?)
            }
            (Greater | GreaterOrEqual, Value::Date(days)) => said(Operator::Ge, "ge", date(*days)?),
            (Less | LessOrEqual, Value::Date(days)) => said(Operator::Le, "le", date(*days)?),
            (Equal, Value::Date(days)) => said(Operator::Eq, "eq", date(*days)?),
            _ => None,
        }
    }

    fn one_of(&self, values: &[Value]) -> Option<Clause> {
        let texts: Option<Vec<_>> = values
            .iter()
            .map(|value| match value {
                // Graph refuses an id that cannot be one.
                Value::Text(value) if self.name == "id" && !is_guid(value) => None,
                Value::Text(value) => text(value),
                _ => None,
            })
            .collect();
        let texts = texts.filter(|texts| !texts.is_empty())?;
        let clause =
            self.if_may(Operator::In, |name| format!("{name} in ({})", texts.join(",")))?;
        let fits = clause.advanced || texts.len() <= limits::FILTER_ALTERNATIVES_MAX;
        fits.then_some(Clause { alternatives: texts.len(), ..clause })
    }
}

/// The clause that lets through the rows with these ids.
pub(super) fn ids(ids: &[impl AsRef<str>]) -> String {
    let quoted: Vec<_> = ids.iter().map(|id| format!("'{}'", id.as_ref())).collect();
    match &*quoted {
        [one] => format!("id eq {one}"),
        _ => format!("id in ({})", quoted.join(",")),
    }
}

/// Whether it is a GUID as Graph writes them.
pub(super) fn is_guid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match dashes.contains(&at) {
            true => byte == b'-',
            false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Text as a literal: in quotes, its own doubled. Empty and long text and control characters are
/// refused by Graph, so nothing is said of them.
fn text(value: &str) -> Option<String> {
    let sayable = !value.is_empty()
        && value.chars().count() <= limits::FILTER_TEXT_CHARS_MAX
        && !value.chars().any(char::is_control);
    sayable.then(|| format!("'{}'", value.replace('\'', "''")))
}

/// A point in time as a literal; the `last` one has the highest digit that a cell does not hold.
fn time(micros: i64, last: bool) -> Option<String> {
    let at = DateTime::from_timestamp_micros(micros)?;
    let at = if last { at.checked_add_signed(TimeDelta::nanoseconds(900))? } else { at };
    let years = limits::FILTER_YEARS;
    years.contains(&chrono::Datelike::year(&at)).then(|| {
        let digits = at.timestamp_subsec_nanos() / 100;
        match digits {
            0 => at.to_rfc3339_opts(SecondsFormat::Secs, true),
            _ => format!("{}.{digits:07}Z", at.format("%Y-%m-%dT%H:%M:%S")),
        }
    })
}

fn date(days: i32) -> Option<String> {
    let micros = i64::from(days).checked_mul(86_400_000_000)?;
    let at = DateTime::from_timestamp_micros(micros)?;
    limits::FILTER_YEARS
        .contains(&chrono::Datelike::year(&at))
        .then(|| at.format("%Y-%m-%d").to_string())
}
