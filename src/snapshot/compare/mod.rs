//! What changed between two versions.
//!
//! Both are in the order of their key, and each row carries a hash of its canonical form, so that
//! one walk over keys and hashes finds the rows that differ; only their values are read. Memory is
//! that of a few batches, whatever the size of the table.

mod changed;
mod counted;
mod merge;
mod walk;

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt as _};

use super::rows::{Files, hash};
use super::{Counts, DataFile, Error, Snapshot, Stored};
use crate::catalog::Table;
use changed::Changed;
use counted::Counted;
use walk::Walk;
pub use walk::{KeyedFiles, columns};

/// The version that changes led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Led {
    /// Its number.
    pub version: u64,
    /// When it was committed.
    pub committed: DateTime<Utc>,
}

/// Changes on their way, and how many there are so far.
pub struct Compared {
    /// Batches of the schema of [`Table::changes`]: rows in the order of the key, the two images of
    /// an update one after the other. The stream ends after its first error.
    pub batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// What `batches` has given so far; whole once it has ended.
    pub counts: Arc<Mutex<Counts>>,
}

impl Compared {
    /// How many changes of each kind were given so far.
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What makes `new` of `old`, exact to the cell.
///
/// # Errors
///
/// In the stream: [`Error::KeyChanged`] where their rows are told apart by different columns;
/// [`Error::Unsorted`] for files that are not in the order of the key, and what reading them meets.
pub fn compare(old: &Snapshot, new: &Snapshot, table: &Table) -> Compared {
    let led = Led { version: new.version(), committed: new.committed() };
    versions(&old.into(), &new.into(), table, led)
}

/// As [`compare`], with files that are not committed yet, hashed in today's way.
pub fn compare_files(
    old: &KeyedFiles,
    place: &Stored,
    files: Vec<DataFile>,
    table: &Table,
    led: Led,
) -> Compared {
    let files = Files::new(place.files().clone(), files);
    let key = table.key.iter().map(ToString::to_string).collect();
    let new = KeyedFiles { files, hashing: hash::scheme(&table.columns), key };
    versions(old, &new, table, led)
}

/// How many rows [`compare`] would give, and in which columns they differ, without reading more of
/// them than it takes to know that.
///
/// # Errors
///
/// As there.
pub async fn count(old: &Snapshot, new: &Snapshot, table: &Table) -> Result<Counts, Error> {
    let (old, new) = (KeyedFiles::from(old), KeyedFiles::from(new));
    let mut walk = Walk::begin(&old, &new, table)?;
    let mut counted = Counted::new(old, new, table);
    let mut counts = Counts::default();
    let mut changes = walk.next().await?;
    while !changes.is_empty() {
        let told = counted.count(&changes, &mut counts);
        ((), changes) = futures::try_join!(told, walk.next())?;
    }
    counts.unchanged = walk.unchanged;
    Ok(counts)
}

/// How many rows of a version have the hash that their values have today; fewer than it has rows is a
/// fault of the store.
///
/// # Errors
///
/// As [`compare`].
pub async fn proved(version: &Snapshot, table: &Table) -> Result<u64, Error> {
    let mut walk = Walk::proof(&version.into(), table);
    while !walk.next().await?.is_empty() {}
    Ok(walk.unchanged)
}

fn versions(old: &KeyedFiles, new: &KeyedFiles, table: &Table, led: Led) -> Compared {
    let counts = Arc::new(Mutex::new(Counts::default()));
    let walk = match Walk::begin(old, new, table) {
        Ok(walk) => walk,
        Err(error) => return Compared { batches: stream::iter([Err(error)]).boxed(), counts },
    };
    let under_way = UnderWay {
        walk,
        changed: Changed::new(old.files.clone(), new.files.clone(), table, led),
        counts: counts.clone(),
    };
    let batches = stream::unfold(Some(under_way), |under_way| async move {
        let mut under_way = under_way?;
        match under_way.next().await {
            Ok(Some(batch)) => Some((Ok(batch), Some(under_way))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Compared { batches: batches.boxed(), counts }
}

impl From<&Snapshot> for KeyedFiles {
    fn from(snapshot: &Snapshot) -> Self {
        let (files, record) = (snapshot.files().clone(), snapshot.record());
        KeyedFiles { files, hashing: record.hashing.clone(), key: record.key.clone() }
    }
}

struct UnderWay {
    walk: Walk,
    changed: Changed,
    counts: Arc<Mutex<Counts>>,
}

impl UnderWay {
    async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let changes = self.walk.next().await?;
        let batch = match changes.is_empty() {
            true => None,
            false => Some(self.changed.rows(&changes).await?),
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.unchanged = self.walk.unchanged;
        self.changed.count(&changes, &mut counts);
        Ok(batch)
    }
}
