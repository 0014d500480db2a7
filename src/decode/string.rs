//! Strings.

use super::isa::{BLOCK, Isa};
use super::pass::{Pass, Step};

impl<I: Isa> Pass<'_, I> {
    /// Behind an opening quote: appends the text to `out` and moves behind the closing quote.
    ///
    /// `\u` escapes that are half of a surrogate pair become U+FFFD: Windows and Graph let them
    /// through, UTF-8 cannot, and a table is not refused for it.
    #[inline(always)]
    pub fn string(&mut self, out: &mut Vec<u8>) -> Step {
        loop {
            let Some(room) = out.spare_capacity_mut().first_chunk_mut() else {
                make_room(out);
                continue;
            };
            let plain = self.isa.copy_plain(block(self), room);
            // SAFETY: `plain` bytes of the page were copied behind the vector's end, into its
            // capacity; a zero byte stops a string, so none is among them.
            unsafe {
                out.set_len(out.len() + plain);
                self.cursor.advance(plain);
            }
            if plain == BLOCK {
                continue;
            }
            if self.cursor.eat::<b'"'>() {
                return Ok(());
            }
            self.escape(out)?;
        }
    }

    /// Behind an opening quote: moves behind the closing one and reads nothing out.
    #[inline(always)]
    pub fn skip_string(&mut self) -> Step {
        loop {
            let plain = self.isa.plain(block(self));
            // SAFETY: a zero byte stops a string, so none is among the `plain` bytes.
            unsafe { self.cursor.advance(plain) };
            if plain == BLOCK {
                continue;
            }
            if self.cursor.eat::<b'"'>() {
                return Ok(());
            }
            let mut unread = Vec::new();
            self.escape(&mut unread)?;
        }
    }

    /// At a byte that a string cannot hold as it is: an escape, which is read, or a fault.
    #[cold]
    #[inline(never)]
    fn escape(&mut self, out: &mut Vec<u8>) -> Step {
        if !self.cursor.eat::<b'\\'>() {
            return self.malformed("the string is not closed, or holds a control character");
        }
        let char = match self.cursor.take() {
            c @ (b'"' | b'\\' | b'/') => char::from(c),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return self.malformed("there is no such escape"),
        };
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// Behind `\u`.
    fn unicode(&mut self) -> Step<char> {
        let first = self.hex4()?;
        let behind = self.cursor;
        if (0xd800..0xdc00).contains(&first)
            && self.cursor.eat::<b'\\'>()
            && self.cursor.eat::<b'u'>()
        {
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let pair = 0x1_0000 + ((first - 0xd800) << 10 | (second - 0xdc00));
                return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        self.cursor = behind;
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Step<u32> {
        let mut value = 0;
        for _ in 0..4 {
            match char::from(self.cursor.peek()).to_digit(16) {
                Some(digit) => value = value << 4 | digit,
                None => return self.malformed("`\\u` is not followed by four hexadecimal digits"),
            }
            self.cursor.take();
        }
        Ok(value)
    }
}

/// The block at the cursor.
#[inline(always)]
fn block<'p, I: Isa>(pass: &Pass<'p, I>) -> &'p [u8; BLOCK] {
    let (blocks, _) = pass.cursor.window().as_chunks();
    &blocks[0]
}

/// Makes room for a block at least, and twice the length, so that appends stay cheap.
#[cold]
#[inline(never)]
fn make_room(out: &mut Vec<u8>) {
    out.reserve(out.len().max(2 * BLOCK));
}
