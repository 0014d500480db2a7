//! What became of stored tables over time.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Error;
use crate::catalog::Table;
use crate::query::{self, Connection};
use crate::snapshot::{self, Counts, Method, Which};

/// One table between two of its versions.
#[derive(Clone, Debug)]
pub struct History {
    /// The table.
    pub table: Arc<Table>,
    /// What makes the last version of the first.
    pub changes: Counts,
    /// The versions from the first to the last.
    pub steps: Vec<Step>,
}

/// One version, and what made it of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub version: u64,
    /// When it was committed.
    pub committed: DateTime<Utc>,
    /// The method of its load.
    pub method: Method,
    /// Its rows.
    pub rows: u64,
    /// What changed since the step before; `None` for the first.
    pub changes: Option<Counts>,
}

/// Follows a table from one version to another; what a load did not compare is compared now.
///
/// # Errors
///
/// [`snapshot::Error::NoVersion`] and what the store meets.
pub async fn history(
    connection: &Connection,
    table: &Arc<Table>,
    from: Option<Which>,
    to: Which,
) -> Result<History, Error> {
    let place = connection.stored(table)?;
    let (old, new) = query::pair(&place, from, to).await?;
    let changes = snapshot::count(&old, &new, table).await?;
    let mut steps: Vec<Step> = Vec::new();
    let between = old.version()..=new.version();
    let mut before = None;
    for entry in place.versions().await?.into_iter().filter(|it| between.contains(&it.version)) {
        let snapshot = place.snapshot(Which::Number(entry.version)).await?;
        let told = entry.record.changes_since_load().cloned();
        let changes = match (&before, told) {
            (None, _) => None,
            (Some(_), Some(told)) => Some(told),
            (Some(before), None) => Some(snapshot::count(before, &snapshot, table).await?),
        };
        steps.push(Step {
            version: entry.version,
            committed: entry.committed,
            method: entry.record.method,
            rows: entry.record.rows,
            changes,
        });
        before = Some(snapshot);
    }
    Ok(History { table: table.clone(), changes, steps })
}
