//! The other end of the wire, for the command line.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::error::FlightError;
use arrow_flight::{Action, Criteria, FlightClient, FlightDescriptor, Ticket};
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::ticket;
use crate::error::Kind;
use crate::limits;
use crate::query::Command;

/// A client of a running server.
#[derive(Debug)]
pub struct Client {
    flight: FlightClient,
}

/// A table as a server lists it.
#[derive(Clone, Debug)]
pub struct TableInfo {
    /// The last part of its path.
    pub name: String,
    /// Its columns.
    pub schema: SchemaRef,
    /// What the server says of it besides.
    pub about: Value,
}

/// Why a server did not answer as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address cannot be used.
    #[error("`{address}` is not the address of a server")]
    Address {
        /// What was given.
        address: String,
    },
    /// Nobody answers there.
    #[error("could not reach the server at `{address}`")]
    Connect {
        /// Where.
        address: String,
        /// What the network said.
        #[source]
        source: tonic::transport::Error,
    },
    /// The server answered with a failure, which its message tells whole.
    #[error("{}", .0.message())]
    Answered(Box<Status>),
    /// The server answered something else than Flight.
    #[error("the server's answer cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ClientError {
    /// The reaction that this asks for; of an answered failure it is the server's own.
    pub fn kind(&self) -> Kind {
        match self {
            ClientError::Address { .. } => Kind::Invalid,
            ClientError::Connect { .. } => Kind::Unavailable,
            ClientError::Unreadable(_) => Kind::Corrupt,
            ClientError::Answered(status) => match status.code() {
                Code::InvalidArgument => Kind::Invalid,
                Code::NotFound => Kind::NotFound,
                Code::Unauthenticated => Kind::Unauthenticated,
                Code::PermissionDenied => Kind::Forbidden,
                Code::Unimplemented => Kind::Unsupported,
                Code::FailedPrecondition => Kind::Refused,
                Code::ResourceExhausted => Kind::Throttled,
                Code::Unavailable => Kind::Unavailable,
                Code::DeadlineExceeded => Kind::TimedOut,
                Code::DataLoss => Kind::Corrupt,
                Code::Cancelled => Kind::Cancelled,
                _ => Kind::Internal,
            },
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            ClientError::Address { .. } => Some("use `grpc://HOST:PORT`".to_owned()),
            ClientError::Connect { .. } => {
                Some("start one with `entra-flight serve`, or leave `--server` out".to_owned())
            }
            _ => None,
        }
    }
}

impl From<FlightError> for ClientError {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Tonic(status) => ClientError::Answered(status),
            other => ClientError::Unreadable(Box::new(other)),
        }
    }
}

impl Client {
    /// Connects to `grpc://host:port`.
    ///
    /// # Errors
    ///
    /// [`ClientError::Address`] or [`ClientError::Connect`].
    pub async fn connect(address: &str) -> Result<Self, ClientError> {
        let unusable = || ClientError::Address { address: address.to_owned() };
        let rest = address.strip_prefix("grpc://").or_else(|| address.strip_prefix("grpc+tcp://"));
        let endpoint = Endpoint::try_from(format!("http://{}", rest.ok_or_else(unusable)?))
            .map_err(|_| unusable())?;
        let channel = endpoint.connect_timeout(limits::flight::CONNECT).connect().await;
        let channel: Channel = channel
            .map_err(|source| ClientError::Connect { address: address.to_owned(), source })?;
        let flight = FlightClient::new_from_inner(
            arrow_flight::flight_service_client::FlightServiceClient::new(channel)
                .max_decoding_message_size(limits::flight::ANSWER_BYTES_MAX),
        );
        Ok(Client { flight })
    }

    /// The tables whose name fits `pattern`.
    ///
    /// # Errors
    ///
    /// Those of the server, and [`ClientError::Unreadable`].
    pub async fn tables(&mut self, pattern: &str) -> Result<Vec<TableInfo>, ClientError> {
        let criteria = Criteria { expression: Bytes::copy_from_slice(pattern.as_bytes()) };
        let flights = self.flight.list_flights(criteria.expression).await?;
        flights
            .map_err(ClientError::from)
            .and_then(|info| async move {
                let about = serde_json::from_slice(&info.app_metadata).unwrap_or(Value::Null);
                let path = info.flight_descriptor.as_ref().and_then(|it| it.path.last().cloned());
                let schema = info
                    .try_decode_schema()
                    .map_err(|error| ClientError::Unreadable(Box::new(error)))?;
                Ok(TableInfo { name: path.unwrap_or_default(), schema: schema.into(), about })
            })
            .try_collect()
            .await
    }

    /// The columns that `command` would give.
    ///
    /// # Errors
    ///
    /// Those of the server, and [`ClientError::Unreadable`].
    pub async fn schema(&mut self, command: &Command) -> Result<SchemaRef, ClientError> {
        let command = FlightDescriptor::new_cmd(written(command)?);
        Ok(self.flight.get_schema(command).await?.into())
    }

    /// Reads what is asked for.
    ///
    /// # Errors
    ///
    /// Those of the server, before or in the stream.
    pub async fn read(
        &mut self,
        command: &Command,
    ) -> Result<BoxStream<'static, Result<RecordBatch, ClientError>>, ClientError> {
        let ticket = Ticket { ticket: written(command)? };
        let batches = self.flight.do_get(ticket).await?;
        Ok(batches.map_err(ClientError::from).boxed())
    }

    /// Runs an action; each result is a line of JSON.
    ///
    /// # Errors
    ///
    /// Those of the server, and [`ClientError::Unreadable`].
    pub async fn action(&mut self, name: &str, body: &Value) -> Result<Vec<Value>, ClientError> {
        let results = self.flight.do_action(Action::new(name, body.to_string())).await?;
        let lines: Vec<Bytes> = results.try_collect().await?;
        let parse = |line: Bytes| serde_json::from_slice(&line);
        lines
            .into_iter()
            .map(|line| parse(line).map_err(|error| ClientError::Unreadable(Box::new(error))))
            .collect()
    }
}

fn written(command: &Command) -> Result<Bytes, ClientError> {
    let ticket = ticket::write(&command.clone().into());
    ticket.map_err(|error| ClientError::Unreadable(Box::new(error)))
}
