//! The gates of a connection, and waiting at them.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use super::budget::Budget;
use super::gate::{Gate, Leave, Load};
use super::meter::{Meter, Wait};
use crate::catalog::Family;
use crate::clock::{self, Instant};
use crate::limits::graph as limits;

/// The gates of a connection, one a throttle family.
#[derive(Clone, Debug)]
pub(super) struct Gates {
    directory: Arc<Lane>,
    reports: Arc<Lane>,
    protection: Arc<Lane>,
}

/// One gate and those who wait before it, first come first served.
#[derive(Debug)]
pub(super) struct Lane {
    gate: Mutex<Gate>,
    turn: tokio::sync::Mutex<()>,
    landed: Notify,
    /// Graph has closed the gate.
    closed: Notify,
    /// How long answers take, smoothed; none seen yet is zero.
    latency: Mutex<Duration>,
}

/// What is about to leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    /// Requests; more than one in a `$batch`.
    pub requests: u32,
    /// Resource units of them together.
    pub units: u32,
}

/// A request in flight; it lands when this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    lane: Arc<Lane>,
    weight: Weight,
    left_at: Instant,
}

/// The gate stays shut for longer than there is time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shut {
    /// How long, from now.
    pub wait: Duration,
    /// How much time there is.
    pub left: Duration,
}

impl Gates {
    pub fn new(now: Instant) -> Self {
        let lane = |family| {
            Arc::new(Lane {
                gate: Mutex::new(Gate::new(Budget::of(family), now)),
                turn: tokio::sync::Mutex::default(),
                landed: Notify::new(),
                closed: Notify::new(),
                latency: Mutex::default(),
            })
        };
        Gates {
            directory: lane(Family::Directory),
            reports: lane(Family::Reports),
            protection: lane(Family::Protection),
        }
    }

    pub fn lane(&self, family: Family) -> &Arc<Lane> {
        match family {
            Family::Directory => &self.directory,
            Family::Reports => &self.reports,
            Family::Protection => &self.protection,
        }
    }
}

impl Lane {
    /// Waits until a request of this weight may leave.
    ///
    /// # Errors
    ///
    /// [`Shut`] at once if Graph has closed the gate for longer than there is time: until the
    /// deadline, or without one for [`limits::RETRY_WAIT_MAX`], and never for longer than
    /// [`limits::NAMED_WAIT_MAX`].
    pub async fn pass(
        self: &Arc<Self>,
        weight: Weight,
        deadline: Option<Instant>,
        meter: &Meter,
    ) -> Result<Permit, Shut> {
        let _turn = self.unless_shut(deadline, self.turn.lock()).await?;
        loop {
            let now = clock::now();
            let (leave, why) = {
                let mut gate = locked(&self.gate);
                let why = if gate.is_closed(now) { Wait::Graph } else { Wait::Budget };
                (gate.ask(weight.requests, weight.units, now), why)
            };
            match leave {
                Leave::Now => return Ok(Permit { lane: self.clone(), weight, left_at: now }),
                Leave::AfterLanding => self.unless_shut(deadline, self.landed.notified()).await?,
                Leave::At(at) => {
                    // Before the wait is counted as one.
                    self.check(deadline)?;
                    meter.waits(now, at, why);
                    self.unless_shut(deadline, clock::sleep_until(at)).await?;
                }
            }
        }
    }

    /// Waits for `what`, for as long as the gate is not closed for longer than there is time. It
    /// may close while others wait for their turn, and they must hear of it before it is theirs.
    async fn unless_shut<T>(
        &self,
        deadline: Option<Instant>,
        what: impl Future<Output = T>,
    ) -> Result<T, Shut> {
        let mut what = pin!(what);
        loop {
            let mut closed = pin!(self.closed.notified());
            // From here on it is heard, and what came before is seen.
            closed.as_mut().enable();
            self.check(deadline)?;
            tokio::select! {
                biased;
                done = &mut what => return Ok(done),
                () = closed => {}
            }
        }
    }

    fn check(&self, deadline: Option<Instant>) -> Result<(), Shut> {
        let now = clock::now();
        let left = deadline.map(|at| at.saturating_duration_since(now));
        let left = left.unwrap_or(limits::RETRY_WAIT_MAX).min(limits::NAMED_WAIT_MAX);
        match locked(&self.gate).named_wait(now) {
            Some(wait) if wait > left => Err(Shut { wait, left }),
            _ => Ok(()),
        }
    }

    /// Learns from one part of an answer to a `$batch` that left at `left_at`, charged with
    /// `units`.
    pub fn answered_part(&self, load: &Load, units: u32, left_at: Instant, now: Instant) {
        locked(&self.gate).learn_part(load, units, left_at, now);
        self.tell(load);
    }

    fn tell(&self, load: &Load) {
        if load.throttled.is_some() {
            self.closed.notify_waiters();
        }
    }

    /// Whether putting many requests of `units` into one exchange would help.
    pub fn is_latency_bound(&self, units: u32) -> bool {
        locked(&self.gate).is_latency_bound(units, *locked(&self.latency))
    }
}

impl Permit {
    /// When it left.
    pub fn left_at(&self) -> Instant {
        self.left_at
    }

    /// The answer has come: the gate learns from it, and the request has landed.
    pub fn answered(self, load: &Load, now: Instant) {
        let took = now.saturating_duration_since(self.left_at);
        if !load.failed && load.throttled.is_none() {
            let mut latency = locked(&self.lane.latency);
            *latency = if latency.is_zero() { took } else { (*latency * 7 + took) / 8 };
        }
        let Weight { requests, units } = self.weight;
        locked(&self.lane.gate).learn(load, requests, units, self.left_at, now);
        self.lane.tell(load);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        locked(&self.lane.gate).landed();
        self.lane.landed.notify_one();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
