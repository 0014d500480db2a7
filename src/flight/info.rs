//! What the server tells of a table before it is read.

use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};

use super::{Error, ticket};
use crate::catalog::Table;
use crate::query::{Plan, Request};

/// The answer to `get_flight_info`, and one entry of `list_flights`.
///
/// There is one endpoint, without a location: the ticket is redeemed where it was given. How many
/// rows there are is not known before they are read, so both totals are -1.
///
/// # Errors
///
/// [`Error::Encode`] if the schema cannot be written, which would be a fault of ours.
pub fn flight_info(
    request: &Request,
    descriptor: FlightDescriptor,
    plan: &Plan,
) -> Result<FlightInfo, Error> {
    let ticket = Ticket { ticket: ticket::write(request) };
    let info = FlightInfo::new()
        .try_with_schema(&plan.schema())
        .map_err(Error::Encode)?
        .with_descriptor(descriptor)
        .with_endpoint(FlightEndpoint::new().with_ticket(ticket))
        .with_total_records(-1)
        .with_total_bytes(-1)
        .with_app_metadata(about(&plan.scan.table).to_string());
    Ok(info)
}

/// A table in a few words, as JSON: the `app_metadata` of its FlightInfo and a line of the action
/// `tables`.
pub fn about(table: &Table) -> serde_json::Value {
    serde_json::json!({
        "table": *table.name,
        "description": *table.description,
        "path": *table.path,
        "key": table.key.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "columns": table.columns.len(),
        "permissions": table.permissions.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "licence": table.licence.map(|licence| licence.to_string()),
    })
}
