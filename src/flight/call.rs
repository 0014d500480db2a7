//! One call: its deadline, its work in a task of its own, and its line in the log.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tonic::metadata::MetadataMap;

use super::Error;
use super::told::{Taken, Told};
use crate::clock::{self, Instant};
use crate::graph::Meter;
use crate::limits::flight as limits;
use crate::query::Plan;

/// A little before the caller stops waiting, from its `grpc-timeout`; `None` where it named no time.
///
/// The header is a number of at most eight digits and a unit, after the gRPC specification
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
pub fn deadline(metadata: &MetadataMap) -> Option<Instant> {
    let header = metadata.get("grpc-timeout")?.to_str().ok()?;
    let timeout = read_timeout(header)?;
    // A caller that has stopped waiting is told nothing: what was waited for leaves a little before.
    let lead = (timeout / limits::LEAD_SHARE).min(limits::LEAD_MAX);
    clock::now().checked_add(timeout - lead)
}

fn read_timeout(header: &str) -> Option<Duration> {
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

/// Reads an answer in a task of its own, so that decoding goes on while frames are sent; `rows` says
/// how many are in an item.
///
/// At most [`limits::BATCHES_AHEAD`] batches wait for the client; then the read waits too,
/// which is what holds Graph back when a client is slow. Dropping the stream ends the task and
/// with it the request in flight.
///
/// The stream ends well only if the task says that the answer did: one that dies is an error, and
/// so is a client that has taken nothing when `deadline` comes.
pub fn drive<T, E>(
    answer: BoxStream<'static, Result<T, E>>,
    rows: fn(&T) -> u64,
    deadline: Instant,
    watch: Watch,
) -> impl Stream<Item = Result<T, Error>> + Send + 'static
where
    T: Send + 'static,
    E: Into<Error> + Send + 'static,
{
    let (ready, waiting) = mpsc::channel(limits::BATCHES_AHEAD);
    let reading = read(answer, rows, deadline, watch, ready);
    let task = AbortOnDropHandle::new(tokio::spawn(reading));
    stream::unfold((waiting, Some(task)), |(mut waiting, task)| async move {
        if let Some(item) = waiting.recv().await {
            return Some((Ok(item), (waiting, task)));
        }
        let error = match task?.await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error,
            Err(died) => Error::Died(died),
        };
        Some((Err(error), (waiting, None)))
    })
}

async fn read<T, E: Into<Error>>(
    mut answer: BoxStream<'static, Result<T, E>>,
    rows: fn(&T) -> u64,
    deadline: Instant,
    mut watch: Watch,
    ready: mpsc::Sender<T>,
) -> Result<(), Error> {
    while let Some(item) = answer.next().await {
        let item = item.inspect_err(|_| watch.ended("failed")).map_err(Into::into)?;
        watch.rows += rows(&item);
        match timeout_at(deadline, ready.send(item)).await {
            Ok(Ok(())) => {}
            Ok(Err(_gone)) => return Ok(()),
            Err(_) => {
                watch.ended("stalled");
                return Err(Error::Stalled);
            }
        }
    }
    watch.ended("complete");
    Ok(())
}

/// The same batches, and one without rows whenever nothing came for a while: proxies cut a stream
/// on which nothing is said, and Graph can make a read wait for minutes.
pub fn spoken<S>(
    schema: SchemaRef,
    batches: S,
) -> impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static
where
    S: Stream<Item = Result<RecordBatch, Error>> + Send + Unpin + 'static,
{
    stream::unfold((batches, schema), |(mut batches, schema)| async move {
        let batch = match timeout(limits::SILENCE, batches.next()).await {
            Ok(batch) => batch?,
            Err(_) => Ok(RecordBatch::new_empty(schema.clone())),
        };
        Some((batch, (batches, schema)))
    })
}

/// Counts what a call has sent and writes its line when it ends, however it ends.
pub struct Watch {
    table: Arc<str>,
    connection: Arc<str>,
    began: Instant,
    planned: Instant,
    told: Told,
    rows: u64,
    outcome: &'static str,
    cached: bool,
    meter: Arc<Meter>,
}

impl Watch {
    /// Watches the call that reads `plan` and began at `began`, before it was planned.
    pub fn new(plan: &Plan, began: Instant) -> Self {
        let mut watch = match &plan.table {
            Some(opened) => Watch::of(opened.table.name.clone(), opened.connection.name.clone()),
            None => Watch::of("(statement)".into(), "".into()),
        };
        watch.began = began;
        watch
    }

    /// Says what counts the requests to Graph, and whether the answer was sent before and kept.
    pub fn reads(&mut self, meter: Arc<Meter>, cached: bool) {
        self.meter = meter;
        self.cached = cached;
    }

    /// What the trailers of the answer will tell.
    pub fn told(&self) -> Told {
        self.told.clone()
    }

    fn of(table: Arc<str>, connection: Arc<str>) -> Self {
        let (began, told) = (clock::now(), Told::default());
        let planned = began;
        Watch {
            table,
            connection,
            began,
            planned,
            told,
            rows: 0,
            outcome: "abandoned",
            cached: false,
            meter: Arc::default(),
        }
    }

    fn ended(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let now = clock::now();
        self.told.note(Taken {
            planning: self.planned.duration_since(self.began),
            execution: now.duration_since(self.planned),
            waited: self.meter.waited(),
            requests: self.meter.requests(),
            restarts: self.meter.restarts(),
            cells_put_aside: self.meter.cells_put_aside(),
            members_left_out: self.meter.members_left_out(),
            skipped_parents: self.meter.skipped_parents().len() as u64,
            refused_filters: self.meter.refused_filters(),
            rows: self.rows,
            cached: self.cached,
        });
        tracing::info!(
            connection = &*self.connection,
            table = &*self.table,
            outcome = self.outcome,
            rows = self.rows,
            requests = self.meter.requests(),
            throttled = self.meter.throttled(),
            skipped_parents = self.meter.skipped_parents().len(),
            refused_filters = self.meter.refused_filters(),
            cached = self.cached,
            ms = now.duration_since(self.began).as_millis() as u64,
            "do_get"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use arrow::array::RecordBatch;
    use arrow::datatypes::Schema;
    use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};

    use super::{Error, Watch, drive, read_timeout, spoken};
    use crate::clock;
    use crate::error::Kind;

    type Batches = BoxStream<'static, Result<RecordBatch, Error>>;

    /// The batches as a call reads them that has a minute.
    fn driven(batches: Batches) -> impl Stream<Item = Result<RecordBatch, Error>> {
        let deadline = clock::now() + Duration::from_secs(60);
        drive(batches, |batch| batch.num_rows() as u64, deadline, watch())
    }

    fn watch() -> Watch {
        Watch::of("users".into(), "contoso".into())
    }

    fn batch() -> RecordBatch {
        RecordBatch::new_empty(Arc::new(Schema::empty()))
    }

    #[tokio::test]
    async fn a_read_that_dies_is_never_a_good_end() {
        let dies = stream::iter([Ok(batch())]).chain(stream::once(async { panic!("a fault") }));
        let read: Result<Vec<_>, Error> = driven(dies.boxed()).try_collect().await;
        assert_eq!(read.expect_err("the task died").kind(), Kind::Internal);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_not_waited_for_for_ever() {
        let endless = stream::repeat_with(|| Ok(batch())).boxed();
        let mut batches = Box::pin(driven(endless));
        assert!(batches.next().await.is_some());
        clock::sleep(Duration::from_secs(120)).await;
        let rest: Result<Vec<_>, Error> = batches.try_collect().await;
        assert_eq!(rest.expect_err("the deadline has passed").kind(), Kind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_on_which_nothing_comes_goes_on_with_batches_without_rows() {
        let schema = Arc::new(Schema::empty());
        let late = stream::once(async {
            clock::sleep(Duration::from_secs(50)).await;
            Ok(batch())
        });
        let spoken = spoken(schema, late.boxed());
        assert_eq!(spoken.try_collect::<Vec<_>>().await.expect("batches").len(), 3);
    }

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
            assert_eq!(read_timeout(header), expected, "{header:?}");
        }
    }
}
