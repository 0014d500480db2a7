//! The action `load`.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use prost::Message as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::Lines;
use super::{Error, proto, versions};
use crate::catalog::Table;
use crate::clock::{self, Instant};
use crate::error::Report;
use crate::limits;
use crate::ops::{self, How, Loaded, UnderWay};
use crate::query::{self, Connection, Engine};
use crate::snapshot::Method;

/// The body of the action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Load {
    connection: Option<String>,
    tables: Vec<String>,
    method: Option<String>,
    #[serde(default)]
    accept: bool,
    #[serde(default)]
    count: bool,
}

/// Loads under way, and what is told of them.
struct Told {
    connection: Arc<Connection>,
    loads: BoxStream<'static, (Arc<Table>, Result<Loaded, ops::Error>)>,
    shown: Vec<(Arc<Table>, UnderWay)>,
    /// The first failure: the stream ends in it once all tables have ended.
    failed: Option<ops::Error>,
}

/// Begins the loads, of all tables that the permissions allow for `*`; dropping the stream stops those
/// that have not ended.
pub async fn run(engine: &Engine, body: &[u8], deadline: Option<Instant>) -> Result<Lines, Error> {
    let unreadable = |source| Error::ActionBody { action: "load", source };
    let asked = read(body).map_err(unreadable)?;
    let method = asked.method.as_deref().map_or(Ok(Method::ReloadAndCompare), str::parse);
    let method: Method = method.map_err(|error| unreadable(Box::new(error)))?;
    let connection = engine.namespace().connection(asked.connection.as_deref())?.clone();
    let mut shown: Vec<(Arc<Table>, UnderWay)> = Vec::new();
    let tables = match &*asked.tables {
        [] => return Err(unreadable("it names no table, nor `*` for all".into())),
        [all] if all == "*" => ops::allowed(&connection).await?,
        named => {
            let found = named.iter().map(|name| Ok(connection.catalog.table(name)?.clone()));
            found.collect::<Result<_, query::Error>>()?
        }
    };
    for table in tables {
        if !shown.iter().any(|(before, _)| before.name == table.name) {
            connection.stored(&table)?;
            shown.push((table, UnderWay::default()));
        }
    }
    let how = How { accept: asked.accept, count: asked.count, deadline, ..How::new(method) };
    let loads = ops::load_all(connection.clone(), shown.clone(), how).boxed();
    let told = Told { connection, loads, shown, failed: None };
    let lines = stream::unfold(Some(told), |told| async move {
        let mut told = told?;
        match told.next().await {
            Some(line) => Some((Ok(line), Some(told))),
            None => told.failed.map(|error| (Err(error.into()), None)),
        }
    });
    Ok(lines.boxed())
}

fn read(body: &[u8]) -> Result<Load, Box<dyn std::error::Error + Send + Sync>> {
    if versions::is_json(body) {
        return Ok(serde_json::from_slice(body)?);
    }
    let proto::Load { connection, tables, method, accept, count } = proto::Load::decode(body)?;
    Ok(Load { connection, tables, method, accept, count })
}

impl Told {
    async fn next(&mut self) -> Option<Value> {
        tokio::select! {
            ended = self.loads.next() => {
                let (table, ended) = ended?;
                Some(self.ended(&table, ended))
            }
            () = clock::sleep(limits::flight::PROGRESS) => Some(self.progress()),
        }
    }

    fn ended(&mut self, table: &Table, ended: Result<Loaded, ops::Error>) -> Value {
        self.shown.retain(|(shown, _)| shown.name != table.name);
        match ended {
            Ok(loaded) => loaded.to_json(&self.connection.name),
            Err(error) => {
                let said = Report::new(&error, error.hint()).to_string();
                self.failed.get_or_insert(error);
                json!({ "connection": *self.connection.name, "table": *table.name, "error": said })
            }
        }
    }

    fn progress(&self) -> Value {
        let tables = self.shown.iter().map(|(table, under_way)| {
            json!({
                "table": *table.name,
                "rows": under_way.rows(),
                "pages": under_way.meter.pages(),
                "throttled": under_way.meter.throttled(),
            })
        });
        json!({ "progress": tables.collect::<Vec<_>>() })
    }
}
