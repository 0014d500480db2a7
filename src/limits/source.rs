//! Scans.

use std::time::Duration;

/// How long one read may take when nobody says: a listing of ten million objects takes about two
/// hours at Graph's usual pace.
pub const DEADLINE: Duration = Duration::from_secs(6 * 3600);

/// Keys of given rows that are kept in memory, at eight bytes each, before they go to a file.
pub const SEEN_IN_MEMORY: usize = 64 << 10;

/// Places for the keys of the last rows, eight bytes each: of a row that comes again on the next
/// page, 1,000 rows later, one in sixteen is not found.
pub const SEEN_RECENT: u64 = 16 << 10;

/// Keys that can be told apart after a restart, in memory then: about 1 GiB.
pub const SEEN_MAX: u64 = 64 << 20;

/// Bytes of the file that are read back at once; a multiple of eight.
pub const SEEN_READ_BYTES: u64 = 1 << 20;
