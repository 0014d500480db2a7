//! What a scan has used so far.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Instant;

/// What a scan has used so far; read by progress bars while it runs and by metrics after it.
#[derive(Debug, Default)]
pub struct Meter {
    requests: AtomicU64,
    pages: AtomicU64,
    wire_bytes: AtomicU64,
    resource_units: AtomicU64,
    throttled: AtomicU64,
    restarts: AtomicU64,
    put_aside: AtomicU64,
    duplicate_members: AtomicU64,
    waits: Mutex<Waits>,
}

#[derive(Debug, Default)]
struct Waits {
    until: Option<Instant>,
    total: Duration,
}

impl Meter {
    /// Requests sent to Graph, parts of a `$batch` counted singly, tries that failed included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Pages handed on.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Bytes of bodies as they were sent, before inflation.
    pub fn wire_bytes(&self) -> u64 {
        self.wire_bytes.load(Ordering::Relaxed)
    }

    /// Resource units as Graph told them, or as expected where it told none.
    pub fn resource_units(&self) -> u64 {
        self.resource_units.load(Ordering::Relaxed)
    }

    /// Answers of 429.
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Listings begun again.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Cells that became null because Graph sent values of another type.
    pub fn cells_put_aside(&self) -> u64 {
        self.put_aside.load(Ordering::Relaxed)
    }

    /// Members of objects left out because a later one has their name.
    pub fn members_left_out(&self) -> u64 {
        self.duplicate_members.load(Ordering::Relaxed)
    }

    /// How long requests were held back, by Graph's word, by the budget or after a failure; time
    /// in which several waited counts once.
    pub fn waited(&self) -> Duration {
        self.locked().total
    }

    /// Until when a request is held back, if one is at `now`.
    pub fn waiting_until(&self, now: Instant) -> Option<Instant> {
        self.locked().until.filter(|until| *until > now)
    }

    pub(super) fn sent(&self, requests: u32) {
        self.requests.fetch_add(requests.into(), Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.wire_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn charged(&self, units: u32) {
        self.resource_units.fetch_add(units.into(), Ordering::Relaxed);
    }

    pub(super) fn page(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn throttle(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts cells that became null because Graph sent values of another type.
    pub fn put_aside(&self, cells: u64) {
        self.put_aside.fetch_add(cells, Ordering::Relaxed);
    }

    /// Counts members left out because a later one of the same object has their name.
    pub fn duplicate_members(&self, members: u64) {
        self.duplicate_members.fetch_add(members, Ordering::Relaxed);
    }

    pub(super) fn waits(&self, from: Instant, until: Instant) {
        let mut waits = self.locked();
        let from = waits.until.map_or(from, |before| before.max(from));
        waits.total += until.saturating_duration_since(from);
        waits.until = Some(waits.until.map_or(until, |before| before.max(until)));
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
