//! The tries of one question so far.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::Answer;
use super::error::{Cause, Waiting};
use super::judge::Tried;
use crate::auth;
use crate::clock::Instant;
use crate::transport;

/// The tries of one question so far, and what the one under way waits for.
#[derive(Default)]
pub(super) struct Course {
    pub tries: u32,
    pub last: Option<Trouble>,
    waiting: Mutex<Waiting>,
}

/// What was wrong with an answer.
pub(super) enum Trouble {
    Answered(Answer),
    Network(transport::Error),
    /// A body of 200 that is no page.
    Unreadable(Cause),
    /// There was no token to ask with, and there may be one later.
    SignIn(Cause),
}

impl Course {
    /// Notes what is waited for from now on.
    pub fn waits_for(&self, what: Waiting) {
        *self.waiting() = what;
    }

    /// The end of a question whose deadline has passed: what it waited for, and what had gone wrong
    /// before, where that was a sign-in `unsigned`.
    pub fn out_of_time(self, unsigned: Option<Arc<auth::Trouble>>) -> Cause {
        let waiting = *self.waiting();
        let Course { tries, last, .. } = self;
        let source = match unsigned.filter(|_| waiting == Waiting::SignIn) {
            Some(source) => Some(Cause::SignIn { source }),
            None => last.map(|trouble| trouble.cause(tries)),
        };
        Cause::Deadline { waiting, source: source.map(Box::new) }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    pub fn count(&self, tried: &mut Tried, now: Instant) {
        match self {
            Trouble::Answered(answer) if answer.status == 429 => tried.throttles += 1,
            Trouble::Answered(answer) if matches!(answer.status, 401 | 403) => {}
            Trouble::Network(transport::Error::Cut { .. }) | Trouble::Unreadable(_) => {
                tried.unreadable += 1;
            }
            Trouble::Answered(_) | Trouble::Network(_) | Trouble::SignIn(_) => tried.fail(now),
        }
    }

    pub fn cause(self, tries: u32) -> Cause {
        match self {
            Trouble::Answered(answer) => Cause::Answered(Box::new(answer)),
            Trouble::Network(source) => Cause::Network { tries, source },
            Trouble::Unreadable(cause) | Trouble::SignIn(cause) => cause,
        }
    }

    pub fn is_throttle(&self) -> bool {
        matches!(self, Trouble::Answered(answer) if answer.status == 429)
    }

    /// Whether another connection may lead to another, healthier server.
    pub fn is_of_server(&self) -> bool {
        match self {
            Trouble::Answered(answer) => answer.status >= 500,
            Trouble::Network(_) => true,
            Trouble::Unreadable(_) | Trouble::SignIn(_) => false,
        }
    }

    /// Every attempt that failed, with the name that Graph's own logs know it by.
    pub fn log(&self, tries: u32, client_request_id: &str) {
        let date = match self {
            Trouble::Answered(answer) => answer.date.as_deref(),
            _ => None,
        };
        tracing::debug!(tries, client_request_id, date, trouble = %self, "an attempt failed");
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Answered(answer) => answer.fmt(f),
            Trouble::Network(error) => error.fmt(f),
            Trouble::Unreadable(cause) | Trouble::SignIn(cause) => cause.fmt(f),
        }
    }
}
