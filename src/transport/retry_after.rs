//! How long a server asks us to wait.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The wait that the header `Retry-After` names, or `None` where there is none that can be read.
///
/// It is a number of seconds, with a fraction in Graph's own samples (`2.128`), or a date of
/// HTTP. A date counts from `unix_now`, the time since 1970; one that has passed is no wait. A
/// number too large to be a time counts as [`SECONDS_MAX`].
///
/// <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
pub fn retry_after(headers: &HeaderMap, unix_now: Duration) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return seconds(text);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(date.saturating_sub(unix_now))
}

/// Seconds that a wait has at most: 31 million years, which still can be added to a point in time.
const SECONDS_MAX: u64 = 1_000_000_000_000_000;

/// Rounded up to the microsecond, so that a fraction is never cut shorter than it was named.
fn seconds(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit into a number.
        let seconds = text.parse().unwrap_or(SECONDS_MAX);
        return Some(Duration::from_secs(seconds.min(SECONDS_MAX)));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    let micros = (seconds * 1e6).ceil();
    // Above this a float is no longer an exact count of microseconds; it is centuries anyway.
    let micros = if micros < 9e15 { micros as u64 } else { 9_000_000_000_000_000 };
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-10-21T07:28:00Z.
    const NOW: Duration = Duration::from_secs(1_445_412_480);

    #[test]
    fn seconds_fractions_and_dates_are_read() {
        let cases = [
            ("0", Some(0)),
            ("10", Some(10_000)),
            (" 30 ", Some(30_000)),
            ("2.128", Some(2_128)),
            (".5", Some(500)),
            ("3.", Some(3_000)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30_000)),
            ("Wed, 21 Oct 2015 07:27:30 GMT", Some(0)),
            ("1000000000000", Some(1_000_000_000_000_000)),
            ("99999999999999999999999", Some(1_000_000_000_000_000_000)),
            ("1.2.3", None),
            ("1e9", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ];
        for (text, millis) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, http::HeaderValue::from_static(text));
            assert_eq!(retry_after(&headers, NOW), millis.map(Duration::from_millis), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), NOW), None);
    }
}
