//! A table that is read for each row of another.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use http::Uri;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Answer;
use super::batch::{self, Part};
use super::envelope;
use super::error::Cause;
use super::gates::Weight;
use super::judge::{Station, Tried, Verdict, judge, judge_unreadable};
use super::pages::{Failure, Outlet};
use super::parents::Parents;
use super::request::Listing;
use super::send::{BACKOFF, Question, Reply, Sender, throttle_wait};
use super::walk::{Fetched, Walk};
use crate::catalog::Table;
use crate::clock;
use crate::decode::Padded;
use crate::limits::graph as limits;
use crate::transport::retry_after;

/// What all parents of a fan-out share.
pub(super) struct FanOut {
    pub table: Arc<Table>,
    pub listing: Arc<Listing>,
    pub sender: Sender,
    pub outlet: Outlet,
    /// How much may be held, in [`GRAIN_BYTES`].
    room: Arc<Semaphore>,
    /// The largest page of late.
    page_bytes: AtomicUsize,
}

/// What [`FanOut::room`] is counted in.
const GRAIN_BYTES: usize = 1 << 10;

impl FanOut {
    pub fn new(table: Arc<Table>, listing: Arc<Listing>, sender: Sender, outlet: Outlet) -> Self {
        FanOut {
            table,
            listing,
            sender,
            outlet,
            room: Arc::new(Semaphore::new(limits::FAN_OUT_BYTES_MAX / GRAIN_BYTES)),
            page_bytes: AtomicUsize::new(limits::FAN_OUT_PAGE_BYTES_MIN),
        }
    }

    /// Reads what belongs to each parent, many at once. Pages come as they are ready; those of
    /// one parent come in their order.
    pub async fn run(self: Arc<Self>, mut parents: Parents, few: bool) -> Result<(), Failure> {
        let mut reading = FuturesUnordered::new();
        loop {
            while let Some(work) = self.start(&mut parents, reading.len(), few) {
                reading.push(work);
            }
            if reading.is_empty() && parents.is_at_end() {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some(read) = reading.next(), if !reading.is_empty() => read?,
                more = parents.more(), if parents.are_wanted() => more?,
            }
        }
    }

    /// The next parent, or the next twenty in one exchange where the way to Graph is so long that
    /// single requests cannot use up the budget.
    fn start(
        self: &Arc<Self>,
        parents: &mut Parents,
        reading: usize,
        few: bool,
    ) -> Option<BoxFuture<'static, Result<(), Failure>>> {
        let lane = self.sender.lane();
        let batch_bytes = self.page_bytes.load(Ordering::Relaxed) * limits::BATCH_PARTS_MAX;
        let batch = !few
            && parents.waiting.len() > 1
            && batch_bytes <= limits::BATCH_BYTES_MAX
            && lane.is_latency_bound(self.table.resource_units);
        let reading_max = match (batch, few) {
            (true, _) => limits::BATCHES_MAX,
            (false, true) => limits::FAN_OUT_FEW,
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
        let parent = parents.waiting.pop_front()?;
        let walk = self.walk(&parent);
        Some(async move { fan_out.read_parent(walk, parent).await }.boxed())
    }

    fn walk(&self, parent: &Arc<str>) -> Walk {
        let Table { version, resource_units, .. } = *self.table;
        Walk::new(self.listing.clone(), version, resource_units, Some(parent.clone()))
    }

    async fn read_parent(&self, mut walk: Walk, parent: Arc<str>) -> Result<(), Failure> {
        while !walk.is_at_end() {
            let held = self.hold(1).await;
            let Some(fetched) = walk.page(&self.sender).await? else { return Ok(()) };
            self.saw(fetched.body.len());
            let Ok(room) = self.outlet.room().await else { return Ok(()) };
            room.put(fetched, Some(parent.clone()), held);
        }
        Ok(())
    }

    /// Reads the first pages of many parents in one exchange, and the others one by one.
    async fn read_batch(self: Arc<Self>, parents: Vec<Arc<str>>) -> Result<(), Failure> {
        let mut round = Round { left: parents.into(), ..Round::default() };
        while !round.left.is_empty() {
            let asked: Vec<_> = round.left.drain(..).collect();
            let held = self.hold(asked.len()).await;
            let (body, parts) = self.exchange(&asked, &mut round.tried).await?;
            let body = Arc::new(body);
            for (parent, part) in asked.into_iter().zip(parts) {
                match self.judge_part(&body, &part, round.tried)? {
                    Judged::Page(fetched) => {
                        self.saw(fetched.at.len());
                        if fetched.envelope.next.is_some() {
                            let walk = self.walk(&parent).behind(&fetched.envelope, &self.sender);
                            round.more.push((walk, parent.clone()));
                        }
                        let Ok(room) = self.outlet.room().await else { return Ok(()) };
                        room.put(fetched, Some(parent), held.clone());
                    }
                    Judged::NoRows => {}
                    Judged::Again(again) => round.again(parent, again),
                }
            }
            self.rest(&mut round).await?;
        }
        for (walk, parent) in round.more {
            self.read_parent(walk, parent).await?;
        }
        Ok(())
    }

    async fn exchange(
        &self,
        parents: &[Arc<str>],
        tried: &mut Tried,
    ) -> Result<(Padded, Vec<Part>), Cause> {
        let urls: Vec<_> =
            parents.iter().map(|parent| self.listing.below_root(Some(parent), None)).collect();
        let root = self.sender.line.roots.root(self.table.version);
        let bytes = root.len();
        let requests = parents.len() as u32;
        let question = Question {
            uri: Uri::try_from(format!("{root}/$batch")).map_err(|_| Cause::BadLink { bytes })?,
            batch: Some(batch::encode(&urls)),
            station: Station::Single,
            weight: Weight { requests, units: requests * self.table.resource_units },
            bytes_max: limits::BODY_BYTES_MAX,
            can_shrink: false,
        };
        let read = |body: &Padded| batch::read(body.as_slice(), parents.len());
        match self.sender.ask(&question, tried, read).await? {
            Reply::Body(body, parts) => Ok((body, parts)),
            Reply::NoRows | Reply::Restart | Reply::Smaller => Err(Cause::MissingPart),
        }
    }

    fn judge_part(&self, body: &Arc<Padded>, part: &Part, tried: Tried) -> Result<Judged, Cause> {
        let bytes = body.as_slice().get(part.body.clone()).unwrap_or_default();
        let named = retry_after(&part.headers, clock::unix_now());
        let answer = Answer::read(part.status, &part.headers, bytes, tried.failures + 1);
        let station = Station::FirstOfParent;
        let again = |cause, wait| Judged::Again(Again { cause, wait });
        Ok(match judge(&answer, &part.headers, named, station, tried, Duration::ZERO) {
            Verdict::Take => match split(body, part.body.clone()) {
                Ok(fetched) => Judged::Page(fetched),
                Err(_) if judge_unreadable(tried) == Verdict::Backoff => {
                    again(Why::Unreadable, Duration::ZERO)
                }
                Err(error) => return Err(Cause::Envelope(error)),
            },
            Verdict::NoRows => Judged::NoRows,
            Verdict::FreshToken { .. } => again(Why::Token, Duration::ZERO),
            Verdict::RetryAfter(_) | Verdict::Backoff if part.status == 429 => {
                again(Why::Throttled, throttle_wait(named, tried.throttles + 1))
            }
            Verdict::RetryAfter(wait) => again(Why::Failed, wait),
            Verdict::Backoff | Verdict::SmallerPage => {
                let failures = tried.failures + 1;
                again(Why::Failed, BACKOFF.wait(failures, rand::random()))
            }
            Verdict::RestartListing | Verdict::Fail => {
                return Err(Cause::Answered(Box::new(answer)));
            }
        })
    }

    /// Between two rounds: what the parts that were refused ask for, once for all of them, and of
    /// several waits the longest.
    async fn rest(&self, round: &mut Round) -> Result<(), Cause> {
        for why in std::mem::take(&mut round.whys) {
            match why {
                Why::Throttled => round.tried.throttles += 1,
                Why::Failed => round.tried.failures += 1,
                Why::Unreadable => round.tried.unreadable += 1,
                Why::Token => {
                    round.tried.fresh_tokens += 1;
                    let token = self.sender.line.tokens.token().await.map_err(Cause::Token)?;
                    self.sender.replace(Some(token), None).await?;
                }
            }
        }
        if let Some(wait) = round.throttled.take() {
            self.sender.lane().throttled(wait, clock::now());
        }
        if let Some(wait) = round.failed.take() {
            self.sender.pause_for(wait).await?;
        }
        Ok(())
    }

    /// Room for `pages` pages, as large as the largest of late.
    async fn hold(&self, pages: usize) -> Option<Arc<OwnedSemaphorePermit>> {
        let grains = self.page_bytes.load(Ordering::Relaxed) * pages / GRAIN_BYTES;
        let grains = grains.clamp(1, limits::FAN_OUT_BYTES_MAX / GRAIN_BYTES) as u32;
        // The semaphore is never closed.
        self.room.clone().acquire_many_owned(grains).await.ok().map(Arc::new)
    }

    fn saw(&self, bytes: usize) {
        let before = self.page_bytes.load(Ordering::Relaxed);
        let now = bytes.max(before - before / 16).max(limits::FAN_OUT_PAGE_BYTES_MIN);
        self.page_bytes.store(now, Ordering::Relaxed);
    }
}

/// The state of a batch between its rounds.
#[derive(Default)]
struct Round {
    left: VecDeque<Arc<str>>,
    more: Vec<(Walk, Arc<str>)>,
    tried: Tried,
    whys: HashSet<Why>,
    throttled: Option<Duration>,
    failed: Option<Duration>,
}

impl Round {
    fn again(&mut self, parent: Arc<str>, again: Again) {
        self.left.push_back(parent);
        self.whys.insert(again.cause);
        let wait = match again.cause {
            Why::Throttled => &mut self.throttled,
            _ => &mut self.failed,
        };
        *wait = Some(wait.map_or(again.wait, |before| before.max(again.wait)));
    }
}

enum Judged {
    Page(Fetched),
    NoRows,
    Again(Again),
}

struct Again {
    cause: Why,
    wait: Duration,
}

/// Why a part is asked for again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Why {
    Throttled,
    Failed,
    Unreadable,
    Token,
}

fn split(body: &Arc<Padded>, at: Range<usize>) -> Result<Fetched, envelope::Error> {
    let envelope = envelope::split(body.as_slice(), at.clone())?;
    let sole = envelope.next.is_none();
    Ok(Fetched { body: body.clone(), at, envelope, restarted: false, sole })
}
