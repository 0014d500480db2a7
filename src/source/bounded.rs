//! Rows within a limit and a deadline.

use arrow::array::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::time::timeout_at;

use super::Error;
use crate::catalog::Scan;
use crate::clock::Instant;

/// What is left of a read.
struct Left {
    rows: BoxStream<'static, Result<RecordBatch, Error>>,
    limit: u64,
}

/// The first rows, as many as the scan's limit, and an error when the deadline comes first.
pub fn bounded(
    rows: BoxStream<'static, Result<RecordBatch, Error>>,
    scan: &Scan,
    deadline: Instant,
) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let table = scan.table.name.clone();
    let left = Left { rows, limit: scan.limit.unwrap_or(u64::MAX) };
    stream::unfold(Some(left), move |left| {
        let table = table.clone();
        async move {
            let mut left = left.filter(|left| left.limit > 0)?;
            match timeout_at(deadline, left.rows.next()).await {
                Ok(Some(Ok(batch))) => {
                    let rows = usize::try_from(left.limit).unwrap_or(usize::MAX);
                    let batch = if rows < batch.num_rows() { batch.slice(0, rows) } else { batch };
                    left.limit -= batch.num_rows() as u64;
                    Some((Ok(batch), Some(left)))
                }
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => None,
                Err(_) => Some((Err(Error::TooLate { table: table.to_string() }), None)),
            }
        }
    })
    .boxed()
}
