//! Tables as files.
//!
//! A [`Store`] keeps one Delta Lake table for each table of the directory, under
//! `<root>/<connection>/<table>/`. One load is one atomic commit: a version is visible whole or
//! not at all. Rows are written in the order of their key and carry a hash of their canonical
//! form, so that any two versions are compared by walking both once.
//!
//! | module | what it is |
//! |---|---|
//! | `store` | the log: versions, commits, what is kept and what is proved |
//! | `compare` | what changed between two versions; no IO |
//! | `rows` | rows in files: sorted, written, read back |
//! | [`export`] | one answer in one file of its own |

mod compare;
mod data_file;
mod digests;
mod durable;
mod error;
pub mod export;
mod incoming;
mod record;
mod rows;
mod store;
mod which;

pub use compare::{Compared, KeyedFiles, Led, compare, compare_files, count};
pub use data_file::DataFile;
pub use error::{Error, Loader};
pub use incoming::{Incoming, Sorted, evolved, write_changes};
pub use record::{Counts, ForeignCommit, Method, MethodError, Record, Touched};
pub use rows::{Bounds, Files};
pub use store::{
    Base, Commit, Draft, Entry, Expired, Finding, Keep, Proof, Settings, Snapshot, Standing, Store,
    Stored, Turn, delta_schema,
};
pub use which::{Which, WhichError};

/// The column with the hash of each row's canonical form: 16 bytes, the last column of every
/// stored table.
pub const ROW_HASH: &str = "_row_hash";

/// Names the way in which the rows of a table are hashed; hashes of one way can be compared.
pub fn hashing(table: &crate::catalog::Table) -> String {
    rows::hash::scheme(&table.columns)
}
