//! One question to Graph, asked until it is answered.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::answer::Answer;
use super::course::{Course, Trouble};
use super::error::{Cause, Waiting};
use super::fan_out::OnParentError;
use super::gate::Load;
use super::gates::{Gates, Lane, Permit, Weight};
use super::inflate::{inflate, whole};
use super::journal::{Entry, Found, Journal};
use super::judge::{
    Station, Tried, Verdict, judge, judge_network, judge_sign_in, judge_unreadable,
};
use super::load::{load, units};
use super::meter::{Meter, Wait};
use super::refused::RefusedFilters;
use super::request::Roots;
use crate::auth::{self, KnownSecrets, Token, Tokens};
use crate::catalog::{ByTable, Catalog, Family};
use crate::clock::{self, Instant};
use crate::decode::Padded;
use crate::limits::graph as limits;
use crate::spare::Spare;
use crate::transport::{Backoff, Exchange, NewConnection, Transport, Watch, retry_after};

/// Sent with every request, so that Graph's support can tell us apart.
const AGENT: &str = concat!("entra-flight/", env!("CARGO_PKG_VERSION"));

/// Without it Graph hides the newer members of an enumeration behind `unknownFutureValue`.
pub(super) const PREFER: &str = "include-unknown-enum-members";

/// Between two tries when Graph names no wait.
pub(super) const BACKOFF: Backoff =
    Backoff { first: limits::BACKOFF_FIRST, longest: limits::BACKOFF_LONGEST };

/// What all scans of a connection share.
pub(super) struct Line {
    pub transport: Arc<dyn Transport>,
    pub tokens: Tokens,
    pub gates: Gates,
    pub roots: Roots,
    pub catalog: Catalog,
    /// Whether filters may need advanced queries.
    pub advanced: bool,
    /// The share of a read's time for which failures in a row are outlasted.
    pub outage_share_max: f64,
    pub on_parent_error: ByTable<OnParentError>,
    /// Conditions that Graph refused of late.
    pub refused: RefusedFilters,
    /// The last exchanges.
    pub journal: Journal,
    /// Memory for pages.
    pub spare: Spare,
}

/// Asks on behalf of one scan.
#[derive(Clone)]
pub(super) struct Sender {
    pub line: Arc<Line>,
    /// What is read.
    pub table: Arc<str>,
    pub family: Family,
    pub deadline: Option<Instant>,
    /// How long failures in a row of one request are outlasted.
    pub patience: Duration,
    pub meter: Arc<Meter>,
}

/// What is asked.
pub(super) struct Question {
    pub uri: Uri,
    /// The body of a `$batch`; a GET has none.
    pub batch: Option<Bytes>,
    /// Whether a number is asked for, which Graph gives as text.
    pub plain: bool,
    /// Whether Graph's index answers, which lags behind.
    pub eventual: bool,
    /// Looks at the answer while it comes.
    pub watch: Option<Watch>,
    pub station: Station,
    pub weight: Weight,
    pub bytes_max: usize,
    /// Whether the same could be asked for fewer rows.
    pub can_shrink: bool,
    /// Whether the same could be asked for without its condition.
    pub may_drop_filter: bool,
}

impl Question {
    fn names_columns(&self) -> bool {
        self.uri.query().is_some_and(|query| query.contains("$select="))
    }
}

/// How it ended.
pub(super) enum Reply<T> {
    /// With a body, what was read out of it, and how it was asked for.
    Body(Padded, T, Asked),
    /// See [`Verdict::NoRows`].
    NoRows,
    /// See [`Verdict::RestartListing`].
    Restart,
    /// See [`Verdict::SmallerPage`].
    Smaller,
    /// See [`Verdict::NoFilter`].
    Unfiltered,
}

/// How a body was asked for.
pub(super) struct Asked {
    pub left_at: Instant,
    pub token: Token,
    /// Whom to tell what is found in the body.
    pub found: Arc<Found>,
}

/// One try.
enum Try<T> {
    Good(Padded, T, Asked),
    Bad(Bad),
}

struct Bad {
    trouble: Trouble,
    verdict: Verdict,
    token: Option<Token>,
    /// What we called the request.
    id: String,
}

impl Sender {
    /// The gate that this scan's requests pass.
    pub fn lane(&self) -> &Arc<Lane> {
        self.line.gates.lane(self.family)
    }

    /// What must not come back in a text from outside.
    pub fn known(&self) -> &KnownSecrets {
        self.line.tokens.known_secrets()
    }

    /// Asks until there is an answer that `read` can read, or a reason to give up.
    ///
    /// The order is gate, token, exchange, verdict, wait. `tried` goes on counting when the same
    /// page is asked for in another way.
    pub async fn ask<T>(
        &self,
        question: &Question,
        tried: &mut Tried,
        read: impl Fn(&Padded) -> Result<T, Cause>,
    ) -> Result<Reply<T>, Cause> {
        let mut course = Course::default();
        loop {
            let once = self.within(self.try_once(question, *tried, &course, &read)).await;
            let bad = match once {
                None => return Err(self.out_of_time(course)),
                Some(Ok(Try::Good(body, read, asked))) => {
                    return Ok(Reply::Body(body, read, asked));
                }
                Some(Ok(Try::Bad(bad))) => bad,
                Some(Err(cause)) => return Err(cause),
            };
            let now = clock::now();
            course.tries += 1;
            bad.trouble.count(tried, now);
            bad.trouble.log(course.tries, &bad.id);
            self.tell_outage(&bad.trouble, tried, now);
            if bad.verdict.asks_again() && self.is_over() {
                course.last = Some(bad.trouble);
                return Err(self.out_of_time(course));
            }
            match bad.verdict {
                Verdict::NoRows => return Ok(Reply::NoRows),
                Verdict::RestartListing => return Ok(Reply::Restart),
                Verdict::NoFilter => {
                    self.tell_filter(&bad.trouble);
                    return Ok(Reply::Unfiltered);
                }
                Verdict::SmallerPage if question.can_shrink => return Ok(Reply::Smaller),
                Verdict::Take | Verdict::Fail => return Err(bad.trouble.cause(course.tries)),
                _ => {}
            }
            let throttled = bad.trouble.is_throttle();
            course.last = Some(bad.trouble);
            course.waits_for(Waiting::Retry);
            let rested = match bad.verdict {
                Verdict::FreshToken { claims } => self.renew(bad.token, claims, tried).await?,
                // The gate keeps the wait of a 429, for all who stand before it.
                _ if throttled => Some(()),
                Verdict::RetryAfter(wait) => self.pause(self.affordable(wait)?).await,
                _ => {
                    let failed = tried.failures + tried.unreadable;
                    self.pause(BACKOFF.wait(failed, rand::random())).await
                }
            };
            if rested.is_none() {
                return Err(self.out_of_time(course));
            }
            tracing::debug!(client_request_id = bad.id, "asking again");
        }
    }

    /// Asks once, in advance of need: whatever goes wrong, asking again will show it.
    pub async fn ask_once<T>(
        &self,
        question: &Question,
        read: impl Fn(&Padded) -> Result<T, Cause>,
    ) -> Option<(Padded, T, Asked)> {
        let (tried, course) = (Tried::default(), Course::default());
        match self.within(self.try_once(question, tried, &course, &read)).await? {
            Ok(Try::Good(body, read, asked)) => Some((body, read, asked)),
            Ok(Try::Bad(bad)) => {
                bad.trouble.log(1, &bad.id);
                None
            }
            Err(_) => None,
        }
    }

    async fn try_once<T>(
        &self,
        question: &Question,
        tried: Tried,
        course: &Course,
        read: &impl Fn(&Padded) -> Result<T, Cause>,
    ) -> Result<Try<T>, Cause> {
        let asked_at = clock::now();
        course.waits_for(Waiting::Turn);
        let passed = self.lane().pass(question.weight, self.deadline, &self.meter).await;
        let permit =
            passed.map_err(|shut| Cause::Throttled { wait: shut.wait, left: shut.left })?;
        course.waits_for(Waiting::SignIn);
        let id = uuid::Uuid::new_v4().to_string();
        let token = match self.line.tokens.token().await {
            Ok(token) => token,
            Err(error) => return self.unsigned(error, tried, id),
        };
        course.waits_for(Waiting::Answer);
        self.meter.sent(question.weight.requests);
        let waited = permit.left_at().saturating_duration_since(asked_at);
        let exchange = self.exchange(question, &token, course, &id);
        let answer = self.line.transport.exchange(exchange).await;
        let tried = self.weary(tried);
        match answer.and_then(|answer| whole(answer, &question.uri)) {
            Ok(answer) => {
                let found = self.note(question, &answer, &id, waited, permit.left_at());
                let asked = Asked { left_at: permit.left_at(), token, found };
                Ok(self.take(question, tried, course, permit, asked, id, answer, read))
            }
            Err(error) => {
                permit.answered(&Load { failed: true, ..Load::default() }, clock::now());
                let verdict = judge_network(&error, question.station, tried);
                Ok(Try::Bad(Bad { trouble: Trouble::Network(error), verdict, token: None, id }))
            }
        }
    }

    fn note(
        &self,
        question: &Question,
        answer: &http::Response<Vec<u8>>,
        id: &str,
        waited: Duration,
        left_at: Instant,
    ) -> Arc<Found> {
        self.line.journal.note(Entry {
            at: clock::unix_now(),
            table: self.table.clone(),
            client_request_id: id.to_owned(),
            status: answer.status().as_u16(),
            requests: question.weight.requests,
            pages: 0,
            rows: 0,
            bytes: answer.body().len() as u64,
            resource_units: units(answer.headers()).unwrap_or(question.weight.units),
            waited,
            took: clock::now().saturating_duration_since(left_at),
        })
    }

    /// Learns from an answer, and reads or judges it.
    #[expect(clippy::too_many_arguments, reason = "one step of `try_once`, and used only there")]
    fn take<T>(
        &self,
        question: &Question,
        tried: Tried,
        course: &Course,
        permit: Permit,
        asked: Asked,
        id: String,
        answer: http::Response<Vec<u8>>,
        read: &impl Fn(&Padded) -> Result<T, Cause>,
    ) -> Try<T> {
        let now = clock::now();
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        let named = retry_after(&head.headers, clock::unix_now());
        let mut load = load(status, &head.headers, named, tried);
        self.meter.received(body.len());
        if question.batch.is_some() && status == 200 {
            // Each part tells what it cost.
            load.units = None;
        } else {
            self.meter.charged(load.units.unwrap_or(question.weight.units));
        }
        if load.throttled.is_some() {
            self.meter.throttle();
        }
        permit.answered(&load, now);
        let inflated = inflate(body, &head.headers, question.bytes_max, &self.line.spare);
        if status == 200 {
            let read = inflated.map_err(Cause::Inflate).and_then(|body| Ok((read(&body)?, body)));
            return match read {
                Ok((read, body)) => Try::Good(body, read, asked),
                Err(cause) => Try::Bad(Bad {
                    trouble: Trouble::Unreadable(cause),
                    verdict: judge_unreadable(tried),
                    token: None,
                    id,
                }),
            };
        }
        // What an error says is read if it can be; that it is one stands in the status.
        let body = inflated.as_ref().map(Padded::as_slice).unwrap_or_default();
        let (tries, known) = (course.tries + 1, self.known());
        let mut answer = Answer::read(status, &head.headers, body, tries, known);
        answer.client_request_id.get_or_insert_with(|| id.clone());
        answer.may_drop_filter = question.may_drop_filter;
        answer.names_columns = question.station.is_first() && question.names_columns();
        let age = asked.token.age(now);
        let verdict = judge(&answer, &head.headers, named, question.station, tried, age);
        Try::Bad(Bad { trouble: Trouble::Answered(answer), verdict, token: Some(asked.token), id })
    }

    fn exchange(&self, question: &Question, token: &Token, course: &Course, id: &str) -> Exchange {
        let method = if question.batch.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::new(question.batch.clone().unwrap_or_default());
        *request.method_mut() = method;
        *request.uri_mut() = question.uri.clone();
        *request.headers_mut() = headers(token, question, id);
        request.extensions_mut().insert(self.line.spare.clone());
        if let Some(watch) = &question.watch {
            request.extensions_mut().insert(watch.clone());
        }
        if course.last.as_ref().is_some_and(Trouble::is_of_server) {
            request.extensions_mut().insert(NewConnection);
        }
        let left = self.deadline.map(|at| at.saturating_duration_since(clock::now()));
        let timeout =
            left.map_or(limits::REQUEST_TIMEOUT, |left| limits::REQUEST_TIMEOUT.min(left));
        Exchange { request, body_bytes_max: question.bytes_max, timeout }
    }

    /// Whether there is no token for a while, or for good.
    fn unsigned<T>(
        &self,
        error: Arc<auth::Error>,
        tried: Tried,
        id: String,
    ) -> Result<Try<T>, Cause> {
        match judge_sign_in(&error, self.weary(tried)) {
            Verdict::Fail => Err(Cause::Token(error)),
            verdict => {
                let trouble = Trouble::SignIn(Cause::Token(error));
                Ok(Try::Bad(Bad { trouble, verdict, token: None, id }))
            }
        }
    }

    /// The same tries, and whether they have failed for as long as failures are outlasted.
    pub fn weary(&self, tried: Tried) -> Tried {
        let failing = tried.failing_for(clock::now());
        let often = tried.failures >= limits::FAILURES_MIN;
        Tried { patience_over: often && failing >= self.patience, ..tried }
    }

    /// Failures that last for longer than a moment are for the log as well.
    fn tell_outage(&self, trouble: &Trouble, tried: &mut Tried, now: Instant) {
        let failing = tried.failing_for(now);
        if failing >= limits::OUTAGE_TOLD && !tried.outage_told {
            tried.outage_told = true;
            let table = &*self.table;
            let (failing_s, patience_s) = (failing.as_secs(), self.patience.as_secs());
            tracing::warn!(table, failing_s, patience_s, %trouble, "Graph keeps failing");
        }
    }

    /// A condition that is refused costs more requests. What Graph says of it may repeat its values,
    /// which are not for the log.
    fn tell_filter(&self, trouble: &Trouble) {
        self.meter.refuse_filter();
        if let Trouble::Answered(answer) = trouble {
            let (table, status) = (&*self.table, answer.status);
            let (code, id) = (answer.code.as_deref(), answer.request_id.as_deref());
            tracing::warn!(table, status, code, request_id = id, "Graph refuses a condition");
        }
    }

    /// Gets a new token in place of one that Graph refused; `None` if the deadline comes first. One
    /// refused as well is replaced only after a pause: what issues tokens may be ahead of what takes
    /// them.
    pub async fn renew(
        &self,
        refused: Option<Token>,
        claims: Option<String>,
        tried: &mut Tried,
    ) -> Result<Option<()>, Cause> {
        tried.fresh_tokens += 1;
        if tried.fresh_tokens > 1 && self.pause(limits::FRESH_TOKEN_PAUSE).await.is_none() {
            return Ok(None);
        }
        let Some(refused) = refused else { return Ok(Some(())) };
        let fresh = self.line.tokens.fresh(&refused, claims.as_deref());
        match self.within(fresh).await {
            Some(Err(error)) if judge_sign_in(&error, *tried) == Verdict::Fail => {
                Err(Cause::Token(error))
            }
            // Where there is none yet, the next try asks for it again.
            Some(_) => Ok(Some(())),
            None => Ok(None),
        }
    }

    /// The end of a question whose deadline has passed.
    fn out_of_time(&self, course: Course) -> Cause {
        course.out_of_time(self.line.tokens.trouble())
    }

    /// A wait that Graph names, if there is time for it and it is not beyond all measure.
    pub fn affordable(&self, wait: Duration) -> Result<Duration, Cause> {
        let left = self.deadline.map(|at| at.saturating_duration_since(clock::now()));
        let left = left.unwrap_or(limits::RETRY_WAIT_MAX).min(limits::NAMED_WAIT_MAX);
        if wait > left { Err(Cause::Throttled { wait, left }) } else { Ok(wait) }
    }

    /// Waits; `None` if the deadline comes first.
    pub async fn pause(&self, wait: Duration) -> Option<()> {
        if !wait.is_zero() {
            let now = clock::now();
            self.meter.waits(now, now + wait, Wait::Graph);
        }
        self.within(clock::sleep(wait)).await
    }

    fn is_over(&self) -> bool {
        self.deadline.is_some_and(|at| clock::now() >= at)
    }

    /// `None` if the deadline comes first.
    async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.deadline {
            Some(at) => tokio::time::timeout_at(at, work).await.ok(),
            None => Some(work.await),
        }
    }
}

/// The headers of every request. Those of Graph's own are needed on every page again.
fn headers(token: &Token, question: &Question, id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let bearer = HeaderValue::try_from(format!("Bearer {}", token.secret().expose()));
    if let Ok(mut bearer) = bearer {
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert("client-request-id", id);
    }
    let accept = if question.plain { "text/plain" } else { "application/json" };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert("prefer", HeaderValue::from_static(PREFER));
    if question.eventual {
        headers.insert("consistencylevel", HeaderValue::from_static("eventual"));
    }
    if question.batch.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers
}
