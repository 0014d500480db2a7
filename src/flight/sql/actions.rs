//! The actions of Flight SQL: prepared statements, sessions, cancelling.

use arrow::datatypes::Schema;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionCreatePreparedStatementRequest, Any,
    ProstMessageExt,
};
use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo, IpcMessage,
    SchemaAsIpc,
};
use bytes::Bytes;
use prost::Message;

use super::messages::{
    CLOSED, CloseSessionResult, CreatedPreparedStatement, GetSessionOptionsResult, INVALID_NAME,
    INVALID_VALUE, OptionError, OptionValue, SessionOptionValue, SetSessionOptionsRequest,
    SetSessionOptionsResult,
};
use crate::clock::Instant;
use crate::flight::running::Running;
use crate::flight::sessions::{Chosen, SessionCookie, Sessions};
use crate::flight::ticket::{self, Asked};
use crate::flight::{Error, wanted};
use crate::query::{Command, Engine, SCHEMAS, Statement};

/// Name and description of each action that is answered here.
pub const ACTIONS: [(&str, &str); 7] = [
    ("CreatePreparedStatement", "Flight SQL: prepares a statement."),
    (
        "ClosePreparedStatement",
        "Flight SQL: forgets a prepared statement; there is nothing to forget.",
    ),
    ("CancelQuery", "Flight SQL: cancels the reads of a FlightInfo."),
    ("CancelFlightInfo", "Cancels the reads of a FlightInfo."),
    (
        "SetSessionOptions",
        "Sets `catalog` and `schema` for names without them, for calls with the cookie that it gives.",
    ),
    ("GetSessionOptions", "Gives the options that are set."),
    ("CloseSession", "Forgets the options that are set."),
];

/// What Flight SQL knows and a server that only reads does not do.
const WRITES: [&str; 5] = [
    "BeginTransaction",
    "EndTransaction",
    "BeginSavepoint",
    "EndSavepoint",
    "CreatePreparedSubstraitPlan",
];

/// Who calls and what there is to act on.
#[derive(Debug)]
pub struct Caller<'a> {
    /// Answers statements.
    pub engine: &'a Engine,
    /// What callers have chosen.
    pub sessions: &'a Sessions,
    /// The reads that can be cancelled.
    pub running: &'a Running,
    /// Names the caller's session.
    pub cookie: Option<SessionCookie>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
}

/// The only result of an action, and the cookie that goes with it.
#[derive(Debug, Default)]
pub struct Done {
    /// The result; `None` where there is none.
    pub body: Option<Bytes>,
    /// What the caller's session is known by.
    pub cookie: Option<String>,
}

impl Done {
    fn with(message: &impl Message) -> Self {
        Done { body: Some(message.encode_to_vec().into()), cookie: None }
    }
}

/// Runs an action of Flight SQL; `None` if it is none.
///
/// # Errors
///
/// [`Error::ActionBody`], [`Error::NotServed`] for what writes, and what a statement meets.
pub async fn run(caller: &Caller<'_>, name: &str, body: &Bytes) -> Result<Option<Done>, Error> {
    let done = match name {
        "CreatePreparedStatement" => prepare(caller, packed(name, body)?).await?,
        "ClosePreparedStatement" => Done::default(),
        "CancelQuery" => {
            let request: ActionCancelQueryRequest = packed(name, body)?;
            let info = FlightInfo::decode(request.info).map_err(|error| unread(name, error))?;
            let result = cancel(caller, &info).into();
            Done::with(&ActionCancelQueryResult { result }.as_any())
        }
        "CancelFlightInfo" => {
            let request: CancelFlightInfoRequest = plain(name, body)?;
            let status = cancel(caller, &request.info.unwrap_or_default());
            Done::with(&CancelFlightInfoResult::new(status))
        }
        "SetSessionOptions" => set_options(caller, plain(name, body)?),
        "GetSessionOptions" => get_options(caller)?,
        "CloseSession" => {
            let cookie = Some(caller.sessions.close(caller.cookie.as_ref()));
            Done { cookie, ..Done::with(&CloseSessionResult { status: CLOSED }) }
        }
        _ if WRITES.contains(&name) => {
            let instead = "send statements by themselves: this server only reads";
            return Err(Error::NotServed { method: name.to_owned(), instead });
        }
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// The message in the `Any` that an action's body is.
fn packed<M: Message + Default + ProstMessageExt>(name: &str, body: &Bytes) -> Result<M, Error> {
    let any = Any::decode(body.clone()).map_err(|error| unread(name, error))?;
    any.unpack()
        .map_err(|error| unread(name, error))?
        .ok_or_else(|| unread(name, std::io::Error::other("it is another message")))
}

fn plain<M: Message + Default>(name: &str, body: &Bytes) -> Result<M, Error> {
    M::decode(body.clone()).map_err(|error| unread(name, error))
}

fn unread(name: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::SqlBody { action: name.to_owned(), source: Box::new(error) }
}

async fn prepare(
    caller: &Caller<'_>,
    request: ActionCreatePreparedStatementRequest,
) -> Result<Done, Error> {
    let Chosen { catalog, schema } = caller.sessions.get(caller.cookie.as_ref())?;
    let statement = Statement { catalog, schema, ..Statement::new(request.query) };
    let prepared = caller.engine.prepare(&statement, caller.deadline).await?;
    let parameters = match prepared.parameters.fields().is_empty() {
        true => Bytes::new(),
        false => ipc(&prepared.parameters)?,
    };
    let asked = Asked::from(caller.engine.settled(Command::Sql(statement)));
    let created = CreatedPreparedStatement {
        prepared_statement_handle: ticket::write(&asked)?,
        dataset_schema: ipc(&prepared.schema)?,
        parameter_schema: parameters,
        is_update: Some(false),
    };
    Ok(Done::with(&created.as_any()))
}

/// A schema as an encapsulated IPC message.
fn ipc(schema: &Schema) -> Result<Bytes, Error> {
    let message: IpcMessage =
        SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into().map_err(Error::Encode)?;
    Ok(message.0)
}

/// Cancels the reads of all endpoints.
fn cancel(caller: &Caller<'_>, info: &FlightInfo) -> CancelStatus {
    let tickets = info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref());
    let calls = tickets.filter_map(|ticket| match wanted::read(&ticket.ticket) {
        Ok(wanted::Wanted::Rows(asked)) => asked.call,
        _ => None,
    });
    let mut any = false;
    // Others are no names of ours.
    for call in calls.filter(|call| uuid::Uuid::try_parse(call).is_ok() && call.len() < 40) {
        caller.running.cancel(&call);
        any = true;
    }
    if any { CancelStatus::Cancelled } else { CancelStatus::NotCancellable }
}

fn set_options(caller: &Caller<'_>, request: SetSessionOptionsRequest) -> Done {
    // Whose session is over begins another.
    let mut chosen = caller.sessions.get(caller.cookie.as_ref()).unwrap_or_default();
    let mut errors = std::collections::HashMap::new();
    let asked = request.session_options.len();
    for (name, value) in request.session_options {
        let known = |text: &str| match &*name {
            "catalog" => caller.engine.namespace().connection(Some(text)).is_ok(),
            _ => SCHEMAS.contains(&text),
        };
        let place = match &*name {
            "catalog" => &mut chosen.catalog,
            "schema" => &mut chosen.schema,
            _ => {
                errors.insert(name, OptionError { value: INVALID_NAME });
                continue;
            }
        };
        match value.value {
            None => *place = None,
            Some(OptionValue::Text(text)) if text.is_empty() => *place = None,
            Some(OptionValue::Text(text)) if known(&text) => *place = Some(text),
            Some(_) => {
                errors.insert(name, OptionError { value: INVALID_VALUE });
            }
        }
    }
    // Whoever has set nothing gets no session by it.
    let set = errors.len() < asked;
    let cookie = set.then(|| caller.sessions.set(caller.cookie.as_ref(), &chosen));
    Done { cookie, ..Done::with(&SetSessionOptionsResult { errors }) }
}

/// The options that are set; none without a session.
fn get_options(caller: &Caller<'_>) -> Result<Done, Error> {
    let Chosen { catalog, schema } = caller.sessions.get(caller.cookie.as_ref())?;
    let values = [("catalog", catalog), ("schema", schema)];
    let option = |text: String| SessionOptionValue { value: Some(OptionValue::Text(text)) };
    let session_options = values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), option(value?))))
        .collect();
    Ok(Done::with(&GetSessionOptionsResult { session_options }))
}
