//! What clients hand in: descriptors, commands and tickets become a [`Command`], and back.
//!
//! The first byte tells the forms apart: `0x08` opens our own message (`proto/ticket.proto`), `{`
//! opens JSON, and anything else is text: one word is a table, several are SQL. The `Any` of a
//! Flight SQL command, which `0x0a` opens, is not read here but in `sql`.

use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use bytes::Bytes;
use prost::Message as _;
use serde::Deserialize;

use super::{parameters, proto};
use crate::error::Kind;
use crate::query::{
    Command, DIRECTORY, LIVE, Of, Part, Request, STORED, SYSTEM, Statement, Version,
};
use crate::snapshot::{Which, WhichError};

/// The part of a path that asks for what changed.
const CHANGES: &str = "changes";

/// The version of [`proto::Read`] that is written and understood.
const VERSION: u32 = 1;

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
    /// The values of a statement's parameters cannot be read.
    #[error("the parameters are not an Arrow IPC stream of one batch")]
    Parameters(#[source] arrow::error::ArrowError),
    /// Neither a table nor a statement, or both.
    #[error("the command names neither a table nor a statement, or both")]
    TableOrSql,
    /// What says nothing beside what else is asked for.
    #[error("`{key}` does not go with `{with}`")]
    Beside {
        /// What it is called.
        key: &'static str,
        /// What it stands beside.
        with: &'static str,
    },
    /// A schema whose tables are not read by their names.
    #[error("no table is read from a schema `{schema}`")]
    Schema {
        /// What was asked for.
        schema: String,
    },
    /// None of the forms.
    #[error("the command or ticket is neither JSON, nor a ticket of this server, nor a table name")]
    Unknown,
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        Kind::Invalid
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
            Error::Beside { key: "schema", with } => format!("leave out `schema`, or `{with}`"),
            Error::Beside { .. } => "say it in the statement: with its columns, `WHERE`, `LIMIT`, \
                 `as_of('users', 12)` or `changes('users')`"
                .to_owned(),
            Error::Schema { .. } => {
                "use `directory`, `live` or `stored`, or SQL, which reads `system` as well"
                    .to_owned()
            }
            _ => "use a path `[\"users\"]`, or JSON such as \
                  `{\"table\":\"users\",\"columns\":[\"id\"],\"limit\":10}`"
                .to_owned(),
        })
    }
}

/// What a ticket, or a command, asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What is read.
    pub command: Command,
    /// Names the read, so that it can be cancelled.
    pub call: Option<String>,
    /// Whether all columns of the table are answered, null where they were not asked for.
    pub padded: bool,
}

impl From<Command> for Asked {
    fn from(command: Command) -> Self {
        Asked { command, call: None, padded: false }
    }
}

/// The JSON form of a command or ticket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    connection: Option<String>,
    table: Option<String>,
    sql: Option<String>,
    /// Of the names in `sql` without one, or of `table`.
    schema: Option<String>,
    columns: Option<Vec<String>>,
    filter: Option<String>,
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
/// [`Kind::Invalid`] for what cannot be read.
pub fn describe(descriptor: &FlightDescriptor) -> Result<Asked, Error> {
    match descriptor.r#type() {
        DescriptorType::Cmd => read(&descriptor.cmd),
        DescriptorType::Path => Ok(match &*descriptor.path {
            [schema, table] if schema == SYSTEM => system(None, table),
            [connection, schema, table] if schema == SYSTEM => system(Some(connection), table),
            parts => Command::Table(path(parts)?),
        }
        .into()),
        DescriptorType::Unknown => Err(Error::Descriptor),
    }
}

/// The rows of a table of the server itself.
fn system(connection: Option<&String>, table: &str) -> Command {
    let table = table.replace('"', "\"\"");
    let statement = Statement::new(format!("SELECT * FROM system.\"{table}\""));
    Command::Sql(Statement { catalog: connection.cloned(), ..statement })
}

/// Reads `[connection | schema] table [version | "changes" [from [to]]]`.
///
/// A second part that is a version or `changes` belongs to the table before it; any other second
/// part is a table, and what stands before it a connection.
fn path(parts: &[String]) -> Result<Request, Error> {
    let wrong = Error::Path { parts: parts.len() };
    let is_state = |part: &String| part == CHANGES || part.parse::<Version>().is_ok();
    let (connection, table, rest) = match parts {
        [table, rest @ ..] if rest.first().is_none_or(is_state) => (None, table, rest),
        [connection, schema, table] if [DIRECTORY, LIVE, STORED].contains(&schema.as_str()) => {
            let request = path(&[schema.clone(), table.clone()])?;
            return Ok(Request { connection: Some(connection.clone()), ..request });
        }
        [connection, table, rest @ ..] => (Some(connection.clone()), table, rest),
        _ => return Err(wrong),
    };
    let (connection, of) = match connection.as_deref().and_then(schema) {
        Some(of) => (None, of),
        None => (connection, Of::Rows(None)),
    };
    let of = match rest {
        [] => of,
        [word, from_to @ ..] if word == CHANGES && from_to.len() <= 2 => {
            changes(from_to.first().map(String::as_str), from_to.get(1).map(String::as_str))?
        }
        [version] => Of::Rows(Some(version.parse()?)),
        _ => return Err(wrong),
    };
    Ok(Request { connection, of, ..Request::table(table) })
}

/// The state that the tables of a schema are read in.
fn schema(name: &str) -> Option<Of> {
    match name {
        DIRECTORY => Some(Of::Rows(None)),
        LIVE => Some(Of::Rows(Some(Version::Live))),
        STORED => Some(Of::Rows(Some(Version::Stored(Which::Latest)))),
        _ => None,
    }
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
pub fn read(bytes: &[u8]) -> Result<Asked, Error> {
    match bytes.trim_ascii_start().first() {
        None => Err(Error::Empty),
        Some(b'{') => Ok(json(bytes)?.into()),
        Some(0x08) => message(bytes),
        Some(_) => Ok(text(bytes)?.into()),
    }
}

/// A ticket that holds the whole of what is asked, so that any replica can redeem it.
///
/// # Errors
///
/// [`Error::Parameters`] if the values of a statement's parameters cannot be written.
pub fn write(asked: &Asked) -> Result<Bytes, Error> {
    let mut message = match &asked.command {
        Command::Table(request) => table_message(request),
        Command::Sql(statement) => statement_message(statement)?,
    };
    message.call.clone_from(&asked.call);
    message.padded = asked.padded;
    Ok(message.encode_to_vec().into())
}

fn table_message(request: &Request) -> proto::Read {
    let (at, changes) = match &request.of {
        Of::Rows(None) => (None, None),
        Of::Rows(Some(Version::Live)) => (Some("live".to_owned()), None),
        Of::Rows(Some(Version::Stored(which))) => (Some(which.to_string()), None),
        Of::Changes { from, to } => {
            let from = from.map(|from| from.to_string());
            (None, Some(proto::Changes { from, to: Some(to.to_string()) }))
        }
    };
    proto::Read {
        version: VERSION,
        connection: request.connection.clone(),
        table: request.table.clone(),
        columns: request.columns.clone().map(|names| proto::Columns { names }),
        limit: request.limit,
        at,
        changes,
        part: request.part.map(part_message),
        filter: request.filter.clone(),
        ..proto::Read::default()
    }
}

fn statement_message(statement: &Statement) -> Result<proto::Read, Error> {
    let parameters = statement
        .parameters
        .as_ref()
        .map(parameters::write)
        .transpose()
        .map_err(Error::Parameters)?;
    Ok(proto::Read {
        version: VERSION,
        connection: statement.catalog.clone(),
        part: statement.part.map(part_message),
        query: Some(proto::Query {
            sql: statement.text.to_string(),
            schema: statement.schema.clone(),
            version: statement.version,
            parameters: parameters.unwrap_or_default(),
        }),
        ..proto::Read::default()
    })
}

fn part_message(part: Part) -> proto::Part {
    proto::Part { index: part.index, of: part.of }
}

fn json(bytes: &[u8]) -> Result<Command, Error> {
    let json: Json = serde_json::from_slice(bytes).map_err(Error::Json)?;
    let table = match (json.table, json.sql) {
        (Some(table), None) => table,
        (None, Some(sql)) => {
            let of_table = [
                ("columns", json.columns.is_some()),
                ("filter", json.filter.is_some()),
                ("limit", json.limit.is_some()),
                ("version", json.version.is_some()),
                ("changes", json.changes),
                ("from", json.from.is_some()),
                ("to", json.to.is_some()),
            ];
            alone("sql", of_table)?;
            let (catalog, schema) = (json.connection, json.schema);
            return Ok(Statement { catalog, schema, ..Statement::new(sql) }.into());
        }
        _ => return Err(Error::TableOrSql),
    };
    let (version, from, to) =
        (json.version.map(Named::text), json.from.map(Named::text), json.to.map(Named::text));
    let of = if json.changes || from.is_some() || to.is_some() {
        Some((from.as_deref(), to.as_deref()))
    } else {
        None
    };
    let of = match json.schema {
        None => state(version.as_deref(), of)?,
        Some(_) if version.is_some() => {
            return Err(Error::Beside { key: "schema", with: "version" });
        }
        Some(_) if of.is_some() => return Err(Error::Beside { key: "schema", with: "changes" }),
        Some(name) => schema(&name).ok_or(Error::Schema { schema: name })?,
    };
    Ok(Command::Table(Request {
        connection: json.connection,
        table,
        columns: json.columns,
        filter: json.filter,
        limit: json.limit,
        of,
        part: None,
    }))
}

fn message(bytes: &[u8]) -> Result<Asked, Error> {
    let read = proto::Read::decode(bytes).map_err(Error::Message)?;
    if read.version != VERSION {
        return Err(Error::TicketVersion { found: read.version });
    }
    let part = read.part.map(|proto::Part { index, of }| Part { index, of });
    let command = match read.query {
        Some(_) if !read.table.is_empty() => return Err(Error::TableOrSql),
        Some(query) => {
            let of_table = [
                ("columns", read.columns.is_some()),
                ("limit", read.limit.is_some()),
                ("at", read.at.is_some()),
                ("changes", read.changes.is_some()),
                ("filter", read.filter.is_some()),
            ];
            alone("query", of_table)?;
            Command::Sql(Statement {
                text: query.sql.into(),
                catalog: read.connection,
                schema: query.schema,
                parameters: match &*query.parameters {
                    [] => None,
                    values => Some(parameters::read(values).map_err(Error::Parameters)?),
                },
                part,
                version: query.version,
            })
        }
        None => {
            let changes = read.changes.as_ref().map(|it| (it.from.as_deref(), it.to.as_deref()));
            Command::Table(Request {
                of: state(read.at.as_deref(), changes)?,
                connection: read.connection,
                table: read.table,
                columns: read.columns.map(|columns| columns.names),
                filter: read.filter,
                limit: read.limit,
                part,
            })
        }
    };
    Ok(Asked { command, call: read.call, padded: read.padded })
}

/// Refuses what was given beside a statement and belongs to a table.
fn alone<const N: usize>(
    with: &'static str,
    given: [(&'static str, bool); N],
) -> Result<(), Error> {
    match given.into_iter().find(|(_, given)| *given) {
        Some((key, _)) => Err(Error::Beside { key, with }),
        None => Ok(()),
    }
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

fn text(bytes: &[u8]) -> Result<Command, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Unknown)?.trim();
    if text.starts_with(char::is_control) {
        return Err(Error::Unknown);
    }
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    if is_name(text) {
        Ok(Request::table(text).into())
    } else if text.contains([' ', '\n', '\r', '\t', '(']) {
        Ok(Statement::new(text).into())
    } else {
        Err(Error::Unknown)
    }
}
