//! A value that must not be printed.

use std::fmt;

/// A client secret, a token or an assertion.
///
/// There is no `Display`, and `Debug` is redacted, so it cannot reach a log, an error or a metric
/// by accident. [`Secret::expose`] is the only way out; call it where the bytes leave for the
/// wire and nowhere else.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text to be kept.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
