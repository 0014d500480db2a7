//! Growing texts.

/// Bytes of variable length, appended one after the other, as Arrow lays them out.
///
/// Invariant: the offsets ascend from 0 to the number of bytes; both columns of strings and of
/// binary are built from this, the former with UTF-8 only.
pub(super) struct Texts {
    pub offsets: Vec<i32>,
    pub bytes: Vec<u8>,
}

impl Texts {
    /// No texts.
    pub fn new() -> Self {
        Texts { offsets: vec![0], bytes: Vec::new() }
    }

    /// Ends the text to which bytes were appended since the last one ended.
    #[inline(always)]
    pub fn close(&mut self) {
        // The decoder ends a batch before its bytes leave an i32: `limits::BATCH_JSON_BYTES_MAX`.
        self.offsets.push(self.bytes.len() as i32);
    }

    /// Takes the last text off.
    pub fn pop(&mut self) {
        self.offsets.pop();
        self.undo();
    }

    /// Takes off all texts behind the first `len`, and one that was begun.
    pub fn cut(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.undo();
    }

    /// Takes off what was appended since the last text ended.
    pub fn undo(&mut self) {
        self.bytes.truncate(self.offsets.last().map_or(0, |end| *end as usize));
    }

    /// Bytes it takes as Arrow buffers.
    pub fn size(&self) -> usize {
        size_of_val(self.offsets.as_slice()) + self.bytes.len()
    }

    /// Offsets and bytes; none are left.
    pub fn take(&mut self) -> (Vec<i32>, Vec<u8>) {
        let mut next =
            Texts { offsets: replacement(&self.offsets), bytes: replacement(&self.bytes) };
        next.offsets.push(0);
        let full = std::mem::replace(self, next);
        (full.offsets, full.bytes)
    }
}

/// An empty vector with the room that the next batch is likely to need.
pub(super) fn replacement<T>(full: &[T]) -> Vec<T> {
    Vec::with_capacity(full.len() + full.len() / 16)
}
