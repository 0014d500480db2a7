//! Object ids: numbers scrambled so that they look like Entra's, and can be read back.
//!
//! A GUID of version 4 has 122 free bits. They hold a tag (which sort of thing) and an index,
//! run through a small Feistel network whose keys come from the seed. An id from elsewhere
//! decodes to a tag that does not exist, but for one in 2^56.

use super::chance::mix;

const HALF: u64 = (1 << 61) - 1;

const ROUNDS: usize = 4;

/// What an id belongs to: the kinds count from 0, these are the rest.
pub(super) mod tag {
    pub(in super::super) const APP: u64 = 32;
    pub(in super::super) const DEVICE: u64 = 33;
    pub(in super::super) const KEY: u64 = 34;
    pub(in super::super) const ROLE: u64 = 35;
    pub(in super::super) const SCOPE: u64 = 36;
    pub(in super::super) const REQUEST: u64 = 37;
    pub(in super::super) const CORRELATION: u64 = 38;
    pub(in super::super) const POLICY: u64 = 39;
    pub(in super::super) const SECOND_HALF: u64 = 40;
    pub(in super::super) const LABEL: u64 = 41;
    pub(in super::super) const SUBSCRIPTION: u64 = 42;
    pub(in super::super) const FOREIGN_TENANT: u64 = 43;
    pub(in super::super) const TEMPLATE: u64 = 44;
    pub(in super::super) const ACCOUNT: u64 = 45;
}

/// Tags at or above this do not exist.
const TAGS_MAX: u64 = 64;

/// The text of a GUID.
pub(super) type Guid = [u8; 36];

/// The two-way scrambling of one tenant.
#[derive(Debug)]
pub(super) struct Scramble {
    keys: [u64; ROUNDS],
    mask: u64,
}

impl Scramble {
    pub(super) fn new(seed: u64) -> Self {
        let key =
            |n: u64| mix(mix(seed ^ 0x1d5f_3a77_c0de_90b1) ^ n.wrapping_mul(0xa24b_aed4_963e_e407));
        Self { keys: [key(1), key(2), key(3), key(4)], mask: key(5) & HALF & !(TAGS_MAX - 1) }
    }

    /// The 16 bytes of the GUID of a tagged index.
    pub(super) fn encode(&self, tag: u64, index: u64) -> u128 {
        let (mut left, mut right) = (self.mask | tag, index & HALF);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & HALF));
        }
        let (high, middle, low) = (left >> 13, (left & 0x1fff) >> 1, (left & 1) << 61 | right);
        u128::from(high) << 80 | 4 << 76 | u128::from(middle) << 64 | 2 << 62 | u128::from(low)
    }

    /// The tag and index of a GUID, if it is one of this tenant's.
    pub(super) fn decode(&self, guid: u128) -> Option<(u64, u64)> {
        if guid >> 76 & 15 != 4 || guid >> 62 & 3 != 2 {
            return None;
        }
        let (high, middle) = ((guid >> 80) as u64, (guid >> 64) as u64 & 0xfff);
        let low = guid as u64 & ((1 << 62) - 1);
        let (mut left, mut right) = (high << 13 | middle << 1 | low >> 61, low & HALF);
        for key in self.keys.iter().rev() {
            (left, right) = (right ^ (mix(left ^ key) & HALF), left);
        }
        let tag = left ^ self.mask;
        (tag < TAGS_MAX).then_some((tag, right))
    }

    /// The text of the GUID of a tagged index.
    #[inline]
    pub(super) fn guid(&self, tag: u64, index: u64) -> Guid {
        show(self.encode(tag, index))
    }
}

const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = [digits[n >> 4], digits[n & 15]];
        n += 1;
    }
    table
};

/// Where each byte of a GUID stands in its text.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// A GUID's text, lower case.
#[inline]
pub(super) fn show(guid: u128) -> Guid {
    let mut text = [b'-'; 36];
    for (byte, place) in guid.to_be_bytes().into_iter().zip(PLACES) {
        let pair = HEX[usize::from(byte)];
        text[place] = pair[0];
        text[place + 1] = pair[1];
    }
    text
}

/// Reads a GUID's text in either case.
pub(super) fn read(text: &[u8]) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut guid = 0;
    for (place, &byte) in text.iter().enumerate() {
        if matches!(place, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        guid = guid << 4 | u128::from(char::from(byte).to_digit(16)?);
    }
    Some(guid)
}

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 32 bytes as 43 characters that may stand in a URL: the shape of assignment and grant ids.
pub(super) fn show_pair(first: u128, second: u128) -> [u8; 43] {
    let mut text = [b'A'; 43];
    let mut bytes = [0; 33];
    bytes[..16].copy_from_slice(&first.to_be_bytes());
    bytes[16..32].copy_from_slice(&second.to_be_bytes());
    for (place, character) in text.iter_mut().enumerate() {
        let (byte, shift) = (place * 6 / 8, place * 6 % 8);
        let next = bytes.get(byte + 1).copied().unwrap_or(0);
        let window = u16::from(bytes[byte]) << 8 | u16::from(next);
        *character = BASE64_URL[usize::from(window >> (10 - shift) & 63)];
    }
    text
}

/// The first 16 of the 32 bytes that `show_pair` wrote.
pub(super) fn read_pair(text: &[u8]) -> Option<u128> {
    if text.len() != 43 {
        return None;
    }
    let mut first: u128 = 0;
    for (place, byte) in text.iter().take(22).enumerate() {
        let six = BASE64_URL.iter().position(|known| known == byte)? as u128;
        first = if place < 21 { first << 6 | six } else { first << 2 | six >> 4 };
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_whatever_its_case() {
        let scramble = Scramble::new(7);
        for tag in [0, 1, 13, 44] {
            for index in [0, 1, 2, 999_999, 4_000_000_000] {
                let text = scramble.guid(tag, index);
                assert_eq!((text[14], matches!(text[19], b'8' | b'9' | b'a' | b'b')), (b'4', true));
                let shouted = text.to_ascii_uppercase();
                assert_eq!(
                    read(&shouted).and_then(|guid| scramble.decode(guid)),
                    Some((tag, index))
                );
                let guid = scramble.encode(tag, index);
                assert_eq!(read_pair(&show_pair(guid, !guid)), Some(guid));
            }
        }
    }

    #[test]
    fn a_foreign_id_is_not_ours() {
        let (ours, theirs) = (Scramble::new(7), Scramble::new(8));
        for index in 0..10_000 {
            assert_eq!(ours.decode(theirs.encode(0, index)), None);
        }
        assert_eq!(read(b"not a guid"), None);
    }
}
