//! Batches as messages of gRPC.

use std::io;
use std::mem;

use arrow::array::{Array as _, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use futures::future::Either;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::Status;

use super::{Error, status};
use crate::limits::flight as limits;
use crate::spare::Spare;

/// In front of a message of gRPC: whether it is compressed, and its length.
///
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
pub const GRPC_PREFIX_BYTES: usize = 5;

/// The field of `FlightData` that holds the head of an Arrow message.
///
/// <https://github.com/apache/arrow/blob/main/format/Flight.proto>
const DATA_HEADER: u32 = 2;

/// The field of `FlightData` for what an application says along with it.
const APP_METADATA: u32 = 3;

/// The field of `FlightData` that holds its body.
const DATA_BODY: u32 = 1000;

/// In front of an Arrow message: a marker, and the length of its head.
///
/// <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>
const ARROW_PREFIX_BYTES: usize = 8;

/// Some rows as they go out: whole messages of gRPC, mostly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The messages, each a `FlightData`.
    pub bytes: Bytes,
    /// How many rows are in them; none in the schema's.
    pub rows: u64,
}

/// Turns batches into messages of gRPC, each a `FlightData` well under the 4 MiB that many clients
/// take at most; the schema comes first. What the stream gives is whole messages, mostly one.
///
/// Batches come from the decoder with about the right size and go out whole. One that is larger,
/// because a few of its rows are, is cut until its parts are not. A single row is never cut.
pub fn messages<S>(schema: SchemaRef, batches: S) -> impl Stream<Item = Result<Bytes, Status>>
where
    S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
{
    frames(schema, batches, |_| Vec::new()).map_ok(|frame| frame.bytes)
}

/// The same, telling how many rows go; what `metadata` makes of each part of a batch goes along as
/// its `app_metadata`.
pub fn frames<S, M>(
    schema: SchemaRef,
    batches: S,
    mut metadata: M,
) -> impl Stream<Item = Result<Frame, Status>>
where
    S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    M: FnMut(&RecordBatch) -> Vec<u8>,
{
    let frames = match Encoder::new(&schema) {
        Ok(mut encoder) => {
            let schema = Ok(Frame { bytes: encoder.written(), rows: 0 });
            let parts = batches
                .map_ok(|batch| stream::iter(cut(batch)).map_err(Error::Encode))
                .try_flatten();
            let rows = parts.map(move |part| {
                let part = part?;
                let bytes = encoder.batch(&part, metadata(&part)).map_err(Error::Encode)?;
                Ok(Frame { bytes, rows: part.num_rows() as u64 })
            });
            Either::Left(stream::iter([schema]).chain(rows))
        }
        Err(error) => Either::Right(stream::iter([Err(Error::Encode(error))])),
    };
    frames.map_err(|error| status::status(&error))
}

/// Writes batches into memory that is written to again once what was in it is sent.
struct Encoder {
    writer: StreamWriter<Messages>,
    spare: Spare,
}

impl Encoder {
    /// Begins with the schema, which [`written`](Self::written) gives.
    fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let writer = StreamWriter::try_new(Messages::default(), schema)?;
        Ok(Encoder { writer, spare: Spare::new(limits::SPARE_MAX, limits::SPARE_BYTES_MAX) })
    }

    fn batch(&mut self, batch: &RecordBatch, metadata: Vec<u8>) -> Result<Bytes, ArrowError> {
        let messages = self.writer.get_mut();
        messages.bytes = self.spare.take();
        messages.metadata = metadata;
        self.writer.write(batch)?;
        Ok(self.written())
    }

    /// What was written since the last call.
    fn written(&mut self) -> Bytes {
        self.spare.lend(mem::take(&mut self.writer.get_mut().bytes))
    }
}

/// Takes Arrow's stream format and makes a message of gRPC of each of its messages.
///
/// Only the few bytes around head and body differ, so that a batch is copied once on its way from
/// the arrays to the socket.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    /// Goes along with each message.
    metadata: Vec<u8>,
    part: Part,
}

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Part {
    /// Of the marker and the length, so many are still to come; they wait at the end of `bytes`.
    Prefix { left: usize },
    /// Of the head, so many are still to come; the message and its head begin at these places.
    Head { left: usize, message: usize, head: usize },
    /// Of the body, so many are still to come.
    Body { left: usize },
}

impl Default for Part {
    fn default() -> Self {
        Part::Prefix { left: ARROW_PREFIX_BYTES }
    }
}

impl io::Write for Messages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (Part::Prefix { left } | Part::Head { left, .. } | Part::Body { left }) =
            &mut self.part;
        let taken = bytes.len().min(*left);
        *left -= taken;
        self.bytes.extend_from_slice(&bytes[..taken]);
        match self.part {
            Part::Prefix { left: 0 } => self.begin(),
            Part::Head { left: 0, message, head } => self.go_on(message, head)?,
            Part::Body { left: 0 } => self.part = Part::default(),
            _ => {}
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Messages {
    /// Puts the beginning of a message in place of Arrow's.
    fn begin(&mut self) {
        let message = self.bytes.len().saturating_sub(ARROW_PREFIX_BYTES);
        let length = self.bytes.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        self.bytes.truncate(message);
        self.bytes.resize(message + GRPC_PREFIX_BYTES, 0);
        encode_key(DATA_HEADER, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(length.into(), &mut self.bytes);
        self.part = Part::Head { left: length as usize, message, head: self.bytes.len() };
    }

    /// Says how long the body and the whole message are, which the head tells.
    fn go_on(&mut self, message: usize, head: usize) -> io::Result<()> {
        let unreadable = |_| io::Error::other("the head of an Arrow message cannot be read");
        let body = root_as_message(&self.bytes[head..]).map_err(unreadable)?.bodyLength();
        let left = usize::try_from(body).map_err(io::Error::other)?;
        if !self.metadata.is_empty() {
            encode_key(APP_METADATA, WireType::LengthDelimited, &mut self.bytes);
            encode_varint(self.metadata.len() as u64, &mut self.bytes);
            self.bytes.extend_from_slice(&self.metadata);
        }
        if left > 0 {
            encode_key(DATA_BODY, WireType::LengthDelimited, &mut self.bytes);
            encode_varint(left as u64, &mut self.bytes);
        }
        let length = self.bytes.len() - message - GRPC_PREFIX_BYTES + left;
        let length = u32::try_from(length).map_err(io::Error::other)?.to_be_bytes();
        self.bytes[message + 1..message + GRPC_PREFIX_BYTES].copy_from_slice(&length);
        self.bytes.reserve(left);
        self.part = if left > 0 { Part::Body { left } } else { Part::default() };
        Ok(())
    }
}

/// The parts of a batch that are small enough, in order.
fn cut(batch: RecordBatch) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    let mut rest = vec![batch];
    std::iter::from_fn(move || {
        loop {
            let batch = rest.pop()?;
            // Less work than to look at its own rows, and mostly enough.
            if batch.get_array_memory_size() <= limits::FRAME_BYTES_MAX {
                return Some(Ok(batch));
            }
            let bytes = row_bytes(&batch);
            if bytes <= limits::FRAME_BYTES_MAX || batch.num_rows() <= 1 {
                return Some(Ok(batch));
            }
            match parts(&batch, bytes.div_ceil(limits::PART_BYTES)) {
                Ok(parts) => rest.extend(parts.into_iter().rev()),
                Err(error) => {
                    rest.clear();
                    return Some(Err(error));
                }
            }
        }
    })
}

/// Copies of so many parts of a batch, in order, each of as many rows.
///
/// A slice would not do: its lists count with all that is in those of its parent.
fn parts(batch: &RecordBatch, count: usize) -> Result<Vec<RecordBatch>, ArrowError> {
    let rows = batch.num_rows();
    let each = rows.div_ceil(count);
    let part = |start: usize| {
        let end = rows.min(start + each);
        take_record_batch(batch, &UInt64Array::from_iter_values(start as u64..end as u64))
    };
    (0..rows).step_by(each).map(part).collect()
}

/// What a batch takes on its way, of the buffers that it shares only its own rows.
fn row_bytes(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter().map(|column| {
        let data = column.to_data();
        data.get_slice_memory_size().unwrap_or_else(|_| data.get_array_memory_size())
    });
    columns.sum()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, AsArray as _, BooleanArray, DictionaryArray, ListBuilder, RecordBatch,
        StringArray, StringBuilder,
    };
    use arrow::compute::concat_batches;
    use arrow::datatypes::{Int32Type, Schema};
    use arrow_flight::FlightData;
    use arrow_flight::decode::FlightRecordBatchStream;
    use bytes::Bytes;
    use futures::stream::{self, StreamExt as _, TryStreamExt as _};
    use prost::Message as _;

    use super::{Error, GRPC_PREFIX_BYTES, cut, frames, limits, messages, row_bytes};

    #[test]
    fn large_rows_side_by_side_go_out_one_by_one() {
        let long = "x".repeat(limits::FRAME_BYTES_MAX * 2 / 3);
        let cells = (0..1_000).map(|row| if (500..504).contains(&row) { &*long } else { "short" });
        let cells: StringArray = cells.map(Some).collect();
        let batch = RecordBatch::try_from_iter([("cell", Arc::new(cells) as _)]).expect("a batch");
        let parts: Vec<_> = cut(batch.clone()).collect::<Result<_, _>>().expect("parts");
        for part in &parts {
            let small = part.get_array_memory_size() <= limits::FRAME_BYTES_MAX;
            assert!(small || part.num_rows() == 1, "{} rows", part.num_rows());
        }
        let whole: Vec<_> =
            parts.iter().flat_map(|part| part.column(0).as_string::<i32>()).collect();
        assert_eq!(whole, batch.column(0).as_string::<i32>().iter().collect::<Vec<_>>());
    }

    /// Rows of one size, four times what a message may have, as texts or as lists of them.
    fn large() -> [RecordBatch; 2] {
        const ROWS: usize = 8_192;
        let cells = (0..ROWS)
            .map(|row| format!("{row:0width$}", width = 4 * limits::FRAME_BYTES_MAX / ROWS));
        let texts: StringArray = cells.map(Some).collect();
        let mut lists = ListBuilder::new(StringBuilder::new());
        texts.iter().for_each(|text| lists.append_value([text]));
        let columns: [ArrayRef; 2] = [Arc::new(texts), Arc::new(lists.finish())];
        columns.map(|column| RecordBatch::try_from_iter([("cell", column)]).expect("a batch"))
    }

    #[test]
    fn a_large_batch_goes_out_in_few_parts() {
        for batch in large() {
            let parts: Vec<_> = cut(batch.clone()).collect::<Result<_, _>>().expect("parts");
            assert!(parts.len() <= 8, "{} parts", parts.len());
            assert!(parts.iter().all(|part| row_bytes(part) <= limits::FRAME_BYTES_MAX));
            assert_eq!(concat_batches(&batch.schema(), &parts).expect("rows"), batch);
        }
    }

    #[test]
    fn a_few_rows_of_a_large_batch_go_out_as_they_are() {
        let [texts, _] = large();
        let few = texts.slice(5_000, 100);
        let parts: Vec<_> = cut(few.clone()).collect::<Result<_, _>>().expect("parts");
        assert_eq!(parts, [few]);
    }

    /// Some columns of other kinds, with nulls, one of them with values kept apart.
    fn batch(rows: usize) -> RecordBatch {
        let texts = (0..rows).map(|row| (row % 3 > 0).then(|| format!("{row}")));
        let texts: StringArray = texts.collect();
        let flags: BooleanArray =
            (0..rows).map(|row| (row % 5 > 0).then_some(row % 2 > 0)).collect();
        let kinds: DictionaryArray<Int32Type> =
            (0..rows).map(|row| if row % 7 > 2 { "member" } else { "guest" }).collect();
        let columns: [(_, ArrayRef, _); 3] = [
            ("text", Arc::new(texts), true),
            ("flag", Arc::new(flags), true),
            ("kind", Arc::new(kinds), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).expect("a batch")
    }

    /// The messages that these bytes are.
    fn split(mut bytes: Bytes) -> Vec<FlightData> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let prefix = bytes.split_to(GRPC_PREFIX_BYTES);
            assert_eq!(prefix[0], 0, "not compressed");
            let length = u32::from_be_bytes(prefix[1..].try_into().expect("four bytes"));
            frames.push(FlightData::decode(bytes.split_to(length as usize)).expect("a message"));
        }
        frames
    }

    #[tokio::test]
    async fn messages_are_read_back_as_the_batches_they_were_made_of() {
        let batches: Vec<_> = [1_000, 3, 0, 70_000, 1].map(batch).into();
        let sent = stream::iter(batches.clone()).map(Ok);
        let sent: Vec<Bytes> =
            messages(batches[0].schema(), sent).try_collect().await.expect("messages");
        let sent = stream::iter(sent.into_iter().flat_map(split).map(Ok));
        let read: Vec<_> =
            FlightRecordBatchStream::new_from_flight_data(sent).try_collect().await.expect("rows");
        assert_eq!(read, batches);
    }

    #[tokio::test]
    async fn what_is_said_of_a_batch_goes_along_with_it() {
        let sent = stream::iter([7, 0, 9].map(batch)).map(Ok);
        let said = |batch: &RecordBatch| batch.num_rows().to_string().into_bytes();
        let sent: Vec<_> =
            frames(batch(0).schema(), sent, said).try_collect().await.expect("messages");
        let rows: Vec<_> = sent.iter().map(|frame| frame.rows).collect();
        assert_eq!(rows, [0, 7, 0, 9]);
        // A dictionary and its rows are two messages.
        let messages = sent.into_iter().flat_map(|frame| split(frame.bytes));
        let mut said: Vec<_> = messages.map(|message| message.app_metadata).collect();
        said.dedup();
        assert_eq!(said, ["", "7", "0", "9"]);
    }

    #[tokio::test]
    async fn memory_is_written_to_again_once_what_was_in_it_is_sent() {
        let sent = stream::iter((0..100).map(|_| Ok(batch(1_000))));
        let sent = messages(batch(0).schema(), sent).map_ok(|bytes| bytes.as_ptr());
        let places: HashSet<_> = sent.try_collect().await.expect("messages");
        assert!(places.len() < 10, "{} places", places.len());
    }

    #[tokio::test]
    async fn a_failed_read_fails_after_the_rows_before_it() {
        let read = [Ok(batch(9)), Err(Error::Stalled)];
        let sent: Vec<_> = messages(batch(0).schema(), stream::iter(read)).collect().await;
        let fine: Vec<_> = sent.iter().map(Result::is_ok).collect();
        assert_eq!(fine, [true, true, false], "the schema, the rows, the failure");
    }

    #[tokio::test]
    async fn a_table_without_rows_is_a_schema() {
        let schema = Arc::new(Schema::empty());
        let sent: Vec<_> = messages(schema, stream::empty()).try_collect().await.expect("a schema");
        assert_eq!(sent.into_iter().flat_map(split).count(), 1);
    }
}
