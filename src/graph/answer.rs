//! An answer of Graph that says no.

use std::sync::Arc;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;

use crate::auth::KnownSecrets;
use crate::catalog::Licence;
use crate::error::Kind;
use crate::limits::graph as limits;

/// The tenant lacks a licence, whatever the permissions are.
const NO_LICENCE: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// An answer of Graph that says no, as it can be told to a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Graph answered {status}{}{}{}", spaced(code.as_deref()), self.whereabouts(), self.said())]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Graph's code, such as `Authorization_RequestDenied`.
    pub code: Option<String>,
    /// The innermost and most specific code, where it is another.
    pub inner_code: Option<String>,
    /// Graph's sentence, cut to a bound.
    pub message: Option<String>,
    /// What Microsoft's support asks for.
    pub request_id: Option<String>,
    /// What we called the request ourselves; all there is where Graph never saw it.
    pub client_request_id: Option<String>,
    /// When it was, in Graph's own words.
    pub date: Option<String>,
    /// How often it was asked.
    pub tries: u32,
    /// Whether it was asked for columns by name.
    pub names_columns: bool,
    /// Whether it was asked with a condition that may be left out.
    pub may_drop_filter: bool,
    /// Whether something on the way to Graph answered in its place: a page, and nothing of Graph's.
    pub is_foreign: bool,
}

impl Answer {
    /// Reads what an answer says about itself. A body that is no JSON, or is JSON of another
    /// form, leaves the parts empty that it does not tell. What it repeats of secrets is left out.
    pub fn read(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        tries: u32,
        known: &KnownSecrets,
    ) -> Self {
        let cut = |text: &str| cut(&known.hide(text));
        let header = |name: &str| headers.get(name)?.to_str().ok().map(cut);
        let body = body.get(..limits::ERROR_BYTES_MAX).unwrap_or(body);
        let json: Value = serde_json::from_slice(without_mark(body)).unwrap_or(Value::Null);
        let error = member(&json, "error");
        let inner = error.and_then(|error| member(error, "innererror"));
        let text = |of: Option<&Value>, name: &str| {
            of.and_then(|of| member(of, name)).and_then(Value::as_str).map(cut)
        };
        let id_inside = || text(inner, "request-id").or_else(|| text(inner, "requestid"));
        Answer {
            status,
            // An OAuth server on the way answers with `error` as a string.
            code: text(error, "code").or_else(|| error.and_then(Value::as_str).map(cut)),
            inner_code: innermost(inner).as_deref().map(cut),
            message: text(error, "message"),
            request_id: header("request-id").or_else(id_inside),
            client_request_id: header("client-request-id")
                .or_else(|| text(inner, "client-request-id")),
            date: header("date").or_else(|| text(inner, "date")),
            tries,
            names_columns: false,
            may_drop_filter: false,
            is_foreign: !headers.contains_key("request-id") && is_page(headers, body),
        }
    }

    /// What a server said that failed when it had begun to answer: the first member `error` that
    /// stands in `body` from `at` on.
    pub fn within(body: &[u8], at: usize, known: &KnownSecrets) -> Option<Self> {
        let rest = body.get(at.saturating_sub(NAME.len() + 2)..)?;
        let place = memchr::memmem::find(rest, NAME)? + NAME.len();
        let rest = rest.get(place..)?.trim_ascii_start().strip_prefix(b":")?;
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Said>();
        let Said { code, message } = values.next()?.ok()?;
        let answer = Answer::read(200, &HeaderMap::new(), b"", 1, known);
        let cut = |text: &str| cut(&known.hide(text));
        let code = code.as_deref().map(cut);
        Some(Answer { code, message: message.as_deref().map(cut), ..answer })
            .filter(|answer| answer.code.is_some())
    }

    /// Whether its code, at any depth, is `code`.
    pub fn is(&self, code: &str) -> bool {
        [&self.code, &self.inner_code].into_iter().flatten().any(|c| c.eq_ignore_ascii_case(code))
    }

    /// Whether code or message contain `part`, which is given in lower case.
    pub fn speaks_of(&self, part: &str) -> bool {
        [&self.code, &self.inner_code, &self.message]
            .into_iter()
            .flatten()
            .any(|text| text.to_ascii_lowercase().contains(part))
    }

    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self.status {
            401 | 403 | 407 => Kind::Refused,
            404 => Kind::NotFound,
            429 => Kind::Throttled,
            408 | 500 | 502..=599 => Kind::Unavailable,
            400..=499 | 501 => Kind::Invalid,
            _ => Kind::Corrupt,
        }
    }

    /// What to do about it, when `thing` was asked for, which needs any of `permissions`, the
    /// least of them first.
    pub fn hint(
        &self,
        thing: &str,
        permissions: &[Arc<str>],
        licence: Option<Licence>,
    ) -> Option<String> {
        let hint = match (self.status, licence) {
            (407, _) | (403 | 511, _) if self.status == 407 || self.is_foreign => {
                "this is the answer of a proxy and not of Graph: have it let requests to \
                 `graph_base_url` through, or go round it by the environment's proxy variables"
                    .to_owned()
            }
            (403, licence) if self.is(NO_LICENCE) || self.speaks_of("premium license") => {
                let licence = licence.unwrap_or(Licence::P1);
                format!("`{thing}` needs the licence {licence} in this tenant")
            }
            (401, _) => "check that `graph_base_url` and `login_url` belong to the same cloud, \
                         then run `entra-flight check`"
                .to_owned(),
            (403, licence) => {
                let grant = grant(permissions)?;
                let licence = licence.map_or_else(String::new, |licence| {
                    format!("; the tenant also needs the licence {licence}")
                });
                format!("{grant}, then run `entra-flight check`{licence}")
            }
            (404, _) => format!("this tenant or cloud does not serve `{thing}`"),
            (400 | 501, _) if self.names_columns => {
                "ask for other columns; Graph does not list one of these".to_owned()
            }
            (501, _) => format!("this tenant or cloud does not serve `{thing}`"),
            (300..=399, _) => "set `graph_base_url` to the address that Graph itself has: \
                               redirects are not followed"
                .to_owned(),
            (408 | 429 | 500..=599, _) => "try again in some minutes".to_owned(),
            _ => return None,
        };
        Some(hint)
    }

    fn whereabouts(&self) -> String {
        let tries = match self.tries {
            1 => "1 attempt".to_owned(),
            tries => format!("{tries} attempts"),
        };
        match (&self.request_id, &self.client_request_id) {
            (Some(id), _) => format!(" (request-id {id}, {tries})"),
            (None, Some(id)) => format!(" (client-request-id {id}, {tries})"),
            (None, None) => format!(" ({tries})"),
        }
    }

    /// Graph's sentence, where the code alone does not tell what was wrong.
    fn said(&self) -> String {
        match (&self.message, self.status) {
            (_, 401 | 403 | 429) | (None, _) => String::new(),
            (Some(message), _) => format!(": {}", message.trim_end_matches('.')),
        }
    }
}

/// The name of an error's member, as JSON has it.
const NAME: &[u8] = b"\"error\"";

/// What an error says of itself.
#[derive(Deserialize)]
struct Said {
    code: Option<String>,
    message: Option<String>,
}

/// A text without the byte order mark that some servers put before it.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Whether a body is a web page, which Graph never sends.
fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
        || without_mark(body).trim_ascii_start().starts_with(b"<")
}

/// The least of the permissions, any of which would do.
fn grant(permissions: &[Arc<str>]) -> Option<String> {
    let least = permissions.first()?;
    Some(format!("grant the application permission `{least}` and consent to it"))
}

/// The member of this name, in any case: Graph writes `innerError` and `innererror`.
fn member<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    let members = json.as_object()?;
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn innermost(mut inner: Option<&Value>) -> Option<String> {
    let mut code = None;
    // JSON nests 128 deep at most here: serde_json refuses more.
    while let Some(error) = inner {
        if let Some(text) = member(error, "code").and_then(Value::as_str) {
            code = Some(text.to_owned());
        }
        inner = member(error, "innererror");
    }
    code
}

/// One line of bounded length: what came from outside goes into messages.
fn cut(text: &str) -> String {
    let line = text.chars().take(limits::MESSAGE_CHARS_MAX);
    line.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn spaced(text: Option<&str>) -> String {
    text.map(|text| format!(" {text}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::fmt::Write;

    fn read(status: u16, body: &str, tries: u32) -> Answer {
        let known = KnownSecrets::default();
        Answer::read(status, &HeaderMap::new(), body.as_bytes(), tries, &known)
    }

    #[test]
    fn answers_are_read_in_any_case_and_told_with_the_next_step() {
        let denied = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges.","innerError":{"date":"2026-01-01T00:00:00","request-id":"5f0c"}}}"#;
        let cases = [
            (403, denied, None),
            (403, denied, Some(Licence::P1)),
            (403, &denied.replace("Authorization_RequestDenied", NO_LICENCE), Some(Licence::P2)),
            (
                401,
                r#"{"ERROR":{"Code":"InvalidAuthenticationToken","InnerError":{"requestId":"7"}}}"#,
                None,
            ),
            (
                400,
                r#"{"error":{"code":"BadRequest","message":"Could not find a property named 'x'.",
                "innererror":{"code":"a","innererror":{"code":"Deepest"}}}}"#,
                None,
            ),
            (400, r#"{"error":{"code":"BadRequest","message":"Bad."}}"#, None),
            (501, r#"{"error":{"innererror":{"client-request-id":"9"}}}"#, None),
            (404, "", None),
            (403, "<!DOCTYPE html><title>Blocked</title>", Some(Licence::P1)),
            (407, "", None),
            (502, "<html>Bad gateway</html>", None),
            (503, r#"{"error":"temporarily_unavailable"}"#, None),
            (302, "[1,2]", None),
        ];
        let mut told = String::new();
        for (status, body, licence) in cases {
            let mut answer = read(status, body, 1);
            answer.names_columns = body.contains("property");
            let hint = answer.hint("users", &["User.Read.All".into()], licence);
            let inner = answer.inner_code.as_deref().unwrap_or("-");
            let _ = writeln!(
                told,
                "{answer}\n  {:?}, inner {inner}: {}",
                answer.kind(),
                hint.unwrap_or_default()
            );
        }
        expect![[r#"
            Graph answered 403 Authorization_RequestDenied (request-id 5f0c, 1 attempt)
              Refused, inner -: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`
            Graph answered 403 Authorization_RequestDenied (request-id 5f0c, 1 attempt)
              Refused, inner -: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`; the tenant also needs the licence Entra ID P1 or P2
            Graph answered 403 Authentication_RequestFromNonPremiumTenantOrB2CTenant (request-id 5f0c, 1 attempt)
              Refused, inner -: `users` needs the licence Entra ID P2 in this tenant
            Graph answered 401 InvalidAuthenticationToken (request-id 7, 1 attempt)
              Refused, inner -: check that `graph_base_url` and `login_url` belong to the same cloud, then run `entra-flight check`
            Graph answered 400 BadRequest (1 attempt): Could not find a property named 'x'
              Invalid, inner Deepest: ask for other columns; Graph does not list one of these
            Graph answered 400 BadRequest (1 attempt): Bad
              Invalid, inner -: 
            Graph answered 501 (client-request-id 9, 1 attempt)
              Invalid, inner -: this tenant or cloud does not serve `users`
            Graph answered 404 (1 attempt)
              NotFound, inner -: this tenant or cloud does not serve `users`
            Graph answered 403 (1 attempt)
              Refused, inner -: this is the answer of a proxy and not of Graph: have it let requests to `graph_base_url` through, or go round it by the environment's proxy variables
            Graph answered 407 (1 attempt)
              Refused, inner -: this is the answer of a proxy and not of Graph: have it let requests to `graph_base_url` through, or go round it by the environment's proxy variables
            Graph answered 502 (1 attempt)
              Unavailable, inner -: try again in some minutes
            Graph answered 503 temporarily_unavailable (1 attempt)
              Unavailable, inner -: try again in some minutes
            Graph answered 302 (1 attempt)
              Corrupt, inner -: set `graph_base_url` to the address that Graph itself has: redirects are not followed
        "#]].assert_eq(&told);
    }

    #[test]
    fn what_comes_from_outside_stays_one_bounded_line() {
        let body = format!(r#"{{"error":{{"code":"x","message":"a\nb{}"}}}}"#, "c".repeat(9_000));
        let answer = read(400, &body, 3);
        let text = answer.to_string();
        assert!(text.starts_with("Graph answered 400 x (3 attempts): a bccc"));
        assert!(text.len() < 400 && !text.contains('\n'));
    }
}
