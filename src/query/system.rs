//! The schema `system`: what the server knows of itself.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Error, Namespace, shape};
use crate::catalog;
use crate::limits::{self, query};

/// Its tables.
pub const NAMES: [&str; 7] =
    ["columns", "connections", "limits", "loads", "permissions", "requests", "tables"];

/// The table of this name, as things are now.
///
/// # Errors
///
/// [`Error::UnknownSystemTable`], and what the store meets.
pub async fn table(namespace: &Namespace, name: &str) -> Result<Arc<dyn TableProvider>, Error> {
    let batch = match name {
        "tables" => tables(namespace),
        "columns" => columns(namespace),
        "permissions" => permissions(namespace),
        "connections" => connections(namespace),
        "loads" => loads(namespace).await?,
        "requests" => requests(namespace),
        "limits" => limits(),
        _ => {
            return Err(Error::UnknownSystemTable {
                name: catalog::shown(name),
                near: catalog::nearest(name, NAMES.into_iter()),
            });
        }
    };
    let batch = batch.map_err(datafusion::common::DataFusionError::from)?;
    // As of every answer, each column may be null.
    let schema = shape::announced(&batch.schema());
    let batch = shape::conform(batch, &schema)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

type Made = Result<RecordBatch, arrow::error::ArrowError>;

fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values.into_iter().map(Into::into)))
}

fn maybe_texts<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn numbers(values: impl IntoIterator<Item = u64>) -> ArrayRef {
    let values = values.into_iter().map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    Arc::new(Int64Array::from_iter_values(values))
}

fn flags(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(values.into_iter().collect::<Vec<_>>()))
}

fn moments(micros: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
}

fn tables(namespace: &Namespace) -> Made {
    let all: Vec<_> = namespace
        .connections()
        .flat_map(|of| of.catalog.tables().iter().map(move |table| (of, table)))
        .collect();
    let each = || all.iter().map(|(_, table)| table);
    RecordBatch::try_from_iter([
        ("connection", texts(all.iter().map(|(of, _)| &*of.name))),
        ("table", texts(each().map(|table| &*table.name))),
        ("description", texts(each().map(|table| &*table.description))),
        ("path", texts(each().map(|table| &*table.path))),
        ("version", texts(each().map(|table| table.version.to_string()))),
        ("parent", maybe_texts(each().map(|table| table.read.parent()))),
        ("key", texts(each().map(|table| table.key.join(",")))),
        ("columns", numbers(each().map(|table| table.columns.len() as u64))),
        ("page_rows", {
            let rows = each().map(|table| table.page_rows.map(|rows| rows as i32));
            Arc::new(rows.collect::<Int32Array>()) as ArrayRef
        }),
        ("resource_units", numbers(each().map(|table| table.resource_units.into()))),
        ("licence", maybe_texts(each().map(|table| table.licence.map(|it| it.to_string())))),
    ])
}

fn columns(namespace: &Namespace) -> Made {
    let mut all = Vec::new();
    for connection in namespace.connections() {
        for table in connection.catalog.tables() {
            all.extend(table.columns.iter().enumerate().map(|it| (connection, table, it)));
        }
    }
    let each = || all.iter().map(|(.., (_, column))| *column);
    RecordBatch::try_from_iter([
        ("connection", texts(all.iter().map(|(of, ..)| &*of.name))),
        ("table", texts(all.iter().map(|(_, table, _)| &*table.name))),
        ("column", texts(each().map(|column| &*column.name))),
        ("position", numbers(all.iter().map(|(.., (at, _))| *at as u64 + 1))),
        ("graph_type", texts(each().map(|column| &*column.graph_type))),
        ("arrow_type", texts(each().map(|column| column.field().data_type().to_string()))),
        ("description", maybe_texts(each().map(|column| column.description.as_deref()))),
        ("permission", maybe_texts(each().map(|column| column.permission.as_deref()))),
        ("on_request", flags(each().map(|column| column.on_request))),
        ("filter", texts(each().map(|column| column.filters.basic.to_string()))),
        ("advanced_filter", texts(each().map(|column| column.filters.advanced.to_string()))),
    ])
}

fn permissions(namespace: &Namespace) -> Made {
    let mut all = Vec::new();
    for connection in namespace.connections() {
        for table in connection.catalog.tables() {
            let ways = table.permissions.iter().enumerate();
            all.extend(ways.map(|(rank, name)| (connection, table, rank, name)));
        }
    }
    RecordBatch::try_from_iter([
        ("connection", texts(all.iter().map(|(of, ..)| &*of.name))),
        ("table", texts(all.iter().map(|(_, table, ..)| &*table.name))),
        ("rank", numbers(all.iter().map(|(.., rank, _)| *rank as u64 + 1))),
        ("permission", texts(all.iter().map(|(.., name)| &***name))),
    ])
}

fn connections(namespace: &Namespace) -> Made {
    let all: Vec<_> = namespace.connections().collect();
    RecordBatch::try_from_iter([
        ("connection", texts(all.iter().map(|it| &*it.name))),
        ("tables", numbers(all.iter().map(|it| it.catalog.tables().len() as u64))),
        ("stores", flags(all.iter().map(|it| it.store.is_some()))),
        ("max_age_seconds", numbers(all.iter().map(|it| it.max_age.default.as_secs()))),
        ("deadline_seconds", numbers(all.iter().map(|it| it.live.deadline().as_secs()))),
    ])
}

async fn loads(namespace: &Namespace) -> Result<Made, Error> {
    let mut all = Vec::new();
    for connection in namespace.connections().filter(|it| it.store.is_some()) {
        let of = connection.clone();
        let found = stream::iter(connection.catalog.tables().to_vec())
            .map(move |table| {
                let of = of.clone();
                async move {
                    let versions = of.stored(&table)?.versions().await?;
                    let named = |entry| (of.clone(), table.clone(), entry);
                    Ok::<_, Error>(versions.into_iter().map(named).collect::<Vec<_>>())
                }
            })
            .buffered(query::LOOKUPS);
        let found: Vec<_> = found.try_collect().await?;
        all.extend(found.into_iter().flatten());
    }
    let each = || all.iter().map(|(.., entry)| &entry.record);
    Ok(RecordBatch::try_from_iter([
        ("connection", texts(all.iter().map(|(of, ..)| &*of.name))),
        ("table", texts(all.iter().map(|(_, table, _)| &*table.name))),
        ("version", numbers(all.iter().map(|(.., entry)| entry.version))),
        ("committed", moments(all.iter().map(|(.., it)| it.committed.timestamp_micros()))),
        ("load", texts(each().map(|record| &*record.load))),
        ("method", {
            let name = |value: serde_json::Value| value.as_str().map(str::to_owned);
            let methods = each().map(|it| serde_json::to_value(it.method).ok().and_then(name));
            maybe_texts(methods)
        }),
        ("started", moments(each().map(|record| record.started.timestamp_micros()))),
        ("ended", moments(each().map(|record| record.ended.timestamp_micros()))),
        ("rows", numbers(each().map(|record| record.rows))),
        ("pages", numbers(each().map(|record| record.pages))),
        ("requests", numbers(each().map(|record| record.requests))),
        ("resource_units", numbers(each().map(|record| record.resource_units))),
        ("inserted", counts(each().map(|it| it.changes.as_ref().map(|it| it.inserted)))),
        ("updated", counts(each().map(|it| it.changes.as_ref().map(|it| it.updated)))),
        ("deleted", counts(each().map(|it| it.changes.as_ref().map(|it| it.deleted)))),
    ]))
}

/// The last exchanges with Graph, the oldest first.
fn requests(namespace: &Namespace) -> Made {
    let mut all = Vec::new();
    for connection in namespace.connections() {
        let exchanges = connection.live.graph().exchanges().into_iter();
        all.extend(exchanges.map(|exchange| (&*connection.name, exchange)));
    }
    let each = || all.iter().map(|(_, exchange)| exchange);
    let micros = |time: std::time::Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    RecordBatch::try_from_iter([
        ("connection", texts(all.iter().map(|(connection, _)| *connection))),
        ("at", moments(each().map(|it| micros(it.at)))),
        ("table", texts(each().map(|it| &*it.table))),
        ("client_request_id", texts(each().map(|it| &*it.client_request_id))),
        ("status", numbers(each().map(|it| it.status.into()))),
        ("requests", numbers(each().map(|it| it.requests.into()))),
        ("pages", numbers(each().map(|it| it.pages))),
        ("rows", numbers(each().map(|it| it.rows))),
        ("bytes", numbers(each().map(|it| it.bytes))),
        ("resource_units", numbers(each().map(|it| it.resource_units.into()))),
        ("wait_ms", numbers(each().map(|it| millis(it.waited)))),
        ("took_ms", numbers(each().map(|it| millis(it.took)))),
    ])
}

fn counts(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    Arc::new(values.into_iter().map(|it| it.map(number)).collect::<Int64Array>())
}

fn limits() -> Made {
    let all: [(&str, u64, &str); 12] = [
        ("statement_bytes", query::STATEMENT_BYTES_MAX as u64, "bytes of a statement"),
        ("statement_words", query::WORDS_MAX as u64, "words and signs besides values"),
        ("statement_depth", query::DEPTH_MAX as u64, "levels of nesting"),
        ("statement_memory", query::MEMORY_BYTES_MAX as u64, "bytes for all statements together"),
        ("parameter_sets", query::BINDINGS_MAX as u64, "sets of parameters of one statement"),
        ("ids_by_request", limits::graph::FILTER_IDS_MAX as u64, "ids read without a listing"),
        (
            "parents_by_id",
            limits::graph::FILTER_PARENTS_MAX as u64,
            "parents read without a listing",
        ),
        ("frame_bytes", limits::flight::FRAME_BYTES_MAX as u64, "bytes of a message to a client"),
        ("message_bytes", limits::flight::MESSAGE_BYTES_MAX as u64, "bytes of a message from one"),
        ("streams", limits::flight::STREAMS_MAX.into(), "calls at once on a connection"),
        (
            "retry_wait_seconds",
            limits::graph::RETRY_WAIT_MAX.as_secs(),
            "seconds that Graph may ask for",
        ),
        ("page_bytes", limits::graph::BODY_BYTES_MAX as u64, "bytes of a page of Graph"),
    ];
    RecordBatch::try_from_iter([
        ("limit", texts(all.map(|(name, ..)| name))),
        ("value", numbers(all.map(|(_, value, _)| value))),
        ("of", texts(all.map(|(.., of)| of))),
    ])
}
