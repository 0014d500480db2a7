//! Page tokens: where a list goes on, written so that nobody is tempted to read it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::scramble::{seal, veil};

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// How many pages came before.
    pub(super) page: u32,
    /// The next place in the list that was not looked at.
    pub(super) position: u64,
    /// One more than the place of the last row that was served; 0 when there was none.
    pub(super) after: u64,
    /// Whether the page before was left empty on purpose.
    pub(super) rested: bool,
}

/// A cursor with what makes it good for one list and some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageToken {
    pub(super) cursor: Cursor,
    /// When it was given out, in milliseconds since 1970.
    pub(super) issued: u64,
    /// What the list was asked for.
    pub(super) query: u64,
}

const BODY: usize = 37;
const SEAL: usize = 8;

impl PageToken {
    /// The token's text.
    pub(super) fn write(&self, key: u64) -> String {
        let mut body = Vec::with_capacity(SEAL + BODY);
        body.extend(self.cursor.page.to_le_bytes());
        body.extend(self.cursor.position.to_le_bytes());
        body.extend(self.cursor.after.to_le_bytes());
        body.push(u8::from(self.cursor.rested));
        body.extend(self.issued.to_le_bytes());
        body.extend(self.query.to_le_bytes());
        let sealed = seal(key, &body);
        veil(key, sealed, &mut body);
        body.extend(sealed.to_le_bytes());
        BASE64.encode(body)
    }

    /// Reads a token's text; `None` if it is not one of ours.
    pub(super) fn read(key: u64, text: &str) -> Option<PageToken> {
        let bytes = BASE64.decode(text).ok()?;
        let (body, sealed) = bytes.split_at_checked(BODY)?;
        let sealed = u64::from_le_bytes(sealed.try_into().ok()?);
        let mut body = body.to_vec();
        veil(key, sealed, &mut body);
        if seal(key, &body) != sealed {
            return None;
        }
        let (page, rest) = body.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (after, rest) = rest.split_first_chunk()?;
        let ([rested], rest) = rest.split_first_chunk()?;
        let (issued, rest) = rest.split_first_chunk()?;
        let (query, _) = rest.split_first_chunk()?;
        Some(PageToken {
            cursor: Cursor {
                page: u32::from_le_bytes(*page),
                position: u64::from_le_bytes(*position),
                after: u64::from_le_bytes(*after),
                rested: *rested == 1,
            },
            issued: u64::from_le_bytes(*issued),
            query: u64::from_le_bytes(*query),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_only_whole() {
        let cursor = Cursor { page: 3, position: 2_997, after: 2_997, rested: true };
        let token = PageToken { cursor, issued: 1_782_803_289_123, query: 99 };
        let text = token.write(7);
        assert_eq!(PageToken::read(7, &text), Some(token));
        assert_eq!(PageToken::read(8, &text), None);
        for place in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[place] = if wrong[place] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_ne!(PageToken::read(7, &wrong), Some(token), "character {place}");
        }
    }
}
