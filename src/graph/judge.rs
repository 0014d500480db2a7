//! What an answer of Graph asks us to do.

use std::time::Duration;

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use super::answer::Answer;
use crate::auth;
use crate::clock::Instant;
use crate::error::Kind;
use crate::limits::graph as limits;
use crate::transport;

/// What to do with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Use its body.
    Take,
    /// Ask again after this time and no sooner, because Graph says so.
    RetryAfter(Duration),
    /// Ask again after a time of our own choice.
    Backoff,
    /// Ask again with a new token, one that meets these `claims` if there are any.
    FreshToken {
        /// The base64 text of the challenge.
        claims: Option<String>,
    },
    /// The page token is gone, or the page it leads to: begin the listing again.
    RestartListing,
    /// The parent has vanished, or has no such relation: it has no rows.
    NoRows,
    /// Ask again for fewer rows at once.
    SmallerPage,
    /// Ask again without the condition, which is refused; whoever asked filters again.
    NoFilter,
    /// Give up.
    Fail,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// The first page of a listing.
    First,
    /// A page that a next link led to.
    Next,
    /// The first page of what belongs to a parent.
    FirstOfParent,
    /// A later one.
    NextOfParent,
    /// A single answer, or a `$batch` as a whole.
    Single,
}

/// What was tried before for the same answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Failures of server or network.
    pub failures: u32,
    /// Answers that were cut or unreadable.
    pub unreadable: u32,
    /// Answers of 429.
    pub throttles: u32,
    /// New tokens.
    pub fresh_tokens: u32,
    /// When the first of the failures was seen.
    pub failing_since: Option<Instant>,
    /// Failures have lasted for as long as they are outlasted.
    pub patience_over: bool,
    /// That they last was written to the log.
    pub outage_told: bool,
}

impl Tried {
    /// Counts a failure of server or network.
    pub fn fail(&mut self, now: Instant) {
        self.failures += 1;
        self.failing_since.get_or_insert(now);
    }

    /// How long it has failed.
    pub fn failing_for(&self, now: Instant) -> Duration {
        self.failing_since.map(|since| now.saturating_duration_since(since)).unwrap_or_default()
    }
}

/// Judges an answer.
///
/// `retry_after` is the wait that it names, `token_age` the age of the token it was asked with.
/// Nothing is retried that cannot end differently; what is retried is bounded by `tried`.
pub fn judge(
    answer: &Answer,
    headers: &HeaderMap,
    retry_after: Option<Duration>,
    station: Station,
    tried: Tried,
    token_age: Duration,
) -> Verdict {
    match answer.status {
        200 => Verdict::Take,
        400 | 404 | 410 if station.is_next() && is_lost_page_token(answer) => {
            Verdict::RestartListing
        }
        400 | 501 if answer.may_drop_filter => Verdict::NoFilter,
        401 if tried.fresh_tokens < limits::FRESH_TOKENS_MAX => {
            Verdict::FreshToken { claims: claims(headers) }
        }
        // A permission granted since the token was issued is not in the token.
        403 if tried.fresh_tokens == 0 && token_age > limits::TOKEN_STALE_AGE => {
            Verdict::FreshToken { claims: claims(headers) }
        }
        404 if station == Station::FirstOfParent && is_gone(answer) => Verdict::NoRows,
        // Rows of this parent were given, so it was there: its first page tells whether it is.
        404 if station == Station::NextOfParent && is_gone(answer) => Verdict::RestartListing,
        429 if tried.throttles >= limits::THROTTLES_MAX => Verdict::Fail,
        429 => retry_after.map_or(Verdict::Backoff, Verdict::RetryAfter),
        501 | 505 => Verdict::Fail,
        408 | 424 | 425 | 500..=599 => failed(answer.status, retry_after, station, tried),
        _ => Verdict::Fail,
    }
}

/// Judges an exchange that brought no whole answer.
pub fn judge_network(error: &transport::Error, station: Station, tried: Tried) -> Verdict {
    match error {
        transport::Error::TimedOut { .. } => failed(504, None, station, tried),
        transport::Error::Connect { .. } | transport::Error::Closed { .. } => {
            failed(503, None, station, tried)
        }
        transport::Error::Cut { .. } => judge_unreadable(tried),
        _ => Verdict::Fail,
    }
}

/// Judges an answer of 200 whose body is cut or no page. A proxy on the way that gives up makes
/// such answers, so it is worth asking again; but not often.
pub fn judge_unreadable(tried: Tried) -> Verdict {
    if tried.unreadable < limits::UNREADABLE_MAX { Verdict::Backoff } else { Verdict::Fail }
}

/// Judges that there is no token: Entra may be down as well as Graph may.
pub fn judge_sign_in(error: &auth::Error, tried: Tried) -> Verdict {
    match error.kind() {
        Kind::Unavailable if !tried.patience_over => Verdict::Backoff,
        _ => Verdict::Fail,
    }
}

/// A wait that the server names is kept as often as it names one; our own patience is shorter.
fn failed(status: u16, retry_after: Option<Duration>, station: Station, tried: Tried) -> Verdict {
    match retry_after.filter(|wait| !wait.is_zero()) {
        Some(wait) if tried.failures < limits::THROTTLES_MAX => Verdict::RetryAfter(wait),
        _ if tried.patience_over => Verdict::Fail,
        _ if status == 504 && station.is_first() => Verdict::SmallerPage,
        _ => Verdict::Backoff,
    }
}

/// Whether a refused link's page token is not known any more. Graph has many names for it
/// (`Directory_ExpiredPageToken`, `DirectoryPageTokenNotFoundException`), the sign-in logs say it in
/// words only ("Invalid Skip Token"), and reports in others ("Token not found: token is either
/// invalid or expired", code `UnknownError` or none): all that speak of a token. That of the sign-in
/// is refused with 401.
fn is_lost_page_token(answer: &Answer) -> bool {
    answer.status == 410
        || answer.speaks_of("token")
        || answer.speaks_of("syncstatenotfound")
        || answer.speaks_of("resyncrequired")
}

/// Codes that mean that an object is not there, or has no such relation. A 404 without one comes
/// from something on the way, or means that the path is wrong.
fn is_gone(answer: &Answer) -> bool {
    const CODES: [&str; 4] = [
        "Request_ResourceNotFound",
        "Directory_ObjectNotFound",
        "itemNotFound",
        "ResourceNotFound",
    ];
    CODES.into_iter().any(|code| answer.is(code))
}

/// The claims of a challenge that only a new token can meet.
fn claims(headers: &HeaderMap) -> Option<String> {
    headers.get_all(WWW_AUTHENTICATE).iter().find_map(|challenge| {
        let challenge = challenge.to_str().ok()?;
        let (_, rest) = challenge.split_once("claims=\"")?;
        let (claims, _) = rest.split_once('"')?;
        challenge.contains("insufficient_claims").then(|| claims.to_owned())
    })
}

impl Verdict {
    /// Whether the same is to be asked again.
    pub(super) fn asks_again(&self) -> bool {
        !matches!(self, Verdict::Take | Verdict::NoRows | Verdict::RestartListing | Verdict::Fail)
    }
}

impl Station {
    pub(super) fn is_first(self) -> bool {
        matches!(self, Station::First | Station::FirstOfParent)
    }

    fn is_next(self) -> bool {
        matches!(self, Station::Next | Station::NextOfParent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::KnownSecrets;
    use expect_test::expect;
    use http::HeaderValue;
    use std::fmt::Write;

    const CASES: [(u16, &str, Station); 30] = [
        (200, "", Station::First),
        (302, "", Station::First),
        (400, "Request_UnsupportedQuery", Station::First),
        (400, "Directory_ExpiredPageToken", Station::First),
        (400, "Directory_ExpiredPageToken", Station::Next),
        (400, "DirectoryPageTokenNotFoundException", Station::NextOfParent),
        (400, "Request_BadRequest", Station::Next),
        (401, "InvalidAuthenticationToken", Station::Next),
        (403, "Authorization_RequestDenied", Station::First),
        (404, "Request_ResourceNotFound", Station::First),
        (404, "Request_ResourceNotFound", Station::FirstOfParent),
        (404, "itemnotfound", Station::FirstOfParent),
        (404, "", Station::FirstOfParent),
        (404, "BadRequest", Station::FirstOfParent),
        (404, "Request_ResourceNotFound", Station::NextOfParent),
        (404, "", Station::NextOfParent),
        (404, "DirectoryPageTokenNotFoundException", Station::Next),
        (404, "Request_ResourceNotFound", Station::Next),
        (408, "", Station::Next),
        (410, "resyncRequired", Station::Next),
        (410, "", Station::Single),
        (423, "", Station::First),
        (429, "TooManyRequests", Station::First),
        (500, "", Station::First),
        (501, "", Station::First),
        (502, "", Station::Next),
        (503, "serviceNotAvailable", Station::First),
        (504, "", Station::First),
        (504, "", Station::Next),
        (509, "", Station::Single),
    ];

    fn verdict(
        status: u16,
        code: &str,
        station: Station,
        wait: Option<u64>,
        tried: Tried,
    ) -> Verdict {
        let headers = HeaderMap::new();
        let body = format!(r#"{{"error":{{"code":"{code}"}}}}"#);
        let answer = Answer::read(status, &headers, body.as_bytes(), 1, &KnownSecrets::default());
        let wait = wait.map(Duration::from_millis);
        judge(&answer, &headers, wait, station, tried, Duration::from_secs(1))
    }

    #[test]
    fn a_refused_link_that_speaks_of_its_token_begins_the_listing_again() {
        let said = "Token not found: token is either invalid or expired.";
        for code in ["", "UnknownError"] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"{said}"}}}}"#);
            for (status, station, expected) in [
                (400, Station::Next, Verdict::RestartListing),
                (404, Station::Next, Verdict::RestartListing),
                (404, Station::NextOfParent, Verdict::RestartListing),
                (400, Station::First, Verdict::Fail),
            ] {
                let headers = HeaderMap::new();
                let answer =
                    Answer::read(status, &headers, body.as_bytes(), 1, &KnownSecrets::default());
                let tried = Tried::default();
                let verdict = judge(&answer, &headers, None, station, tried, Duration::ZERO);
                assert_eq!(verdict, expected, "{status} {station:?}");
            }
        }
    }

    #[test]
    fn each_status_at_each_station() {
        let mut table = String::new();
        for (status, code, station) in CASES {
            let first = verdict(status, code, station, None, Tried::default());
            let _ = writeln!(table, "{status} {code} {station:?}: {first:?}");
        }
        expect![[r#"
            200  First: Take
            302  First: Fail
            400 Request_UnsupportedQuery First: Fail
            400 Directory_ExpiredPageToken First: Fail
            400 Directory_ExpiredPageToken Next: RestartListing
            400 DirectoryPageTokenNotFoundException NextOfParent: RestartListing
            400 Request_BadRequest Next: Fail
            401 InvalidAuthenticationToken Next: FreshToken { claims: None }
            403 Authorization_RequestDenied First: Fail
            404 Request_ResourceNotFound First: Fail
            404 Request_ResourceNotFound FirstOfParent: NoRows
            404 itemnotfound FirstOfParent: NoRows
            404  FirstOfParent: Fail
            404 BadRequest FirstOfParent: Fail
            404 Request_ResourceNotFound NextOfParent: RestartListing
            404  NextOfParent: Fail
            404 DirectoryPageTokenNotFoundException Next: RestartListing
            404 Request_ResourceNotFound Next: Fail
            408  Next: Backoff
            410 resyncRequired Next: RestartListing
            410  Single: Fail
            423  First: Fail
            429 TooManyRequests First: Backoff
            500  First: Backoff
            501  First: Fail
            502  Next: Backoff
            503 serviceNotAvailable First: Backoff
            504  First: SmallerPage
            504  Next: Backoff
            509  Single: Backoff
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn a_named_wait_is_kept_and_every_retry_is_bounded() {
        let wait = Verdict::RetryAfter(Duration::from_millis(2_128));
        let (first, single) = (Station::First, Station::Single);
        let tried = Tried {
            failures: 12,
            throttles: 7,
            fresh_tokens: 2,
            unreadable: 4,
            patience_over: true,
            ..Tried::default()
        };
        assert_eq!(verdict(429, "", first, Some(2_128), tried), wait);
        assert_eq!(verdict(503, "", first, Some(2_128), Tried::default()), wait);
        assert_eq!(verdict(504, "", first, Some(2_128), Tried::default()), wait);
        assert_eq!(verdict(503, "", first, Some(2_128), tried), wait);
        assert_eq!(verdict(503, "", first, Some(0), tried), Verdict::Fail);
        assert_eq!(verdict(500, "", single, None, tried), Verdict::Fail);
        let patient = Tried { patience_over: false, ..tried };
        assert_eq!(verdict(500, "", single, None, patient), Verdict::Backoff);
        assert_eq!(verdict(401, "", single, None, tried), Verdict::Fail);
        assert_eq!(judge_unreadable(tried), Verdict::Fail);
        let tried = Tried { throttles: limits::THROTTLES_MAX, ..tried };
        assert_eq!(verdict(429, "", first, Some(1), tried), Verdict::Fail);
    }

    #[test]
    fn an_old_token_may_lack_a_new_permission() {
        let answer = Answer::read(403, &HeaderMap::new(), b"", 1, &KnownSecrets::default());
        let judge = |age, tried| {
            judge(&answer, &HeaderMap::new(), None, Station::First, tried, Duration::from_secs(age))
        };
        assert_eq!(judge(5, Tried::default()), Verdict::Fail);
        assert_eq!(judge(600, Tried::default()), Verdict::FreshToken { claims: None });
        assert_eq!(judge(600, Tried { fresh_tokens: 1, ..Tried::default() }), Verdict::Fail);
    }

    #[test]
    fn a_claims_challenge_is_handed_on() {
        let challenge = r#"Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ==""#;
        let cases = [
            (challenge, Some("eyJhIjoxfQ==")),
            (r#"Bearer realm="", claims="eyJhIjoxfQ==""#, None),
            (r#"Bearer error="insufficient_claims""#, None),
            ("Bearer", None),
        ];
        for (text, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(text));
            assert_eq!(claims(&headers).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn networks_fail_in_ways_that_differ() {
        let host = || "graph".to_owned();
        let timed_out =
            transport::Error::TimedOut { host: host(), timeout: Duration::from_secs(1) };
        let cut = transport::Error::Cut { host: host(), bytes: 10 };
        let long = transport::Error::TooLong { host: host(), body_bytes_max: 1 };
        let closed = transport::Error::Closed { host: host(), source: "reset".into() };
        let tried = Tried { unreadable: limits::UNREADABLE_MAX, ..Tried::default() };
        assert_eq!(judge_network(&closed, Station::First, tried), Verdict::Backoff);
        assert_eq!(judge_network(&cut, Station::First, tried), Verdict::Fail);
        let tried = Tried { patience_over: true, ..Tried::default() };
        assert_eq!(judge_network(&closed, Station::First, tried), Verdict::Fail);
        let tried = Tried::default();
        assert_eq!(judge_network(&timed_out, Station::First, tried), Verdict::SmallerPage);
        assert_eq!(judge_network(&timed_out, Station::Next, tried), Verdict::Backoff);
        assert_eq!(judge_network(&cut, Station::First, tried), Verdict::Backoff);
        assert_eq!(judge_network(&long, Station::First, tried), Verdict::Fail);
    }
}
