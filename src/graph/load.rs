//! What the head of an answer tells of the load on Graph.

use std::time::Duration;

use http::HeaderMap;

use super::gate::Load;
use super::judge::Tried;
use crate::limits::graph as limits;
use crate::transport::Backoff;

/// After a 429 that names no wait.
const UNNAMED_WAIT: Backoff =
    Backoff { first: limits::UNNAMED_WAIT_FIRST, longest: limits::UNNAMED_WAIT_LONGEST };

/// What the gate learns from an answer.
pub(super) fn load(
    status: u16,
    headers: &HeaderMap,
    named: Option<Duration>,
    tried: Tried,
) -> Load {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    Load {
        units: units(headers),
        percentage: text("x-ms-throttle-limit-percentage")
            .and_then(|part| part.trim().parse().ok())
            .filter(|part: &f64| part.is_finite()),
        throttled: (status == 429).then(|| throttle_wait(named, tried.throttles + 1)),
        unnamed: named.is_none_or(|wait| wait.is_zero()),
        failed: status >= 500,
    }
}

/// What an answer says that it cost.
pub(super) fn units(headers: &HeaderMap) -> Option<u32> {
    headers.get("x-ms-resource-unit")?.to_str().ok()?.trim().parse().ok()
}

/// What Graph names, or a wait of our own if it names none, or none at all again and again. The
/// draw is from the upper half: an unnamed wait must not come out as none.
fn throttle_wait(named: Option<Duration>, throttles: u32) -> Duration {
    let upper_half = 0.5 + rand::random::<f64>() / 2.0;
    match named {
        Some(wait) if !wait.is_zero() => wait,
        _ => UNNAMED_WAIT.wait(throttles, upper_half),
    }
}
