//! The table as it stands when a load begins, whoever left it so.
//!
//! Other engines commit between two loads: upkeep that moves rows into other files, or changes of the
//! rows themselves. A load compares with what the newest commit holds, so that its feed leads from
//! there to its own rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake::DeltaTable;
use futures::stream::TryStreamExt as _;

use super::history::{self, Log};
use super::{LOADED, Snapshot, Stored, Turn};
use crate::catalog::{Column, Table};
use crate::error::{Kind, Report};
use crate::snapshot::compare::{KeyedFiles, columns};
use crate::snapshot::rows::{Files, count};
use crate::snapshot::{DataFile, Error, ForeignCommit, Incoming, Touched, Which, hashing};

/// What a load finds in its table.
#[derive(Clone, Debug)]
pub struct Standing {
    place: Stored,
    /// The newest version that a load made; `None` where the log shows none any more.
    own: Option<Snapshot>,
    foreign: Vec<ForeignCommit>,
    /// Files that are not those of `own`.
    left: Option<Left>,
    schema: SchemaRef,
    rows: u64,
}

/// Files as another engine left them.
#[derive(Clone, Debug)]
struct Left {
    files: Files,
    /// Why their rows cannot be read from the files alone.
    obstacle: Option<&'static str>,
}

/// What new rows are compared with.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its rows.
    pub files: KeyedFiles,
    /// Those files of it that are there for the comparison alone.
    pub temporary: Vec<DataFile>,
}

impl Stored {
    /// The table as the newest commit of the turn left it; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// What the store meets; [`Error::Unwritable`] of a table that another engine writes in a way that
    /// this program does not know.
    pub async fn standing(&self, turn: &Turn) -> Result<Option<Standing>, Error> {
        let Some(newest) = turn.base() else { return Ok(None) };
        let own = self.try_as_found(Which::Latest).await?;
        if let Some(own) = own.clone().filter(|own| own.version() == newest && is_whole(own)) {
            let (schema, rows) = (own.schema().clone(), own.rows());
            let own = Some(own);
            let (place, foreign) = (self.clone(), Vec::new());
            return Ok(Some(Standing { place, own, foreign, left: None, schema, rows }));
        }
        let (table, mut files) = self.files_of(newest).await?;
        let state = table.snapshot().map_err(|source| self.log("read", source))?;
        let (schema, configuration) =
            (state.snapshot().arrow_schema(), state.metadata().configuration());
        if let Some(feature) = unknown_feature(configuration) {
            return Err(Error::Unwritable { table: self.name().to_owned(), feature });
        }
        let deleted = self.deleted_by_vectors(&table).await?;
        let obstacle = match state.metadata().partition_columns().is_empty() {
            _ if deleted > 0 => Some("deletion vectors tell which of its rows are gone"),
            false => Some("it is partitioned"),
            true => None,
        };
        for file in files.iter_mut().filter(|file| file.rows == 0) {
            // Engines need not say how many rows a file has.
            file.rows = count(self.files(), file).await?;
        }
        let rows = files.iter().map(|file| file.rows).sum::<u64>().saturating_sub(deleted);
        let is_own = own.as_ref().is_some_and(|own| {
            obstacle.is_none() && is_whole(own) && names(own.files().list()) == names(&files)
        });
        let foreign =
            self.foreign_commits(own.as_ref().filter(|own| is_whole(own)), newest).await?;
        let files = Files::new(self.files().clone(), files);
        let left = (!is_own).then_some(Left { files, obstacle });
        Ok(Some(Standing { place: self.clone(), own, foreign, left, schema, rows }))
    }

    /// Rows that are in files and do not count.
    async fn deleted_by_vectors(&self, table: &DeltaTable) -> Result<u64, Error> {
        let failed = |source| self.log("read", source);
        let (state, log) = (table.snapshot().map_err(failed)?, table.log_store());
        let views = state.snapshot().file_views(log.as_ref(), None);
        let views: Vec<_> = views.try_collect().await.map_err(failed)?;
        let vectors = views.iter().filter_map(|view| view.deletion_vector_descriptor());
        Ok(vectors.map(|vector| u64::try_from(vector.cardinality).unwrap_or(0)).sum())
    }

    /// The commits of other engines since this version, or all that the log shows; at least one. Of
    /// what a checkpoint hides the last is told.
    async fn foreign_commits(
        &self,
        since: Option<&Snapshot>,
        newest: u64,
    ) -> Result<Vec<ForeignCommit>, Error> {
        let since = since.map(Snapshot::version);
        let read = |log: Arc<Log>| async move {
            let after =
                |commit: &u64| since.is_none_or(|since| *commit > since) && *commit <= newest;
            let commits: Vec<_> = log.readable().iter().copied().filter(after).collect();
            let hidden = match commits.first() {
                Some(first) if since.is_none() => first.checked_sub(1),
                Some(_) => None,
                None => Some(newest),
            };
            let hidden = hidden.map(|version| ForeignCommit {
                version,
                operation: String::new(),
                touched: Touched::Rows,
            });
            let shown = history::foreign(self, commits).await?;
            Ok(hidden.into_iter().chain(shown).collect())
        };
        history::steady(self, read).await
    }
}

impl Standing {
    /// The newest version that a load made, where the log still shows it.
    pub fn own(&self) -> Option<&Snapshot> {
        self.own.as_ref()
    }

    /// Commits of other engines since then, the oldest first.
    pub fn foreign(&self) -> &[ForeignCommit] {
        &self.foreign
    }

    /// The columns, hashes included.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows that a load should find again: those that are there, or those of the newest version that a
    /// load made if they were more.
    pub fn rows_expected(&self) -> u64 {
        self.own.as_ref().map_or(0, Snapshot::rows).max(self.rows)
    }

    /// Rows that are there.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether its files are as a load left them: in the order of the key, with hashes.
    pub fn is_ours(&self) -> bool {
        self.left.is_none()
    }

    /// How the rows of its files were hashed, where a load wrote them.
    pub fn hashing(&self) -> Option<&str> {
        let own = self.own.as_ref().filter(|_| self.is_ours());
        own.map(|own| &*own.record().hashing)
    }

    /// The files of the newest version that a load made, or else those that are there.
    pub fn loaded_files(&self) -> Option<&Files> {
        let left = self.left.as_ref().filter(|left| left.obstacle.is_none());
        self.own.as_ref().map(Snapshot::files).or(left.map(|left| &left.files))
    }

    /// Its rows in the order of the key and hashed, as a comparison takes them. What another engine
    /// left is sorted into files of this turn, hashed anew.
    ///
    /// `None` where that engine left what no comparison can tell right: keys that come twice, or files
    /// that cannot be read by themselves. The log says why.
    ///
    /// # Errors
    ///
    /// [`Error::KeyChanged`], and a store or disk that refuses.
    pub async fn base(&self, turn: &Turn, table: &Table) -> Result<Option<Base>, Error> {
        if let Some(own) = &self.own {
            let files = KeyedFiles::from(own);
            files.are_told_apart_as(table)?;
            if self.is_ours() {
                return Ok(Some(Base { files, temporary: Vec::new() }));
            }
        }
        let Some(left) = &self.left else { return Ok(None) };
        let sorted = match left.obstacle {
            Some(obstacle) => Err(obstacle.to_owned()),
            None => match self.sorted(&left.files, turn, table).await {
                Ok((base, 0)) => Ok(base),
                Ok((base, _)) => {
                    self.place.discard(&base.temporary).await?;
                    Err("keys come twice in it".to_owned())
                }
                Err(error) => match error.kind() {
                    Kind::Corrupt | Kind::Invalid | Kind::Internal => {
                        Err(Report::new(&error, None).to_string())
                    }
                    _ => return Err(error),
                },
            },
        };
        match sorted {
            Ok(base) => Ok(Some(base)),
            Err(reason) => {
                let table = self.place.name();
                tracing::warn!(table, reason, "what another engine left cannot be compared");
                Ok(None)
            }
        }
    }

    /// The rows of these files in the order of the key, and how many others have the key of one.
    async fn sorted(&self, left: &Files, turn: &Turn, table: &Table) -> Result<(Base, u64), Error> {
        let columns = columns(table);
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        let schema = Arc::new(Schema::new(fields));
        let incoming = Incoming::new(&columns, &table.key, schema.clone())?;
        let rows = left.read(0..left.list().len(), schema, None);
        let sorted = incoming.take_all::<Error>(rows).await?;
        let schema = sorted.schema();
        let load = format!("{}-base", turn.load());
        let (written, repeated) = sorted.write(&self.place, &load, &schema).await?;
        let files = KeyedFiles {
            files: Files::new(self.place.files().clone(), written.clone()),
            hashing: hashing(table),
            key: table.key.iter().map(ToString::to_string).collect(),
        };
        Ok((Base { files, temporary: written }, repeated))
    }
}

/// Whether it has the rows that its load says, in files of loads. Of a load by an older program that
/// found no change the files may be another engine's.
fn is_whole(own: &Snapshot) -> bool {
    let files = own.files().list();
    let loaded = |file: &DataFile| file.path.starts_with(LOADED);
    files.iter().all(loaded) && files.iter().map(|file| file.rows).sum::<u64>() == own.rows()
}

fn names(files: &[DataFile]) -> BTreeSet<&str> {
    files.iter().map(|file| &*file.path).collect()
}

/// A feature that is on and asks more of who writes than this program does.
///
/// <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features>
fn unknown_feature(
    configuration: &std::collections::HashMap<String, String>,
) -> Option<&'static str> {
    const FEATURES: [&str; 6] = [
        "delta.columnMapping.mode",
        "delta.enableRowTracking",
        "delta.enableInCommitTimestamps",
        "delta.enableIcebergCompatV1",
        "delta.enableIcebergCompatV2",
        "delta.appendOnly",
    ];
    let is_on = |value: &String| value != "none" && !value.eq_ignore_ascii_case("false");
    FEATURES.into_iter().find(|feature| configuration.get(*feature).is_some_and(is_on))
}
