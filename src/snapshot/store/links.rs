//! What a folder must have to be a store.

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutMode, PutOptions, PutPayload};

use super::{Stored, Turn};
use crate::snapshot::Error;

/// A file that comes and goes: nothing else in the table's folder has its name.
const PROBE: &str = "_probe";

impl Stored {
    /// Tries, as long as that costs nothing, what the commit of this load will need: a name that can be
    /// given once. Mounts of buckets, as by rclone, have no hard links, and hours of reading would come
    /// to nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NoLinks`], and what the store meets.
    pub async fn probe(&self, _turn: &Turn) -> Result<(), Error> {
        if self.folder().is_none() {
            return Ok(());
        }
        let path = Path::from(PROBE);
        // One may be left of a load that was cut short; mostly there is none.
        let _ = self.files().delete(&path).await;
        let how = PutOptions::from(PutMode::Create);
        match self.files().put_opts(&path, PutPayload::new(), how).await {
            Ok(_) => self.remove(&path).await,
            Err(source @ object_store::Error::NotSupported { .. }) => Err(Error::NoLinks(source)),
            Err(source) => Err(Error::Store { action: "write", path: PROBE.to_owned(), source }),
        }
    }
}
