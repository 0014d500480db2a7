//! What the trailers of an answer tell: how long it took and what it asked of Graph.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

/// What an answer has taken, known once its read has ended.
#[derive(Clone, Debug, Default)]
pub struct Told {
    taken: Arc<Mutex<Taken>>,
}

/// What an answer has taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// From the call to its plan.
    pub planning: Duration,
    /// From the plan to the last batch.
    pub execution: Duration,
    /// How long Graph, or its budget, made requests wait.
    pub waited: Duration,
    /// Requests to Graph.
    pub requests: u64,
    /// Listings of Graph that were begun again.
    pub restarts: u64,
    /// Rows given.
    pub rows: u64,
    /// Whether it was sent before and kept.
    pub cached: bool,
}

impl Told {
    /// Notes what was taken.
    pub fn note(&self, taken: Taken) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }

    /// Adds it to the trailers.
    pub fn add_to(&self, trailers: &mut HeaderMap) {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut put = |name: &'static str, value: u64| {
            trailers.insert(name, HeaderValue::from(value));
        };
        put("x-entra-flight-planning-ms", millis(taken.planning));
        put("x-entra-flight-execution-ms", millis(taken.execution));
        put("x-entra-flight-graph-requests", taken.requests);
        put("x-entra-flight-graph-wait-ms", millis(taken.waited));
        put("x-entra-flight-graph-restarts", taken.restarts);
        put("x-entra-flight-rows", taken.rows);
        put("x-entra-flight-cached", taken.cached.into());
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
