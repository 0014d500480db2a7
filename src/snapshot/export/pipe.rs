//! One answer as bytes that go on as they come.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::writer::{BoxError, Writer};
use super::{Error, Format};

/// An answer in one of the formats, for standard output.
pub struct Pipe {
    writer: Writer<Bytes>,
    bytes: Bytes,
}

/// What was written and not yet taken.
#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Bytes {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pipe {
    /// Begins the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] if the format cannot hold rows of this schema.
    pub fn create(format: Format, schema: &SchemaRef) -> Result<Self, Error> {
        let bytes = Bytes::default();
        let writer = Writer::new(format, bytes.clone(), schema).map_err(failed)?;
        Ok(Pipe { writer, bytes })
    }

    /// Takes a batch and gives the bytes that are ready.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
        self.writer.write(batch).map_err(failed)?;
        Ok(self.bytes.take())
    }

    /// Ends the answer and gives the rest of its bytes.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        let Pipe { writer, bytes } = self;
        writer.finish().map_err(failed)?;
        Ok(bytes.take())
    }
}

fn failed(source: BoxError) -> Error {
    Error::Rows { path: "standard output".into(), source }
}
