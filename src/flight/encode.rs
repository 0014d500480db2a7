//! Batches as Flight frames.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use futures::stream::{self, Stream, TryStreamExt as _};
use tonic::Status;

use super::{Error, status};
use crate::limits;

/// Turns batches into frames, the schema first, each frame well under the 4 MiB that many clients
/// take at most.
///
/// Batches come from the decoder with about the right size and go out whole. One that is larger,
/// because a few of its rows are, is cut into equal runs of rows, each copied: a slice would carry
/// the offsets of its parent. A single row is never cut.
pub fn frames<S>(schema: SchemaRef, batches: S) -> impl Stream<Item = Result<FlightData, Status>>
where
    S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
{
    let parts =
        batches
            .map_ok(|batch| {
                stream::iter(cut(batch).map_err(Error::Encode).map_or_else(
                    |error| vec![Err(error)],
                    |parts| parts.into_iter().map(Ok).collect(),
                ))
            })
            .try_flatten()
            .map_err(|error| FlightError::Tonic(Box::new(status::status(&error))));
    FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_max_flight_data_size(usize::MAX)
        .build(parts)
        .map_err(|error| match error {
            FlightError::Tonic(status) => *status,
            other => status::status(&Error::Encode(arrow::error::ArrowError::from_external_error(
                Box::new(other),
            ))),
        })
}

fn cut(batch: RecordBatch) -> Result<Vec<RecordBatch>, arrow::error::ArrowError> {
    let bytes = batch.get_array_memory_size();
    let rows = batch.num_rows();
    if bytes <= limits::flight::FRAME_BYTES_MAX || rows <= 1 {
        return Ok(vec![batch]);
    }
    let parts = bytes.div_ceil(limits::flight::FRAME_BYTES_MAX / 2).min(rows);
    let step = rows.div_ceil(parts);
    let schema: Arc<_> = batch.schema();
    let starts = (0..rows).step_by(step);
    starts
        .map(|start| concat_batches(&schema, [&batch.slice(start, step.min(rows - start))]))
        .collect()
}
