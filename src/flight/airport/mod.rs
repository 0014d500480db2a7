//! DuckDB's `ATTACH … (TYPE airport)`: a catalogue over plain Flight.
//!
//! DuckDB asks for the catalogue and for the endpoints of each scan with actions whose bodies are
//! maps in MessagePack (`messages`), hands its filters on as its own serialized expressions
//! (`filters`), and reads rows with `DoGet`. The rows have every column of the table; those that
//! were not asked for are null (`padded`).
//!
//! <https://airport.query.farm>

mod filters;
mod messages;

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::SchemaRef;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use prost::Message as _;

use self::messages::{
    Blob, CatalogRequest, CatalogRoot, CatalogVersion, Contents, EndpointsRequest,
    FlightInfoRequest, Metadata, Parameters, Schema, Transaction,
};
use super::ticket::{self, Asked};
use super::wanted::{self, Wanted};
use super::{Error, running};
use crate::query::{Command, Engine, Listed, Of, Request, SCHEMAS, Stored, Version};

/// Name and description of each action that is answered here.
pub const ACTIONS: [(&str, &str); 5] = [
    ("list_schemas", "Airport: the schemas and tables of a connection."),
    ("catalog_version", "Airport: a number that changes with the list of tables."),
    ("create_transaction", "Airport: begins a transaction, which has no name: nothing is written."),
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

/// The place of a ticket that is redeemed where it was given.
const HERE: &str = "arrow-flight-reuse-connection://?";

/// Columns from here on are none of the table's.
const VIRTUAL: u64 = 1 << 63;

/// Runs an action of Airport; `None` if it is none.
///
/// # Errors
///
/// [`Error::ReadOnly`] for what writes, [`Error::Airport`] for bodies that cannot be read, and what
/// planning meets.
pub async fn run(engine: &Engine, name: &str, body: &Bytes) -> Result<Option<Bytes>, Error> {
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
            encoded(&Transaction { identifier: None })?
        }
        "endpoints" => endpoints(engine, decoded(body)?).await?,
        "flight_info" => flight_info(engine, decoded(body)?).await?,
        _ if WRITES.contains(&name) => {
            return Err(Error::ReadOnly { method: name.to_owned() });
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
    let name = engine.namespace().connection(Some(catalog))?.name.clone();
    let mut tables = engine.list(Stored::LookedUp).await?;
    tables.retain(|listed| listed.catalog == name);
    Ok(tables)
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

/// A number that changes with the list of tables, which only a store lets change.
fn version(engine: &Engine, tables: &[Listed]) -> CatalogVersion {
    let stores = engine.namespace().connections().any(|connection| connection.store.is_some());
    CatalogVersion { catalog_version: tables.len() as u64, is_fixed: !stores }
}

/// A table in the catalogue: its endpoints are asked for with each scan.
fn listed_info(engine: &Engine, listed: &Listed) -> Result<FlightInfo, Error> {
    let mut path = vec![listed.schema.to_owned(), listed.name.to_string()];
    if engine.namespace().connections().nth(1).is_some() {
        path.insert(0, listed.catalog.to_string());
    }
    let about = Metadata {
        kind: "table".to_owned(),
        schema: listed.schema.to_owned(),
        catalog: listed.catalog.to_string(),
        name: listed.name.to_string(),
        comment: listed.table.as_ref().map(|table| table.description.to_string()),
        ..Metadata::default()
    };
    let rows = listed.rows.and_then(|rows| i64::try_from(rows).ok());
    Ok(FlightInfo::new()
        .try_with_schema(&listed.columns)
        .map_err(Error::Encode)?
        .with_descriptor(FlightDescriptor::new_path(path))
        .with_total_records(rows.unwrap_or(-1))
        .with_app_metadata(encoded(&about)?))
}

/// What a descriptor asks for, at a version if one is named.
fn asked_for(
    descriptor: &Blob,
    at_unit: Option<&str>,
    at_value: Option<&str>,
) -> Result<(Asked, FlightDescriptor), Error> {
    let descriptor = FlightDescriptor::decode(&*descriptor.0)
        .map_err(|error| Error::Airport(Box::new(error)))?;
    let Wanted::Rows(mut asked) = wanted::described(&descriptor)? else {
        return Err(Error::ReadOnly { method: "endpoints".to_owned() });
    };
    if let (Some(unit), Some(value)) = (at_unit, at_value)
        && !unit.is_empty()
        && let Command::Table(request) = &mut asked.command
    {
        let which = value.trim().replacen(' ', "T", 1).parse().map_err(ticket::Error::from)?;
        request.of = Of::Rows(Some(Version::Stored(which)));
    }
    Ok((asked, descriptor))
}

async fn endpoints(engine: &Engine, request: EndpointsRequest) -> Result<Vec<u8>, Error> {
    let EndpointsRequest { descriptor, parameters } = request;
    let (unit, value) = (parameters.at_unit.as_deref(), parameters.at_value.as_deref());
    let (mut asked, _) = asked_for(&descriptor, unit, value)?;
    asked.call = Some(running::name());
    if let Command::Table(request) = &mut asked.command {
        asked.padded = true;
        narrow(engine, request, &parameters).await?;
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
) -> Result<(), Error> {
    let plan = engine.plan(request.clone()).await?;
    let whole = plan.schema();
    if let Some(ids) = &parameters.column_ids {
        let own = ids.iter().filter(|id| **id < VIRTUAL);
        let named = own.filter_map(|id| whole.fields().get(usize::try_from(*id).ok()?));
        let mut columns: Vec<String> = Vec::new();
        for field in named {
            if !columns.contains(field.name()) {
                columns.push(field.name().clone());
            }
        }
        // Rows that are only counted have a column too.
        if columns.is_empty() {
            columns.extend(whole.fields().first().map(|field| field.name().clone()));
        }
        request.columns = Some(columns);
    }
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
    let (asked, descriptor) = asked_for(&descriptor, at_unit.as_deref(), at_value.as_deref())?;
    let plan = engine.plan(asked.command).await?;
    let known = plan.known().and_then(|known| i64::try_from(known.rows).ok());
    let info = FlightInfo::new()
        .try_with_schema(&plan.schema())
        .map_err(Error::Encode)?
        .with_descriptor(descriptor)
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
