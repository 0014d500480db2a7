//! What stands around the rows of a page.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::decode::{self, Extent, Padded};

/// A page, split: `{"@odata.context": …, "@odata.nextLink": …, "value": [rows]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where the `[` of the rows stands.
    pub rows_at: usize,
    /// The next link.
    pub next: Option<String>,
    /// How many rows there are, where they were checked.
    pub rows: Option<u64>,
}

/// How much of a page is checked before its rows are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Everything.
    Whole,
    /// What stands before the rows, if the next link does: whoever decodes them checks the rest,
    /// and asks for the page again. Nothing but the rows would tell where a page without a link
    /// ends.
    Head,
}

/// Why a body is no page.
///
/// Offsets are from the beginning of the envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not the JSON object it should be.
    #[error("it is not the JSON of a page at byte {at}")]
    Malformed {
        /// Where.
        at: usize,
    },
    /// It ends before it is complete.
    #[error("it ends at byte {at}, before it is complete")]
    Cut {
        /// Where.
        at: usize,
    },
    /// Its rows are none.
    #[error("its rows cannot be read")]
    Rows(#[source] decode::Error),
    /// There are no rows in it, not even none.
    #[error("it has no array `value`")]
    NoValue,
    /// It says two different things about what comes next.
    #[error("it has two next links")]
    TwoLinks,
    /// It is an error in an answer that says it is none.
    #[error("it holds an error although its status says there is none")]
    Refusal {
        /// Where it stands.
        at: usize,
    },
}

impl Error {
    /// Where in the envelope it is, as far as that is known.
    pub fn at(&self) -> usize {
        match self {
            Error::Malformed { at } | Error::Cut { at } | Error::Refusal { at } => *at,
            Error::Rows(source) => source.offset().unwrap_or(0),
            Error::NoValue | Error::TwoLinks => 0,
        }
    }
}

/// Whether a member is the next link, by any of the names that OData's versions and proxies on the
/// way have for it: `@odata.nextLink`, `@nextLink`, `odata.nextLink`.
fn is_next_link(name: &str) -> bool {
    let end = name.len().checked_sub(NEXT_LINK.len()).and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(NEXT_LINK))
}

const NEXT_LINK: &str = "nextLink";

/// Splits the JSON object in `page[at]`.
///
/// Members that are neither `value` nor the next link are stepped over. A page that names its next
/// link before the rows is checked as far as `check` says, any other wholly.
///
/// # Errors
///
/// See [`Error`].
pub fn split(page: &Padded, at: Range<usize>, check: Check) -> Result<Envelope, Error> {
    let mut members = Members::open(page.as_slice().get(at.clone()).unwrap_or_default())?;
    let mut next = None;
    while let Some(name) = members.name()? {
        match name.as_str() {
            "value" => {
                members.expect_array()?;
                let rows_at = at.start + members.at;
                if next.is_some() && check == Check::Head {
                    return Ok(Envelope { rows_at, next, rows: None });
                }
                let extent = extent(page, &at, rows_at)?;
                members.at = extent.end - at.start;
                let next = members.rest(next)?;
                return Ok(Envelope { rows_at, next, rows: Some(extent.rows) });
            }
            "error" => return Err(members.refusal()),
            name if is_next_link(name) => next = members.link(next)?,
            _ => members.skip_value()?,
        }
    }
    Err(Error::NoValue)
}

fn extent(page: &Padded, at: &Range<usize>, rows_at: usize) -> Result<Extent, Error> {
    let cut = || Error::Cut { at: at.len() };
    let extent = Extent::of(page, rows_at).map_err(|error| match error {
        decode::Error::Malformed { offset, .. } if offset >= at.end => cut(),
        error => Error::Rows(error),
    })?;
    if extent.end <= at.end { Ok(extent) } else { Err(cut()) }
}

/// What the beginning of a page says of the next link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// There it is.
    Link(String),
    /// Not before the rows, or this is no page.
    NoLink,
    /// It may be in what is still to come.
    More,
}

/// Looks for the next link in the beginning of a page. What it finds is what [`split`] will find in
/// the whole, if that is a page.
pub fn head(beginning: &[u8]) -> Head {
    let look = || -> Result<Head, Error> {
        let mut members = Members::open(beginning)?;
        while let Some(name) = members.name()? {
            match name.as_str() {
                "value" | "error" => return Ok(Head::NoLink),
                name if is_next_link(name) => {
                    if let Some(link) = members.link(None)? {
                        return Ok(Head::Link(link));
                    }
                }
                _ => members.skip_value()?,
            }
        }
        Ok(Head::NoLink)
    };
    match look() {
        Ok(head) => head,
        Err(Error::Cut { .. }) => Head::More,
        Err(_) => Head::NoLink,
    }
}

/// Checks what stands behind the rows, which end before `rows_end`: members, the brace that
/// closes the object, and nothing else.
///
/// `next` is the link that [`split`] found.
///
/// # Errors
///
/// See [`Error`]; [`Error::TwoLinks`] if there is a link that `split` has not seen.
pub fn close(
    page: &[u8],
    at: Range<usize>,
    rows_end: usize,
    next: Option<&str>,
) -> Result<(), Error> {
    let start = rows_end.checked_sub(at.start).ok_or(Error::Malformed { at: 0 })?;
    let bytes = page.get(at).unwrap_or_default();
    let found = Members { bytes, at: start, first: false }.rest(next.map(str::to_owned))?;
    if found.as_deref() == next { Ok(()) } else { Err(Error::TwoLinks) }
}

/// A walk over the members of one JSON object.
struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
    /// No member was read yet, so no comma is due.
    first: bool,
}

impl<'a> Members<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        let bom = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut members = Members { bytes, at: bom, first: true };
        members.expect(b'{')?;
        Ok(members)
    }

    /// The name of the next member; `None` at the end of the object, behind which only space may
    /// stand.
    fn name(&mut self) -> Result<Option<String>, Error> {
        if self.peek() == Some(b'}') {
            self.at += 1;
            return match self.peek() {
                None => Ok(None),
                Some(_) => Err(self.malformed()),
            };
        }
        if !std::mem::take(&mut self.first) {
            self.expect(b',')?;
        }
        self.peek();
        let name: String = self.value()?;
        self.expect(b':')?;
        self.peek();
        Ok(Some(name))
    }

    /// All members to the end; the link among them, or else the one known before.
    fn rest(&mut self, known: Option<String>) -> Result<Option<String>, Error> {
        let mut next = known;
        while let Some(name) = self.name()? {
            match name.as_str() {
                "error" => return Err(self.refusal()),
                name if is_next_link(name) => next = self.link(next)?,
                _ => self.skip_value()?,
            }
        }
        Ok(next)
    }

    /// The link that stands here, or else the one known before.
    fn link(&mut self, known: Option<String>) -> Result<Option<String>, Error> {
        let link: Option<String> = self.value()?;
        if link.is_some() && known.is_some() && link != known {
            return Err(Error::TwoLinks);
        }
        Ok(link.or(known))
    }

    fn refusal(&self) -> Error {
        Error::Refusal { at: self.at }
    }

    fn skip_value(&mut self) -> Result<(), Error> {
        self.value::<IgnoredAny>().map(drop)
    }

    /// One JSON value that stands here.
    fn value<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut values = Deserializer::from_slice(rest).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            Some(Err(error)) if !error.is_eof() => Err(self.malformed()),
            _ => Err(Error::Cut { at: self.bytes.len() }),
        }
    }

    fn expect_array(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'[') => Ok(()),
            Some(_) => Err(Error::NoValue),
            None => Err(Error::Cut { at: self.bytes.len() }),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.malformed()),
            None => Err(Error::Cut { at: self.bytes.len() }),
        }
    }

    /// The next byte that is not space; the walk then stands on it.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..)?;
        let space = rest.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += space;
        rest.get(space).copied()
    }

    fn malformed(&self) -> Error {
        Error::Malformed { at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `rows@next`, where `rows` is the text of the rows; then the same again from `close`.
    fn check(page: &str) -> String {
        let at = 0..page.len();
        let body = Padded::from_vec(page.as_bytes().to_vec());
        let whole = split(&body, at.clone(), Check::Whole);
        let envelope = match split(&body, at.clone(), Check::Head) {
            Ok(envelope) => envelope,
            Err(error) => {
                assert_eq!(whole, Err(error.clone()));
                return error.to_string();
            }
        };
        let rows_end = rows_end(page, envelope.rows_at);
        let rows = &page[envelope.rows_at..rows_end];
        let next = envelope.next.as_deref();
        let closed = close(page.as_bytes(), at, rows_end, next);
        assert_eq!(whole.map(|whole| whole.next), closed.clone().map(|()| envelope.next.clone()));
        match closed {
            Ok(()) => format!("{rows} next {}", next.unwrap_or("-")),
            Err(error) => format!("{rows} next {}, then: {error}", next.unwrap_or("-")),
        }
    }

    fn rows_end(page: &str, rows_at: usize) -> usize {
        let mut rows = Deserializer::from_str(&page[rows_at..]).into_iter::<IgnoredAny>();
        assert!(rows.next().is_some());
        rows_at + rows.byte_offset()
    }

    #[test]
    fn pages_are_split() {
        let cases = [
            (r#"{"value":[]}"#, "[] next -"),
            (r#"{"@odata.context":"c","@odata.nextLink":"n","value":[{}]}"#, "[{}] next n"),
            (
                r#" { "@odata.count" : 7 , "value" : [ {"a":"]\""} ] , "@odata.nextLink" : "n" } "#,
                r#"[ {"a":"]\""} ] next n"#,
            ),
            (r#"{"@odata.nextLink":"a\u0026b\/c","value":[]}"#, "[] next a&b/c"),
            (r#"{"@odata.nextLink":null,"value":[]}"#, "[] next -"),
            (
                r#"{"@x":{"value":[1],"@odata.nextLink":"no"},"y":[[]],"value":[{"a":[["]"]]}]}"#,
                r#"[{"a":[["]"]]}] next -"#,
            ),
            ("\u{feff}{\"value\":[]}", "[] next -"),
            (r#"{"value":[{"s":"\\"}],"@odata.nextLink":"n"}"#, r#"[{"s":"\\"}] next n"#),
            (
                r#"{"@odata.nextLink":"a","value":[],"@odata.nextLink":"b"}"#,
                "[] next a, then: it has two next links",
            ),
            (r#"{"@odata.nextLink":"a","value":[],"@odata.nextLink":"a"}"#, "[] next a"),
            (
                r#"{"@odata.nextLink":"a","value":[]"#,
                "[] next a, then: it ends at byte 33, before it is complete",
            ),
            (
                r#"{"@odata.nextLink":"a","value":[]}}"#,
                "[] next a, then: it is not the JSON of a page at byte 34",
            ),
            (
                r#"{"@odata.nextLink":"a","value":[],"x":tru}"#,
                "[] next a, then: it is not the JSON of a page at byte 38",
            ),
            (r#"{"@odata.nextlink":"n","value":[]}"#, "[] next n"),
            (r#"{"value":[],"@nextLink":"n"}"#, "[] next n"),
            (r#"{"odata.nextLink":"n","value":[]}"#, "[] next n"),
            (r#"{"nextLink":"n","@odata.nextLink":"n","value":[]}"#, "[] next n"),
            (r#"{"nextLink":"n","@odata.nextLink":"o","value":[]}"#, "it has two next links"),
            (r#"{"value":[{"id":"a"{"error":{}}]}"#, "its rows cannot be read"),
            (r#"{"value":[{"id":"a"},{ "error":{}}]}"#, "its rows cannot be read"),
            (r#"{"value":[{}],"x":1"#, "it ends at byte 19, before it is complete"),
            ("", "it ends at byte 0, before it is complete"),
            ("{", "it ends at byte 1, before it is complete"),
            ("[]", "it is not the JSON of a page at byte 0"),
            ("<html>", "it is not the JSON of a page at byte 0"),
            (r#"{"id":"1"}"#, "it has no array `value`"),
            (r#"{"value":null}"#, "it has no array `value`"),
            (r#"{"value":[{"a":"#, "it ends at byte 15, before it is complete"),
            (r#"{"value":[{"a":"b\"#, "it ends at byte 18, before it is complete"),
            (r#"{"value":[]"#, "it ends at byte 11, before it is complete"),
            (r#"{"value":[]} x"#, "it is not the JSON of a page at byte 13"),
            (r#"{"@odata.nextLink":7,"value":[]}"#, "it is not the JSON of a page at byte 19"),
            (
                r#"{"error":{"code":"x"}}"#,
                "it holds an error although its status says there is none",
            ),
            (
                r#"{"value":[],"error":{"code":"x"}}"#,
                "it holds an error although its status says there is none",
            ),
        ];
        for (page, expected) in cases {
            assert_eq!(check(page), expected, "{page}");
        }
    }

    #[test]
    fn a_part_of_a_body_is_split_where_it_stands() {
        let text = br#"[{"value":[{}]},{"value":[{}],"@odata.nextLink":"n"}]"#;
        let body = Padded::from_vec(text.to_vec());
        let envelope = split(&body, 16..52, Check::Whole);
        let expected = Envelope { rows_at: 25, next: Some("n".to_owned()), rows: Some(1) };
        assert_eq!(envelope, Ok(expected));
        assert_eq!(close(text, 16..52, 29, Some("n")), Ok(()));
        assert!(split(&body, 90..99, Check::Whole).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fall(page in prop::collection::vec(
            prop::sample::select(br#"{}[]":,\ value@odata.nextLink1"#.to_vec()), 0..60,
        ), end in 0_usize..70) {
            let at = 0..page.len();
            let body = Padded::from_vec(page.clone());
            if let Ok(envelope) = split(&body, at.clone(), Check::Head) {
                prop_assert_eq!(page.get(envelope.rows_at), Some(&b'['));
                let _ = close(&page, at, end, envelope.next.as_deref());
            }
        }

        #[test]
        fn any_cut_of_a_page_is_noticed(cut in 0_usize..52) {
            let page = br#"{"value":[{"a":"b"}],"@odata.nextLink":"http://a/b"}"#;
            let page = Padded::from_vec(page[..cut].to_vec());
            prop_assert!(split(&page, 0..cut, Check::Head).is_err());
        }
    }
}
