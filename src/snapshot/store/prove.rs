//! Whether a store holds what it says.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::Stored;
use super::history::{self, Log};
use crate::catalog::{CHANGE_TYPE, Table};
use crate::error::Kind;
use crate::snapshot::compare::{Compared, compare, proved};
use crate::snapshot::incoming::feed_schema;
use crate::snapshot::rows::{Files, conform, count};
use crate::snapshot::{Counts, Error, ForeignCommit, Snapshot, Touched, hashing};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which version.
    pub version: u64,
    /// What, in a sentence.
    pub what: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Versions looked at.
    pub versions: u64,
    /// Rows in all of them.
    pub rows: u64,
    /// What is wrong; empty for a sound store.
    pub findings: Vec<Finding>,
    /// Commits that other engines made. Their rows are not looked at: the next load replaces them.
    pub foreign: Vec<ForeignCommit>,
}

type Batches = BoxStream<'static, Result<RecordBatch, Error>>;

impl Stored {
    /// Looks at every version: each file is there with its length and its rows, the rows are as many
    /// as the load says, in the order of the key and with the hashes of their values, and the change
    /// data feed tells what a comparison with the version before finds, row by row.
    ///
    /// # Errors
    ///
    /// A store that cannot be reached or refuses. What is missing in it or cannot be read is a
    /// finding.
    pub async fn prove(&self, table: &Table) -> Result<Proof, Error> {
        let mut proof = Proof::default();
        let mut before: Option<Snapshot> = None;
        for version in Log::list(self).await?.readable().to_vec() {
            let mut said = Vec::new();
            let opened = |log: Arc<Log>| async move {
                if !log.readable().contains(&version) {
                    return Err(Error::Expiring { table: self.name().to_owned(), version });
                }
                match history::entry(self, version).await? {
                    Some(entry) => self.open(entry).await.map(Ok),
                    None => Ok(Err(history::foreign_commit(self, version).await?)),
                }
            };
            before = match history::steady(self, opened).await {
                Ok(Err(foreign)) => {
                    // A load that finds other rows compares with those.
                    let touched = foreign.as_ref().map(|foreign| foreign.touched);
                    before = before.filter(|_| touched < Some(Touched::Rows));
                    proof.foreign.extend(foreign);
                    continue;
                }
                Err(Error::Expiring { .. }) => {
                    before = None;
                    continue;
                }
                Ok(Ok(snapshot)) => {
                    proof.rows += self.sound(&snapshot, before.as_ref(), table, &mut said).await?;
                    Some(snapshot)
                }
                Err(error) => {
                    said.push(finding(error)?);
                    None
                }
            };
            proof.findings.extend(said.into_iter().map(|what| Finding { version, what }));
            proof.versions += 1;
        }
        Ok(proof)
    }

    /// Looks at one version and gives its rows.
    async fn sound(
        &self,
        snapshot: &Snapshot,
        before: Option<&Snapshot>,
        table: &Table,
        said: &mut Vec<String>,
    ) -> Result<u64, Error> {
        let rows = self.count(snapshot, said).await?;
        if rows != snapshot.rows() {
            said.push(format!("its files hold {rows} rows, its load {}", snapshot.rows()));
        }
        // Rows that are not there cannot be compared.
        if !said.is_empty() {
            return Ok(rows);
        }
        match proved(snapshot, table).await {
            Ok(found) if found == rows => {}
            Ok(found) => said.push(format!("{} rows have the hash of others", rows - found)),
            Err(error) => said.push(finding(error)?),
        }
        if let (Some(old), Some(told)) = (before, &snapshot.record().changes) {
            match self.agreed(old, snapshot, table, told).await {
                Ok(None) => {}
                Ok(Some(what)) => said.push(what.to_owned()),
                Err(error) => said.push(finding(error)?),
            }
        }
        Ok(rows)
    }

    async fn count(&self, snapshot: &Snapshot, said: &mut Vec<String>) -> Result<u64, Error> {
        let mut rows = 0;
        for file in snapshot.files().list() {
            let path = Path::from(file.path.as_str());
            match self.files().head(&path).await {
                Err(error @ object_store::Error::NotFound { .. }) => {
                    said.push(format!("`{}` cannot be found: {error}", file.path));
                }
                Err(source) => {
                    let path = file.path.clone();
                    return Err(Error::Store { action: "look at", path, source });
                }
                Ok(head) if head.size != file.bytes => said.push(format!(
                    "`{}` has {} bytes in place of {}",
                    file.path, head.size, file.bytes
                )),
                Ok(_) => match count(self.files(), file).await {
                    Ok(found) if found == file.rows => rows += found,
                    Ok(found) => {
                        said.push(format!("`{}` has {found} rows, not {}", file.path, file.rows));
                    }
                    Err(error) => said.push(finding(error)?),
                },
            }
        }
        Ok(rows)
    }

    /// Whether a comparison, the load and its feed tell the same changes, and else what is wrong.
    async fn agreed(
        &self,
        old: &Snapshot,
        new: &Snapshot,
        table: &Table,
        told: &Counts,
    ) -> Result<Option<&'static str>, Error> {
        let feed = history::changes(self, new.version()).await?;
        let feed = Files::new(self.files().clone(), feed);
        let read = |schema: SchemaRef| feed.read(0..feed.list().len(), schema, None);
        if new.record().hashing != hashing(table) {
            // A comparison is of the columns of today, and the load's was of those of its time.
            return Ok(kinds(read).await?.ne(&tally(told)).then_some(OTHER_FEED));
        }
        let schema = Arc::new(feed_schema(table));
        let Compared { batches, counts } = compare(old, new, table);
        let mut found = shaped(batches, schema.clone());
        let mut feed = shaped(read(schema.clone()), schema);
        let alike = same(&mut found, &mut feed).await?;
        // What was counted is whole once all was given.
        while found.try_next().await?.is_some() {}
        let counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match alike {
            _ if *counts != *told => Some(OTHER_COUNTS),
            false => Some(OTHER_FEED),
            true => None,
        })
    }
}

const OTHER_COUNTS: &str = "its load tells of other changes than a comparison finds";

const OTHER_FEED: &str = "its feed tells of other changes than its load";

/// How many changes of each kind a feed holds.
async fn kinds(read: impl FnOnce(SchemaRef) -> Batches) -> Result<BTreeMap<String, u64>, Error> {
    let kind = Field::new(CHANGE_TYPE, DataType::Utf8, true);
    let mut batches = read(Arc::new(Schema::new(vec![kind])));
    let mut kinds = BTreeMap::new();
    while let Some(batch) = batches.try_next().await? {
        for kind in batch.column(0).as_string::<i32>().iter().flatten() {
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }
    Ok(kinds)
}

/// How many of each there are for these changes.
fn tally(counts: &Counts) -> BTreeMap<String, u64> {
    let kinds = [
        ("delete", counts.deleted),
        ("insert", counts.inserted),
        ("update_postimage", counts.updated),
        ("update_preimage", counts.updated),
    ];
    let there = kinds.into_iter().filter(|(_, count)| *count > 0);
    there.map(|(kind, count)| (kind.to_owned(), count)).collect()
}

/// These columns of the batches.
fn shaped(batches: Batches, schema: SchemaRef) -> Batches {
    let shape = move |batch: Result<RecordBatch, Error>| {
        let shaped = conform(&batch?, &schema);
        shaped.map_err(|source| Error::Shape { action: "compare rows", source })
    };
    batches.map(shape).fuse().boxed()
}

/// Whether both give the same rows, however they are cut into batches.
async fn same(one: &mut Batches, other: &mut Batches) -> Result<bool, Error> {
    let (mut left, mut right) = (None, None);
    loop {
        left = rest(left, one).await?;
        right = rest(right, other).await?;
        let (Some(of_one), Some(of_other)) = (&left, &right) else {
            return Ok(left.is_none() && right.is_none());
        };
        let rows = of_one.num_rows().min(of_other.num_rows());
        if of_one.slice(0, rows) != of_other.slice(0, rows) {
            return Ok(false);
        }
        let beyond = |batch: &RecordBatch| batch.slice(rows, batch.num_rows() - rows);
        (left, right) = (Some(beyond(of_one)), Some(beyond(of_other)));
    }
}

/// What is left of a batch, or the next that has rows.
async fn rest(
    held: Option<RecordBatch>,
    batches: &mut Batches,
) -> Result<Option<RecordBatch>, Error> {
    let mut held = held;
    while held.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
        held = batches.try_next().await?;
        if held.is_none() {
            break;
        }
    }
    Ok(held)
}

/// What is wrong with the store, in a sentence; an error that says nothing of what is in it stays one.
fn finding(error: Error) -> Result<String, Error> {
    match error.kind() {
        Kind::Unavailable | Kind::Refused | Kind::TimedOut => Err(error),
        _ => Ok(crate::error::Report::new(&error, None).to_string()),
    }
}
