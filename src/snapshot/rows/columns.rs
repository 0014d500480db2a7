//! Rows whose columns are asked for one by one.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;

/// Rows that need not be there as a batch: each column is made where it is used, and is gone after.
pub trait Columns: Send + Sync + 'static {
    /// How many rows there are.
    fn rows(&self) -> usize;

    /// How many columns each has.
    fn columns(&self) -> usize;

    /// The column at this place.
    ///
    /// # Errors
    ///
    /// That it cannot be made.
    fn column(&self, at: usize) -> Result<ArrayRef, ArrowError>;
}

impl Columns for RecordBatch {
    fn rows(&self) -> usize {
        self.num_rows()
    }

    fn columns(&self) -> usize {
        self.num_columns()
    }

    fn column(&self, at: usize) -> Result<ArrayRef, ArrowError> {
        Ok(self.column(at).clone())
    }
}
