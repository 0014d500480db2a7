//! Whatever answers a scan with batches.
//!
//! [`Live`] reads Graph: pages from `graph` go through `decode`, rows that a restarted listing
//! repeats are taken out, and what was asked for comes out. [`Stored`] reads a version from the
//! store, and [`Changes`] what makes one version of another.

mod bounded;
mod changes;
mod live;
mod nested;
mod rows;
mod seen;
mod shape;
mod stored;

pub use changes::Changes;
pub use live::Live;
pub use stored::Stored;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;

use crate::catalog::Scan;
use crate::clock::Instant;
use crate::error::Kind;
use crate::graph::Meter;
use crate::{decode, graph, snapshot};

/// Answers a scan with batches.
pub trait Source: fmt::Debug + Send + Sync {
    /// All rows that `scan` asks for, as batches of [`Scan::schema`].
    ///
    /// Nothing is read before the stream is pulled. The stream ends when every row was read or
    /// `scan.limit` is reached, and otherwise in an error, [`Kind::TimedOut`] once `deadline` has
    /// passed. Dropping it stops the read. What is asked of Graph is counted in `meter`.
    ///
    /// # Errors
    ///
    /// See [`Error`]; the stream ends after the first.
    fn scan(
        &self,
        scan: Scan,
        deadline: Instant,
        meter: Arc<Meter>,
    ) -> BoxStream<'static, Result<RecordBatch, Error>>;
}

/// Why a scan cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A page did not come.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// A stored version cannot be read.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The deadline came before the last row.
    #[error("`{table}` was not read in time")]
    TooLate {
        /// Which table.
        table: String,
    },
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
            Error::Snapshot(error) => error.kind(),
            Error::TooLate { .. } => Kind::TimedOut,
            Error::Decode { source, .. } => source.kind(),
            Error::Shape { .. } => Kind::Internal,
            Error::TooMuchSeen { .. } | Error::Note { .. } => Kind::Unavailable,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Graph(error) => error.hint(),
            Error::Snapshot(error) => error.hint(),
            Error::TooLate { .. } => {
                Some("give the call more time, or ask for fewer columns".to_owned())
            }
            Error::TooMuchSeen { .. } => Some("read the table again".to_owned()),
            Error::Note { .. } => Some("make room in the folder for temporary files".to_owned()),
            Error::Decode { source, .. } => source.hint(),
            Error::Shape { .. } => None,
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
