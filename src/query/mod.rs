//! The one meeting place: a [`Command`] goes in, an [`Answer`] with a schema and a stream comes
//! out.
//!
//! A path descriptor, a JSON command, a ticket, a statement and the command line all end here, so
//! there is one way to test and to measure. [`Engine::plan`] reads no rows and does not ask Graph;
//! [`Engine::run`] starts the read when its stream is first pulled.
//!
//! | file | what it does |
//! |---|---|
//! | `request` | what is asked |
//! | `words`, `statement` | from text to a plan: names as the tables spell them, reads only |
//! | `rewrites`, `clauses` | what the planner does not know: said in its words, or refused by name |
//! | `namespace`, `catalogs`, `functions`, `system`, `listing` | what the names in a statement mean |
//! | `opened` | which state of a table is read, and by whom |
//! | `provider`, `pushdown`, `exec`, `lineage`, `few` | from a plan to scans that ask for no more than it needs |
//! | `count` | `count(*)` as Graph counts |
//! | `membership`, `correlation`, `projections`, `multisets`, `patterns` | what DataFusion's optimizer would answer wrongly |
//! | `fair`, `bounded`, `reckon`, `windows`, `plan_size` | long work that lets others have their turn; functions, windows, constants and types that would take all memory |
//! | `fixed` | which answers never change |
//! | `bind`, `shape` | values of parameters; the schema of an answer |
//! | `session` | DataFusion as it is used here |
//! | `threads` | the threads of statements, apart from those that serve |
//! | `engine`, `deadline` | plans and runs, in time |
//! | `fault` | what DataFusion says went wrong, as errors of ours |
//!
//! DataFusion is spoken of here and nowhere else.

mod ambiguity;
mod bind;
mod bounded;
mod catalogs;
mod clauses;
mod columnless;
mod correlation;
mod count;
mod deadline;
mod engine;
mod exec;
mod fair;
mod fault;
mod few;
mod fixed;
mod functions;
mod lineage;
mod listing;
mod membership;
mod multisets;
mod namespace;
mod opened;
mod outer;
mod patterns;
mod plan_size;
mod projections;
mod provider;
mod pushdown;
mod reckon;
mod request;
mod rewrites;
mod sanity;
mod session;
mod shape;
mod statement;
mod system;
mod threads;
mod totals;
mod windows;
mod words;

use std::sync::Arc;
use std::time::Duration;

pub use catalogs::{DIRECTORY, LIVE, SCHEMAS, STORED, SYSTEM};
pub use deadline::timely;
pub use engine::{Answer, Engine, Known, Plan, Prepared};
pub use fixed::Fixed;
pub use listing::{Listed, Name};
pub use namespace::{Connection, Namespace};
pub use opened::{Opened, pair};
pub use request::{Command, Of, Part, Request, Statement, Version};
use session::Spent;

use datafusion::common::DataFusionError;

use crate::error::Kind;
use crate::{catalog, snapshot, source};

/// Why a request cannot be planned, or its stream cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection has this name.
    #[error("there is no connection `{name}`{}", catalog::clause(.near))]
    UnknownConnection {
        /// What was asked for.
        name: String,
        /// The connections that come closest.
        near: Vec<String>,
    },
    /// There are several connections and the request names none.
    #[error("the request names no connection and there are {count}")]
    WhichConnection {
        /// How many there are.
        count: usize,
    },
    /// The table or a column does not exist, or the columns asked for make no sense.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A stored version is asked for and there is no store.
    #[error("there is no store to read stored versions from")]
    NoStore,
    /// The stored version has no such column, although the table has.
    #[error("column `{column}` is not stored in version {version} of `{table}`")]
    NotStored {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The version.
        version: u64,
    },
    /// The rows cannot be divided like this.
    #[error("`{table}` has no part {} of {}", .part.index, .part.of)]
    NoPart {
        /// The table.
        table: String,
        /// What was asked for.
        part: Part,
    },
    /// No schema of a connection has this name.
    #[error("there is no schema `{name}`{}", catalog::clause(.near))]
    UnknownSchema {
        /// What was asked for.
        name: String,
        /// The schemas that come closest.
        near: Vec<String>,
    },
    /// The schema `system` has no such table.
    #[error("there is no table `{name}` in `system`{}", catalog::clause(.near))]
    UnknownSystemTable {
        /// What was asked for.
        name: String,
        /// The tables that come closest.
        near: Vec<String>,
    },
    /// A statement cannot be read or planned.
    #[error("the statement cannot be planned: {message}{place}")]
    Statement {
        /// Why.
        message: String,
        /// Where, with the line and a caret below it; empty where that is not known.
        place: String,
    },
    /// A statement is longer than one may be.
    #[error("the statement has {count} {what}; at most {max} are read")]
    TooLong {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A statement that does not only read.
    #[error("`{verb}` is refused: this server only reads the directory")]
    Writes {
        /// How it begins.
        verb: String,
    },
    /// Something that the SQL of this server has not.
    #[error("this is not supported: {message}")]
    NotSupported {
        /// What.
        message: String,
    },
    /// A table function was called in another way than it can be.
    #[error("`{name}` is called with literals, such as {form}")]
    Call {
        /// The function.
        name: &'static str,
        /// How it is called.
        form: &'static str,
    },
    /// A version that is none.
    #[error(transparent)]
    Which {
        /// Why.
        source: snapshot::WhichError,
    },
    /// Other parameters than the statement has.
    #[error("the statement has {wanted} parameters and {given} values were given")]
    ParameterCount {
        /// How many the statement has.
        wanted: usize,
        /// How many came.
        given: usize,
    },
    /// A value cannot be what its parameter is.
    #[error("parameter {number} is {wanted} and cannot be made of {given}")]
    ParameterType {
        /// Which one, from 1.
        number: usize,
        /// What the statement makes of it.
        wanted: String,
        /// What came.
        given: String,
    },
    /// A statement with parameters is to be run, and no set of values was given.
    #[error("the statement has parameters, and no values were given for them")]
    NotBound,
    /// Too many sets of parameters.
    #[error("{count} sets of parameters were given; a statement runs for at most {max}")]
    TooManyBindings {
        /// How many came.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// The deadline came before the plan.
    #[error("the statement could not be planned in time")]
    PlannedTooLate,
    /// Statements that were given up still run, and cannot be interrupted.
    #[error("{count} statements that were given up still run, and no others begin meanwhile")]
    StatementsAbandoned {
        /// How many.
        count: usize,
    },
    /// As many statements are planned or run as may be at once.
    #[error("{max} statements are under way, and no more begin at once")]
    TooManyStatements {
        /// How many.
        max: usize,
    },
    /// The system gives no threads to a statement.
    #[error("could not start threads for a statement")]
    Threads(#[source] std::io::Error),
    /// The deadline came before the last row.
    #[error("the rows did not all come in time")]
    TooLate,
    /// A running plan met something.
    #[error("{}", fault::message(.0))]
    Run(Arc<DataFusionError>),
    /// A stored version cannot be found or read.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The read failed.
    #[error(transparent)]
    Source(#[from] source::Error),
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::UnknownConnection { .. } | Error::NotStored { .. } => Kind::NotFound,
            Error::WhichConnection { .. } | Error::NoPart { .. } => Kind::Invalid,
            Error::NoStore => Kind::Unsupported,
            Error::Snapshot(error) => error.kind(),
            Error::Catalog(error) => error.kind(),
            Error::Source(error) => error.kind(),
            Error::UnknownSchema { .. } | Error::UnknownSystemTable { .. } => Kind::NotFound,
            Error::Statement { .. }
            | Error::TooLong { .. }
            | Error::Call { .. }
            | Error::Which { .. }
            | Error::ParameterCount { .. }
            | Error::ParameterType { .. }
            | Error::NotBound
            | Error::TooManyBindings { .. } => Kind::Invalid,
            Error::Writes { .. } | Error::NotSupported { .. } => Kind::Unsupported,
            Error::TooLate | Error::PlannedTooLate => Kind::TimedOut,
            Error::StatementsAbandoned { .. } | Error::TooManyStatements { .. } => Kind::Throttled,
            Error::Threads(_) => Kind::Unavailable,
            Error::Run(error) => fault::kind(error),
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::UnknownConnection { .. } => None,
            Error::NoStore => Some("name a folder or a URL under `[store] url`".to_owned()),
            Error::NotStored { .. } => {
                Some("read it live, with the version `live`, or load the table again".to_owned())
            }
            Error::NoPart { .. } => Some("ask for new tickets with get_flight_info".to_owned()),
            Error::Snapshot(error) => error.hint(),
            Error::WhichConnection { .. } => {
                Some("name one, as in the path `[\"connection\", \"table\"]`".to_owned())
            }
            Error::TooLate => Some("give the call more time, or ask for less".to_owned()),
            Error::PlannedTooLate => Some(
                "nest fewer functions and subqueries inside of each other, or give the call more time"
                    .to_owned(),
            ),
            Error::StatementsAbandoned { .. } => Some(
                "read tables without SQL, which goes on, or try again later; restart the server if \
                 they do not end"
                    .to_owned(),
            ),
            Error::TooManyStatements { .. } => {
                Some("try again when some of them have ended".to_owned())
            }
            Error::Catalog(error) => error.hint(),
            Error::Source(error) => error.hint(),
            Error::Run(error) => match fault::inside(error) {
                Some(fault::Inside::Source(error)) => error.hint(),
                Some(fault::Inside::Query(error)) => error.hint(),
                None => None,
            },
            _ => None,
        }
    }

    /// How long to wait before trying again, where Graph said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Source(error) => error.retry_after(),
            Error::Run(error) => match fault::inside(error) {
                Some(fault::Inside::Source(error)) => error.retry_after(),
                _ => None,
            },
            _ => None,
        }
    }
}
