//! What the pass asks of the processor.

use std::mem::MaybeUninit;

use super::column::Column;
use super::cursor::Window;
use super::members::Members;
use super::pass::{Pass, Step};
use super::token::Token;

/// Bytes looked at in one go.
pub(super) const BLOCK: usize = 32;

/// An instruction set, and the few things that are worth doing differently on each.
///
/// The whole pass is compiled once for each implementation. Only [`object`](Self::object),
/// [`list`](Self::list) and [`skip`](Self::skip) are functions of their own in the machine code;
/// each carries the target features of its set, and everything else is inlined into them.
///
/// A value of the type proves that the processor has the instructions.
pub(super) trait Isa: Copy {
    /// How many bytes of a string come before its first quote, backslash or control byte;
    /// [`BLOCK`] if none of those is in the block.
    fn plain(self, block: &[u8; BLOCK]) -> usize;

    /// The same, and copies the block, those bytes at least.
    fn copy_plain(self, block: &[u8; BLOCK], to: &mut [MaybeUninit<u8>; BLOCK]) -> usize;

    /// Whether the window starts with the token.
    fn starts_with(self, window: &Window, token: &Token) -> bool;

    /// [`Pass::object`], compiled for this set.
    fn object(pass: &mut Pass<'_, Self>, members: &mut Members) -> Step;

    /// [`Pass::list`], compiled for this set.
    fn list(pass: &mut Pass<'_, Self>, column: &mut Column) -> Step;

    /// [`Pass::skip_value`], compiled for this set.
    fn skip(pass: &mut Pass<'_, Self>) -> Step;
}

/// The instruction set of the machine we run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// AVX2 and the bit instructions that every processor with AVX2 has.
    #[cfg(target_arch = "x86_64")]
    Avx2(super::avx2::Avx2),
    /// Eight bytes at a time, on any processor.
    Portable,
}

impl Instructions {
    /// The fastest set that this machine has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = super::avx2::Avx2::detect() {
            return Instructions::Avx2(avx2);
        }
        Instructions::Portable
    }
}
