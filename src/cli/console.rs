//! The terminal.

use std::io::{self, IsTerminal as _, Write as _};

use super::Error;

/// Standard output for results, standard error for the rest.
#[derive(Debug)]
pub struct Console {
    out_is_terminal: bool,
    note_is_terminal: bool,
}

impl Console {
    /// The process's own streams.
    pub fn new() -> Self {
        Console {
            out_is_terminal: io::stdout().is_terminal(),
            note_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Writes a line of the result, at once. `false` if nobody reads any more, as in `… | head`.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] for every other reason: a full disk must not pass for the whole result.
    pub fn result(&self, line: &str) -> Result<bool, Error> {
        self.bytes(format!("{line}\n").as_bytes())
    }

    /// Writes whole lines of the result, as [`result`](Self::result) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn bytes(&self, lines: &[u8]) -> Result<bool, Error> {
        let mut out = io::stdout().lock();
        match out.write_all(lines).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::Output(error)),
        }
    }

    /// Writes a line beside the result.
    pub fn note(&self, line: &str) {
        let mut note = io::stderr().lock();
        // Nothing is left to tell it to if standard error is gone.
        let _ = note.write_all(line.as_bytes()).and_then(|()| note.write_all(b"\n"));
    }

    /// Whether a person reads the result as it comes.
    pub fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// Whether a bar can be drawn on standard error.
    pub fn note_is_terminal(&self) -> bool {
        self.note_is_terminal
    }
}
