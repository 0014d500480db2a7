//! Which list, object or endpoint a path means.

use std::borrow::Cow;

use http::StatusCode;

use super::population::{Kind, Population};
use super::reply::Refusal;
use super::surface::{COLLECTIONS, Collection, Link};

/// Graph's API versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    Beta,
}

impl Version {
    pub(super) fn segment(self) -> &'static str {
        match self {
            Version::V1 => "v1.0",
            Version::Beta => "beta",
        }
    }
}

/// What a path means.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) version: Version,
    pub(super) node: Node,
}

#[derive(Debug)]
pub(super) enum Node {
    Metadata,
    Batch,
    /// All objects of a kind.
    List {
        of: &'static Collection,
        count: bool,
    },
    /// One object.
    One {
        of: &'static Collection,
        key: String,
    },
    /// What one object leads to.
    Related {
        of: &'static Collection,
        key: String,
        link: &'static Link,
        /// Only objects of this kind.
        cast: Option<Kind>,
        count: bool,
    },
}

/// Reads a path, version in front.
///
/// # Errors
///
/// Graph's 400 for a version or a segment that it does not know.
pub(super) fn read(path: &str) -> Result<Route, Refusal> {
    let mut segments = split(path)?.into_iter();
    let version = match segments.next().as_deref() {
        Some("v1.0") => Version::V1,
        Some("beta") => Version::Beta,
        other => {
            let message = format!("Invalid version: {}", other.unwrap_or_default());
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message));
        }
    };
    let segments: Vec<String> = segments.collect();
    let texts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let node = match texts.as_slice() {
        ["$metadata"] => Node::Metadata,
        ["$batch"] => Node::Batch,
        rest => node(rest)?,
    };
    Ok(Route { version, node })
}

/// The segments, decoded, with `users('key')` taken apart like `users/key`.
fn split(path: &str) -> Result<Vec<String>, Refusal> {
    let mut segments = Vec::new();
    for raw in path.split('/').filter(|segment| !segment.is_empty()) {
        let segment = decoded(raw).ok_or_else(|| unknown(raw))?;
        match segment.strip_suffix("')").and_then(|front| front.split_once("('")) {
            Some((name, key)) => {
                segments.extend([name.to_owned(), key.replace("''", "'")]);
            }
            None => segments.push(segment.into_owned()),
        }
    }
    Ok(segments)
}

/// A segment without its percent signs; a plus stands for itself here.
fn decoded(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn node(segments: &[&str]) -> Result<Node, Refusal> {
    let of = COLLECTIONS
        .iter()
        .find(|collection| starts_with(segments, collection.path))
        .ok_or_else(|| unknown(segments.first().copied().unwrap_or_default()))?;
    match segments.get(of.path.len()..).unwrap_or_default() {
        [] => Ok(Node::List { of, count: false }),
        ["$count"] => Ok(Node::List { of, count: true }),
        [key] => Ok(Node::One { of, key: (*key).to_owned() }),
        [key, name, rest @ ..] => {
            let link = of
                .links
                .iter()
                .find(|link| link.name.eq_ignore_ascii_case(name))
                .ok_or_else(|| unknown(name))?;
            let (cast, count) = ending(link, rest)?;
            Ok(Node::Related { of, key: (*key).to_owned(), link, cast, count })
        }
    }
}

fn starts_with(segments: &[&str], path: &[&str]) -> bool {
    segments.len() >= path.len()
        && segments.iter().zip(path).all(|(segment, name)| segment.eq_ignore_ascii_case(name))
}

/// What may follow a link: a type, `$count`, or both.
fn ending(link: &Link, rest: &[&str]) -> Result<(Option<Kind>, bool), Refusal> {
    let cast_to = |name: &str| {
        let kind = link
            .kinds
            .iter()
            .copied()
            .find(|kind| Population::odata_type(*kind).strip_prefix('#') == Some(name));
        kind.ok_or_else(|| unknown(name))
    };
    match rest {
        [] => Ok((None, false)),
        ["$count"] if !link.single => Ok((None, true)),
        [cast] if !link.single => Ok((Some(cast_to(cast)?), false)),
        [cast, "$count"] if !link.single => Ok((Some(cast_to(cast)?), true)),
        [first, ..] => Err(unknown(first)),
    }
}

fn unknown(segment: &str) -> Refusal {
    let message = format!("Resource not found for the segment '{segment}'.");
    Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}
