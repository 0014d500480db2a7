//! The faults of one tenant while it runs: which has struck, which is still to come.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::{HeaderName, StatusCode, header};

use super::fault::{Breakage, Fault};
use super::options::Options;
use super::reply::{Asked, Refusal, Reply};

/// Under `slow`, the first answer and each one that many later is late.
const SLOW_EVERY: u64 = 5;

/// What `endless_throttle` asks to wait: thirty thousand years.
const ENDLESS: Duration = Duration::from_secs(1_000_000_000_000);

/// The faults and what each has done so far.
#[derive(Debug)]
pub(super) struct Trouble {
    faults: Vec<Fault>,
    states: Mutex<Vec<State>>,
    /// The object whose relations cannot be read, once one was asked for them.
    failing: OnceLock<String>,
}

/// What one fault has done: how often it counted, and until when it holds.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    count: u64,
    until: Duration,
}

impl Trouble {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        let states = Mutex::new(vec![State::default(); faults.len()]);
        Trouble { faults, states, failing: OnceLock::new() }
    }

    /// Lets `each` look at every fault and its state, and gives the first answer.
    fn first<T>(&self, mut each: impl FnMut(&Fault, &mut State) -> Option<T>) -> Option<T> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        self.faults.iter().zip(states.iter_mut()).find_map(|(fault, state)| each(fault, state))
    }

    fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    /// Whether a request is refused because the service is down.
    pub(super) fn outage(&self, now: Duration) -> Option<Refusal> {
        self.first(|fault, state| match fault {
            Fault::Outage { answers } if state.count < *answers => {
                state.count += 1;
                Some(unavailable())
            }
            Fault::Downtime { after, time } => {
                state.count += 1;
                if state.count == *after + 1 {
                    state.until = now + *time;
                }
                (now < state.until).then(unavailable)
            }
            _ => None,
        })
    }

    /// Whether a request with a good token is refused all the same.
    pub(super) fn refuses_token(&self) -> Option<Refusal> {
        self.first(|fault, state| match fault {
            Fault::RefuseToken { answers } if state.count < *answers => {
                state.count += 1;
                Some(Refusal::unauthenticated("Access token validation failure."))
            }
            _ => None,
        })
    }

    /// Whether what this object leads to cannot be read.
    pub(super) fn fails_parent(&self, key: &str) -> Option<Refusal> {
        let status = self.faults.iter().find_map(|fault| match fault {
            Fault::FailParent { status } => StatusCode::from_u16(*status).ok(),
            _ => None,
        })?;
        let fails = self.failing.get_or_init(|| key.to_owned()).as_str() == key;
        fails.then(|| Refusal::new(status, "generalException", "An unexpected error occurred."))
    }

    /// Whether a list is refused for its condition.
    pub(super) fn refuses_filter(&self, options: &Options) -> Option<Refusal> {
        let filter = options.filter.as_ref()?;
        let refused = self.faults.iter().any(|fault| match fault {
            Fault::RefuseFilter { property: None } => true,
            Fault::RefuseFilter { property: Some(name) } => filter.speaks_of(|it| it == name),
            _ => false,
        });
        let bad = StatusCode::BAD_REQUEST;
        refused.then(|| Refusal::new(bad, "BadRequest", "Invalid filter clause"))
    }

    /// Whether a number of rows is refused.
    pub(super) fn refuses_count(&self) -> Option<Refusal> {
        let message = "$count is not currently supported.";
        self.has(&Fault::RefuseCount).then(|| Refusal::unsupported(message))
    }

    /// The answer of a proxy that lets nothing through.
    pub(super) fn proxy(&self) -> Option<Reply> {
        let status = self.faults.iter().find_map(|fault| match fault {
            Fault::ProxyRefusal { status } => StatusCode::from_u16(*status).ok(),
            _ => None,
        })?;
        let reason = status.canonical_reason().unwrap_or_default();
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{reason}</title></head>\n\
             <body><h1>{reason}</h1><p>The proxy of your organization has blocked this request.\
             </p></body></html>\n"
        );
        Some(Reply { status, ..Reply::text("text/html; charset=utf-8", page) })
    }

    /// Whether a request is refused as one too many.
    pub(super) fn throttle(&self, now: Duration) -> Option<Refusal> {
        self.first(|fault, state| match fault {
            Fault::Throttle { wait, .. } if now < state.until => {
                Some(overloaded(state.until.saturating_sub(now).min(*wait)))
            }
            Fault::Throttle { after, wait } if state.count >= *after => {
                *state = State { count: 0, until: now + *wait };
                Some(overloaded(*wait))
            }
            Fault::Throttle { .. } => {
                state.count += 1;
                None
            }
            Fault::EndlessThrottle { after } => {
                state.count += 1;
                (state.count == *after + 1).then(|| overloaded(ENDLESS))
            }
            _ => None,
        })
    }

    /// How much later than others the next answer comes.
    pub(super) fn delay(&self) -> Duration {
        let mut delay = Duration::ZERO;
        self.first::<()>(|fault, state| {
            if let Fault::Slow { wait } = fault {
                if state.count.is_multiple_of(SLOW_EVERY) {
                    delay += *wait;
                }
                state.count += 1;
            }
            None
        });
        delay
    }

    /// Where a body of this length is cut, if it is.
    pub(super) fn cut(&self, body_bytes: usize) -> Option<usize> {
        self.first(|fault, state| match fault {
            Fault::CutBody { bytes } if state.count == 0 && body_bytes > *bytes => {
                state.count = 1;
                Some(*bytes)
            }
            _ => None,
        })
    }

    /// Whether the page token that just came is refused although it is good, and how.
    pub(super) fn expired_link(&self) -> Option<Refusal> {
        self.first(|fault, state| {
            let refusal = match fault {
                Fault::ExpireLink => expired(),
                Fault::ExpireReportLink => {
                    let message = "Token not found: token is either invalid or expired";
                    Refusal::new(StatusCode::NOT_FOUND, "", message)
                }
                _ => return None,
            };
            state.count += 1;
            (state.count == 1).then_some(refusal)
        })
    }

    /// Whether `$top` bounds all rows of the list at `path`.
    pub(super) fn limits_top(&self, path: &str) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::TopIsLimit { list: None } => true,
            Fault::TopIsLimit { list: Some(list) } => path.ends_with(list.as_str()),
            _ => false,
        })
    }

    /// Whether the link of this page, which has one, is left out.
    pub(super) fn loses_link(&self) -> bool {
        let struck = self.first(|fault, state| {
            (*fault == Fault::LoseLink).then(|| state.count += 1)?;
            (state.count == 1).then_some(())
        });
        struck.is_some()
    }

    pub(super) fn has_odd_links(&self) -> bool {
        self.has(&Fault::OddLink)
    }

    pub(super) fn marks_byte_order(&self) -> bool {
        self.has(&Fault::ByteOrderMark)
    }

    /// How the page that is about to be sent, which has rows, is damaged.
    pub(super) fn breakage(&self) -> Option<Breakage> {
        self.first(|fault, state| match fault {
            Fault::BreakPage { how, pages } if state.count < *pages => {
                state.count += 1;
                Some(*how)
            }
            _ => None,
        })
    }

    /// How many empty rows the page that is about to be sent has more.
    pub(super) fn swelling(&self) -> Option<u64> {
        self.first(|fault, state| match fault {
            Fault::Swell { rows } if state.count == 0 => {
                state.count = 1;
                Some(*rows)
            }
            _ => None,
        })
    }

    pub(super) fn adds_members(&self) -> bool {
        self.has(&Fault::UndeclaredMembers)
    }

    /// The property of which the first row of each page has a value of another type.
    pub(super) fn wrong_type(&self) -> Option<&str> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::WrongType { property } => Some(property.as_str()),
            _ => None,
        })
    }

    /// Whether tokens tell their life as text.
    pub(super) fn tells_life_as_text(&self) -> bool {
        self.has(&Fault::ExpiresAsText)
    }

    /// What an error repeats of the request that it answers.
    pub(super) fn echo(&self, asked: &Asked<'_>) -> Option<String> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::EchoRequest { echo } => Some(echo.of(asked)),
            _ => None,
        })
    }

    /// How long tokens live, if not as usual.
    pub(super) fn token_life(&self) -> Option<Duration> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::ExpireToken { life } => Some(*life),
            _ => None,
        })
    }

    /// Whether later pages of a list that these permissions open are refused.
    pub(super) fn drops_permission(&self, opening: &[&str]) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::DropPermission { name: None } => true,
            Fault::DropPermission { name: Some(name) } => opening.contains(&name.as_str()),
            _ => false,
        })
    }

    pub(super) fn repeats_link(&self) -> bool {
        self.has(&Fault::RepeatLink)
    }

    pub(super) fn leads_away(&self) -> bool {
        self.has(&Fault::ForeignLink)
    }

    pub(super) fn changes_between_pages(&self) -> bool {
        self.has(&Fault::ChangeBetweenPages)
    }
}

/// A page token that is too old.
pub(super) fn expired() -> Refusal {
    let message = "The specified page token value has expired and can no longer be included in \
                   your request.";
    Refusal::new(StatusCode::BAD_REQUEST, "Directory_ExpiredPageToken", message)
}

fn unavailable() -> Refusal {
    let message = "The service is temporarily unavailable. Please retry after some time.";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable", message)
}

/// The header that tells which limit a refused request met.
pub(super) const THROTTLE_INFORMATION: HeaderName =
    HeaderName::from_static("x-ms-throttle-information");

/// A refusal below the documented limits, as Graph gives it when it is under load.
fn overloaded(wait: Duration) -> Refusal {
    throttled(Some(wait)).with(THROTTLE_INFORMATION, "CPULimitExceeded")
}

/// 429, with `Retry-After` in seconds and their fractions unless the family tells none.
pub(super) fn throttled(wait: Option<Duration>) -> Refusal {
    let refusal =
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Too many requests.");
    match wait {
        Some(wait) => refusal.with(header::RETRY_AFTER, seconds(wait)),
        None => refusal,
    }
}

/// Whole seconds as such, others with their milliseconds; rounded up, so that whoever waits that
/// long has waited long enough.
fn seconds(wait: Duration) -> String {
    let milliseconds = wait.as_micros().div_ceil(1_000);
    let (whole, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}") }
}
