//! Where the versions of one table are.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use deltalake::logstore::LogStoreRef;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::stream::TryStreamExt as _;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, path::Path};
use serde_json::{Value, json};
use url::Url;

use super::history::{self, Commit, Log};
use super::lease::Lease;
use super::{Seal, Snapshot};
use crate::limits::snapshot as limits;
use crate::snapshot::rows::Files;
use crate::snapshot::{DataFile, Error, Record, Which};

/// The versions of one table, whether or not there are any.
#[derive(Clone, Debug)]
pub struct Stored {
    /// `connection/table`.
    name: Arc<str>,
    root: Arc<dyn ObjectStore>,
    /// Where in it the table is.
    path: Path,
    files: Arc<dyn ObjectStore>,
    folder: Option<Arc<PathBuf>>,
}

/// One version in a list.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub version: u64,
    /// When it was committed.
    pub committed: DateTime<Utc>,
    /// The load that made it.
    pub record: Record,
    /// What it said of its files; `None` of one by an older program.
    pub(super) seal: Option<Seal>,
}

impl Entry {
    /// The same as the action `snapshots` and `snapshots --json` tell it.
    pub fn to_json(&self, connection: &str, table: &str) -> Value {
        json!({
            "connection": connection,
            "table": table,
            "version": self.version,
            "committed": self.committed,
            "load": self.record,
        })
    }
}

impl Stored {
    pub(super) fn new(
        root: Arc<dyn ObjectStore>,
        path: Path,
        name: String,
        folder: Option<PathBuf>,
    ) -> Self {
        let files = Arc::new(PrefixStore::new(root.clone(), path.clone()));
        Stored { name: name.into(), root, path, files, folder: folder.map(Arc::new) }
    }

    /// `connection/table`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files of the table.
    pub fn files(&self) -> &Arc<dyn ObjectStore> {
        &self.files
    }

    /// Its folder on this machine, where the store is one.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref().map(PathBuf::as_path)
    }

    /// One stored version.
    ///
    /// # Errors
    ///
    /// [`Error::NotStored`] if there is none, [`Error::NoVersion`] if not this one, and what the
    /// store meets.
    pub async fn snapshot(&self, which: Which) -> Result<Snapshot, Error> {
        let found = self.try_snapshot(which).await?;
        found.ok_or_else(|| Error::NotStored { table: self.name.to_string() })
    }

    /// One stored version, or `None` if there is none at all.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot).
    pub async fn try_snapshot(&self, which: Which) -> Result<Option<Snapshot>, Error> {
        self.try_as_found(which).await?.map(|found| self.whole(found)).transpose()
    }

    /// The same, whatever rows its files have.
    pub(super) async fn try_as_found(&self, which: Which) -> Result<Option<Snapshot>, Error> {
        let mut tries = limits::FINDS_AT_MOST;
        loop {
            tries -= 1;
            let found = history::steady(self, |log| async move { self.find(&log, which).await });
            match found.await {
                // What was the newest a moment ago has expired, and another is it now.
                Err(Error::Expiring { .. }) if tries > 0 && !matches!(which, Which::Number(_)) => {}
                found => return found,
            }
        }
    }

    async fn find(&self, log: &Log, which: Which) -> Result<Option<Snapshot>, Error> {
        let readable = log.readable();
        let found = match which {
            Which::Latest => history::newest(self, readable).await?,
            Which::Number(number) if readable.contains(&number) => {
                history::entry(self, number).await?
            }
            Which::Number(_) => None,
            Which::At(time) => {
                let versions = self.versions().await?;
                versions.into_iter().rev().find(|entry| entry.committed <= time)
            }
        };
        if let Some(entry) = found {
            return self.open(entry).await.map(Some);
        }
        let Some(newest) = history::newest(self, readable).await? else { return Ok(None) };
        Err(Error::NoVersion {
            table: self.name.to_string(),
            asked: which.to_string(),
            oldest: readable.first().copied().unwrap_or(newest.version),
            newest: newest.version,
        })
    }

    /// The newest commit, whoever made it; `None` if there is none. Only the log's folder is listed.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub async fn newest_commit(&self) -> Result<Option<Commit>, Error> {
        Ok(Log::list(self).await?.newest_commit())
    }

    /// The version before this one.
    ///
    /// # Errors
    ///
    /// [`Error::NoVersion`] if it is the oldest.
    pub async fn before(&self, snapshot: &Snapshot) -> Result<Snapshot, Error> {
        let before = |log: Arc<Log>| async move {
            let before = log.readable().partition_point(|it| *it < snapshot.version());
            match history::newest(self, &log.readable()[..before]).await? {
                Some(entry) => self.open(entry).await.and_then(|found| self.whole(found)),
                None => Err(Error::NoVersion {
                    table: self.name.to_string(),
                    asked: format!("before {}", snapshot.version()),
                    oldest: snapshot.version(),
                    newest: log.newest().unwrap_or(snapshot.version()),
                }),
            }
        };
        history::steady(self, before).await
    }

    /// All versions that can be read, the oldest first.
    ///
    /// # Errors
    ///
    /// What the store meets; [`Error::Record`] for a version that says nothing of its load.
    pub async fn versions(&self) -> Result<Vec<Entry>, Error> {
        history::entries(self).await
    }

    /// Opens a version and holds it: it does not expire while the snapshot, or a read of it, lives.
    pub(super) async fn open(&self, entry: Entry) -> Result<Snapshot, Error> {
        let lease = Lease::shared(self, entry.version).await?;
        let found = self.files_of(entry.version).await;
        let (table, files) = match found {
            // It may have gone after it was found and before it was held.
            Err(error) if Log::list(self).await?.readable().contains(&entry.version) => {
                return Err(error);
            }
            Err(_) => {
                Lease::forget(self, entry.version);
                let (table, version) = (self.name.to_string(), entry.version);
                return Err(Error::Expiring { table, version });
            }
            Ok(found) => found,
        };
        let state = table.snapshot().map_err(|source| self.log("read", source))?;
        let schema = state.snapshot().arrow_schema();
        let files = entry.seal.iter().fold(files, |files, seal| seal.digested(files));
        let files = Files::new(self.files.clone(), files).held(lease);
        Ok(Snapshot::new(self.clone(), entry, files, schema))
    }

    /// The version, if its files have the rows that its load says: a lost entry before it would leave
    /// it others.
    fn whole(&self, snapshot: Snapshot) -> Result<Snapshot, Error> {
        let found = snapshot.files().list().iter().map(|file| file.rows).sum();
        let (table, version, rows) = (self.name.to_string(), snapshot.version(), snapshot.rows());
        if found != rows {
            return Err(Error::OtherRows { table, version, rows, found });
        }
        match snapshot.is_as_sealed().map_err(|source| self.log("read", source))? {
            true => Ok(snapshot),
            false => Err(Error::Unsealed { table, version }),
        }
    }

    /// A version as deltalake sees it, and its files in the order of their names.
    pub(super) async fn files_of(
        &self,
        version: u64,
    ) -> Result<(DeltaTable, Vec<DataFile>), Error> {
        let mut table = self.delta()?;
        table.load_version(version).await.map_err(|source| self.log("read", source))?;
        let state = table.snapshot().map_err(|source| self.log("read", source))?;
        let log = table.log_store();
        let views: Vec<_> = state
            .snapshot()
            .file_views(log.as_ref(), None)
            .try_collect()
            .await
            .map_err(|source| self.log("read", source))?;
        let mut files: Vec<DataFile> = views
            .iter()
            .map(|view| DataFile {
                path: view.path().into_owned(),
                bytes: u64::try_from(view.size()).unwrap_or(0),
                rows: view.num_records().unwrap_or(0) as u64,
                stats: view.stats(),
                digests: None,
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((table, files))
    }

    /// The table as deltalake sees it, not yet read.
    pub(super) fn delta(&self) -> Result<DeltaTable, Error> {
        // Of this scheme nobody looks for a folder of that name on this machine; listings come in
        // order, and the log is written by the store's own conditional put.
        let root = "memory:///";
        let unnamed = |said: String| self.log("find", DeltaTableError::Generic(said));
        let mut url = Url::parse(root).map_err(|error| unnamed(error.to_string()))?;
        let mut parts = url.path_segments_mut().map_err(|()| unnamed(root.to_owned()))?;
        parts.pop_if_empty().extend(self.path.parts());
        drop(parts);
        DeltaTableBuilder::from_url(url.clone())
            .and_then(|builder| builder.with_storage_backend(self.root.clone(), url).build())
            .map_err(|source| self.log("find", source))
    }

    pub(super) fn log_store(&self) -> Result<LogStoreRef, Error> {
        Ok(self.delta()?.log_store())
    }

    pub(super) fn log(&self, action: &'static str, source: DeltaTableError) -> Error {
        Error::Log { action, table: self.name.to_string(), source: Box::new(source) }
    }
}
