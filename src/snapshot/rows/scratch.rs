//! Batches put aside on the disk of this machine.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::FileDecoder;
use arrow::ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};
use arrow::ipc::{Block, MetadataVersion};

use crate::snapshot::Error;

/// A nameless file of batches of one schema, each of which can be read again by itself. The disk
/// has its room back when this is dropped.
pub struct Scratch {
    file: Mutex<Room>,
    decoder: FileDecoder,
    options: IpcWriteOptions,
}

struct Room {
    file: File,
    /// How much of it is written.
    bytes: u64,
    context: IpcWriteContext,
}

impl Scratch {
    /// An empty file in the folder for temporary files.
    ///
    /// # Errors
    ///
    /// [`Error::Scratch`].
    pub fn new(schema: SchemaRef) -> Result<Self, Error> {
        let file = tempfile::tempfile().map_err(Error::Scratch)?;
        Ok(Scratch {
            file: Mutex::new(Room { file, bytes: 0, context: IpcWriteContext::default() }),
            decoder: FileDecoder::new(schema, MetadataVersion::V5),
            options: IpcWriteOptions::default(),
        })
    }

    /// Appends a batch and says where it is.
    ///
    /// # Errors
    ///
    /// [`Error::Scratch`] if the disk refuses.
    pub fn put(&self, batch: &RecordBatch) -> Result<Block, Error> {
        let mut dictionaries = DictionaryTracker::new(false);
        let mut room = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let room = &mut *room;
        let (_, encoded) = IpcDataGenerator::default()
            .encode(batch, &mut dictionaries, &self.options, &mut room.context)
            .map_err(scratched)?;
        room.file.seek(SeekFrom::Start(room.bytes)).map_err(Error::Scratch)?;
        let (head, body) =
            write_message(&mut room.file, encoded, &self.options).map_err(scratched)?;
        let block = Block::new(room.bytes as i64, head as i32, body as i64);
        room.bytes += (head + body) as u64;
        Ok(block)
    }

    /// The batch at this place.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn get(&self, block: &Block) -> Result<RecordBatch, Error> {
        let bytes = block.metaDataLength() as usize + block.bodyLength() as usize;
        let mut message = Vec::with_capacity(bytes);
        {
            let mut room = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            room.file.seek(SeekFrom::Start(block.offset() as u64)).map_err(Error::Scratch)?;
            let mut rest = (&mut room.file).take(bytes as u64);
            rest.read_to_end(&mut message).map_err(Error::Scratch)?;
        }
        let read = self.decoder.read_record_batch(block, &Buffer::from(message));
        let lost = || ArrowError::IpcError("a message without a batch".to_owned());
        read.and_then(|batch| batch.ok_or_else(lost)).map_err(scratched)
    }
}

fn scratched(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) => Error::Scratch(source),
        source => Error::Shape { action: "put rows aside", source },
    }
}
