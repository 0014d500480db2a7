//! Every integration test, as one program: a file a layer.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and its cases are data"
)]

mod catalog;
mod clients;
mod decode;
mod house;
mod proto;
mod scan;
mod settings;
mod tickets;
mod tidy;
