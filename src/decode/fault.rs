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
    Expected {
        /// What the column holds.
        expected: &'static str,
        /// Whether the column is part of the key.
        in_key: bool,
    },
}

impl Fault {
    /// A fault whose path is not known yet.
    pub fn new(offset: usize, problem: Problem) -> Self {
        Fault { offset, problem, path: Vec::new() }
    }

    /// The fault as the error of a row of the page; `key` tells which row it is, if it is asked.
    pub fn at_row(self, row: u64, key: impl FnOnce() -> Option<String>) -> Error {
        let path: Vec<&str> = self.path.iter().rev().map(AsRef::as_ref).collect();
        let column = (!path.is_empty()).then(|| path.join("."));
        let offset = self.offset;
        match self.problem {
            Problem::Malformed(problem) => Error::Malformed { row, column, offset, problem },
            // A key of another type is not shown.
            Problem::Expected { expected, in_key: true } => {
                Error::KeyMismatch { row, column, offset, expected }
            }
            Problem::Expected { expected, in_key: false } => {
                Error::Mismatch { row, key: key(), column, offset, expected }
            }
        }
    }
}
