//! One call: its deadline, its work in a task of its own, and its line in the log.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::stream::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::metadata::MetadataMap;

use super::Error;
use crate::clock::{self, Instant};
use crate::graph::Meter;
use crate::limits;
use crate::query::{Answer, Plan};

/// When the caller stops waiting, from its `grpc-timeout`; `None` where it named no time.
///
/// The header is a number of at most eight digits and a unit, after the gRPC specification
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
pub fn deadline(metadata: &MetadataMap) -> Option<Instant> {
    let header = metadata.get("grpc-timeout")?.to_str().ok()?;
    clock::now().checked_add(timeout(header)?)
}

fn timeout(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Reads the answer in a task of its own, so that decoding goes on while frames are sent.
///
/// At most [`limits::flight::BATCHES_AHEAD`] batches wait for the client; then the read waits too,
/// which is what holds Graph back when a client is slow. Dropping the stream ends the task and
/// with it the request in flight.
pub fn drive(
    answer: Answer,
    mut watch: Watch,
) -> impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static {
    let (ready, waiting) = mpsc::channel(limits::flight::BATCHES_AHEAD);
    watch.meter = Some(answer.meter.clone());
    let mut batches = answer.batches;
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(batch) = batches.next().await {
            watch.saw(&batch);
            let over = batch.is_err();
            if ready.send(batch.map_err(Error::from)).await.is_err() || over {
                return;
            }
        }
        watch.complete();
    }));
    ReceiverStream::new(waiting).map(move |batch| {
        // Held here so that the task lives exactly as long as the stream.
        let _task = &task;
        batch
    })
}

/// Counts what a call has sent and writes its line when it ends, however it ends.
pub struct Watch {
    table: Arc<str>,
    connection: Arc<str>,
    began: Instant,
    rows: u64,
    outcome: &'static str,
    meter: Option<Arc<Meter>>,
}

impl Watch {
    /// Watches the call that reads `plan`.
    pub fn new(plan: &Plan) -> Self {
        Watch {
            table: plan.scan.table.name.clone(),
            connection: plan.connection.name.clone(),
            began: clock::now(),
            rows: 0,
            outcome: "abandoned",
            meter: None,
        }
    }

    fn complete(&mut self) {
        self.outcome = "complete";
    }

    fn saw(&mut self, batch: &Result<RecordBatch, crate::query::Error>) {
        match batch {
            Ok(batch) => self.rows += batch.num_rows() as u64,
            Err(_) => self.outcome = "failed",
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let count = |of: fn(&Meter) -> u64| self.meter.as_deref().map_or(0, of);
        tracing::info!(
            connection = &*self.connection,
            table = &*self.table,
            outcome = self.outcome,
            rows = self.rows,
            requests = count(Meter::requests),
            throttled = count(Meter::throttled),
            ms = clock::now().duration_since(self.began).as_millis() as u64,
            "do_get"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::timeout;
    use std::time::Duration;

    #[test]
    fn a_timeout_is_a_number_and_a_unit() {
        let cases = [
            ("1S", Some(Duration::from_secs(1))),
            ("250m", Some(Duration::from_millis(250))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("7n", Some(Duration::from_nanos(7))),
            ("S", None),
            ("", None),
            ("1", None),
            ("123456789S", None),
            ("-1S", None),
            ("5x", None),
            ("5µ", None),
        ];
        for (header, expected) in cases {
            assert_eq!(timeout(header), expected, "{header:?}");
        }
    }
}
