//! Whether a store holds what it says.

use std::collections::BTreeMap;

use arrow::array::AsArray as _;
use arrow::datatypes::{DataType, Field, Schema};
use futures::stream::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use std::sync::Arc;

use super::{Entry, Stored};
use crate::catalog::{CHANGE_TYPE, Table};
use crate::snapshot::compare::compare;
use crate::snapshot::rows::{Files, count};
use crate::snapshot::{Counts, DataFile, Error, Snapshot, Which};

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
}

impl Stored {
    /// Looks at every version: each file is there with its length and its rows, the rows are as many
    /// as the load says and in the order of the key, and the change data feed tells of as many
    /// changes of each kind as a comparison with the version before finds.
    ///
    /// # Errors
    ///
    /// What the store meets, save for files that are missing or cannot be read: those are findings.
    pub async fn prove(&self, table: &Table) -> Result<Proof, Error> {
        let mut proof = Proof::default();
        let mut before: Option<Snapshot> = None;
        for entry in self.versions().await? {
            let snapshot = self.snapshot(Which::Number(entry.version)).await?;
            let mut said = Vec::new();
            let rows = self.count(&snapshot, &mut said).await;
            if rows != entry.record.rows {
                said.push(format!("its files hold {rows} rows, its load {}", entry.record.rows));
            }
            // Rows that are not there cannot be compared.
            if said.is_empty() {
                self.ordered(&snapshot, table, &mut said).await;
                if let (Some(old), Some(told)) = (&before, &entry.record.changes) {
                    self.agreed(old, &snapshot, table, &entry, told, &mut said).await;
                }
            }
            let found = said.into_iter().map(|what| Finding { version: entry.version, what });
            proof.findings.extend(found);
            proof.versions += 1;
            proof.rows += rows;
            before = Some(snapshot);
        }
        Ok(proof)
    }

    async fn count(&self, snapshot: &Snapshot, said: &mut Vec<String>) -> u64 {
        let mut rows = 0;
        for file in snapshot.files().list() {
            match self.files().head(&Path::from(file.path.as_str())).await {
                Err(error) => said.push(format!("`{}` cannot be found: {error}", file.path)),
                Ok(head) if head.size != file.bytes => said.push(format!(
                    "`{}` has {} bytes in place of {}",
                    file.path, head.size, file.bytes
                )),
                Ok(_) => match count(self.files(), file).await {
                    Ok(found) if found == file.rows => rows += found,
                    Ok(found) => {
                        said.push(format!("`{}` has {found} rows, not {}", file.path, file.rows));
                    }
                    Err(error) => said.push(told(&error)),
                },
            }
        }
        rows
    }

    async fn ordered(&self, snapshot: &Snapshot, table: &Table, said: &mut Vec<String>) {
        let mut same = compare(snapshot, snapshot, table);
        let walked: Result<Vec<_>, Error> = (&mut same.batches).try_collect().await;
        match walked {
            Err(error) => said.push(told(&error)),
            Ok(_) if same.counts().unchanged != snapshot.rows() => {
                said.push("a walk over its keys does not find all rows".to_owned());
            }
            Ok(_) => {}
        }
    }

    async fn agreed(
        &self,
        old: &Snapshot,
        new: &Snapshot,
        table: &Table,
        entry: &Entry,
        told_counts: &Counts,
        said: &mut Vec<String>,
    ) {
        let mut compared = compare(old, new, table);
        let walked: Result<(), Error> =
            (&mut compared.batches).try_for_each(|_| async { Ok(()) }).await;
        if let Err(error) = walked {
            said.push(told(&error));
            return;
        }
        let found = compared.counts();
        if found != *told_counts {
            said.push("its load tells of other changes than a comparison finds".to_owned());
        }
        let expected = BTreeMap::from([
            ("delete".to_owned(), found.deleted),
            ("insert".to_owned(), found.inserted),
            ("update_postimage".to_owned(), found.updated),
            ("update_preimage".to_owned(), found.updated),
        ]);
        match self.feed(&entry.record.load).await {
            Err(error) => said.push(told(&error)),
            Ok(mut feed) => {
                for kind in expected.keys() {
                    feed.entry(kind.clone()).or_default();
                }
                if feed != expected {
                    said.push(format!("its feed holds {feed:?} in place of {expected:?}"));
                }
            }
        }
    }

    /// How many changes of each kind the files of a load hold.
    async fn feed(&self, load: &str) -> Result<BTreeMap<String, u64>, Error> {
        let folder = Path::from("_change_data");
        let listing = |source| Error::Store { action: "list", path: folder.to_string(), source };
        let objects: Vec<_> =
            self.files().list(Some(&folder)).try_collect().await.map_err(listing)?;
        let of_load = format!("load-{load}-");
        let files = objects.into_iter().filter_map(|object| {
            let name = object.location.filename()?;
            name.starts_with(&of_load).then(|| DataFile {
                path: object.location.to_string(),
                bytes: object.size,
                rows: 0,
                stats: None,
            })
        });
        let files = Files::new(self.files().clone(), files.collect());
        let kind = Field::new(CHANGE_TYPE, DataType::Utf8, true);
        let mut batches =
            files.read(0..files.list().len(), Arc::new(Schema::new(vec![kind])), None);
        let mut kinds = BTreeMap::new();
        while let Some(batch) = batches.try_next().await? {
            for kind in batch.column(0).as_string::<i32>().iter().flatten() {
                *kinds.entry(kind.to_owned()).or_default() += 1;
            }
        }
        Ok(kinds)
    }
}

fn told(error: &Error) -> String {
    crate::error::Report::new(error, None).to_string()
}
