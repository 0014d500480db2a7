//! Logs.
//!
//! Lines go to standard error. `RUST_LOG` chooses what is written, as in
//! `RUST_LOG=entra_flight=debug`; without it warnings and the line of each call are. No cell
//! value, token or secret is ever a field.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

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
    let begun = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
    if begun.is_err() {
        tracing::debug!("logs had begun already");
    }
}
