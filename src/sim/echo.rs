//! What a service repeats of a request in its error.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header;
use serde_json::Value;

use super::reply::Asked;

/// In which form an error repeats the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// As it came.
    Sent,
    /// With the values of its form as they were before they were encoded.
    Plain,
    /// With what is encoded in lower case.
    Lower,
    /// As a text in JSON, in ASCII.
    Json,
    /// As base64, and client id and secret as HTTP's Basic scheme has them.
    Base64,
}

impl Echo {
    /// Each with its word.
    pub(super) const ALL: [(Echo, &str); 5] = [
        (Echo::Sent, "sent"),
        (Echo::Plain, "plain"),
        (Echo::Lower, "lower"),
        (Echo::Json, "json"),
        (Echo::Base64, "base64"),
    ];

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(echo, _)| *echo == self).map_or("", |(_, word)| word)
    }

    /// The request in this form.
    pub(super) fn of(self, asked: &Asked<'_>) -> String {
        let token = asked.header(header::AUTHORIZATION.as_str()).unwrap_or_default();
        let sent = format!("{token} {}", String::from_utf8_lossy(asked.body));
        match self {
            Echo::Sent => sent,
            Echo::Plain => format!("{token} {}", plain(asked.body)),
            Echo::Lower => lower(&sent),
            Echo::Json => ascii(&Value::from(format!("{token} {}", plain(asked.body))).to_string()),
            Echo::Base64 => {
                let value = |name: &str| {
                    let mut pairs = url::form_urlencoded::parse(asked.body);
                    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
                };
                let id = value("client_id").unwrap_or_default();
                let pair = format!("{id}:{}", value("client_secret").unwrap_or_default());
                format!("{} {}", BASE64_STANDARD.encode(sent), BASE64_STANDARD.encode(pair))
            }
        }
    }
}

/// A form with its values as they are.
fn plain(body: &[u8]) -> String {
    let pairs = url::form_urlencoded::parse(body).map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

/// A text whose escapes `%2F` are written in lower case.
fn lower(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        out.extend(["%", &digits.to_ascii_lowercase(), rest]);
    }
    out
}

fn ascii(text: &str) -> String {
    let mut units = [0; 2];
    let each = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    text.chars().map(each).collect()
}
