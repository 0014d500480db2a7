//! Conditions that Graph refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Instant;
use crate::limits::graph as limits;

/// Conditions that Graph refused of late, so that they are not said again at once.
///
/// What is filterable differs from tenant to tenant and changes with time, and a log refuses times
/// before its first entry; so they are forgotten after a while.
#[derive(Debug, Default)]
pub(super) struct RefusedFilters {
    /// The oldest first.
    known: Mutex<VecDeque<RefusedFilter>>,
}

#[derive(Debug)]
struct RefusedFilter {
    table: Arc<str>,
    filter: String,
    at: Instant,
}

impl RefusedFilters {
    /// Notes that a table's listing was refused for its `filter`.
    pub fn note(&self, table: &Arc<str>, filter: &str, now: Instant) {
        let mut known = self.known();
        if known.len() >= limits::FILTERS_REFUSED_KEPT {
            known.pop_front();
        }
        known.push_back(RefusedFilter { table: table.clone(), filter: filter.to_owned(), at: now });
    }

    /// Whether that was so of late.
    pub fn has(&self, table: &str, filter: &str, now: Instant) -> bool {
        self.known().iter().any(|refused| {
            let age = now.saturating_duration_since(refused.at);
            age < limits::FILTER_REFUSED_FOR && *refused.table == *table && refused.filter == filter
        })
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<RefusedFilter>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
