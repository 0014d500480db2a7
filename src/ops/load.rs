//! A complete read of a table into the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Error, expire, kept, now};
use crate::catalog::{Scan, Table};
use crate::clock::{self, Instant};
use crate::error::{Kind, Report};
use crate::graph::Meter;
use crate::limits::ops as limits;
use crate::query::Connection;
use crate::snapshot::{
    self, Draft, ForeignCommit, Incoming, Led, Method, Record, Snapshot, Standing, Stored, Touched,
    Turn,
};
use crate::source::Source as _;

/// How a table is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct How {
    /// What becomes of what is stored.
    pub method: Method,
    /// Ask Graph how many rows there are, where it says, and note it with the version.
    pub count: bool,
    /// Take it even if it looks as if rows were lost.
    pub accept: bool,
    /// When it has to be over; `None` for the connection's own bound.
    pub deadline: Option<Instant>,
}

/// A load under way, for whoever shows it.
#[derive(Clone, Debug, Default)]
pub struct UnderWay {
    /// What was asked of Graph so far.
    pub meter: Arc<Meter>,
    rows: Arc<AtomicU64>,
}

impl Loaded {
    /// The same as the action `load` and `load --json` tell it.
    pub fn to_json(&self, connection: &str) -> Value {
        json!({
            "connection": connection,
            "table": *self.table,
            "version": self.version,
            "load": self.record,
        })
    }
}

/// A load that became a version.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Which table.
    pub table: Arc<str>,
    /// The version's number.
    pub version: u64,
    /// What it says of itself.
    pub record: Record,
}

impl How {
    /// Loads like this, and holds back what looks suspicious.
    pub fn new(method: Method) -> Self {
        How { method, count: false, accept: false, deadline: None }
    }
}

impl UnderWay {
    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

/// Reads `table` whole and makes a version of it.
///
/// Of a load that fails, is dropped or killed nothing can be seen: the version before stays the
/// newest. Its files are cleared away by the next load, in a bucket once they are a day old.
///
/// # Errors
///
/// [`Error::Suspicious`] for a table that lost more than [`Connection::lost_share_max`] of its rows,
/// unless that is accepted; what reading the table or writing the store meets, among it
/// [`snapshot::Error::UnderWay`] and [`snapshot::Error::Raced`] where somebody else loads it too.
pub async fn load(
    connection: &Connection,
    table: &Arc<Table>,
    how: &How,
    under_way: &UnderWay,
) -> Result<Loaded, Error> {
    let place = connection.stored(table)?;
    // Closed it never is; and who waits here has begun nothing.
    let _room = connection.loads.acquire().await;
    let started = now();
    let mut turn = place.begin(&Uuid::now_v7().to_string()).await?;
    place.probe(&turn).await?;
    let standing = place.standing(&turn).await?;
    let scan = Scan::new(table.clone(), None, None)?;
    let incoming = Incoming::new(&scan.columns, &table.key, scan.schema())?;
    let counted = counted(connection, table, how, under_way).await?;
    let sorted = read(connection, scan, how, under_way, incoming, standing.as_ref()).await?;
    if let Some(standing) = &standing {
        suspect(connection, standing, table, how, (standing.rows_expected(), sorted.rows()))?;
    }
    let schema = evolved(standing.as_ref(), &sorted.schema(), how.method, place.name())?;
    let (stored, duplicates) = sorted.write(&place, turn.load(), &schema).await?;
    let rows = stored.iter().map(|file| file.rows).sum();
    if let Some(standing) = &standing {
        // Rows that came twice were counted twice until now.
        suspect(connection, standing, table, how, (standing.rows_expected(), rows))?;
    }
    let record = Record {
        load: turn.load().to_owned(),
        method: how.method,
        started,
        ended: now(),
        rows,
        pages: under_way.meter.pages(),
        requests: under_way.meter.requests(),
        resource_units: under_way.meter.resource_units(),
        duplicates,
        cells_put_aside: under_way.meter.cells_put_aside(),
        members_left_out: under_way.meter.members_left_out(),
        skipped_parents: under_way
            .meter
            .skipped_parents()
            .iter()
            .map(ToString::to_string)
            .collect(),
        counted,
        key: table.key.iter().map(ToString::to_string).collect(),
        hashing: snapshot::hashing(table),
        changes: None,
        foreign: Vec::new(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let draft = Draft { schema, files: Some(stored), changes: Vec::new(), record };
    let loaded = publish(connection, table, how, &place, &mut turn, standing, draft).await?;
    expire::after_load(connection, &place, &turn).await;
    Ok(loaded)
}

/// Reads several tables, a few at once; each ends for itself, in the order in which they end.
pub fn load_all(
    connection: Arc<Connection>,
    tables: Vec<(Arc<Table>, UnderWay)>,
    how: How,
) -> impl stream::Stream<Item = (Arc<Table>, Result<Loaded, Error>)> + Send + 'static {
    stream::iter(tables)
        .map(move |(table, under_way)| {
            let (connection, how) = (connection.clone(), how.clone());
            async move {
                let loaded = load(&connection, &table, &how, &under_way).await;
                (table, loaded)
            }
        })
        .buffer_unordered(limits::LOADS_AT_ONCE)
}

/// Reads the table and sorts its rows.
async fn read(
    connection: &Connection,
    scan: Scan,
    how: &How,
    under_way: &UnderWay,
    incoming: Incoming,
    standing: Option<&Standing>,
) -> Result<snapshot::Sorted, Error> {
    let own = clock::now() + connection.live.deadline();
    let deadline = how.deadline.map_or(own, |asked| asked.min(own));
    let (table, schema) = (scan.table.clone(), scan.schema());
    let live = connection.live.scan(scan, deadline, under_way.meter.clone());
    let shown = under_way.rows.clone();
    let live = live.map(move |batch| batch.map_err(Error::from)).inspect_ok(move |batch| {
        shown.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    });
    // Known once the last row was read.
    let meter = under_way.meter.clone();
    let old = standing.cloned();
    let kept = stream::once(async move {
        let old = old.filter(|_| !meter.skipped_parents().is_empty());
        // A `full_load` may have changed types, whose values are not those of before.
        let old = old.filter(|old| snapshot::evolved(old.schema(), &schema, "").is_ok());
        match old.as_ref().and_then(Standing::loaded_files) {
            Some(files) => kept::rows_of(files, &table, &schema, meter.skipped_parents()),
            None => stream::empty().boxed(),
        }
    });
    incoming.take_all(live.chain(kept.flatten()).boxed()).await
}

/// What Graph says of the number of rows, where that is asked and it does. Its index lags, so that another number
/// than that of the rows read is told and no more.
async fn counted(
    connection: &Connection,
    table: &Table,
    how: &How,
    under_way: &UnderWay,
) -> Result<Option<u64>, Error> {
    if !how.count || !table.counted {
        return Ok(None);
    }
    let graph = connection.live.graph();
    match graph.count(table, how.deadline, under_way.meter.clone()).await {
        Ok(count) => Ok(Some(count)),
        // The rows can be read all the same.
        Err(error) if matches!(error.kind(), Kind::Refused | Kind::Invalid | Kind::NotFound) => {
            tracing::warn!(table = &*table.name, %error, "Graph refuses to count");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses what looks as if rows were lost on the way rather than deleted.
fn suspect(
    connection: &Connection,
    standing: &Standing,
    table: &Table,
    how: &How,
    (before, after): (u64, u64),
) -> Result<(), Error> {
    let lost = before.saturating_sub(after) as f64 / before.max(1) as f64;
    if how.accept || before < limits::ROWS_MANY || lost <= connection.lost_share_max {
        return Ok(());
    }
    let foreign = standing.foreign().iter().filter(|commit| commit.touched == Touched::Rows);
    let foreign = ForeignCommit::told(&foreign.cloned().collect::<Vec<_>>());
    Err(Error::Suspicious { table: table.name.to_string(), before, after, foreign })
}

/// The columns of the next version. A full load replaces them; else columns that are gone stay,
/// null from now on, and none changes its type.
fn evolved(
    standing: Option<&Standing>,
    new: &SchemaRef,
    method: Method,
    table: &str,
) -> Result<SchemaRef, Error> {
    match standing {
        Some(old) if method != Method::FullLoad => Ok(snapshot::evolved(old.schema(), new, table)?),
        _ => Ok(new.clone()),
    }
}

/// Makes a version of what was written, compared with the table as it stands.
///
/// What another engine commits meanwhile is no reason to read all of it again: the rows are compared
/// with what that has left. Another load is one.
async fn publish(
    connection: &Connection,
    table: &Table,
    how: &How,
    place: &Stored,
    turn: &mut Turn,
    mut standing: Option<Standing>,
    written: Draft,
) -> Result<Loaded, Error> {
    let own = standing.as_ref().and_then(Standing::own).map(Snapshot::version);
    let mut tries = limits::COMMITS_TRIED;
    loop {
        let mut draft = written.clone();
        if let Some(standing) = &standing {
            draft.record.foreign = standing.foreign().to_vec();
            if how.method == Method::ReloadAndCompare {
                compare(connection, how, place, standing, &mut draft, table, turn).await?;
            }
        }
        draft.record.ended = now();
        let (record, changes) = (draft.record.clone(), draft.changes.clone());
        let unused = written.files.clone().filter(|_| draft.files.is_none());
        match place.commit(turn, draft).await {
            Ok(version) => {
                if let Err(error) = place.discard(&unused.unwrap_or_default()).await {
                    let error = Report::new(&error, error.hint());
                    tracing::warn!(table = place.name(), %error, "unused files stay for now");
                }
                tell_of_foreign(place, &record);
                return Ok(Loaded { table: table.name.clone(), version, record });
            }
            Err(raced @ snapshot::Error::Raced { .. }) => {
                tries -= 1;
                turn.catch_up(place).await?;
                let now = place.standing(turn).await?;
                let again = now.as_ref().and_then(Standing::own).map(Snapshot::version) == own
                    && evolved(now.as_ref(), &written.schema, how.method, place.name())?
                        == written.schema;
                if !again || tries == 0 {
                    return Err(raced.into());
                }
                place.discard(&changes).await?;
                standing = now;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Compares the rows written with those that the table has; what changed goes into the draft, and if
/// nothing did, the files that are there stay. What cannot be compared is replaced.
async fn compare(
    connection: &Connection,
    how: &How,
    place: &Stored,
    standing: &Standing,
    draft: &mut Draft,
    table: &Table,
    turn: &Turn,
) -> Result<(), Error> {
    let Some(base) = standing.base(turn, table).await? else { return Ok(()) };
    let files = draft.files.clone().unwrap_or_default();
    let version = turn.base().map_or(0, |base| base + 1);
    let led = Led { version, committed: draft.record.ended };
    let mut compared = snapshot::compare_files(&base.files, place, files, table, led);
    let changes = &mut compared.batches;
    draft.changes = snapshot::write_changes(place, turn.load(), table, changes).await?;
    place.discard(&base.temporary).await?;
    let counts = compared.counts();
    let left = standing.rows().saturating_sub(counts.deleted);
    suspect(connection, standing, table, how, (standing.rows(), left))?;
    // Files whose rows were hashed in another way, or lack a column, are not what was written.
    let alike = standing.hashing() == Some(&*draft.record.hashing)
        && standing.schema().fields() == snapshot::delta_schema(&draft.schema).fields();
    if counts.changed() == 0 && alike {
        draft.files = None;
    }
    draft.record.changes = Some(counts);
    Ok(())
}

/// Says what other engines did to the table since the load before.
fn tell_of_foreign(place: &Stored, record: &Record) {
    let Some(told) = ForeignCommit::told(&record.foreign) else { return };
    let (table, compared) = (place.name(), record.changes.is_some());
    match record.touched() {
        Touched::Rows => tracing::warn!(table, compared, "{told}; its rows are replaced"),
        Touched::Files | Touched::Nothing => tracing::info!(table, compared, "{told}"),
    }
}
