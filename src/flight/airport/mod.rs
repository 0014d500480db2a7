//! DuckDB's `ATTACH … (TYPE airport)`: a catalogue over plain Flight.
//!
//! DuckDB asks for the catalogue and for the endpoints of each scan with actions whose bodies are
//! maps in MessagePack (`messages`), hands its filters on as its own serialized expressions
//! (`filters`), and reads rows with `DoGet`. The rows have every column of the table; those that
//! were not asked for are null (`padded`). Stored tables tell its planner what they know of their
//! columns (`statistics`) and, while they are read, how far that is. All reads of a transaction see
//! the versions that were the newest when it began.
//!
//! <https://airport.query.farm>

mod filters;
mod messages;
mod statistics;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::UNIX_EPOCH;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use prost::Message as _;
use tonic::metadata::MetadataMap;

use self::messages::{
    Blob, CatalogRequest, CatalogRoot, CatalogVersion, Contents, EndpointsRequest,
    FlightInfoRequest, Metadata, Parameters, Progress, Schema, StatisticsRequest, Transaction,
};
use super::ticket::{self, Asked};
use super::wanted::{self, Wanted};
use super::{Error, running};
use crate::catalog::Scan;
use crate::clock;
use crate::query::{self, Command, Engine, Listed, Of, Plan, Request, SCHEMAS, Version};
use crate::snapshot::Which;

/// Name and description of each action that is answered here.
pub const ACTIONS: [(&str, &str); 6] = [
    ("list_schemas", "Airport: the schemas and tables of a connection."),
    ("catalog_version", "Airport: a number that changes with every stored version."),
    ("column_statistics", "Airport: bounds of a column of a stored table."),
    ("create_transaction", "Airport: begins a transaction, whose name is the time."),
    ("endpoints", "Airport: the tickets of a scan."),
    ("flight_info", "Airport: a table as of a stored version."),
];

/// What Airport knows and a server that only reads does not do.
const WRITES: [&str; 16] = [
    "add_column",
    "add_constraint",
    "add_field",
    "change_column_type",
    "create_schema",
    "create_table",
    "drop_not_null",
    "drop_schema",
    "drop_table",
    "remove_column",
    "remove_field",
    "rename_column",
    "rename_field",
    "rename_table",
    "set_default",
    "set_not_null",
];

/// The `airport-operation` of each exchange that writes.
const EXCHANGES: [&str; 3] = ["insert", "update", "delete"];

/// The place of a ticket that is redeemed where it was given.
const HERE: &str = "arrow-flight-reuse-connection://?";

/// What the [`mark`] of a table's columns begins with.
const MARK: char = '#';

/// Columns from here on are none of the table's.
const VIRTUAL: u64 = 1 << 63;

/// Runs an action of Airport; `None` if it is none.
///
/// # Errors
///
/// [`Error::Writes`] for what writes, [`Error::Airport`] for bodies that cannot be read, and what
/// planning meets.
pub async fn run(
    engine: &Engine,
    name: &str,
    body: &Bytes,
    transaction: Option<Which>,
) -> Result<Option<Bytes>, Error> {
    let answer = match name {
        "list_schemas" => list_schemas(engine, &decoded::<CatalogRequest>(body)?).await?,
        "catalog_version" => {
            let asked: CatalogRequest = decoded(body)?;
            let tables = tables(engine, &asked.catalog_name).await?;
            encoded(&version(engine, &tables))?
        }
        "create_transaction" => {
            let asked: CatalogRequest = decoded(body)?;
            engine.namespace().connection(Some(&asked.catalog_name))?;
            encoded(&Transaction { identifier: Some(begun()) })?
        }
        "column_statistics" => column_statistics(engine, decoded(body)?, transaction).await?,
        "endpoints" => endpoints(engine, decoded(body)?, transaction).await?,
        "flight_info" => flight_info(engine, decoded(body)?).await?,
        _ if WRITES.contains(&name) => {
            return Err(Error::Writes { operation: name.to_owned() });
        }
        _ => return Ok(None),
    };
    Ok(Some(answer.into()))
}

fn decoded<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    messages::decode(body).map_err(|error| Error::Airport(Box::new(error)))
}

fn encoded<T: serde::Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    messages::encode(message).map_err(|error| Error::Airport(Box::new(error)))
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    messages::packed(bytes).map_err(|error| Error::Airport(Box::new(error)))
}

/// The tables of a connection.
async fn tables(engine: &Engine, catalog: &str) -> Result<Vec<Listed>, Error> {
    let catalog = engine.namespace().connection(Some(catalog))?.name.clone();
    Ok(engine.list(|name| name.catalog == catalog).await?)
}

async fn list_schemas(engine: &Engine, asked: &CatalogRequest) -> Result<Vec<u8>, Error> {
    let tables = tables(engine, &asked.catalog_name).await?;
    let mut schemas = Vec::new();
    for name in SCHEMAS {
        let of: Vec<_> = tables.iter().filter(|listed| listed.schema == name).collect();
        if of.is_empty() {
            continue;
        }
        let infos: Vec<Vec<u8>> = of
            .into_iter()
            .map(|listed| Ok(listed_info(engine, listed)?.encode_to_vec()))
            .collect::<Result<_, Error>>()?;
        let serialized = Blob(packed(&messages::infos(&infos))?);
        schemas.push(Schema {
            name: name.to_owned(),
            description: description(name).to_owned(),
            tags: BTreeMap::new(),
            contents: Contents { sha256: String::new(), url: None, serialized: Some(serialized) },
            is_default: Some(name == SCHEMAS[0]),
        });
    }
    let root = CatalogRoot {
        contents: Contents { sha256: String::new(), url: None, serialized: None },
        schemas,
        version_info: version(engine, &tables),
    };
    packed(&encoded(&root)?)
}

fn description(schema: &str) -> &'static str {
    match schema {
        "directory" => "Tables as they are now, or as they were stored a while ago",
        "live" => "Tables as Graph has them now",
        "stored" => "The newest stored version of each table",
        _ => "What the server knows of itself",
    }
}

/// A number that changes with the list of tables and with what their statistics say, which only a
/// store lets change: each of its versions counts.
fn version(engine: &Engine, tables: &[Listed]) -> CatalogVersion {
    let stores = engine.namespace().connections().any(|connection| connection.store.is_some());
    let versions: u64 = tables.iter().filter_map(|listed| listed.version).sum();
    CatalogVersion { catalog_version: tables.len() as u64 + versions, is_fixed: !stores }
}

/// A table in the catalogue: its endpoints are asked for with each scan.
fn listed_info(engine: &Engine, listed: &Listed) -> Result<FlightInfo, Error> {
    let mut path = vec![listed.schema.to_owned(), listed.name.to_string()];
    if engine.namespace().connections().nth(1).is_some() {
        path.insert(0, listed.catalog.to_string());
    }
    // The client knows columns by their places, and asks for the catalogue once: a stored table has
    // all columns of its table, and what is attached can be told from another.
    let columns = match &listed.table {
        Some(table) => {
            let columns =
                Scan::new(table.clone(), None, None).map_err(query::Error::from)?.schema();
            path.push(mark(&columns));
            columns
        }
        None => listed.columns.clone(),
    };
    let about = Metadata {
        kind: "table".to_owned(),
        schema: listed.schema.to_owned(),
        catalog: listed.catalog.to_string(),
        name: listed.name.to_string(),
        comment: listed.table.as_ref().map(|table| table.description.to_string()),
        ..Metadata::default()
    };
    let rows = listed.rows.and_then(|rows| i64::try_from(rows).ok());
    let mut schema = (*columns).clone();
    if listed.version.is_some() {
        schema.metadata.insert(statistics::FLAG.to_owned(), "1".to_owned());
    }
    Ok(FlightInfo::new()
        .try_with_schema(&schema)
        .map_err(Error::Encode)?
        .with_descriptor(FlightDescriptor::new_path(path))
        .with_total_records(rows.unwrap_or(-1))
        .with_app_metadata(encoded(&about)?))
}

/// The part of a path that tells tables of other columns apart.
fn mark(columns: &SchemaRef) -> String {
    let mut hasher = DefaultHasher::new();
    columns.fields().iter().for_each(|field| (field.name(), field.data_type()).hash(&mut hasher));
    format!("{MARK}{:016x}", hasher.finish())
}

/// What the client has of a table.
struct Attached {
    /// What its descriptor asks for, at a version if one is named.
    asked: Asked,
    /// The descriptor as it came.
    descriptor: FlightDescriptor,
    /// The [`mark`] of the columns that it knows.
    mark: Option<String>,
}

fn attached(
    descriptor: &Blob,
    at_unit: Option<&str>,
    at_value: Option<&str>,
) -> Result<Attached, Error> {
    let descriptor = FlightDescriptor::decode(&*descriptor.0)
        .map_err(|error| Error::Airport(Box::new(error)))?;
    let mut plain = descriptor.clone();
    let mark = plain.path.pop_if(|part| part.starts_with(MARK));
    let Wanted::Rows(mut asked) = wanted::described(&plain)? else {
        return Err(Error::ReadOnly { method: "endpoints".to_owned() });
    };
    if let (Some(unit), Some(value)) = (at_unit, at_value)
        && !unit.is_empty()
        && let Command::Table(request) = &mut asked.command
    {
        let which = value.trim().replacen(' ', "T", 1).parse().map_err(ticket::Error::from)?;
        request.of = Of::Rows(Some(Version::Stored(which)));
    }
    Ok(Attached { asked, descriptor, mark })
}

/// The name of a transaction that begins now.
fn begun() -> String {
    humantime::format_rfc3339_micros(UNIX_EPOCH + clock::unix_now()).to_string()
}

/// When the transaction began that a call belongs to, from its name.
pub fn transaction(metadata: &MetadataMap) -> Option<Which> {
    metadata.get("airport-transaction-id")?.to_str().ok()?.parse().ok()
}

/// What an exchange would write, if it is one of Airport's that writes.
pub fn written(metadata: &MetadataMap) -> Option<&str> {
    let operation = metadata.get("airport-operation")?.to_str().ok()?;
    EXCHANGES.contains(&operation).then_some(operation)
}

/// Reads the newest version as it was when the transaction began; that of a table which had none
/// then is the newest now.
async fn pin(engine: &Engine, request: &mut Request, transaction: Option<Which>) {
    let newest = Of::Rows(Some(Version::Stored(Which::Latest)));
    let Some(began) = transaction.filter(|_| request.of == newest) else { return };
    let then = Request { of: Of::Rows(Some(Version::Stored(began))), ..request.clone() };
    if engine.plan(then.clone()).await.is_ok() {
        *request = then;
    }
}

async fn column_statistics(
    engine: &Engine,
    request: StatisticsRequest,
    transaction: Option<Which>,
) -> Result<Vec<u8>, Error> {
    let Attached { mut asked, .. } = attached(&request.flight_descriptor, None, None)?;
    let Command::Table(table) = &mut asked.command else { return Err(Error::NoStatistics) };
    pin(engine, table, transaction).await;
    let plan = engine.plan(asked.command).await?;
    let opened = plan.table.as_ref().ok_or(Error::NoStatistics)?;
    let bounds = opened.bounds(&request.column_name).await?;
    statistics::written(&bounds).map_err(Error::Encode)
}

/// How many rows a scan will give, where that is known.
pub fn expected(command: &Command, plan: &Plan) -> Option<u64> {
    let Command::Table(request) = command else { return None };
    let all = request.filter.is_none() && request.limit.is_none();
    plan.table.as_ref().filter(|_| all)?.rows_of(request.part)
}

/// What is said along with each batch of a scan of so many rows.
pub fn progress(rows: u64) -> impl FnMut(&RecordBatch) -> Vec<u8> {
    let mut come = 0;
    move |batch| {
        come += batch.num_rows() as u64;
        let progress = if rows == 0 { 1.0 } else { come.min(rows) as f64 / rows as f64 };
        messages::encode(&Progress { progress }).unwrap_or_default()
    }
}

async fn endpoints(
    engine: &Engine,
    request: EndpointsRequest,
    transaction: Option<Which>,
) -> Result<Vec<u8>, Error> {
    let EndpointsRequest { descriptor, parameters } = request;
    let (unit, value) = (parameters.at_unit.as_deref(), parameters.at_value.as_deref());
    let Attached { mut asked, mark, .. } = attached(&descriptor, unit, value)?;
    asked.call = Some(running::name());
    if let Command::Table(request) = &mut asked.command {
        asked.padded = true;
        pin(engine, request, transaction).await;
        narrow(engine, request, &parameters, mark).await?;
    }
    let plan = engine.plan(asked.command.clone()).await?;
    let mut all = Vec::new();
    for command in plan.parts(&asked.command) {
        let part = Asked { command, ..asked.clone() };
        let ticket = Ticket { ticket: ticket::write(&part)? };
        let endpoint = FlightEndpoint::new().with_ticket(ticket).with_location(HERE);
        all.push(endpoint.encode_to_vec());
    }
    Ok(messages::endpoints(&all))
}

/// Asks for the columns and rows that the scan needs, as far as they are understood.
async fn narrow(
    engine: &Engine,
    request: &mut Request,
    parameters: &Parameters,
    known: Option<String>,
) -> Result<(), Error> {
    let plan = engine.plan(request.clone()).await?;
    let whole = plan.whole().unwrap_or_else(|| plan.schema());
    if known.is_some_and(|known| known != mark(&whole)) {
        return Err(Error::Reattach);
    }
    let every = 0..whole.fields().len() as u64;
    let ids = parameters.column_ids.clone().unwrap_or_else(|| every.collect());
    let own = ids.iter().filter(|id| **id < VIRTUAL);
    let named = own.filter_map(|id| whole.fields().get(usize::try_from(*id).ok()?));
    // A version that was asked for gives nulls for what it has not; another one is not read then.
    let has = |name: &str| match (&request.of, &plan.table) {
        (Of::Rows(Some(_)), Some(opened)) => opened.has(name),
        _ => true,
    };
    let mut columns: Vec<String> = Vec::new();
    for field in named.filter(|field| has(field.name())) {
        if !columns.contains(field.name()) {
            columns.push(field.name().clone());
        }
    }
    // Rows that are only counted have a column too.
    if columns.is_empty() {
        columns.extend(whole.fields().first().map(|field| field.name().clone()));
    }
    request.columns = Some(columns);
    let filter = parameters.json_filters.as_deref().and_then(filters::sql);
    let filtered = Request { filter, ..request.clone() };
    // DuckDB filters again: what the engine does not understand is not sent.
    if filtered.filter.is_some() && engine.plan(filtered.clone()).await.is_ok() {
        *request = filtered;
    }
    Ok(())
}

async fn flight_info(engine: &Engine, request: FlightInfoRequest) -> Result<Vec<u8>, Error> {
    let FlightInfoRequest { descriptor, at_unit, at_value } = request;
    let attached = attached(&descriptor, at_unit.as_deref(), at_value.as_deref())?;
    let plan = engine.plan(attached.asked.command).await?;
    let known = plan.known().and_then(|known| i64::try_from(known.rows).ok());
    let info = FlightInfo::new()
        .try_with_schema(&plan.whole().unwrap_or_else(|| plan.schema()))
        .map_err(Error::Encode)?
        .with_descriptor(attached.descriptor)
        .with_total_records(known.unwrap_or(-1));
    Ok(info.encode_to_vec())
}

/// The batch with all columns of the table; those that it has not are null.
///
/// # Errors
///
/// [`Error::Encode`], which would be a fault of ours.
pub fn padded(batch: &RecordBatch, whole: &SchemaRef) -> Result<RecordBatch, Error> {
    let rows = batch.num_rows();
    let columns = whole.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => column.clone(),
        None => new_null_array(field.data_type(), rows),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(whole.clone(), columns.collect(), &options)
        .map_err(Error::Encode)
}
