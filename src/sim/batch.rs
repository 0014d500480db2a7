//! `$batch`: up to twenty requests in one.
//!
//! <https://learn.microsoft.com/graph/json-batching>

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::counters::add;
use super::limits;
use super::reply::{Asked, Refusal, Reply};
use super::route::Version;
use super::tenant::{State, envelope_headers};

#[derive(Debug, Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    requests: Vec<Part<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// A part's answer.
#[derive(Debug)]
struct Done {
    id: String,
    status: StatusCode,
    text: Vec<u8>,
}

impl State {
    /// Answers a `$batch` that carries a good token.
    pub(super) fn batch(&self, asked: &Asked<'_>, version: Version) -> Result<Reply, Refusal> {
        if asked.batched {
            return Err(Refusal::bad("Nested batch requests are not supported."));
        }
        if asked.method != Method::POST {
            let message = "The $batch endpoint takes POST.";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refusal::new(status, "Request_BadRequest", message));
        }
        let batch: Batch<'_> = serde_json::from_slice(asked.body)
            .map_err(|_| malformed("Invalid batch payload format."))?;
        check(&batch.requests)?;
        let mut done: Vec<Done> = Vec::with_capacity(batch.requests.len());
        for part in &batch.requests {
            let failed = done
                .iter()
                .any(|done| part.depends_on.contains(&done.id) && done.status.as_u16() >= 400);
            done.push(self.part(asked, version, part, failed));
        }
        // Answers come in any order. Turning them round shows who counts on theirs.
        done.reverse();
        let mut out = b"{\"responses\":[".to_vec();
        for (n, done) in done.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&done.text);
        }
        out.extend_from_slice(b"]}");
        Ok(Reply { content_type: "application/json", ..Reply::json(out) })
    }

    fn part(&self, asked: &Asked<'_>, version: Version, part: &Part<'_>, failed: bool) -> Done {
        add(&self.tally.batch_parts, 1);
        let request_id = self.next_id();
        let mut headers = HeaderMap::new();
        let own = part.headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        });
        headers.extend(own);
        if let Some(token) = asked.headers.get(http::header::AUTHORIZATION) {
            headers.entry(http::header::AUTHORIZATION).or_insert_with(|| token.clone());
        }
        let url = encoded(&part.url);
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        let path = format!("/{}/{}", version.segment(), path.trim_start_matches('/'));
        let method = Method::from_bytes(part.method.as_bytes()).unwrap_or_default();
        let inner = Asked {
            method: &method,
            path: &path,
            query,
            headers: &headers,
            body: part.body.map_or(&[], |body| body.get().as_bytes()),
            request_id: &request_id,
            batched: true,
            ..*asked
        };
        let reply = if failed {
            let message = "Failed dependency: a request that this one depends on has failed.";
            Refusal::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message).reply(&inner)
        } else {
            self.graph(&inner)
        };
        Done { id: part.id.clone(), status: reply.status, text: write(&part.id, &inner, reply) }
    }
}

fn check(parts: &[Part<'_>]) -> Result<(), Refusal> {
    if parts.is_empty() {
        return Err(malformed("Invalid batch payload format: there are no requests."));
    }
    if parts.len() > limits::BATCH_PARTS_MAX {
        return Err(malformed(&format!(
            "Number of batch request steps exceeds the maximum value of '{}'.",
            limits::BATCH_PARTS_MAX
        )));
    }
    for (n, part) in parts.iter().enumerate() {
        let before = parts.get(..n).unwrap_or_default();
        if before.iter().any(|other| other.id == part.id) {
            return Err(malformed(&format!("The request id '{}' is not unique.", part.id)));
        }
        let unknown = |id: &&String| !before.iter().any(|other| other.id == **id);
        if let Some(id) = part.depends_on.iter().find(unknown) {
            return Err(malformed(&format!("The request id '{id}' of dependsOn is not known.")));
        }
    }
    Ok(())
}

/// A URL in which only what may stand in one stands as it is. Parts are often written with spaces
/// and quotes, and links repeat what was asked.
fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'@' | b'!' | b'$' | b'&' | b'\''
            | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b'%' => out.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn malformed(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// One part's answer as a member of `responses`.
fn write(id: &str, asked: &Asked<'_>, reply: Reply) -> Vec<u8> {
    let mut headers = serde_json::Map::new();
    headers.insert("Content-Type".to_owned(), reply.content_type.into());
    for (name, value) in envelope_headers(asked).into_iter().chain(reply.headers) {
        headers.insert(title(name.as_str()), value.into());
    }
    let json = reply.content_type.starts_with("application/json");
    let body = if json {
        reply.body
    } else {
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        serde_json::Value::from(text).to_string().into_bytes()
    };
    let head = format!(
        "{{\"id\":{},\"status\":{},\"headers\":{},\"body\":",
        serde_json::Value::from(id),
        reply.status.as_u16(),
        serde_json::Value::Object(headers)
    );
    [head.into_bytes(), body, b"}".to_vec()].concat()
}

/// The headers of parts are written as in old HTTP: `Retry-After`.
fn title(name: &str) -> String {
    match name {
        "retry-after" => "Retry-After".to_owned(),
        other => other.to_owned(),
    }
}
