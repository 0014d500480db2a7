//! What a descriptor or a ticket wants: rows, or what Flight SQL tells of the server.

use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{Any, Command as Sql};
use bytes::Bytes;
use prost::Message as _;

use super::Error;
use super::ticket::{self, Asked};
use crate::catalog;
use crate::query::{Command, Statement};

/// Every command of Flight SQL is an `Any` with this in front of its name.
const FLIGHT_SQL: &str = "type.googleapis.com/arrow.flight.protocol.sql.";

/// The path that gives the names of all connections, for DuckDB's `airport_databases`.
const DATABASES: &str = "__databases";

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Rows of a table, or the answer to a statement.
    Rows(Asked),
    /// What Flight SQL's metadata commands tell, and the command as it came.
    Told(Box<Sql>, Bytes),
}

/// Reads a descriptor.
///
/// # Errors
///
/// [`Error::Ticket`], and [`Error::ReadOnly`] and [`Error::NotServed`] for what is not answered.
pub fn described(descriptor: &FlightDescriptor) -> Result<Wanted, Error> {
    match descriptor.r#type() {
        DescriptorType::Cmd => read(&descriptor.cmd),
        DescriptorType::Path if descriptor.path == [DATABASES] => Ok(databases()),
        _ => Ok(Wanted::Rows(ticket::describe(descriptor)?)),
    }
}

/// Reads a command or a ticket.
///
/// # Errors
///
/// As [`described`].
pub fn read(bytes: &Bytes) -> Result<Wanted, Error> {
    match command(bytes) {
        Some(command) => flight_sql(command?, bytes),
        None if **bytes == *DATABASES.as_bytes() => Ok(databases()),
        None => Ok(Wanted::Rows(ticket::read(bytes)?)),
    }
}

fn databases() -> Wanted {
    let text = "select connection as database_name, connection as description \
                from system.connections";
    Wanted::Rows(Command::from(Statement::new(text)).into())
}

/// The Flight SQL command that these bytes are; `None` if they are none.
pub fn command(bytes: &[u8]) -> Option<Result<Sql, Error>> {
    let any = Any::decode(bytes).ok()?;
    let name = any.type_url.strip_prefix(FLIGHT_SQL).map(catalog::shown)?;
    Some(Sql::try_from(any).map_err(|source| Error::Command { name, source }))
}

fn flight_sql(command: Sql, bytes: &Bytes) -> Result<Wanted, Error> {
    match command {
        Sql::CommandStatementQuery(query) => {
            Ok(Wanted::Rows(Command::from(Statement::new(query.query)).into()))
        }
        Sql::CommandPreparedStatementQuery(query) => {
            Ok(Wanted::Rows(ticket::read(&query.prepared_statement_handle)?))
        }
        Sql::TicketStatementQuery(query) => {
            Ok(Wanted::Rows(ticket::read(&query.statement_handle)?))
        }
        Sql::CommandGetCatalogs(_)
        | Sql::CommandGetDbSchemas(_)
        | Sql::CommandGetTables(_)
        | Sql::CommandGetTableTypes(_)
        | Sql::CommandGetSqlInfo(_)
        | Sql::CommandGetXdbcTypeInfo(_)
        | Sql::CommandGetPrimaryKeys(_)
        | Sql::CommandGetExportedKeys(_)
        | Sql::CommandGetImportedKeys(_)
        | Sql::CommandGetCrossReference(_) => Ok(Wanted::Told(Box::new(command), bytes.clone())),
        other => Err(refused(&other)),
    }
}

/// Why a command is not answered.
pub fn refused(command: &Sql) -> Error {
    let url = command.type_url();
    let name = catalog::shown(url.strip_prefix(FLIGHT_SQL).unwrap_or(url));
    match command {
        Sql::CommandStatementUpdate(_)
        | Sql::CommandPreparedStatementUpdate(_)
        | Sql::CommandStatementIngest(_) => Error::ReadOnly { method: name },
        Sql::CommandStatementSubstraitPlan(_) => {
            let instead = "send the statement as SQL";
            Error::NotServed { method: name, instead }
        }
        _ => Error::NotServed { method: name, instead: "ask with a command of Flight SQL" },
    }
}
