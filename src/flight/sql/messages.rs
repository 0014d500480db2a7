//! Messages of Flight that arrow-flight has no types for.
//!
//! Names and numbers are those of the published protocol.
//!
//! <https://github.com/apache/arrow/blob/main/format/Flight.proto>

use std::collections::HashMap;

use arrow_flight::sql::{Any, ProstMessageExt};
use bytes::Bytes;
use prost::Message;

/// The answer to `CreatePreparedStatement`, with a field that tells queries from updates.
#[derive(Clone, PartialEq, Message)]
pub struct CreatedPreparedStatement {
    /// What the statement is called from now on.
    #[prost(bytes = "bytes", tag = "1")]
    pub prepared_statement_handle: Bytes,
    /// The schema of its answer, as an encapsulated IPC message.
    #[prost(bytes = "bytes", tag = "2")]
    pub dataset_schema: Bytes,
    /// The schema of its parameters, likewise; empty if it has none.
    #[prost(bytes = "bytes", tag = "3")]
    pub parameter_schema: Bytes,
    /// Whether it writes.
    #[prost(bool, optional, tag = "4")]
    pub is_update: Option<bool>,
}

impl ProstMessageExt for CreatedPreparedStatement {
    fn type_url() -> &'static str {
        "type.googleapis.com/arrow.flight.protocol.sql.ActionCreatePreparedStatementResult"
    }

    fn as_any(&self) -> Any {
        Any { type_url: Self::type_url().to_owned(), value: self.encode_to_vec().into() }
    }
}

/// The value of an option of a session; without one it is unset.
#[derive(Clone, PartialEq, Message)]
pub struct SessionOptionValue {
    /// The value.
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub value: Option<OptionValue>,
}

/// The kinds of values.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum OptionValue {
    /// Text.
    #[prost(string, tag = "1")]
    Text(String),
    /// True or false.
    #[prost(bool, tag = "2")]
    Boolean(bool),
    /// A whole number.
    #[prost(sfixed64, tag = "3")]
    Integer(i64),
    /// A number.
    #[prost(double, tag = "4")]
    Double(f64),
    /// Several texts.
    #[prost(message, tag = "5")]
    Texts(Texts),
}

/// Several texts.
#[derive(Clone, PartialEq, Message)]
pub struct Texts {
    /// The texts.
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
}

/// The body of `SetSessionOptions`.
#[derive(Clone, PartialEq, Message)]
pub struct SetSessionOptionsRequest {
    /// Options by name.
    #[prost(map = "string, message", tag = "1")]
    pub session_options: HashMap<String, SessionOptionValue>,
}

/// Why an option was not set.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct OptionError {
    /// One of [`INVALID_NAME`] and [`INVALID_VALUE`].
    #[prost(int32, tag = "1")]
    pub value: i32,
}

/// There is no such option.
pub const INVALID_NAME: i32 = 1;

/// It cannot have this value.
pub const INVALID_VALUE: i32 = 2;

/// The answer to `SetSessionOptions`.
#[derive(Clone, PartialEq, Message)]
pub struct SetSessionOptionsResult {
    /// The options that were not set.
    #[prost(map = "string, message", tag = "1")]
    pub errors: HashMap<String, OptionError>,
}

/// The answer to `GetSessionOptions`.
#[derive(Clone, PartialEq, Message)]
pub struct GetSessionOptionsResult {
    /// Options by name.
    #[prost(map = "string, message", tag = "1")]
    pub session_options: HashMap<String, SessionOptionValue>,
}

/// The answer to `CloseSession`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct CloseSessionResult {
    /// [`CLOSED`].
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// The session is closed.
pub const CLOSED: i32 = 1;
