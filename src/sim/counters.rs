//! What a tenant counts while it answers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::limits;

/// What was asked of a tenant so far. Requests to Graph only, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Requests over HTTP; a `$batch` is one.
    pub requests: u64,
    /// Requests within `$batch`.
    pub batch_parts: u64,
    /// Pages of lists that were served, those within `$batch` included.
    pub pages: u64,
    /// Rows on those pages.
    pub rows: u64,
    /// Bytes of all bodies before compression.
    pub body_bytes: u64,
    /// Bytes of all bodies as sent.
    pub sent_bytes: u64,
    /// Resource units of all requests, refused ones included.
    pub resource_units: u64,
    /// Answers of 429, those within `$batch` included.
    pub throttled: u64,
    /// Answers of 400 and above, those within `$batch` and the throttled ones included.
    pub refused: u64,
    /// Requests to the sign-in service.
    pub sign_in_requests: u64,
    /// Tokens issued.
    pub tokens: u64,
    /// The most requests that were in flight at one time, to either service. Zero unless the
    /// tenant is asked through a transport or a port.
    pub in_flight_max: u64,
}

impl fmt::Display for Counters {
    /// One line: what was asked, what was sent, what was refused.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests, {} batch parts, {} pages, {} rows, {} bytes sent, {} resource units, \
             {} throttled, {} refused, {} tokens",
            self.requests,
            self.batch_parts,
            self.pages,
            self.rows,
            self.sent_bytes,
            self.resource_units,
            self.throttled,
            self.refused,
            self.tokens
        )
    }
}

/// One request as a tenant saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// When it came, since 1970.
    pub at: Duration,
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query as sent; no header, so no token.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// Whether it was a part of a `$batch`.
    pub batched: bool,
}

/// The live side of [`Counters`].
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: AtomicU64,
    pub(super) batch_parts: AtomicU64,
    pub(super) pages: AtomicU64,
    pub(super) rows: AtomicU64,
    pub(super) body_bytes: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    pub(super) resource_units: AtomicU64,
    pub(super) throttled: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) sign_in_requests: AtomicU64,
    pub(super) tokens: AtomicU64,
    in_flight: AtomicU64,
    in_flight_max: AtomicU64,
    served: Mutex<VecDeque<Served>>,
}

impl Tally {
    pub(super) fn read(&self) -> Counters {
        Counters {
            requests: self.requests.load(Relaxed),
            batch_parts: self.batch_parts.load(Relaxed),
            pages: self.pages.load(Relaxed),
            rows: self.rows.load(Relaxed),
            body_bytes: self.body_bytes.load(Relaxed),
            sent_bytes: self.sent_bytes.load(Relaxed),
            resource_units: self.resource_units.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            refused: self.refused.load(Relaxed),
            sign_in_requests: self.sign_in_requests.load(Relaxed),
            tokens: self.tokens.load(Relaxed),
            in_flight_max: self.in_flight_max.load(Relaxed),
        }
    }

    pub(super) fn remember(&self, served: Served) {
        let mut memory = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() == limits::SERVED_MAX {
            memory.pop_front();
        }
        memory.push_back(served);
    }

    pub(super) fn served(&self) -> Vec<Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(super) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Relaxed) + 1;
        self.in_flight_max.fetch_max(now, Relaxed);
        InFlight(self)
    }
}

/// Adds to one count and gives what it was before.
pub(super) fn add(count: &AtomicU64, n: u64) -> u64 {
    count.fetch_add(n, Relaxed)
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct InFlight<'a>(&'a Tally);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}
