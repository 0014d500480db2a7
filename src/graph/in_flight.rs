//! How many requests may be under way at once.

use crate::clock::Instant;

/// How many requests may be under way at once.
///
/// Twice as many after each round that comes back well, until one does not: then half, and from
/// there a few more each round. Only a bound that holds something back grows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InFlight {
    now: u32,
    bound: f64,
    halved_at: Option<Instant>,
    /// When the bound last held something back.
    full_at: Option<Instant>,
}

/// What a round adds to the bound once it was found too high.
const MORE_A_ROUND: f64 = 4.0;

impl InFlight {
    pub fn new(bound: u32) -> Self {
        InFlight { now: 0, bound: f64::from(bound), halved_at: None, full_at: None }
    }

    /// Whether no other may leave.
    pub fn is_full(&mut self, now: Instant) -> bool {
        let full = self.now >= (self.bound as u32).max(1);
        if full {
            self.full_at = Some(now);
        }
        full
    }

    pub fn leave(&mut self) {
        self.now += 1;
    }

    pub fn land(&mut self) {
        self.now = self.now.saturating_sub(1);
    }

    /// Learns from one that left at `left_at` and came back, or failed, at `now`.
    pub fn learn(&mut self, bad: bool, left_at: Instant, now: Instant, max: u32) {
        if bad {
            // Those that left before the last halving tell nothing about what it did.
            if self.halved_at.is_none_or(|at| left_at >= at) {
                self.bound = (self.bound / 2.0).max(1.0);
                self.halved_at = Some(now);
            }
        } else if self.full_at.is_some_and(|at| left_at <= at) {
            let more = if self.halved_at.is_none() { 1.0 } else { MORE_A_ROUND / self.bound };
            self.bound = (self.bound + more).min(f64::from(max));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A round of as many as may leave; how many that were.
    fn round(flight: &mut InFlight, at: Instant, bad: bool) -> u32 {
        while !flight.is_full(at) {
            flight.leave();
        }
        let left = flight.now;
        for _ in 0..left {
            flight.learn(bad, at, at + Duration::from_millis(50), 64);
            flight.land();
        }
        left
    }

    #[test]
    fn rounds_double_then_halve_once_and_grow_slowly() {
        let mut flight = InFlight::new(8);
        let mut at = crate::clock::now();
        let mut rounds = Vec::new();
        for bad in [false, false, false, false, true, true, false, false, false] {
            at += Duration::from_secs(1);
            rounds.push(round(&mut flight, at, bad));
        }
        assert_eq!(rounds, [8, 16, 32, 64, 64, 32, 16, 19, 23]);
    }

    #[test]
    fn what_is_not_used_does_not_grow_and_one_may_always_leave() {
        let at = crate::clock::now();
        let mut flight = InFlight::new(8);
        for second in 0..9 {
            let at = at + Duration::from_secs(second);
            assert!(!flight.is_full(at));
            flight.leave();
            flight.learn(false, at, at, 64);
            flight.land();
        }
        assert_eq!(flight.bound, 8.0);
        for second in 10..20 {
            round(&mut flight, at + Duration::from_secs(second), true);
        }
        assert_eq!(flight.bound, 1.0);
    }
}
