//! What is compared: columns, and constants as DataFusion writes them.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of a column's name.
const NAME_BYTES_MAX: usize = 1 << 10;

/// Bytes of a pattern: it may become a regular expression, whose size is bounded.
const PATTERN_BYTES_MAX: usize = 1 << 10;

/// Whole numbers with a sign, each type wider than those before it.
const SIGNED: [&str; 4] = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];

/// A type of DuckDB's.
#[derive(Clone, Deserialize)]
pub struct Type<'a> {
    id: String,
    /// What the name leaves open: the digits of a decimal, a collation, the name of a type that
    /// this one stands for.
    #[serde(borrow)]
    type_info: Option<&'a RawValue>,
}

impl PartialEq for Type<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.type_info.map(RawValue::get) == other.type_info.map(RawValue::get)
    }
}

impl Type<'_> {
    /// The id of a type that is what it says and no more.
    fn plain(&self) -> Option<&str> {
        self.type_info.is_none().then_some(&*self.id)
    }

    /// Text that is compared byte by byte.
    pub fn is_text(&self) -> bool {
        self.plain() == Some("VARCHAR")
    }

    /// What its constants are; `None` of types whose constants are not understood.
    fn scalar(&self) -> Option<Scalar> {
        Some(match &*self.id {
            "DECIMAL" => {
                let digits: Digits = serde_json::from_str(self.type_info?.get()).ok()?;
                let known = digits.width <= 38 && digits.scale <= digits.width;
                return known.then_some(Scalar::Decimal(digits));
            }
            _ => match self.plain()? {
                "VARCHAR" => Scalar::Text,
                "BOOLEAN" => Scalar::Boolean,
                "DOUBLE" | "FLOAT" => Scalar::Real,
                "DATE" => Scalar::Date,
                "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => Scalar::Timestamp,
                "HUGEINT" | "UHUGEINT" | "UTINYINT" | "USMALLINT" | "UINTEGER" | "UBIGINT" => {
                    Scalar::Integer
                }
                id if SIGNED.contains(&id) => Scalar::Integer,
                _ => return None,
            },
        })
    }

    /// Whether every value of this type is a value of `other`, ordered as before.
    fn widens_to(&self, other: &Self) -> bool {
        let rank = |ty: &Self| SIGNED.iter().position(|id| ty.plain() == Some(id));
        matches!((rank(self), rank(other)), (Some(from), Some(to)) if from <= to)
    }
}

enum Scalar {
    Text,
    Boolean,
    Integer,
    Real,
    Decimal(Digits),
    Date,
    Timestamp,
}

#[derive(Deserialize)]
struct Digits {
    width: usize,
    scale: usize,
}

/// A constant as it is serialized; no value where it is null.
#[derive(Deserialize)]
pub struct Constant<'a> {
    #[serde(borrow, rename = "type")]
    ty: Type<'a>,
    is_null: bool,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// A column or a constant.
pub struct Operand<'a> {
    /// Which of them.
    pub is: Is,
    /// As it stands in SQL.
    pub sql: String,
    /// The type it is compared in.
    pub ty: Type<'a>,
}

/// What an [`Operand`] can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A column.
    Column,
    /// A constant.
    Constant,
    /// A constant that is null.
    Null,
}

impl<'a> Operand<'a> {
    /// A column of the table; `None` of one that is in no table: DuckDB's number of the row, and
    /// what has no name.
    pub fn column(name: &str, ty: Type<'a>) -> Option<Self> {
        let known = !matches!(name, "" | "rowid") && name.len() <= NAME_BYTES_MAX;
        let sql = known.then(|| format!("\"{}\"", name.replace('"', "\"\"")))?;
        Some(Operand { is: Is::Column, sql, ty })
    }

    /// A constant of a type that is understood.
    pub fn constant(constant: &Constant<'a>) -> Option<Self> {
        let scalar = constant.ty.scalar()?;
        let (is, sql) = match constant.is_null {
            true => (Is::Null, "NULL".to_owned()),
            false => (Is::Constant, literal(scalar, constant.value?.get())?),
        };
        Some(Operand { is, sql, ty: constant.ty.clone() })
    }

    /// The same in another type, where that changes neither a value nor the order.
    pub fn cast(self, ty: Type<'a>) -> Option<Self> {
        (self.ty == ty || self.ty.widens_to(&ty)).then_some(Operand { ty, ..self })
    }

    /// Whether it is a predicate by itself.
    pub fn is_boolean(&self) -> bool {
        self.is != Is::Null && self.ty.plain() == Some("BOOLEAN")
    }

    /// Whether it is a constant text.
    pub fn is_text(&self) -> bool {
        self.is == Is::Constant && self.ty.is_text()
    }
}

/// A value, given as JSON, in SQL.
fn literal(scalar: Scalar, json: &str) -> Option<String> {
    Some(match scalar {
        // Text that is not UTF-8 comes as an object, and is not understood.
        Scalar::Text => {
            let text: String = serde_json::from_str(json).ok()?;
            format!("'{}'", text.replace('\'', "''"))
        }
        Scalar::Boolean => match json {
            "true" => "TRUE".to_owned(),
            "false" => "FALSE".to_owned(),
            _ => return None,
        },
        Scalar::Integer => {
            let value = integer(json)?;
            let known = i128::from(i64::MIN) <= value && value <= i128::from(u64::MAX);
            known.then(|| value.to_string())?
        }
        Scalar::Real => real(json)?,
        Scalar::Decimal(digits) => decimal(integer(json)?, &digits),
        Scalar::Date => format!("arrow_cast({}, 'Date32')", json.parse::<i32>().ok()?),
        Scalar::Timestamp => {
            let micros: i64 = json.parse().ok()?;
            format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
        }
    })
}

/// A whole number; those of 128 bits come in two halves.
fn integer(json: &str) -> Option<i128> {
    #[derive(Deserialize)]
    struct Halves {
        upper: i128,
        lower: u64,
    }
    json.parse().ok().or_else(|| {
        let Halves { upper, lower } = serde_json::from_str(json).ok()?;
        upper.checked_mul(1 << 64)?.checked_add(lower.into())
    })
}

/// Zero is left out: DuckDB takes `-0.0` for the same, a list of values in DataFusion does not.
fn real(json: &str) -> Option<String> {
    let value: f64 = json.parse().ok()?;
    let known = value.is_finite() && value != 0.0;
    known.then(|| format!("{value:?}"))
}

fn decimal(unscaled: i128, digits: &Digits) -> String {
    let Digits { width, scale } = digits;
    let sign = if unscaled < 0 { "-" } else { "" };
    let text = format!("{:0>1$}", unscaled.unsigned_abs(), scale + 1);
    let (whole, rest) = text.split_at(text.len().saturating_sub(*scale));
    let point = if rest.is_empty() { "" } else { "." };
    format!("CAST('{sign}{whole}{point}{rest}' AS DECIMAL({width}, {scale}))")
}

/// The pattern of a `LIKE`. A backslash is one to DuckDB, and to DataFusion takes the meaning
/// from what follows.
pub fn pattern(literal: String) -> Option<String> {
    let same = !literal.contains('\\') && literal.len() <= PATTERN_BYTES_MAX;
    same.then_some(literal)
}

/// The pattern of an `ILIKE`. To DuckDB, `İ` is the capital of `i`, to DataFusion of none; a sign
/// that stands for any other lets all three through.
pub fn pattern_in_any_case(literal: String) -> Option<String> {
    Some(pattern(literal)?.replace(['i', 'I', 'İ'], "_"))
}
