//! Secrets that come back in what others say.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::spelling::{Needle, run_ends, run_starts};
use crate::limits::auth as limits;
use crate::secret::Secret;

/// What stands in a secret's place.
const MARK: &str = "(secret)";

/// The secrets of one connection: what it signs in with, and its newest tokens.
///
/// A sign-in service, Graph, or a proxy before either may repeat a request in its error. Every text
/// from outside passes [`hide`](Self::hide) before it becomes part of an error or a line of the log.
#[derive(Clone, Default)]
pub struct KnownSecrets {
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    credentials: Vec<Needle>,
    tokens: VecDeque<Vec<Needle>>,
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownSecrets(…)")
    }
}

impl KnownSecrets {
    /// Adds what a client proves itself with. Base64 of both is what HTTP's Basic scheme sends.
    pub(super) fn add_credential(&self, client_id: &str, secret: &Secret) {
        let secret = secret.expose();
        let mut needles = needles(secret);
        for pair in [format!("{client_id}:{secret}"), format!("{client_id}:{}", form(secret))] {
            needles.push(Needle::base64(STANDARD_NO_PAD.encode(&pair)));
            needles.push(Needle::base64(URL_SAFE_NO_PAD.encode(&pair)));
        }
        self.locked().credentials.extend(needles);
    }

    /// Adds a token; the oldest of many is forgotten.
    pub(super) fn add_token(&self, token: &Secret) {
        let needles = needles(token.expose());
        let mut known = self.locked();
        if known.tokens.len() >= limits::TOKENS_KNOWN_MAX {
            known.tokens.pop_front();
        }
        known.tokens.push_back(needles);
    }

    /// The text without secrets: as they are, escaped for a URL, a form, JSON or HTML, or within
    /// base64. A long beginning of one is taken out as well, since texts are cut on their way.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let known = self.locked();
        let needles = || known.credentials.iter().chain(known.tokens.iter().flatten());
        let mut shown = String::new();
        let (mut from, mut at) = (0, 0);
        while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let found = needles().filter_map(|needle| Some((needle.end(text, at)?, needle)));
            match found.max_by_key(|(end, _)| *end) {
                Some((mut end, needle)) => {
                    let mut start = at;
                    if needle.is_base64() {
                        // The letters beside it hold bits of the secret's first and last bytes.
                        start = run_starts(text, from, at);
                        end = run_ends(text, end);
                    }
                    shown.push_str(text.get(from..start).unwrap_or_default());
                    shown.push_str(MARK);
                    (from, at) = (end, end);
                }
                None => at += next.len_utf8(),
            }
        }
        if from == 0 {
            return Cow::Borrowed(text);
        }
        shown.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(shown)
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A secret, and what stays the same of it in base64, wherever it stands in what was encoded.
fn needles(secret: &str) -> Vec<Needle> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut forms = vec![secret.to_owned(), form(secret)];
    forms.push(forms.last().map(|form| form.replace('+', "%20")).unwrap_or_default());
    forms.dedup();
    let mut encoded = Vec::new();
    for form in &forms {
        for before in 0..3 {
            let bytes = [&[0; 2][..before.min(2)], form.as_bytes()].concat();
            let whole = bytes.len() * 8 / 6;
            let first = (before * 8).div_ceil(6);
            for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                let own = text.get(first..whole).unwrap_or_default();
                if own.len() >= limits::BASE64_CHARS_MIN {
                    encoded.push(own.to_owned());
                }
            }
        }
    }
    encoded.sort_unstable();
    encoded.dedup();
    std::iter::once(Needle::plain(secret)).chain(encoded.into_iter().map(Needle::base64)).collect()
}

/// A text as a form has it.
fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "00000000-0000-4000-8000-000000000001";
    const AWKWARD: &str = "a~b+c/d=e%f&g\"h i\\j'k<l>\u{e9}m\u{1f511}n%25o";

    fn known() -> KnownSecrets {
        let known = KnownSecrets::default();
        known.add_credential(CLIENT, &Secret::new(AWKWARD));
        known
    }

    /// Every byte that is no letter or digit, in the hex of `hex`.
    fn percent(text: &str, hex: impl Fn(u8) -> String) -> String {
        let each = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => hex(byte),
        };
        text.bytes().map(each).collect()
    }

    fn escaped(text: &str) -> String {
        let unit = |unit: &mut u16| format!("\\u{unit:04X}");
        let each = |c: char| match c {
            '"' | '\\' | '/' => format!("\\{c}"),
            c if c.is_ascii() => c.to_string(),
            c => c.encode_utf16(&mut [0; 2]).iter_mut().map(unit).collect(),
        };
        text.chars().map(each).collect()
    }

    fn html(text: &str) -> String {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', "&quot;").replace('\'', "&#39;").replace('\u{e9}', "&#xE9;")
    }

    #[test]
    fn a_secret_is_taken_out_however_it_is_spelled() {
        let upper = percent(AWKWARD, |byte| format!("%{byte:02X}"));
        let lower = percent(AWKWARD, |byte| format!("%{byte:02x}"));
        let json = serde_json::Value::from(AWKWARD).to_string();
        let spelled = [
            AWKWARD.to_owned(),
            form(AWKWARD),
            upper.clone(),
            lower.clone(),
            form(AWKWARD).to_lowercase(),
            upper.replace('%', "%25"),
            lower.replace('%', "%2525"),
            json[1..json.len() - 1].to_owned(),
            escaped(AWKWARD),
            escaped(&escaped(AWKWARD)),
            html(AWKWARD),
            AWKWARD.to_ascii_uppercase(),
            AWKWARD.chars().take(20).collect(),
        ];
        for spelled in spelled {
            let shown = known().hide(&format!("before ({spelled}) after")).into_owned();
            assert_eq!(shown, "before ((secret)) after", "{spelled}");
        }
    }

    #[test]
    fn a_secret_is_taken_out_of_base64_wherever_it_stands() {
        let upper = percent(AWKWARD, |byte| format!("%{byte:02X}"));
        for secret in [AWKWARD.to_owned(), form(AWKWARD), upper.replace("%2D", "-")] {
            for before in [&format!("{CLIENT}:"), "", "a", "ab", "abc"] {
                let told = format!("{before}{secret}&more=1");
                for engine in [&STANDARD_NO_PAD as &dyn Encode, &URL_SAFE_NO_PAD] {
                    let text = engine.text(&told);
                    assert_eq!(known().hide(&format!("<{text}==>")), "<(secret)>", "{told}");
                    let text = form(&text);
                    assert_eq!(known().hide(&format!("<{text}>")), "<(secret)>", "{told}");
                }
            }
        }
    }

    trait Encode {
        fn text(&self, of: &str) -> String;
    }

    impl<T: Engine> Encode for T {
        fn text(&self, of: &str) -> String {
            self.encode(of)
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        let known = known();
        known.add_credential(CLIENT, &Secret::new(""));
        for text in ["", "AADSTS7000215: Invalid client secret provided.", "\u{e9}m", "%", "\\u"] {
            assert!(matches!(known.hide(text), Cow::Borrowed(shown) if shown == text), "{text}");
        }
    }

    #[test]
    fn the_newest_tokens_are_known() {
        let known = KnownSecrets::default();
        let token = |n: usize| format!("token.number.{n:04}.of-many");
        for n in 0..limits::TOKENS_KNOWN_MAX + 3 {
            known.add_token(&Secret::new(token(n)));
        }
        let text = format!("Bearer {} {}", token(3), token(limits::TOKENS_KNOWN_MAX + 2));
        assert_eq!(known.hide(&text), "Bearer (secret) (secret)");
    }
}
