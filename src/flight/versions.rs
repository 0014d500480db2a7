//! The actions `compare` and `expire`.

use prost::Message as _;
use serde::Deserialize;
use serde_json::Value;

use super::ticket::Named;
use super::{Error, proto};
use crate::ops;
use crate::query::{self, Engine};
use crate::snapshot::{self, Keep, Which};

/// The body of `compare`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compare {
    connection: Option<String>,
    table: String,
    from: Option<Named>,
    to: Option<Named>,
}

/// The body of `expire`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    connection: Option<String>,
    tables: Vec<String>,
    older_than: String,
    keep: Option<u64>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Counts what changed between two versions of a table.
pub async fn compare(engine: &Engine, body: &[u8]) -> Result<Vec<Value>, Error> {
    let unreadable = |source| Error::ActionBody { action: "compare", source };
    let asked = read_compare(body).map_err(unreadable)?;
    let which = |word: Option<Named>| -> Result<Option<Which>, Error> {
        let parsed = word.map(|word| word.text().parse::<Which>()).transpose();
        parsed.map_err(|error| unreadable(error.into()))
    };
    let (from, to) = (which(asked.from)?, which(asked.to)?.unwrap_or(Which::Latest));
    let connection = engine.namespace().connection(asked.connection.as_deref())?;
    let table = connection.catalog.table(&asked.table).map_err(query::Error::from)?;
    let place = connection.stored(table)?;
    let (old, new) = query::pair(&place, from, to).await?;
    let counts = snapshot::count(&old, &new, table).await.map_err(query::Error::from)?;
    let line = counts.to_json(&connection.name, &table.name, old.version(), new.version());
    Ok(vec![line])
}

/// Removes versions of tables; gives a line for each table.
pub async fn expire(engine: &Engine, body: &[u8]) -> Result<Vec<Value>, Error> {
    let unreadable = |source| Error::ActionBody { action: "expire", source };
    let asked = read_expire(body).map_err(unreadable)?;
    if asked.tables.is_empty() {
        return Err(unreadable("it names no table".into()));
    }
    let newer_than = humantime::parse_duration(&asked.older_than).map_err(|_| {
        unreadable("`older_than` is not a time with its unit, such as `30d`".into())
    })?;
    let newest = usize::try_from(asked.keep.unwrap_or(1)).unwrap_or(usize::MAX);
    let keep = Keep { newer_than, newest };
    let connection = engine.namespace().connection(asked.connection.as_deref())?;
    let tables = asked.tables.iter().map(|name| connection.catalog.table(name));
    let tables = tables.collect::<Result<Vec<_>, _>>().map_err(query::Error::from)?;
    let mut lines = Vec::new();
    for table in tables {
        let expired = ops::expire(connection, table, &keep).await?;
        lines.push(expired.to_json(&connection.name, &table.name));
    }
    Ok(lines)
}

fn read_compare(body: &[u8]) -> Result<Compare, BoxError> {
    if is_json(body) {
        return Ok(serde_json::from_slice(body)?);
    }
    let proto::Compare { connection, table, changes } = proto::Compare::decode(body)?;
    let proto::Changes { from, to } = changes.unwrap_or_default();
    Ok(Compare { connection, table, from: from.map(Named::Text), to: to.map(Named::Text) })
}

fn read_expire(body: &[u8]) -> Result<Expire, BoxError> {
    if is_json(body) {
        return Ok(serde_json::from_slice(body)?);
    }
    let proto::Expire { connection, tables, older_than, keep } = proto::Expire::decode(body)?;
    Ok(Expire { connection, tables, older_than, keep })
}

/// Whether a body is JSON rather than a message of `proto/`.
pub fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}
