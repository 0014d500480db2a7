//! A file that remembers what the system refused.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A file for a writer of rows.
///
/// The writers wrap what the system says, and one of them keeps only its text. What is said here
/// is the error itself, so that a full disk is not taken for a fault in the rows.
#[derive(Debug)]
pub struct Disk {
    file: File,
    refusal: Refusal,
}

/// What the system refused last, if anything.
#[derive(Clone, Debug, Default)]
pub struct Refusal(Arc<Mutex<Option<io::Error>>>);

impl Refusal {
    /// Removes and returns it.
    pub fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, error: &io::Error) {
        let copy = match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
    }
}

impl Disk {
    /// A file and what it will remember.
    pub fn new(file: File) -> (Self, Refusal) {
        let refusal = Refusal::default();
        (Disk { file, refusal: refusal.clone() }, refusal)
    }

    /// The file itself.
    pub fn into_file(self) -> File {
        self.file
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        // An interruption is tried again by whoever writes.
        let refused = |error: &&io::Error| error.kind() != io::ErrorKind::Interrupted;
        if let Some(error) = written.as_ref().err().filter(refused) {
            self.refusal.keep(error);
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().inspect_err(|error| self.refusal.keep(error))
    }
}
