//! Pages from Graph.
//!
//! [`Graph`] is the door: one connection to one tenant. [`Graph::scan`] answers a scan with
//! [`Pages`], a stream of [`Page`]s whose rows still are JSON. What happens to a scan, in order:
//!
//! | file | what it does |
//! |---|---|
//! | `request`, `filter`, `refused`, `explain` | the first URL |
//! | `pages`, `walk`, `ahead` | page after page, one read ahead |
//! | `fan_out`, `parents`, `batch`, `room` | the same for each row of another table |
//! | `send`, `course` | one question, asked until it is answered |
//! | `gates`, `gate`, `budget`, `in_flight` | when it may leave |
//! | `judge`, `answer`, `load` | what an answer asks us to do |
//! | `meter`, `journal` | what a scan has used; the last exchanges, as they were |
//! | `inflate`, `envelope` | from a body to where its rows begin |
//!
//! `request`, `filter`, `gate`, `judge`, `inflate` and `envelope` do no IO and read no clock. Nothing here
//! ever writes to Graph: requests are GETs, and POSTs to `$batch` that hold only GETs.

mod ahead;
mod answer;
mod batch;
mod budget;
mod course;
mod envelope;
mod error;
mod explain;
mod fan_out;
mod filter;
mod gate;
mod gates;
mod in_flight;
mod inflate;
mod journal;
mod judge;
mod load;
mod meter;
mod pages;
mod parents;
mod read_page;
mod refused;
mod request;
mod room;
mod send;
mod walk;

use std::sync::Arc;

use futures::FutureExt;
use http::Uri;
use url::Url;

use crate::auth::Tokens;
use crate::catalog::{ByTable, Catalog, Family, Read, Scan, Table, Version};
use crate::clock::{self, Instant};
use crate::decode::Padded;
use crate::limits::graph as limits;
use crate::spare::Spare;
use crate::transport::Transport;

use self::answer::without_mark;
use self::envelope::Check;
use self::fan_out::FanOut;
use self::gates::{Gates, Weight};
use self::journal::Journal;
use self::judge::{Station, Tried};
use self::pages::{Failure, Job, read_listings};
use self::parents::Parents;
use self::refused::RefusedFilters;
use self::request::{Asked, Listing, Roots};
use self::send::{Line, Question, Reply, Sender};
use self::walk::Walk;

pub use answer::Answer;
pub use error::{Cause, Error, ParentRow, Waiting};
pub use explain::{Expected, Explained};
pub use fan_out::{OnParentError, OnParentErrorWord};
pub use journal::Entry;
pub use meter::{Meter, Wait};
pub use pages::{Flaw, Page, Pages};
pub use request::NESTED_ID;

/// Where Graph is, and what is there.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root of version 1.0, such as `https://graph.microsoft.com/v1.0`; beta is its sibling.
    pub base_url: Url,
    /// The tables, for the parents of fan-outs.
    pub catalog: Catalog,
    /// Whether filters may be said that only advanced queries answer, from an index that lags
    /// behind.
    ///
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub advanced_queries: bool,
    /// The share of the time that a read has for which failures in a row are outlasted.
    pub outage_share_max: f64,
    /// What becomes of a read when what belongs to one row of a parent table cannot be read.
    pub on_parent_error: ByTable<OnParentError>,
}

impl Settings {
    /// What a token has to be asked for: everything that was granted at this Graph.
    ///
    /// # Errors
    ///
    /// [`Error::BaseUrl`].
    pub fn scope(base_url: &Url) -> Result<String, Error> {
        Ok(format!("{}/.default", Roots::new(base_url)?.resource()))
    }
}

/// A connection to the Graph of one tenant.
///
/// Its clones share token, budget and open connections.
#[derive(Clone)]
pub struct Graph {
    line: Arc<Line>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph")
            .field("root", &self.line.roots.root(Version::V1))
            .finish_non_exhaustive()
    }
}

impl Graph {
    /// Prepares to read; sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::BaseUrl`] if the address of Graph is none.
    pub fn new(
        transport: Arc<dyn Transport>,
        tokens: Tokens,
        settings: Settings,
    ) -> Result<Self, Error> {
        let roots = Roots::new(&settings.base_url)?;
        let gates = Gates::new(clock::now());
        let (advanced, outage_share_max) = (settings.advanced_queries, settings.outage_share_max);
        let (catalog, journal) = (settings.catalog, Journal::default());
        let spare = Spare::new(limits::PAGES_SPARE_MAX, limits::PAGE_SPARE_BYTES_MAX);
        let line = Line {
            transport,
            tokens,
            gates,
            roots,
            catalog,
            advanced,
            outage_share_max,
            on_parent_error: settings.on_parent_error,
            refused: RefusedFilters::default(),
            journal,
            spare,
        };
        Ok(Graph { line: Arc::new(line) })
    }

    /// The pages that answer a scan, complete or ending in an error.
    ///
    /// Nothing is sent before the stream is polled, which must happen within a tokio runtime.
    /// `deadline` bounds everything, waits that Graph asks for included: one that it leaves no
    /// time for is an error at once. `meter` shows what is going on; one belongs to one scan.
    ///
    /// The pages may hold more rows than the scan's limit, and of a table read by
    /// [`Read::Expand`] they hold parents with the row inside; who decodes them sees to both.
    ///
    /// # Errors
    ///
    /// [`Error::UrlTooLong`] and [`Error::Parent`] at once; in the stream see [`Cause`].
    pub fn scan(
        &self,
        scan: &Scan,
        deadline: Option<Instant>,
        meter: Arc<Meter>,
    ) -> Result<Pages, Error> {
        let table = scan.table.clone();
        let sender = self.sender(&table, deadline, meter.clone());
        let few = scan.limit.or(scan.enough);
        let (asked, refused) = self.asked(scan)?;
        if refused.is_some() {
            meter.refuse_filter();
        }
        let job = match asked {
            Asked::Listings(listings) => listing_job(listings, &table, sender, few, Check::Head),
            Asked::EachOf(parent, listing) => {
                let listed = self.parents(&table, &parent, &sender)?;
                fan_out_job(&table, listing, sender, few, listed)
            }
            Asked::Parents(ids, listing) => {
                fan_out_job(&table, listing, sender, few, || Ok(Parents::given(ids)))
            }
        };
        Ok(Pages::new(table, meter, deadline, job))
    }

    /// What [`scan`](Self::scan) would ask of a tenant that is as large as `expected`, as far as that
    /// is known; nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::UrlTooLong`].
    pub fn explain(&self, scan: &Scan, expected: Expected) -> Result<Explained, Error> {
        let (asked, refused) = self.asked(scan)?;
        Ok(explain::explain(scan, &self.line.catalog, asked, refused, expected))
    }

    /// What a scan asks, and the condition that is left out of it because Graph refused it of late.
    fn asked(&self, scan: &Scan) -> Result<(Asked, Option<String>), Error> {
        let asked = Asked::new(scan, self.line.advanced)?;
        let Asked::Listings(listings) = &asked else { return Ok((asked, None)) };
        let [listing] = &**listings else { return Ok((asked, None)) };
        let known = |filter: &str| self.line.refused.has(&scan.table.name, filter, clock::now());
        match listing.unfiltered().filter(|(filter, _)| known(filter)) {
            Some((filter, without)) => {
                let filter = filter.to_owned();
                Ok((Asked::Listings(vec![without]), Some(filter)))
            }
            None => Ok((asked, None)),
        }
    }

    /// A single small answer, such as `/organization?$select=id`, as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Single`].
    pub async fn get_json(
        &self,
        path: &str,
        deadline: Option<Instant>,
    ) -> Result<serde_json::Value, Error> {
        let failed = |cause| Error::Single { path: path.to_owned(), cause: Box::new(cause) };
        let read = |body: &Padded| {
            serde_json::from_slice(without_mark(body.as_slice())).map_err(|_| Cause::NotJson)
        };
        self.single(Version::V1, path, false, deadline, Arc::default(), read).await.map_err(failed)
    }

    /// How many rows a [`counted`](Table::counted) table has, from an index that lags behind what a
    /// listing gives.
    ///
    /// # Errors
    ///
    /// [`Error::Single`].
    pub async fn count(
        &self,
        table: &Table,
        deadline: Option<Instant>,
        meter: Arc<Meter>,
    ) -> Result<u64, Error> {
        let path = count_path(table);
        let read = |body: &Padded| {
            let text = std::str::from_utf8(body.as_slice()).unwrap_or_default();
            let digits = text.trim_start_matches('\u{feff}').trim();
            digits.parse().map_err(|_| Cause::NotJson)
        };
        let counted = self.single(table.version, &path, true, deadline, meter, read).await;
        counted.map_err(|cause| Error::Single { path, cause: Box::new(cause) })
    }

    /// What [`count`](Self::count) asks.
    pub fn explain_count(&self, table: &Table) -> String {
        let (path, units) = (count_path(table), limits::SINGLE_UNITS);
        format!("GET {path}, requests=1, resource_units={units}")
    }

    /// One small answer, and what is read out of it.
    async fn single<T>(
        &self,
        version: Version,
        path: &str,
        plain: bool,
        deadline: Option<Instant>,
        meter: Arc<Meter>,
        read: impl Fn(&Padded) -> Result<T, Cause>,
    ) -> Result<T, Cause> {
        let url = format!("{}{path}", self.line.roots.root(version));
        let bytes = url.len();
        let question = Question {
            uri: Uri::try_from(url).map_err(|_| Cause::BadLink { bytes })?,
            batch: None,
            plain,
            eventual: plain,
            watch: None,
            station: Station::Single,
            weight: Weight { requests: 1, units: limits::SINGLE_UNITS },
            bytes_max: limits::SINGLE_BYTES_MAX,
            can_shrink: false,
            may_drop_filter: false,
        };
        let sender = self.sender_of(path.into(), Family::Directory, deadline, meter);
        match sender.ask(&question, &mut Tried::default(), read).await? {
            Reply::Body(_, read, _) => Ok(read),
            Reply::NoRows | Reply::Restart | Reply::Smaller | Reply::Unfiltered => {
                Err(Cause::NotJson)
            }
        }
    }

    /// Whether answers from Graph's index, which lags behind, are allowed.
    pub fn uses_index(&self) -> bool {
        self.line.advanced
    }

    /// The last exchanges with Graph, the oldest first.
    pub fn exchanges(&self) -> Vec<Entry> {
        self.line.journal.all()
    }

    /// The tokens of the connection, to see what they grant.
    pub fn tokens(&self) -> &Tokens {
        &self.line.tokens
    }

    fn sender(&self, table: &Table, deadline: Option<Instant>, meter: Arc<Meter>) -> Sender {
        self.sender_of(table.name.clone(), table.family, deadline, meter)
    }

    fn sender_of(
        &self,
        table: Arc<str>,
        family: Family,
        deadline: Option<Instant>,
        meter: Arc<Meter>,
    ) -> Sender {
        let line = self.line.clone();
        let time = deadline.map(|at| at.saturating_duration_since(clock::now()));
        let share = time.unwrap_or_default().mul_f64(line.outage_share_max);
        let patience = share.max(limits::PATIENCE_MIN);
        Sender { line, table, family, deadline, patience, meter }
    }

    /// Lists the parents of a fan-out.
    fn parents(
        &self,
        table: &Arc<Table>,
        parent: &Arc<str>,
        sender: &Sender,
    ) -> Result<impl FnOnce() -> Result<Parents, Cause> + Send + 'static, Error> {
        let wrong = || Error::Parent { table: table.name.clone(), parent: parent.clone() };
        let parent = self.line.catalog.table(parent).map_err(|_| wrong())?.clone();
        let id = parent.column("id").cloned().ok_or_else(wrong)?;
        if parent.read != Read::Collection {
            return Err(wrong());
        }
        let parent_sender = self.sender(&parent, sender.deadline, sender.meter.clone());
        let ids = vec![Listing::ids(&parent)];
        let ids = listing_job(ids, &parent, parent_sender, None, Check::Whole);
        let pages = Pages::new(parent.clone(), Arc::default(), sender.deadline, ids);
        Ok(move || Parents::listed(parent, &id, pages))
    }
}

fn count_path(table: &Table) -> String {
    format!("{}/$count", table.path)
}

fn fan_out_job(
    table: &Arc<Table>,
    listing: Listing,
    sender: Sender,
    limit: Option<u64>,
    parents: impl FnOnce() -> Result<Parents, Cause> + Send + 'static,
) -> Job {
    let few = limit.is_some_and(|limit| limit <= u64::from(table.page_rows.unwrap_or(100)));
    let (table, listing) = (table.clone(), Arc::new(listing));
    Box::new(move |outlet| {
        let inner = outlet.clone();
        let work = async move {
            Arc::new(FanOut::new(table, listing, sender, inner)).run(parents()?, few).await
        };
        outlet.run(work).boxed()
    })
}

fn listing_job(
    listings: Vec<Listing>,
    table: &Table,
    sender: Sender,
    limit: Option<u64>,
    check: Check,
) -> Job {
    let (version, units) = (table.version, table.resource_units);
    let walks = listings.into_iter().map(move |listing| {
        let walk = Walk::new(Arc::new(listing), version, units, None).checking(check);
        // Whoever wants a few rows may not want another page.
        if limit.is_none() { walk.looking_ahead() } else { walk }
    });
    Box::new(move |outlet| {
        let work = read_listings(walks, sender, outlet.clone(), limit);
        outlet.run(work.map(|read| read.map_err(Failure::Here))).boxed()
    })
}
