//! What is asked, before anything is known of it.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::snapshot::Which;

/// What a caller asks: for a table, or in SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A read of one table.
    Table(Request),
    /// A statement.
    Sql(Statement),
}

/// A statement in SQL, as its asker put it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement {
    /// One statement that reads.
    pub text: Arc<str>,
    /// The connection of tables that are named without one; may be left out where there is only
    /// one.
    pub catalog: Option<String>,
    /// The schema of tables that are named without one; `directory` if it is left out.
    pub schema: Option<String>,
    /// Values of its parameters, a column each, in order; it runs once for each row.
    pub parameters: Option<RecordBatch>,
    /// One part of the rows; `None` is all of them.
    pub part: Option<Part>,
    /// The stored version of its only table, whichever is the newest.
    pub version: Option<u64>,
}

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
    /// A condition in SQL over the table's columns.
    pub filter: Option<String>,
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

impl Statement {
    /// The statement `text`, without parameters and with the defaults.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Statement { text: text.into(), ..Statement::default() }
    }
}

impl From<Request> for Command {
    fn from(request: Request) -> Self {
        Command::Table(request)
    }
}

impl From<Statement> for Command {
    fn from(statement: Statement) -> Self {
        Command::Sql(statement)
    }
}
