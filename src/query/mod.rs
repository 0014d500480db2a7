//! The one meeting place: a [`Request`] goes in, an [`Answer`] with a schema and a stream comes
//! out.
//!
//! A path descriptor, a JSON command, a ticket and the command line all end here, so there is one
//! way to test and to measure. [`Engine::plan`] reads no rows and does not ask Graph;
//! [`Engine::run`] starts the read when its stream is first pulled.

mod engine;
mod namespace;
mod request;

pub use engine::{Answer, Engine, Known, Plan, pair};
pub use namespace::{Connection, MaxAge, Namespace};
pub use request::{Of, Part, Request, Version};

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
            Error::Catalog(error) => error.hint(),
            Error::Source(error) => error.hint(),
        }
    }
}
