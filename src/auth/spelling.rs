//! The ways in which a text can be spelled once it was put into another.

use crate::limits::auth as limits;

/// A text that is looked for in others, in any spelling.
#[derive(Clone)]
pub(super) struct Needle {
    text: String,
    base64: bool,
}

impl Needle {
    pub(super) fn plain(text: &str) -> Self {
        Needle { text: text.to_owned(), base64: false }
    }

    pub(super) fn base64(text: String) -> Self {
        Needle { text, base64: true }
    }

    pub(super) fn is_base64(&self) -> bool {
        self.base64
    }

    /// Where it ends in `text`, if it stands at `at`, whole or with a long beginning.
    ///
    /// A letter can be spelled in several ways of different lengths, and the same bytes can be
    /// read as more than one of them, so all are followed side by side.
    pub(super) fn end(&self, text: &str, at: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let (mut here, mut next) = (vec![at], Vec::new());
        let mut matched = 0;
        for letter in self.text.chars() {
            here.iter().for_each(|at| spellings(bytes, *at, letter, &mut next));
            if next.is_empty() {
                break;
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(&mut here, &mut next);
            next.clear();
            matched += 1;
        }
        let whole = matched >= limits::SECRET_PART_CHARS || matched == self.text.chars().count();
        let end = here.into_iter().filter(|at| text.is_char_boundary(*at)).max();
        end.filter(|_| whole && matched > 0)
    }
}

/// Adds where `letter` ends in each spelling of it that stands at `at`. Case makes no difference.
fn spellings(text: &[u8], at: usize, letter: char, ends: &mut Vec<usize>) {
    let Some(first) = text.get(at) else { return };
    let mut room = [0; 4];
    let raw = letter.encode_utf8(&mut room).as_bytes();
    if stands(text, at, raw) {
        ends.push(at + raw.len());
    }
    match first {
        b'+' if letter == ' ' => ends.push(at + 1),
        b'%' if letter == '%' => {
            let mut escaped = percent(text, at, b'%');
            while let Some(end) = escaped {
                ends.push(end);
                // It may itself have been escaped again: `%25` of `%2525`.
                escaped = text.get(end..end + 2).filter(|more| *more == b"25").map(|_| end + 2);
            }
        }
        b'%' => {
            let utf8 = raw.iter().try_fold(at, |at, byte| percent(text, at, *byte));
            let latin = u8::try_from(u32::from(letter)).ok();
            ends.extend(utf8.or_else(|| percent(text, at, latin?)));
        }
        b'&' => ends.extend(entity(text, at, letter)),
        b'\\' => {
            let slashes = run(text, at, |byte| byte == b'\\');
            if letter == '\\' {
                ends.extend(at + 1..=slashes);
            } else if stands(text, slashes, raw) {
                ends.push(slashes + raw.len());
            }
            let mut units = [0; 2];
            let mut units = letter.encode_utf16(&mut units).iter();
            ends.extend(units.try_fold(at, |at, unit| unicode(text, at, *unit)));
        }
        _ => {}
    }
}

fn stands(text: &[u8], at: usize, part: &[u8]) -> bool {
    text.get(at..at + part.len()).is_some_and(|here| here.eq_ignore_ascii_case(part))
}

/// Where the run of such bytes ends that begins at `at`.
fn run(text: &[u8], at: usize, of: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| of(**byte)).count()
}

/// `%2F`, or `%252F` and so on where it was escaped more than once.
fn percent(text: &[u8], at: usize, byte: u8) -> Option<usize> {
    let mut digits = at + 1;
    (text.get(at) == Some(&b'%')).then_some(())?;
    loop {
        let value = hex(text.get(digits..digits + 2)?)?;
        if same_letter(value, byte) {
            return Some(digits + 2);
        }
        (value == u32::from(b'%')).then_some(())?;
        digits += 2;
    }
}

fn same_letter(value: u32, byte: u8) -> bool {
    u8::try_from(value).is_ok_and(|value| value.eq_ignore_ascii_case(&byte))
}

/// `\u00e9`, behind any number of backslashes.
fn unicode(text: &[u8], at: usize, unit: u16) -> Option<usize> {
    let slashes = run(text, at, |byte| byte == b'\\');
    (slashes > at && stands(text, slashes, b"u")).then_some(())?;
    let value = hex(text.get(slashes + 1..slashes + 5)?)?;
    let same =
        value == u32::from(unit) || u8::try_from(unit).is_ok_and(|unit| same_letter(value, unit));
    same.then_some(slashes + 5)
}

/// `&quot;`, `&#39;` or `&#x27;`.
fn entity(text: &[u8], at: usize, letter: char) -> Option<usize> {
    let end = run(text, at + 1, |byte| byte.is_ascii_alphanumeric() || byte == b'#');
    (text.get(end) == Some(&b';')).then_some(())?;
    let name = std::str::from_utf8(text.get(at + 1..end)?).ok()?.to_ascii_lowercase();
    let meant = match (name.as_str(), name.strip_prefix('#')) {
        ("amp", _) => '&',
        ("lt", _) => '<',
        ("gt", _) => '>',
        ("quot", _) => '"',
        ("apos", _) => '\'',
        (_, Some(number)) => {
            let value = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(value.ok()?)?
        }
        _ => return None,
    };
    meant.eq_ignore_ascii_case(&letter).then_some(end + 1)
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_hex)?, 16).ok()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=%".contains(&byte)
}

/// Where the base64 begins that goes on at `at`, not before `from`.
pub(super) fn run_starts(text: &str, from: usize, at: usize) -> usize {
    let before = text.as_bytes().get(from..at).unwrap_or_default();
    at - before.iter().rev().take_while(|byte| is_base64(**byte)).count()
}

/// Where the base64 ends that goes on at `at`.
pub(super) fn run_ends(text: &str, at: usize) -> usize {
    run(text.as_bytes(), at, is_base64)
}
