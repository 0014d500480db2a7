//! Types as text, for the data files and for people: `list<struct<skuId: text>>`.
//!
//! ```text
//! type   = scalar | "list<" type ">" | "struct<" part { "," part } ">"
//! part   = name ":" type
//! scalar = text | boolean | int32 | int64 | float64 | timestamp | date | time | binary | json
//! ```
//! Spaces may stand between any two tokens. [`Type`]'s `Display` writes what `FromStr` reads.

use std::fmt;
use std::str::FromStr;

use super::{Property, Type};
use crate::limits::catalog as limits;

/// Why a text is not a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset} of a type")]
pub struct NotationError {
    what: What,
    offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Expected(&'static str),
    UnknownScalar(String),
    RepeatedPart(String),
    TooDeep,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Expected(token) => write!(f, "expected {token}"),
            What::UnknownScalar(name) => write!(f, "unknown type `{name}`"),
            What::RepeatedPart(name) => write!(f, "a second part `{name}`"),
            What::TooDeep => write!(f, "more than {} levels", limits::TYPE_DEPTH_MAX),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Text => f.write_str("text"),
            Type::Boolean => f.write_str("boolean"),
            Type::Int32 => f.write_str("int32"),
            Type::Int64 => f.write_str("int64"),
            Type::Float64 => f.write_str("float64"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Date => f.write_str("date"),
            Type::Time => f.write_str("time"),
            Type::Binary => f.write_str("binary"),
            Type::Json => f.write_str("json"),
            Type::List(item) => write!(f, "list<{item}>"),
            Type::Struct(parts) => {
                let mut before = "struct<";
                for Property { name, ty } in parts.iter() {
                    write!(f, "{before}{name}: {ty}")?;
                    before = ", ";
                }
                f.write_str(">")
            }
        }
    }
}

impl FromStr for Type {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let mut reader = Reader { text, offset: 0 };
        let ty = reader.ty(limits::TYPE_DEPTH_MAX)?;
        match reader.rest() {
            "" => Ok(ty),
            _ => Err(reader.error(What::Expected("the end"))),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Reader<'a> {
    fn ty(&mut self, levels: usize) -> Result<Type, NotationError> {
        let Some(levels) = levels.checked_sub(1) else {
            return Err(self.error(What::TooDeep));
        };
        let (start, name) = self.name("a type")?;
        match name {
            "list" => {
                self.token("<", "`<`")?;
                let item = self.ty(levels)?;
                self.token(">", "`>`")?;
                Ok(Type::List(item.into()))
            }
            "struct" => {
                self.token("<", "`<`")?;
                let parts = self.parts(levels)?;
                self.token(">", "`>` or `,`")?;
                Ok(Type::Struct(parts.into()))
            }
            _ => scalar(name).ok_or_else(|| NotationError {
                what: What::UnknownScalar(name.to_owned()),
                offset: start,
            }),
        }
    }

    fn parts(&mut self, levels: usize) -> Result<Vec<Property>, NotationError> {
        let mut parts: Vec<Property> = Vec::new();
        loop {
            let (start, name) = self.name("a part's name")?;
            if parts.iter().any(|part| &*part.name == name) {
                let what = What::RepeatedPart(name.to_owned());
                return Err(NotationError { what, offset: start });
            }
            self.token(":", "`:`")?;
            parts.push(Property { name: name.into(), ty: self.ty(levels)? });
            if self.token(",", "`,`").is_err() {
                return Ok(parts);
            }
        }
    }

    fn name(&mut self, expected: &'static str) -> Result<(usize, &'a str), NotationError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let (name, _) = rest.split_at(end);
        if name.is_empty() {
            return Err(self.error(What::Expected(expected)));
        }
        let start = self.offset;
        self.offset += name.len();
        Ok((start, name))
    }

    fn token(&mut self, token: &str, expected: &'static str) -> Result<(), NotationError> {
        if !self.rest().starts_with(token) {
            return Err(self.error(What::Expected(expected)));
        }
        self.offset += token.len();
        Ok(())
    }

    fn rest(&mut self) -> &'a str {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        let trimmed = rest.trim_start_matches(' ');
        self.offset += rest.len() - trimmed.len();
        trimmed
    }

    fn error(&self, what: What) -> NotationError {
        NotationError { what, offset: self.offset }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '.')
}

fn scalar(name: &str) -> Option<Type> {
    Some(match name {
        "text" => Type::Text,
        "boolean" => Type::Boolean,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "float64" => Type::Float64,
        "timestamp" => Type::Timestamp,
        "date" => Type::Date,
        "time" => Type::Time,
        "binary" => Type::Binary,
        "json" => Type::Json,
        _ => return None,
    })
}
