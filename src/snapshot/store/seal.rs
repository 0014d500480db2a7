//! What a load says of its version's columns and files, by which it shows when the log or a file says
//! something else.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use deltalake::DeltaTableError;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::commit::delta_schema;
use crate::snapshot::DataFile;
use crate::snapshot::digests::Digests;

/// The seal of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// A digest of its columns, and of the names, lengths and rows of its files.
    version: String,
    /// Digests of the files that loads wrote, by path.
    files: BTreeMap<String, Digests>,
}

impl Seal {
    /// The seal of a version of these columns and files, committed with these `changes`.
    ///
    /// # Errors
    ///
    /// Of a schema that Delta does not know.
    pub fn new(
        schema: &Schema,
        files: &[DataFile],
        changes: &[DataFile],
    ) -> Result<Self, DeltaTableError> {
        let all = files.iter().chain(changes);
        let digests = all.filter_map(|file| Some((file.path.clone(), file.digests.clone()?)));
        Ok(Seal { version: said(schema, files)?, files: digests.collect() })
    }

    /// Whether it is that of a version of these columns and files.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn is_of(&self, schema: &Schema, files: &[DataFile]) -> Result<bool, DeltaTableError> {
        Ok(self.version == said(schema, files)?)
    }

    /// The files with their digests.
    pub fn digested(&self, mut files: Vec<DataFile>) -> Vec<DataFile> {
        for file in &mut files {
            file.digests = self.files.get(&file.path).cloned();
        }
        files
    }
}

fn said(schema: &Schema, files: &[DataFile]) -> Result<String, DeltaTableError> {
    let delta: StructType = (&delta_schema(schema)).try_into_kernel()?;
    let mut lines = vec![serde_json::to_string(&delta)?];
    lines.extend(
        files.iter().map(|DataFile { path, bytes, rows, .. }| format!("{bytes} {rows} {path}")),
    );
    lines[1..].sort_unstable();
    Ok(format!("{:032x}", xxh3_128(lines.join("\n").as_bytes())))
}
