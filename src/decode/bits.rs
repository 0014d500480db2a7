//! A growing bitmap.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// Bits that are appended one by one and become an Arrow buffer without a copy.
#[derive(Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    /// The bits behind the last full word.
    last: u64,
    len: usize,
}

impl Bits {
    /// How many bits there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends a bit.
    #[inline(always)]
    pub fn push(&mut self, bit: bool) {
        self.last |= u64::from(bit) << (self.len % 64);
        self.len += 1;
        if self.len.is_multiple_of(64) {
            self.words.push(self.last);
            self.last = 0;
        }
    }

    /// Takes the last bit off.
    pub fn pop(&mut self) {
        if self.len == 0 {
            return;
        }
        if self.len.is_multiple_of(64) {
            self.last = self.words.pop().unwrap_or(0);
        }
        self.len -= 1;
        self.last &= !(1 << (self.len % 64));
    }

    /// Takes off all bits behind the first `len`.
    pub fn cut(&mut self, len: usize) {
        while self.len > len {
            self.pop();
        }
    }

    /// Whether every bit is set.
    pub fn all_set(&self) -> bool {
        self.words.iter().all(|word| *word == u64::MAX)
            && self.last.count_ones() as usize == self.len % 64
    }

    /// Bytes it takes as an Arrow buffer.
    pub fn bytes(&self) -> usize {
        self.len.div_ceil(8)
    }

    /// All bits as a buffer; none are left.
    pub fn take(&mut self) -> BooleanBuffer {
        if !self.len.is_multiple_of(64) {
            self.words.push(self.last);
        }
        let len = std::mem::take(&mut self.len);
        self.last = 0;
        let next = Vec::with_capacity(self.words.len());
        let words = std::mem::replace(&mut self.words, next).into_iter().map(u64::to_le).collect();
        BooleanBuffer::new(Buffer::from_vec::<u64>(words), 0, len)
    }

    /// All bits as the validity of an array, `None` where every one is set; none are left.
    pub fn take_nulls(&mut self) -> Option<NullBuffer> {
        Some(NullBuffer::new(self.take())).filter(|nulls| nulls.null_count() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_survive_word_borders_and_pops() {
        let mut bits = Bits::default();
        let mut expected = Vec::new();
        for n in 0..300_usize {
            bits.push(n % 3 == 0);
            expected.push(n % 3 == 0);
            if n % 7 == 0 || n == 63 || n == 128 {
                bits.pop();
                expected.pop();
            }
        }
        assert_eq!(bits.take().iter().collect::<Vec<_>>(), expected);
        assert_eq!(bits.len(), 0);
        bits.pop();
        assert_eq!(bits.len(), 0);
    }
}
