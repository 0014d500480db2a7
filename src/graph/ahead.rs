//! The next link, seen while its page still comes.
//!
//! Graph writes the next link before the rows. Whoever has the beginning of a page can therefore ask
//! for the next one while the rows of this one are on their way.

use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

use flate2::read::GzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;

use super::envelope::{self, Head};
use super::inflate::is_gzip;
use crate::limits::graph as limits;
use crate::transport::Watch;

/// Watches an answer for its next link; the link comes once at most.
pub(super) fn watch() -> (Watch, oneshot::Receiver<String>) {
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let watch = Watch::new(move |status, headers, body| {
        let link = match head(status, headers, body) {
            Head::More => return true,
            Head::Link(link) => Some(link),
            Head::NoLink => None,
        };
        let tell = tell.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(tell), Some(link)) = (tell, link) {
            // Whoever waited may be gone.
            let _ = tell.send(link);
        }
        false
    });
    (watch, told)
}

/// What the beginning of a body says of the next link.
fn head(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Head {
    if status != StatusCode::OK {
        return Head::NoLink;
    }
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii());
    let found = match encoding {
        None | Some(b"" | b"identity") => envelope::head(body),
        Some(name) if is_gzip(name) => envelope::head(&inflated(body)),
        Some(_) => Head::NoLink,
    };
    match found {
        Head::More if body.len() >= limits::HEAD_BYTES_MAX => Head::NoLink,
        found => found,
    }
}

/// The first bytes of a gzip stream, as far as they are there.
fn inflated(body: &[u8]) -> Vec<u8> {
    let mut text = vec![0; limits::HEAD_BYTES_MAX];
    let mut stream = GzDecoder::new(body);
    let mut length = 0;
    while let Some(room) = text.get_mut(length..).filter(|room| !room.is_empty()) {
        match stream.read(room) {
            Ok(0) | Err(_) => break,
            Ok(bytes) => length += bytes,
        }
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{Head, head, watch};

    const PAGE: &str = r#"{"@odata.context":"x","@odata.nextLink":"https://next/1","value":[{}]}"#;

    #[test]
    fn a_link_is_seen_as_soon_as_it_is_there() {
        let plain = HeaderMap::new();
        for length in 0..PAGE.len() {
            let found = head(StatusCode::OK, &plain, &PAGE.as_bytes()[..length]);
            let there = length >= PAGE.find("/1\"").expect("the link") + 3;
            let expected = if there { Head::Link("https://next/1".to_owned()) } else { Head::More };
            assert_eq!(found, expected, "{length}");
        }
        assert_eq!(head(StatusCode::BAD_REQUEST, &plain, PAGE.as_bytes()), Head::NoLink);
    }

    #[test]
    fn gzip_is_looked_into() {
        let rows: String = (0..9_000).map(|n| format!("{{\"id\":{}}},", n * 7_919)).collect();
        let page = PAGE.replace("{}", rows.trim_end_matches(','));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(page.as_bytes()).expect("memory");
        let body = gzip.finish().expect("memory");
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        let expected = Head::Link("https://next/1".to_owned());
        assert_eq!(head(StatusCode::OK, &headers, &body[..body.len() / 2]), expected);
        assert_eq!(head(StatusCode::OK, &headers, &body[..5]), Head::More);
        headers.insert("content-encoding", HeaderValue::from_static("br"));
        assert_eq!(head(StatusCode::OK, &headers, &body), Head::NoLink);
    }

    #[test]
    fn a_link_comes_once() {
        let (watch, mut told) = watch();
        let plain = HeaderMap::new();
        assert!(watch.look(StatusCode::OK, &plain, b"{\"@odata.co"));
        assert!(!watch.look(StatusCode::OK, &plain, PAGE.as_bytes()));
        assert!(!watch.look(StatusCode::OK, &plain, PAGE.as_bytes()));
        assert_eq!(told.try_recv().as_deref(), Ok("https://next/1"));
    }
}
