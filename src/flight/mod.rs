//! The wire: Arrow Flight over gRPC.
//!
//! What a client sends becomes a [`Request`](crate::query::Request) in `ticket`, is planned and
//! run by the [`Engine`](crate::query::Engine), and goes back as frames (`encode`) or as a status (`status`). Nothing
//! below this folder knows gRPC.
//!
//! [`Server::bind`] takes the port at once, so that a port in use is said at the start;
//! [`Server::serve`] answers until it is told to stop and then lets running streams end.

mod actions;
mod call;
mod client;
mod encode;
mod info;
mod kept;
mod loads;
mod plain;
pub mod proto;
mod server;
mod status;
pub mod ticket;
mod uncopied;

pub use client::{Client, ClientError, TableInfo};
pub use encode::messages;
pub use server::{Server, Settings};
pub use uncopied::{DoGet, Messages, Uncopied};

use std::net::SocketAddr;
use std::time::Duration;

use crate::error::Kind;
use crate::{ops, query};

/// Why a call, or the server, cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the client sent cannot be read.
    #[error(transparent)]
    Ticket(#[from] ticket::Error),
    /// It was read, and cannot be planned or run.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// An action failed.
    #[error(transparent)]
    Ops(#[from] ops::Error),
    /// There is no such action.
    #[error("there is no action `{name}`; there are `{}`", actions::names())]
    UnknownAction {
        /// What was asked for.
        name: String,
    },
    /// The body of an action is not what the action takes.
    #[error("the body of action `{action}` cannot be read")]
    ActionBody {
        /// The action.
        action: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The method is not for a server that only reads.
    #[error("{method} is refused: this server only reads the directory")]
    ReadOnly {
        /// The Flight method.
        method: &'static str,
    },
    /// The method is not part of this server.
    #[error("{method} is not served")]
    NotServed {
        /// The Flight method.
        method: &'static str,
        /// What to call instead.
        instead: &'static str,
    },
    /// Batches could not become frames.
    #[error("could not encode a batch")]
    Encode(#[source] arrow::error::ArrowError),
    /// The task that read for a client died: a fault of ours, or the server was stopped.
    #[error("the read ended before its time")]
    Died(#[source] tokio::task::JoinError),
    /// The client had taken nothing when the deadline came.
    #[error("the client did not take the rows before the deadline")]
    Stalled,
    /// The port cannot be had.
    #[error("could not listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A port that others can reach, without anything that tells callers apart.
    #[error(
        "{address} can be reached from other machines, and callers would not be asked who they are"
    )]
    Exposed {
        /// Where.
        address: SocketAddr,
    },
    /// The server ended by itself.
    #[error("the server could not go on")]
    Serve(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Ticket(error) => error.kind(),
            Error::Query(error) => error.kind(),
            Error::Ops(error) => error.kind(),
            Error::UnknownAction { .. } => Kind::NotFound,
            Error::ActionBody { .. } | Error::Exposed { .. } => Kind::Invalid,
            Error::ReadOnly { .. } | Error::NotServed { .. } => Kind::Unsupported,
            Error::Died(error) if error.is_cancelled() => Kind::Cancelled,
            Error::Encode(_) | Error::Serve(_) | Error::Died(_) => Kind::Internal,
            Error::Stalled => Kind::TimedOut,
            Error::Listen { .. } => Kind::Unavailable,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Ticket(error) => error.hint(),
            Error::Query(error) => error.hint(),
            Error::Ops(error) => error.hint(),
            Error::ActionBody { .. } => {
                Some("send no body, or JSON such as `{\"table\":\"users\"}`".to_owned())
            }
            Error::NotServed { instead, .. } => Some((*instead).to_owned()),
            Error::Stalled => Some("give the call more time, or ask for fewer columns".to_owned()),
            Error::Listen { .. } => {
                Some("choose another port with `--listen`, or stop what uses it".to_owned())
            }
            Error::Exposed { .. } => Some(
                "listen on 127.0.0.1, or say `--insecure` if the network is trusted".to_owned(),
            ),
            _ => None,
        }
    }

    /// How long to wait before trying again, where Graph said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Query(error) => error.retry_after(),
            _ => None,
        }
    }
}
