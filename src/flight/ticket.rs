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
use crate::query::{Of, Part, Request, Version};
use crate::snapshot::{Which, WhichError};

/// The part of a path that asks for what changed.
const CHANGES: &str = "changes";

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
    /// A path that names no table, or goes on after all that can be named.
    #[error("a path of {parts} parts does not name a table")]
    Path {
        /// How many it has.
        parts: usize,
    },
    /// A version that is none.
    #[error("the version cannot be read")]
    Version(#[from] WhichError),
    /// Both a version of the rows and changes are asked for.
    #[error("the request asks for rows and for changes at once")]
    RowsAndChanges,
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
    TicketVersion {
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
            Error::TicketVersion { .. } | Error::Message(_) => {
                "ask for a new ticket with get_flight_info".to_owned()
            }
            Error::Path { .. } | Error::Descriptor => {
                "use the path `[\"users\"]`, `[\"connection\", \"users\"]`, `[\"users\", \"latest\"]` or \
                 `[\"users\", \"changes\"]`"
                    .to_owned()
            }
            Error::Version(_) => {
                "use `live`, `latest`, a number, or a time such as `2026-11-01T02:00:00Z`".to_owned()
            }
            Error::RowsAndChanges => "leave out `version`, or `from` and `to`".to_owned(),
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
    version: Option<Named>,
    /// `"changes": true` asks for changes; so do `from` and `to`.
    #[serde(default)]
    changes: bool,
    from: Option<Named>,
    to: Option<Named>,
}

/// A version in JSON: a number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Named {
    /// Such as `12`.
    Number(u64),
    /// Such as `"latest"`.
    Text(String),
}

impl Named {
    /// Both as they stand in a path.
    pub fn text(self) -> String {
        match self {
            Named::Number(number) => number.to_string(),
            Named::Text(text) => text,
        }
    }
}

/// Reads a descriptor.
///
/// # Errors
///
/// [`Kind::Invalid`] for what cannot be read, [`Kind::Unsupported`] for SQL in any form.
pub fn describe(descriptor: &FlightDescriptor) -> Result<Request, Error> {
    match descriptor.r#type() {
        DescriptorType::Cmd => read(&descriptor.cmd),
        DescriptorType::Path => path(&descriptor.path),
        DescriptorType::Unknown => Err(Error::Descriptor),
    }
}

/// Reads `[connection] table [version | "changes" [from [to]]]`.
///
/// A second part that is a version or `changes` belongs to the table before it; any other second
/// part is a table, and what stands before it a connection.
fn path(parts: &[String]) -> Result<Request, Error> {
    let wrong = Error::Path { parts: parts.len() };
    let is_state = |part: &String| part == CHANGES || part.parse::<Version>().is_ok();
    let (connection, table, rest) = match parts {
        [table, rest @ ..] if rest.first().is_none_or(is_state) => (None, table, rest),
        [connection, table, rest @ ..] => (Some(connection.clone()), table, rest),
        _ => return Err(wrong),
    };
    let of = match rest {
        [] => Of::Rows(None),
        [word, from_to @ ..] if word == CHANGES && from_to.len() <= 2 => {
            changes(from_to.first().map(String::as_str), from_to.get(1).map(String::as_str))?
        }
        [version] => Of::Rows(Some(version.parse()?)),
        _ => return Err(wrong),
    };
    Ok(Request { connection, of, ..Request::table(table) })
}

fn changes(from: Option<&str>, to: Option<&str>) -> Result<Of, Error> {
    let from = from.map(str::parse).transpose()?;
    Ok(Of::Changes { from, to: to.map_or(Ok(Which::Latest), str::parse)? })
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
    let (at, changes) = match &request.of {
        Of::Rows(None) => (None, None),
        Of::Rows(Some(Version::Live)) => (Some("live".to_owned()), None),
        Of::Rows(Some(Version::Stored(which))) => (Some(which.to_string()), None),
        Of::Changes { from, to } => {
            let from = from.map(|from| from.to_string());
            (None, Some(proto::Changes { from, to: Some(to.to_string()) }))
        }
    };
    let message = proto::Read {
        version: VERSION,
        connection: request.connection.clone(),
        table: request.table.clone(),
        columns: request.columns.clone().map(|names| proto::Columns { names }),
        limit: request.limit,
        at,
        changes,
        part: request.part.map(|Part { index, of }| proto::Part { index, of }),
    };
    message.encode_to_vec().into()
}

fn json(bytes: &[u8]) -> Result<Request, Error> {
    let json: Json = serde_json::from_slice(bytes).map_err(Error::Json)?;
    let (version, from, to) =
        (json.version.map(Named::text), json.from.map(Named::text), json.to.map(Named::text));
    let of = if json.changes || from.is_some() || to.is_some() {
        Some((from.as_deref(), to.as_deref()))
    } else {
        None
    };
    Ok(Request {
        connection: json.connection,
        table: json.table,
        columns: json.columns,
        limit: json.limit,
        of: state(version.as_deref(), of)?,
        part: None,
    })
}

fn message(bytes: &[u8]) -> Result<Request, Error> {
    let read = proto::Read::decode(bytes).map_err(Error::Message)?;
    if read.version != VERSION {
        return Err(Error::TicketVersion { found: read.version });
    }
    let changes = read.changes.as_ref().map(|it| (it.from.as_deref(), it.to.as_deref()));
    Ok(Request {
        of: state(read.at.as_deref(), changes)?,
        connection: read.connection,
        table: read.table,
        columns: read.columns.map(|columns| columns.names),
        limit: read.limit,
        part: read.part.map(|proto::Part { index, of }| Part { index, of }),
    })
}

/// The state meant by a version, or by the two ends of a comparison.
fn state(
    version: Option<&str>,
    compared: Option<(Option<&str>, Option<&str>)>,
) -> Result<Of, Error> {
    match (version, compared) {
        (Some(_), Some(_)) => Err(Error::RowsAndChanges),
        (version, None) => Ok(Of::Rows(version.map(str::parse).transpose()?)),
        (None, Some((from, to))) => changes(from, to),
    }
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
