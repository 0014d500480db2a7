//! Rows in files: hashed, sorted, written, read back.

mod ahead;
mod bounds;
mod columns;
mod gather;
mod group;
pub mod hash;
mod key;
mod leaves;
mod merge;
mod object;
mod read;
mod scratch;
mod shape;
mod sift;
mod sort;
mod write;

pub use ahead::ahead;
pub use bounds::Bounds;
pub use merge::Merge;
pub use read::{Files, bytes_a_row, count};
pub use shape::{Shaped, conform, unread};
pub use sort::{Room, Sorted, Sorter};
pub use write::Writer;
