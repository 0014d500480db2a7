//! Digests of the bytes of a file, by which it shows when others stand in their place.
//!
//! Disks and memory change a bit now and then, and Parquet's own checksums are neither written nor
//! asked for by the library. Each block of a file has a digest, which the load's log entry holds, so
//! that any part of it can be proved by the blocks around it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::limits::snapshot::DIGEST_BLOCK_BYTES as BLOCK;

/// The digests of a file's blocks: xxh3, 64 bits each, of [`BLOCK`] bytes, the last of what is left.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digests(Arc<[u64]>);

/// Makes digests of bytes that come one after another.
pub struct Digester {
    under_way: Box<Xxh3>,
    /// Bytes of the block under way.
    taken: usize,
    done: Vec<u64>,
}

/// Text that is none of digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are no digests")]
pub struct NoDigests;

impl Digests {
    /// The blocks around a range of a file of so many bytes.
    pub fn around(range: &Range<u64>, bytes: u64) -> Range<u64> {
        let block = BLOCK as u64;
        let end = range.end.div_ceil(block).saturating_mul(block).min(bytes);
        range.start / block * block..end.max(range.end)
    }

    /// Whether these are the bytes from `start` on, which is the beginning of a block, up to the end
    /// of one.
    pub fn prove(&self, start: u64, bytes: &[u8]) -> bool {
        let first = usize::try_from(start / BLOCK as u64).unwrap_or(usize::MAX);
        let wanted = self.0.get(first..).unwrap_or_default();
        let blocks = bytes.chunks(BLOCK);
        blocks.len() <= wanted.len()
            && blocks.zip(wanted).all(|(block, wanted)| xxh3_64(block) == *wanted)
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digests({} blocks)", self.0.len())
    }
}

impl From<Digests> for String {
    fn from(digests: Digests) -> Self {
        let bytes: Vec<u8> = digests.0.iter().flat_map(|digest| digest.to_le_bytes()).collect();
        BASE64_STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Digests {
    type Error = NoDigests;

    fn try_from(text: String) -> Result<Self, NoDigests> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| NoDigests)?;
        let (digests, rest) = bytes.as_chunks::<8>();
        match rest {
            [] => Ok(Digests(digests.iter().map(|digest| u64::from_le_bytes(*digest)).collect())),
            _ => Err(NoDigests),
        }
    }
}

impl Digester {
    /// Begins a file.
    pub fn new() -> Self {
        Digester { under_way: Box::default(), taken: 0, done: Vec::new() }
    }

    /// The next bytes.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.taken));
            self.under_way.update(now);
            self.taken += now.len();
            if self.taken == BLOCK {
                self.end_block();
            }
            bytes = later;
        }
    }

    /// Ends the file.
    pub fn finish(mut self) -> Digests {
        if self.taken > 0 {
            self.end_block();
        }
        Digests(self.done.into())
    }

    fn end_block(&mut self) {
        self.done.push(self.under_way.digest());
        self.under_way.reset();
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_range_is_proved_and_no_other_byte(
            bytes in 0..3 * BLOCK,
            cut in 0..3 * BLOCK,
            range in (0..3 * BLOCK, 0..3 * BLOCK),
            flipped in (0..3 * BLOCK, 0_u8..8),
        ) {
            let mut file: Vec<u8> = (0..bytes).map(|at| (at * 31 % 251) as u8).collect();
            let mut digester = Digester::new();
            let (one, other) = file.split_at(cut.min(bytes));
            digester.take(one);
            digester.take(other);
            let digests = Digests::try_from(String::from(digester.finish())).expect("digests");
            let (start, end) = (range.0.min(range.1).min(bytes), range.0.max(range.1).min(bytes));
            let around = Digests::around(&(start as u64..end as u64), bytes as u64);
            let (from, to) = (around.start as usize, around.end as usize);
            prop_assert!(from <= start && end <= to && to <= bytes);
            prop_assert!(digests.prove(around.start, &file[from..to]));
            if let Some(byte) = file.get_mut(flipped.0) {
                *byte ^= 1 << flipped.1;
                let there = (from..to).contains(&flipped.0);
                prop_assert_eq!(digests.prove(around.start, &file[from..to]), !there);
            }
        }
    }
}
