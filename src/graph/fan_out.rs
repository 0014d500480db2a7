//! A table that is read for each row of another.

use std::collections::VecDeque;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use http::Uri;

use super::answer::Answer;
use super::batch::{self, Part};
use super::envelope::Check;
use super::error::{Cause, Waiting};
use super::gate::Load;
use super::gates::Weight;
use super::judge::{Station, Tried, Verdict, judge, judge_unreadable};
use super::load::load;
use super::pages::{Failure, Outlet};
use super::parents::Parents;
use super::read_page::read_part;
use super::request::Listing;
use super::room::{Held, Room};
use super::send::{Asked, BACKOFF, Question, Reply, Sender};
use super::walk::{Fetched, Walk};
use crate::auth::KnownSecrets;
use crate::catalog::Table;
use crate::clock::{self, Instant};
use crate::decode::Padded;
use crate::limits::graph as limits;
use crate::transport::retry_after;

/// What becomes of a table that is read for each row of another, when what belongs to one of those
/// rows cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnParentError {
    /// The read fails.
    #[default]
    Error,
    /// That row is left out and told of; more than [`limits::PARENTS_SKIPPED_MAX`] are an error.
    Skip,
}

/// A word that is neither `error` nor `skip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are `error` and `skip`")]
pub struct OnParentErrorWord;

impl FromStr for OnParentError {
    type Err = OnParentErrorWord;

    fn from_str(word: &str) -> Result<Self, OnParentErrorWord> {
        match word {
            "error" => Ok(OnParentError::Error),
            "skip" => Ok(OnParentError::Skip),
            _ => Err(OnParentErrorWord),
        }
    }
}

/// What all parents of a fan-out share.
pub(super) struct FanOut {
    pub table: Arc<Table>,
    pub listing: Arc<Listing>,
    pub sender: Sender,
    pub outlet: Outlet,
    /// How much may be held.
    room: Arc<Room>,
    /// The largest page of late; 0 before any.
    page_bytes: AtomicUsize,
}

/// A listing and whose it is, to be read on.
type Rest = (Walk, Arc<str>);

/// The reading of one parent, or of many in one exchange; the listings that have more pages come
/// back.
type Reading = BoxFuture<'static, Result<Vec<Rest>, Failure>>;

impl FanOut {
    pub fn new(table: Arc<Table>, listing: Arc<Listing>, sender: Sender, outlet: Outlet) -> Self {
        FanOut {
            table,
            listing,
            sender,
            outlet,
            room: Arc::new(Room::new(limits::FAN_OUT_BYTES_MAX)),
            page_bytes: AtomicUsize::new(0),
        }
    }

    /// Reads what belongs to each parent, many at once. Pages come as they are ready; those of
    /// one parent come in their order.
    pub async fn run(self: Arc<Self>, mut parents: Parents, few: bool) -> Result<(), Failure> {
        let mut reading = FuturesUnordered::new();
        let mut rest = VecDeque::new();
        loop {
            while let Some(work) = self.start(&mut parents, &mut rest, reading.len(), few) {
                reading.push(work);
            }
            if reading.is_empty() && rest.is_empty() && parents.is_at_end() {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some(read) = reading.next(), if !reading.is_empty() => rest.extend(read?),
                more = parents.more(), if parents.are_wanted() => more?,
            }
        }
    }

    /// The next parent, or the next twenty in one exchange where the way to Graph is so long that
    /// single requests cannot use up the budget.
    fn start(
        self: &Arc<Self>,
        parents: &mut Parents,
        rest: &mut VecDeque<Rest>,
        reading: usize,
        few: bool,
    ) -> Option<Reading> {
        let lane = self.sender.lane();
        let page_bytes = self.page_bytes.load(Ordering::Relaxed);
        let batch_bytes = page_bytes * limits::BATCH_PARTS_MAX;
        let batch = !few
            && page_bytes > 0
            && rest.is_empty()
            && parents.waiting.len() > 1
            && batch_bytes <= limits::BATCH_BYTES_MAX
            && lane.is_latency_bound(self.table.resource_units);
        let reading_max = match (batch, few) {
            (true, _) => limits::BATCHES_MAX,
            (false, true) => limits::FAN_OUT_FEW,
            (false, false) if page_bytes == 0 => limits::FAN_OUT_FIRST,
            (false, false) => limits::FAN_OUT_MAX,
        };
        if reading >= reading_max {
            return None;
        }
        let fan_out = self.clone();
        if batch {
            let many = parents.waiting.len().min(limits::BATCH_PARTS_MAX);
            let parents: Vec<_> = parents.waiting.drain(..many).collect();
            return Some(fan_out.read_batch(parents).boxed());
        }
        let (walk, parent) = match rest.pop_front() {
            Some(rest) => rest,
            None => {
                let parent = parents.waiting.pop_front()?;
                (self.walk(&parent), parent)
            }
        };
        Some(async move { fan_out.read_parent(walk, parent).await }.boxed())
    }

    fn walk(&self, parent: &Arc<str>) -> Walk {
        let Table { version, resource_units, .. } = *self.table;
        Walk::new(self.listing.clone(), version, resource_units, Some(parent.clone()))
    }

    async fn read_parent(&self, mut walk: Walk, parent: Arc<str>) -> Result<Vec<Rest>, Failure> {
        while !walk.is_at_end() {
            let mut held = self.hold(1).await;
            let fetched = match walk.page(&self.sender).await {
                Ok(fetched) => fetched,
                Err(cause) => return self.give_up(parent, cause).map(|()| Vec::new()),
            };
            self.saw(fetched.as_ref().map_or(0, |fetched| fetched.body.len()));
            let Some(fetched) = fetched else { break };
            held.fit(fetched.body.len());
            let Some(room) = self.outlet.room().await? else { break };
            room.put(fetched, Some(parent.clone()), Some(Arc::new(held)));
        }
        Ok(Vec::new())
    }

    /// What becomes of a parent that cannot be read: it is left out and told of, where that is wanted,
    /// or the whole read fails.
    fn give_up(&self, parent: Arc<str>, cause: Cause) -> Result<(), Failure> {
        if !cause.may_be_of_parent() {
            return Err(Failure::Here(cause));
        }
        let skips = self.sender.line.on_parent_error.of(&self.table.name) == OnParentError::Skip;
        if !skips || !self.sender.meter.skip(&parent) {
            return Err(Failure::Of(parent, cause));
        }
        let table = &*self.table.name;
        tracing::warn!(table, parent = &*parent, %cause, "left out what belongs to a row");
        Ok(())
    }

    /// Reads the first pages of many parents in one exchange; what has others comes back.
    async fn read_batch(self: Arc<Self>, parents: Vec<Arc<str>>) -> Result<Vec<Rest>, Failure> {
        let mut round = Round { left: parents.into(), ..Round::default() };
        while !round.left.is_empty() {
            let parents: Vec<_> = round.left.drain(..).collect();
            let mut held = self.hold(parents.len()).await;
            let (body, parts, asked) = self.exchange(&parents, &mut round.tried).await?;
            held.fit(body.len());
            let (body, held) = (Arc::new(body), Some(Arc::new(held)));
            for (parent, part) in parents.into_iter().zip(parts) {
                let judged = match self.judge_part(&body, &part, round.tried, &asked) {
                    Ok(judged) => judged,
                    Err(cause) => {
                        self.give_up(parent, cause)?;
                        continue;
                    }
                };
                match judged {
                    Judged::Page(fetched) => {
                        self.saw(fetched.at.len());
                        let walk = self.walk(&parent).behind(&fetched.envelope, &self.sender);
                        let sole = walk.is_at_end();
                        if !sole {
                            round.more.push((walk, parent.clone()));
                        }
                        let Some(room) = self.outlet.room().await? else {
                            return Ok(Vec::new());
                        };
                        let fetched = Fetched { sole, ..fetched };
                        room.put(fetched, Some(parent), held.clone());
                    }
                    Judged::NoRows => {}
                    Judged::Again(again) => round.again(parent, again),
                }
            }
            drop(held);
            self.rest(&mut round, asked).await?;
        }
        Ok(round.more)
    }

    async fn exchange(
        &self,
        parents: &[Arc<str>],
        tried: &mut Tried,
    ) -> Result<(Padded, Vec<Part>, Asked), Cause> {
        let top = self.listing.page_rows;
        let urls: Vec<_> =
            parents.iter().map(|parent| self.listing.below_root(Some(parent), top)).collect();
        let root = self.sender.line.roots.root(self.table.version);
        let bytes = root.len();
        let requests = parents.len() as u32;
        let question = Question {
            uri: Uri::try_from(format!("{root}/$batch")).map_err(|_| Cause::BadLink { bytes })?,
            batch: Some(batch::encode(&urls)),
            plain: false,
            eventual: false,
            watch: None,
            station: Station::Single,
            weight: Weight { requests, units: requests * self.table.resource_units },
            bytes_max: limits::BODY_BYTES_MAX,
            can_shrink: false,
            may_drop_filter: false,
        };
        let read = |body: &Padded| batch::read(body.as_slice(), parents.len(), self.sender.known());
        match self.sender.ask(&question, tried, read).await? {
            Reply::Body(body, parts, asked) => Ok((body, parts, asked)),
            Reply::NoRows | Reply::Restart | Reply::Smaller | Reply::Unfiltered => {
                Err(Cause::MissingPart)
            }
        }
    }

    fn judge_part(
        &self,
        body: &Arc<Padded>,
        part: &Part,
        tried: Tried,
        asked: &Asked,
    ) -> Result<Judged, Cause> {
        let now = clock::now();
        let bytes = body.as_slice().get(part.body.clone()).unwrap_or_default();
        let named = retry_after(&part.headers, clock::unix_now());
        let (tries, known) = (tried.failures + 1, self.sender.known());
        let mut answer = Answer::read(part.status, &part.headers, bytes, tries, known);
        answer.names_columns = self.listing.names_columns();
        if part.status != 200 {
            let (id, date) = (answer.client_request_id.as_deref(), answer.date.as_deref());
            tracing::debug!(client_request_id = id, date, %answer, "a part of a batch failed");
        }
        let (station, tried) = (Station::FirstOfParent, self.sender.weary(tried));
        self.learn(&load(part.status, &part.headers, named, tried), asked, now);
        let age = asked.token.age(now);
        Ok(match judge(&answer, &part.headers, named, station, tried, age) {
            Verdict::Take => match split(body, part.body.clone(), asked, known) {
                Ok(fetched) => Judged::Page(fetched),
                Err(_) if judge_unreadable(tried) == Verdict::Backoff => {
                    Judged::Again(Again::Unreadable)
                }
                Err(cause) => return Err(cause),
            },
            Verdict::NoRows => Judged::NoRows,
            Verdict::FreshToken { claims } => Judged::Again(Again::Token { claims }),
            // The gate keeps the wait, for all who stand before it.
            Verdict::RetryAfter(_) | Verdict::Backoff if part.status == 429 => {
                Judged::Again(Again::Throttled)
            }
            Verdict::RetryAfter(wait) => Judged::Again(Again::Failed { answer, named: Some(wait) }),
            Verdict::Backoff | Verdict::SmallerPage => {
                Judged::Again(Again::Failed { answer, named: None })
            }
            Verdict::RestartListing | Verdict::NoFilter | Verdict::Fail => {
                return Err(Cause::Answered(Box::new(answer)));
            }
        })
    }

    /// What a part tells of the load, as the gate and the meter learn it from a single answer.
    fn learn(&self, load: &Load, asked: &Asked, now: Instant) {
        let units = self.table.resource_units;
        self.sender.meter.charged(load.units.unwrap_or(units));
        if load.throttled.is_some() {
            self.sender.meter.throttle();
        }
        self.sender.lane().answered_part(load, units, asked.left_at, now);
    }

    /// Between two rounds: what the parts that were refused ask for, once for all of them, and of
    /// several waits the longest.
    async fn rest(&self, round: &mut Round, asked: Asked) -> Result<(), Cause> {
        let Whys { throttled, unreadable, token, failed } = std::mem::take(&mut round.whys);
        let tried = &mut round.tried;
        tried.throttles += u32::from(throttled);
        tried.unreadable += u32::from(unreadable);
        let late = |source| Cause::Deadline { waiting: Waiting::Retry, source };
        if let Some(claims) = token {
            let renewed = self.sender.renew(Some(asked.token), claims, tried).await?;
            renewed.ok_or_else(|| late(None))?;
        }
        if let Some((answer, named)) = failed {
            tried.fail(clock::now());
            let wait = match named {
                Some(wait) => self.sender.affordable(wait)?,
                None => BACKOFF.wait(tried.failures, rand::random()),
            };
            let source = || Some(Box::new(Cause::Answered(Box::new(answer))));
            let paused = self.sender.pause(wait).await;
            return paused.ok_or_else(|| late(source()));
        }
        Ok(())
    }

    /// Room for `pages` pages, as large as the largest of late.
    async fn hold(&self, pages: usize) -> Held {
        let page_bytes = self.page_bytes.load(Ordering::Relaxed);
        self.room.take(page_bytes.max(limits::FAN_OUT_PAGE_BYTES_MIN) * pages).await
    }

    fn saw(&self, bytes: usize) {
        let before = self.page_bytes.load(Ordering::Relaxed);
        let faded = before - before / limits::FAN_OUT_PAGE_FADES;
        let now = bytes.max(faded).max(limits::FAN_OUT_PAGE_BYTES_MIN);
        self.page_bytes.store(now, Ordering::Relaxed);
    }
}

/// The state of a batch between its rounds.
#[derive(Default)]
struct Round {
    left: VecDeque<Arc<str>>,
    more: Vec<Rest>,
    tried: Tried,
    whys: Whys,
}

/// Why parts are asked for again.
#[derive(Default)]
struct Whys {
    throttled: bool,
    unreadable: bool,
    /// With the claims that a new token has to meet, if any part named some.
    token: Option<Option<String>>,
    /// The last answer, and the longest wait that one named.
    failed: Option<(Answer, Option<Duration>)>,
}

impl Round {
    fn again(&mut self, parent: Arc<str>, again: Again) {
        self.left.push_back(parent);
        let whys = &mut self.whys;
        match again {
            Again::Throttled => whys.throttled = true,
            Again::Unreadable => whys.unreadable = true,
            Again::Token { claims } => {
                whys.token = Some(whys.token.take().flatten().or(claims));
            }
            Again::Failed { answer, named } => {
                let before = whys.failed.take().and_then(|(_, named)| named);
                whys.failed = Some((answer, named.max(before)));
            }
        }
    }
}

enum Judged {
    Page(Fetched),
    NoRows,
    Again(Again),
}

/// Why a part is asked for again.
enum Again {
    Throttled,
    Unreadable,
    Token { claims: Option<String> },
    Failed { answer: Answer, named: Option<Duration> },
}

fn split(
    body: &Arc<Padded>,
    at: Range<usize>,
    asked: &Asked,
    known: &KnownSecrets,
) -> Result<Fetched, Cause> {
    let envelope = read_part(body, at.clone(), Check::Whole, known)?;
    let (body, found, known) = (body.clone(), asked.found.clone(), known.clone());
    Ok(Fetched { body, at, envelope, restarted: false, sole: false, found, again: None, known })
}
