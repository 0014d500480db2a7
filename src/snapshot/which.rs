//! Which version is meant.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// Names a stored version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The newest.
    Latest,
    /// By its number.
    Number(u64),
    /// The newest that was committed at this time or before.
    At(DateTime<Utc>),
}

/// A text that names no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{asked}` is neither `latest`, nor a version's number, nor a time")]
pub struct WhichError {
    asked: String,
}

impl FromStr for Which {
    type Err = WhichError;

    /// `latest`, a number, a time in RFC 3339, or a day, which means its first moment in UTC.
    fn from_str(text: &str) -> Result<Self, WhichError> {
        if text == "latest" {
            return Ok(Which::Latest);
        }
        if let Ok(number) = text.parse() {
            return Ok(Which::Number(number));
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Which::At(time.to_utc()));
        }
        let day = text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        day.map(|midnight| Which::At(midnight.and_utc()))
            .ok_or_else(|| WhichError { asked: crate::catalog::shown(text) })
    }
}

impl fmt::Display for Which {
    /// As it is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Latest => f.write_str("latest"),
            Which::Number(number) => number.fmt(f),
            Which::At(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Which;

    #[test]
    fn a_version_is_a_word_a_number_or_a_time() {
        let cases = [
            ("latest", Some("latest")),
            ("0", Some("0")),
            ("12", Some("12")),
            ("2026-11-01", Some("2026-11-01T00:00:00Z")),
            ("2026-11-01T02:00:00Z", Some("2026-11-01T02:00:00Z")),
            ("2026-11-01T02:00:00.25+02:00", Some("2026-11-01T00:00:00.250Z")),
            ("", None),
            ("-1", None),
            ("newest", None),
            ("2026-13-01", None),
        ];
        for (text, expected) in cases {
            let which = text.parse::<Which>().ok();
            assert_eq!(which.map(|it| it.to_string()).as_deref(), expected, "{text:?}");
            if let Some(which) = which {
                assert_eq!(which.to_string().parse(), Ok(which));
            }
        }
    }
}
