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
    /// Parents left out because what belongs to them could not be read.
    pub skipped_parents: u64,
    /// Conditions that Graph refused, so that more was read and filtered here.
    pub refused_filters: u64,
    /// Rows given.
    pub rows: u64,
    /// Cells that became null because Graph sent values of another type.
    pub cells_put_aside: u64,
    /// Members of objects left out because a later one has their name.
    pub members_left_out: u64,
    /// Whether it was sent before and kept.
    pub cached: bool,
}

/// The names of the trailers, in the order of [`Taken::values`].
const TRAILERS: [&str; 11] = [
    "x-entra-flight-planning-ms",
    "x-entra-flight-execution-ms",
    "x-entra-flight-graph-requests",
    "x-entra-flight-graph-wait-ms",
    "x-entra-flight-graph-restarts",
    "x-entra-flight-skipped-parents",
    "x-entra-flight-refused-filters",
    "x-entra-flight-rows",
    "x-entra-flight-cells-put-aside",
    "x-entra-flight-members-left-out",
    "x-entra-flight-cached",
];

impl Taken {
    fn values(&self) -> [u64; TRAILERS.len()] {
        [
            millis(self.planning),
            millis(self.execution),
            self.requests,
            millis(self.waited),
            self.restarts,
            self.skipped_parents,
            self.refused_filters,
            self.rows,
            self.cells_put_aside,
            self.members_left_out,
            self.cached.into(),
        ]
    }
}

impl Told {
    /// Notes what was taken.
    pub fn note(&self, taken: Taken) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }

    /// Adds it to the trailers.
    pub fn add_to(&self, trailers: &mut HeaderMap) {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in TRAILERS.into_iter().zip(taken.values()) {
            trailers.insert(name, HeaderValue::from(value));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_have_a_line_for_each_trailer_and_no_other() {
        let page = include_str!("../../docs/operations.md");
        let lines = page.lines().filter_map(|line| line.strip_prefix("| `x-entra-flight-"));
        let said: Vec<String> = lines
            .filter_map(|line| Some(format!("x-entra-flight-{}", line.split_once('`')?.0)))
            .collect();
        assert_eq!(said, TRAILERS);
        let mut trailers = HeaderMap::new();
        Told::default().add_to(&mut trailers);
        assert_eq!(trailers.len(), TRAILERS.len());
    }
}
