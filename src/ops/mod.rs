//! What the program can do besides reading tables, once for the command line, the Flight actions
//! and whatever comes later.

mod check;
mod cron;
mod expire;
mod history;
mod kept;
mod load;
mod schedule;

pub use check::{Access, HiddenRows, Lack, allowed, check};
pub use cron::{Cron, CronError};
pub use expire::expire;
pub use history::{History, Step, history};
pub use load::{How, Loaded, UnderWay, load, load_all};
pub use schedule::{Job, run as run_schedule};

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::clock;
use crate::error::Kind;
use crate::{auth, catalog, graph, query, snapshot, source};

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// We could not sign in.
    #[error(transparent)]
    Auth(#[from] Arc<auth::Error>),
    /// We signed in, and the token does not show what it grants.
    #[error("the token of connection `{connection}` does not show what it grants")]
    Opaque {
        /// Which connection.
        connection: String,
    },
    /// The deadline came before a token.
    #[error("signing in for connection `{connection}` was not done in time")]
    TooLate {
        /// Which connection.
        connection: String,
    },
    /// A table was not found, or is not stored.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// A table or column was not found.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A table could not be read.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The store could not be read or written.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// A load looks as if it had lost rows.
    #[error("`{table}` had {before} rows and now has {after} of them; the load was held back")]
    Suspicious {
        /// Which table.
        table: String,
        /// Rows of the newest version, or those that another engine has left where they are more.
        before: u64,
        /// Rows read, or those of the version before that are still there.
        after: u64,
        /// What other engines did to it since the load before, if they did.
        foreign: Option<String>,
    },
    /// Rows of the version before could not be taken over.
    #[error("the rows of the version before cannot be taken over")]
    Kept(#[from] arrow::error::ArrowError),
    /// Graph did not tell.
    #[error(transparent)]
    Graph(#[from] graph::Error),
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Auth(error) => error.kind(),
            Error::Opaque { .. } => Kind::Unsupported,
            Error::TooLate { .. } => Kind::TimedOut,
            Error::Graph(error) => error.kind(),
            Error::Query(error) => error.kind(),
            Error::Catalog(error) => error.kind(),
            Error::Source(error) => error.kind(),
            Error::Snapshot(error) => error.kind(),
            Error::Suspicious { .. } => Kind::Corrupt,
            Error::Kept(_) => Kind::Internal,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Auth(error) => error.hint(),
            Error::Opaque { .. } => Some("read a table to see whether it is allowed".to_owned()),
            Error::TooLate { .. } | Error::Kept(_) => None,
            Error::Catalog(_) => None,
            Error::Query(error) => error.hint(),
            Error::Source(error) => error.hint(),
            Error::Snapshot(error) => error.hint(),
            Error::Suspicious { foreign: None, .. } => {
                Some("look whether the rows are really gone, then load with `--accept`".to_owned())
            }
            Error::Suspicious { foreign: Some(told), .. } => {
                Some(format!("{told}; look whether their rows may go, then load with `--accept`"))
            }
            Error::Graph(error) => error.hint(),
        }
    }
}

/// The time, to the millisecond, which is what the store keeps of it.
pub fn now() -> DateTime<Utc> {
    let since = clock::unix_now();
    DateTime::from_timestamp_millis(i64::try_from(since.as_millis()).unwrap_or(0))
        .unwrap_or_default()
}
