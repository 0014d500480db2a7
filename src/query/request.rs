//! What is asked of a table, before anything is known of it.

use std::str::FromStr;

use crate::snapshot::Which;

/// A read of one table, as its asker put it.
///
/// Nothing in it has been checked: names become a table and columns in
/// [`Engine::plan`](super::Engine::plan).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Request {
    /// Which tenant; may be left out where there is only one.
    pub connection: Option<String>,
    /// Such as `group_members`.
    pub table: String,
    /// The columns in the order wanted; `None` is all that the table gives by default.
    pub columns: Option<Vec<String>>,
    /// At most this many rows; which ones is the source's choice.
    pub limit: Option<u64>,
    /// Which state of the table is meant.
    pub of: Of,
    /// One part of the rows of a stored version; `None` is all of them.
    pub part: Option<Part>,
}

/// Which state of a table is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Its rows, as they are now or were stored. Without a version: the newest stored one if it is
    /// younger than the table's `max_age`, else as they are now.
    Rows(Option<Version>),
    /// What changed between two stored versions.
    Changes {
        /// The older; `None` is the one before `to`.
        from: Option<Which>,
        /// The newer.
        to: Which,
    },
}

/// One state of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// As Graph has it now.
    Live,
    /// As it was stored.
    Stored(Which),
}

/// One of `of` parts of a stored version, which together hold each row once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Which one, from 0.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

impl Default for Of {
    fn default() -> Self {
        Of::Rows(None)
    }
}

impl Request {
    /// All rows and columns of `table`.
    pub fn table(table: impl Into<String>) -> Self {
        Request { table: table.into(), ..Request::default() }
    }
}

impl FromStr for Version {
    type Err = crate::snapshot::WhichError;

    /// `live`, `latest`, a number, or a time such as `2026-11-01` or `2026-11-01T02:00:00Z`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "live" => Ok(Version::Live),
            _ => text.parse().map(Version::Stored),
        }
    }
}
