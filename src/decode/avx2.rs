//! The pass with AVX2.

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_storeu_si256,
};
use std::mem::MaybeUninit;

use super::column::Column;
use super::cursor::Window;
use super::isa::{BLOCK, Isa};
use super::members::Members;
use super::pass::{Pass, Step};
use super::token::Token;

/// Proof that the processor has AVX2, BMI1, BMI2, LZCNT and POPCNT: only
/// [`detect`](Self::detect) makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, if it can be given; std asks the processor once.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt"))
        .then_some(Avx2(()))
    }
}

/// One bit for each quote, backslash or control byte.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn stops(bytes: __m256i) -> u32 {
    let quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"' as i8));
    let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
    let control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, backslash), control)) as u32
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn plain(block: &[u8; BLOCK]) -> usize {
    // SAFETY: the block is 32 bytes, and the load needs no alignment.
    let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
    stops(bytes).trailing_zeros() as usize
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn copy_plain(block: &[u8; BLOCK], to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
    // SAFETY: both blocks are 32 bytes, and neither load nor store needs an alignment.
    let bytes = unsafe {
        let bytes = _mm256_loadu_si256(block.as_ptr().cast());
        _mm256_storeu_si256(to.as_mut_ptr().cast(), bytes);
        bytes
    };
    stops(bytes).trailing_zeros() as usize
}

/// One bit for each of the 32 bytes from `at` on that is the same in both.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn same<const AT: usize>(a: &Window, b: &Window) -> u32 {
    const { assert!(AT + BLOCK <= size_of::<Window>()) };
    // SAFETY: both windows hold 32 bytes from AT on, and the loads need no alignment.
    let (a, b) = unsafe {
        (
            _mm256_loadu_si256(a.as_ptr().add(AT).cast()),
            _mm256_loadu_si256(b.as_ptr().add(AT).cast()),
        )
    };
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)) as u32
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn starts_with(window: &Window, token: &Token) -> bool {
    let [low, high] = token.mask;
    same::<0>(window, &token.text) & low == low
        && (high == 0 || same::<BLOCK>(window, &token.text) & high == high)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn object(pass: &mut Pass<'_, Avx2>, members: &mut Members) -> Step {
    pass.object(members)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn list(pass: &mut Pass<'_, Avx2>, column: &mut Column) -> Step {
    pass.list(column)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn skip(pass: &mut Pass<'_, Avx2>) -> Step {
    pass.skip_value()
}

impl Isa for Avx2 {
    #[inline(always)]
    fn plain(self, block: &[u8; BLOCK]) -> usize {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { plain(block) }
    }

    #[inline(always)]
    fn copy_plain(self, block: &[u8; BLOCK], to: &mut [MaybeUninit<u8>; BLOCK]) -> usize {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { copy_plain(block, to) }
    }

    #[inline(always)]
    fn starts_with(self, window: &Window, token: &Token) -> bool {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { starts_with(window, token) }
    }

    #[inline(always)]
    fn object(pass: &mut Pass<'_, Self>, members: &mut Members) -> Step {
        // SAFETY: the pass holds an `Avx2`, which proves that the processor has the instructions.
        unsafe { object(pass, members) }
    }

    #[inline(always)]
    fn list(pass: &mut Pass<'_, Self>, column: &mut Column) -> Step {
        // SAFETY: the pass holds an `Avx2`, which proves that the processor has the instructions.
        unsafe { list(pass, column) }
    }

    #[inline(always)]
    fn skip(pass: &mut Pass<'_, Self>) -> Step {
        // SAFETY: the pass holds an `Avx2`, which proves that the processor has the instructions.
        unsafe { skip(pass) }
    }
}
