//! What the log says of each version.
//!
//! Only the first line of a commit is of interest, which tells of the load; checkpoints hold no
//! such lines, so the commits themselves are read, a few at once.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::Value;

use super::place::Entry;
use super::{RECORD, SEAL, Seal, Stored, torn};
use crate::catalog::shown;
use crate::limits::snapshot as limits;
use crate::snapshot::{DataFile, Error, ForeignCommit, Record, Touched};

/// Where Delta keeps its log.
pub const LOG: &str = "_delta_log";

/// One line of a commit, as far as it is of interest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Info>,
    add: Option<Named>,
    remove: Option<Named>,
    cdc: Option<Named>,
}

/// A file that a commit names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    path: String,
    size: Option<u64>,
    data_change: Option<bool>,
}

#[derive(Deserialize)]
struct Info {
    timestamp: Option<i64>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// What the log's folder holds.
#[derive(Debug, Default)]
pub struct Log {
    /// The numbers of all commits, rising.
    pub commits: Vec<u64>,
    /// Those of all checkpoints, rising.
    pub checkpoints: Vec<u64>,
    /// Every file that belongs to a version: its number and its path.
    pub files: Vec<(u64, Path)>,
    /// When the newest commit was written.
    written: Option<Commit>,
}

/// Names a commit: its number, and when it was written, for a store may be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit(u64, DateTime<Utc>);

impl Log {
    /// Lists the folder.
    pub async fn list(place: &Stored) -> Result<Self, Error> {
        let listing = |source| Error::Store { action: "list", path: LOG.to_owned(), source };
        let objects = place.files().list(Some(&Path::from(LOG)));
        let objects: Vec<_> = objects.try_collect().await.map_err(listing)?;
        let mut log = Log::default();
        for object in objects {
            let name = object.location.filename().unwrap_or_default();
            let Some((number, what)) = numbered(name) else { continue };
            match what {
                ".json" => {
                    log.commits.push(number);
                    log.written = log.written.max(Some(Commit(number, object.last_modified)));
                }
                _ if what.starts_with(".checkpoint") => log.checkpoints.push(number),
                _ => {}
            }
            log.files.push((number, object.location));
        }
        log.commits.sort_unstable();
        log.checkpoints.sort_unstable();
        log.files.sort_unstable();
        Ok(log)
    }

    /// The newest commit, which a checkpoint may be all that is left of.
    pub fn newest(&self) -> Option<u64> {
        self.commits.last().max(self.checkpoints.last()).copied()
    }

    /// The same, and no other that has its number.
    pub fn newest_commit(&self) -> Option<Commit> {
        self.written
    }

    /// The commits whose versions can still be read: those since the first, or else since the
    /// oldest checkpoint. Of an expiry that was cut short the rest is not shown.
    pub fn readable(&self) -> &[u64] {
        let first = match self.commits.first() {
            Some(0) => 0,
            _ => self.checkpoints.first().copied().unwrap_or(0),
        };
        &self.commits[self.commits.partition_point(|commit| *commit < first)..]
    }
}

/// What `read` makes of the log. An expiry may cut away what it was about to read, or what a version
/// stands on, and leave the same elsewhere: what fails is tried again where something went meanwhile.
pub async fn steady<T, F>(place: &Stored, read: impl Fn(Arc<Log>) -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut log = Arc::new(Log::list(place).await?);
    let mut tries = limits::FINDS_AT_MOST;
    loop {
        let error = match read(log.clone()).await {
            Err(error) => error,
            found => return found,
        };
        tries -= 1;
        let Ok(now) = Log::list(place).await else { return Err(error) };
        let gone = log.files.iter().any(|file| now.files.binary_search(file).is_err());
        if tries == 0 || !gone || matches!(error, Error::NoVersion { .. }) {
            return Err(error);
        }
        log = Arc::new(now);
    }
}

/// The number and the rest of a name such as `00000000000000000012.json`.
fn numbered(name: &str) -> Option<(u64, &str)> {
    let (number, rest) = name.split_at_checked(20)?;
    Some((number.parse().ok()?, rest))
}

/// The versions that loads made and that can still be read, the oldest first.
pub async fn entries(place: &Stored) -> Result<Vec<Entry>, Error> {
    let read = |log: Arc<Log>| async move {
        let read = stream::iter(log.readable().to_vec());
        let read = read.map(|version| async move { entry(place, version).await });
        let read: Vec<Result<Option<Entry>, Error>> =
            read.buffered(limits::COMMITS_AT_ONCE).collect().await;
        let newest = log.commits.last().copied();
        let of_a_load = |entry: Result<Option<Entry>, Error>| match entry {
            // It is no version. Those above it say for themselves whether they have their rows.
            Err(Error::Torn { version, .. }) if Some(version) != newest => None,
            entry => entry.transpose(),
        };
        read.into_iter().filter_map(of_a_load).collect()
    };
    steady(place, read).await
}

/// The newest version that a load made, at this commit or before.
pub async fn newest(place: &Stored, readable: &[u64]) -> Result<Option<Entry>, Error> {
    for version in readable.iter().rev() {
        if let Some(entry) = entry(place, *version).await? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Those of these commits that no load made, in their order.
pub async fn foreign(place: &Stored, commits: Vec<u64>) -> Result<Vec<ForeignCommit>, Error> {
    let read = stream::iter(commits).map(|version| foreign_commit(place, version));
    let read: Vec<_> = read.buffered(limits::COMMITS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// What a commit did that no load made; `None` of a load's.
pub async fn foreign_commit(place: &Stored, version: u64) -> Result<Option<ForeignCommit>, Error> {
    let bytes = commit(place, version).await?;
    let (mut operation, mut touched) = (String::new(), Touched::Nothing);
    for line in lines(place, version, &bytes) {
        let line = line?;
        if let Some(Info { more, .. }) = line.commit_info {
            if more.contains_key(RECORD) {
                return Ok(None);
            }
            operation =
                more.get("operation").and_then(Value::as_str).map_or_else(String::new, shown);
        }
        for file in line.add.iter().chain(&line.remove) {
            let of_file = match file.data_change {
                Some(false) => Touched::Files,
                Some(true) | None => Touched::Rows,
            };
            touched = touched.max(of_file);
        }
    }
    Ok(Some(ForeignCommit { version, operation, touched }))
}

/// The files that any of these commits names.
pub async fn files(place: &Stored, commits: Vec<u64>) -> Result<HashSet<String>, Error> {
    let read = stream::iter(commits).map(|version| async move {
        let bytes = commit(place, version).await?;
        let mut named = Vec::new();
        for line in lines(place, version, &bytes) {
            let line = line?;
            named.extend(line.add.into_iter().chain(line.cdc).map(|file| file.path));
        }
        Ok(named)
    });
    let read: Vec<Vec<String>> = read.buffered(limits::COMMITS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// The files that tell what changed in this commit, in the order of their names.
pub async fn changes(place: &Stored, version: u64) -> Result<Vec<DataFile>, Error> {
    let bytes = commit(place, version).await?;
    let mut files = Vec::new();
    for line in lines(place, version, &bytes) {
        files.extend(line?.cdc.map(|Named { path, size, .. }| DataFile {
            path,
            bytes: size.unwrap_or(0),
            rows: 0,
            stats: None,
            digests: None,
        }));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let seal = entry(place, version).await?.and_then(|entry| entry.seal);
    Ok(seal.iter().fold(files, |files, seal| seal.digested(files)))
}

async fn commit(place: &Stored, version: u64) -> Result<Bytes, Error> {
    let path = format!("{LOG}/{version:020}.json");
    let failed = |source| Error::Store { action: "read", path: path.clone(), source };
    let answer = place.files().get(&Path::from(path.as_str())).await.map_err(failed)?;
    answer.bytes().await.map_err(failed)
}

/// What a commit says, line by line.
fn lines(
    place: &Stored,
    version: u64,
    commit: &Bytes,
) -> impl Iterator<Item = Result<Line, Error>> {
    let lines = commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(move |line| serde_json::from_slice(line).map_err(unreadable(place, version)))
}

fn unreadable(place: &Stored, version: u64) -> impl Fn(serde_json::Error) -> Error {
    move |source| Error::Record { table: place.name().to_owned(), version, source }
}

/// Whether a commit is half written.
pub async fn is_torn(place: &Stored, version: u64) -> Result<bool, Error> {
    Ok(torn::is_torn(&commit(place, version).await?))
}

/// The files that a load's commit adds, with their bytes; none of a commit that no load made.
pub async fn loaded_files(
    place: &Stored,
    version: u64,
) -> Result<Vec<(String, Option<u64>)>, Error> {
    let bytes = commit(place, version).await?;
    let (mut is_loaded, mut files) = (false, Vec::new());
    for line in lines(place, version, &bytes) {
        let line = line?;
        is_loaded |= line.commit_info.is_some_and(|info| info.more.contains_key(RECORD));
        files.extend(line.add.map(|file| (file.path, file.size)));
    }
    Ok(if is_loaded { files } else { Vec::new() })
}

/// The load that a commit came from; `None` of one that no load made.
pub async fn entry(place: &Stored, version: u64) -> Result<Option<Entry>, Error> {
    let bytes = commit(place, version).await?;
    if torn::is_torn(&bytes) {
        return Err(Error::Torn { table: place.name().to_owned(), version });
    }
    for line in lines(place, version, &bytes) {
        if let Some(info) = line?.commit_info {
            return told(version, info).map_err(unreadable(place, version));
        }
    }
    Ok(None)
}

fn told(version: u64, mut info: Info) -> Result<Option<Entry>, serde_json::Error> {
    let committed = info.timestamp.and_then(DateTime::<Utc>::from_timestamp_millis);
    let record = info.more.remove(RECORD);
    let record = record.map(serde_json::from_value::<Record>).transpose()?;
    let seal = info.more.remove(SEAL).map(serde_json::from_value::<Seal>).transpose()?;
    let entry = |record: Record| {
        let committed = committed.unwrap_or(record.ended);
        Entry { version, committed, record, seal }
    };
    Ok(record.map(entry))
}
