//! Bounds of the decoder.

/// How deep one row may nest, its own braces counted as the first level.
///
/// Graph's deepest documented property nests 7 levels; 64 leaves room for any customer's JSON
/// and keeps both the recursion over a schema and the bit stack of a skipped value in one word.
pub const NESTING_MAX: usize = 64;

/// Members one object of a schema may declare.
///
/// The widest resource of Graph has about 150; places of members are kept in 16 bits.
pub const MEMBERS_MAX: usize = 10_000;

/// Bytes of one page, with the parent's key.
///
/// Half of what an `i32` offset of Arrow can reach: a batch below this bound that takes one more
/// row of at most this size cannot overflow. Graph's pages are below 16 MiB.
pub const PAGE_BYTES_MAX: usize = 1 << 30;

/// Rows of one page.
///
/// Graph's largest pages have 1,000 rows, and the collections that it does not divide a few
/// thousand. An empty row takes three bytes of a page and a value of each column.
pub const PAGE_ROWS_MAX: u64 = 100_000;

/// Values that the rows of one page, with the objects inside them, may leave out.
///
/// Each takes memory although it takes no byte of the page. A page of 1,000 service principals
/// leaves out some hundred thousand.
pub const PAGE_ABSENT_MAX: usize = 8 << 20;

/// Bytes of JSON, parents' keys counted, after which a batch ends whatever its settings say.
///
/// No column can hold more bytes or more items than the JSON it came from, so this and
/// [`PAGE_BYTES_MAX`] together keep every offset within an `i32`.
pub const BATCH_JSON_BYTES_MAX: usize = (1 << 30) - 1;

/// Rows between two looks at how large a batch has become.
///
/// The look costs a few instructions a column; every 32 rows that is lost in the noise, and a
/// batch overshoots its bound by 32 rows at most.
pub const BATCH_BYTES_CHECK_ROWS: usize = 32;

/// How many times larger than the one before a batch may be.
///
/// The first batch is small, so that it leaves early; at 4 the full size is reached after three.
pub const BATCH_ROWS_GROWTH: usize = 4;

/// Bytes of a part of a key that an error shows.
///
/// Keys of Graph are ids of 36 characters, domains, or texts of up to 120.
pub const KEY_SHOWN_MAX: usize = 200;
