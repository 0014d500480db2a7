//! Who answers a command: a running server, or the settings' tenants in this process.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{BoxStream, StreamExt as _};
use serde_json::{Value, json};

use super::Error;
use super::arguments::{self, Asked};
use crate::app::{self, settings};
use crate::catalog::Table;
use crate::flight::Client;
use crate::graph::Meter;
use crate::query::{Command, Connection, Engine};
use crate::{clock, limits, ops};

/// Answers what the commands ask.
pub enum Reader {
    /// In this process.
    Local(Engine),
    /// A server.
    Remote(Box<Client>),
}

/// A table in a list.
pub struct Listed {
    /// Its name.
    pub name: String,
    /// How many columns it has.
    pub columns: u64,
    /// One sentence.
    pub description: String,
}

/// Rows as they come.
pub struct Rows {
    /// What each batch looks like.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// What is asked of Graph meanwhile, where this process asks it.
    pub meter: Option<Arc<Meter>>,
}

/// An engine in this process, and the settings it was made from.
pub fn local(from: &arguments::Settings) -> Result<(Engine, settings::Settings), Error> {
    let settings =
        settings::Settings::load(&from.settings, std::env::vars_os()).map_err(app::Error::from)?;
    let engine = app::engine(&settings.connections, settings.store.as_ref())?;
    Ok((engine, settings))
}

/// The tables of these names; all of the connection's if none is named.
pub fn stored_tables<'a>(
    connection: &'a Connection,
    names: &[String],
) -> Result<Vec<&'a Arc<Table>>, Error> {
    match names {
        [] => Ok(connection.catalog.tables().iter().collect()),
        _ => names.iter().map(|name| Ok(connection.catalog.table(name)?)).collect(),
    }
}

impl Reader {
    /// Connects to the server named, or reads the settings.
    pub async fn open(asked: &Asked) -> Result<Self, Error> {
        match &asked.server {
            Some(address) => Ok(Reader::Remote(Box::new(Client::connect(address).await?))),
            None => {
                let (engine, _) = local(&asked.settings)?;
                Ok(Reader::Local(engine))
            }
        }
    }

    /// The tables whose name fits.
    pub async fn tables(
        &mut self,
        connection: Option<&str>,
        pattern: &str,
    ) -> Result<Vec<Listed>, Error> {
        match self {
            Reader::Local(engine) => {
                let connection = engine.namespace().connection(connection)?;
                let listed = connection.catalog.matching(pattern).map(|table| Listed {
                    name: table.name.to_string(),
                    columns: table.columns.len() as u64,
                    description: table.description.to_string(),
                });
                Ok(listed.collect())
            }
            Reader::Remote(client) => {
                let lines = client.action("tables", &about(connection, pattern)).await?;
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let listed = lines.iter().map(|line| Listed {
                    name: text(&line["table"]),
                    columns: line["columns"].as_u64().unwrap_or(0),
                    description: text(&line["description"]),
                });
                Ok(listed.collect())
            }
        }
    }

    /// The columns that the command would give.
    pub async fn schema(&mut self, command: &Command) -> Result<SchemaRef, Error> {
        match self {
            Reader::Local(engine) => Ok(engine.plan(command.clone()).await?.schema()),
            Reader::Remote(client) => Ok(client.schema(command).await?),
        }
    }

    /// The rows that the command asks for.
    pub async fn read(&mut self, command: &Command) -> Result<Rows, Error> {
        match self {
            Reader::Local(engine) => {
                let answer = engine.run(engine.plan(command.clone()).await?, None);
                Ok(Rows {
                    schema: answer.schema,
                    batches: answer.batches.map(|batch| batch.map_err(Error::from)).boxed(),
                    meter: Some(answer.meter),
                })
            }
            Reader::Remote(client) => {
                let schema = client.schema(command).await?;
                let batches = client.read(command).await?;
                let batches = batches.map(|batch| batch.map_err(Error::from)).boxed();
                Ok(Rows { schema, batches, meter: None })
            }
        }
    }

    /// Which tables are allowed: objects with `connection`, `table`, `allowed` and `lacks`.
    pub async fn permissions(
        &mut self,
        connection: Option<&str>,
        pattern: &str,
    ) -> Result<Vec<Value>, Error> {
        match self {
            Reader::Local(engine) => {
                let chosen: Vec<Arc<Connection>> = match connection {
                    Some(_) => vec![engine.namespace().connection(connection)?.clone()],
                    None => engine.namespace().connections().cloned().collect(),
                };
                let deadline = clock::now() + limits::cli::CHECK_TIME;
                let mut lines = Vec::new();
                for connection in chosen {
                    let access = ops::check(&connection, pattern, Some(deadline)).await?;
                    lines.extend(access.iter().map(|access| access.to_json(&connection.name)));
                }
                Ok(lines)
            }
            Reader::Remote(client) => {
                Ok(client.action("permissions", &about(connection, pattern)).await?)
            }
        }
    }
}

/// The body of an action: of one connection, or of all.
fn about(connection: Option<&str>, pattern: &str) -> Value {
    match connection {
        Some(connection) => json!({ "connection": connection, "table": pattern }),
        None => json!({ "table": pattern }),
    }
}
