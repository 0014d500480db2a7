//! Rows in files: hashed, sorted, written, read back.

pub mod hash;
mod object;
mod read;
mod sort;
mod write;

pub use read::{Files, conform, count};
pub use sort::{Sorted, Sorter};
pub use write::Writer;
