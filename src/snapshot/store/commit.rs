//! A version in the making.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake::kernel::transaction::{CommitData, TransactionError};
use deltalake::kernel::{Action, Add, AddCDCFile, Metadata, Protocol, StructType, new_metadata};
use deltalake::logstore::CommitOrBytes;
use deltalake::protocol::{DeltaOperation, SaveMode};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::json;
use uuid::Uuid;

use super::history::{self, Log};
use super::{Lease, RECORD, SEAL, Seal, Stored, Turn};
use crate::limits::snapshot as limits;
use crate::snapshot::rows::{FileStatistics, indexed};
use crate::snapshot::{DataFile, Error, Record};

/// Delta's name for the change data feed.
const FEED: &str = "changeDataFeed";

/// What a load wants to become the next version.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The columns, hashes included.
    pub schema: SchemaRef,
    /// Its files; `None` if the version before has the same rows, whose files then stay.
    pub files: Option<Vec<DataFile>>,
    /// Files with what changed, where the load compared and found something.
    pub changes: Vec<DataFile>,
    /// The load.
    pub record: Record,
}

impl Draft {
    /// Whether its rows are others than those before, as far as is known. Rows that a comparison found
    /// to be the same are no change, though their files are others.
    fn is_change(&self) -> bool {
        self.record.changes.as_ref().is_none_or(|counts| counts.changed() > 0)
    }
}

impl Stored {
    /// Makes the load whose turn it is visible to readers, all of it or none of it, and gives the
    /// version's number.
    ///
    /// # Errors
    ///
    /// [`Error::Raced`] if another commit was made since the turn began; the store is then as that has
    /// left it. [`Error::Log`] if the store refuses, [`Error::Store`] if a file of the draft is gone.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the table at the old version or at the new one, never between.
    pub async fn commit(&self, turn: &Turn, draft: Draft) -> Result<u64, Error> {
        let base = turn.base();
        let changed = draft.is_change();
        let schema = delta_schema(&draft.schema);
        let now = draft.record.ended.timestamp_millis();
        let failed = |source| self.log("commit to", source);
        let mut kept = Vec::new();
        let mut actions = match base {
            None => self.new_table(&schema)?,
            Some(version) => self.onto(version, &draft, &schema, &mut kept).await?,
        };
        let files = draft.files.as_ref().unwrap_or(&kept);
        let seal = Seal::new(&draft.schema, files, &draft.changes).map_err(failed)?;
        let added = draft.files.iter().flatten();
        self.find_written(added.clone().chain(&draft.changes)).await?;
        actions.extend(added.map(|file| Action::Add(add(file, now, changed))));
        actions.extend(draft.changes.iter().map(|file| Action::Cdc(cdc(file))));
        let unwritable = |source| Error::Record {
            table: self.name().to_owned(),
            version: base.map_or(0, |base| base + 1),
            source,
        };
        let record = serde_json::to_value(&draft.record).map_err(unwritable)?;
        let seal = serde_json::to_value(&seal).map_err(unwritable)?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: None,
            predicate: None,
        };
        let told = HashMap::from([(RECORD.to_owned(), record), (SEAL.to_owned(), seal)]);
        let commit = CommitData::new(actions, operation, told, Vec::new());
        let (place, held) = (self.clone(), turn.held());
        // Once begun it may come to be whoever waits, and then nobody else may have begun.
        let put = tokio::spawn(async move {
            let put = place.put(base, commit).await;
            if let Ok(version) = put {
                Lease::prepare(&place, version);
            }
            drop(held);
            put
        });
        let version = put.await.map_err(Error::Died)??;
        self.checkpoint_if_due(version).await;
        Ok(version)
    }

    /// Looks for files that no commit names yet: a VACUUM by another engine may have taken them.
    async fn find_written(&self, files: impl Iterator<Item = &DataFile>) -> Result<(), Error> {
        let paths: Vec<String> = files.map(|file| file.path.clone()).collect();
        let looks = stream::iter(paths).map(|path| async move {
            let found = self.files().head(&Path::from(path.as_str())).await;
            found.map_err(|source| Error::Store { action: "find", path, source })
        });
        looks.buffer_unordered(limits::FOOTERS_AT_ONCE).try_for_each(|_| async { Ok(()) }).await
    }

    /// Begins a table.
    fn new_table(&self, schema: &Schema) -> Result<Vec<Action>, Error> {
        let metadata = metadata(schema).map_err(|source| self.log("commit to", source))?;
        Ok(vec![Action::Protocol(protocol()?), Action::Metadata(metadata)])
    }

    /// Makes the metadata of this version those of the draft, and removes its files if the draft has
    /// others. Files that stay are named again if engines could be misled by what was said of them, and
    /// added to `kept`.
    async fn onto(
        &self,
        version: u64,
        draft: &Draft,
        schema: &Schema,
        kept: &mut Vec<DataFile>,
    ) -> Result<Vec<Action>, Error> {
        let failed = |source| self.log("commit to", source);
        let (table, files) = self.files_of(version).await?;
        let state = table.snapshot().map_err(failed)?;
        let stored = state.snapshot().arrow_schema();
        let renewed = renewed(state.metadata(), &stored, schema).map_err(failed)?;
        let mut actions = Vec::new();
        if draft.files.is_some() {
            let changed = draft.is_change();
            let log = table.log_store();
            let views = state.snapshot().file_views(log.as_ref(), None);
            let old: Vec<_> = views.try_collect().await.map_err(failed)?;
            actions.extend(old.iter().map(|it| Action::Remove(it.remove_action(changed))));
        } else {
            let log = Log::list(self).await?;
            let before = history::newest(self, log.readable()).await?;
            let seal = before.and_then(|entry| entry.seal);
            *kept = seal.iter().fold(files, |files, seal| seal.digested(files));
        }
        if renewed.is_some() {
            let now = draft.record.ended.timestamp_millis();
            for file in kept {
                let statistics = FileStatistics::load(self.files(), file, schema).await?;
                file.stats = Some(statistics.to_json(file.rows).to_string());
                actions.push(Action::Add(add(file, now, false)));
            }
        }
        actions.extend(renewed.map(Action::Metadata));
        let protocol = with_feed(state.protocol()).map_err(|source| failed(source.into()))?;
        actions.extend(protocol.map(Action::Protocol));
        Ok(actions)
    }

    /// Writes the commit that follows `base`, if nobody else has.
    async fn put(&self, base: Option<u64>, commit: CommitData) -> Result<u64, Error> {
        let failed = |source: TransactionError| self.log("commit to", source.into());
        let version = base.map_or(0, |base| base + 1);
        let bytes = commit.get_bytes().map_err(failed)?;
        let log = self.log_store()?;
        let put = log.write_commit_entry(version, CommitOrBytes::LogBytes(bytes), Uuid::now_v7());
        match put.await {
            Ok(()) => Ok(version),
            Err(TransactionError::VersionAlreadyExists(_)) => {
                Err(Error::Raced { table: self.name().to_owned() })
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Any reader, and a writer that knows the change data feed and nothing else.
fn protocol() -> Result<Protocol, Error> {
    let protocol = json!({
        "minReaderVersion": 1,
        "minWriterVersion": 7,
        "writerFeatures": [FEED],
    });
    serde_json::from_value(protocol).map_err(|source| Error::Record {
        table: "protocol".to_owned(),
        version: 0,
        source,
    })
}

/// The protocol with the change data feed, if it lacks that: of a table which another engine began.
fn with_feed(old: &Protocol) -> Result<Option<Protocol>, serde_json::Error> {
    let mut protocol = serde_json::to_value(old)?;
    match protocol["minWriterVersion"].as_u64() {
        // From the fourth to the sixth every writer knows it.
        Some(4..=6) => return Ok(None),
        Some(7..) => {
            let features = protocol["writerFeatures"].as_array_mut();
            let Some(features) = features.filter(|them| !them.contains(&FEED.into())) else {
                return Ok(None);
            };
            features.push(FEED.into());
        }
        Some(..4) | None => protocol["minWriterVersion"] = 4.into(),
    }
    serde_json::from_value(protocol).map(Some)
}

fn metadata(schema: &Schema) -> Result<Metadata, DeltaTableError> {
    let delta: StructType = schema.try_into_kernel()?;
    let nothing: [&str; 0] = [];
    Ok(new_metadata(&delta, nothing, configuration(schema))?)
}

/// What the log tells engines of the whole table.
///
/// Those that leave files out by their statistics look for the columns that are named here alone.
/// Without names they look for the first 32, and deltalake takes what is missing for a null.
fn configuration(schema: &Schema) -> [(&'static str, String); 2] {
    [
        ("delta.enableChangeDataFeed", "true".to_owned()),
        ("delta.dataSkippingStatsColumns", indexed(schema)),
    ]
}

/// The metadata with what a table of this schema says, if they said something else; their identity
/// stays.
fn renewed(
    old: &Metadata,
    stored: &Schema,
    schema: &Schema,
) -> Result<Option<Metadata>, DeltaTableError> {
    let mut metadata = serde_json::to_value(old)?;
    let before = metadata.clone();
    for (name, value) in configuration(schema) {
        metadata["configuration"][name] = value.into();
    }
    // Another engine may have cut the table into parts, which our files are not.
    metadata["partitionColumns"] = json!([]);
    if stored.fields() != schema.fields() {
        let schema: StructType = schema.try_into_kernel()?;
        metadata["schemaString"] = serde_json::to_string(&schema)?.into();
    }
    Ok(if metadata == before { None } else { Some(serde_json::from_value(metadata)?) })
}

/// The columns without what only our own catalogue says of them, which is not the store's.
pub fn delta_schema(schema: &Schema) -> Schema {
    let fields: Vec<FieldRef> = schema.fields().iter().map(bare).collect();
    Schema::new(fields)
}

fn bare(field: &FieldRef) -> FieldRef {
    let all = |fields: &Fields| fields.iter().map(bare).collect::<Fields>();
    let ty = match field.data_type() {
        DataType::Struct(parts) => DataType::Struct(all(parts)),
        // Delta knows the item by this name.
        DataType::List(item) => {
            DataType::List(Arc::new(bare(item).as_ref().clone().with_name("element")))
        }
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), ty, field.is_nullable()))
}

fn add(file: &DataFile, now: i64, changed: bool) -> Add {
    Add {
        path: file.path.clone(),
        partition_values: HashMap::new(),
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        modification_time: now,
        data_change: changed,
        stats: file.stats.clone(),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

fn cdc(file: &DataFile) -> AddCDCFile {
    AddCDCFile {
        path: file.path.clone(),
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        partition_values: HashMap::new(),
        data_change: false,
        tags: None,
    }
}
