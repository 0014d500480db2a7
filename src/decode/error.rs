//! What can go wrong.

use std::sync::Arc;

use crate::error::Kind;

/// Why columns cannot be decoded into, or a page cannot be read.
///
/// Rows and bytes are counted from 0 within the page. A column is named
/// with the path into it, such as `assignedPlans.service`. No message holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Two columns, or two members of an object, read the same member.
    #[error("two columns read the member `{0}`")]
    MemberTwice(Arc<str>),
    /// Two columns have one name, or a table has two parents or two rests.
    #[error("column `{0}` stands there twice")]
    ColumnTwice(Arc<str>),
    /// A parent's key or the rest of a row is given a type that is not text.
    #[error("column `{0}` can only be text")]
    NotText(Arc<str>),
    /// A column whose values no row of Graph holds.
    #[error("column `{0}` is not read from Graph")]
    NotFromGraph(Arc<str>),
    /// A type nests deeper than [`NESTING_MAX`](crate::limits::decode::NESTING_MAX).
    #[error("the type of column `{0}` nests too deep")]
    TypeTooDeep(Arc<str>),
    /// An object has more than [`MEMBERS_MAX`](crate::limits::decode::MEMBERS_MAX) members.
    #[error("{0} members in one object are too many")]
    TooManyMembers(usize),
    /// A setting that has to be at least 1 is 0.
    #[error("`{0}` must be at least 1")]
    Zero(&'static str),
    /// The page is larger than [`PAGE_BYTES_MAX`](crate::limits::decode::PAGE_BYTES_MAX).
    #[error("a page of {0} bytes is too large")]
    PageTooLarge(usize),
    /// The page has more rows than [`PAGE_ROWS_MAX`](crate::limits::decode::PAGE_ROWS_MAX).
    #[error("the page has more than {} rows", crate::limits::decode::PAGE_ROWS_MAX)]
    TooManyRows,
    /// The page is not UTF-8.
    #[error("the page is not UTF-8 behind byte {0}")]
    NotUtf8(usize),
    /// There is no list where the rows should be.
    #[error("the page has no list of rows at byte {0}")]
    NoRows(usize),
    /// The bytes are not JSON, or a row is not an object.
    #[error("row {row} cannot be read at byte {offset}{}: {problem}", in_column(column))]
    Malformed {
        /// Which row of the page, from 0.
        row: u64,
        /// The column and the path into it, when one was begun.
        column: Option<String>,
        /// Where in the page.
        offset: usize,
        /// What is wrong, without the value.
        problem: &'static str,
    },
    /// A value is not of the column's type, and the settings say to fail.
    #[error(
        "row {row}{} has no {expected} at byte {offset}{}",
        key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default(),
        in_column(column)
    )]
    Mismatch {
        /// Which row of the page, from 0.
        row: u64,
        /// The row's key, its columns by name, as far as it could be read.
        key: Option<String>,
        /// The column and the path into it.
        column: Option<String>,
        /// Where in the page.
        offset: usize,
        /// What the column holds.
        expected: &'static str,
    },
    /// A value that is part of the key is not of its column's type, whatever the settings say.
    #[error(
        "row {row} has no {expected} at byte {offset}{}, which is part of the key",
        in_column(column)
    )]
    KeyMismatch {
        /// Which row of the page, from 0.
        row: u64,
        /// The column.
        column: Option<String>,
        /// Where in the page.
        offset: usize,
        /// What the column holds.
        expected: &'static str,
    },
    /// Arrow refused what was decoded, which is a fault of ours.
    #[error("the decoded columns do not make a batch: {0}")]
    Batch(Arc<str>),
}

impl Error {
    /// What the failure means to whoever has to react to it.
    pub fn kind(&self) -> Kind {
        match self {
            Error::MemberTwice(_)
            | Error::ColumnTwice(_)
            | Error::NotText(_)
            | Error::NotFromGraph(_)
            | Error::TypeTooDeep(_)
            | Error::TooManyMembers(_)
            | Error::Zero(_) => Kind::Invalid,
            Error::PageTooLarge(_)
            | Error::TooManyRows
            | Error::NotUtf8(_)
            | Error::NoRows(_)
            | Error::Malformed { .. }
            | Error::Mismatch { .. }
            | Error::KeyMismatch { .. } => Kind::Corrupt,
            Error::Batch(_) => Kind::Internal,
        }
    }

    /// Whether the bytes themselves are at fault, which may be others when they are sent again.
    pub fn is_of_bytes(&self) -> bool {
        matches!(self, Error::NotUtf8(_) | Error::NoRows(_) | Error::Malformed { .. })
    }

    /// Where in the page it is, as far as that is known.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Error::NotUtf8(offset)
            | Error::NoRows(offset)
            | Error::Malformed { offset, .. }
            | Error::Mismatch { offset, .. }
            | Error::KeyMismatch { offset, .. } => Some(*offset),
            _ => None,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Mismatch { .. } => Some(
                "set `mismatch = \"extra\"` for the connection, or for the table under \
                 `mismatch_of`, and such cells become null and their values stand in `_extra`; or \
                 ask for the other columns"
                    .to_owned(),
            ),
            Error::TooManyRows => {
                Some("check what stands between this program and Graph".to_owned())
            }
            Error::NotUtf8(_) | Error::Malformed { .. } => {
                Some("try again: the page may have been damaged on its way".to_owned())
            }
            _ => None,
        }
    }
}

fn in_column(column: &Option<String>) -> String {
    column.as_ref().map(|column| format!(", in column `{column}`")).unwrap_or_default()
}
