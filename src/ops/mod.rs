//! What the program can do besides reading tables, once for the command line, the Flight actions
//! and whatever comes later.

mod check;

pub use check::{Access, Lack, check};

use std::sync::Arc;

use crate::error::Kind;
use crate::{auth, graph};

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
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Auth(error) => error.hint(),
            Error::Opaque { .. } => Some("read a table to see whether it is allowed".to_owned()),
            Error::TooLate { .. } => None,
            Error::Graph(error) => error.hint(),
        }
    }
}
