//! The slow decoder that the fast one has to agree with: serde_json's syntax, a value at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use entra_flight::catalog::{Column, Origin, Property, Type};
use entra_flight::decode::OnMismatch;
use entra_flight::limits::decode::NESTING_MAX;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Text(String),
    Bytes(Vec<u8>),
    Boolean(bool),
    /// Integers, dates and times.
    Integer(i64),
    /// By its bits, so that NaN equals itself and 0 is not -0.
    Float(u64),
    List(Vec<Cell>),
    Struct(Vec<Cell>),
    /// The rest of a row: names without escapes, and texts of values.
    Rest(Vec<(String, String)>),
}

/// What is read from a page.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub rows: Vec<Vec<Cell>>,
    pub mismatches: Vec<u64>,
    /// Members left out because a later one has their name.
    pub duplicates: u64,
    /// Behind the list of rows.
    pub end: usize,
}

/// Reads the list of rows at the start of a page; `None` if it is refused.
pub fn read(
    columns: &[Column],
    page: &[u8],
    parent: Option<&str>,
    rule: OnMismatch,
) -> Option<Read> {
    let sent = str::from_utf8(page).ok()?;
    let mended = mend(sent);
    let mut values = serde_json::Deserializer::from_str(&mended).into_iter::<Vec<&RawValue>>();
    let rows = values.next()?.ok()?;
    let end = values.byte_offset();
    if rows.iter().any(|row| depth(row.get()) > NESTING_MAX) {
        return None;
    }
    let keeps = columns.iter().any(|column| column.origin == Origin::Extra);
    let mut reference = Reference { sent, mended: &mended, keeps, mismatches: 0, duplicates: 0 };
    let mut read =
        Read { rows: Vec::new(), mismatches: vec![0; columns.len()], duplicates: 0, end };
    for row in rows {
        let row = reference.row(columns, row.get(), parent, &mut read.mismatches)?;
        read.rows.push(row);
    }
    read.duplicates = reference.duplicates;
    let failed = rule == OnMismatch::Error && read.mismatches.iter().any(|count| *count != 0);
    (!failed).then_some(read)
}

struct Reference<'a> {
    sent: &'a str,
    /// `sent` with each half of a surrogate pair replaced, byte for byte.
    mended: &'a str,
    /// Whether what is left over is kept.
    keeps: bool,
    mismatches: u64,
    duplicates: u64,
}

/// What the columns have no room for, by name: the name as it was sent, and the value.
type Leftover = BTreeMap<String, (String, String)>;

impl Reference<'_> {
    fn row(
        &mut self,
        columns: &[Column],
        row: &str,
        parent: Option<&str>,
        mismatches: &mut [u64],
    ) -> Option<Vec<Cell>> {
        let Members(members) = serde_json::from_str(row).ok()?;
        let mut cells: Vec<_> = columns
            .iter()
            .map(|column| match column.origin {
                Origin::Parent => parent.map_or(Cell::Null, |key| Cell::Text(key.to_owned())),
                _ => Cell::Null,
            })
            .collect();
        let mut left = Leftover::new();
        let mut met = BTreeSet::new();
        for (key, name, value) in members {
            let wanted =
                |column: &Column| matches!(&column.origin, Origin::Property(of) if **of == *name);
            if let Some(at) = columns.iter().position(wanted) {
                self.mismatches = 0;
                let (cell, over) = self.cell(&columns[at].ty, value.get());
                cells[at] = cell;
                mismatches[at] += self.mismatches;
                self.duplicates += u64::from(!met.insert(name.clone()));
                self.replace(&mut left, key, name, over);
            } else if self.keeps && !name.contains('@') {
                let over = Some(self.as_sent(value.get()));
                self.duplicates += u64::from(left.contains_key(&name));
                self.replace(&mut left, key, name, over);
            }
        }
        let keeps = columns.iter().position(|column| column.origin == Origin::Extra);
        if let Some(at) = keeps.filter(|_| !left.is_empty()) {
            let left = left.into_iter().map(|(name, (_, value))| (name, value));
            cells[at] = Cell::Rest(left.collect());
        }
        Some(cells)
    }

    fn replace(&self, left: &mut Leftover, key: &RawValue, name: String, over: Option<String>) {
        match over {
            Some(over) => drop(left.insert(name, (self.as_sent(key.get()), over))),
            None => drop(left.remove(&name)),
        }
    }

    /// The cell of a value, and what it has no room for.
    fn cell(&mut self, ty: &Type, value: &str) -> (Cell, Option<String>) {
        if value == "null" {
            return (Cell::Null, None);
        }
        let (cell, over) = match ty {
            Type::List(item) => self.list(item, value),
            Type::Struct(parts) => self.object(parts, value),
            _ => (self.typed(ty, value), None),
        };
        match cell {
            Some(cell) => (cell, over),
            None => {
                self.mismatches += 1;
                (Cell::Null, Some(self.as_sent(value)))
            }
        }
    }

    fn list(&mut self, item: &Type, value: &str) -> (Option<Cell>, Option<String>) {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value) else { return (None, None) };
        let items: Vec<_> = items.iter().map(|value| self.cell(item, value.get())).collect();
        let over = items.iter().any(|(_, over)| over.is_some()).then(|| {
            let each = items.iter().map(|(_, over)| over.as_deref().unwrap_or("null"));
            format!("[{}]", each.collect::<Vec<_>>().join(","))
        });
        (Some(Cell::List(items.into_iter().map(|(cell, _)| cell).collect())), over)
    }

    fn object(&mut self, parts: &[Property], value: &str) -> (Option<Cell>, Option<String>) {
        let Ok(Members(members)) = serde_json::from_str(value) else { return (None, None) };
        let mut cells = vec![Cell::Null; parts.len()];
        let mut left = Leftover::new();
        let mut met = BTreeSet::new();
        for (key, name, value) in members {
            if let Some(at) = parts.iter().position(|part| *part.name == *name) {
                let (cell, over) = self.cell(&parts[at].ty, value.get());
                cells[at] = cell;
                self.duplicates += u64::from(!met.insert(name.clone()));
                self.replace(&mut left, key, name, over);
            } else if self.keeps && (!name.contains('@') || name == "@odata.type") {
                let over = Some(self.as_sent(value.get()));
                self.duplicates += u64::from(left.contains_key(&name));
                self.replace(&mut left, key, name, over);
            }
        }
        let over = (!left.is_empty()).then(|| {
            let members = left.values().map(|(key, value)| format!("{key}:{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        (Some(Cell::Struct(cells)), over)
    }

    /// The cell of a value that is no list and no object.
    fn typed(&mut self, ty: &Type, value: &str) -> Option<Cell> {
        let text: Option<String> = serde_json::from_str(value).ok();
        Some(match ty {
            Type::Text => Cell::Text(text?),
            Type::Json => Cell::Text(self.as_sent(value)),
            Type::Binary => Cell::Bytes(bytes(&text?)?),
            Type::Boolean => Cell::Boolean(serde_json::from_str(value).ok()?),
            Type::Int32 => Cell::Integer(value.parse::<i32>().ok()?.into()),
            Type::Int64 => Cell::Integer(match text {
                Some(text) if text.starts_with('+') => return None,
                Some(text) => text.parse().ok()?,
                None => value.parse().ok()?,
            }),
            Type::Float64 => Cell::Float(float(text.as_deref(), value)?.to_bits()),
            Type::Timestamp => Cell::Integer(timestamp(&text?)?),
            Type::Date => Cell::Integer(date(&text?)?),
            Type::Time => Cell::Integer(time(&text?)?),
            Type::List(_) | Type::Struct(_) => return None,
        })
    }

    /// The text of a value of `mended`, as it was sent.
    fn as_sent(&self, value: &str) -> String {
        let start = value.as_ptr().addr() - self.mended.as_ptr().addr();
        self.sent[start..start + value.len()].to_owned()
    }
}

/// An object's members in their order, none left out: key as written, name and value.
pub struct Members<'a>(pub Vec<(&'a RawValue, String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    let name = serde_json::from_str(key.get()).map_err(A::Error::custom)?;
                    members.push((key, name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Replaces each escape that is half of a surrogate pair by that of U+FFFD, which serde_json reads.
pub fn mend(text: &str) -> String {
    let mut mended = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                mended.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    mended + rest
}

/// The code unit of the `\u` escape that `text` starts with.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| hex)
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn float(text: Option<&str>, value: &str) -> Option<f64> {
    match text {
        Some("INF") => Some(f64::INFINITY),
        Some("-INF") => Some(f64::NEG_INFINITY),
        Some("NaN") => Some(f64::NAN),
        Some(_) => None,
        None if !value.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => None,
        None => value.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard: String = text.replace('-', "+").replace('_', "/");
    if standard.contains('=') && !standard.len().is_multiple_of(4) {
        return None;
    }
    GeneralPurpose::new(&STANDARD, config).decode(standard).ok()
}

fn digits(text: &str, len: usize) -> Option<i64> {
    let right = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| right)
}

/// Days since 1970, a year and a month at a time.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let (year, month) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?);
    let day = digits(parts.next()?, 2)?;
    let leap = |year: i64| year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > months[month as usize - 1] {
        return None;
    }
    let years: i64 = (1..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    Some(years + months[..month as usize - 1].iter().sum::<i64>() + day - 1 - 719_162)
}

/// Microseconds since midnight.
fn time(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(second) => match second.split_once('.') {
            None => (digits(second, 2)?, 0),
            Some((second, fraction)) => {
                digits(&fraction[..1.min(fraction.len())], 1)?;
                if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                (digits(second, 2)?, digits(&format!("{fraction:0<6}")[..6], 6)?)
            }
        },
    };
    let right = hour < 24 && minute < 60 && second < 60;
    right.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

/// Microseconds since 1970.
fn timestamp(text: &str) -> Option<i64> {
    let (day, rest) = text.split_once('T')?;
    let zone = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone);
    let offset = match zone.split_at(1) {
        ("Z", "") => 0,
        ("+", offset) if offset.len() == 5 => time(offset)?,
        ("-", offset) if offset.len() == 5 => -time(offset)?,
        _ => return None,
    };
    Some(date(day)? * 86_400_000_000 + time(clock)? - offset)
}
