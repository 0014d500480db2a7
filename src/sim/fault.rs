//! What can go wrong on purpose, by the same words in tests and on the command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::echo::Echo;
use super::surface::opens_something;
use super::{Error, limits};

/// How each fault is written.
const FORMS: [&str; 27] = [
    "throttle:AFTER:WAIT",
    "outage:N",
    "slow:WAIT",
    "cut_body:BYTES",
    "repeat_link",
    "foreign_link",
    "expire_link[:reporting]",
    "expire_token[:LIFE]",
    "drop_permission[:NAME]",
    "change_between_pages",
    "top_is_limit[:LIST]",
    "lose_link",
    "odd_link",
    "break_page:splice|row|member|end[:N]",
    "byte_order_mark",
    "swell:ROWS",
    "endless_throttle:AFTER",
    "downtime:AFTER:TIME",
    "refuse_token:N",
    "fail_parent[:STATUS]",
    "refuse_filter[:PROPERTY]",
    "refuse_count",
    "proxy_refusal:STATUS",
    "undeclared_members",
    "wrong_type:PROPERTY",
    "expires_as_text",
    "echo_request[:sent|plain|lower|json|base64]",
];

/// Every form, for a message.
pub(super) fn forms() -> String {
    FORMS.map(|form| format!("`{form}`")).join(", ")
}

/// How long a token lives under `expire_token` when nothing is said.
const TOKEN_LIFE: Duration = Duration::from_secs(5);

/// Something that goes wrong on purpose.
///
/// Faults concern requests to Graph; of those to the sign-in service only
/// [`ExpireToken`](Fault::ExpireToken), [`ExpiresAsText`](Fault::ExpiresAsText),
/// [`ByteOrderMark`](Fault::ByteOrderMark) and [`EchoRequest`](Fault::EchoRequest) take notice. Parts
/// of a `$batch` are requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Once `after` requests were served, 429 with `Retry-After` until `wait` has passed; then
    /// again after as many.
    Throttle {
        /// Requests served before; at least 1.
        after: u64,
        /// What `Retry-After` says, to the millisecond.
        wait: Duration,
    },
    /// The first answers are 503, without `Retry-After`.
    Outage {
        /// How many.
        answers: u64,
    },
    /// The first answer and each fifth from there on come late.
    Slow {
        /// How much later than the others.
        wait: Duration,
    },
    /// The connection ends in the middle of the first body that is longer.
    CutBody {
        /// How much of the body is sent.
        bytes: usize,
    },
    /// From the second page on, each page's link leads to itself.
    RepeatLink,
    /// Links lead to another host.
    ForeignLink,
    /// The first page token that comes back is refused as expired.
    ExpireLink,
    /// The first page token that comes back is refused as the reporting service does it: 404, no
    /// code, and a sentence.
    ExpireReportLink,
    /// Tokens live this long, and say so.
    ExpireToken {
        /// How long.
        life: Duration,
    },
    /// From the second page on, lists are refused for want of permission.
    DropPermission {
        /// Only lists that this permission opens; all of them without.
        name: Option<String>,
    },
    /// Between two pages the last row served comes again, the next row vanishes and, in lists of
    /// a whole kind, a new one appears.
    ChangeBetweenPages,
    /// `$top` bounds all rows of a list: so many come and no link, however many there are.
    TopIsLimit {
        /// Only lists whose path ends so, such as `appRoleAssignments`; all of them without.
        list: Option<String>,
    },
    /// The first page of all that has a link is sent without.
    LoseLink,
    /// Links are called `@nextLink`, and blanks and quotes stand in them as they are.
    OddLink,
    /// The first pages with rows are damaged, under a status of 200.
    BreakPage {
        /// In which way.
        how: Breakage,
        /// How many of them.
        pages: u64,
    },
    /// A byte order mark stands before all JSON.
    ByteOrderMark,
    /// The first page has this many rows more, all of them empty objects.
    Swell {
        /// How many.
        rows: u64,
    },
    /// Once `after` requests were served, one 429 whose `Retry-After` is longer than anybody waits.
    EndlessThrottle {
        /// Requests served before.
        after: u64,
    },
    /// Once `after` requests were served, 503 without `Retry-After` until `time` has passed.
    Downtime {
        /// Requests served before.
        after: u64,
        /// How long.
        time: Duration,
    },
    /// The first answers to good tokens are 401.
    RefuseToken {
        /// How many.
        answers: u64,
    },
    /// What the first object that is asked for its relations leads to is always refused.
    FailParent {
        /// The status of those answers.
        status: u16,
    },
    /// Lists with a condition are refused as such.
    RefuseFilter {
        /// Only conditions on this property; all of them without.
        property: Option<String>,
    },
    /// `$count` as a part of the path is refused.
    RefuseCount,
    /// A proxy answers in Graph's place, with a page of HTML.
    ProxyRefusal {
        /// The status of its answers.
        status: u16,
    },
    /// Every object within a row has a member more that no description of the tenant names.
    UndeclaredMembers,
    /// The first row of each page has an empty object as the value of a property, unless it is
    /// null.
    WrongType {
        /// Such as `createdDateTime`.
        property: String,
    },
    /// The life of a token is told as text.
    ExpiresAsText,
    /// Errors repeat the request that they answer.
    EchoRequest {
        /// In which form.
        echo: Echo,
    },
}

/// What is wrong with a page that was begun and not ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// An error stands in the middle of the last row.
    Splice,
    /// An error stands in the last row's place.
    Row,
    /// An error stands behind the rows.
    Member,
    /// The page ends in the middle of the last row.
    End,
}

impl Breakage {
    const ALL: [(Breakage, &str); 4] = [
        (Breakage::Splice, "splice"),
        (Breakage::Row, "row"),
        (Breakage::Member, "member"),
        (Breakage::End, "end"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(how, _)| *how == self).map_or("", |(_, word)| word)
    }
}

impl FromStr for Fault {
    type Err = Error;

    /// Reads one of the forms of `--fault`, such as `throttle:20:30s`.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::error::Kind::Invalid), naming the words or the right form.
    fn from_str(given: &str) -> Result<Self, Error> {
        let (word, rest) = match given.split_once(':') {
            Some((word, rest)) => (word, Some(rest)),
            None => (given, None),
        };
        let form = FORMS
            .into_iter()
            .find(|form| form.split([':', '[']).next() == Some(word))
            .ok_or_else(|| Error::UnknownFault { word: word.to_owned() })?;
        match read(word, rest) {
            Some(Fault::DropPermission { name: Some(name) }) if !opens_something(&name) => {
                Err(Error::UnknownPermission { name })
            }
            Some(fault) => Ok(fault),
            None => Err(Error::FaultForm { given: given.to_owned(), form }),
        }
    }
}

fn read(word: &str, rest: Option<&str>) -> Option<Fault> {
    match (word, rest) {
        ("throttle", Some(rest)) => {
            let (after, wait) = rest.split_once(':')?;
            let after = after.parse().ok().filter(|after| *after > 0)?;
            Some(Fault::Throttle { after, wait: wait_of(wait)? })
        }
        ("outage", Some(answers)) => Some(Fault::Outage { answers: answers.parse().ok()? }),
        ("slow", Some(wait)) => Some(Fault::Slow { wait: wait_of(wait)? }),
        ("cut_body", Some(bytes)) => Some(Fault::CutBody { bytes: bytes.parse().ok()? }),
        ("repeat_link", None) => Some(Fault::RepeatLink),
        ("foreign_link", None) => Some(Fault::ForeignLink),
        ("expire_link", None) => Some(Fault::ExpireLink),
        ("expire_link", Some("reporting")) => Some(Fault::ExpireReportLink),
        ("expire_token", None) => Some(expire_token(TOKEN_LIFE)),
        ("expire_token", Some(life)) => Some(expire_token(wait_of(life)?)),
        ("drop_permission", None) => Some(Fault::DropPermission { name: None }),
        ("drop_permission", Some(name)) if !name.is_empty() => Some(drop_permission(name)),
        ("change_between_pages", None) => Some(Fault::ChangeBetweenPages),
        ("top_is_limit", None) => Some(Fault::TopIsLimit { list: None }),
        ("top_is_limit", Some(list)) if !list.is_empty() => Some(top_is_limit(list)),
        ("lose_link", None) => Some(Fault::LoseLink),
        ("odd_link", None) => Some(Fault::OddLink),
        ("break_page", Some(rest)) => {
            let (how, pages) = rest.split_once(':').unwrap_or((rest, "1"));
            let (how, _) = Breakage::ALL.into_iter().find(|(_, word)| *word == how)?;
            Some(Fault::BreakPage { how, pages: pages.parse().ok()? })
        }
        ("byte_order_mark", None) => Some(Fault::ByteOrderMark),
        ("swell", Some(rows)) => Some(Fault::Swell { rows: rows.parse().ok()? }),
        ("endless_throttle", Some(after)) => {
            Some(Fault::EndlessThrottle { after: after.parse().ok()? })
        }
        ("downtime", Some(rest)) => {
            let (after, time) = rest.split_once(':')?;
            Some(Fault::Downtime { after: after.parse().ok()?, time: wait_of(time)? })
        }
        ("refuse_token", Some(answers)) => Some(refuse_token(answers.parse().ok()?)),
        ("fail_parent", None) => Some(fail_parent(500)),
        ("fail_parent", Some(status)) => Some(fail_parent(error_of(status)?)),
        ("refuse_filter", None) => Some(Fault::RefuseFilter { property: None }),
        ("refuse_filter", Some(name)) if !name.is_empty() => Some(refuse_filter(name)),
        ("refuse_count", None) => Some(Fault::RefuseCount),
        ("proxy_refusal", Some(status)) => Some(Fault::ProxyRefusal { status: error_of(status)? }),
        ("undeclared_members", None) => Some(Fault::UndeclaredMembers),
        ("wrong_type", Some(property)) if !property.is_empty() => {
            Some(Fault::WrongType { property: property.to_owned() })
        }
        ("expires_as_text", None) => Some(Fault::ExpiresAsText),
        ("echo_request", word) => {
            let word = word.unwrap_or(Echo::Sent.word());
            let (echo, _) = Echo::ALL.into_iter().find(|(_, it)| *it == word)?;
            Some(Fault::EchoRequest { echo })
        }
        _ => None,
    }
}

/// Reads the status of a failure.
fn error_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (400..=599).contains(status))
}

/// Reads `30s`, `1.5s`, `2128ms` or `2m`.
fn wait_of(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    let wait = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?;
    let wait = Duration::from_micros(wait.as_micros().try_into().ok()?);
    (wait <= limits::FAULT_WAIT_MAX).then_some(wait)
}

struct Wait(Duration);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            ms if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl fmt::Display for Fault {
    /// Writes the form that [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Throttle { after, wait } => write!(f, "throttle:{after}:{}", Wait(*wait)),
            Fault::Outage { answers } => write!(f, "outage:{answers}"),
            Fault::Slow { wait } => write!(f, "slow:{}", Wait(*wait)),
            Fault::CutBody { bytes } => write!(f, "cut_body:{bytes}"),
            Fault::RepeatLink => f.write_str("repeat_link"),
            Fault::ForeignLink => f.write_str("foreign_link"),
            Fault::ExpireLink => f.write_str("expire_link"),
            Fault::ExpireToken { life } => write!(f, "expire_token:{}", Wait(*life)),
            Fault::DropPermission { name: None } => f.write_str("drop_permission"),
            Fault::DropPermission { name: Some(name) } => write!(f, "drop_permission:{name}"),
            Fault::ChangeBetweenPages => f.write_str("change_between_pages"),
            Fault::ExpireReportLink => f.write_str("expire_link:reporting"),
            Fault::TopIsLimit { list: None } => f.write_str("top_is_limit"),
            Fault::TopIsLimit { list: Some(list) } => write!(f, "top_is_limit:{list}"),
            Fault::LoseLink => f.write_str("lose_link"),
            Fault::OddLink => f.write_str("odd_link"),
            Fault::BreakPage { how, pages: 1 } => write!(f, "break_page:{}", how.word()),
            Fault::BreakPage { how, pages } => write!(f, "break_page:{}:{pages}", how.word()),
            Fault::ByteOrderMark => f.write_str("byte_order_mark"),
            Fault::Swell { rows } => write!(f, "swell:{rows}"),
            Fault::EndlessThrottle { after } => write!(f, "endless_throttle:{after}"),
            Fault::Downtime { after, time } => write!(f, "downtime:{after}:{}", Wait(*time)),
            Fault::RefuseToken { answers } => write!(f, "refuse_token:{answers}"),
            Fault::FailParent { status } => write!(f, "fail_parent:{status}"),
            Fault::RefuseFilter { property: None } => f.write_str("refuse_filter"),
            Fault::RefuseFilter { property: Some(name) } => write!(f, "refuse_filter:{name}"),
            Fault::RefuseCount => f.write_str("refuse_count"),
            Fault::ProxyRefusal { status } => write!(f, "proxy_refusal:{status}"),
            Fault::UndeclaredMembers => f.write_str("undeclared_members"),
            Fault::WrongType { property } => write!(f, "wrong_type:{property}"),
            Fault::ExpiresAsText => f.write_str("expires_as_text"),
            Fault::EchoRequest { echo: Echo::Sent } => f.write_str("echo_request"),
            Fault::EchoRequest { echo } => write!(f, "echo_request:{}", echo.word()),
        }
    }
}

/// [`Fault::Throttle`], to be told after how many requests and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleFault {
    after: u64,
    wait: Duration,
}

impl ThrottleFault {
    /// Requests served before; 0 counts as 1.
    pub fn after(self, requests: u64) -> Self {
        ThrottleFault { after: requests.max(1), ..self }
    }

    /// What `Retry-After` says.
    pub fn wait(self, wait: Duration) -> Self {
        ThrottleFault { wait, ..self }
    }
}

impl From<ThrottleFault> for Fault {
    fn from(fault: ThrottleFault) -> Fault {
        Fault::Throttle { after: fault.after, wait: fault.wait }
    }
}

/// [`Fault::Throttle`] after 10 requests, for a second, unless told otherwise.
pub fn throttle() -> ThrottleFault {
    ThrottleFault { after: 10, wait: Duration::from_secs(1) }
}

/// [`Fault::Outage`] of the first `answers`.
pub fn outage(answers: u64) -> Fault {
    Fault::Outage { answers }
}

/// [`Fault::Slow`].
pub fn slow(wait: Duration) -> Fault {
    Fault::Slow { wait }
}

/// [`Fault::CutBody`] after `bytes`.
pub fn cut_body(bytes: usize) -> Fault {
    Fault::CutBody { bytes }
}

/// [`Fault::RepeatLink`].
pub fn repeat_link() -> Fault {
    Fault::RepeatLink
}

/// [`Fault::ForeignLink`].
pub fn foreign_link() -> Fault {
    Fault::ForeignLink
}

/// [`Fault::ExpireLink`].
pub fn expire_link() -> Fault {
    Fault::ExpireLink
}

/// [`Fault::ExpireToken`] after `life`.
pub fn expire_token(life: Duration) -> Fault {
    Fault::ExpireToken { life }
}

/// [`Fault::DropPermission`] of the permission `name`.
pub fn drop_permission(name: impl Into<String>) -> Fault {
    Fault::DropPermission { name: Some(name.into()) }
}

/// [`Fault::ChangeBetweenPages`].
pub fn change_between_pages() -> Fault {
    Fault::ChangeBetweenPages
}

/// [`Fault::TopIsLimit`] of the lists whose path ends in `list`.
pub fn top_is_limit(list: impl Into<String>) -> Fault {
    Fault::TopIsLimit { list: Some(list.into()) }
}

/// [`Fault::BreakPage`] of the first `pages`.
pub fn break_page(how: Breakage, pages: u64) -> Fault {
    Fault::BreakPage { how, pages }
}

/// [`Fault::EndlessThrottle`] once `after` requests were served.
pub fn endless_throttle(after: u64) -> Fault {
    Fault::EndlessThrottle { after }
}

/// [`Fault::Downtime`] for `time` once `after` requests were served.
pub fn downtime(after: u64, time: Duration) -> Fault {
    Fault::Downtime { after, time }
}

/// [`Fault::RefuseToken`] of the first `answers`.
pub fn refuse_token(answers: u64) -> Fault {
    Fault::RefuseToken { answers }
}

/// [`Fault::FailParent`] with `status`.
pub fn fail_parent(status: u16) -> Fault {
    Fault::FailParent { status }
}

/// [`Fault::RefuseFilter`] of conditions on `property`.
pub fn refuse_filter(property: impl Into<String>) -> Fault {
    Fault::RefuseFilter { property: Some(property.into()) }
}

/// [`Fault::RefuseCount`].
pub fn refuse_count() -> Fault {
    Fault::RefuseCount
}

/// [`Fault::ProxyRefusal`] with `status`.
pub fn proxy_refusal(status: u16) -> Fault {
    Fault::ProxyRefusal { status }
}
