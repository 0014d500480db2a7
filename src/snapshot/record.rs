//! What a version says of the load that made it.

use std::collections::BTreeMap;
use std::fmt;
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
    /// What changed, where the load compared with what the commit before had left.
    pub changes: Option<Counts>,
    /// Commits of other engines since the load before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ForeignCommit>,
    /// The version of this program.
    pub tool: String,
}

/// A commit of another engine, as the log tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignCommit {
    /// Its number.
    pub version: u64,
    /// What it did in Delta's words, such as `DELETE` or `OPTIMIZE`; empty where the log does not say,
    /// or only a checkpoint is left of it.
    pub operation: String,
    /// What of the table it may have changed.
    pub touched: Touched,
}

/// What of a table a commit may have changed; what comes later is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touched {
    /// Neither rows nor the files that they are in.
    Nothing,
    /// The files, whose rows it says are the same.
    Files,
    /// The rows.
    Rows,
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

impl Record {
    /// What of the table other engines may have changed since the load before.
    pub fn touched(&self) -> Touched {
        self.foreign.iter().map(|commit| commit.touched).max().unwrap_or(Touched::Nothing)
    }

    /// What changed since the load before; `None` where the load did not compare, or compared with
    /// rows that another engine had left.
    pub fn changes_since_load(&self) -> Option<&Counts> {
        self.changes.as_ref().filter(|_| self.touched() < Touched::Rows)
    }
}

impl ForeignCommit {
    /// Says of these commits what they did, such as `other engines changed its rows (version 3:
    /// DELETE)`; `None` if there are none.
    pub fn told(commits: &[ForeignCommit]) -> Option<String> {
        let touched = commits.iter().map(|commit| commit.touched).max();
        let worst = commits.iter().filter(|commit| Some(commit.touched) == touched);
        let is_certain = worst.clone().any(|commit| !commit.operation.is_empty());
        let what = match touched.unwrap_or(Touched::Nothing) {
            Touched::Nothing if commits.is_empty() => return None,
            Touched::Nothing => "touched no rows",
            Touched::Files => "rewrote its files",
            Touched::Rows if is_certain => "changed its rows",
            Touched::Rows => "may have changed its rows",
        };
        let mut named: Vec<String> = worst.clone().take(3).map(ToString::to_string).collect();
        if worst.count() > named.len() {
            named.push("…".to_owned());
        }
        Some(format!("other engines {what} ({})", named.join(", ")))
    }
}

impl fmt::Display for ForeignCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.operation {
            "" => write!(f, "version {}, which the log does not tell of", self.version),
            operation => write!(f, "version {}: {operation}", self.version),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::{ForeignCommit, Touched};

    #[test]
    fn what_other_engines_did_is_told_by_the_worst_of_it() {
        let check = |commits: &[(&str, Touched)], expected: Option<&str>| {
            let commit = |(at, (operation, touched)): (u64, &(&str, Touched))| ForeignCommit {
                version: at + 3,
                operation: (*operation).to_owned(),
                touched: *touched,
            };
            let commits: Vec<_> = (0..).zip(commits).map(commit).collect();
            assert_eq!(ForeignCommit::told(&commits).as_deref(), expected);
        };
        let (none, files, rows) = (Touched::Nothing, Touched::Files, Touched::Rows);
        check(&[], None);
        check(
            &[("VACUUM START", none), ("VACUUM END", none)],
            Some("other engines touched no rows (version 3: VACUUM START, version 4: VACUUM END)"),
        );
        check(
            &[("VACUUM END", none), ("OPTIMIZE", files)],
            Some("other engines rewrote its files (version 4: OPTIMIZE)"),
        );
        check(
            &[
                ("OPTIMIZE", files),
                ("DELETE", rows),
                ("WRITE", rows),
                ("WRITE", rows),
                ("MERGE", rows),
            ],
            Some(
                "other engines changed its rows (version 4: DELETE, version 5: WRITE, version 6: \
                 WRITE, …)",
            ),
        );
        check(
            &[("", rows), ("SET TBLPROPERTIES", none)],
            Some(
                "other engines may have changed its rows (version 3, which the log does not tell of)",
            ),
        );
    }
}
