//! The pages of a scan, as a stream.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::answer::Answer;
use super::envelope::{self, Check, Envelope};
use super::error::{Cause, Error, Waiting};
use super::journal::Found;
use super::judge::{Tried, Verdict, judge_unreadable};
use super::meter::Meter;
use super::read_page::read_page;
use super::room::Held;
use super::send::{BACKOFF, Question, Reply, Sender};
use super::walk::{Fetched, Walk};
use crate::auth::KnownSecrets;
use crate::catalog::Table;
use crate::clock::Instant;
use crate::decode::{self, Padded};

/// A page of rows.
pub struct Page {
    /// The bytes it stands in; the parts of a `$batch` share one.
    pub body: Arc<Padded>,
    /// Where the `[` of its rows stands in them.
    pub rows_at: usize,
    /// Whose rows they are, in a fan-out.
    pub parent: Option<Arc<str>>,
    /// The listing was begun again before this page, so that its rows may have been handed on
    /// already: drop those whose key has been seen.
    pub restarted: bool,
    /// The listing has no other page, so no key comes twice.
    pub sole: bool,
    /// Counted from 1 over the whole scan.
    pub number: u64,
    table: Arc<Table>,
    at: Range<usize>,
    next: Option<String>,
    found: Arc<Found>,
    /// What a fan-out may hold; given back when the page is handed on.
    held: Option<Arc<Held>>,
    /// How to ask for it again, where it was not checked wholly.
    again: Option<Box<Again>>,
    /// What must not come back in an error.
    known: KnownSecrets,
}

/// Why a page that was handed on is none.
#[derive(Debug)]
pub enum Flaw {
    /// Its rows cannot be decoded.
    Rows(decode::Error),
    /// A row has no key.
    NoKey,
    /// What stands behind the rows is not the end of a page.
    End(envelope::Error),
}

/// What it takes to ask for a page again.
pub(super) struct Again {
    pub sender: Sender,
    pub question: Question,
    pub tried: Tried,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("table", &self.table.name)
            .field("number", &self.number)
            .field("bytes", &self.at.len())
            .field("restarted", &self.restarted)
            .field("sole", &self.sole)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// Checks what stands behind the rows, which end just before `rows_end`. To be called when
    /// the rows were decoded: only then is the page known to be whole. How many there were is
    /// kept with the [exchange](super::Graph::exchanges).
    ///
    /// # Errors
    ///
    /// [`Flaw::End`] if the page is cut off there, or says something that contradicts what stood
    /// before the rows.
    pub fn close(&self, rows_end: usize, rows: u64) -> Result<(), Flaw> {
        envelope::close(self.body.as_slice(), self.at.clone(), rows_end, self.next.as_deref())
            .map_err(Flaw::End)?;
        self.found.rows(rows);
        Ok(())
    }

    /// Asks for the page again, as often as for one that comes damaged; none of its rows may have
    /// been used.
    ///
    /// The pages behind it are not asked for again: their links came with the first answer, which
    /// is the one that Graph wants followed.
    ///
    /// # Errors
    ///
    /// [`Error::Page`]; in the server's own words where it failed while it wrote the page.
    pub async fn again(mut self, flaw: Flaw) -> Result<Page, Error> {
        let cause = flaw.cause(&self);
        let Some(mut again) = self.again.take() else { return Err(self.error(cause)) };
        match again.ask(cause).await {
            Ok((body, envelope, found)) => {
                let body = Arc::new(body);
                self.at = 0..body.len();
                (self.rows_at, self.next) = (envelope.rows_at, envelope.next);
                (self.body, self.found, self.again) = (body, found, Some(again));
                Ok(self)
            }
            Err(cause) => Err(self.error(cause)),
        }
    }

    /// What it means that the page stays flawed.
    pub fn flawed(&self, flaw: Flaw) -> Error {
        self.error(flaw.cause(self))
    }

    fn error(&self, cause: Cause) -> Error {
        Error::page_of(&self.table, self.parent.clone(), self.number, cause)
    }
}

impl Flaw {
    fn cause(self, page: &Page) -> Cause {
        let at = match &self {
            Flaw::Rows(error) => error.offset().unwrap_or(page.rows_at),
            Flaw::NoKey => page.rows_at,
            Flaw::End(error) => page.at.start + error.at(),
        };
        match (Answer::within(page.body.as_slice(), at, &page.known), self) {
            (Some(said), _) => Cause::ErrorInside(Box::new(said)),
            (None, Flaw::Rows(error)) => Cause::Rows(error),
            (None, Flaw::NoKey) => Cause::NoKey,
            (None, Flaw::End(error)) => Cause::Envelope(error),
        }
    }
}

impl Again {
    /// Asks once more, if not too often, for what was no page because of `cause`.
    async fn ask(&mut self, cause: Cause) -> Result<(Padded, Envelope, Arc<Found>), Cause> {
        tracing::debug!(%cause, "a page is damaged");
        if judge_unreadable(self.tried) != Verdict::Backoff {
            return Err(cause);
        }
        self.tried.unreadable += 1;
        let wait = BACKOFF.wait(self.tried.unreadable, rand::random());
        if self.sender.pause(wait).await.is_none() {
            let (waiting, source) = (Waiting::Retry, Some(Box::new(cause)));
            return Err(Cause::Deadline { waiting, source });
        }
        let read = |body: &Padded| read_page(body, Check::Head, self.sender.known());
        match self.sender.ask(&self.question, &mut self.tried, read).await? {
            Reply::Body(body, envelope, asked) => Ok((body, envelope, asked.found)),
            Reply::NoRows | Reply::Restart | Reply::Smaller | Reply::Unfiltered => {
                Err(Cause::Vanished)
            }
        }
    }
}

/// The pages of a scan. Nothing is sent before the first is asked for; then one page is read
/// ahead. Dropping it drops the requests in flight.
///
/// A stream that could not read every page ends in an error. Nothing comes after an error.
pub struct Pages {
    meter: Arc<Meter>,
    table: Arc<Table>,
    deadline: Option<Instant>,
    state: State,
}

enum State {
    Idle(Option<Job>),
    Running(Running),
    Over,
}

struct Running {
    pages: mpsc::Receiver<Page>,
    /// The number of the page that is wanted.
    wanted: watch::Sender<u64>,
    handed: u64,
    /// That it sends no page any more says nothing: how it ended does.
    task: JoinHandle<Result<(), Error>>,
}

/// What reads the pages.
pub(super) type Job = Box<dyn FnOnce(Outlet) -> BoxFuture<'static, Result<(), Error>> + Send>;

/// Where a reading task puts its pages.
#[derive(Clone)]
pub(super) struct Outlet {
    pages: mpsc::Sender<Page>,
    wanted: watch::Receiver<u64>,
    deadline: Option<Instant>,
    table: Arc<Table>,
    meter: Arc<Meter>,
}

/// Why a reading task gave up.
pub(super) enum Failure {
    /// At a page of the table that is read.
    Here(Cause),
    /// At a page of what belongs to this parent.
    Of(Arc<str>, Cause),
    /// At a page of another table, which the error names.
    Whole(Error),
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Failure::Here(cause)
    }
}

impl Pages {
    pub(super) fn new(
        table: Arc<Table>,
        meter: Arc<Meter>,
        deadline: Option<Instant>,
        job: Job,
    ) -> Self {
        Pages { meter, table, deadline, state: State::Idle(Some(job)) }
    }

    fn start(&mut self) {
        let State::Idle(job) = &mut self.state else { return };
        let Some(job) = job.take() else { return };
        let (pages, pages_out) = mpsc::channel(1);
        let (wanted, wanted_out) = watch::channel(1);
        let outlet = Outlet {
            pages,
            wanted: wanted_out,
            deadline: self.deadline,
            table: self.table.clone(),
            meter: self.meter.clone(),
        };
        let task = tokio::spawn(job(outlet));
        self.state = State::Running(Running { pages: pages_out, wanted, handed: 0, task });
    }
}

impl Stream for Pages {
    type Item = Result<Page, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pages = self.get_mut();
        pages.start();
        let State::Running(running) = &mut pages.state else { return Poll::Ready(None) };
        let _ = running.wanted.send(running.handed + 1);
        if let Some(mut page) = ready!(running.pages.poll_recv(cx)) {
            running.handed += 1;
            page.held = None;
            return Poll::Ready(Some(Ok(page)));
        }
        let end = match ready!(Pin::new(&mut running.task).poll(cx)) {
            Ok(end) => end,
            Err(broken) => {
                let cause = if broken.is_panic() { Cause::Broken } else { Cause::Stopped };
                Err(Error::page(&pages.table, running.handed + 1, cause))
            }
        };
        pages.state = State::Over;
        Poll::Ready(end.err().map(Err))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Outlet {
    /// Runs `work` and tells how it ended.
    pub async fn run(self, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Error> {
        let page = || self.meter.pages() + 1;
        work.await.map_err(|failure| match failure {
            Failure::Whole(error) => error,
            Failure::Here(cause) => Error::page(&self.table, page(), cause),
            Failure::Of(parent, cause) => Error::page_of(&self.table, Some(parent), page(), cause),
        })
    }

    /// Waits until a page may be fetched: the one before has been taken. `None` if whoever wanted
    /// the pages is gone.
    ///
    /// # Errors
    ///
    /// [`Cause::Deadline`]: whoever reads so slowly does not keep the scan alive.
    pub async fn room(&self) -> Result<Option<Room<'_>>, Cause> {
        let slot = in_time(self.deadline, self.pages.reserve()).await?;
        Ok(slot.ok().map(|slot| Room { slot, outlet: self }))
    }

    /// Waits until page `number` is asked for, and not only foreseen. `false` if whoever wanted
    /// the pages is gone.
    ///
    /// # Errors
    ///
    /// As of [`room`](Self::room).
    pub async fn wanted(&mut self, number: u64) -> Result<bool, Cause> {
        let wanted = self.wanted.wait_for(|wanted| *wanted >= number);
        Ok(in_time(self.deadline, wanted).await?.is_ok())
    }
}

async fn in_time<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, Cause> {
    match deadline {
        Some(at) => {
            let late = |_| Cause::Deadline { waiting: Waiting::Reader, source: None };
            tokio::time::timeout_at(at, work).await.map_err(late)
        }
        None => Ok(work.await),
    }
}

/// Room for one page.
pub(super) struct Room<'a> {
    slot: mpsc::Permit<'a, Page>,
    outlet: &'a Outlet,
}

impl Room<'_> {
    pub fn put(self, fetched: Fetched, parent: Option<Arc<str>>, held: Option<Arc<Held>>) {
        let meter = &self.outlet.meter;
        meter.page();
        fetched.found.page();
        self.slot.send(Page {
            rows_at: fetched.envelope.rows_at,
            next: fetched.envelope.next,
            body: fetched.body,
            at: fetched.at,
            parent,
            restarted: fetched.restarted,
            sole: fetched.sole,
            number: meter.pages(),
            found: fetched.found,
            table: self.outlet.table.clone(),
            held,
            again: fetched.again,
            known: fetched.known,
        });
    }
}

/// Reads one listing. With a limit, a page is read ahead only as long as the pages before cannot
/// have held enough rows.
pub(super) async fn read_listings(
    walks: impl Iterator<Item = Walk>,
    sender: Sender,
    mut outlet: Outlet,
    limit: Option<u64>,
) -> Result<(), Cause> {
    let mut number = 0;
    for mut walk in walks {
        while !walk.is_at_end() {
            number += 1;
            if limit.is_some_and(|limit| number > 1 && walk.rows_if_full() >= limit) {
                let true = outlet.wanted(number).await? else { return Ok(()) };
            }
            let Some(room) = outlet.room().await? else { return Ok(()) };
            if let Some(fetched) = walk.page(&sender).await? {
                room.put(fetched, None, None);
            }
        }
    }
    Ok(())
}
