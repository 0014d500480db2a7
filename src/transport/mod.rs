//! One HTTP exchange: a request out, a whole answer back.
//!
//! Everything that reads Graph or signs in at Entra goes through [`Transport`]. There are two:
//! [`Sockets`], which is the network, and the simulated tenant (`sim`), which answers in process
//! so that tests hold its clock.
//!
//! What both callers of it need to know about trying again stands here too: how long a server
//! asks us to wait ([`retry_after()`]) and how long we wait unasked ([`Backoff`]).

mod backoff;
mod retry_after;
mod sockets;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use crate::error::Kind;

pub use backoff::Backoff;
pub use retry_after::retry_after;
pub use sockets::{Settings, Sockets};

/// Carries one request to its host and brings the whole answer back.
pub trait Transport: Send + Sync + 'static {
    /// Sends `exchange.request` and reads the answer to its end.
    ///
    /// An answer of any status is an answer, not an error. The body comes as it was sent: a
    /// `content-encoding` is the caller's to undo. Redirects are not followed, because a token
    /// rides on the request. Dropping the future drops the connection's request in flight.
    ///
    /// # Errors
    ///
    /// See [`Error`]; none of them carries a header or a body.
    fn exchange(&self, exchange: Exchange)
    -> BoxFuture<'_, Result<http::Response<Vec<u8>>, Error>>;
}

/// A request and the bounds within which its answer must come.
#[derive(Debug)]
pub struct Exchange {
    /// What is asked; its URI is absolute.
    pub request: http::Request<Bytes>,
    /// The longest answer that is read, in bytes as sent (before any decoding).
    pub body_bytes_max: usize,
    /// The time from the first byte sent to the last byte read.
    pub timeout: Duration,
}

/// Put into the extensions of a request that must not travel over a connection used before,
/// because the server at its other end just failed.
///
/// [`Sockets`] then leaves its open connections to the requests that are on them. A transport
/// without connections has nothing to do.
#[derive(Clone, Copy, Debug)]
pub struct NewConnection;

/// Put into the extensions of a request whose answer is looked at while it still comes. The memory that
/// the answer is received into is that of the [`Spare`](crate::spare::Spare) among them, if there is one.
///
/// [`Sockets`] shows what has come of the body, again with each piece, until it is told that it was
/// enough. A transport whose answers come in one piece shows nothing.
#[derive(Clone)]
pub struct Watch(Arc<Look>);

type Look = dyn Fn(StatusCode, &HeaderMap, &[u8]) -> bool + Send + Sync;

impl Watch {
    /// `look` says whether it wants to see more.
    pub fn new(
        look: impl Fn(StatusCode, &HeaderMap, &[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Watch(Arc::new(look))
    }

    /// Shows the beginning of a body, as it was sent; gives whether more is wanted.
    pub fn look(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
        (self.0)(status, headers, body)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Why no whole answer came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection: name not found, refused, TLS failed.
    #[error("could not connect to `{host}`")]
    Connect {
        /// Host and port.
        host: String,
        /// What the network said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer did not come in time.
    #[error("no whole answer from `{host}` within {} ms", timeout.as_millis())]
    TimedOut {
        /// Host and port.
        host: String,
        /// The time it had.
        timeout: Duration,
    },
    /// The connection ended before an answer began: it was closed, reset, or given up by the
    /// server.
    #[error("the connection to `{host}` ended before an answer came")]
    Closed {
        /// Host and port.
        host: String,
        /// What the network said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection ended before the body did.
    #[error("the answer of `{host}` ended early, after {bytes} bytes")]
    Cut {
        /// Host and port.
        host: String,
        /// How much had come.
        bytes: usize,
    },
    /// The body is longer than was allowed.
    #[error("the answer of `{host}` is longer than {body_bytes_max} bytes")]
    TooLong {
        /// Host and port.
        host: String,
        /// The bound.
        body_bytes_max: usize,
    },
    /// The request cannot be sent at all.
    #[error("the request to `{host}` cannot be sent")]
    Unsendable {
        /// Host and port.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file of extra certificate authorities cannot be used.
    #[error("the certificate authorities in `{file}` cannot be read")]
    CaFile {
        /// Its path.
        file: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up on this system.
    #[error("TLS cannot be set up")]
    Tls {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Connect { .. } | Error::Closed { .. } | Error::Cut { .. } => Kind::Unavailable,
            Error::TimedOut { .. } => Kind::TimedOut,
            Error::TooLong { .. } => Kind::Corrupt,
            Error::CaFile { .. } => Kind::Invalid,
            Error::Unsendable { .. } | Error::Tls { .. } => Kind::Internal,
        }
    }
}
