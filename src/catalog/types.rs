//! The types a column can have, and their Arrow form.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

/// What a column or a part of one holds.
///
/// It is coarser than OData's types: identifiers, enumerations, durations and plain strings are
/// all [`Type::Text`], because that is how Graph sends them and how every client reads them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `Utf8`: Edm.String, Edm.Guid, Edm.Duration, enumerations (members not known are kept).
    Text,
    /// `Boolean`.
    Boolean,
    /// `Int32`: Edm.Int32, Edm.Int16, Edm.Byte.
    Int32,
    /// `Int64`; Graph may send it as a number or as a string of digits.
    Int64,
    /// `Float64`: Edm.Double, Edm.Single; also the strings `INF`, `-INF`, `NaN` of OData.
    Float64,
    /// `Timestamp(µs, UTC)`: Edm.DateTimeOffset. The seventh digit is dropped; the years 0001 and
    /// 9999 are kept, which is why the unit is not nanoseconds.
    Timestamp,
    /// `Date32`: Edm.Date.
    Date,
    /// `Time64(µs)`: Edm.TimeOfDay.
    Time,
    /// `Binary`, from base64 of either alphabet.
    Binary,
    /// `Utf8` with the extension type `arrow.json`: the value's JSON text as Graph sent it.
    Json,
    /// `List`.
    List(Arc<Type>),
    /// `Struct`.
    Struct(Arc<[Property]>),
}

/// One named part of a [`Type::Struct`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Property {
    /// Graph's own name, which is the JSON key and the Arrow field.
    pub name: Arc<str>,
    /// What it holds; always nullable.
    pub ty: Type,
}

impl Type {
    /// The Arrow type.
    pub fn arrow(&self) -> DataType {
        match self {
            Type::Text | Type::Json => DataType::Utf8,
            Type::Boolean => DataType::Boolean,
            Type::Int32 => DataType::Int32,
            Type::Int64 => DataType::Int64,
            Type::Float64 => DataType::Float64,
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::Date => DataType::Date32,
            Type::Time => DataType::Time64(TimeUnit::Microsecond),
            Type::Binary => DataType::Binary,
            Type::List(item) => DataType::List(item.field("item")),
            Type::Struct(parts) => {
                DataType::Struct(parts.iter().map(|part| part.ty.field(&part.name)).collect())
            }
        }
    }

    /// A nullable Arrow field of this type, with the extension type where there is one.
    pub fn field(&self, name: &str) -> FieldRef {
        let field = Field::new(name, self.arrow(), true);
        Arc::new(match self {
            Type::Json => field.with_metadata(HashMap::from([
                ("ARROW:extension:name".to_owned(), "arrow.json".to_owned()),
                ("ARROW:extension:metadata".to_owned(), String::new()),
            ])),
            _ => field,
        })
    }
}
