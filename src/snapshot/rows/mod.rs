//! Rows in files: hashed, sorted, written, read back.

mod ahead;
mod bounds;
mod columns;
mod crew;
mod gather;
mod group;
pub mod hash;
mod key;
mod lanes;
mod leaves;
mod merge;
mod object;
mod read;
mod scratch;
mod shape;
mod sift;
mod sort;
mod statistics;
mod write;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;

use crate::snapshot::Error;

pub use ahead::ahead;
pub use bounds::Bounds;
pub use merge::Merge;
pub use read::{Files, bytes_a_row, count};
pub use shape::{Shaped, conform, unread};
pub use sort::{Room, Sorted, Sorter};
pub use statistics::{FileStatistics, indexed};
pub use write::Writer;

/// Rows as they are read.
type Batches = BoxStream<'static, Result<RecordBatch, Error>>;
