//! Values of parameters: batches of Arrow from outside.
//!
//! Arrow's reader takes the lengths in a message at their word and sets memory aside for them, so
//! they are looked at first.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::ipc::{self, root_as_message};

use crate::limits::query::BINDINGS_MAX;

/// In front of a message: a marker, and the length of its head.
///
/// <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>
const PREFIX_BYTES: usize = 8;

/// One batch of values as an Arrow IPC stream.
///
/// # Errors
///
/// None that a caller could cause.
pub fn write(values: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &values.schema())?;
    writer.write(values)?;
    writer.into_inner()
}

/// The batches of an Arrow IPC stream as one.
///
/// # Errors
///
/// [`ArrowError::IpcError`] for what is none, and as [`check`].
pub fn read(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut rest = bytes;
    while let Some(prefix) = rest.first_chunk::<PREFIX_BYTES>() {
        let [.., a, b, c, d] = *prefix;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length == 0 {
            break;
        }
        rest = &rest[PREFIX_BYTES..];
        let Some((head, body)) = rest.split_at_checked(length) else { return Err(cut()) };
        rest = body.get(check(head, body.len())?..).unwrap_or_default();
    }
    // What the checks have missed is the client's fault as well.
    catch_unwind(AssertUnwindSafe(|| {
        let reader = StreamReader::try_new(bytes, None)?;
        let schema = reader.schema();
        concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>()?)
    }))
    .unwrap_or_else(|_| Err(contradiction()))
}

/// What Arrow's reader died of.
pub fn contradiction() -> ArrowError {
    ArrowError::IpcError("a message contradicts itself".to_owned())
}

/// Checks the lengths that the head of a message tells, of whose body there are so many bytes; the
/// length of the body.
///
/// # Errors
///
/// [`ArrowError::IpcError`] of lengths that are not there, of what is compressed, which could be
/// any size, and of more rows than are bound.
pub fn check(head: &[u8], bytes: usize) -> Result<usize, ArrowError> {
    let wrong = |what: &str| Err(ArrowError::IpcError(what.to_owned()));
    let Ok(message) = root_as_message(head) else { return wrong("a message cannot be read") };
    let body = usize::try_from(message.bodyLength()).ok().filter(|body| *body <= bytes);
    let Some(body) = body else { return Err(cut()) };
    let dictionary = message.header_as_dictionary_batch();
    let batch = message.header_as_record_batch().or_else(|| dictionary?.data());
    let Some(batch) = batch else { return Ok(body) };
    if batch.compression().is_some() {
        return wrong("values are not to be compressed");
    }
    if !(0..=BINDINGS_MAX as i64).contains(&batch.length()) {
        return wrong("there are more sets of values than are taken");
    }
    let within = |buffer: &ipc::Buffer| {
        let (start, length) = (buffer.offset(), buffer.length());
        let end = start.checked_add(length).filter(|_| start >= 0 && length >= 0);
        end.is_some_and(|end| end <= body as i64)
    };
    if !batch.buffers().is_none_or(|buffers| buffers.iter().all(within)) {
        return Err(cut());
    }
    Ok(body)
}

fn cut() -> ArrowError {
    ArrowError::IpcError("a message is shorter than it says".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use arrow::ipc::CompressionType;
    use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
    use proptest::prelude::*;

    use super::{read, write};

    fn values(rows: usize) -> RecordBatch {
        let texts: StringArray =
            (0..rows).map(|row| (row % 3 > 0).then(|| "x".repeat(row))).collect();
        let numbers = Int64Array::from_iter_values(0..rows as i64);
        RecordBatch::try_from_iter_with_nullable([
            ("$1", Arc::new(texts) as _, true),
            ("$2", Arc::new(numbers) as _, true),
        ])
        .expect("a batch")
    }

    #[test]
    fn values_come_back_and_what_could_be_any_size_does_not() {
        let written = write(&values(9)).expect("bytes");
        assert_eq!(read(&written).expect("values"), values(9));
        let options = IpcWriteOptions::default();
        let options = options.try_with_compression(Some(CompressionType::LZ4_FRAME)).expect("lz4");
        let batch = values(200);
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options);
        let writer = writer.as_mut().expect("a writer");
        writer.write(&batch).expect("a batch");
        read(writer.get_ref()).expect_err("compressed");
        read(&write(&values(1_001)).expect("bytes")).expect_err("too many");
    }

    proptest! {
        #[test]
        fn broken_bytes_are_an_error_or_other_values(
            places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            end in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut bytes = write(&values(9)).expect("bytes");
            for (place, byte) in places {
                let at = place.index(bytes.len());
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len()));
            }
            let _ = read(&bytes).map(|values| values.num_rows());
        }
    }
}
