//! Where and why a pass broke off.

use std::sync::Arc;

use super::error::Error;

/// What is wrong at one place of a page.
pub(super) struct Fault {
    offset: usize,
    problem: Problem,
    /// The members around the place, the innermost first.
    pub path: Vec<Arc<str>>,
}

/// What is wrong.
pub(super) enum Problem {
    /// The bytes are not JSON.
    Malformed(&'static str),
    /// They are, but not of the column's type.
    Expected(&'static str),
}

impl Fault {
    /// A fault whose path is not known yet.
    pub fn new(offset: usize, problem: Problem) -> Self {
        Fault { offset, problem, path: Vec::new() }
    }

    /// The fault as the error of a row.
    pub fn at_row(self, row: u64) -> Error {
        let path: Vec<&str> = self.path.iter().rev().map(AsRef::as_ref).collect();
        let column = (!path.is_empty()).then(|| path.join("."));
        let offset = self.offset;
        match self.problem {
            Problem::Malformed(problem) => Error::Malformed { row, column, offset, problem },
            Problem::Expected(expected) => Error::Mismatch { row, column, offset, expected },
        }
    }
}
