//! A tenant described in a chain of words.

use std::time::Duration;

use super::{Fault, Licence, Settings, Tenant, Throttle};

/// The settings of a tenant that is not started yet.
///
/// ```
/// use entra_flight::sim::{Tenant, throttle};
/// use std::time::Duration;
///
/// let wait = Duration::from_millis(2_128);
/// let tenant = Tenant::seed(7).users(5_000).fault(throttle().after(3).wait(wait)).start();
/// assert_eq!(tenant.counters().requests, 0);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a tenant does nothing before `start`"]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    pub(super) fn new(seed: u64) -> Self {
        Builder { settings: Settings { seed, ..Settings::default() } }
    }

    /// How many users it has.
    pub fn users(mut self, users: u64) -> Self {
        self.settings.users = users;
        self
    }

    /// How many rounds of changes are behind it.
    pub fn rounds(mut self, rounds: u64) -> Self {
        self.settings.rounds = rounds;
        self
    }

    /// How long each answer takes.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// One more thing that goes wrong on purpose.
    pub fn fault(mut self, fault: impl Into<Fault>) -> Self {
        self.settings.faults.push(fault.into());
        self
    }

    /// Refuses nothing for exceeding Graph's limits.
    pub fn unthrottled(mut self) -> Self {
        self.settings.throttle = Throttle::Off;
        self
    }

    /// A tenant without premium licences.
    pub fn free(mut self) -> Self {
        self.settings.licence = Licence::Free;
        self
    }

    /// Grants all application permissions but this one.
    pub fn without(mut self, permission: &str) -> Self {
        self.settings.permissions.retain(|granted| granted != permission);
        self
    }

    /// Grants these application permissions and no others.
    pub fn permissions<'a>(mut self, permissions: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.permissions = permissions.into_iter().map(String::from).collect();
        self
    }

    /// How long a page token is good for.
    pub fn page_token_life(mut self, life: Duration) -> Self {
        self.settings.page_token_life = life;
        self
    }

    /// Sends bodies as they are, even to clients that take gzip.
    pub fn uncompressed(mut self) -> Self {
        self.settings.compress = false;
        self
    }

    /// The tenant.
    pub fn start(self) -> Tenant {
        Tenant::new(self.settings)
    }
}
