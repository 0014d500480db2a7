//! When the next request to Graph may leave.

use std::collections::VecDeque;
use std::time::Duration;

use super::budget::{Budget, Counts};
use super::in_flight::InFlight;
use crate::clock::Instant;
use crate::limits::graph as limits;

/// Decides when the next request to Graph may leave.
///
/// A gate starts no timer and reads no clock: the caller passes the time in and sleeps for as
/// long as the gate says. One gate serves a throttle family of a whole connection, because Graph
/// counts per tenant and application, not per table.
///
/// Three things hold a request back: the budget of the family being spent, as many requests in
/// flight as it can bear, and a `Retry-After`, which closes the family at once. A wait that Graph
/// names is kept to the full and never shortened by what we think ourselves.
///
/// It starts at the documented budget of a large tenant. Small tenants have less than half of
/// that, and nothing tells beforehand which kind a tenant is; but from 0.8 of the limit on,
/// `x-ms-throttle-limit-percentage` tells how near it is, from which it can be worked out, before
/// the first request is refused. A 429 cuts what is left; calm seconds give it back.
///
/// <https://learn.microsoft.com/graph/throttling-limits>
#[derive(Debug)]
pub struct Gate {
    budget: Budget,
    /// The part of the documented budget that is used.
    part: f64,
    /// When a 429 last cut it.
    cut_at: Option<Instant>,
    /// Since when nothing has spoken against more.
    calm_since: Instant,
    /// What left within the span, oldest first.
    left: VecDeque<(Instant, f64)>,
    spent: f64,
    closed_until: Option<Instant>,
    /// The wait behind that, and when it was named, where Graph named it itself.
    named: Option<(Instant, Duration)>,
    flight: InFlight,
}

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It has left, and is in flight until [`Gate::landed`].
    Now,
    /// Not before this; ask again then.
    At(Instant),
    /// When another has landed; ask again then.
    AfterLanding,
}

/// What an answer tells about the load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// `x-ms-resource-unit`.
    pub units: Option<u32>,
    /// `x-ms-throttle-limit-percentage`: 1 is where throttling starts.
    pub percentage: Option<f64>,
    /// It was a 429, and how long it asked for; without a wait the caller's own.
    pub throttled: Option<Duration>,
    /// That wait is the caller's own.
    pub unnamed: bool,
    /// The server or the network failed.
    pub failed: bool,
}

impl Gate {
    /// An open gate.
    pub fn new(budget: Budget, now: Instant) -> Self {
        let in_flight = limits::IN_FLIGHT_FIRST.min(budget.in_flight_max);
        Gate {
            budget,
            part: 1.0,
            cut_at: None,
            calm_since: now,
            left: VecDeque::new(),
            spent: 0.0,
            closed_until: None,
            named: None,
            flight: InFlight::new(in_flight),
        }
    }

    /// Whether an exchange of `requests` requests (more than one in a `$batch`) that costs `units`
    /// resource units may leave.
    ///
    /// One that costs more than the whole budget leaves when nothing else was spent.
    pub fn ask(&mut self, requests: u32, units: u32, now: Instant) -> Leave {
        self.forget(now);
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Leave::At(until);
        }
        self.closed_until = None;
        if self.flight.is_full(now) {
            return Leave::AfterLanding;
        }
        let charge = self.budget.charge(requests, units);
        if let Some(at) = self.full_until(charge) {
            return Leave::At(at);
        }
        self.spend(charge, now);
        self.flight.leave();
        Leave::Now
    }

    /// An exchange that left has come back, or was given up.
    pub fn landed(&mut self) {
        self.flight.land();
    }

    /// Learns from an answer to an exchange of `requests` requests that was charged with
    /// `units` and left at `left_at`.
    pub fn learn(
        &mut self,
        load: &Load,
        requests: u32,
        units: u32,
        left_at: Instant,
        now: Instant,
    ) {
        if let Some(told) = load.units {
            let difference =
                self.budget.charge(requests, told) - self.budget.charge(requests, units);
            self.correct(difference, left_at);
        }
        if let Some(wait) = load.throttled {
            self.close(wait, !load.unnamed, now);
        }
        self.steer(load, now);
        let bad = load.failed || load.throttled.is_some();
        self.flight.learn(bad, left_at, now, self.budget.in_flight_max);
    }

    /// Learns from one part of a `$batch` that left at `left_at`, charged with `units`. Of what
    /// was in flight only a bad part tells more than the whole.
    pub fn learn_part(&mut self, load: &Load, units: u32, left_at: Instant, now: Instant) {
        if load.failed || load.throttled.is_some() {
            return self.learn(load, 1, units, left_at, now);
        }
        if let Some(told) = load.units {
            let difference = self.budget.charge(1, told) - self.budget.charge(1, units);
            self.correct(difference, left_at);
        }
        self.steer(load, now);
    }

    /// Nothing leaves for as long as `wait`, which Graph `named` or we chose, but no longer than
    /// [`limits::NAMED_WAIT_MAX`]. A gate that is closed for longer stays so.
    pub fn close(&mut self, wait: Duration, named: bool, now: Instant) {
        let until = now + wait.min(limits::NAMED_WAIT_MAX);
        if self.closed_until.is_none_or(|before| before < until) {
            self.closed_until = Some(until);
            self.named = named.then_some((now, wait));
        }
    }

    /// Whether nothing leaves whatever was spent.
    pub fn is_closed(&self, now: Instant) -> bool {
        self.closed_until.is_some_and(|until| until > now)
    }

    /// What is left of the wait by Graph's word, while it is closed for that.
    pub fn named_wait(&self, now: Instant) -> Option<Duration> {
        self.closed_until.filter(|until| *until > now)?;
        let (at, wait) = self.named?;
        Some(wait.saturating_sub(now.saturating_duration_since(at)))
    }

    /// Whether more requests in flight than are allowed would be needed to use up the budget at
    /// this `latency`, so that putting many into one exchange helps.
    pub fn is_latency_bound(&self, units: u32, latency: Duration) -> bool {
        let each = self.budget.charge(1, units);
        let a_second = self.units() / self.budget.span.as_secs_f64() / each;
        self.budget.counts == Counts::Units
            && a_second * latency.as_secs_f64() > f64::from(self.budget.in_flight_max)
    }

    fn units(&self) -> f64 {
        match self.budget.counts {
            Counts::Units => self.budget.units * self.part,
            // A handful of requests cannot be divided; there the span is stretched instead.
            Counts::Requests => self.budget.units,
        }
    }

    fn span(&self) -> Duration {
        match self.budget.counts {
            Counts::Units => self.budget.span,
            Counts::Requests => self.budget.span.div_f64(self.part),
        }
    }

    /// Until when too much was spent for `charge` more.
    fn full_until(&self, charge: f64) -> Option<Instant> {
        let over = self.spent + charge - self.units();
        if over <= 0.0 {
            return None;
        }
        let mut freed = 0.0;
        for (at, units) in &self.left {
            freed += units;
            if freed >= over {
                return Some(*at + self.span());
            }
        }
        // More than the whole budget: as soon as nothing is in the span.
        self.left.back().map(|(at, _)| *at + self.span())
    }

    fn spend(&mut self, charge: f64, now: Instant) {
        if charge != 0.0 {
            self.left.push_back((now, charge));
            self.spent += charge;
        }
    }

    /// Changes what was spent at `at`, unless that is long enough ago to be forgotten.
    fn correct(&mut self, difference: f64, at: Instant) {
        let place = self.left.partition_point(|(left_at, _)| *left_at < at);
        if let Some((_, units)) = self.left.get_mut(place).filter(|(left_at, _)| *left_at == at) {
            *units += difference;
            self.spent += difference;
        }
    }

    fn forget(&mut self, now: Instant) {
        let span = self.span();
        while let Some((at, units)) = self.left.front() {
            if *at + span > now {
                return;
            }
            self.spent -= units;
            self.left.pop_front();
        }
        // Nothing is left, so no rounding error stays either.
        self.spent = 0.0;
    }

    fn steer(&mut self, load: &Load, now: Instant) {
        let told = load.percentage.filter(|part| *part >= limits::LOAD_TOLD);
        if let Some(told) = told {
            // What was spent is this part of the limit, so the limit can be worked out. It comes
            // out too low if others spend as well, which is then our share.
            let limit = self.spent / told;
            self.lower(limit * limits::LOAD_AIM / self.budget.units);
        }
        if load.throttled.is_some() && self.settled(now) {
            self.lower(self.part * limits::BUDGET_AFTER_THROTTLE);
            self.cut_at = Some(now);
        }
        if told.is_some() || load.throttled.is_some() {
            self.calm_since = now;
            return;
        }
        let calm = now.saturating_duration_since(self.calm_since).as_secs();
        if calm >= 1 {
            self.part = (self.part + limits::BUDGET_GROWTH * calm as f64).min(1.0);
            self.calm_since = now;
        }
    }

    fn lower(&mut self, part: f64) {
        self.part = self.part.min(part.max(limits::BUDGET_PART_MIN));
    }

    /// What left before the last cut was counted by Graph until this long after it.
    fn settled(&self, now: Instant) -> bool {
        self.cut_at.is_none_or(|at| now.saturating_duration_since(at) >= limits::BUDGET_SETTLES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Family;
    use proptest::prelude::*;

    const NO_LOAD: Load =
        Load { units: None, percentage: None, throttled: None, unnamed: false, failed: false };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// When each of `requests` of `units` leaves, if they leave as soon as they may and each
    /// takes `latency`.
    fn run(family: Family, requests: usize, units: u32, latency: Duration) -> Vec<Duration> {
        let start = crate::clock::now();
        let mut gate = Gate::new(Budget::of(family), start);
        let (mut now, mut flying, mut left) = (start, VecDeque::new(), Vec::new());
        while left.len() < requests {
            while let Some((left_at, back_at)) = flying.front().copied()
                && back_at <= now
            {
                gate.learn(&NO_LOAD, 1, units, left_at, now);
                gate.landed();
                flying.pop_front();
            }
            match gate.ask(1, units, now) {
                Leave::Now => {
                    left.push(now - start);
                    flying.push_back((now, now + latency));
                }
                Leave::At(at) => now = at,
                Leave::AfterLanding => now = flying.front().map_or(now, |(_, back_at)| *back_at),
            }
        }
        left
    }

    #[test]
    fn each_family_uses_its_budget_and_no_more() {
        let cases = [
            // 20,000 groups of 2 units at 50 ms: five times 7,800 units, and 1,000 more.
            (Family::Directory, 20_000, 2, 50, 51_250..=52_500),
            // What is below the budget is bound by the requests in flight: 64 at 50 ms.
            (Family::Directory, 3_000, 2, 50, 2_300..=2_700),
            (Family::Directory, 1_280, 1, 500, 9_000..=12_000),
            // 5 in 10.25 s.
            (Family::Reports, 21, 1, 100, 41_000..=41_500),
            (Family::Protection, 11, 1, 100, 11_000..=11_000),
        ];
        for (family, requests, units, latency, millis) in cases {
            let left = run(family, requests, units, ms(latency));
            let took = left.last().map_or(0, Duration::as_millis);
            assert!(millis.contains(&took), "{family:?} {requests} × {units}: {took} ms");
        }
    }

    #[test]
    fn a_429_closes_the_family_to_the_millisecond_and_is_never_shortened() {
        let now = crate::clock::now();
        let mut gate = Gate::new(Budget::of(Family::Directory), now);
        assert_eq!(gate.ask(1, 1, now), Leave::Now);
        let throttled = |wait| Load { throttled: Some(ms(wait)), ..NO_LOAD };
        gate.learn(&throttled(2_128), 1, 1, now, now);
        gate.learn(&throttled(500), 1, 1, now, now + ms(100));
        assert_eq!(gate.ask(1, 1, now + ms(101)), Leave::At(now + ms(2_128)));
        assert_eq!(gate.ask(1, 1, now + ms(2_127)), Leave::At(now + ms(2_128)));
        gate.learn(&throttled(3_000), 1, 1, now, now + ms(100));
        assert_eq!(gate.ask(1, 1, now + ms(2_128)), Leave::At(now + ms(3_100)));
        assert_eq!(gate.ask(1, 1, now + ms(3_100)), Leave::Now);
    }

    #[test]
    fn the_budget_follows_what_graph_tells() {
        let start = crate::clock::now();
        let mut gate = Gate::new(Budget::of(Family::Directory), start);
        let at = |gate: &mut Gate, millis: u64, load: Load| {
            gate.learn(&load, 1, 1, start, start + ms(millis));
            (gate.part * 100.0).round()
        };
        let told = |part| Load { percentage: Some(part), ..NO_LOAD };
        gate.spend(2_800.0, start);
        assert_eq!(at(&mut gate, 900, NO_LOAD), 100.0);
        // 2,800 units are 0.8 of the limit: a small tenant, which has 3,500.
        assert_eq!(at(&mut gate, 900, told(0.8)), 43.0);
        assert_eq!(at(&mut gate, 950, told(0.8)), 43.0);
        // Refused all the same: someone else spends too. Once, however many are refused.
        let refused = Load { throttled: Some(ms(10)), ..NO_LOAD };
        assert_eq!(at(&mut gate, 1_000, refused), 30.0);
        assert_eq!(at(&mut gate, 1_500, refused), 30.0);
        assert_eq!(at(&mut gate, 3_500, NO_LOAD), 34.0);
        assert_eq!(at(&mut gate, 11_500, refused), 24.0);
        assert_eq!(at(&mut gate, 90_000, NO_LOAD), 100.0);
    }

    #[test]
    fn what_a_request_really_cost_is_what_counts() {
        let now = crate::clock::now();
        let mut gate = Gate::new(Budget::of(Family::Directory), now);
        assert_eq!(gate.ask(1, 4_000, now), Leave::Now);
        assert_eq!(gate.ask(1, 4_000, now), Leave::At(now + limits::DIRECTORY_SPAN));
        gate.learn(&Load { units: Some(2), ..NO_LOAD }, 1, 4_000, now, now + ms(20));
        assert_eq!(gate.ask(1, 4_000, now + ms(20)), Leave::Now);
    }

    #[test]
    fn the_parts_of_a_batch_tell_what_they_cost_and_what_is_left() {
        let now = crate::clock::now();
        let mut gate = Gate::new(Budget::of(Family::Directory), now);
        assert_eq!(gate.ask(20, 60, now), Leave::Now);
        let bound = gate.flight.clone();
        for _ in 0..20 {
            gate.learn_part(&Load { units: Some(2), ..NO_LOAD }, 3, now, now + ms(20));
        }
        assert_eq!(gate.spent, 40.0);
        assert_eq!(gate.flight, bound);
        gate.spend(2_760.0, now);
        let told = Load { percentage: Some(0.8), ..NO_LOAD };
        gate.learn_part(&told, 3, now, now + ms(20));
        assert_eq!((gate.part * 100.0).round(), 43.0);
        let refused = Load { throttled: Some(ms(700)), ..NO_LOAD };
        gate.learn_part(&refused, 3, now, now + ms(20));
        gate.learn_part(&refused, 3, now, now + ms(20));
        assert_eq!((gate.part * 100.0).round(), 30.0);
        assert_eq!(gate.named_wait(now + ms(20)), Some(ms(700)));
        assert_ne!(gate.flight, bound);
    }

    #[test]
    fn a_wait_of_our_own_is_not_called_one_of_graph() {
        let now = crate::clock::now();
        let mut gate = Gate::new(Budget::of(Family::Directory), now);
        let own = Load { throttled: Some(ms(700)), unnamed: true, ..NO_LOAD };
        gate.learn(&own, 1, 1, now, now);
        assert_eq!(gate.named_wait(now), None);
        assert_eq!(gate.ask(1, 1, now), Leave::At(now + ms(700)));
    }

    #[test]
    fn a_wait_without_end_is_told_whole_and_not_kept_for_ever() {
        let now = crate::clock::now();
        let mut gate = Gate::new(Budget::of(Family::Directory), now);
        let (long, bound) = (Duration::from_secs(1_000_000_000_000), limits::NAMED_WAIT_MAX);
        gate.learn(&Load { throttled: Some(long), ..NO_LOAD }, 1, 1, now, now);
        assert_eq!(gate.named_wait(now + ms(1_000)), Some(long - ms(1_000)));
        assert_eq!(gate.ask(1, 1, now), Leave::At(now + bound));
        assert_eq!(gate.named_wait(now + bound), None);
        assert_eq!(gate.ask(1, 1, now + bound), Leave::Now);
    }

    proptest! {
        #[test]
        fn no_ten_seconds_see_more_than_the_budget(
            steps in prop::collection::vec((0_u64..400, 1_u32..90, any::<bool>()), 1..400)
        ) {
            let start = crate::clock::now();
            let mut gate = Gate::new(Budget::of(Family::Directory), start);
            let (mut now, mut left) = (start, Vec::new());
            for (pause, units, waits) in steps {
                now += ms(pause);
                for _ in 0..40 {
                    match gate.ask(1, units, now) {
                        Leave::Now => {
                            left.push((now, f64::from(units)));
                            gate.learn(&NO_LOAD, 1, units, now, now);
                            gate.landed();
                        }
                        Leave::At(at) if waits => now = at,
                        _ => break,
                    }
                }
            }
            let (mut from, mut spent) = (0, 0.0);
            for (at, units) in &left {
                spent += units;
                while left[from].0 + limits::DIRECTORY_SPAN <= *at {
                    spent -= left[from].1;
                    from += 1;
                }
                prop_assert!(spent <= limits::DIRECTORY_UNITS, "{spent}");
            }
        }

        #[test]
        fn nothing_leaves_while_graph_said_to_wait(
            steps in prop::collection::vec((0_u64..300, prop::option::of(0_u64..5_000)), 1..200)
        ) {
            let mut now = crate::clock::now();
            let mut gate = Gate::new(Budget::of(Family::Directory), now);
            let mut closed_until = now;
            for (pause, wait) in steps {
                now += ms(pause);
                if let Some(wait) = wait {
                    gate.learn(&Load { throttled: Some(ms(wait)), ..NO_LOAD }, 1, 1, now, now);
                    closed_until = closed_until.max(now + ms(wait));
                }
                match gate.ask(1, 1, now) {
                    Leave::Now => {
                        prop_assert!(now >= closed_until);
                        gate.landed();
                    }
                    Leave::At(at) => prop_assert!(at >= closed_until.max(now)),
                    Leave::AfterLanding => prop_assert!(false, "nothing was in flight"),
                }
            }
        }
    }
}
