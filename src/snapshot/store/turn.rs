//! Whose turn it is to load a table.

use std::io;
use std::sync::Arc;

use chrono::Utc;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use tokio::task::spawn_blocking;

use super::history::Log;
use super::lock::LoadLock;
use super::{Expired, Stored};
use crate::snapshot::{DataFile, Error, durable};

/// A load that has begun. Dropping it lets the next one begin.
#[derive(Debug)]
pub struct Turn {
    load: String,
    base: Option<u64>,
    lock: Option<Arc<LoadLock>>,
}

impl Turn {
    /// Names the load.
    pub fn load(&self) -> &str {
        &self.load
    }

    /// The newest commit when it began or caught up, onto which it has to be made; `None` if there was none.
    pub fn base(&self) -> Option<u64> {
        self.base
    }

    /// Goes on from the newest commit of now, whoever made it.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub async fn catch_up(&mut self, place: &Stored) -> Result<(), Error> {
        self.base = Log::list(place).await?.newest();
        Ok(())
    }

    /// Keeps the next one from beginning for as long as it lives, where there are locks.
    pub(super) fn held(&self) -> Option<Arc<LoadLock>> {
        self.lock.clone()
    }
}

impl Stored {
    /// Begins the load of this name and clears away what loads have left that came to no end.
    ///
    /// In a local store a second load of the table cannot begin; in a remote one it can, and whoever
    /// commits second fails.
    ///
    /// # Errors
    ///
    /// [`Error::UnderWay`] where somebody else loads the table, [`Error::NoLocks`] where nobody could
    /// tell, and what the store meets.
    pub async fn begin(&self, load: &str) -> Result<Turn, Error> {
        let lock = self.lock().await?;
        self.clear_torn().await?;
        let base = Log::list(self).await?.newest();
        self.sweep(Utc::now(), &mut Expired::default()).await?;
        Ok(Turn { load: load.to_owned(), base, lock: lock.map(Arc::new) })
    }

    async fn lock(&self) -> Result<Option<LoadLock>, Error> {
        let Some(folder) = self.folder() else { return Ok(None) };
        durable::create_folder(folder).map_err(Error::Lock)?;
        let under_way = |by| Error::UnderWay { table: self.name().to_owned(), by };
        LoadLock::take(folder).await?.map(Some).map_err(under_way)
    }

    /// Removes files that were written and are not wanted.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; what stays is cleared away by the next load.
    pub async fn discard(&self, files: &[DataFile]) -> Result<(), Error> {
        for file in files {
            self.remove(&Path::from(file.path.as_str())).await?;
        }
        Ok(())
    }

    /// Makes sure that the names in one of the table's folders are on the disk as they are now; in a
    /// bucket they always are.
    pub(super) async fn settle(&self, folder: &'static str) -> Result<(), Error> {
        let Some(path) = self.folder().map(|table| table.join(folder)) else { return Ok(()) };
        let synced = spawn_blocking(move || durable::sync_folder(&path)).await;
        let failed = |source: io::Error| Error::Store {
            action: "bring to the disk",
            path: folder.to_owned(),
            source: object_store::Error::Generic { store: "folder", source: source.into() },
        };
        synced.map_err(Error::Died)?.map_err(failed)
    }

    pub(super) async fn remove(&self, path: &Path) -> Result<(), Error> {
        let removed = self.files().delete(path).await;
        removed.map_err(|source| Error::Store { action: "remove", path: path.to_string(), source })
    }
}
