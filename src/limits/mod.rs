//! Every bound, with its reason: a module a layer.

pub mod auth;
pub mod catalog;
pub mod cli;
pub mod decode;
pub mod flight;
pub mod graph;
pub mod ops;
pub mod query;
pub mod sim;
pub mod snapshot;
pub mod source;
pub mod transport;
