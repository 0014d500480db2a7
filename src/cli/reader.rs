//! Who answers a command: a running server, or the settings' tenants in this process.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{BoxStream, StreamExt as _};
use serde_json::{Value, json};

use super::Error;
use super::arguments::Asked;
use crate::app::{self, settings};
use crate::flight::Client;
use crate::graph::Meter;
use crate::ops;
use crate::query::{Connection, Engine, Request};

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
    pub columns: usize,
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

impl Reader {
    /// Connects to the server named, or reads the settings.
    pub async fn open(asked: &Asked) -> Result<Self, Error> {
        match &asked.server {
            Some(address) => Ok(Reader::Remote(Box::new(Client::connect(address).await?))),
            None => {
                let settings =
                    settings::Settings::load(&asked.settings.settings, std::env::vars_os())
                        .map_err(app::Error::from)?;
                Ok(Reader::Local(app::engine(&settings.connections)?))
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
                    columns: table.columns.len(),
                    description: table.description.to_string(),
                });
                Ok(listed.collect())
            }
            Reader::Remote(client) => {
                let listed = client.tables(pattern).await?.into_iter().map(|table| Listed {
                    columns: table.schema.fields().len(),
                    description: table.about["description"].as_str().unwrap_or_default().to_owned(),
                    name: table.name,
                });
                Ok(listed.collect())
            }
        }
    }

    /// The columns that the request would give.
    pub async fn schema(&mut self, request: &Request) -> Result<SchemaRef, Error> {
        match self {
            Reader::Local(engine) => Ok(engine.plan(request)?.schema()),
            Reader::Remote(client) => Ok(client.schema(request).await?),
        }
    }

    /// The rows that the request asks for.
    pub async fn read(&mut self, request: &Request) -> Result<Rows, Error> {
        match self {
            Reader::Local(engine) => {
                let answer = engine.run(engine.plan(request)?, None);
                Ok(Rows {
                    schema: answer.schema,
                    batches: answer.batches.map(|batch| batch.map_err(Error::from)).boxed(),
                    meter: Some(answer.meter),
                })
            }
            Reader::Remote(client) => {
                let schema = client.schema(request).await?;
                let batches = client.read(request).await?;
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
                let mut lines = Vec::new();
                for connection in chosen {
                    let access = ops::check(&connection, pattern).await?;
                    lines.extend(access.iter().map(|access| access.to_json(&connection.name)));
                }
                Ok(lines)
            }
            Reader::Remote(client) => {
                let mut body = json!({ "table": pattern });
                if let Some(connection) = connection {
                    body["connection"] = json!(connection);
                }
                Ok(client.action("permissions", &body).await?)
            }
        }
    }
}
