//! One row group of a Parquet file, whose columns are encoded side by side.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;
use parquet::schema::types::{SchemaDescriptor, TypePtr};

use super::columns::Columns;
use super::crew::Crew;
use super::write::failed;
use crate::snapshot::Error;

/// A row group that is being encoded. Of a column that is made only now, its values are still in the
/// processor's cache when they are encoded.
pub struct Group {
    encoders: Arc<Encoders>,
    rows: usize,
}

struct Encoders {
    /// The file, for errors.
    path: String,
    columns: Vec<Encoder>,
}

/// Encodes one column.
struct Encoder {
    nullable: bool,
    leaves: Mutex<Vec<ArrowColumnWriter>>,
}

impl Group {
    /// An empty one; `writers` are those of all leaves of `schema`.
    pub fn new(path: &str, schema: &SchemaDescriptor, writers: Vec<ArrowColumnWriter>) -> Self {
        let fields = schema.root_schema().get_fields().iter();
        let encoder =
            |field: &TypePtr| Encoder { nullable: field.is_optional(), leaves: Mutex::default() };
        let mut columns: Vec<Encoder> = fields.map(encoder).collect();
        for (leaf, writer) in writers.into_iter().enumerate() {
            let leaves = &mut columns[schema.get_column_root_idx(leaf)].leaves;
            leaves.get_mut().unwrap_or_else(PoisonError::into_inner).push(writer);
        }
        Group { encoders: Arc::new(Encoders { path: path.to_owned(), columns }), rows: 0 }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends rows; gives about how many bytes all take.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if a column cannot be made, [`Error::File`] if it cannot be encoded.
    pub async fn write(&mut self, rows: Arc<dyn Columns>, crew: &mut Crew) -> Result<usize, Error> {
        self.rows += rows.rows();
        let encoders = self.encoders.clone();
        let encode = move |at: usize| {
            let column = rows.column(at);
            let column = column.map_err(|source| Error::Shape { action: "write rows", source })?;
            encoders.encode(at, &column)
        };
        Ok(crew.each(encode).await?.iter().sum())
    }

    /// Ends it: what its leaves have become, in the order of the schema.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn finish(self, crew: &mut Crew) -> Result<Vec<ArrowColumnChunk>, Error> {
        let encoders = self.encoders;
        let end = move |at: usize| {
            let writers = mem::take(&mut *encoders.leaves(at));
            let chunks = writers.into_iter().map(ArrowColumnWriter::close);
            chunks.collect::<Result<Vec<_>, _>>().map_err(|source| failed(&encoders.path, source))
        };
        Ok(crew.each(end).await?.into_iter().flatten().collect())
    }
}

impl Encoders {
    fn leaves(&self, at: usize) -> MutexGuard<'_, Vec<ArrowColumnWriter>> {
        self.columns[at].leaves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends the values of a column; gives about how many bytes all of them take.
    fn encode(&self, at: usize, column: &ArrayRef) -> Result<usize, Error> {
        let field = Field::new("", column.data_type().clone(), self.columns[at].nullable);
        let mut writers = self.leaves(at);
        let mut encode = || -> Result<usize, ParquetError> {
            for (writer, leaf) in writers.iter_mut().zip(compute_leaves(&field, column)?) {
                writer.write(&leaf)?;
            }
            Ok(writers.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum())
        };
        encode().map_err(|source| failed(&self.path, source))
    }
}
