//! What DataFusion says went wrong, as an error of ours.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};

use super::Error;
use crate::error::{Kind, Report};
use crate::{catalog, source};

/// A place in the text of a statement, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The character in it.
    pub column: u64,
}

impl Error {
    /// A statement that cannot be read or planned, with the line that is meant.
    pub(super) fn statement(text: &str, message: String, at: Option<Position>) -> Error {
        let at = at.filter(|at| at.line > 0 && at.column > 0);
        let place = at.map_or_else(String::new, |at| place(text, at));
        Error::Statement { message, place }
    }

    /// A clause that is read and has no effect here, with the line that is meant.
    pub(super) fn clause(text: &str, clause: &str, at: Option<Position>) -> Error {
        let place = at.map_or_else(String::new, |at| place(text, at));
        Error::NotSupported { message: format!("`{clause}`{place}") }
    }

    /// What DataFusion met on the way to a plan for `text`.
    pub(super) fn planning(text: &str, error: DataFusionError) -> Error {
        Error::planned(text, error, None)
    }

    /// The same, where DataFusion knows that it means `at`.
    fn planned(text: &str, error: DataFusionError, at: Option<Position>) -> Error {
        match error {
            DataFusionError::Diagnostic(diagnostic, inner) => {
                let span = diagnostic.span.filter(|span| span.start.line > 0);
                let known =
                    span.map(|span| Position { line: span.start.line, column: span.start.column });
                Error::planned(text, *inner, known.or(at))
            }
            DataFusionError::Context(_, inner) => Error::planned(text, *inner, at),
            DataFusionError::Collection(all) => match all.into_iter().next() {
                Some(first) => Error::planned(text, first, at),
                None => Error::statement(text, "it cannot be planned".to_owned(), None),
            },
            // What it takes for a fault of its own is mostly an argument of another type.
            DataFusionError::Internal(message) => {
                let first = message.lines().next().unwrap_or_default();
                Error::statement(text, tidied(first), at)
            }
            DataFusionError::SQL(error, _) => parsing(text, &error.to_string()),
            DataFusionError::SchemaError(error, _) => named(text, &error, at),
            DataFusionError::Plan(message) => Error::statement(text, tidied(&message), at),
            DataFusionError::NotImplemented(message) => not_supported(message),
            other => Error::from(other),
        }
    }
}

/// What DataFusion does not have; it shows its own notation of some expressions.
fn not_supported(message: String) -> Error {
    let message = match message.strip_prefix("Physical plan does not support logical expression ") {
        Some(shown) if shown.starts_with("InSubquery") => {
            "`IN (subquery)` in this place".to_owned()
        }
        Some(shown) if shown.starts_with("Exists") => "`EXISTS` in this place".to_owned(),
        Some(shown) if shown.starts_with("ScalarSubquery") => {
            "a subquery that depends on the outer row in this place".to_owned()
        }
        _ => message,
    };
    Error::NotSupported { message }
}

/// What the parser says, which has the place at its end.
fn parsing(text: &str, message: &str) -> Error {
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    let found = message.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let at = Position { line: line.parse().ok()?, column: column.parse().ok()? };
        Some((message, at))
    });
    match found {
        Some((message, at)) => Error::statement(text, tidied(message), Some(at)),
        None if message.contains("recursion limit") => {
            Error::statement(text, "it nests too deep".to_owned(), None)
        }
        None => Error::statement(text, tidied(message), None),
    }
}

/// A name that is none, or that could be several.
fn named(text: &str, error: &SchemaError, at: Option<Position>) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(|field| field.name.as_str());
            let near = catalog::nearest(&field.name, known);
            let shown = catalog::shown(&field.flat_name());
            let message = format!("there is no column `{shown}`{}", catalog::clause(&near));
            Error::statement(text, message, at.or_else(|| find(text, &field.name)))
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!("column `{}` could be of several tables", field.name);
            Error::statement(text, message, at.or_else(|| find(text, &field.name)))
        }
        other => Error::statement(text, tidied(&other.to_string()), at),
    }
}

/// Where a name stands first in the text, as a whole word.
fn find(text: &str, name: &str) -> Option<Position> {
    let lower = text.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (at, _) = lower.match_indices(&name.to_lowercase()).find(|(at, found)| {
        let before = lower.get(..*at).and_then(|before| before.chars().next_back());
        let after = lower.get(at + found.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })?;
    let before = lower.get(..at)?;
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.rsplit('\n').next()?.chars().count() as u64 + 1;
    Some(Position { line, column })
}

/// Without the capital letter and the full stop of a sentence.
fn tidied(message: &str) -> String {
    let message = message.trim().trim_end_matches('.');
    let mut letters = message.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message.to_owned(),
    }
}

/// The line with a caret below the place.
fn place(text: &str, at: Position) -> String {
    /// Characters of a line that are shown on either side of the place.
    const AROUND: usize = 60;
    let mut out = format!(" (line {}, column {})", at.line, at.column);
    let index = |number: u64| usize::try_from(number - 1).unwrap_or(usize::MAX);
    let Some(line) = text.lines().nth(index(at.line)) else { return out };
    let from = index(at.column).saturating_sub(AROUND);
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let part: String = line.chars().skip(from).take(2 * AROUND).map(shown).collect();
    let caret = index(at.column) - from;
    // Writing to a String cannot fail.
    let _ = write!(out, "\n  {part}\n  {:caret$}^", "");
    out
}

impl From<DataFusionError> for Error {
    /// What a plan met while it ran; a failure of a source, or of ours, comes out as it went in.
    fn from(error: DataFusionError) -> Self {
        // <https://github.com/apache/datafusion/issues/24937>. It would show the cells.
        if let DataFusionError::Internal(message) = error.find_root()
            && message.starts_with("Uncomparable values")
        {
            return Error::NotSupported { message: "an order of lists or structs".to_owned() };
        }
        match error {
            DataFusionError::External(error) => external(error),
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                Error::from(*inner)
            }
            DataFusionError::ArrowError(error, trace) => match *error {
                ArrowError::ExternalError(error) => external(error),
                error => Error::Run(Arc::new(DataFusionError::ArrowError(Box::new(error), trace))),
            },
            DataFusionError::Shared(shared) => match Arc::try_unwrap(shared) {
                Ok(error) => Error::from(error),
                Err(shared) => Error::Run(shared),
            },
            DataFusionError::NotImplemented(message) => not_supported(message),
            error => Error::Run(Arc::new(error)),
        }
    }
}

fn external(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let error = match error.downcast::<source::Error>() {
        Ok(error) => return Error::Source(*error),
        Err(error) => error,
    };
    match error.downcast::<DataFusionError>() {
        Ok(error) => Error::from(*error),
        Err(error) => Error::Run(Arc::new(DataFusionError::External(error))),
    }
}

/// The failure of a source, or of ours, that is inside of one that several wait for.
pub(super) enum Inside<'a> {
    Source(&'a source::Error),
    Query(&'a Error),
}

pub(super) fn inside(error: &DataFusionError) -> Option<Inside<'_>> {
    match error {
        DataFusionError::External(error) => known(&**error),
        DataFusionError::Shared(error) => inside(error),
        DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => inside(error),
        DataFusionError::ArrowError(error, _) => match &**error {
            ArrowError::ExternalError(error) => known(&**error),
            _ => None,
        },
        _ => None,
    }
}

fn known<'a>(error: &'a (dyn std::error::Error + Send + Sync + 'static)) -> Option<Inside<'a>> {
    if let Some(error) = error.downcast_ref() {
        return Some(Inside::Source(error));
    }
    match error.downcast_ref() {
        Some(error) => Some(Inside::Query(error)),
        None => inside(error.downcast_ref()?),
    }
}

/// The reaction that a failure of a running plan asks for.
pub(super) fn kind(error: &DataFusionError) -> Kind {
    match inside(error) {
        Some(Inside::Source(error)) => return error.kind(),
        Some(Inside::Query(error)) => return error.kind(),
        None => {}
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Kind::Throttled,
        DataFusionError::IoError(_) => Kind::Unavailable,
        DataFusionError::Plan(_)
        | DataFusionError::SQL(..)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Execution(_)
        | DataFusionError::Configuration(_) => Kind::Invalid,
        DataFusionError::NotImplemented(_) => Kind::Unsupported,
        DataFusionError::ArrowError(error, _) => match &**error {
            ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::InvalidArgumentError(_)
            | ArrowError::ComputeError(_) => Kind::Invalid,
            _ => Kind::Internal,
        },
        DataFusionError::ExecutionJoin(error) if error.is_cancelled() => Kind::Cancelled,
        _ => Kind::Internal,
    }
}

/// The message without what stands in quotes, which may be a cell.
fn hidden(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let (before, quoted) = rest.split_at(start);
        let mut letters = quoted.chars();
        let quote = letters.next().unwrap_or('"');
        // A cell may hold a quote itself: all up to the last one of its kind is left out.
        let Some(end) = letters.as_str().rfind(quote) else { break };
        out.push_str(before);
        out.extend([quote, '…', quote]);
        rest = letters.as_str().get(end + quote.len_utf8()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Its message, for people. Arrow's own would show the cell that did not fit.
pub(super) fn message(error: &DataFusionError) -> String {
    match inside(error) {
        Some(Inside::Source(error)) => return Report::new(error, None).to_string(),
        Some(Inside::Query(error)) => return Report::new(error, None).to_string(),
        None => {}
    }
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => match &**error {
            ArrowError::DivideByZero => "a number is divided by zero".to_owned(),
            ArrowError::ArithmeticOverflow(_) => "a number is too large for its type".to_owned(),
            ArrowError::CastError(_) | ArrowError::ParseError(_) => {
                "a value cannot be cast to the type asked for; `TRY_CAST` gives null instead"
                    .to_owned()
            }
            other => tidied(&hidden(&other.to_string())),
        },
        DataFusionError::Execution(message) => tidied(&hidden(message)),
        DataFusionError::ResourcesExhausted(_) => format!(
            "the statement needs more than the {} MiB that all statements may take together",
            crate::limits::query::MEMORY_BYTES_MAX >> 20
        ),
        root => tidied(&root.message()),
    }
}
