//! Batches put aside on the disk of this machine.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
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
    file: Mutex<File>,
    bytes: u64,
    decoder: FileDecoder,
    options: IpcWriteOptions,
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
            file: Mutex::new(file),
            bytes: 0,
            decoder: FileDecoder::new(schema, MetadataVersion::V5),
            options: IpcWriteOptions::default(),
            context: IpcWriteContext::default(),
        })
    }

    /// Appends a batch and says where it is.
    ///
    /// # Errors
    ///
    /// [`Error::Scratch`] if the disk refuses.
    pub fn put(&mut self, batch: &RecordBatch) -> Result<Block, Error> {
        let mut dictionaries = DictionaryTracker::new(false);
        let (_, encoded) = IpcDataGenerator::default()
            .encode(batch, &mut dictionaries, &self.options, &mut self.context)
            .map_err(scratched)?;
        let mut message = Vec::with_capacity(encoded.ipc_message.len() + encoded.arrow_data.len());
        let (head, body) =
            write_message(&mut message, encoded, &self.options).map_err(scratched)?;
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&message).map_err(Error::Scratch)?;
        let block = Block::new(self.bytes as i64, head as i32, body as i64);
        self.bytes += message.len() as u64;
        Ok(block)
    }

    /// The batch at this place. Nothing is put after the first was read.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn get(&self, block: &Block) -> Result<RecordBatch, Error> {
        let bytes = block.metaDataLength() as usize + block.bodyLength() as usize;
        let mut message = vec![0; bytes];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(block.offset() as u64)).map_err(Error::Scratch)?;
            file.read_exact(&mut message).map_err(Error::Scratch)?;
        }
        let read = self.decoder.read_record_batch(block, &Buffer::from_vec(message));
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
