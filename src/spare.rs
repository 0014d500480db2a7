//! Memory that is written to again once nobody reads it any more.
//!
//! Memory that the system has just handed out costs more than a copy into it, and what is given back
//! in pieces of many sizes is not always given on.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Memory whose readers are gone; cloning it shares it.
#[derive(Clone, Debug)]
pub struct Spare {
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    most: usize,
    bytes_max: usize,
}

impl Spare {
    /// Keeps at most so many, none of which is larger than `bytes_max`.
    pub fn new(most: usize, bytes_max: usize) -> Self {
        Spare { kept: Arc::default(), most, bytes_max }
    }

    /// Empty memory, used before if there is some.
    pub fn take(&self) -> Vec<u8> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes back what nobody reads any more.
    pub fn give(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most && bytes.capacity() <= self.bytes_max {
            kept.push(bytes);
        }
    }

    /// The bytes to be read; their memory comes back when the last reader lets go of them.
    pub fn lend(&self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { bytes, spare: self.clone() })
    }
}

struct Lent {
    bytes: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.spare.give(mem::take(&mut self.bytes));
    }
}
