//! The command line.

use std::time::Duration;

/// Between two pictures of the progress bar.
pub const TICK: Duration = Duration::from_millis(120);

/// Between two lines of progress where no bar can be drawn: often enough to see that it lives,
/// seldom enough for a log.
pub const LINE_EVERY: Duration = Duration::from_secs(5);

/// Rows that a terminal is shown when no other number is asked for.
pub const PREVIEW_ROWS: u64 = 20;

/// Characters of a cell that a terminal is shown.
pub const CELL_CHARS: usize = 36;

/// Width that is taken where the terminal does not tell its own.
pub const TERMINAL_COLUMNS: u16 = 100;
