//! Values that no column wants.

use crate::limits::decode as limits;

use super::isa::Isa;
use super::pass::{FALSE_TAIL, NULL, Pass, Step, TRUE};

/// The brackets open inside a skipped value: a bit each, set for an object, the innermost lowest.
#[derive(Default)]
struct Open {
    kinds: u64,
    depth: usize,
}

const _: () = assert!(limits::NESTING_MAX <= u64::BITS as usize);

impl<I: Isa> Pass<'_, I> {
    /// Moves over one value of any shape, which is checked as strictly as one that is read.
    #[inline(always)]
    pub fn skip_value(&mut self) -> Step {
        let mut open = Open::default();
        loop {
            self.cursor.space();
            if self.begin(&mut open)? {
                continue;
            }
            while open.depth > 0 {
                self.cursor.space();
                if self.cursor.eat::<b','>() {
                    self.name_of_member(&open)?;
                    break;
                }
                self.close(&mut open)?;
            }
            if open.depth == 0 {
                return Ok(());
            }
        }
    }

    /// Moves over a scalar, an empty list or an empty object, or into a list or an object, which
    /// is true.
    #[inline(always)]
    fn begin(&mut self, open: &mut Open) -> Step<bool> {
        match self.cursor.peek() {
            b'"' => {
                self.cursor.eat::<b'"'>();
                self.skip_string()?;
            }
            b'{' | b'[' => return self.open(open),
            b'-' | b'0'..=b'9' => {
                self.number()?;
            }
            b't' if self.cursor.eat4::<TRUE>() => {}
            b'n' if self.cursor.eat4::<NULL>() => {}
            b'f' => {
                self.cursor.eat::<b'f'>();
                if !self.cursor.eat4::<FALSE_TAIL>() {
                    return self.malformed("a value was expected");
                }
            }
            _ => return self.malformed("a value was expected"),
        }
        Ok(false)
    }

    #[inline(always)]
    fn open(&mut self, open: &mut Open) -> Step<bool> {
        if self.depth + open.depth == limits::NESTING_MAX {
            return self.malformed("the row nests too deep");
        }
        let object = self.cursor.eat::<b'{'>();
        if !object {
            self.cursor.eat::<b'['>();
        }
        open.kinds = open.kinds << 1 | u64::from(object);
        open.depth += 1;
        self.cursor.space();
        if matches!(self.cursor.peek(), b'}' | b']') {
            self.close(open)?;
            return Ok(false);
        }
        self.name_of_member(open)?;
        Ok(true)
    }

    #[inline(always)]
    fn close(&mut self, open: &mut Open) -> Step {
        let object = open.kinds & 1 == 1;
        let closed = if object { self.cursor.eat::<b'}'>() } else { self.cursor.eat::<b']'>() };
        if !closed {
            return self.malformed(if object { OBJECT_GOES_ON } else { LIST_GOES_ON });
        }
        open.kinds >>= 1;
        open.depth -= 1;
        Ok(())
    }

    /// Moves over `"name":` where an object is open; in a list there is nothing to move over.
    #[inline(always)]
    fn name_of_member(&mut self, open: &Open) -> Step {
        if open.kinds & 1 == 0 {
            return Ok(());
        }
        self.cursor.space();
        if !self.cursor.eat::<b'"'>() {
            return self.malformed("a key was expected");
        }
        self.skip_string()?;
        self.cursor.space();
        if !self.cursor.eat::<b':'>() {
            return self.malformed("a `:` was expected");
        }
        Ok(())
    }
}

/// What is wrong where an object neither goes on nor ends.
pub(super) const OBJECT_GOES_ON: &str = "a `,` or `}` was expected";
/// What is wrong where a list neither goes on nor ends.
pub(super) const LIST_GOES_ON: &str = "a `,` or `]` was expected";
