//! What `do_action` can do.

use std::sync::Arc;

use arrow_flight::{Action, ActionType};
use futures::stream::{self, BoxStream, StreamExt as _};
use prost::Message as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Error, airport, info, loads, proto, sql, versions};
use crate::catalog;
use crate::clock::Instant;
use crate::ops;
use crate::query::{Connection, Engine};
use crate::snapshot::Entry;

/// Name and description of each action; every result is one line of JSON.
const ACTIONS: [(&str, &str); 7] = [
    (
        "tables",
        "The tables, a JSON object each. Body: nothing, or {\"connection\":…,\"table\":PATTERN}.",
    ),
    (
        "permissions",
        "Which tables the granted permissions and licences allow, and what the others lack, a JSON \
         object each. Body: nothing, or {\"connection\":…,\"table\":PATTERN}.",
    ),
    (
        "snapshots",
        "The stored versions of tables, the newest first, a JSON object each. Body: nothing, or \
         {\"connection\":…,\"table\":PATTERN}.",
    ),
    (
        "load",
        "Reads tables whole and stores a version of each. Streams progress, then how each table \
         ended, a JSON object each; fails if one did. Body: {\"connection\":…,\"tables\":[NAME,…] or \
         [\"*\"],\"method\":\"full_load\"|\"reload\"|\"reload_and_compare\",\"accept\":false,\"count\":false}.",
    ),
    (
        "compare",
        "How many rows of a table changed between two stored versions, and in which columns, as one \
         JSON object. Body: {\"connection\":…,\"table\":NAME,\"from\":VERSION,\"to\":VERSION}; \
         without versions the newest and the one before it.",
    ),
    (
        "expire",
        "Removes stored versions of tables that were not the newest within a time, and says which, \
         a JSON object a table. Body: {\"connection\":…,\"tables\":[NAME,…],\
         \"older_than\":\"30d\",\"keep\":1}.",
    ),
    (
        "health",
        "Whether the server answers, its version, its connections, and how many statements were \
         given up and still run, as one JSON object.",
    ),
];

/// The body of an action.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    connection: Option<String>,
    table: Option<String>,
}

/// The actions as `list_actions` describes them.
pub fn types() -> impl Iterator<Item = ActionType> {
    let all = ACTIONS.iter().chain(&sql::actions::ACTIONS).chain(&airport::ACTIONS);
    all.map(|(name, description)| ActionType {
        r#type: (*name).to_owned(),
        description: (*description).to_owned(),
    })
}

/// The names of all actions, for a sentence.
pub fn names() -> String {
    ACTIONS.map(|(name, _)| name).join("`, `")
}

/// What an action gives, one after another.
pub type Lines = BoxStream<'static, Result<Value, Error>>;

/// Runs an action, within the caller's deadline if it named one; each value is one result. Dropping
/// the stream stops what it does.
///
/// # Errors
///
/// [`Error::UnknownAction`], [`Error::ActionBody`], and what the action itself meets.
pub async fn run(
    engine: &Engine,
    action: &Action,
    deadline: Option<Instant>,
) -> Result<Lines, Error> {
    let Some((name, _)) = ACTIONS.iter().find(|(name, _)| *name == action.r#type) else {
        return Err(Error::UnknownAction { name: catalog::shown(&action.r#type) });
    };
    match *name {
        "load" => return loads::run(engine, &action.body, deadline).await,
        "compare" => return Ok(given(versions::compare(engine, &action.body).await?)),
        "expire" => return Ok(given(versions::expire(engine, &action.body).await?)),
        _ => {}
    }
    let about = about(name, &action.body)?;
    let connections = chosen(engine, about.connection.as_deref())?;
    let pattern = about.table.as_deref().unwrap_or("*");
    let lines = match *name {
        "tables" => tables(&connections, pattern),
        "permissions" => permissions(&connections, pattern, deadline).await?,
        "snapshots" => snapshots(&connections, pattern).await?,
        _ => vec![health(&connections, engine.abandoned())],
    };
    Ok(given(lines))
}

fn given(lines: Vec<Value>) -> Lines {
    stream::iter(lines).map(Ok).boxed()
}

fn about(action: &'static str, body: &[u8]) -> Result<About, Error> {
    match body.trim_ascii_start().first() {
        None => Ok(About::default()),
        Some(b'{') => serde_json::from_slice(body)
            .map_err(|source| Error::ActionBody { action, source: source.into() }),
        Some(_) => proto::About::decode(body)
            .map(|proto::About { connection, table }| About { connection, table })
            .map_err(|source| Error::ActionBody { action, source: source.into() }),
    }
}

fn chosen(engine: &Engine, name: Option<&str>) -> Result<Vec<Arc<Connection>>, Error> {
    let namespace = engine.namespace();
    match name {
        Some(_) => Ok(vec![namespace.connection(name)?.clone()]),
        None => Ok(namespace.connections().cloned().collect()),
    }
}

fn tables(connections: &[Arc<Connection>], pattern: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    for connection in connections {
        for table in connection.catalog.matching(pattern) {
            let mut line = info::about(table);
            line["connection"] = json!(*connection.name);
            lines.push(line);
        }
    }
    lines
}

async fn permissions(
    connections: &[Arc<Connection>],
    pattern: &str,
    deadline: Option<Instant>,
) -> Result<Vec<Value>, Error> {
    let mut lines = Vec::new();
    for connection in connections {
        let access = ops::check(connection, pattern, deadline).await?;
        lines.extend(access.iter().map(|access| access.to_json(&connection.name)));
    }
    Ok(lines)
}

async fn snapshots(connections: &[Arc<Connection>], pattern: &str) -> Result<Vec<Value>, Error> {
    let mut lines = Vec::new();
    for connection in connections {
        for table in connection.catalog.matching(pattern) {
            let versions = connection.stored(table)?.versions().await.map_err(ops::Error::from)?;
            let line = |entry: &Entry| entry.to_json(&connection.name, &table.name);
            lines.extend(versions.iter().rev().map(line));
        }
    }
    Ok(lines)
}

fn health(connections: &[Arc<Connection>], abandoned: usize) -> Value {
    let names: Vec<&str> = connections.iter().map(|connection| &*connection.name).collect();
    json!({
        "status": "serving",
        "version": env!("CARGO_PKG_VERSION"),
        "connections": names,
        "abandoned_statements": abandoned,
    })
}
