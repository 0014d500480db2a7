//! Whatever answers a scan with batches.
//!
//! [`Live`] reads Graph: pages from `graph` go through `decode`, rows that a restarted listing
//! repeats are taken out, and what was asked for comes out.

mod live;
mod nested;
mod rows;
mod seen;
mod shape;

pub use live::Live;

use std::time::Duration;

use crate::error::Kind;
use crate::{decode, graph};

/// Why a scan cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A page did not come.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// A page came that is not rows of this table.
    #[error("could not decode page {page} of `{table}`")]
    Decode {
        /// Which table.
        table: String,
        /// Which page of the scan, from 1.
        page: u64,
        /// Where and why.
        #[source]
        source: decode::Error,
    },
    /// The batches do not have the shape that was planned: a fault of ours.
    #[error("could not shape the rows of `{table}`")]
    Shape {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// A listing began again after so many rows that what it repeats cannot be told any more.
    #[error("the listing of `{table}` began again after more than {rows} rows")]
    TooMuchSeen {
        /// Which table.
        table: String,
        /// How many rows can be remembered.
        rows: u64,
    },
    /// What was read so far could not be noted on the disk.
    #[error("could not note which rows of `{table}` were read")]
    Note {
        /// Which table.
        table: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Graph(error) => error.kind(),
            Error::Decode { source, .. } => source.kind(),
            Error::Shape { .. } => Kind::Internal,
            Error::TooMuchSeen { .. } | Error::Note { .. } => Kind::Unavailable,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Graph(error) => error.hint(),
            Error::TooMuchSeen { .. } => Some("read the table again".to_owned()),
            Error::Note { .. } => Some("make room in the folder for temporary files".to_owned()),
            Error::Decode { .. } | Error::Shape { .. } => None,
        }
    }

    /// How long to wait before trying again, where Graph said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Graph(error) => error.retry_after(),
            _ => None,
        }
    }
}
