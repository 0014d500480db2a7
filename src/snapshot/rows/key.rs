//! Keys of rows that compare as bytes.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use arrow::row::{Row, RowConverter, Rows, SortField};

use crate::snapshot::Error;

/// Makes the keys of batches.
pub struct Keys {
    converter: RowConverter,
    columns: Vec<usize>,
}

impl Keys {
    /// Keys of these columns, the most important first.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if they cannot be sorted by.
    pub fn new(schema: &Schema, columns: Vec<usize>) -> Result<Self, Error> {
        let field = |column: &usize| SortField::new(schema.field(*column).data_type().clone());
        let converter = RowConverter::new(columns.iter().map(field).collect());
        Ok(Keys { converter: converter.map_err(Error::unsortable)?, columns })
    }

    /// The key of each row.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for a batch with other columns.
    pub fn of(&self, batch: &RecordBatch) -> Result<Rows, Error> {
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|column| batch.column(*column).clone()).collect();
        self.converter.convert_columns(&columns).map_err(Error::unsortable)
    }
}

/// The first bytes of a key, which compare as the key does.
pub fn beginning(key: Row<'_>) -> u128 {
    let key = key.as_ref();
    match key.first_chunk() {
        Some(start) => u128::from_be_bytes(*start),
        None => {
            let mut start = [0; size_of::<u128>()];
            start[..key.len()].copy_from_slice(key);
            u128::from_be_bytes(start)
        }
    }
}
