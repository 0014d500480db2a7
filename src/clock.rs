//! The only place that reads a clock.
//!
//! Time is tokio's, so that a test which pauses it holds every wait, every expiry and every
//! deadline of the program. The standard clocks are banned by `.clippy.toml`; the wall clock here
//! is read once and then moves with tokio's, so that it stands still too when a test says so.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

pub use tokio::time::Instant;

/// The monotonic time.
#[expect(clippy::disallowed_methods, reason = "the one reader of the monotonic clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// The time since 1970-01-01T00:00:00Z.
pub fn unix_now() -> Duration {
    static ANCHOR: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (at, unix) = *ANCHOR.get_or_init(|| (now(), wall()));
    // A test whose time is paused may stand before the anchor that another one set.
    let now = now();
    match now.checked_duration_since(at) {
        Some(since) => unix + since,
        None => unix.saturating_sub(at.duration_since(now)),
    }
}

/// Returns once `wait` has passed.
pub async fn sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// Returns once `at` has come.
pub async fn sleep_until(at: Instant) {
    tokio::time::sleep_until(at).await;
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the wall clock")]
fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
