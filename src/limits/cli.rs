//! The command line and the settings.

use std::time::Duration;

/// Between two pictures of the progress bar.
pub const TICK: Duration = Duration::from_millis(120);

/// Between two lines of progress where no bar can be drawn: often enough to see that it lives,
/// seldom enough for a log.
pub const LINE_EVERY: Duration = Duration::from_secs(5);

/// How long `check` may take: two requests for each connection, and the longest wait that Graph is
/// known to ask for.
pub const CHECK_TIME: Duration = Duration::from_secs(10 * 60);

/// Rows that a terminal is shown when no other number is asked for.
pub const PREVIEW_ROWS: u64 = 20;

/// Characters of a cell that a terminal is shown.
pub const CELL_CHARS: usize = 36;

/// Width that is taken where the terminal does not tell its own.
pub const TERMINAL_COLUMNS: u16 = 100;

/// Bytes of a file that holds a secret: Entra's have 40, and an assertion some thousand.
pub const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Names of parents that are kept while changes are shown; beyond, they are read again.
pub const NAMES_MAX: usize = 100_000;

/// The longest deadline of one read: no tenant takes a month, and no clock overflows by it.
pub const DEADLINE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The longest that streams may go on after the server was told to stop: nothing that stops a
/// server waits longer before it kills.
pub const DRAIN_MAX: Duration = Duration::from_secs(60 * 60);

/// How long a command's last work may go on in the background once its result is there.
pub const LINGER: Duration = Duration::from_secs(3);

/// After the time that a server may drain, how long it has to end by itself: longer than
/// [`LINGER`].
pub const ENDING_MAX: Duration = Duration::from_secs(6);

/// For a last line of the log to be written, whose reader may take nothing any more.
pub const NOTE_MAX: Duration = Duration::from_secs(1);

/// The longest age at which a stored version may answer: what is older is history.
pub const MAX_AGE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// Rows of an answer that are drawn as a table: nobody reads more, and drawing holds them.
pub const TABLE_ROWS: usize = 1_000;
