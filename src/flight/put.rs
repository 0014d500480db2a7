//! `do_put`: values for the parameters of a prepared statement, and nothing else.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Command as Sql, DoPutPreparedStatementResult};
use arrow_flight::{FlightData, PutResult};
use futures::future;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tonic::Streaming;

use super::ticket::{self, Asked};
use super::{Error, parameters, wanted};
use crate::limits::flight as limits;
use crate::query::{Command, Statement};

/// What a batch takes besides its values, about.
const BATCH_BYTES: usize = 1 << 10;

/// Binds the values that come to the statement that they name. The answer is its new handle, which
/// holds them.
///
/// # Errors
///
/// [`Error::ReadOnly`] for everything that would write, [`Error::Parameters`] and
/// [`Error::ParametersTooLong`].
pub async fn bind(mut frames: Streaming<FlightData>) -> Result<PutResult, Error> {
    let first = frames.message().await.map_err(|status| unread(FlightError::from(status)))?;
    let Some(first) = first else { return Err(Error::ReadOnly { method: "do_put".to_owned() }) };
    let descriptor = first.flight_descriptor.clone().unwrap_or_default();
    let handle = match wanted::command(&descriptor.cmd) {
        Some(command) => match command? {
            Sql::CommandPreparedStatementQuery(query) => query.prepared_statement_handle,
            other => return Err(wanted::refused(&other)),
        },
        None => return Err(Error::ReadOnly { method: "do_put".to_owned() }),
    };
    let Asked { command: Command::Sql(statement), .. } = ticket::read(&handle)? else {
        return Err(Error::ReadOnly { method: "do_put".to_owned() });
    };
    let rest = stream::iter([Ok(first)]).chain(frames.map_err(FlightError::from));
    let rest = rest.and_then(|frame| future::ready(checked(frame)));
    let parameters = Some(read(FlightRecordBatchStream::new_from_flight_data(rest)).await?);
    let bound = Asked::from(Command::Sql(Statement { parameters, ..statement }));
    let result =
        DoPutPreparedStatementResult { prepared_statement_handle: Some(ticket::write(&bound)?) };
    Ok(PutResult { app_metadata: result.encode_to_vec().into() })
}

/// All values as one batch.
async fn read(mut values: FlightRecordBatchStream) -> Result<RecordBatch, Error> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut bytes = 0;
    while let Some(batch) = values.next().await {
        let batch = batch.map_err(unread)?;
        // One without columns takes memory too.
        bytes += batch.get_array_memory_size() + BATCH_BYTES;
        if bytes > limits::PARAMETER_BYTES_MAX {
            let bytes_max = limits::PARAMETER_BYTES_MAX;
            return Err(Error::ParametersTooLong { bytes, bytes_max });
        }
        batches.push(batch);
    }
    let schema = match (batches.first(), values.schema()) {
        (Some(first), _) => first.schema(),
        (None, Some(schema)) => schema.clone(),
        (None, None) => return Err(unread(FlightError::protocol("no schema came"))),
    };
    concat_batches(&schema, &batches).map_err(|error| Error::Parameters(Box::new(error)))
}

/// A frame whose lengths hold.
fn checked(frame: FlightData) -> Result<FlightData, FlightError> {
    if !frame.data_header.is_empty() {
        parameters::check(&frame.data_header, frame.data_body.len())?;
    }
    Ok(frame)
}

fn unread(error: FlightError) -> Error {
    Error::Parameters(Box::new(error))
}
