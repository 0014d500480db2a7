//! Rows in the shape of another schema.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, ListArray, RecordBatch, RecordBatchOptions, StructArray,
    new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::columns::Columns;

/// Rows of the schema `from` with the columns of `to`: found by name, null where there is none, parts
/// of structs likewise.
pub struct Shaped<C> {
    pub rows: C,
    pub from: SchemaRef,
    pub to: SchemaRef,
}

impl<C: Columns> Columns for Shaped<C> {
    fn rows(&self) -> usize {
        self.rows.rows()
    }

    fn columns(&self) -> usize {
        self.to.fields().len()
    }

    fn column(&self, at: usize) -> Result<ArrayRef, ArrowError> {
        let field = self.to.field(at);
        match self.from.index_of(field.name()) {
            Ok(at) => converted(&self.rows.column(at)?, field.data_type()),
            Err(_) => Ok(new_null_array(field.data_type(), self.rows.rows())),
        }
    }
}

/// The batch in the shape of `schema`.
///
/// # Errors
///
/// [`ArrowError::CastError`] for a value that does not fit, and [`ArrowError::InvalidArgumentError`] for a
/// null where none may be.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let shaped = Shaped { rows: batch.clone(), from: batch.schema(), to: schema.clone() };
    let columns = (0..shaped.columns()).map(|at| shaped.column(at));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &rows)
}

/// The same values as ones of this type.
fn converted(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    match (array.data_type(), to) {
        (DataType::Struct(_), DataType::Struct(parts)) => {
            let values = array.as_struct();
            let columns = parts.iter().map(|part| match values.column_by_name(part.name()) {
                Some(column) => converted(column, part.data_type()),
                None => Ok(new_null_array(part.data_type(), values.len())),
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let nulls = values.nulls().cloned();
            Ok(Arc::new(StructArray::try_new_with_length(
                parts.clone(),
                columns,
                nulls,
                values.len(),
            )?))
        }
        (DataType::List(_), DataType::List(item)) => {
            let lists = array.as_list::<i32>();
            let items = converted(lists.values(), item.data_type())?;
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(item.clone(), offsets, items, nulls)?))
        }
        // A value that does not fit must not become a null.
        _ => cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() }),
    }
}

/// The schema whose texts are the bytes that they are made of. Whoever moves rows does not read them, and
/// as bytes they are not looked at again each time.
pub fn unread(schema: &Schema) -> Schema {
    fn bytes(ty: &DataType) -> DataType {
        match ty {
            DataType::Utf8 => DataType::Binary,
            DataType::List(item) => DataType::List(field(item)),
            DataType::Struct(parts) => DataType::Struct(parts.iter().map(field).collect()),
            other => other.clone(),
        }
    }
    fn field(of: &FieldRef) -> FieldRef {
        Arc::new(of.as_ref().clone().with_data_type(bytes(of.data_type())))
    }
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray as _, RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::conform;

    #[test]
    fn a_stored_value_that_does_not_fit_is_an_error_and_not_a_null() {
        let stored = |texts: &[Option<&str>]| {
            let texts = StringArray::from(texts.to_vec());
            RecordBatch::try_from_iter([("n", Arc::new(texts) as _)]).expect("a batch")
        };
        let now = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let fits = conform(&stored(&[Some("7"), None]), &now).expect("numbers");
        let cells: Vec<_> = fits.column(0).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(cells, [Some(7), None]);
        assert!(conform(&stored(&[Some("seven")]), &now).is_err());
    }
}
