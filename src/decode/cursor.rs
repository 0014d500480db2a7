//! A place in a page.

use std::marker::PhantomData;

use super::padded::{PAD, Padded};

/// What can be seen from a cursor without moving it.
pub(super) type Window = [u8; PAD];

/// A place in a page that moves forward over bytes it has seen.
///
/// Invariant: `start <= at <= end of the page`, and [`PAD`] zero bytes stand behind the end. So a
/// window of [`PAD`] bytes can be read wherever the cursor stands, and whoever moves it only over
/// bytes that are not zero cannot leave the page.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'p> {
    at: *const u8,
    start: *const u8,
    page: PhantomData<&'p Padded>,
}

impl<'p> Cursor<'p> {
    /// A cursor `at` bytes into the page; `None` if the page ends before.
    pub fn new(page: &'p Padded, at: usize) -> Option<Self> {
        if at > page.len() {
            return None;
        }
        let start = page.padded().as_ptr();
        // SAFETY: `at` is at most the length of the page, so the pointer stays within the padded
        // bytes, which live as long as 'p.
        let at = unsafe { start.add(at) };
        Some(Cursor { at, start, page: PhantomData })
    }

    /// Bytes between the start of the page and here.
    pub fn offset(self) -> usize {
        self.at.addr() - self.start.addr()
    }

    /// The bytes from an earlier place up to here; none if `earlier` is not earlier.
    pub fn since(self, earlier: Cursor<'p>) -> &'p [u8] {
        let len = self.at.addr().saturating_sub(earlier.at.addr());
        // SAFETY: both are places of one page (each pass has one page and makes its cursors by
        // copying), so the bytes between them are of that page, which lives as long as 'p.
        unsafe { std::slice::from_raw_parts(earlier.at, len) }
    }

    /// The [`PAD`] bytes from here on.
    #[inline(always)]
    pub fn window(self) -> &'p Window {
        // SAFETY: by the invariant PAD bytes can be read from here, and they live as long as 'p.
        unsafe { &*self.at.cast::<Window>() }
    }

    /// The byte here; zero at the end of the page.
    #[inline(always)]
    pub fn peek(self) -> u8 {
        self.window()[0]
    }

    /// The four bytes here, the first one lowest.
    #[inline(always)]
    pub fn peek4(self) -> u32 {
        let [a, b, c, d, ..] = *self.window();
        u32::from_le_bytes([a, b, c, d])
    }

    /// Moves over `n` bytes.
    ///
    /// # Safety
    ///
    /// None of the next `n` bytes is zero, or at least `n` bytes of the page are left.
    #[inline(always)]
    pub unsafe fn advance(&mut self, n: usize) {
        // SAFETY: zeros stand behind the page, so `n` bytes without a zero are all of the page,
        // and the cursor ends at its end at the latest.
        self.at = unsafe { self.at.add(n) };
    }

    /// Moves over the byte `BYTE` if it is here.
    #[inline(always)]
    pub fn eat<const BYTE: u8>(&mut self) -> bool {
        const { assert!(BYTE != 0) };
        let here = self.peek() == BYTE;
        if here {
            // SAFETY: the byte here is `BYTE`, which is not zero.
            unsafe { self.advance(1) };
        }
        here
    }

    /// Moves over the four bytes of `WORD` if they are here.
    #[inline(always)]
    pub fn eat4<const WORD: u32>(&mut self) -> bool {
        const { assert!(!matches!(WORD.to_le_bytes(), [0, ..] | [_, 0, ..] | [_, _, 0, _] | [.., 0])) };
        let here = self.peek4() == WORD;
        if here {
            // SAFETY: the bytes here are those of `WORD`, none of which is zero.
            unsafe { self.advance(4) };
        }
        here
    }

    /// Moves over the byte here and returns it; at the end of the page it stays and returns zero.
    #[inline(always)]
    pub fn take(&mut self) -> u8 {
        let byte = self.peek();
        if byte != 0 {
            // SAFETY: the byte here is not zero.
            unsafe { self.advance(1) };
        }
        byte
    }

    /// Moves over the white space of JSON.
    #[inline(always)]
    pub fn space(&mut self) {
        if self.peek() <= b' ' {
            while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
                // SAFETY: the byte here is one of four, none of them zero.
                unsafe { self.advance(1) };
            }
        }
    }

    /// Moves over digits and returns how many there were.
    #[inline(always)]
    pub fn digits(&mut self) -> usize {
        let first = self.at.addr();
        while self.peek().is_ascii_digit() {
            // SAFETY: the byte here is a digit.
            unsafe { self.advance(1) };
        }
        self.at.addr() - first
    }
}
