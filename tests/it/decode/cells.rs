//! Batches as the reference sees them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use entra_flight::catalog::{Column, Origin};

use super::reference::{Cell, Members, mend};

/// All rows of the batches.
pub fn rows(columns: &[Column], batches: &[RecordBatch]) -> Vec<Vec<Cell>> {
    let rows = batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).map(move |row| {
            let cells = batch.columns().iter().map(move |array| cell(array, row));
            cells.zip(columns).map(|(cell, column)| match (&column.origin, cell) {
                (Origin::Extra, Cell::Text(text)) => rest(&text),
                (_, cell) => cell,
            })
        })
    });
    rows.map(Iterator::collect).collect()
}

fn rest(text: &str) -> Cell {
    let mended = mend(text);
    let Members(members) = serde_json::from_str(&mended).expect("the rest of a row is an object");
    let sent = |value: &str| {
        let start = value.as_ptr().addr() - mended.as_ptr().addr();
        text[start..start + value.len()].to_owned()
    };
    Cell::Rest(members.into_iter().map(|(_, name, value)| (name, sent(value.get()))).collect())
}

fn cell(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
        DataType::Int32 => Cell::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Date32 => Cell::Integer(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Time64(_) => {
            Cell::Integer(array.as_primitive::<Time64MicrosecondType>().value(row))
        }
        DataType::Timestamp(..) => {
            Cell::Integer(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Cell::List((0..items.len()).map(|at| cell(&items, at)).collect())
        }
        DataType::Struct(_) => {
            Cell::Struct(array.as_struct().columns().iter().map(|part| cell(part, row)).collect())
        }
        other => panic!("no column is {other}"),
    }
}
