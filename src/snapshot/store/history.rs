//! What the log says of each version.
//!
//! Only the first line of a commit is of interest, which tells of the load; checkpoints hold no
//! such lines, so the commits themselves are read, a few at once.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::Value;

use super::place::Entry;
use super::{RECORD, Stored};
use crate::limits::snapshot as limits;
use crate::snapshot::{Error, Record};

/// Where Delta keeps its log.
const LOG: &str = "_delta_log";

/// One line of a commit, as far as it is of interest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Info>,
    add: Option<Named>,
    cdc: Option<Named>,
}

/// A file that a commit names.
#[derive(Deserialize)]
struct Named {
    path: String,
}

#[derive(Deserialize)]
struct Info {
    timestamp: Option<i64>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// The versions that loads made and that can still be read, the oldest first.
pub async fn entries(place: &Stored) -> Result<Vec<Entry>, Error> {
    let mut versions = numbers(place).await?;
    versions.sort_unstable();
    let read = stream::iter(versions).map(|version| async move { entry(place, version).await });
    let read: Vec<Option<Entry>> = read.buffered(limits::COMMITS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// The files that any commit names, whether or not its version can still be read.
pub async fn files(place: &Stored) -> Result<HashSet<String>, Error> {
    let versions = numbers(place).await?;
    let read = stream::iter(versions).map(|version| async move {
        let bytes = commit(place, version).await?;
        let mut named = Vec::new();
        for line in lines(&bytes) {
            let line: Line = serde_json::from_slice(line).map_err(|source| Error::Record {
                table: place.name().to_owned(),
                version,
                source,
            })?;
            named.extend(line.add.into_iter().chain(line.cdc).map(|file| file.path));
        }
        Ok(named)
    });
    let read: Vec<Vec<String>> = read.buffered(limits::COMMITS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// The numbers of all commits that are there.
pub async fn numbers(place: &Stored) -> Result<Vec<u64>, Error> {
    let listed = place.files().list(Some(&Path::from(LOG)));
    let versions = listed.try_filter_map(|object| async move {
        let name = object.location.filename().unwrap_or_default();
        let number = name.strip_suffix(".json").filter(|number| number.len() == 20);
        Ok(number.and_then(|number| number.parse::<u64>().ok()))
    });
    versions.try_collect().await.map_err(|source| Error::Store {
        action: "list",
        path: LOG.to_owned(),
        source,
    })
}

async fn commit(place: &Stored, version: u64) -> Result<Bytes, Error> {
    let path = format!("{LOG}/{version:020}.json");
    let failed = |source| Error::Store { action: "read", path: path.clone(), source };
    let answer = place.files().get(&Path::from(path.as_str())).await.map_err(failed)?;
    answer.bytes().await.map_err(failed)
}

fn lines(commit: &Bytes) -> impl Iterator<Item = &[u8]> {
    commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The load that a commit came from; `None` of one that no load made.
async fn entry(place: &Stored, version: u64) -> Result<Option<Entry>, Error> {
    let bytes = commit(place, version).await?;
    let unreadable = |source| Error::Record { table: place.name().to_owned(), version, source };
    for line in lines(&bytes) {
        let line: Line = serde_json::from_slice(line).map_err(unreadable)?;
        if let Some(info) = line.commit_info {
            return told(version, info).map_err(unreadable);
        }
    }
    Ok(None)
}

fn told(version: u64, mut info: Info) -> Result<Option<Entry>, serde_json::Error> {
    let committed = info.timestamp.and_then(DateTime::<Utc>::from_timestamp_millis);
    let record = info.more.remove(RECORD);
    let record = record.map(serde_json::from_value::<Record>).transpose()?;
    Ok(record.map(|record| Entry { version, committed: committed.unwrap_or(record.ended), record }))
}
