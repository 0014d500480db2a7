//! Numbers.

use super::isa::Isa;
use super::pass::{Pass, Step};

impl<'p, I: Isa> Pass<'p, I> {
    /// At a minus or a digit: moves over a JSON number and returns its text.
    pub fn number(&mut self) -> Step<&'p [u8]> {
        let start = self.cursor;
        self.cursor.eat::<b'-'>();
        if !self.cursor.eat::<b'0'>() && self.cursor.digits() == 0 {
            return self.malformed("a digit was expected");
        }
        if self.cursor.eat::<b'.'>() && self.cursor.digits() == 0 {
            return self.malformed("a digit was expected behind the point");
        }
        if self.cursor.eat::<b'e'>() || self.cursor.eat::<b'E'>() {
            let _sign = self.cursor.eat::<b'+'>() || self.cursor.eat::<b'-'>();
            if self.cursor.digits() == 0 {
                return self.malformed("a digit was expected in the exponent");
            }
        }
        Ok(self.cursor.since(start))
    }
}

/// The integer that an optional minus and digits stand for; `None` for anything else, a fraction
/// or an exponent included, and beyond 64 bits.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        let value = value.checked_mul(10).filter(|_| digit <= 9)?;
        if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
    })
}

/// The nearest double of a JSON number; `None` beyond the largest.
pub(super) fn double(text: &[u8]) -> Option<f64> {
    let value: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// The doubles that OData writes as strings.
pub(super) fn named_double(text: &[u8]) -> Option<f64> {
    match text {
        b"INF" => Some(f64::INFINITY),
        b"-INF" => Some(f64::NEG_INFINITY),
        b"NaN" => Some(f64::NAN),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_up_to_the_last_and_nothing_else() {
        let cases = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("1.0", None),
            ("1e3", None),
            ("+1", None),
            ("-", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text.as_bytes()), expected, "{text}");
        }
    }
}
