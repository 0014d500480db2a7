//! What a scan has used so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Instant;
use crate::limits::graph as limits;

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
    refused_filters: AtomicU64,
    waits: Mutex<Waits>,
    skipped: Mutex<Vec<Arc<str>>>,
}

/// Why requests are held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// The budget that Graph documents is used up.
    Budget,
    /// Graph asks for it, or has failed.
    #[default]
    Graph,
}

#[derive(Debug, Default)]
struct Waits {
    until: Option<Instant>,
    why: Wait,
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

    /// Listings that were read without the condition that they were to be asked with, because Graph
    /// refused it.
    pub fn refused_filters(&self) -> u64 {
        self.refused_filters.load(Ordering::Relaxed)
    }

    /// The parents that were left out because what belongs to them could not be read.
    pub fn skipped_parents(&self) -> Vec<Arc<str>> {
        self.skipped().clone()
    }

    /// Notes one that is left out; `false` if that are too many.
    pub(super) fn skip(&self, parent: &Arc<str>) -> bool {
        let mut skipped = self.skipped();
        if skipped.len() >= limits::PARENTS_SKIPPED_MAX {
            return false;
        }
        skipped.push(parent.clone());
        true
    }

    /// How long requests were held back, by Graph's word, by the budget or after a failure; time
    /// in which several waited counts once.
    pub fn waited(&self) -> Duration {
        self.locked().total
    }

    /// Until when a request is held back and why, if one is at `now`.
    pub fn waiting_until(&self, now: Instant) -> Option<(Instant, Wait)> {
        let waits = self.locked();
        waits.until.filter(|until| *until > now).map(|until| (until, waits.why))
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

    pub(super) fn refuse_filter(&self) {
        self.refused_filters.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waits(&self, from: Instant, until: Instant, why: Wait) {
        let mut waits = self.locked();
        if waits.until.is_none_or(|before| before <= until) {
            waits.why = why;
        }
        let from = waits.until.map_or(from, |before| before.max(from));
        waits.total += until.saturating_duration_since(from);
        waits.until = Some(waits.until.map_or(until, |before| before.max(until)));
    }

    fn skipped(&self) -> MutexGuard<'_, Vec<Arc<str>>> {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
