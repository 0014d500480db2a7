//! Rows in files: hashed, sorted, written, read back.

mod ahead;
mod bounds;
mod gather;
pub mod hash;
mod key;
mod leaves;
mod merge;
mod object;
mod read;
mod scratch;
mod sift;
mod sort;
mod write;

pub use ahead::ahead;
pub use bounds::Bounds;
pub use merge::Merge;
pub use read::{Files, bytes_a_row, conform, count};
pub use sort::{Room, Sorted, Sorter};
pub use write::Writer;
