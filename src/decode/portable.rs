//! The pass on any processor, eight bytes at a time.

use std::mem::MaybeUninit;

use super::column::Column;
use super::cursor::Window;
use super::isa::{BLOCK, Isa};
use super::members::Members;
use super::pass::{Pass, Step};
use super::token::Token;

/// Every processor has what this needs.
#[derive(Clone, Copy)]
pub(super) struct Portable;

const LOW: u64 = u64::from_le_bytes([0x01; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// The high bit of each byte of `word` that is below `bound`, exact up to the first such byte.
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(LOW * bound as u64) & !word & HIGH
}

/// Bytes of `word` before the first quote, backslash or control byte; 8 if there is none.
fn plain8(word: u64) -> usize {
    let quote = below(word ^ (LOW * b'"' as u64), 1);
    let backslash = below(word ^ (LOW * b'\\' as u64), 1);
    let control = below(word, 0x20);
    (quote | backslash | control).trailing_zeros() as usize / 8
}

impl Isa for Portable {
    #[inline(always)]
    fn plain(self, block: &[u8; BLOCK]) -> usize {
        let mut total = 0;
        for word in block.as_chunks::<8>().0 {
            let plain = plain8(u64::from_le_bytes(*word));
            total += plain;
            if plain < 8 {
                break;
            }
        }
        total
    }

    #[inline(always)]
    fn copy_plain(self, block: &[u8; BLOCK], to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
        *to = block.map(MaybeUninit::new);
        self.plain(block)
    }

    #[inline(always)]
    fn starts_with(self, window: &Window, token: &Token) -> bool {
        token.matches(window)
    }

    fn object(pass: &mut Pass<'_, Self>, members: &mut Members) -> Step {
        pass.object(members)
    }

    fn list(pass: &mut Pass<'_, Self>, column: &mut Column) -> Step {
        pass.list(column)
    }

    fn skip(pass: &mut Pass<'_, Self>) -> Step {
        pass.skip_value()
    }
}
