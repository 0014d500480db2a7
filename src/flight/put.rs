//! `do_put`: values for the parameters of a prepared statement, and nothing else.

use std::pin::pin;

use arrow::array::RecordBatch;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Command as Sql, DoPutPreparedStatementResult};
use arrow_flight::{FlightData, PutResult};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tonic::Streaming;

use super::ticket::{self, Asked};
use super::values::ValuesReader;
use super::{Error, wanted};
use crate::clock::Instant;
use crate::limits::flight as limits;
use crate::query::{Command, Engine, Statement};

/// What a message takes besides its bytes, about.
const FRAME_BYTES: usize = 128;

/// Binds the values that come to the statement that they name. The answer is its new handle, which
/// holds them.
///
/// # Errors
///
/// [`Error::ReadOnly`] for everything that would write, [`Error::Parameters`] and
/// [`Error::ParametersTooLong`].
pub async fn bind(
    engine: &Engine,
    mut frames: Streaming<FlightData>,
    deadline: Option<Instant>,
) -> Result<PutResult, Error> {
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
    let messages = received(rest).await?;
    let parameters = engine.apart(deadline, move || joined(&messages)).await??;
    let parameters = Some(parameters);
    let bound = Asked::from(Command::Sql(Statement { parameters, ..statement }));
    let result =
        DoPutPreparedStatementResult { prepared_statement_handle: Some(ticket::write(&bound)?) };
    Ok(PutResult { app_metadata: result.encode_to_vec().into() })
}

/// Messages as they came: heads and bodies.
type Messages = Vec<(Bytes, Bytes)>;

/// All messages of a stream.
async fn received<S>(frames: S) -> Result<Messages, Error>
where
    S: Stream<Item = Result<FlightData, FlightError>> + Send,
{
    let mut frames = pin!(frames);
    let (mut messages, mut bytes) = (Vec::new(), 0);
    while let Some(frame) = frames.next().await {
        let FlightData { data_header, data_body, .. } = frame.map_err(unread)?;
        bytes += data_header.len() + data_body.len() + FRAME_BYTES;
        if bytes > limits::PARAMETER_BYTES_MAX {
            let bytes_max = limits::PARAMETER_BYTES_MAX;
            return Err(Error::ParametersTooLong { bytes, bytes_max });
        }
        // One without a head only names the statement.
        if !data_header.is_empty() {
            messages.push((data_header, data_body));
        }
    }
    Ok(messages)
}

/// All values as one batch.
fn joined(messages: &Messages) -> Result<RecordBatch, Error> {
    let mut values = ValuesReader::default();
    for (head, body) in messages {
        values.take(head, body).map_err(|error| unread(error.into()))?;
    }
    values.finish().map_err(|error| unread(error.into()))
}

fn unread(error: FlightError) -> Error {
    Error::Parameters(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
    use arrow::ipc::{self, root_as_message};
    use arrow_flight::FlightData;
    use arrow_flight::encode::FlightDataEncoderBuilder;
    use futures::executor::block_on;
    use futures::stream::{self, TryStreamExt as _};
    use proptest::prelude::*;

    use super::{Error, joined, received};
    use crate::error::Kind;
    use crate::flight::parameters;

    fn values() -> RecordBatch {
        let numbers = Int32Array::from_iter([Some(1), None, Some(3)]);
        let texts = StringArray::from_iter([None, Some("x"), Some("xyz")]);
        RecordBatch::try_from_iter_with_nullable([
            ("$1", Arc::new(numbers) as _, true),
            ("$2", Arc::new(texts) as _, true),
        ])
        .expect("a batch")
    }

    /// The schema, and the values.
    fn frames() -> Vec<FlightData> {
        let frames = FlightDataEncoderBuilder::new().build(stream::iter([Ok(values())]));
        block_on(frames.try_collect()).expect("frames")
    }

    fn put(frames: Vec<FlightData>) -> Result<RecordBatch, Error> {
        joined(&block_on(received(stream::iter(frames.into_iter().map(Ok))))?)
    }

    /// The head of the schema with these bytes in the place where `holds` is then true of a field.
    fn odd(bytes: &[u8], holds: fn(ipc::Field) -> bool) -> Vec<u8> {
        let schema = frames().remove(0).data_header.to_vec();
        let mut changed = (0..=schema.len() - bytes.len()).map(|at| {
            let mut head = schema.clone();
            head[at..at + bytes.len()].copy_from_slice(bytes);
            head
        });
        let found = changed.find(|head| {
            let schema = root_as_message(head).ok().and_then(|message| message.header_as_schema());
            let fields = schema.and_then(|schema| schema.fields());
            fields.is_some_and(|fields| fields.iter().any(holds))
        });
        found.expect("a place")
    }

    #[test]
    fn the_buffer_that_columns_share_counts_once() {
        let ids: Vec<(String, ArrayRef)> = (1..=300)
            .map(|number| {
                let id = format!("8afa0e98-14be-482e-9aec-{number:012}");
                (format!("${number}"), Arc::new(StringArray::from(vec![id])) as _)
            })
            .collect();
        let batch = RecordBatch::try_from_iter(ids).expect("a batch");
        let frames = FlightDataEncoderBuilder::new().build(stream::iter([Ok(batch.clone())]));
        let frames = block_on(frames.try_collect()).expect("frames");
        assert_eq!(put(frames).expect("values"), batch);
    }

    #[test]
    fn types_that_there_are_not_cannot_be_read() {
        assert_eq!(put(frames()).expect("values"), values());
        let seven = odd(&7_i32.to_le_bytes(), |field| {
            field.type_as_int().is_some_and(|number| number.bitWidth() == 7)
        });
        let childless = odd(&[ipc::Type::List.0], |field| field.type_type() == ipc::Type::List);
        for head in [seven, childless] {
            let mut frames = frames();
            frames[0].data_header = head.clone().into();
            let error = put(frames).expect_err("there is no such type");
            assert_eq!(error.kind(), Kind::Invalid);
            assert_eq!(error.to_string(), "the parameters cannot be read");
            let length = (head.len() as u32).to_le_bytes();
            let stream = [&[0xFF; 4][..], &length[..], &head[..]].concat();
            parameters::read(&stream).expect_err("nor in a ticket");
        }
    }

    proptest! {
        #[test]
        fn broken_heads_are_an_error_or_other_values(
            places in prop::collection::vec(
                (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()),
                1..6,
            ),
        ) {
            let mut frames = frames();
            for (frame, place, byte) in places {
                let at = frame.index(frames.len());
                let mut head = frames[at].data_header.to_vec();
                let place = place.index(head.len());
                head[place] = byte;
                frames[at].data_header = head.into();
            }
            let _ = put(frames).map(|values| values.num_rows());
        }
    }
}
