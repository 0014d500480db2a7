//! Bounds of operations.

/// Tables that are loaded at once. They share the gate to Graph; what they do not share is the
/// memory in which each sorts its rows.
pub const LOADS_AT_ONCE: usize = 2;

/// How often a load is compared and committed, where another engine commits first.
pub const COMMITS_TRIED: u32 = 4;

/// The share of its rows that a table may lose between two loads without being suspected.
pub const LOST_SHARE_MAX: f64 = 0.5;

/// Rows from which a table is large enough for that share to mean something.
pub const ROWS_MANY: u64 = 20;

/// Times of a schedule that are counted, at most, when some were missed.
pub const MISSED_COUNTED_MAX: usize = 100_000;
