//! Every integration test, as one program: a file a layer.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and its cases are data"
)]

mod ahead;
mod auth;
mod catalog;
mod cli;
mod clients;
mod crowded;
mod decode;
mod demo;
mod dice;
mod docs;
mod graph;
mod hidden;
mod hints;
mod house;
mod logs;
mod mixed;
mod parameters;
mod proto;
mod refused;
mod reported;
mod rules;
mod scan;
mod secrets;
mod settings;
mod sim;
mod sockets;
mod sql;
mod store;
mod stuck;
mod tickets;
mod tidy;
mod undeclared;
mod wire;
