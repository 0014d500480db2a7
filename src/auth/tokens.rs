//! The token of one connection, kept and renewed.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::grant::{Grant, Outcome};
use super::{Error, Granted, KnownSecrets, Settings, Token, Trouble};
use crate::clock::{self, Instant};
use crate::limits::auth as limits;
use crate::transport::{Backoff, Transport};

/// Between two tries when Entra names no wait.
const BACKOFF: Backoff = Backoff { first: limits::BACKOFF_FIRST, longest: limits::BACKOFF_LONGEST };

/// The token of one connection.
///
/// However many ask at once, one question goes to Entra, and all get its answer, a failure as
/// well as a token. When a token nears its end the next one is fetched beside the requests that
/// still use it; if that fails, the old one goes on to its end.
#[derive(Clone)]
pub struct Tokens {
    kept: Arc<Kept>,
}

struct Kept {
    grant: Grant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The question under way.
    fetch: Option<Fetch>,
    /// How many tokens were asked for.
    asked: u64,
    /// No early renewal before this.
    early_at: Option<Instant>,
    /// What went wrong last, since the last token.
    trouble: Option<Arc<Trouble>>,
}

type Fetch = Shared<BoxFuture<'static, Result<Token, Arc<Error>>>>;

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("tenant", &self.kept.grant.tenant)
            .field("client_id", &self.kept.grant.client_id)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Prepares to sign in; sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Address`] if login host and tenant make no address.
    pub fn new(transport: Arc<dyn Transport>, settings: Settings) -> Result<Self, Error> {
        let grant = Grant::new(transport, settings)?;
        Ok(Tokens { kept: Arc::new(Kept { grant, state: Mutex::default() }) })
    }

    /// A token that is good now: the one at hand, or a new one.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`Error`]; a wrong secret or application is told at once, an outage after
    /// [`limits::TRIES_MAX`] tries.
    pub async fn token(&self) -> Result<Token, Arc<Error>> {
        let fetch = {
            let mut state = self.kept.state();
            let now = clock::now();
            match state.token.clone().filter(|token| token.is_usable(now)) {
                Some(token) => {
                    self.renew_early(&mut state, &token, now);
                    return Ok(token);
                }
                None => self.fetch(&mut state, None),
            }
        };
        fetch.await
    }

    /// A token in place of `refused`, which Graph has not taken. Those who were refused together
    /// get one new token together.
    ///
    /// `claims` is the base64 text of a claims challenge, when Graph sent one.
    ///
    /// # Errors
    ///
    /// As of [`token`](Self::token).
    pub async fn fresh(&self, refused: &Token, claims: Option<&str>) -> Result<Token, Arc<Error>> {
        let fetch = {
            let mut state = self.kept.state();
            if state.token.as_ref().is_some_and(|token| token.number() <= refused.number()) {
                state.token = None;
            }
            let now = clock::now();
            match state.token.clone().filter(|token| token.is_usable(now)) {
                Some(token) => return Ok(token),
                None => self.fetch(&mut state, claims.and_then(decoded)),
            }
        };
        fetch.await
    }

    /// What must not come back in a text from outside.
    pub fn known_secrets(&self) -> &KnownSecrets {
        &self.kept.grant.known
    }

    /// What went wrong at the last try to sign in, if no token came since.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.kept.state().trouble.clone()
    }

    /// What the connection's token grants, or `None` if the token cannot be read.
    ///
    /// # Errors
    ///
    /// As of [`token`](Self::token).
    pub async fn granted(&self) -> Result<Option<Granted>, Arc<Error>> {
        Ok(self.token().await?.granted())
    }

    /// Starts the next token beside the requests that use this one.
    fn renew_early(&self, state: &mut State, token: &Token, now: Instant) {
        let too_soon = state.early_at.is_some_and(|at| now < at);
        if token.is_ageing(now) && !too_soon && state.fetch.is_none() {
            state.early_at = Some(now + limits::EARLY_RETRY_INTERVAL);
            tokio::spawn(self.fetch(state, None));
        }
    }

    /// The question under way, or a new one.
    fn fetch(&self, state: &mut State, claims: Option<String>) -> Fetch {
        if let Some(fetch) = &state.fetch {
            return fetch.clone();
        }
        state.asked += 1;
        let number = state.asked;
        let kept = self.kept.clone();
        let fetch = async move {
            let fetched = kept.fetch(number, claims).await;
            let mut state = kept.state();
            state.fetch = None;
            if let Ok(token) = &fetched {
                state.token = Some(token.clone());
                state.early_at = None;
                state.trouble = None;
            }
            fetched
        };
        let fetch = fetch.boxed().shared();
        state.fetch = Some(fetch.clone());
        fetch
    }
}

impl Kept {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Asks until there is a token, a refusal, or no try left.
    async fn fetch(&self, number: u64, claims: Option<String>) -> Result<Token, Arc<Error>> {
        let mut tries = 0;
        loop {
            let asked_at = clock::now();
            tries += 1;
            let trouble = match self.grant.ask(claims.as_deref()).await {
                Outcome::Token(secret, life) => {
                    return Ok(Token::new(secret, number, asked_at, life));
                }
                Outcome::Failed(error) => return Err(Arc::new(error)),
                Outcome::Trouble(trouble) => Arc::new(trouble),
            };
            self.state().trouble = Some(trouble.clone());
            let wait = self.wait(trouble, tries)?;
            clock::sleep(wait).await;
        }
    }

    fn wait(&self, trouble: Arc<Trouble>, tries: u32) -> Result<Duration, Arc<Error>> {
        let tenant = || self.grant.tenant.clone();
        let named = trouble.retry_after();
        if let Some(wait) = named.filter(|wait| *wait > limits::RETRY_WAIT_MAX) {
            return Err(Arc::new(Error::Throttled { tenant: tenant(), wait }));
        }
        if tries >= limits::TRIES_MAX {
            return Err(Arc::new(Error::Unavailable { tenant: tenant(), tries, trouble }));
        }
        tracing::warn!(tenant = %tenant(), tries, error = %trouble, "could not sign in yet");
        Ok(named.unwrap_or_default().max(BACKOFF.wait(tries, rand::random())))
    }
}

/// The JSON of a claims challenge.
fn decoded(claims: &str) -> Option<String> {
    let bytes = STANDARD
        .decode(claims)
        .or_else(|_| URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')))
        .ok()?;
    String::from_utf8(bytes).ok()
}
