//! The last exchanges with Graph, for whoever wonders what was asked and what it cost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Pages of rows in the answer; a `$batch` may hold many, a refusal has none.
    pub pages: u64,
    /// Their rows, as far as they are decoded by now.
    pub rows: u64,
    /// The body as it was sent.
    pub bytes: u64,
    /// Resource units as Graph told them, or as expected.
    pub resource_units: u32,
    /// How long it was held back before it left.
    pub waited: Duration,
    /// From leaving to the last byte.
    pub took: Duration,
}

/// What is found in an answer while its pages are handed on and decoded.
#[derive(Debug, Default)]
pub(super) struct Found {
    pages: AtomicU64,
    rows: AtomicU64,
}

impl Found {
    /// A page of it is handed on.
    pub fn page(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
    }

    /// A page of it is decoded, and was whole.
    pub fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// Keeps the last exchanges of a connection.
#[derive(Debug, Default)]
pub(super) struct Journal {
    last: Mutex<VecDeque<(Entry, Arc<Found>)>>,
}

impl Journal {
    /// Notes an exchange, of which more is told as it is found; the oldest goes when there are too
    /// many.
    pub fn note(&self, exchange: Entry) -> Arc<Found> {
        let found = Arc::new(Found::default());
        let mut last = self.locked();
        if last.len() >= limits::EXCHANGES_KEPT {
            last.pop_front();
        }
        last.push_back((exchange, found.clone()));
        found
    }

    /// All that are kept, the oldest first.
    pub fn all(&self) -> Vec<Entry> {
        let with = |(exchange, found): &(Entry, Arc<Found>)| Entry {
            pages: found.pages.load(Ordering::Relaxed),
            rows: found.rows.load(Ordering::Relaxed),
            ..exchange.clone()
        };
        self.locked().iter().map(with).collect()
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<(Entry, Arc<Found>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
