//! What the columns of Parquet are like, of which nested ones have several.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};

/// Values without which nothing can be said.
const VALUES_MIN: usize = 100;

/// A column is worth a dictionary if of 100 values in a sample no more than so many are different: in
/// a row group, which has many times the rows, its values then come again and again. Parquet gives
/// up a dictionary that grows too large.
const DIFFERENT_MAX: usize = 98;

/// One column of Parquet.
#[derive(Debug)]
pub struct Leaf {
    pub path: ColumnPath,
    /// Whether, as far as the sample tells, the same values come again and again. A dictionary costs
    /// a look-up for each value: of names and ids it saves nothing, of departments and service
    /// plans most of the bytes.
    pub repeats: bool,
    /// Whether it holds elements of lists: nobody finds rows by the smallest of them.
    pub in_list: bool,
}

/// The columns of Parquet that rows like these take.
pub fn leaves(sample: &RecordBatch) -> Result<Vec<Leaf>, ParquetError> {
    let schema = ArrowSchemaConverter::new().convert(&sample.schema())?;
    let mut repeated = Vec::with_capacity(schema.num_columns());
    sample.columns().iter().for_each(|column| look(column.as_ref(), &mut repeated));
    let leaf = |(column, repeats): (&ColumnDescPtr, bool)| Leaf {
        path: column.path().clone(),
        repeats,
        in_list: column.max_rep_level() > 0,
    };
    Ok(schema.columns().iter().zip(repeated).map(leaf).collect())
}

/// Of each leaf, in the order of Parquet's columns, whether its values come again and again.
fn look(array: &dyn Array, repeated: &mut Vec<bool>) {
    match array.data_type() {
        DataType::Struct(_) => {
            let parts = array.as_struct().columns();
            parts.iter().for_each(|part| look(part.as_ref(), repeated));
        }
        DataType::List(_) => look(array.as_list::<i32>().values().as_ref(), repeated),
        DataType::Utf8 => repeated.push(few(array.as_string::<i32>().iter().flatten())),
        DataType::Binary => repeated.push(few(array.as_binary::<i32>().iter().flatten())),
        DataType::Int32 => repeated.push(few(array.as_primitive::<Int32Type>().iter().flatten())),
        DataType::Int64 => repeated.push(few(array.as_primitive::<Int64Type>().iter().flatten())),
        DataType::Date32 => {
            repeated.push(few(array.as_primitive::<Date32Type>().iter().flatten()));
        }
        DataType::Time64(_) => {
            repeated.push(few(array.as_primitive::<Time64MicrosecondType>().iter().flatten()));
        }
        DataType::Timestamp(..) => {
            repeated.push(few(array.as_primitive::<TimestampMicrosecondType>().iter().flatten()));
        }
        _ => repeated.push(false),
    }
}

fn few<T: Hash + Eq>(values: impl Iterator<Item = T>) -> bool {
    let mut different = HashSet::new();
    let mut count = 0;
    for value in values {
        different.insert(value);
        count += 1;
    }
    count >= VALUES_MIN && different.len() * 100 <= count * DIFFERENT_MAX
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};

    use super::leaves;

    #[test]
    fn columns_of_few_values_are_found_wherever_they_are() {
        let texts = |text: fn(i64) -> String| StringArray::from_iter_values((0..200).map(text));
        let mut lists = ListBuilder::new(StringBuilder::new());
        for row in 0..200 {
            lists.values().append_value(if row % 2 == 0 { "even" } else { "odd" });
            lists.append(true);
        }
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(texts(|row| format!("id {row}"))) as _),
            ("department", Arc::new(texts(|row| format!("department {}", row % 9))) as _),
            ("plans", Arc::new(lists.finish()) as _),
            ("none", Arc::new(StringArray::new_null(200)) as _),
            ("badge", Arc::new(Int64Array::from_iter_values(0..200)) as _),
            ("floor", Arc::new(Int64Array::from_iter_values((0..200).map(|row| row / 50))) as _),
        ]);
        let leaves = leaves(&batch.expect("a batch")).expect("columns");
        let found: Vec<_> =
            leaves.iter().map(|leaf| (leaf.path.string(), leaf.repeats, leaf.in_list)).collect();
        let leaf = |path: &str, repeats, in_list| (path.to_owned(), repeats, in_list);
        let expected = [
            leaf("id", false, false),
            leaf("department", true, false),
            leaf("plans.list.item", true, true),
            leaf("none", false, false),
            leaf("badge", false, false),
            leaf("floor", true, false),
        ];
        assert_eq!(found, expected);
    }
}
