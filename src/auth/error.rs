//! Why there is no token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Kind;
use crate::limits::auth as limits;
use crate::transport;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sign-in address cannot be made from what is set.
    #[error("`{login_url}` and tenant `{tenant}` make no sign-in address")]
    Address {
        /// The login host as set.
        login_url: String,
        /// The tenant as set.
        tenant: String,
    },
    /// Entra refuses, and will refuse again.
    #[error("could not sign in to tenant `{tenant}` as application `{client_id}`")]
    Refused {
        /// The tenant.
        tenant: String,
        /// The application.
        client_id: String,
        /// Entra's answer.
        #[source]
        refusal: Refusal,
    },
    /// Entra or the network did not answer, however often it was tried.
    #[error("could not sign in to tenant `{tenant}` in {tries} tries")]
    Unavailable {
        /// The tenant.
        tenant: String,
        /// How often.
        tries: u32,
        /// What happened last.
        #[source]
        trouble: Arc<Trouble>,
    },
    /// Entra asks for a longer wait than is waited.
    #[error("Entra asks to wait {} s before signing in to tenant `{tenant}`", wait.as_secs())]
    Throttled {
        /// The tenant.
        tenant: String,
        /// The wait.
        wait: Duration,
    },
    /// The answer is neither a token nor an error.
    #[error("the answer of `{host}` to a sign-in cannot be read")]
    Unreadable {
        /// Where the answer came from.
        host: String,
    },
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Address { .. } => Kind::Invalid,
            Error::Refused { .. } => Kind::Refused,
            Error::Unavailable { .. } => Kind::Unavailable,
            Error::Throttled { .. } => Kind::Throttled,
            Error::Unreadable { .. } => Kind::Corrupt,
        }
    }

    /// How long to wait before trying again, where Entra asks for it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Throttled { wait, .. } => Some(*wait),
            Error::Unavailable { trouble, .. } => trouble.retry_after(),
            Error::Address { .. } | Error::Refused { .. } | Error::Unreadable { .. } => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Address { .. } => Some(
                "set `tenant` to a directory's id or domain, and `login_url` to a host such as \
                 `https://login.microsoftonline.com`"
                    .to_owned(),
            ),
            Error::Refused { tenant, client_id, refusal } => Some(refusal.hint(tenant, client_id)),
            Error::Unavailable { trouble, .. } if matches!(**trouble, Trouble::Network(_)) => {
                Some("check the network, the proxy and `login_url`, then try again".to_owned())
            }
            Error::Unavailable { .. } => Some("try again in some minutes".to_owned()),
            Error::Throttled { wait, .. } => {
                Some(format!("try again in {} s", wait.as_secs_f64().ceil()))
            }
            Error::Unreadable { .. } => {
                Some("check that `login_url` is a login host of Entra, not a web page".to_owned())
            }
        }
    }
}

/// What Entra said when it refused.
///
/// What to react to is `error`; the number in the description only makes the advice better.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Entra answered `{error}`{description}")]
pub struct Refusal {
    /// OAuth's code, such as `invalid_client`.
    pub error: String,
    /// Entra's own number, without `AADSTS`.
    pub aadsts: Option<u32>,
    /// What Entra says about it.
    pub description: Description,
}

/// Entra's description without its trailing ids and dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

impl Refusal {
    /// Reads OAuth's `error` and `error_description`.
    pub fn new(error: &str, description: Option<&str>) -> Self {
        let description = description.unwrap_or_default();
        Refusal {
            error: error.chars().take(60).collect(),
            aadsts: aadsts(description),
            description: Description::new(description),
        }
    }

    fn hint(&self, tenant: &str, client_id: &str) -> String {
        match (self.aadsts, self.error.as_str()) {
            (Some(7_000_222), _) => format!(
                "the client secret has expired: make a new one under the application's \
                 \"Certificates & secrets\" and set `client_secret` of `{client_id}`"
            ),
            (Some(7_000_215 | 70_002), _) => format!(
                "set `client_secret` to the secret's value, not to its id, and check that it \
                 belongs to the application `{client_id}`"
            ),
            (Some(90_002 | 900_023 | 9_001_023 | 50_194), _) => format!(
                "check `tenant`: no directory has the id or domain `{tenant}` on this login host"
            ),
            (Some(700_016 | 700_011), _) => format!(
                "check `client_id` and `tenant`: register the application `{client_id}` in \
                 `{tenant}`, or grant it admin consent there"
            ),
            (Some(70_001 | 7_000_112), _) => {
                format!("enable the application `{client_id}` in the tenant")
            }
            (Some(500_011), _) => "check `graph_base_url`: its host is not a resource that this \
                                   tenant knows; national clouds have their own"
                .to_owned(),
            (Some(65_001 | 90_094), _) | (_, "consent_required" | "interaction_required") => {
                format!(
                    "have an administrator consent to the application permissions of \
                     `{client_id}`, then run `entra-flight check`"
                )
            }
            (Some(53_000 | 53_001 | 53_003 | 530_035), _) => {
                "a Conditional Access policy stops this sign-in: exclude the application or meet \
                 the policy"
                    .to_owned()
            }
            (_, "invalid_client") => {
                format!("check `client_secret` of the application `{client_id}`")
            }
            (_, "unauthorized_client") => {
                format!("check that the application `{client_id}` exists in tenant `{tenant}`")
            }
            (_, "invalid_scope" | "invalid_resource") => {
                "check `graph_base_url`: the token is asked for its host".to_owned()
            }
            _ => "check `tenant`, `client_id` and `client_secret` of the connection".to_owned(),
        }
    }
}

impl Description {
    fn new(text: &str) -> Self {
        let end = ["\r", "\n", " Trace ID:"].iter().filter_map(|stop| text.find(stop)).min();
        let text = end.and_then(|end| text.get(..end)).unwrap_or(text).trim().trim_end_matches('.');
        Description(text.chars().take(limits::DESCRIPTION_CHARS_MAX).collect())
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

/// The number after `AADSTS` at the beginning of a description.
fn aadsts(description: &str) -> Option<u32> {
    let digits = description.trim_start().strip_prefix("AADSTS")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// A try that failed and may succeed if it is made again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No whole answer came.
    #[error(transparent)]
    Network(transport::Error),
    /// An answer came that asks for patience.
    #[error("Entra answered {status}{}", error.as_ref().map(|e| format!(" {e}")).unwrap_or_default())]
    Answer {
        /// The HTTP status.
        status: u16,
        /// OAuth's code, when the answer had one.
        error: Option<String>,
        /// The wait it names.
        retry_after: Option<Duration>,
    },
}

impl Trouble {
    /// The wait that Entra names.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Trouble::Network(_) => None,
            Trouble::Answer { retry_after, .. } => *retry_after,
        }
    }
}
