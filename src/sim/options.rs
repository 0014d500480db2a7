//! The query options of a request, read but not yet judged.
//!
//! <https://learn.microsoft.com/graph/query-parameters>

use std::borrow::Cow;

use url::form_urlencoded;

use super::filter::{self, Expr, Path};
use super::reply::Refusal;
use super::search::Search;

/// What stands behind the question mark.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) select: Option<Vec<String>>,
    pub(super) top: Option<u64>,
    pub(super) skip: Option<u64>,
    pub(super) filter: Option<Expr>,
    pub(super) order: Vec<Order>,
    pub(super) search: Option<Search>,
    pub(super) count: bool,
    pub(super) expand: Option<Expand>,
    pub(super) page_token: Option<String>,
    /// Everything but the page token, as sent: what a link to the next page repeats.
    pub(super) kept: String,
    /// The same, decoded: what a page token is bound to.
    pub(super) meant: String,
}

/// One property to order by.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) path: Path,
    pub(super) descending: bool,
}

/// One relation to follow in the same answer.
#[derive(Debug)]
pub(super) struct Expand {
    pub(super) name: String,
    pub(super) select: Option<Vec<String>>,
}

impl Options {
    /// Reads a query.
    ///
    /// # Errors
    ///
    /// Graph's 400 for an option that it does not know or that cannot be read.
    pub(super) fn read(query: &str) -> Result<Options, Refusal> {
        let mut options = Options::default();
        for raw in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = form_urlencoded::parse(raw.as_bytes()).next() else {
                continue;
            };
            let name = known(name.as_ref());
            if name == "skiptoken" {
                options.page_token = Some(value.into_owned());
                continue;
            }
            let separator = if options.kept.is_empty() { "" } else { "&" };
            options.kept.extend([separator, raw]);
            options.meant.extend([separator, &*name, "=", &*value]);
            options.take(&name, &value)?;
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "select" => self.select = Some(names(value)?),
            "top" => self.top = Some(number(name, value)?),
            "skip" => self.skip = Some(number(name, value)?),
            "filter" => self.filter = Some(filter::read(value)?),
            "orderby" => self.order = orders(value)?,
            "search" => self.search = Some(Search::read(value)?),
            "expand" => self.expand = Some(expand(value)?),
            "count" => match value {
                "true" => self.count = true,
                "false" => self.count = false,
                _ => return Err(invalid(name, value)),
            },
            "format" => {}
            _ if name.starts_with('$') => {
                let message = format!("Unrecognized query option '{name}'.");
                return Err(Refusal::bad(message));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a property is selected by name, filtered on or ordered by.
    pub(super) fn speaks_of(&self, property: &str) -> bool {
        self.select.as_ref().is_some_and(|names| names.iter().any(|name| name == property))
            || self.filter.as_ref().is_some_and(|filter| filter.speaks_of(|name| name == property))
            || self.order.iter().any(|order| order.path.first() == property)
    }
}

/// A system option's name without its dollar sign, which may be left out; others as they are.
fn known(name: &str) -> Cow<'_, str> {
    const OPTIONS: [&str; 10] = [
        "select",
        "top",
        "skip",
        "filter",
        "orderby",
        "search",
        "expand",
        "count",
        "format",
        "skiptoken",
    ];
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix('$').unwrap_or(&lower);
    match OPTIONS.into_iter().find(|option| *option == bare) {
        Some(option) => Cow::Borrowed(option),
        None => Cow::Borrowed(name),
    }
}

fn invalid(name: &str, value: &str) -> Refusal {
    Refusal::bad(format!("Invalid value '{value}' for the query option '${name}'."))
}

fn number(name: &str, value: &str) -> Result<u64, Refusal> {
    value.parse().map_err(|_| invalid(name, value))
}

fn names(list: &str) -> Result<Vec<String>, Refusal> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        if name.is_empty() {
            return Err(Refusal::bad("Term '' is not valid in a $select or $expand expression."));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn orders(list: &str) -> Result<Vec<Order>, Refusal> {
    list.split(',')
        .map(|item| {
            let mut words = item.split_whitespace();
            let descending = match (words.next(), words.next(), words.next()) {
                (Some(path), None | Some("asc"), None) => (path, false),
                (Some(path), Some("desc"), None) => (path, true),
                _ => return Err(invalid("orderby", list)),
            };
            let (path, descending) = descending;
            Ok(Order { path: Path::new(path), descending })
        })
        .collect()
}

/// Reads `manager($select=id,displayName)`; Graph follows no more than one relation.
fn expand(text: &str) -> Result<Expand, Refusal> {
    let text = text.trim();
    let (name, inner) = match text.split_once('(') {
        Some((name, rest)) => {
            (name, rest.strip_suffix(')').ok_or_else(|| invalid("expand", text))?)
        }
        None => (text, ""),
    };
    if name.contains(',') || inner.contains(')') {
        let message = "Expanding more than one navigation property in a request is not supported.";
        return Err(Refusal::unsupported(message));
    }
    let mut expand = Expand { name: name.trim().to_owned(), select: None };
    for option in inner.split(';').filter(|option| !option.is_empty()) {
        match option.split_once('=').map(|(name, value)| (known(name.trim()), value)) {
            Some((name, value)) if name == "select" => expand.select = Some(names(value)?),
            _ => {
                let message = format!("The query option '{option}' is not supported in $expand.");
                return Err(Refusal::unsupported(message));
            }
        }
    }
    Ok(expand)
}
