//! A file with rows.

use serde::{Deserialize, Serialize};

use super::digests::Digests;

/// A Parquet file below a table's folder, whether or not a version holds it yet.
///
/// The files of one version are in the order of the key: every key of a file is smaller than
/// every key of the next. The position of a row is counted through all of them, from zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Relative to the table's folder, such as `load-0193…-00000.parquet`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Delta's statistics as JSON: `numRecords`, `minValues`, `maxValues`, `nullCount`.
    ///
    /// <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics>
    pub stats: Option<String>,
    /// By which its bytes are proved when they are read; `None` of a file that no load wrote, or an
    /// older program.
    #[serde(skip)]
    pub digests: Option<Digests>,
}
