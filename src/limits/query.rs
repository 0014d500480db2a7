//! SQL.

use std::time::Duration;

/// Bytes of a statement. Tools write long lists of values; nobody writes more than this.
pub const STATEMENT_BYTES_MAX: usize = 512 << 10;

/// Words, signs and values of a statement.
pub const TOKENS_MAX: usize = 100_000;

/// Words and signs of a statement besides values: a chain of operators nests as deep as it is long,
/// and the planner recurses. A long list of values is written with `IN`, which does not nest.
pub const WORDS_MAX: usize = 4_000;

/// The stack of a thread that plans statements: in a build without optimisation the planner takes
/// up to 7 KB a level, and a statement has at most [`WORDS_MAX`] of them.
pub const STACK_BYTES: usize = 64 << 20;

/// Statements that are planned or run at once, those included that were given up and still run: each
/// has threads of its own.
pub const STATEMENTS_MAX: usize = 128;

/// Statements that were given up and still run before new ones are refused. Nothing can interrupt
/// them, and each takes a share of the cores from all others.
pub const ABANDONED_MAX: usize = 8;

/// After its end, or after it was given up, a statement that can be stopped has stopped for long.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(1);

/// Threads of statements that are kept for the next ones: starting them takes longer than a small
/// statement.
pub const THREADS_KEPT: usize = 8;

/// How long planning may take if its caller names no time: the store is asked for versions
/// meanwhile, the rest takes a fraction of a second.
pub const PLANNING_MAX: Duration = Duration::from_secs(120);

/// How deep parentheses, subqueries and operators may nest: the parser and the planner recurse.
pub const DEPTH_MAX: usize = 100;

/// Memory of all statements together for sorting, grouping, joining and windows; beyond it they
/// spill to the disk, or end where they cannot.
pub const MEMORY_BYTES_MAX: usize = 96 << 20;

/// Values that a join finds on one side before the other is read; as many parents are read one by
/// one.
pub const DYNAMIC_VALUES_MAX: usize = crate::limits::graph::FILTER_PARENTS_MAX;

/// Bytes of those values.
pub const DYNAMIC_VALUES_BYTES_MAX: usize = 1 << 20;

/// Rows of a batch that joins and groups give: about a page of Graph's, several times over.
pub const BATCH_ROWS: usize = 8192;

/// Steps of a plan that run side by side.
pub const PARTITIONS: usize = 2;

/// How many rows a listing is taken to have while nobody has counted them.
pub const ROWS_GUESSED: usize = 100_000;

/// How many rows a table is taken to have that is read for each row of another.
pub const FAN_OUT_ROWS_GUESSED: usize = 1_000_000;

/// How many rows one parent is taken to have.
pub const CHILDREN_GUESSED: usize = 100;

/// Bytes that one call of a function which multiplies what it is given may make of a batch, or of
/// constants.
pub const FUNCTION_BYTES_MAX: u64 = 32 << 20;

/// Steps that one call of a function may take which compares each letter with each: a second or
/// two, in which nothing else has a turn on that core. A batch of texts of 300 letters takes fewer.
pub const FUNCTION_STEPS_MAX: u64 = 1_000_000_000;

/// Tables of a statement with all queries written out that it names by `WITH`: each use is planned
/// anew. Statements of tools name a few dozen.
pub const TABLES_MAX: usize = 1_000;

/// Bytes of one constant in a plan that reads rows: a batch of rows may each get a copy.
pub const CONSTANT_BYTES_MAX: usize = 64 << 10;

/// Bytes of a value whose type says how long it is, null or not: of a batch that is 32 MiB.
pub const WIDTH_MAX: u64 = 4 << 10;

/// Bytes of an element of a list of which no more is known.
pub const ELEMENT_BYTES: u64 = 8;

/// Bytes of a letter, at most.
pub const LETTER_BYTES: u64 = 4;

/// Letters of a whole number or a time, at most.
pub const NUMBER_LETTERS: u64 = 32;

/// Letters of a number with a fraction, at most: the text of a list has all its zeros.
pub const FLOAT_LETTERS: u64 = 330;

/// Bytes that a letter of a time's format becomes, at most: `%+` is a date, a time and a zone.
pub const FORMAT_BYTES: u64 = 20;

/// Sets of values with which one statement is run, one after another.
pub const BINDINGS_MAX: usize = 1_000;

/// Stored tables that are looked up at once for a list of them.
pub const LOOKUPS: usize = 8;

/// Parameters of a statement.
pub const PARAMETERS_MAX: usize = 10_000;

/// How long after its deadline a read may take to say what it was waiting for, which it does by
/// itself at the deadline.
pub const LAST_WORD: Duration = Duration::from_millis(200);

/// How deep subqueries may nest in one that is written several times to know unknown from false: as
/// deep, what nests there is written up to 243 times.
pub const MEMBERSHIP_DEPTH_MAX: usize = 4;
