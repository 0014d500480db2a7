//! Batches as Flight frames.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
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
/// because a few of its rows are, is halved until its parts are not, each part copied: a slice
/// would carry the buffers of its parent. A single row is never cut.
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
            other => {
                status::status(&Error::Encode(ArrowError::from_external_error(Box::new(other))))
            }
        })
}

fn cut(batch: RecordBatch) -> Result<Vec<RecordBatch>, ArrowError> {
    let rows = batch.num_rows();
    if batch.get_array_memory_size() <= limits::flight::FRAME_BYTES_MAX || rows <= 1 {
        return Ok(vec![batch]);
    }
    let schema = batch.schema();
    let half = |start: usize, rows| concat_batches(&schema, [&batch.slice(start, rows)]);
    let mut parts = cut(half(0, rows / 2)?)?;
    parts.extend(cut(half(rows / 2, rows - rows / 2)?)?);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray as _, RecordBatch, StringArray};

    use super::{cut, limits};

    #[test]
    fn large_rows_side_by_side_go_out_one_by_one() {
        let long = "x".repeat(limits::flight::FRAME_BYTES_MAX * 2 / 3);
        let cells = (0..1_000).map(|row| if (500..504).contains(&row) { &*long } else { "short" });
        let cells: StringArray = cells.map(Some).collect();
        let batch = RecordBatch::try_from_iter([("cell", Arc::new(cells) as _)]).expect("a batch");
        let parts = cut(batch.clone()).expect("parts");
        for part in &parts {
            let small = part.get_array_memory_size() <= limits::flight::FRAME_BYTES_MAX;
            assert!(small || part.num_rows() == 1, "{} rows", part.num_rows());
        }
        let whole: Vec<_> =
            parts.iter().flat_map(|part| part.column(0).as_string::<i32>()).collect();
        assert_eq!(whole, batch.column(0).as_string::<i32>().iter().collect::<Vec<_>>());
    }
}
