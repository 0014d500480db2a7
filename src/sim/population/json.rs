//! Writing JSON by hand into a byte buffer: no formatting machinery, no allocation of its own.
//!
//! Every constant text of the population is kept as it stands between the quotes of a JSON
//! string, escapes included, so that writing one is a copy.

/// Appends pieces of text or bytes one after the other.
macro_rules! put {
    ($out:expr, $($piece:expr),+ $(,)?) => {{
        $( $out.extend_from_slice(AsRef::<[u8]>::as_ref(&$piece)); )+
    }};
}
pub(super) use put;

/// Declares the properties of a kind: an enum to match on, the table the engine sees, and the
/// writer of rows. Each has its name, its type in Graph's schema and its place: `default`:
/// returned without `$select`; `select`: only with it; `extension`: the same, and not declared;
/// `single`: refused in lists. The kind's `Row` gives each property's value by `put(field, out)`, which
/// writes nothing where the property is to be absent.
macro_rules! fields {
    ($($variant:ident $name:literal $of:literal $place:ident)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(in crate::sim::population) enum Field { $($variant,)* }

        const FIELDS: &[Field] = &[$(Field::$variant,)*];

        const KEYS: &[&str] = &[$(concat!(",\"", $name, "\":"),)*];

        pub(in crate::sim::population) const PROPERTIES: &[crate::sim::population::Property] = &[$(
            crate::sim::population::Property {
                name: $name,
                of: $of,
                extension: matches!(stringify!($place).as_bytes(), b"extension"),
                default: matches!(stringify!($place).as_bytes(), b"default"),
                single_only: matches!(stringify!($place).as_bytes(), b"single"),
            },
        )*];

        impl Row<'_> {
            /// Appends the chosen properties with their names, without braces.
            pub(in crate::sim::population) fn write(&self, selection: &[u16], out: &mut Vec<u8>) {
                let mut comma = 1;
                for &property in selection {
                    let place = usize::from(property);
                    let (Some(key), Some(&field)) = (KEYS.get(place), FIELDS.get(place)) else {
                        continue;
                    };
                    let before = out.len();
                    out.extend_from_slice(&key.as_bytes()[comma..]);
                    let after = out.len();
                    self.put(field, out);
                    if out.len() == after {
                        out.truncate(before);
                    } else {
                        comma = 0;
                    }
                }
            }

            /// Appends one property's value; nothing for an absent one.
            pub(in crate::sim::population) fn write_value(&self, property: u16, out: &mut Vec<u8>) {
                if let Some(&field) = FIELDS.get(usize::from(property)) {
                    self.put(field, out);
                }
            }
        }
    };
}
pub(super) use fields;

/// The last moment of the simulated tenant, 2026-06-30T00:00:00Z: everything lies before it.
pub(super) const NOW: i64 = 1_782_777_600;

pub(super) const DAY: i64 = 86_400;

/// What Entra writes for a moment that was never set.
pub(super) const NEVER: &str = "\"0001-01-01T00:00:00Z\"";

/// What Entra writes for a moment that never comes.
pub(super) const FOREVER: &str = "\"9999-12-31T23:59:59Z\"";

const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

#[inline]
fn pair(n: u64) -> [u8; 2] {
    PAIRS[(n % 100) as usize]
}

/// Appends a text that needs no more escaping, with quotes.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, escaped: impl AsRef<[u8]>) {
    out.push(b'"');
    out.extend_from_slice(escaped.as_ref());
    out.push(b'"');
}

/// A text, or null when it is empty.
#[inline]
pub(super) fn text_or_null(out: &mut Vec<u8>, escaped: &str) {
    if escaped.is_empty() { put!(out, "null") } else { text(out, escaped) }
}

#[inline]
pub(super) fn boolean(out: &mut Vec<u8>, yes: bool) {
    put!(out, if yes { "true" } else { "false" });
}

pub(super) fn number(out: &mut Vec<u8>, n: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = n;
    while rest >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair(rest));
        rest /= 100;
    }
    let two = pair(rest);
    at -= 2;
    digits[at..at + 2].copy_from_slice(&two);
    if rest < 10 {
        at += 1;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Exactly `width` (at most 20) decimal digits, the low ones.
pub(super) fn digits(out: &mut Vec<u8>, n: u64, width: usize) {
    let mut shown = [b'0'; 20];
    let mut rest = n;
    for digit in shown.iter_mut().rev().take(width) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&shown[20 - width..]);
}

/// A moment, in seconds since 1970, between the years 1970 and 9999.
pub(super) fn moment(out: &mut Vec<u8>, seconds: i64) {
    let mut shown = *b"\"0000-00-00T00:00:00Z\"";
    fill_moment(&mut shown, seconds);
    out.extend_from_slice(&shown);
}

/// A moment with the seven digits of Windows' clock, of which `ticks` gives the fraction.
pub(super) fn moment_fine(out: &mut Vec<u8>, seconds: i64, ticks: u64) {
    let mut shown = *b"\"0000-00-00T00:00:00.0000000Z\"";
    fill_moment(&mut shown, seconds);
    let mut rest = ticks;
    for digit in shown[21..28].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&shown);
}

fn fill_moment(shown: &mut [u8], seconds: i64) {
    let seconds = seconds.max(0) as u64;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    shown[1..3].copy_from_slice(&pair(year / 100));
    shown[3..5].copy_from_slice(&pair(year));
    shown[6..8].copy_from_slice(&pair(month));
    shown[9..11].copy_from_slice(&pair(day));
    shown[12..14].copy_from_slice(&pair(second / 3_600));
    shown[15..17].copy_from_slice(&pair(second / 60 % 60));
    shown[18..20].copy_from_slice(&pair(second % 60));
}

/// Year, month and day of a day since 1970, by counting in years that begin in March.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn moments_are_written_as_graph_writes_them() {
        check(|out| moment(out, NOW), "\"2026-06-30T00:00:00Z\"");
        check(|out| moment(out, 951_782_399), "\"2000-02-28T23:59:59Z\"");
        check(|out| moment(out, 951_868_799), "\"2000-02-29T23:59:59Z\"");
        check(|out| moment_fine(out, 0, 1_234), "\"1970-01-01T00:00:00.0001234Z\"");
    }

    #[test]
    fn numbers_are_written_in_full() {
        for n in [0, 9, 10, 99, 100, 101, 65_535, 1_000_000, u64::MAX] {
            check(|out| number(out, n), &n.to_string());
        }
        check(|out| digits(out, 42, 6), "000042");
    }
}
