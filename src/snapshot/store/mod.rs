//! The log of each table: what was stored when, and what is in it.

mod checkpoint;
mod commit;
mod expire;
mod history;
mod lease;
mod links;
mod local;
mod lock;
mod place;
mod prove;
mod root;
mod seal;
mod standing;
mod torn;
mod turn;
mod version;

pub use commit::{Draft, delta_schema};
pub use expire::{Expired, Keep};
pub use history::Commit;
pub use lease::Lease;
pub use place::{Entry, Stored};
pub use prove::{Finding, Proof};
pub use root::{Settings, Store};
use seal::Seal;
pub use standing::{Base, Standing};
pub use turn::Turn;
pub use version::Snapshot;

/// Where in a commit's metadata the [`Record`](super::Record) of its load stands.
const RECORD: &str = "entraFlight";

/// Where there the [`Seal`] of its files stands.
const SEAL: &str = "entraFlightFiles";

/// What the names of a load's files begin with, in the table's folder and in [`CHANGES`].
const LOADED: &str = "load-";

/// Where Delta keeps the files that tell what changed.
pub const CHANGES: &str = "_change_data";
