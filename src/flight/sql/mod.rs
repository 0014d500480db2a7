//! Flight SQL, as a server answers that only reads.
//!
//! | file | what it does |
//! |---|---|
//! | `metadata` | catalogs, schemas, types |
//! | `tables` | tables and their schemas |
//! | `keys` | primary and foreign keys |
//! | `info` | what the server and its types are |
//! | `actions` | prepared statements, sessions, cancelling |
//! | `messages` | what arrow-flight has no types for |
//!
//! Of a caller nothing is kept between calls but what its session has chosen: the handle of a
//! prepared statement holds the statement and the values bound to it.
//!
//! <https://arrow.apache.org/docs/format/FlightSql.html>

pub mod actions;
mod info;
mod keys;
mod messages;
mod metadata;
mod tables;

pub use metadata::{schema, told};
pub use tables::Written;
