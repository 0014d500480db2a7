//! What makes two cells, and two rows, the same.
//!
//! A cell's hash is of its value, not of its bytes: a null is nothing, both zeros are one number,
//! members of a JSON object have no order, and neither have the elements of a list of which the
//! table says that Graph does not keep their order; where it says so of any, lists in what is
//! undeclared, which mirror them, have none either. A row's hash is the sum of those of its cells,
//! each hashed with the name of its column, so that a column full of nulls makes no difference and
//! rows stay equal when one is added.
//!
//! 128 bits: among ten million changed rows, the chance of taking one for unchanged is below 1e-24.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BinaryArray};
use arrow::datatypes::{
    Date32Type, Float64Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

use crate::catalog::{Column, Type};

/// What the hashes mean. It is written with each load; rows are hashed again where two loads
/// differ in it.
const SCHEME: u64 = 1;

/// Names the way in which rows of these columns are hashed: equal names, comparable hashes. Columns
/// that are given only on request are not stored.
pub fn scheme(columns: &[Column]) -> String {
    let stored = columns.iter().filter(|column| !column.on_request);
    let mut said: Vec<String> = stored
        .map(|Column { name, ty, unordered, .. }| match unordered {
            true => format!("{name}: {ty}, in any order"),
            false => format!("{name}: {ty}"),
        })
        .collect();
    said.sort_unstable();
    format!("{SCHEME}-{:016x}", xxh3_64(said.join("\n").as_bytes()))
}

/// The hash of each cell of a column; 0 for a null.
///
/// # Errors
///
/// [`ArrowError::CastError`] if the array is not of the column's type.
pub fn cells(column: &Column, array: &ArrayRef) -> Result<Vec<u128>, ArrowError> {
    let seed = xxh3_64(column.name.as_bytes());
    hashes(&column.ty, array, seed, column.unordered)
}

/// The hash of each row.
///
/// # Errors
///
/// As [`cells`].
pub fn rows(columns: &[Column], arrays: &[ArrayRef], rows: usize) -> Result<Vec<u128>, ArrowError> {
    let mut sums = vec![0_u128; rows];
    // Nothing adds nothing.
    let there = |(_, array): &(&Column, &ArrayRef)| array.null_count() < array.len();
    for (column, array) in columns.iter().zip(arrays).filter(there) {
        for (sum, cell) in sums.iter_mut().zip(cells(column, array)?) {
            *sum = sum.wrapping_add(cell);
        }
    }
    Ok(sums)
}

/// Hashes as a column of 16 bytes each.
pub fn column(hashes: &[u128]) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(hashes.iter().map(|hash| hash.to_le_bytes())))
}

fn hashes(
    ty: &Type,
    array: &ArrayRef,
    seed: u64,
    unordered: bool,
) -> Result<Vec<u128>, ArrowError> {
    if array.null_count() == array.len() {
        return Ok(vec![0; array.len()]);
    }
    let wrong = || ArrowError::CastError(format!("{} is not {:?}", array.data_type(), ty.arrow()));
    macro_rules! numbers {
        ($kind:ty, $bytes:expr) => {
            each(array, array.as_primitive_opt::<$kind>().ok_or_else(wrong)?.values(), |value| {
                xxh3_128_with_seed(&$bytes(*value), seed)
            })
        };
    }
    Ok(match ty {
        Type::Text => {
            let texts = array.as_string_opt::<i32>().ok_or_else(wrong)?;
            let hash = |text: Option<&str>| {
                text.map_or(0, |text| xxh3_128_with_seed(text.as_bytes(), seed))
            };
            texts.iter().map(hash).collect()
        }
        Type::Json => {
            let texts = array.as_string_opt::<i32>().ok_or_else(wrong)?;
            texts
                .iter()
                .map(|text| text.map_or(0, |text| json_text(text, seed, unordered)))
                .collect()
        }
        Type::Binary => {
            let values = array.as_binary_opt::<i32>().ok_or_else(wrong)?;
            let hash =
                |value: Option<&[u8]>| value.map_or(0, |value| xxh3_128_with_seed(value, seed));
            values.iter().map(hash).collect()
        }
        Type::Boolean => {
            let flags = array.as_boolean_opt().ok_or_else(wrong)?;
            let hash = |flag: Option<bool>| {
                flag.map_or(0, |flag| xxh3_128_with_seed(&[u8::from(flag)], seed))
            };
            flags.iter().map(hash).collect()
        }
        Type::Int32 => numbers!(Int32Type, i32::to_le_bytes),
        Type::Date => numbers!(Date32Type, i32::to_le_bytes),
        Type::Int64 => numbers!(Int64Type, i64::to_le_bytes),
        Type::Time => numbers!(Time64MicrosecondType, i64::to_le_bytes),
        Type::Timestamp => numbers!(TimestampMicrosecondType, i64::to_le_bytes),
        Type::Float64 => numbers!(Float64Type, |value: f64| canonical(value).to_le_bytes()),
        Type::List(item) => {
            let lists = array.as_list_opt::<i32>().ok_or_else(wrong)?;
            let items = hashes(item, lists.values(), seed, unordered)?;
            let ends = lists.value_offsets();
            (0..lists.len())
                .map(|row| {
                    let range = ends[row] as usize..ends[row + 1] as usize;
                    if lists.is_null(row) { 0 } else { list(&items[range], seed, unordered) }
                })
                .collect()
        }
        Type::Struct(parts) => {
            let values = array.as_struct_opt().ok_or_else(wrong)?;
            let mut sums = vec![0_u128; values.len()];
            for part in parts.iter() {
                let column = values.column_by_name(&part.name).ok_or_else(wrong)?;
                let seed = seed ^ xxh3_64(part.name.as_bytes());
                for (sum, cell) in sums.iter_mut().zip(hashes(&part.ty, column, seed, unordered)?) {
                    *sum = sum.wrapping_add(cell);
                }
            }
            each(array, &sums, |sum| xxh3_128_with_seed(&sum.to_le_bytes(), seed))
        }
    })
}

/// The hash of each value, and 0 where the array has a null.
fn each<T>(array: &ArrayRef, values: &[T], hash: impl Fn(&T) -> u128) -> Vec<u128> {
    match array.nulls() {
        None => values.iter().map(hash).collect(),
        Some(nulls) => {
            let of = |(value, valid)| if valid { hash(value) } else { 0 };
            values.iter().zip(nulls.iter()).map(of).collect()
        }
    }
}

/// One zero, one not-a-number.
fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else if value == 0.0 {
        0.0
    } else {
        value
    }
}

/// A list of so many elements: their hashes one after another, or their sum.
fn list(items: &[u128], seed: u64, unordered: bool) -> u128 {
    let start = xxh3_128_with_seed(&(items.len() as u64).to_le_bytes(), seed);
    if unordered {
        let spread = |item: &u128| xxh3_128(&item.to_le_bytes());
        let sum = items.iter().map(spread).fold(start, u128::wrapping_add);
        return xxh3_128_with_seed(&sum.to_le_bytes(), seed);
    }
    items.iter().fold(start, |before, item| pair(before, *item))
}

fn pair(first: u128, second: u128) -> u128 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&first.to_le_bytes());
    bytes[16..].copy_from_slice(&second.to_le_bytes());
    xxh3_128(&bytes)
}

/// JSON by its value; what cannot be read as JSON, by its text.
fn json_text(text: &str, seed: u64, unordered: bool) -> u128 {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => json(&value, seed, unordered),
        Err(_) => xxh3_128_with_seed(text.as_bytes(), seed),
    }
}

/// Values of different kinds never meet: each kind has its own seed.
fn json(value: &Value, seed: u64, unordered: bool) -> u128 {
    match value {
        Value::Null => xxh3_128_with_seed(b"null", seed),
        Value::Bool(flag) => xxh3_128_with_seed(&[u8::from(*flag)], seed ^ 1),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => {
                xxh3_128_with_seed(&canonical(float).to_le_bytes(), seed ^ 2)
            }
            _ => xxh3_128_with_seed(number.to_string().as_bytes(), seed ^ 3),
        },
        Value::String(text) => xxh3_128_with_seed(text.as_bytes(), seed ^ 4),
        Value::Array(items) => {
            let items: Vec<u128> = items.iter().map(|item| json(item, seed, unordered)).collect();
            list(&items, seed ^ 5, unordered)
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                pair(xxh3_128(name.as_bytes()), json(value, seed, unordered))
            };
            let sum = members.iter().map(member).fold(0, u128::wrapping_add);
            xxh3_128_with_seed(&sum.to_le_bytes(), seed ^ 6)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, ListArray, StringArray};
    use arrow::datatypes::Int32Type;

    use super::{cells, rows};
    use crate::catalog::{Column, Origin, Type};

    fn column(name: &str, ty: &str, unordered: bool) -> Column {
        Column {
            name: name.into(),
            origin: Origin::Property(name.into()),
            ty: ty.parse::<Type>().expect("a type"),
            graph_type: "Edm.String".into(),
            description: None,
            permission: None,
            on_request: false,
            unordered,
            filters: Default::default(),
        }
    }

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn json_is_compared_by_value() {
        let array = texts(&[
            Some(r#"{"a":1,"b":[1,2]}"#),
            Some(r#"{ "b": [1, 2], "a": 1 }"#),
            Some(r#"{"b":[2,1],"a":1}"#),
            Some(r#"{"a":1,"b":[1,2],"c":null}"#),
            Some("{"),
        ]);
        let hashes = cells(&column("_extra", "json", false), &array).expect("texts");
        assert_eq!(hashes[0], hashes[1]);
        for (at, hash) in hashes.iter().enumerate().skip(2) {
            assert!(!hashes[..at].contains(hash), "{at}");
        }
    }

    #[test]
    fn the_order_of_elements_counts_unless_the_table_says_otherwise() {
        let array: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1), Some(2)]),
            Some(vec![Some(2), Some(1)]),
            Some(vec![Some(1), Some(2), None]),
            Some(vec![Some(1), Some(1), Some(2)]),
            Some(vec![]),
            None,
        ]));
        for (unordered, same) in [(false, false), (true, true)] {
            let hashes = cells(&column("list", "list<int32>", unordered), &array).expect("lists");
            assert_eq!(hashes[0] == hashes[1], same);
            for (at, hash) in hashes.iter().enumerate().skip(2) {
                assert!(!hashes[..at].contains(hash), "{at}");
            }
        }
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let array: ArrayRef =
            Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN, 1.0]));
        let hashes = cells(&column("n", "float64", false), &array).expect("numbers");
        assert_eq!(hashes[0], hashes[1]);
        assert_eq!(hashes[2], hashes[3]);
        assert_ne!(hashes[0], hashes[4]);
    }

    #[test]
    fn a_row_is_its_cells_and_a_column_of_nulls_is_nothing() {
        let columns = ["a", "b", "c"].map(|name| column(name, "text", false));
        let (x, y, none) = (texts(&[Some("x")]), texts(&[Some("y")]), texts(&[None]));
        let hash = |columns: &[Column], arrays: &[&ArrayRef]| {
            let arrays: Vec<ArrayRef> = arrays.iter().map(|it| Arc::clone(it)).collect();
            rows(columns, &arrays, 1).expect("texts")[0]
        };
        assert_eq!(hash(&columns[..2], &[&x, &y]), hash(&columns, &[&x, &y, &none]));
        assert_ne!(hash(&columns[..2], &[&x, &y]), hash(&columns[..2], &[&y, &x]));
        assert_ne!(hash(&columns[..2], &[&x, &x]), hash(&columns[..2], &[&y, &y]));
    }
}
