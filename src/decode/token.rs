//! A key as it most often stands in a page.

use super::cursor::Window;

/// `"name":`, laid out to be compared with a whole window at once.
#[repr(align(64))]
pub(super) struct Token {
    /// The bytes, then zeros.
    pub text: Window,
    /// A bit for each byte, in two halves.
    pub mask: [u32; 2],
    /// How many bytes there are.
    pub len: usize,
}

impl Token {
    /// The token of a key.
    ///
    /// A name that JSON has to escape, or that is too long for a window, gets a token that never
    /// matches: its key is then found the slow way.
    pub fn new(name: &str) -> Self {
        let len = name.len() + 3;
        let written_plainly = !name.bytes().any(|b| b < b' ' || b == b'"' || b == b'\\');
        if len > size_of::<Window>() || !written_plainly {
            return Token::never();
        }
        let mut text = [0; size_of::<Window>()];
        for (to, byte) in text.iter_mut().zip(format!("\"{name}\":").bytes()) {
            *to = byte;
        }
        let mask = u64::MAX >> (64 - len);
        Token { text, mask: [mask as u32, (mask >> 32) as u32], len }
    }

    /// A token that no page can hold: its one byte is not UTF-8.
    pub fn never() -> Self {
        let mut text = [0; size_of::<Window>()];
        text[0] = 0xff;
        Token { text, mask: [1, 0], len: 1 }
    }

    /// Whether the window starts with the token, one word after the other.
    #[inline(always)]
    pub fn matches(&self, window: &Window) -> bool {
        let words = window.as_chunks::<8>().0.iter().zip(self.text.as_chunks::<8>().0);
        let mut left = self.len;
        for (seen, wanted) in words {
            let differ = u64::from_le_bytes(*seen) ^ u64::from_le_bytes(*wanted);
            if left <= 8 {
                return differ << (64 - 8 * left) == 0;
            }
            if differ != 0 {
                return false;
            }
            left -= 8;
        }
        false
    }
}
