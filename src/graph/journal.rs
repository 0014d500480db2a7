//! The last exchanges with Graph, for whoever wonders what was asked and what it cost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::graph as limits;

/// One answer of Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it came, since 1970.
    pub at: Duration,
    /// The table it was asked for, or the path of a single answer.
    pub table: Arc<str>,
    /// What we called the request.
    pub client_request_id: String,
    /// The status of the answer.
    pub status: u16,
    /// How many requests it held: more than one in a `$batch`.
    pub requests: u32,
    /// The body as it was sent.
    pub bytes: u64,
    /// Resource units as Graph told them, or as expected.
    pub resource_units: u32,
    /// How long it was held back before it left.
    pub waited: Duration,
    /// From leaving to the last byte.
    pub took: Duration,
}

/// Keeps the last exchanges of a connection.
#[derive(Debug, Default)]
pub(super) struct Journal {
    last: Mutex<VecDeque<Entry>>,
}

impl Journal {
    /// Notes an exchange; the oldest goes when there are too many.
    pub fn note(&self, exchange: Entry) {
        let mut last = self.locked();
        if last.len() >= limits::EXCHANGES_KEPT {
            last.pop_front();
        }
        last.push_back(exchange);
    }

    /// All that are kept, the oldest first.
    pub fn all(&self) -> Vec<Entry> {
        self.locked().iter().cloned().collect()
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
