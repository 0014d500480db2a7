//! Values of parameters: streams of Arrow's messages, as tickets carry them.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use super::values::{ValuesReader, cut, wrong};

/// In front of a message: this, and the length of its head.
///
/// <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>
const MARKER: [u8; 4] = [0xFF; 4];

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
/// [`ArrowError::IpcError`] for what is none, and as [`ValuesReader::take`].
pub fn read(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut values = ValuesReader::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (marker, after) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        // Arrow of old wrote none, and its reader takes whatever stands there for a length.
        if *marker != MARKER {
            return Err(wrong("a message begins without its marker"));
        }
        let (length, after) = after.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length == 0 {
            break;
        }
        let (head, after) = after.split_at_checked(length).ok_or_else(cut)?;
        let body = values.take(head, after)?;
        rest = after.get(body..).ok_or_else(cut)?;
    }
    values.finish()
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

    #[test]
    fn a_length_without_a_marker_is_not_believed() {
        // Two GiB, says a message of five bytes.
        read(&[0xFF, 0xFF, 0xFF, 0x7F, 0]).expect_err("nothing of it is there");
        let mut old = write(&values(3)).expect("bytes");
        old.drain(..4);
        read(&old).expect_err("no marker");
        for end in [3, 5, 7] {
            read(&write(&values(3)).expect("bytes")[..end]).expect_err("cut");
        }
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
