//! Flight SQL, as a server answers that only reads.
//!
//! | file | what it does |
//! |---|---|
//! | `metadata` | catalogs, schemas, tables |
//! | `keys` | primary and foreign keys |
//! | `info` | what the server and its types are |
//! | `actions` | prepared statements, sessions, cancelling |
//! | `messages` | what arrow-flight has no types for |
//!
//! Nothing is kept between calls but what a session has chosen: the handle of a prepared statement
//! holds the statement and the values bound to it.
//!
//! <https://arrow.apache.org/docs/format/FlightSql.html>

pub mod actions;
mod info;
mod keys;
mod messages;
mod metadata;

pub use metadata::{schema, told};
