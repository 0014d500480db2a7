//! Files.

use std::time::Duration;

/// Rows of a Parquet row group, where they are small: what engines scan in parallel.
pub const ROW_GROUP_ROWS: usize = 128 << 10;

/// Encoded bytes of a row group, about: what engines scan in parallel. A writer holds one, and those
/// that the store has not yet taken. Seventy thousand users.
pub const ROW_GROUP_BYTES: usize = 16 << 20;

/// Encoded bytes of one stored file, about: large enough to scan well, small enough that a
/// table of a million rows is read by several at once.
pub const FILE_BYTES: u64 = 96 << 20;

/// Rows that are looked at to choose how a file is encoded.
pub const SAMPLE_ROWS: usize = 2 << 10;

/// Bytes of a part in which a file is handed to the store: buckets take none that are smaller.
pub const PART_BYTES: usize = 5 << 20;

/// Parts of a file under way at once, while the next is filled; each is held in memory until the store
/// has it.
pub const PARTS_AT_ONCE: usize = 1;

/// Bytes of a stored file that have one digest: what a read of fewer has to read all the same. A file of
/// 96 MiB has 384.
pub const DIGEST_BLOCK_BYTES: usize = 256 << 10;

/// Rows of one stored file, where they are small.
pub const FILE_ROWS: u64 = 1 << 20;

/// Rows of one batch on its way from the sort to the file.
pub const BATCH_ROWS: u64 = 8_192;

/// Bytes of a batch that is read.
pub const BATCH_BYTES: usize = 2 << 20;

/// Parts of a file's columns that are read side by side, where there are as many cores.
pub const LANES_MAX: usize = 4;

/// Columns that one of them has at least.
pub const LANE_COLUMNS_MIN: usize = 8;

/// Bytes of rows that are merged and written in one go: each go costs something for each column of each
/// run, and what the rows are gathered from is held meanwhile.
pub const WRITTEN_BATCH_BYTES: usize = 10 << 20;

/// Bytes of the batches of a sorted run on disk: each run of a merge holds one of them.
pub const RUN_BATCH_BYTES: usize = 256 << 10;

/// Runs before they are made one: about this many batches are held by each merge, however many rows
/// there are.
pub const RUNS_MAX: usize = 64;

/// Bytes of rows that are gathered before they are sorted; while they are, as many more, and their copy
/// in order.
pub const SORT_BYTES: usize = 24 << 20;

/// Columns of one row group that are encoded side by side, where there are as many cores.
pub const COLUMNS_AT_ONCE: usize = 4;

/// Row groups that wait while one is given to the store and one is encoded.
pub const GROUPS_AHEAD: usize = 1;

/// Batches that wait between who makes and who takes them.
pub const BATCHES_AHEAD: usize = 1;

/// Bytes of a text that bounds a file's column in the log. Parquet cuts them at [`STATISTIC_BYTES`],
/// but for texts after which no text of that length comes.
pub const LOGGED_TEXT_BYTES: usize = 1 << 10;

/// Rows of one page of a Parquet column: what a pruned read fetches at least.
pub const PAGE_ROWS: usize = 8 << 10;

/// Bytes of the smallest and the greatest value that are noted of each page and row group.
pub const STATISTIC_BYTES: usize = 24;

/// Bytes of such a page before it is compressed, about. Each column that is written holds the working
/// memory of a compressor that grows with its pages.
pub const PAGE_BYTES: usize = 320 << 10;

/// Bytes fetched from the end of a file in the hope that its metadata are in them.
pub const FOOTER_BYTES: usize = 512 << 10;

/// Commits of a log that are read at once.
pub const COMMITS_AT_ONCE: usize = 16;

/// Parts of one version that are read side by side, at most; clients open a stream for each.
pub const PARTS_MAX: usize = 16;

/// Changes whose values are read together.
pub const CHANGES_AT_ONCE: usize = 4 << 10;

/// Bytes of their rows, about: both images of an update are held, and copied once to be put in order.
pub const CHANGES_BYTES: u64 = 24 << 20;

/// Updated rows that are read whole to learn which columns change.
pub const UPDATES_TRIED: usize = 128;

/// Rows that are picked out of a file in one go: pages at the ends of two goes are inflated twice.
pub const PICKED_ROWS: usize = 2_048;

/// Such goes at once: most of the work is inflating pages, which a second core can share.
pub const PICKS_AT_ONCE: usize = 4;

/// Ends of files read at once, where only what they say of their columns is wanted.
pub const FOOTERS_AT_ONCE: usize = 8;

/// Commits after which the state of a table is written out, as Delta does it.
pub const CHECKPOINT_EVERY: u64 = 10;

/// Versions that expire at once: each is held by an open file meanwhile.
pub const EXPIRED_AT_ONCE: usize = 256;

/// How long a version in a bucket stays after it was the newest, and how old a file there must be
/// that no version has: longer than any read or load takes.
pub const EXPIRES_IN_BUCKET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a version is looked for when what was found expires before it is held.
pub const FINDS_AT_MOST: u32 = 3;

/// How often a lock that somebody has is tried, and the time between: longer than a process takes to
/// start, shorter than anybody minds.
pub const LOCK_TRIES: u32 = 10;

/// See [`LOCK_TRIES`].
pub const LOCK_WAIT: Duration = Duration::from_millis(20);
