//! What the server tells of a table before it is read.

use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};

use super::Error;
use super::ticket::{self, Asked};
use crate::catalog::Table;
use crate::query::{Command, Plan};

/// The answer to `get_flight_info`, and one entry of `list_flights`.
///
/// An endpoint has no location: its ticket is redeemed where it was given. A live table has one
/// endpoint and unknown totals, -1; a stored version knows its rows and bytes and has an endpoint
/// for each of its parts, which a client may read side by side and in any order.
///
/// # Errors
///
/// [`Error::Encode`] if the schema cannot be written, which would be a fault of ours.
pub fn flight_info(
    asked: &Asked,
    descriptor: FlightDescriptor,
    plan: &Plan,
) -> Result<FlightInfo, Error> {
    let total = |count: Option<u64>| count.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1);
    // With a limit, a filter or a choice of columns the totals of the version are not the answer's.
    let known = match &asked.command {
        Command::Table(request)
            if request.limit.is_none() && request.part.is_none() && request.filter.is_none() =>
        {
            plan.known().map(|known| (known, request.columns.is_none()))
        }
        _ => None,
    };
    let bytes = known.and_then(|(known, whole)| whole.then_some(known.bytes));
    let known = known.map(|(known, _)| known);
    let mut info = FlightInfo::new()
        .try_with_schema(&plan.schema())
        .map_err(Error::Encode)?
        .with_descriptor(descriptor)
        .with_total_records(total(known.map(|known| known.rows)))
        .with_total_bytes(total(bytes))
        .with_app_metadata(metadata(plan));
    for command in plan.parts(&asked.command) {
        let part = Asked { command, ..asked.clone() };
        let ticket = Ticket { ticket: ticket::write(&part)? };
        info = info.with_endpoint(FlightEndpoint::new().with_ticket(ticket));
    }
    Ok(info)
}

/// What is known of the table, and of its version where it is stored; nothing of a statement.
fn metadata(plan: &Plan) -> String {
    let Some(opened) = &plan.table else { return String::new() };
    let mut about = about(&opened.table);
    if let Some(known) = opened.known() {
        about["version"] = known.version.into();
    }
    about.to_string()
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
