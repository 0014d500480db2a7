//! One request to Graph as the simulation sees it, and what it says back.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde::Serialize;

use super::moment;

/// A request to Graph, or a part of a `$batch`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// Scheme and authority, which links lead back to.
    pub(super) origin: &'a str,
    /// As sent, with the version in front.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) now: Duration,
    pub(super) request_id: &'a str,
    pub(super) batched: bool,
}

impl Asked<'_> {
    /// A header's text, where there is one.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The client's own name for the request, or else ours.
    pub(super) fn client_request_id(&self) -> &str {
        self.header("client-request-id").unwrap_or(self.request_id)
    }

    /// Whether the client accepts that the answer comes from the index, which lags.
    pub(super) fn eventual(&self) -> bool {
        self.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    }
}

/// An answer of Graph.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
}

/// What Graph calls the JSON it sends.
pub(super) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                               IEEE754Compatible=false;charset=utf-8";

impl Reply {
    pub(super) fn json(body: Vec<u8>) -> Self {
        Reply { status: StatusCode::OK, content_type: JSON, headers: Vec::new(), body }
    }

    pub(super) fn text(content_type: &'static str, body: String) -> Self {
        let body = body.into_bytes();
        Reply { status: StatusCode::OK, content_type, headers: Vec::new(), body }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }
}

/// An error as JSON, with its members in Graph's order.
#[derive(Debug, Serialize)]
struct Enveloped<'a> {
    error: ErrorBody<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    inner_error: InnerError<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct InnerError<'a> {
    date: String,
    request_id: &'a str,
    client_request_id: &'a str,
}

/// An error of Graph before it is written out.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, code, message: message.into(), headers: Vec::new() }
    }

    /// 400 `Request_BadRequest`.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 400 `Request_UnsupportedQuery`.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// 404 of an object that does not exist, or of a relation to one that is not set.
    pub(super) fn not_found(key: &str) -> Self {
        let message = format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are \
             not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    /// 403 for want of a permission.
    pub(super) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    /// 401, with the header that says where to sign in.
    pub(super) fn unauthenticated(message: &str) -> Self {
        let challenge = format!(
            "Bearer realm=\"\", \
             authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             client_id=\"{}\"",
            super::token::GRAPH
        );
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
            .with(header::WWW_AUTHENTICATE, challenge)
    }

    pub(super) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The error as Graph writes it.
    pub(super) fn reply(self, asked: &Asked<'_>) -> Reply {
        let error = ErrorBody {
            code: self.code,
            message: &self.message,
            inner_error: InnerError {
                date: moment::graph(asked.now),
                request_id: asked.request_id,
                client_request_id: asked.client_request_id(),
            },
        };
        let body = serde_json::to_vec(&Enveloped { error }).unwrap_or_default();
        Reply { status: self.status, content_type: "application/json", headers: self.headers, body }
    }
}
