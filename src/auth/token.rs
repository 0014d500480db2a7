//! A token, and what it grants.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::clock::Instant;
use crate::limits::auth as limits;
use crate::secret::Secret;

/// An access token for Graph.
#[derive(Clone, Debug)]
pub struct Token {
    secret: Secret,
    /// Counts the tokens of one connection, so that "the one that was refused" can be named.
    number: u64,
    asked_at: Instant,
    life: Duration,
}

impl Token {
    /// A token that was asked for at `asked_at` and lives for `life` from then on. Counting from
    /// the question errs on the safe side.
    pub(super) fn new(secret: Secret, number: u64, asked_at: Instant, life: Duration) -> Self {
        Token { secret, number, asked_at, life }
    }

    /// The text for the header `Authorization: Bearer`.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Which of its connection's tokens it is.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How long ago it was asked for.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.asked_at)
    }

    /// Whether a request that leaves now may carry it.
    pub(super) fn is_usable(&self, now: Instant) -> bool {
        let unused = (self.life / limits::UNUSED_PART).min(limits::UNUSED_MAX);
        self.age(now) < self.life.saturating_sub(unused)
    }

    /// Whether the next one should be fetched already.
    pub(super) fn is_ageing(&self, now: Instant) -> bool {
        let early = (self.life / limits::EARLY_PART).min(limits::EARLY_MAX);
        self.age(now) >= self.life.saturating_sub(early)
    }

    /// What it grants, as it says itself, or `None` if it cannot be read.
    ///
    /// The signature is not checked: a token for Graph is for Graph to judge. This is good for
    /// telling a person what is missing, and for nothing else.
    pub fn granted(&self) -> Option<Granted> {
        let payload = self.secret.expose().split('.').nth(1)?;
        let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        let mut permissions = claims.roles;
        permissions.extend(claims.scp.split_whitespace().map(str::to_owned));
        permissions.sort();
        permissions.dedup();
        Some(Granted { permissions, tenant_id: claims.tid, client_id: claims.appid.or(claims.azp) })
    }
}

/// What a token says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Application permissions (`roles`) and delegated ones (`scp`), sorted.
    pub permissions: Vec<String>,
    /// The directory's id.
    pub tenant_id: Option<String>,
    /// The application's id.
    pub client_id: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    scp: String,
    tid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
}
