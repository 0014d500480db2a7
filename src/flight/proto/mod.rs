//! The messages of `proto/`, as generated (`tests/it/proto.rs` checks that they are current).

#![expect(missing_docs, reason = "the fields are documented in `proto/ticket.proto`")]

include!("entra_flight.v1.rs");

/// The file descriptors that gRPC reflection shows: `proto/flight.proto` and `proto/ticket.proto`.
pub const DESCRIPTORS: &[u8] = include_bytes!("descriptors.bin");
