//! What clients hand in: descriptors, commands and tickets become a [`Request`], and back.
//!
//! The first byte tells the forms apart: `0x08` opens our own message (`proto/ticket.proto`), `{`
//! opens JSON, `0x0a` opens the `Any` of a Flight SQL command, and anything else is text.

use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use bytes::Bytes;
use prost::Message as _;
use serde::Deserialize;

use super::proto;
use crate::catalog;
use crate::error::Kind;
use crate::query::Request;

/// The version of [`proto::Read`] that is written and understood.
const VERSION: u32 = 1;

/// Every command of Flight SQL is an `Any` with this in front of its name.
const FLIGHT_SQL: &str = "type.googleapis.com/arrow.flight.protocol.sql.";

/// Why a descriptor, command or ticket cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither a path nor a command.
    #[error("the descriptor is neither a path nor a command")]
    Descriptor,
    /// A path of no parts, or of more than two.
    #[error("a path has one part or two, and this one has {parts}")]
    Path {
        /// How many it has.
        parts: usize,
    },
    /// No bytes.
    #[error("the command or ticket is empty")]
    Empty,
    /// Opens like JSON and is not, or not of this shape.
    #[error("the command or ticket is not the JSON expected")]
    Json(#[source] serde_json::Error),
    /// Opens like our message and is not.
    #[error("the ticket cannot be read")]
    Message(#[source] prost::DecodeError),
    /// Our message of another version.
    #[error("the ticket is of version {found}, and this server reads version {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// Flight SQL.
    #[error("this server does not answer the Flight SQL command `{command}`")]
    FlightSql {
        /// Its name.
        command: String,
    },
    /// A statement.
    #[error("this server does not answer SQL statements")]
    Sql,
    /// None of the forms.
    #[error("the command or ticket is neither JSON, nor a ticket of this server, nor a table name")]
    Unknown,
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::FlightSql { .. } | Error::Sql => Kind::Unsupported,
            _ => Kind::Invalid,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Version { .. } | Error::Message(_) => {
                "ask for a new ticket with get_flight_info".to_owned()
            }
            Error::Path { .. } | Error::Descriptor => {
                "use the path `[\"users\"]` or `[\"connection\", \"users\"]`".to_owned()
            }
            _ => "use a path `[\"users\"]`, or JSON such as \
                  `{\"table\":\"users\",\"columns\":[\"id\"],\"limit\":10}`"
                .to_owned(),
        })
    }
}

/// `google.protobuf.Any`, as far as its name.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
}

/// The JSON form of a command or ticket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    connection: Option<String>,
    table: String,
    columns: Option<Vec<String>>,
    limit: Option<u64>,
}

/// Reads a descriptor.
///
/// # Errors
///
/// [`Kind::Invalid`] for what cannot be read, [`Kind::Unsupported`] for SQL in any form.
pub fn describe(descriptor: &FlightDescriptor) -> Result<Request, Error> {
    match descriptor.r#type() {
        DescriptorType::Cmd => read(&descriptor.cmd),
        DescriptorType::Path => match descriptor.path.as_slice() {
            [table] => Ok(Request::table(table)),
            [connection, table] => {
                Ok(Request { connection: Some(connection.clone()), ..Request::table(table) })
            }
            parts => Err(Error::Path { parts: parts.len() }),
        },
        DescriptorType::Unknown => Err(Error::Descriptor),
    }
}

/// Reads a command or a ticket.
///
/// # Errors
///
/// As [`describe`].
pub fn read(bytes: &[u8]) -> Result<Request, Error> {
    match bytes.trim_ascii_start().first() {
        None => Err(Error::Empty),
        Some(b'{') => json(bytes),
        Some(0x08) => message(bytes),
        Some(_) => text(bytes),
    }
}

/// A ticket that holds the whole request, so that any replica can redeem it.
pub fn write(request: &Request) -> Bytes {
    let message = proto::Read {
        version: VERSION,
        connection: request.connection.clone(),
        table: request.table.clone(),
        columns: request.columns.clone().map(|names| proto::Columns { names }),
        limit: request.limit,
    };
    message.encode_to_vec().into()
}

fn json(bytes: &[u8]) -> Result<Request, Error> {
    let Json { connection, table, columns, limit } =
        serde_json::from_slice(bytes).map_err(Error::Json)?;
    Ok(Request { connection, table, columns, limit })
}

fn message(bytes: &[u8]) -> Result<Request, Error> {
    let proto::Read { version, connection, table, columns, limit } =
        proto::Read::decode(bytes).map_err(Error::Message)?;
    if version != VERSION {
        return Err(Error::Version { found: version });
    }
    Ok(Request { connection, table, columns: columns.map(|columns| columns.names), limit })
}

fn text(bytes: &[u8]) -> Result<Request, Error> {
    if let Some(command) = flight_sql(bytes) {
        return Err(Error::FlightSql { command });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Unknown)?.trim();
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    if ["select", "with", "explain", "show"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Err(Error::Sql);
    }
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    if is_name(text) { Ok(Request::table(text)) } else { Err(Error::Unknown) }
}

/// The name of the Flight SQL command that these bytes are, if they are one.
fn flight_sql(bytes: &[u8]) -> Option<String> {
    let any = Any::decode(bytes).ok()?;
    any.type_url.strip_prefix(FLIGHT_SQL).map(catalog::shown)
}
