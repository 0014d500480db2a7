//! What a version says of the load that made it.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a load treats what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Creates or replaces the stored table, its schema included.
    FullLoad,
    /// Replaces the stored rows without comparing them.
    Reload,
    /// Replaces the stored rows and commits what changed with them.
    ReloadAndCompare,
}

/// The load behind a version, kept in the commit that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Names the load.
    pub load: String,
    /// What was asked for.
    pub method: Method,
    /// When the read began.
    pub started: DateTime<Utc>,
    /// When all rows were written.
    pub ended: DateTime<Utc>,
    /// Rows of the version.
    pub rows: u64,
    /// Pages read from Graph.
    pub pages: u64,
    /// Requests sent to Graph.
    pub requests: u64,
    /// Resource units they cost.
    pub resource_units: u64,
    /// Rows left out because another one has their key.
    pub duplicates: u64,
    /// Cells that are null because Graph sent values of another type, which stand in `_extra`.
    #[serde(default)]
    pub cells_put_aside: u64,
    /// Members of objects left out because a later one of the same object has their name.
    #[serde(default)]
    pub members_left_out: u64,
    /// Ids of the parents that were left out because what belongs to them could not be read; their
    /// rows are those of the version before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_parents: Vec<String>,
    /// What Graph's `$count` said, where it was asked.
    pub counted: Option<u64>,
    /// The columns that rows are sorted by: the table's key.
    pub key: Vec<String>,
    /// How rows were hashed.
    pub hashing: String,
    /// What changed, where the load compared.
    pub changes: Option<Counts>,
    /// The version of this program.
    pub tool: String,
}

/// How many rows a comparison found of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows whose key is new.
    pub inserted: u64,
    /// Rows whose key stayed and whose values did not.
    pub updated: u64,
    /// Rows whose key is gone.
    pub deleted: u64,
    /// Rows that stayed as they were.
    pub unchanged: u64,
    /// Of the updated rows: in how many each column changed.
    pub columns: BTreeMap<String, u64>,
}

impl Counts {
    /// Rows that are not as they were.
    pub fn changed(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }

    /// The same as the action `compare` and `compare --summary --json` tell it.
    pub fn to_json(&self, connection: &str, table: &str, from: u64, to: u64) -> Value {
        json!({
            "connection": connection,
            "table": table,
            "from": from,
            "to": to,
            "inserted": self.inserted,
            "updated": self.updated,
            "deleted": self.deleted,
            "unchanged": self.unchanged,
            "columns": self.columns,
        })
    }
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 3] = [Method::FullLoad, Method::Reload, Method::ReloadAndCompare];

    /// The name that users know, such as `reload_and_compare`.
    pub fn name(self) -> &'static str {
        match self {
            Method::FullLoad => "full_load",
            Method::Reload => "reload",
            Method::ReloadAndCompare => "reload_and_compare",
        }
    }
}

/// A word that names no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no method `{0}`; there are `full_load`, `reload` and `reload_and_compare`")]
pub struct MethodError(String);

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let found = Method::ALL.into_iter().find(|method| method.name() == text);
        found.ok_or_else(|| MethodError(crate::catalog::shown(text)))
    }
}
