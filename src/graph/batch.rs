//! Many requests in one exchange.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{Answer, without_mark};
use super::error::Cause;
use super::send::PREFER;
use crate::auth::KnownSecrets;

/// One part of an answer to a `$batch`; its body stands in the answer's.
#[derive(Debug)]
pub(super) struct Part {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Range<usize>,
}

#[derive(Serialize)]
struct Questions<'a> {
    requests: Vec<Question<'a>>,
}

#[derive(Serialize)]
struct Question<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
    headers: Headers,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "Accept")]
    accept: &'static str,
    #[serde(rename = "Prefer")]
    prefer: &'static str,
}

#[derive(Deserialize)]
struct Answers<'a> {
    #[serde(borrow)]
    responses: Vec<RawPart<'a>>,
}

#[derive(Deserialize)]
struct RawPart<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    status: u16,
    #[serde(default)]
    headers: Option<HashMap<String, serde_json::Value>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// The body that asks for `urls`, which are below the version's root. They are numbered from 0.
pub(super) fn encode(urls: &[String]) -> Bytes {
    let headers = || Headers { accept: "application/json", prefer: PREFER };
    let requests = urls.iter().enumerate().map(|(id, url)| Question {
        id: id.to_string(),
        method: "GET",
        url,
        headers: headers(),
    });
    let questions = Questions { requests: requests.collect() };
    // Strings and numbers always make JSON.
    serde_json::to_vec(&questions).unwrap_or_default().into()
}

/// The parts of an answer in the order of the `asked` questions, whatever order they came in. `known`
/// is what must not come back in an error.
///
/// # Errors
///
/// [`Cause::MissingPart`] if the body is no answer to a batch, or a part is missing or comes
/// twice.
pub(super) fn read(body: &[u8], asked: usize, known: &KnownSecrets) -> Result<Vec<Part>, Cause> {
    let answers: Answers<'_> = serde_json::from_slice(without_mark(body)).map_err(|_| {
        let said = Answer::within(body, 0, known).map(Box::new);
        said.map_or(Cause::MissingPart, Cause::ErrorInside)
    })?;
    let mut parts: Vec<Option<Part>> = std::iter::repeat_with(|| None).take(asked).collect();
    for raw in answers.responses {
        let place = raw.id.parse::<usize>().ok().and_then(|id| parts.get_mut(id));
        let place = place.filter(|place| place.is_none()).ok_or(Cause::MissingPart)?;
        let within = raw.body.map_or(0..0, |part| place_of(part.get(), body));
        let headers = headers(raw.headers.unwrap_or_default());
        *place = Some(Part { status: raw.status, headers, body: within });
    }
    parts.into_iter().collect::<Option<_>>().ok_or(Cause::MissingPart)
}

/// Where a part, which was borrowed from it, stands in a body.
fn place_of(part: &str, body: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start + part.len()
}

fn headers(told: HashMap<String, serde_json::Value>) -> HeaderMap {
    let named = told.into_iter().filter_map(|(name, value)| {
        let text = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(text).ok()?))
    });
    named.collect()
}
