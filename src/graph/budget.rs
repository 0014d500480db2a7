//! What a throttle family may use.

use std::time::Duration;

use crate::catalog::Family;
use crate::limits::graph as limits;

/// What a family may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// In resource units, or in requests where the family counts those.
    pub units: f64,
    /// The time in which they may be used, any such time.
    pub span: Duration,
    /// What is counted.
    pub counts: Counts,
    /// Requests in flight at most.
    pub in_flight_max: u32,
}

/// What a family counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// What `x-ms-resource-unit` tells.
    Units,
    /// Requests, whatever they cost.
    Requests,
}

impl Budget {
    /// The documented one.
    pub fn of(family: Family) -> Self {
        match family {
            Family::Directory => Budget {
                units: limits::DIRECTORY_UNITS,
                span: limits::DIRECTORY_SPAN,
                counts: Counts::Units,
                in_flight_max: limits::IN_FLIGHT_MAX,
            },
            Family::Reports => Budget {
                units: limits::REPORTS_REQUESTS,
                span: limits::REPORTS_SPAN,
                counts: Counts::Requests,
                in_flight_max: limits::REPORTS_REQUESTS as u32,
            },
            Family::Protection => Budget {
                units: limits::PROTECTION_REQUESTS,
                span: limits::PROTECTION_SPAN,
                counts: Counts::Requests,
                in_flight_max: limits::PROTECTION_REQUESTS as u32,
            },
        }
    }

    /// What `requests` requests of `units` together use of it.
    pub fn charge(&self, requests: u32, units: u32) -> f64 {
        match self.counts {
            Counts::Units => f64::from(units.max(requests)),
            Counts::Requests => f64::from(requests),
        }
    }
}
