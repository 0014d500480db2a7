//! An Apache Arrow Flight server in front of a Microsoft Entra ID tenant.
//!
//! It reads the directory through Microsoft Graph and serves each entity as an Arrow table:
//! complete, typed, bounded in memory, and with an error instead of a short answer.
//!
//! # Code map
//!
//! A module uses only modules listed after it here; `tests/it/tidy.rs` checks that. Requests go
//! down this list as values, batches come up it as streams.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | what a person types |
//! | [`app`] | settings in, running server out |
//! | [`flight`] | the wire: tickets, descriptors, frames, statuses |
//! | [`ops`] | what the program can do besides reading tables, once for all its doors |
//! | [`query`] | the one meeting place: a request in, a schema and a stream out |
//! | [`source`] | whatever answers a scan with batches |
//! | [`snapshot`] | tables as files |
//! | [`graph`] | pages from Graph: requests, throttling, retries, paging |
//! | [`auth`] | tokens for Graph |
//! | [`decode`] | JSON rows to Arrow |
//! | [`sim`] | a simulated tenant, which shares no code with what it tests |
//! | [`transport`] | one HTTP exchange |
//! | [`catalog`] | which tables exist and what may be asked of them |
//! | [`telemetry`] | logs |
//! | [`clock`], [`limits`], [`secret`], [`spare`], [`error`] | what everything stands on |

pub mod cli;

pub mod app;

pub mod flight;

pub mod ops;

pub mod query;

pub mod source;

pub mod snapshot;

pub mod graph;

pub mod auth;

pub mod decode;

pub mod sim;

pub mod transport;

pub mod catalog;

pub mod telemetry;

pub mod clock;
pub mod error;
pub mod limits;
pub mod secret;
pub mod spare;
