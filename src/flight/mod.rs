//! The wire: Arrow Flight over gRPC.
//!
//! What a client sends is told apart in `wanted` and becomes a [`Command`](crate::query::Command)
//! in `ticket`, is planned and run by the [`Engine`](crate::query::Engine), and goes back as frames
//! (`encode`, and again from `cache`) or as a status (`status`). Plain Flight, Flight SQL (`sql`) and DuckDB's Airport
//! (`airport`) are one service (`service`). Nothing below this folder knows gRPC.
//!
//! [`Server::bind`] takes the port at once, so that a port in use is said at the start;
//! [`Server::serve`] answers until it is told to stop and then lets running streams end.

mod accept;
mod actions;
mod airport;
mod cache;
mod call;
mod caller;
mod client;
mod connection;
mod edge;
mod encode;
mod info;
mod loads;
mod parameters;
pub mod proto;
mod put;
mod running;
mod server;
mod service;
mod sessions;
mod sql;
mod status;
pub mod ticket;
mod told;
mod uncopied;
mod upload;
mod values;
mod versions;
mod wanted;

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
    /// A command of Flight SQL that is not one.
    #[error("the Flight SQL command `{name}` cannot be read")]
    Command {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// The body of an action of Flight SQL is not its message.
    #[error("the body of action `{action}` is not its message")]
    SqlBody {
        /// The action.
        action: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is told of tables cannot be told as asked.
    #[error("could not tell what there is")]
    Metadata(#[source] arrow::error::ArrowError),
    /// A message of Airport's cannot be read or written.
    #[error("the body of the action cannot be read")]
    Airport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A client that asked for the catalogue when tables had other columns.
    #[error("the table has other columns than when it was attached")]
    Reattach,
    /// A cookie of a session that is over.
    #[error("the session is over: the server was started again since, or the session was closed")]
    SessionUnknown,
    /// Statistics of a column of what is no table.
    #[error("statistics are known of stored tables only")]
    NoStatistics,
    /// Values of parameters that cannot be bound.
    #[error("the parameters cannot be read")]
    Parameters(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More bytes of parameters than may travel in a ticket.
    #[error("the parameters have {bytes} bytes; at most {bytes_max} are taken")]
    ParametersTooLong {
        /// How many came.
        bytes: usize,
        /// How many may come.
        bytes_max: usize,
    },
    /// An `authorization` that is neither Basic nor Bearer.
    #[error("`authorization` is neither `Basic` nor `Bearer`")]
    Credentials,
    /// Another call has cancelled this one.
    #[error("the read was cancelled")]
    Cancelled,
    /// The method is not for a server that only reads.
    #[error("{method} is refused: this server only reads the directory")]
    ReadOnly {
        /// The method, or the command of Flight SQL.
        method: String,
    },
    /// What Airport would write: its clients expect to be told that they may not, and not that the
    /// server lacks a method.
    #[error("{operation} is refused: this server only reads the directory")]
    Writes {
        /// What was asked for.
        operation: String,
    },
    /// The method is not part of this server.
    #[error("{method} is not served")]
    NotServed {
        /// The method, or the command of Flight SQL.
        method: String,
        /// What to call instead.
        instead: &'static str,
    },
    /// Batches could not become frames.
    #[error("could not encode a batch")]
    Encode(#[source] arrow::error::ArrowError),
    /// The task that read for a client died: a fault of ours, or the server was stopped.
    #[error("the read ended before its time")]
    Died(#[source] tokio::task::JoinError),
    /// What was kept of an earlier answer could not be read.
    #[error("could not read an answer that was kept to be sent again")]
    Cache(#[source] std::io::Error),
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
            Error::ActionBody { .. }
            | Error::Exposed { .. }
            | Error::Command { .. }
            | Error::SqlBody { .. }
            | Error::Metadata(_)
            | Error::Airport(_)
            | Error::NoStatistics
            | Error::Reattach
            | Error::Parameters(_)
            | Error::ParametersTooLong { .. } => Kind::Invalid,
            Error::SessionUnknown => Kind::Refused,
            Error::Cancelled => Kind::Cancelled,
            Error::Credentials => Kind::Unauthenticated,
            Error::Writes { .. } => Kind::Forbidden,
            Error::ReadOnly { .. } | Error::NotServed { .. } => Kind::Unsupported,
            Error::Died(error) if error.is_cancelled() => Kind::Cancelled,
            Error::Encode(_) | Error::Serve(_) | Error::Died(_) => Kind::Internal,
            Error::Stalled => Kind::TimedOut,
            Error::Listen { .. } | Error::Cache(_) => Kind::Unavailable,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Ticket(error) => error.hint(),
            Error::Query(error) => error.hint(),
            Error::Ops(error) => error.hint(),
            Error::ParametersTooLong { .. } => {
                Some("put the values into several statements".to_owned())
            }
            Error::ActionBody { .. } => {
                Some("send no body, or JSON such as `{\"table\":\"users\"}`".to_owned())
            }
            Error::NotServed { instead, .. } => Some((*instead).to_owned()),
            Error::Reattach => Some("`DETACH` the database and `ATTACH` it again".to_owned()),
            Error::SessionUnknown => Some(
                "connect again, or set the options `catalog` and `schema` of the session again"
                    .to_owned(),
            ),
            Error::Cache(_) => Some("ask again: it is read from the store then".to_owned()),
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
