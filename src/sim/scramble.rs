//! Numbers that look like chance and seals that show tampering. Neither is cryptography: what
//! they protect is a simulation from a client that takes tokens apart, not a secret.

/// Scrambles 64 bits; one to one.
pub(super) const fn mix(bits: u64) -> u64 {
    let mut x = bits ^ (bits >> 30);
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The seal of some bytes under a key.
pub(super) fn seal(key: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(key ^ bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        state = mix(state.rotate_left(23) ^ u64::from_le_bytes(word));
    }
    mix(state ^ key)
}

/// Hides bytes under a key and a number used once; doing it again shows them.
pub(super) fn veil(key: u64, once: u64, bytes: &mut [u8]) {
    for (n, chunk) in bytes.chunks_mut(8).enumerate() {
        let pad = mix(key ^ mix(once.wrapping_add(n as u64))).to_le_bytes();
        for (byte, pad) in chunk.iter_mut().zip(pad) {
            *byte ^= pad;
        }
    }
}

/// The text of a random-looking GUID for the n-th thing of a sort.
pub(super) fn guid(key: u64, n: u64) -> String {
    let bytes = [mix(key ^ mix(n)).to_be_bytes(), mix(key ^ mix(!n)).to_be_bytes()];
    let mut random = [0; 16];
    for (to, from) in random.iter_mut().zip(bytes.as_flattened()) {
        *to = *from;
    }
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}
