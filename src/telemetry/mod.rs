//! Logs.
//!
//! Lines go to standard error. `RUST_LOG` chooses what is written, as in
//! `RUST_LOG=entra_flight=debug`; without it warnings and the line of each call are. No cell
//! value, token or secret is ever a field. Libraries do not promise that: SQL's parser logs the
//! tokens of a statement, and HTTP's the headers. Whatever `RUST_LOG` says, they write nothing finer
//! than `info`.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// How much is written when `RUST_LOG` says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Warnings: for commands that print something else.
    Quiet,
    /// A line a call: for servers.
    Calls,
}

/// Begins to write logs. Later calls change nothing.
pub fn begin(level: Level) {
    let default = match level {
        Level::Quiet => "warn",
        Level::Calls => "warn,entra_flight=info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let lines = fmt::layer()
        .with_writer(|| Notes)
        // A line that cannot be written would else be announced on standard error, with a panic
        // where that is gone.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let quiet =
        filter_fn(|about| is_ours(about.target()) || *about.level() <= tracing::Level::INFO);
    let begun = tracing_subscriber::registry().with(quiet).with(filter).with(lines).try_init();
    if begun.is_err() {
        tracing::debug!("logs had begun already");
    }
}

/// Whether lines of this target are written here and not by a library.
fn is_ours(target: &str) -> bool {
    let ours = env!("CARGO_CRATE_NAME");
    target.strip_prefix(ours).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Standard error. A log that nobody can read any more, or that has no room, is dropped: it is no
/// reason to stop.
struct Notes;

impl Write for Notes {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}
