//! The one meeting place: a [`Request`] goes in, an [`Answer`] with a schema and a stream comes
//! out.
//!
//! A path descriptor, a JSON command, a ticket and the command line all end here, so there is one
//! way to test and to measure. [`Engine::plan`] runs nothing and asks nobody; [`Engine::run`]
//! starts the read when its stream is first pulled.

mod engine;
mod namespace;
mod request;

pub use engine::{Answer, Engine, Plan};
pub use namespace::{Connection, Namespace};
pub use request::Request;

use crate::error::Kind;
use crate::{catalog, source};

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
    /// The read failed.
    #[error(transparent)]
    Source(#[from] source::Error),
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::UnknownConnection { .. } => Kind::NotFound,
            Error::WhichConnection { .. } => Kind::Invalid,
            Error::Catalog(error) => error.kind(),
            Error::Source(error) => error.kind(),
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::UnknownConnection { .. } => None,
            Error::WhichConnection { .. } => {
                Some("name one, as in the path `[\"connection\", \"table\"]`".to_owned())
            }
            Error::Catalog(error) => error.hint(),
            Error::Source(error) => error.hint(),
        }
    }
}
