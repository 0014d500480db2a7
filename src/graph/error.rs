//! Why a table could not be read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::envelope;
use super::inflate;
use crate::auth;
use crate::catalog::{Licence, Table};
use crate::error::Kind;
use crate::limits::graph as limits;
use crate::transport;

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address set for Graph is none.
    #[error("`{url}` is not the root of Graph's version 1.0")]
    BaseUrl {
        /// As set.
        url: String,
    },
    /// A page did not come.
    #[error("could not fetch page {page} of `{table}`{}", whose(parent.as_ref()))]
    Page {
        /// Counted from 1, over all parents of a fan-out.
        page: u64,
        /// The table.
        table: Arc<str>,
        /// Whose rows the page has, of a table that is read for each row of another.
        parent: Option<ParentRow>,
        /// Permissions of the table, any of which is enough.
        permissions: Vec<Arc<str>>,
        /// The licence the table needs.
        licence: Option<Licence>,
        /// Why.
        #[source]
        cause: Box<Cause>,
    },
    /// A single answer did not come.
    #[error("could not fetch `{path}`")]
    Single {
        /// Below the version's root.
        path: String,
        /// Why.
        #[source]
        cause: Box<Cause>,
    },
    /// So many columns make no request.
    #[error(
        "the columns asked of `{table}` make a request of {bytes} bytes; Graph takes {bytes_max}"
    )]
    UrlTooLong {
        /// The table.
        table: Arc<str>,
        /// How long it would be.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// The table is read for each row of another that is not there, or is itself read so.
    #[error("`{table}` is read for each row of `{parent}`, which is not a plain listing")]
    Parent {
        /// The table.
        table: Arc<str>,
        /// Its parent.
        parent: Arc<str>,
    },
}

/// Why an answer did not come, or could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Graph answered, and said no.
    #[error(transparent)]
    Answered(Box<Answer>),
    /// There is no token to ask with.
    #[error(transparent)]
    Token(Arc<auth::Error>),
    /// The network failed as often as it was tried.
    #[error("no answer in {tries} tr{}", if *tries == 1 { "y" } else { "ies" })]
    Network {
        /// How often.
        tries: u32,
        /// What happened last.
        #[source]
        source: transport::Error,
    },
    /// Graph asks for a longer wait than there is time.
    #[error("Graph asks to wait {} s, and {} s are waited at most", whole(*wait), whole(*left))]
    Throttled {
        /// What Graph asked for.
        wait: Duration,
        /// What was left, or what is waited at all.
        left: Duration,
    },
    /// Entra has not given a token yet.
    #[error("could not sign in yet")]
    SignIn {
        /// What happened last.
        #[source]
        source: Arc<auth::Trouble>,
    },
    /// The deadline of the scan has passed.
    #[error("the deadline passed while waiting for {waiting}")]
    Deadline {
        /// What the scan was doing.
        waiting: Waiting,
        /// What had happened before, if anything had.
        #[source]
        source: Option<Box<Cause>>,
    },
    /// A next link leads to another host.
    #[error("the next link leads to another host")]
    ForeignLink,
    /// A next link leads to a page that was read already.
    #[error("the next link leads back to a page that was read already")]
    Loop,
    /// A next link is no URL, or longer than any real one.
    #[error("the next link, of {bytes} bytes, is not an address")]
    BadLink {
        /// Its length.
        bytes: usize,
    },
    /// There is no end of pages.
    #[error("there are more than {pages_max} pages")]
    TooManyPages {
        /// The bound.
        pages_max: u64,
    },
    /// The page tokens expire faster than the pages can be read.
    #[error("the listing had to begin again {restarts} times because a later page was gone")]
    Restarts {
        /// How often.
        restarts: u32,
    },
    /// The body is not what its header says.
    #[error("the body cannot be inflated")]
    Inflate(#[source] inflate::Error),
    /// The body is not a page.
    #[error("the body is not a page of Graph")]
    Envelope(#[source] envelope::Error),
    /// The rows of a page are none.
    #[error("its rows cannot be read")]
    Rows(#[source] crate::decode::Error),
    /// A row of a page has no key, so it is no row.
    #[error("a row has no key")]
    NoKey,
    /// A page was no page, and its link is not known any more when it is asked for again.
    #[error("the page was damaged, and is not there when it is asked for again")]
    Vanished,
    /// A listing ends where it cannot be known to end.
    #[error(
        "a page of {rows} rows, as many as were asked for, came without a next link, and asked \
         for in another way the listing gives fewer: its end is not known"
    )]
    NoEnd {
        /// How many rows that page had.
        rows: u64,
    },
    /// A `$batch` came back without one of its parts.
    #[error("an answer to a batch lacks a part")]
    MissingPart,
    /// An error stood in an answer that calls itself good.
    #[error("an answer of 200 held an error")]
    ErrorInside(#[source] Box<Answer>),
    /// The answer is not JSON.
    #[error("the answer is not JSON")]
    NotJson,
    /// The ids of the parents cannot be read.
    #[error("the keys of `{table}` cannot be read")]
    ParentKeys {
        /// The parents' table.
        table: Arc<str>,
        /// Why.
        #[source]
        source: crate::decode::Error,
    },
    /// A row of the parents has no id.
    #[error("a row of `{table}` has no id")]
    NoParentKey {
        /// The parents' table.
        table: Arc<str>,
    },
    /// There are more parents than are told apart.
    #[error("`{table}` has more than {parents_max} rows to read for")]
    TooManyParents {
        /// The parents' table.
        table: Arc<str>,
        /// The bound.
        parents_max: usize,
    },
    /// What reads the pages has broken off, through a fault of our own.
    #[error("reading broke off")]
    Broken,
    /// The program is stopping.
    #[error("reading was stopped")]
    Stopped,
}

/// A row for which another table is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRow {
    /// Its table.
    pub table: Arc<str>,
    /// Its id.
    pub id: Arc<str>,
}

fn whose(parent: Option<&ParentRow>) -> String {
    parent.map_or_else(String::new, |row| format!(", for `{}` of `{}`", row.id, row.table))
}

/// What a scan waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Its turn, because others are asking or the budget is used up.
    Turn,
    /// A token.
    SignIn,
    /// An answer.
    #[default]
    Answer,
    /// The pause between two tries to end.
    Retry,
    /// Whoever reads its rows.
    Reader,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Waiting::Turn => "its turn within the budget of requests",
            Waiting::SignIn => "a sign-in at Entra",
            Waiting::Answer => "an answer of Graph",
            Waiting::Retry => "the next try",
            Waiting::Reader => "its rows to be taken",
        })
    }
}

impl Error {
    pub(super) fn page(table: &Table, page: u64, cause: Cause) -> Self {
        Error::page_of(table, None, page, cause)
    }

    /// The same of a page with what belongs to `parent`.
    pub(super) fn page_of(
        table: &Table,
        parent: Option<Arc<str>>,
        page: u64,
        cause: Cause,
    ) -> Self {
        let parents = table.read.parent().map(Arc::from);
        let parent = parents.zip(parent).map(|(table, id)| ParentRow { table, id });
        Error::Page {
            page,
            table: table.name.clone(),
            parent,
            permissions: table.permissions.clone(),
            licence: table.licence,
            cause: Box::new(cause),
        }
    }

    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::BaseUrl { .. } | Error::UrlTooLong { .. } => Kind::Invalid,
            Error::Page { cause, .. } | Error::Single { cause, .. } => cause.kind(),
            Error::Parent { .. } => Kind::Internal,
        }
    }

    /// How long to wait before trying again, where Graph or Entra asks for it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Page { cause, .. } | Error::Single { cause, .. } => cause.retry_after(),
            Error::BaseUrl { .. } | Error::UrlTooLong { .. } | Error::Parent { .. } => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::BaseUrl { .. } => Some(
                "set `graph_base_url` to an address that ends in `/v1.0`, such as \
                 `https://graph.microsoft.com/v1.0`"
                    .to_owned(),
            ),
            Error::UrlTooLong { .. } => Some("ask for fewer columns".to_owned()),
            Error::Page { table, permissions, licence, cause, .. } => {
                cause.hint(table, permissions, *licence)
            }
            Error::Single { path, cause } => cause.hint(path, &[], None),
            Error::Parent { .. } => None,
        }
    }
}

impl Cause {
    fn kind(&self) -> Kind {
        match self {
            Cause::Answered(answer) => answer.kind(),
            Cause::Token(error) => error.kind(),
            Cause::Network { source, .. } => match source {
                transport::Error::Cut { .. } => Kind::Corrupt,
                other => other.kind(),
            },
            Cause::Throttled { .. } => Kind::Throttled,
            Cause::Deadline { .. } => Kind::TimedOut,
            Cause::Restarts { .. } | Cause::Vanished | Cause::SignIn { .. } => Kind::Unavailable,
            Cause::Rows(source) => source.kind(),
            Cause::TooManyParents { .. } => Kind::Unsupported,
            Cause::Stopped => Kind::Cancelled,
            Cause::Broken => Kind::Internal,
            Cause::ForeignLink
            | Cause::Loop
            | Cause::BadLink { .. }
            | Cause::TooManyPages { .. }
            | Cause::Inflate(_)
            | Cause::Envelope(_)
            | Cause::MissingPart
            | Cause::NoKey
            | Cause::NoEnd { .. }
            | Cause::ErrorInside(_)
            | Cause::NotJson
            | Cause::ParentKeys { .. }
            | Cause::NoParentKey { .. } => Kind::Corrupt,
        }
    }

    /// Whether it may be due to the one parent whose rows were asked for, and not to the whole read.
    pub(super) fn may_be_of_parent(&self) -> bool {
        match self {
            Cause::Answered(answer) => !matches!(answer.status, 401 | 407 | 429),
            Cause::Token(_)
            | Cause::SignIn { .. }
            | Cause::Network { .. }
            | Cause::Throttled { .. }
            | Cause::Deadline { .. }
            | Cause::Broken
            | Cause::Stopped => false,
            _ => true,
        }
    }

    /// Whether more time alone would hardly have helped.
    fn is_lasting(&self) -> bool {
        match self {
            Cause::Token(_) | Cause::SignIn { .. } => true,
            Cause::Network { source, .. } => matches!(source, transport::Error::Connect { .. }),
            _ => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            // Whatever it names, Graph is asked again after that.
            Cause::Throttled { wait, .. } => Some((*wait).min(limits::NAMED_WAIT_MAX)),
            Cause::Token(error) => error.retry_after(),
            _ => None,
        }
    }

    fn hint(
        &self,
        thing: &str,
        permissions: &[Arc<str>],
        licence: Option<Licence>,
    ) -> Option<String> {
        let hint = match self {
            Cause::Answered(answer) => return answer.hint(thing, permissions, licence),
            Cause::Token(error) => return error.hint(),
            Cause::Network { source: transport::Error::Connect { .. }, .. } => {
                "check the network, the proxy and `graph_base_url`, then try again".to_owned()
            }
            Cause::Network { source: transport::Error::TooLong { .. }, .. } => {
                "ask for fewer columns".to_owned()
            }
            Cause::Network { .. } => "try again".to_owned(),
            Cause::Throttled { wait, .. } if *wait > limits::NAMED_WAIT_MAX => format!(
                "no such wait is documented: try again in {} s, and if it stays so, check what \
                 stands between this program and Graph",
                limits::NAMED_WAIT_MAX.as_secs()
            ),
            Cause::Throttled { wait, .. } => format!("try again in {} s", whole(*wait)),
            Cause::SignIn { .. } => {
                "check the network, the proxy and `login_url`, then try again".to_owned()
            }
            Cause::Deadline { source: Some(cause), .. } if cause.is_lasting() => {
                return cause.hint(thing, permissions, licence);
            }
            Cause::Deadline { waiting: Waiting::Reader, .. } => {
                "take the rows faster, or give it a later deadline".to_owned()
            }
            Cause::Deadline { .. } => {
                "give it a later deadline, or ask for fewer columns".to_owned()
            }
            Cause::Restarts { .. } => {
                "ask for fewer columns, so that a page is read in less time".to_owned()
            }
            Cause::Stopped
            | Cause::Broken
            | Cause::TooManyParents { .. }
            | Cause::NoParentKey { .. }
            | Cause::ParentKeys { .. } => return None,
            Cause::ForeignLink => "if a proxy rewrites links on the way to Graph, set \
                                   `graph_base_url` to the host that they name"
                .to_owned(),
            Cause::Loop
            | Cause::BadLink { .. }
            | Cause::TooManyPages { .. }
            | Cause::Inflate(_)
            | Cause::Envelope(_)
            | Cause::ErrorInside(_)
            | Cause::NotJson
            | Cause::Rows(_)
            | Cause::NoKey
            | Cause::NoEnd { .. }
            | Cause::Vanished
            | Cause::MissingPart => "try again; if it stays so, check what stands between this \
                                     program and Graph"
                .to_owned(),
        };
        Some(hint)
    }
}

fn whole(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_whoever_named_it() {
        let (wait, left) = (Duration::from_secs(300), Duration::from_secs(60));
        let entra = auth::Error::Throttled { tenant: "contoso".to_owned(), wait };
        let cases = [
            (Cause::Throttled { wait, left }, Some(wait)),
            (Cause::Token(Arc::new(entra)), Some(wait)),
            (Cause::Deadline { waiting: Waiting::Answer, source: None }, None),
            (
                Cause::Throttled { wait: Duration::from_secs(1 << 50), left },
                Some(limits::NAMED_WAIT_MAX),
            ),
        ];
        for (cause, expected) in cases {
            let error = Error::Single { path: "/organization".to_owned(), cause: Box::new(cause) };
            assert_eq!(error.retry_after(), expected, "{error:?}");
        }
    }
}
