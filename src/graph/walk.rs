//! One listing, page after page.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use http::{HeaderMap, Uri};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::ahead;
use super::answer::Answer;
use super::envelope::{self, Envelope};
use super::error::Cause;
use super::gates::Weight;
use super::journal::Found;
use super::judge::{Station, Tried};
use super::request::Listing;
use super::send::{Asked, Question, Reply, Sender};
use crate::catalog::Version;
use crate::decode::Padded;
use crate::limits::graph as limits;

/// Follows one listing from its first URL to the page that has no next link.
pub(super) struct Walk {
    listing: Arc<Listing>,
    version: Version,
    units: u32,
    parent: Option<Arc<str>>,
    /// Where to go next; `None` at the end.
    next: Option<Next>,
    /// Hashes of the links followed since the beginning. Two links with one hash would be taken
    /// for a loop, which is an error and not a short table; at two million pages the chance is
    /// one in ten million.
    followed: HashSet<u64>,
    hashes: RandomState,
    pages: u64,
    restarts: u32,
    /// Smaller pages than the listing asks for, since a first page took too long.
    page_rows_max: Option<u32>,
    /// Whether a page is asked for as soon as its link is seen, while the one before still comes.
    looks_ahead: bool,
    ahead: Option<Ahead>,
}

/// A page that was asked for in advance.
struct Ahead {
    uri: Uri,
    page: AbortOnDropHandle<Option<(Padded, Envelope, Asked)>>,
    /// Tells its own next link.
    told: oneshot::Receiver<String>,
}

enum Next {
    First,
    Link(Uri),
    /// A link that is not followed; told when it would be.
    Broken(Cause),
}

/// A page as it came.
pub(super) struct Fetched {
    pub body: Arc<Padded>,
    /// Where its envelope stands in the body.
    pub at: Range<usize>,
    pub envelope: Envelope,
    pub restarted: bool,
    /// It is the first, and there is no other.
    pub sole: bool,
    /// Whom to tell how many rows it has.
    pub found: Arc<Found>,
}

impl Walk {
    pub fn new(
        listing: Arc<Listing>,
        version: Version,
        units: u32,
        parent: Option<Arc<str>>,
    ) -> Self {
        Walk {
            listing,
            version,
            units,
            parent,
            next: Some(Next::First),
            followed: HashSet::new(),
            hashes: RandomState::new(),
            pages: 0,
            restarts: 0,
            page_rows_max: None,
            looks_ahead: false,
            ahead: None,
        }
    }

    /// The same, asking for each page as soon as its link is seen.
    pub fn looking_ahead(self) -> Self {
        Walk { looks_ahead: true, ..self }
    }

    /// Goes on behind a first page that came another way, in a `$batch`.
    pub fn behind(mut self, first: &Envelope, sender: &Sender) -> Self {
        self.pages = 1;
        self.advance(first, sender);
        self
    }

    pub fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    /// How many rows the pages before, if they were full, have held.
    pub fn rows_if_full(&self) -> u64 {
        self.pages.saturating_mul(self.listing.page_rows.map_or(u64::MAX, u64::from))
    }

    /// The next page; `None` behind the last.
    ///
    /// A lost page token begins the listing again; so does one that came with an answer to a
    /// repeated request and does not lead on, which Graph warns of. A parent that is gone behind
    /// its first page does so too: only a first page tells that there are no rows.
    ///
    /// <https://learn.microsoft.com/graph/paging>
    pub async fn page(&mut self, sender: &Sender) -> Result<Option<Fetched>, Cause> {
        let mut tried = Tried::default();
        loop {
            let Some(mut question) = self.question(sender)? else { return Ok(None) };
            if let Some(ahead) = self.ahead.take().filter(|ahead| ahead.uri == question.uri) {
                let page = self.looking(ahead.page, Some(ahead.told), sender).await;
                if let Ok(Some((body, envelope, asked))) = page {
                    return Ok(Some(self.take(body, envelope, asked, sender)));
                }
                self.ahead = None;
            }
            let told = self.looks_ahead.then(|| {
                let (watch, told) = ahead::watch();
                question.watch = Some(watch);
                told
            });
            let asked = sender.ask(&question, &mut tried, read_page);
            match self.looking(asked, told, sender).await? {
                Reply::Body(body, envelope, asked) => {
                    return Ok(Some(self.take(body, envelope, asked, sender)));
                }
                Reply::NoRows => {
                    self.next = None;
                    return Ok(None);
                }
                Reply::Smaller => self.shrink(),
                Reply::Restart => {
                    self.restart(sender)?;
                    tried = Tried::default();
                }
            }
            self.ahead = None;
        }
    }

    /// Waits for a page, and asks for the next one once its link is told.
    async fn looking<T>(
        &mut self,
        page: impl Future<Output = T>,
        told: Option<oneshot::Receiver<String>>,
        sender: &Sender,
    ) -> T {
        let mut page = pin!(page);
        if let Some(told) = told {
            tokio::select! {
                biased;
                page = &mut page => return page,
                Ok(link) = told => self.ahead = self.ask_ahead(&link, sender),
            }
        }
        page.await
    }

    /// Asks for the page at a link that was seen in one which is not whole yet; `None` where the
    /// link would not be followed, which is told when it should be.
    fn ask_ahead(&self, link: &str, sender: &Sender) -> Option<Ahead> {
        let uri = Uri::try_from(link).ok().filter(|uri| sender.line.roots.own(uri))?;
        let known = self.followed.contains(&self.hashes.hash_one(link));
        if known || link.len() > limits::LINK_BYTES_MAX || self.pages + 1 >= limits::PAGES_MAX {
            return None;
        }
        let (watch, told) = ahead::watch();
        let question = Question { watch: Some(watch), ..self.ask_for(uri.clone(), false) };
        let sender = sender.clone();
        let page = tokio::spawn(async move { sender.ask_once(&question, read_page).await });
        Some(Ahead { uri, page: AbortOnDropHandle::new(page), told })
    }

    fn question(&mut self, sender: &Sender) -> Result<Option<Question>, Cause> {
        let (uri, is_first) = match &self.next {
            None => return Ok(None),
            Some(Next::Broken(_)) => {
                let Some(Next::Broken(cause)) = self.next.take() else { return Ok(None) };
                return Err(cause);
            }
            Some(Next::Link(uri)) => (uri.clone(), false),
            Some(Next::First) => (self.first(sender)?, true),
        };
        Ok(Some(self.ask_for(uri, is_first)))
    }

    fn ask_for(&self, uri: Uri, is_first: bool) -> Question {
        let station = match (is_first, &self.parent) {
            (true, None) => Station::First,
            (false, None) => Station::Next,
            (true, Some(_)) => Station::FirstOfParent,
            (false, Some(_)) => Station::NextOfParent,
        };
        let rows = self.page_rows_max.or(self.listing.page_rows);
        Question {
            uri,
            batch: None,
            plain: false,
            eventual: self.listing.advanced,
            watch: None,
            station,
            weight: Weight { requests: 1, units: self.units },
            bytes_max: limits::BODY_BYTES_MAX,
            can_shrink: is_first && rows.is_some_and(|rows| rows > limits::PAGE_ROWS_MIN),
        }
    }

    fn first(&self, sender: &Sender) -> Result<Uri, Cause> {
        let root = sender.line.roots.root(self.version);
        let below = self.listing.below_root(self.parent.as_deref(), self.page_rows_max);
        let url = format!("{root}{below}");
        let bytes = url.len();
        Uri::try_from(url).map_err(|_| Cause::BadLink { bytes })
    }

    fn take(&mut self, body: Padded, envelope: Envelope, asked: Asked, sender: &Sender) -> Fetched {
        let sole = self.pages == 0 && self.restarts == 0 && envelope.next.is_none();
        self.pages += 1;
        self.advance(&envelope, sender);
        let at = 0..body.len();
        let (body, restarted) = (Arc::new(body), self.restarts > 0);
        Fetched { body, at, envelope, restarted, sole, found: asked.found }
    }

    fn advance(&mut self, envelope: &Envelope, sender: &Sender) {
        self.next = envelope.next.as_ref().map(|link| match self.follow(link, sender) {
            Ok(uri) => Next::Link(uri),
            Err(cause) => Next::Broken(cause),
        });
    }

    /// The next link, if it may be followed. It is never looked into.
    fn follow(&mut self, link: &str, sender: &Sender) -> Result<Uri, Cause> {
        let bad = || Cause::BadLink { bytes: link.len() };
        if link.len() > limits::LINK_BYTES_MAX {
            return Err(bad());
        }
        let uri = Uri::try_from(link).map_err(|_| bad())?;
        if !sender.line.roots.own(&uri) {
            return Err(Cause::ForeignLink);
        }
        if !self.followed.insert(self.hashes.hash_one(link)) {
            return Err(Cause::Loop);
        }
        if self.pages >= limits::PAGES_MAX {
            return Err(Cause::TooManyPages { pages_max: limits::PAGES_MAX });
        }
        Ok(uri)
    }

    fn restart(&mut self, sender: &Sender) -> Result<(), Cause> {
        if self.restarts >= limits::RESTARTS_MAX {
            return Err(Cause::Restarts { restarts: self.restarts });
        }
        self.restarts += 1;
        sender.meter.restart();
        self.followed.clear();
        self.next = Some(Next::First);
        Ok(())
    }

    fn shrink(&mut self) {
        let rows = self.page_rows_max.or(self.listing.page_rows).unwrap_or(limits::PAGE_ROWS_MIN);
        self.page_rows_max = Some((rows / 2).max(limits::PAGE_ROWS_MIN));
    }
}

/// A body as a page.
fn read_page(body: &Padded) -> Result<Envelope, Cause> {
    envelope::split(body.as_slice(), 0..body.len()).map_err(|error| match error {
        envelope::Error::Refusal => {
            let answer = Answer::read(200, &HeaderMap::new(), body.as_slice(), 1);
            Cause::ErrorInside(Box::new(answer))
        }
        error => Cause::Envelope(error),
    })
}
