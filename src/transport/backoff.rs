//! How long to wait before trying again when nobody says.

use std::time::Duration;

/// Exponential backoff with full jitter.
///
/// The wait before try `n` is drawn evenly from zero up to `first × 2ⁿ`, and never more than
/// `longest`. Full jitter, because many requests that failed together must not come back together.
/// Chance is passed in, so that the same draw gives the same wait.
///
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first wait.
    pub first: Duration,
    /// The bound of every wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `failures` failures in a row (the first failure is 1), for a `draw` from
    /// `0.0..1.0`. A draw outside is brought inside.
    pub fn wait(&self, failures: u32, draw: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let bound = self.first.saturating_mul(1 << doublings).min(self.longest);
        let draw = if draw.is_finite() { draw.clamp(0.0, 1.0) } else { 1.0 };
        bound.mul_f64(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(60) };

    #[test]
    fn the_bound_doubles_until_the_longest() {
        let bounds: Vec<u128> =
            [0, 1, 2, 3, 7, 8, 9, u32::MAX].map(|n| BACKOFF.wait(n, 1.0).as_millis()).to_vec();
        assert_eq!(bounds, [500, 500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000]);
    }

    proptest! {
        #[test]
        fn no_wait_is_above_its_bound(failures: u32, draw: f64) {
            prop_assert!(BACKOFF.wait(failures, draw) <= BACKOFF.wait(failures, 1.0));
            prop_assert!(BACKOFF.wait(failures, draw) <= BACKOFF.longest);
        }
    }
}
