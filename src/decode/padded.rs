//! The bytes of a page.

use std::fmt;
use std::mem;
use std::sync::OnceLock;

use crate::spare::Spare;

/// Zero bytes that stand behind every page.
///
/// The decoder looks at 64 bytes at a time without asking how many are left: the zeros behind the
/// page stop every string, number and space there.
pub(super) const PAD: usize = 64;

/// The bytes of a page, with the padding behind that the decoder needs.
///
/// ```
/// use entra_flight::decode::Padded;
///
/// let page = Padded::from_vec(br#"[{"id":"1"}]"#.to_vec());
/// assert_eq!(page.len(), 12);
/// ```
pub struct Padded {
    /// The page, then [`PAD`] zero bytes.
    bytes: Vec<u8>,
    /// Whether the page is UTF-8, once somebody asked.
    utf8: OnceLock<bool>,
    /// Whose memory it is, if that is wanted back.
    owner: Option<Spare>,
}

impl Padded {
    /// Takes a page as it is and pads it in place; the bytes move only if the vector has less
    /// than 64 bytes to spare.
    pub fn from_vec(mut bytes: Vec<u8>) -> Self {
        bytes.resize(bytes.len() + PAD, 0);
        Padded { bytes, utf8: OnceLock::new(), owner: None }
    }

    /// A page of `len` zero bytes, for an inflater to write into through
    /// [`as_mut`](Self::as_mut).
    pub fn with_len(len: usize) -> Self {
        Padded::from_vec(vec![0; len])
    }

    /// The same, whose memory `owner` gets when nobody reads the page any more.
    pub fn owned_by(mut self, owner: &Spare) -> Self {
        self.owner = Some(owner.clone());
        self
    }

    /// The bytes of the page, padding excluded.
    pub fn len(&self) -> usize {
        self.bytes.len() - PAD
    }

    /// Whether the page has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The page, padding excluded.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    /// The page, to be written into.
    #[expect(clippy::should_implement_trait, reason = "the door names it; no generic code uses it")]
    pub fn as_mut(&mut self) -> &mut [u8] {
        self.utf8 = OnceLock::new();
        let len = self.len();
        &mut self.bytes[..len]
    }

    /// Cuts the page to its first `len` bytes; does nothing if it is not longer.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.utf8 = OnceLock::new();
            self.bytes.truncate(len);
            self.bytes.resize(len + PAD, 0);
        }
    }

    /// Whether the page is UTF-8; looked at once a page, however often it is asked.
    pub(super) fn is_utf8(&self) -> bool {
        *self.utf8.get_or_init(|| simdutf8::basic::from_utf8(self.as_slice()).is_ok())
    }

    /// Page and padding.
    pub(super) fn padded(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Padded {
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            owner.give(mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Padded {
    /// Tells the length only: a page holds values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Padded").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_behind_whatever_was_cut_or_written() {
        let mut page = Padded::with_len(4);
        page.as_mut().copy_from_slice(b"[{}]");
        assert!(page.is_utf8());
        page.as_mut()[3] = 0xff;
        assert!(!page.is_utf8());
        page.truncate(3);
        assert!(page.is_utf8());
        assert_eq!(page.as_slice(), b"[{}");
        assert_eq!(page.padded()[3..], [0; PAD]);
    }
}
