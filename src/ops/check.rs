//! Which tables a connection may read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Error;
use crate::auth::Granted;
use crate::catalog::{Catalog, Licence, Table};
use crate::clock::{self, Instant};
use crate::error::Kind;
use crate::query::Connection;

/// Where the tenant's licences are listed.
const LICENCES: &str = "/subscribedSkus?$select=capabilityStatus,servicePlans";

/// Whether one table may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which.
    pub table: Arc<str>,
    /// What is in the way; `None` if nothing is.
    pub lacks: Option<Lack>,
    /// What becomes of rows that are hidden, where some may be.
    pub hidden: Option<HiddenRows>,
}

/// Rows that Graph leaves out without a further permission, and does not say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenRows {
    /// The permission that shows them.
    pub permission: Arc<str>,
    /// Whether the token has it.
    pub granted: bool,
}

impl HiddenRows {
    /// Whether they are among what is read.
    pub fn word(&self) -> &'static str {
        if self.granted { "granted" } else { "missing" }
    }
}

/// What is in the way of reading a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Any one of these application permissions, the least privileged first.
    Permission(Vec<Arc<str>>),
    /// A licence.
    Licence(Licence),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Permission(any) => write!(f, "permission {}", any.join(" or ")),
            Lack::Licence(licence) => write!(f, "licence {licence}"),
        }
    }
}

impl Access {
    /// Whether it may be read.
    pub fn allowed(&self) -> bool {
        self.lacks.is_none()
    }

    /// The same as the action `permissions` and `check --json` tell it.
    pub fn to_json(&self, connection: &str) -> Value {
        json!({
            "connection": connection,
            "table": *self.table,
            "allowed": self.allowed(),
            "lacks": self.lacks.as_ref().map(ToString::to_string),
            "hidden_without": self.hidden.as_ref().map(|hidden| &*hidden.permission),
            "hidden_rows": self.hidden.as_ref().map(HiddenRows::word),
        })
    }
}

/// Signs in and says of each table whose name fits `pattern` what is in the way of reading it.
///
/// The permissions are those in the token; the licences are asked of Graph where a table needs
/// one. Where Graph does not tell the licences, none is reported as lacking.
///
/// `deadline` bounds signing in and asking; without one the bounds of each request hold.
///
/// # Errors
///
/// Those of signing in, of Graph save a refusal, and [`Error::TooLate`].
pub async fn check(
    connection: &Connection,
    pattern: &str,
    deadline: Option<Instant>,
) -> Result<Vec<Access>, Error> {
    let granted = granted(connection, deadline).await?;
    let granted =
        granted.ok_or_else(|| Error::Opaque { connection: connection.name.to_string() })?;
    let granted: BTreeSet<String> = granted.permissions.into_iter().collect();
    let tables: Vec<&Arc<Table>> = connection.catalog.matching(pattern).collect();
    let licences = match tables.iter().any(|table| table.licence.is_some()) {
        true => licences(connection, deadline).await?,
        false => None,
    };
    let judge = |table: &&Arc<Table>| Access {
        table: table.name.clone(),
        lacks: permission(table, &connection.catalog, &granted)
            .or_else(|| licence(table, licences.as_ref())),
        hidden: table.hidden_without.as_ref().map(|permission| HiddenRows {
            permission: permission.clone(),
            granted: granted.contains(&**permission),
        }),
    };
    Ok(tables.iter().map(judge).collect())
}

/// The tables of a connection that its permissions and licences allow to be read.
///
/// # Errors
///
/// As [`check`].
pub async fn allowed(connection: &Connection) -> Result<Vec<Arc<Table>>, Error> {
    let access = check(connection, "*", None).await?;
    let allowed = access.iter().filter(|access| access.allowed());
    allowed.map(|access| Ok(connection.catalog.table(&access.table)?.clone())).collect()
}

/// What the token grants, if it shows by the deadline.
async fn granted(
    connection: &Connection,
    deadline: Option<Instant>,
) -> Result<Option<Granted>, Error> {
    let tokens = connection.live.graph().tokens();
    let Some(deadline) = deadline else { return Ok(tokens.granted().await?) };
    tokio::select! {
        biased;
        granted = tokens.granted() => Ok(granted?),
        () = clock::sleep_until(deadline) => {
            Err(Error::TooLate { connection: connection.name.to_string() })
        }
    }
}

/// The permission that is lacking for the table or for the one that lists its parents.
fn permission(table: &Table, catalog: &Catalog, granted: &BTreeSet<String>) -> Option<Lack> {
    let parent = table.read.parent().and_then(|parent| catalog.table(parent).ok());
    let needed = std::iter::once(&table.permissions).chain(parent.map(|it| &it.permissions));
    needed
        .filter(|any| !any.is_empty() && !any.iter().any(|one| granted.contains(&**one)))
        .map(|any| Lack::Permission(any.clone()))
        .next()
}

fn licence(table: &Table, licences: Option<&BTreeSet<&'static str>>) -> Option<Lack> {
    let needed = table.licence?;
    let owned = licences?;
    let enough = match needed {
        Licence::P1 => owned.contains(P1) || owned.contains(P2),
        Licence::P2 => owned.contains(P2),
    };
    (!enough).then_some(Lack::Licence(needed))
}

/// Names of service plans.
const P1: &str = "AAD_PREMIUM";
const P2: &str = "AAD_PREMIUM_P2";

/// States of a subscription in which its plans work; in `Warning` it has run out and is in its
/// days of grace.
const LIVE: [&str; 2] = ["Enabled", "Warning"];

/// The licences that the tenant owns; `None` if it does not let us know.
async fn licences(
    connection: &Connection,
    deadline: Option<Instant>,
) -> Result<Option<BTreeSet<&'static str>>, Error> {
    let answer = match connection.live.graph().get_json(LICENCES, deadline).await {
        Ok(answer) => answer,
        Err(error) if error.kind() == Kind::Refused => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(owned(answer))
}

/// The licences in this answer; `None` if it is not one.
fn owned(answer: Value) -> Option<BTreeSet<&'static str>> {
    let Skus { value } = serde_json::from_value(answer).ok()?;
    let live = value
        .iter()
        .filter(|sku| sku.capability_status.as_deref().is_some_and(|state| LIVE.contains(&state)));
    let plans = live.flat_map(|sku| &sku.service_plans);
    let named = plans.filter_map(|plan| {
        [P1, P2].into_iter().find(|name| plan.service_plan_name.as_deref() == Some(name))
    });
    Some(named.collect())
}

#[derive(Deserialize)]
struct Skus {
    value: Vec<Sku>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sku {
    capability_status: Option<String>,
    #[serde(default)]
    service_plans: Vec<Plan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    service_plan_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_in_its_days_of_grace_still_counts() {
        let owned = |state: &str| {
            owned(json!({ "value": [
                { "capabilityStatus": state, "servicePlans": [{ "servicePlanName": "AAD_PREMIUM" }] },
                { "capabilityStatus": "Enabled", "servicePlans": [{ "servicePlanName": "OTHER" }] },
            ] }))
        };
        assert_eq!(owned("Enabled"), Some(BTreeSet::from([P1])));
        assert_eq!(owned("Warning"), Some(BTreeSet::from([P1])));
        for state in ["Suspended", "Deleted", "LockedOut"] {
            assert_eq!(owned(state), Some(BTreeSet::new()), "{state}");
        }
    }
}
