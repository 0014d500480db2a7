//! Bytes, which JSON has only as base64.

/// What a byte that belongs to neither alphabet stands for.
const NONE: u8 = 0xff;

/// The six bits of each character, of the standard and of the URL-safe alphabet.
const SIX_BITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NONE; 256];
    let mut at = 0;
    while at < 64 {
        table[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

/// Appends the bytes that `text` stands for; `None`, with anything appended, if it is no base64.
///
/// Either alphabet is read, and padding may be left out; where there is some it must fill the
/// last group. Bits of the last character that belong to no byte are ignored.
pub(super) fn from_base64(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let body = match text {
        [body @ .., b'=', b'='] | [body @ .., b'='] if text.len().is_multiple_of(4) => body,
        _ => text,
    };
    let mut groups = body.chunks_exact(4);
    for group in &mut groups {
        let [_, a, b, c] = bits(group)?.to_be_bytes();
        out.extend_from_slice(&[a, b, c]);
    }
    match *groups.remainder() {
        [] => Some(()),
        [_] => None,
        ref last => {
            let word = bits(last)? << (6 * (4 - last.len()));
            let [_, bytes @ ..] = word.to_be_bytes();
            out.extend_from_slice(&bytes[..last.len() - 1]);
            Some(())
        }
    }
}

fn bits(group: &[u8]) -> Option<u32> {
    group.iter().try_fold(0, |word, &char| {
        let six = SIX_BITS[usize::from(char)];
        (six != NONE).then_some(word << 6 | u32::from(six))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_with_and_without_padding() {
        let cases: [(&str, Option<&[u8]>); 14] = [
            ("", Some(b"")),
            ("QQ==", Some(b"A")),
            ("QQ", Some(b"A")),
            ("QUI=", Some(b"AB")),
            ("QUI", Some(b"AB")),
            ("QUJD", Some(b"ABC")),
            ("QUJDRA", Some(b"ABCD")),
            ("-_-_", Some(&[0xfb, 0xff, 0xbf])),
            ("+/+/", Some(&[0xfb, 0xff, 0xbf])),
            ("Q", None),
            ("QQ=", None),
            ("QUJD=", None),
            ("====", None),
            ("QQ Q", None),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            let decoded = from_base64(text.as_bytes(), &mut out).map(|()| out.as_slice());
            assert_eq!(decoded, expected, "{text}");
        }
    }
}
