//! One listing, page after page.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use http::Uri;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::ahead;
use super::envelope::{Check, Envelope};
use super::error::Cause;
use super::gates::Weight;
use super::journal::Found;
use super::judge::{Station, Tried};
use super::pages::Again;
use super::read_page::read_page;
use super::request::Listing;
use super::send::{Asked, Question, Reply, Sender};
use crate::auth::KnownSecrets;
use crate::catalog::Version;
use crate::clock;
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
    /// Whether rows may come again.
    repeats: bool,
    /// The `$top` that is asked for: less than the listing's, since a first page took too long, or
    /// none, since it bounds more than a page.
    top: Option<u32>,
    /// The link of the last page; `None` if that is the first.
    last: Option<Uri>,
    /// Rows of a page that was full and had no link, where it made the listing begin again without
    /// `$top`.
    full: Option<u64>,
    /// How far pages are checked before they are handed on.
    check: Check,
    /// Whether it only finds out how a listing goes on.
    probes: bool,
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
    /// Nothing, if the last page, which was as full as it was asked to be, is the last in fact.
    Unproven,
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
    /// How to ask for it again, where it was not checked wholly.
    pub again: Option<Box<Again>>,
    /// What must not come back in an error.
    pub known: KnownSecrets,
}

/// What stands behind a full page without a link.
enum Behind {
    Nothing,
    /// Rows, since `$top` bounds all of them.
    Bounded,
    /// Rows, since the link was left out.
    Rows,
}

impl Walk {
    pub fn new(
        listing: Arc<Listing>,
        version: Version,
        units: u32,
        parent: Option<Arc<str>>,
    ) -> Self {
        let top = listing.page_rows;
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
            repeats: false,
            top,
            last: None,
            full: None,
            check: Check::Whole,
            probes: false,
            looks_ahead: false,
            ahead: None,
        }
    }

    /// The same, asking for each page as soon as its link is seen.
    pub fn looking_ahead(self) -> Self {
        Walk { looks_ahead: true, ..self }
    }

    /// The same, checking pages so far.
    pub fn checking(self, check: Check) -> Self {
        Walk { check, ..self }
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
            if matches!(self.next, Some(Next::Unproven)) {
                self.prove(sender).await?;
            }
            let Some(mut question) = self.question(sender)? else { return Ok(None) };
            if let Some(ahead) = self.ahead.take().filter(|ahead| ahead.uri == question.uri) {
                let page = self.looking(ahead.page, Some(ahead.told), sender).await;
                if let Ok(Some((body, envelope, asked))) = page {
                    return self.take(question, body, envelope, asked, sender).map(Some);
                }
                self.ahead = None;
            }
            let told = self.looks_ahead.then(|| {
                let (watch, told) = ahead::watch();
                question.watch = Some(watch);
                told
            });
            let check = self.check;
            let asked =
                sender.ask(&question, &mut tried, |body| read_page(body, check, sender.known()));
            match self.looking(asked, told, sender).await? {
                Reply::Body(body, envelope, asked) => {
                    return self.take(question, body, envelope, asked, sender).map(Some);
                }
                Reply::NoRows => {
                    self.next = None;
                    return Ok(None);
                }
                Reply::Smaller => self.shrink(),
                Reply::Unfiltered => self.drop_filter(sender),
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
        let uri = address(link).filter(|uri| sender.line.roots.own(uri))?;
        let known = self.followed.contains(&self.hashes.hash_one(link));
        if known || link.len() > limits::LINK_BYTES_MAX || self.pages + 1 >= limits::PAGES_MAX {
            return None;
        }
        let (watch, told) = ahead::watch();
        let question = Question { watch: Some(watch), ..self.ask_for(uri.clone(), false) };
        let (sender, check) = (sender.clone(), self.check);
        let known = sender.known().clone();
        let read = move |body: &Padded| read_page(body, check, &known);
        let page = tokio::spawn(async move { sender.ask_once(&question, read).await });
        Some(Ahead { uri, page: AbortOnDropHandle::new(page), told })
    }

    fn question(&mut self, sender: &Sender) -> Result<Option<Question>, Cause> {
        let (uri, is_first) = match &self.next {
            None | Some(Next::Unproven) => return Ok(None),
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
        let shrinks = is_first && !self.probes && !self.listing.top_may_limit;
        Question {
            uri,
            batch: None,
            plain: false,
            eventual: self.listing.advanced,
            watch: None,
            station,
            weight: Weight { requests: 1, units: self.units },
            bytes_max: limits::BODY_BYTES_MAX,
            may_drop_filter: is_first && !self.probes && self.listing.unfiltered().is_some(),
            can_shrink: shrinks && self.top.is_some_and(|top| top > limits::PAGE_ROWS_MIN),
        }
    }

    fn first(&self, sender: &Sender) -> Result<Uri, Cause> {
        let root = sender.line.roots.root(self.version);
        let below = self.listing.below_root(self.parent.as_deref(), self.top);
        let url = format!("{root}{below}");
        let bytes = url.len();
        Uri::try_from(url).map_err(|_| Cause::BadLink { bytes })
    }

    fn take(
        &mut self,
        question: Question,
        body: Padded,
        envelope: Envelope,
        asked: Asked,
        sender: &Sender,
    ) -> Result<Fetched, Cause> {
        let is_first = question.station.is_first();
        let fewer = |rows: &u64| is_first && envelope.next.is_none() && envelope.rows < Some(*rows);
        if let Some(rows) = self.full.filter(fewer) {
            return Err(Cause::NoEnd { rows });
        }
        self.last = (!is_first).then(|| question.uri.clone());
        let restarted = self.repeats;
        let before = self.pages;
        self.pages += 1;
        self.advance(&envelope, sender);
        let sole = before == 0 && self.next.is_none();
        let again = envelope.rows.is_none().then(|| {
            let question =
                Question { watch: None, can_shrink: false, may_drop_filter: false, ..question };
            Box::new(Again { sender: sender.clone(), question, tried: Tried::default() })
        });
        let at = 0..body.len();
        let (body, found) = (Arc::new(body), asked.found);
        let known = sender.known().clone();
        Ok(Fetched { body, at, envelope, restarted, sole, found, again, known })
    }

    fn advance(&mut self, envelope: &Envelope, sender: &Sender) {
        self.next = match &envelope.next {
            Some(link) => Some(self.follow(link, sender).map_or_else(Next::Broken, Next::Link)),
            None => self.is_full(envelope).then_some(Next::Unproven),
        };
    }

    /// Whether a page has as many rows as were asked for.
    fn is_full(&self, envelope: &Envelope) -> bool {
        let full = self.top.zip(envelope.rows).is_some_and(|(top, rows)| rows >= u64::from(top));
        full && !self.probes
    }

    /// Finds out what is behind a page that was full and had no link.
    ///
    /// Some of Graph's collections take `$top` for a bound of all rows, and answer with so many and
    /// no link however many there are. A page that a link led to shows that this one does not; it
    /// is only asked for again, in case its link was left out.
    async fn prove(&mut self, sender: &Sender) -> Result<(), Cause> {
        if let Some(uri) = self.last.clone() {
            return self.prove_last(uri, sender).await;
        }
        let behind = match self.top {
            Some(_) if self.listing.top_may_limit => Behind::Bounded,
            Some(top) => Box::pin(self.probe(top, sender)).await?,
            None => Behind::Nothing,
        };
        match behind {
            Behind::Nothing => self.next = None,
            Behind::Rows => self.restart(sender)?,
            Behind::Bounded => {
                self.full = self.top.take().map(u64::from);
                self.begin_again(sender);
            }
        }
        Ok(())
    }

    async fn prove_last(&mut self, uri: Uri, sender: &Sender) -> Result<(), Cause> {
        let question = self.ask_for(uri, false);
        let read = |body: &Padded| read_page(body, Check::Whole, sender.known());
        match sender.ask(&question, &mut Tried::default(), read).await? {
            Reply::Body(_, Envelope { next: Some(link), .. }, _) => {
                self.next = Some(Next::Link(self.follow(&link, sender)?));
            }
            Reply::Restart => self.restart(sender)?,
            Reply::Body(..) | Reply::NoRows | Reply::Smaller | Reply::Unfiltered => {
                self.next = None;
            }
        }
        Ok(())
    }

    /// Reads the listing by another `$top`, until it is known what is behind its first `top` rows.
    async fn probe(&self, top: u32, sender: &Sender) -> Result<Behind, Cause> {
        let other = if top > 1 { top - 1 } else { 2 };
        let (listing, parent) = (self.listing.clone(), self.parent.clone());
        let mut probe = Walk {
            top: Some(other),
            probes: true,
            ..Walk::new(listing, self.version, self.units, parent)
        };
        let mut rows = 0;
        while let Some(page) = probe.page(sender).await? {
            rows += page.envelope.rows.unwrap_or_default();
            let sole = probe.pages == 1 && probe.is_at_end();
            if sole && rows >= u64::from(other) {
                return Ok(Behind::Bounded);
            }
            if rows > u64::from(top) {
                return Ok(Behind::Rows);
            }
        }
        Ok(Behind::Nothing)
    }

    /// The next link, if it may be followed. It is never looked into.
    fn follow(&mut self, link: &str, sender: &Sender) -> Result<Uri, Cause> {
        let bad = || Cause::BadLink { bytes: link.len() };
        if link.len() > limits::LINK_BYTES_MAX {
            return Err(bad());
        }
        let uri = address(link).ok_or_else(bad)?;
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

    /// Goes on without the condition, which Graph refuses.
    fn drop_filter(&mut self, sender: &Sender) {
        let Some((filter, listing)) = self.listing.unfiltered() else { return };
        sender.line.refused.note(&sender.table, filter, clock::now());
        self.top = listing.page_rows;
        self.listing = Arc::new(listing);
    }

    fn restart(&mut self, sender: &Sender) -> Result<(), Cause> {
        if self.restarts >= limits::RESTARTS_MAX {
            return Err(Cause::Restarts { restarts: self.restarts });
        }
        self.restarts += 1;
        self.begin_again(sender);
        Ok(())
    }

    fn begin_again(&mut self, sender: &Sender) {
        self.repeats = true;
        sender.meter.restart();
        self.followed.clear();
        self.next = Some(Next::First);
    }

    fn shrink(&mut self) {
        let top = self.top.unwrap_or(limits::PAGE_ROWS_MIN);
        self.top = Some((top / 2).max(limits::PAGE_ROWS_MIN));
    }
}

/// The address that a link names. What may not stand in one as it is, such as a blank, is sent
/// encoded; everything else as it came.
fn address(link: &str) -> Option<Uri> {
    let stays = |byte: &u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(byte);
    if link.bytes().all(|byte| stays(&byte)) {
        return Uri::try_from(link).ok();
    }
    let mut encoded = String::with_capacity(link.len() + 16);
    for byte in link.bytes() {
        if stays(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Uri::try_from(encoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_sent_as_it_came_but_for_what_no_address_holds() {
        let cases = [
            ("https://a/b?$skiptoken=x%20y&$top=1", "https://a/b?$skiptoken=x%20y&$top=1"),
            ("https://a/b?$filter=c eq \"d\"", "https://a/b?$filter=c%20eq%20%22d%22"),
            ("https://a/b?n=é", "https://a/b?n=%C3%A9"),
        ];
        for (link, expected) in cases {
            let uri = address(link).map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), Some(expected), "{link}");
        }
    }
}
