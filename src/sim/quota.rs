//! Graph's limits: what a request costs, and when it is refused for it.
//!
//! <https://learn.microsoft.com/graph/throttling-limits>

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderName;

use super::reply::Refusal;
use super::trouble::{THROTTLE_INFORMATION, throttled};
use super::{Throttle, limits};

/// What a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Identity and access: a bucket of resource units.
    Directory,
    /// Identity and access reports.
    Reports,
    /// One user's sign-in activity.
    SignInActivity,
    /// Identity protection and conditional access.
    Protection,
    /// Descriptions of the service itself.
    Free,
}

/// A family that counts requests: how many in which span, and whether 429 says how long to wait.
#[derive(Debug)]
struct Window {
    family: Family,
    requests: usize,
    span: Duration,
    tells_wait: bool,
}

const WINDOWS: [Window; 3] = [
    Window { family: Family::Reports, requests: 5, span: limits::QUOTA_SPAN, tells_wait: true },
    Window {
        family: Family::SignInActivity,
        requests: 10,
        span: Duration::from_secs(60),
        tells_wait: true,
    },
    Window {
        family: Family::Protection,
        requests: 1,
        span: Duration::from_secs(1),
        tells_wait: false,
    },
];

/// From this use of the bucket on, answers tell it.
const PERCENTAGE_MIN: f64 = 0.8;

/// What a refused request counts for.
const REFUSED_UNITS: f64 = 1.0;

/// The highest use that is told; debts beyond it are forgiven.
const PERCENTAGE_MAX: f64 = 1.8;

/// Resource units in [`limits::QUOTA_SPAN`] for a tenant of so many users.
fn units_max(users: u64) -> f64 {
    match users {
        0..50 => 3_500.0,
        50..=500 => 5_000.0,
        501.. => 8_000.0,
    }
}

/// What one tenant and application have used.
#[derive(Debug)]
pub(super) struct Quota {
    throttle: Throttle,
    units_max: f64,
    live: Mutex<Live>,
}

#[derive(Debug)]
struct Live {
    /// Units used and not yet given back; they are given back evenly.
    used: f64,
    used_at: Duration,
    windows: [VecDeque<Duration>; WINDOWS.len()],
}

/// What becomes of a request, and what its answer tells of the bucket.
pub(super) type Verdict = Result<Option<String>, Refusal>;

impl Quota {
    pub(super) fn new(throttle: Throttle, users: u64) -> Self {
        let live = Live { used: 0.0, used_at: Duration::ZERO, windows: Default::default() };
        Quota { throttle, units_max: units_max(users), live: Mutex::new(live) }
    }

    /// Charges a request. The answer is the share of the bucket in use, where it is to be told.
    pub(super) fn charge(&self, family: Family, units: u64, now: Duration) -> Verdict {
        if self.throttle == Throttle::Off {
            return Ok(None);
        }
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        match family {
            Family::Free => Ok(None),
            Family::Directory => self.charge_units(&mut live, units as f64, now),
            _ => WINDOWS
                .iter()
                .zip(&mut live.windows)
                .find(|(window, _)| window.family == family)
                .map_or(Ok(None), |(window, requests)| charge_request(window, requests, now)),
        }
    }

    fn charge_units(&self, live: &mut Live, units: f64, now: Duration) -> Verdict {
        let rate = self.units_max / limits::QUOTA_SPAN.as_secs_f64();
        let passed = now.saturating_sub(live.used_at).as_secs_f64();
        live.used = (live.used - passed * rate).max(0.0);
        live.used_at = live.used_at.max(now);
        let passes = live.used + units <= self.units_max;
        // Refused requests count too, though little, so that trying again at once makes it worse.
        let charged = if passes { units } else { REFUSED_UNITS };
        live.used = (live.used + charged).min(self.units_max * PERCENTAGE_MAX);
        let share = live.used / self.units_max;
        let told = (share >= PERCENTAGE_MIN).then(|| format!("{share:.2}"));
        if passes {
            return Ok(told);
        }
        let wait = Duration::from_secs_f64((live.used + units - self.units_max) / rate);
        let refusal = throttled(Some(wait.max(Duration::from_millis(1))))
            .with(THROTTLE_INFORMATION, "ResourceUnitLimitExceeded");
        Err(match told {
            Some(share) => refusal.with(LIMIT_PERCENTAGE, share),
            None => refusal,
        })
    }
}

/// The header that tells the share of the bucket in use.
pub(super) const LIMIT_PERCENTAGE: HeaderName =
    HeaderName::from_static("x-ms-throttle-limit-percentage");

fn charge_request(window: &Window, requests: &mut VecDeque<Duration>, now: Duration) -> Verdict {
    while requests.front().is_some_and(|at| *at + window.span <= now) {
        requests.pop_front();
    }
    let passes = requests.len() < window.requests;
    if requests.len() < window.requests * limits::REFUSED_PER_ALLOWED {
        requests.push_back(now);
    }
    if passes {
        return Ok(None);
    }
    // Room for one is made when so many have passed out of the window that one less is left.
    let last = requests.get(requests.len() - window.requests).copied().unwrap_or(now);
    let wait = (last + window.span).saturating_sub(now);
    Err(throttled(window.tells_wait.then_some(wait))
        .with(THROTTLE_INFORMATION, "RequestLimitExceeded"))
}
