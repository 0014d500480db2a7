//! From a request to a plan, and from a plan to batches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{BoxStream, StreamExt as _};

use super::{Connection, Error, Namespace, Of, Part, Request, Version};
use crate::catalog::{Scan, Table};
use crate::clock::{self, Instant};
use crate::graph::Meter;
use crate::snapshot::{Snapshot, Stored, Which};
use crate::source::{self, Source};

/// Answers requests over the connections it was given.
#[derive(Clone, Debug)]
pub struct Engine {
    namespace: Arc<Namespace>,
}

/// A request whose names have become a connection, a table, columns, and a state of that table.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who is asked.
    pub connection: Arc<Connection>,
    /// What is asked of which table.
    pub scan: Scan,
    /// Who answers.
    pub source: Arc<dyn Source>,
    /// What is known of the rows before they are read; `None` of a live table.
    pub known: Option<Known>,
}

/// What a stored version tells of itself before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub version: u64,
    /// Its rows.
    pub rows: u64,
    /// Its length in the store.
    pub bytes: u64,
    /// In how many parts it can be read side by side, at least 1.
    pub parts: u32,
}

/// A schema, and the batches that have it.
pub struct Answer {
    /// What every batch of the stream looks like; equal to [`Plan::schema`].
    pub schema: SchemaRef,
    /// The rows. It ends in an error rather than short, and dropping it stops the read.
    pub batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// What the read has asked of Graph so far; it moves while the stream is pulled.
    pub meter: Arc<Meter>,
    /// When it has to be over, whoever is waiting for whom.
    pub deadline: Instant,
}

impl Engine {
    /// An engine over these connections.
    pub fn new(namespace: Namespace) -> Self {
        Engine { namespace: Arc::new(namespace) }
    }

    /// The connections.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Finds what the request names. No rows are read and Graph is not asked; the log of a stored
    /// table is, where a stored version may answer.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`](crate::error::Kind) for a connection, table, column or version that does
    /// not exist, with the nearest names; [`Kind::Invalid`](crate::error::Kind) for a choice of
    /// columns or parts that makes no sense; [`Error::NoStore`]; and what the store meets.
    pub async fn plan(&self, request: &Request) -> Result<Plan, Error> {
        let connection = self.namespace.connection(request.connection.as_deref())?.clone();
        let table = connection.catalog.table(&request.table)?.clone();
        match &request.of {
            Of::Rows(version) => {
                match stored_version(
                    &connection,
                    &table,
                    version.as_ref(),
                    request.columns.as_deref(),
                )
                .await?
                {
                    Some(snapshot) => stored(connection, table, snapshot, request),
                    None => live(connection, table, request),
                }
            }
            Of::Changes { from, to } => {
                let place = connection.stored(&table)?;
                let (old, new) = pair(&place, *from, *to).await?;
                changes(connection, table, old, new, request)
            }
        }
    }

    /// Starts the read that was planned; the first request leaves when the stream is first pulled.
    ///
    /// `deadline` bounds the whole of it, and so does the connection's own.
    pub fn run(&self, plan: Plan, deadline: Option<Instant>) -> Answer {
        let meter = Arc::new(Meter::default());
        let own = clock::now() + plan.connection.live.deadline();
        let deadline = deadline.map_or(own, |asked| asked.min(own));
        let schema = plan.schema();
        let rows = plan.source.scan(plan.scan, deadline, meter.clone());
        Answer {
            schema,
            batches: rows.map(|batch| batch.map_err(Error::from)).boxed(),
            meter,
            deadline,
        }
    }
}

/// The stored version that answers, or `None` where Graph does: where nobody named a version, also
/// for columns that only Graph has.
async fn stored_version(
    connection: &Connection,
    table: &Table,
    version: Option<&Version>,
    columns: Option<&[String]>,
) -> Result<Option<Snapshot>, Error> {
    match version {
        Some(Version::Live) => Ok(None),
        Some(Version::Stored(which)) => Ok(Some(connection.stored(table)?.snapshot(*which).await?)),
        None => {
            let max_age = connection.max_age(&table.name);
            if max_age.is_zero() || connection.store.is_none() {
                return Ok(None);
            }
            let newest = connection.stored(table)?.try_snapshot(Which::Latest).await?;
            let has_all = |snapshot: &Snapshot| {
                columns.unwrap_or_default().iter().all(|column| snapshot.has(column))
            };
            Ok(newest.filter(|snapshot| age(snapshot) <= max_age && has_all(snapshot)))
        }
    }
}

/// How long ago the read behind a version began.
fn age(snapshot: &Snapshot) -> Duration {
    let started = u64::try_from(snapshot.record().started.timestamp_millis()).unwrap_or(0);
    clock::unix_now().saturating_sub(Duration::from_millis(started))
}

fn live(connection: Arc<Connection>, table: Arc<Table>, request: &Request) -> Result<Plan, Error> {
    whole(request, &table)?;
    let scan = Scan::new(table, request.columns.as_deref(), request.limit)?;
    let source = Arc::new(connection.live.clone());
    Ok(Plan { connection, scan, source, known: None })
}

fn stored(
    connection: Arc<Connection>,
    table: Arc<Table>,
    snapshot: Snapshot,
    request: &Request,
) -> Result<Plan, Error> {
    let known = Known {
        version: snapshot.version(),
        rows: snapshot.rows(),
        bytes: snapshot.bytes(),
        parts: snapshot.parts(),
    };
    if let Some(part) = request.part
        && (part.of != known.parts || part.index >= part.of)
    {
        return Err(Error::NoPart { table: table.name.to_string(), part });
    }
    let mut scan = Scan::new(table, request.columns.as_deref(), request.limit)?;
    match request.columns {
        None => scan.columns.retain(|column| snapshot.has(&column.name)),
        Some(_) => {
            if let Some(column) = scan.columns.iter().find(|column| !snapshot.has(&column.name)) {
                return Err(Error::NotStored {
                    table: scan.table.name.to_string(),
                    column: column.name.to_string(),
                    version: known.version,
                });
            }
        }
    }
    let part = request.part.map(|part| part.index);
    let source = Arc::new(source::Stored::new(snapshot, part));
    Ok(Plan { connection, scan, source, known: Some(known) })
}

fn changes(
    connection: Arc<Connection>,
    table: Arc<Table>,
    old: Snapshot,
    new: Snapshot,
    request: &Request,
) -> Result<Plan, Error> {
    whole(request, &table)?;
    let scan = Scan::new(Arc::new(table.changes()), request.columns.as_deref(), request.limit)?;
    let source = Arc::new(source::Changes::new(old, new, table));
    Ok(Plan { connection, scan, source, known: None })
}

/// Refuses a part of what is read in one go.
fn whole(request: &Request, table: &Table) -> Result<(), Error> {
    match request.part {
        Some(part) => Err(Error::NoPart { table: table.name.to_string(), part }),
        None => Ok(()),
    }
}

/// The two versions to compare; without `from`, the newer and the one before it.
pub async fn pair(
    place: &Stored,
    from: Option<Which>,
    to: Which,
) -> Result<(Snapshot, Snapshot), Error> {
    let new = place.snapshot(to).await?;
    let old = match from {
        Some(which) => place.snapshot(which).await?,
        None => place.before(&new).await?,
    };
    Ok((old, new))
}

impl Plan {
    /// The schema of the answer.
    pub fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    /// The requests that together read what was planned, each naming its version, so that all read
    /// the same whatever is loaded meanwhile.
    pub fn parts(&self, request: &Request) -> Vec<Request> {
        let Some(known) = self.known else { return vec![request.clone()] };
        let of = Of::Rows(Some(Version::Stored(Which::Number(known.version))));
        let pinned = Request { of, ..request.clone() };
        // A limit holds for all parts together, so that one has to keep it.
        if known.parts == 1 || request.part.is_some() || request.limit.is_some() {
            return vec![pinned];
        }
        let part = |index| Part { index, of: known.parts };
        (0..known.parts)
            .map(|index| Request { part: Some(part(index)), ..pinned.clone() })
            .collect()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}
