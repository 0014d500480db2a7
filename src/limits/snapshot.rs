//! Files.

/// Rows of a Parquet row group: what engines scan in parallel.
pub const ROW_GROUP_ROWS: usize = 128 << 10;

/// Encoded bytes of a row group; the writer holds this much in memory.
pub const ROW_GROUP_BYTES: usize = 64 << 20;
