//! Dates, times of day and points in time, as OData writes them.

use super::cursor::Window;

const DAY_MICROS: i64 = 86_400_000_000;
const SECOND_MICROS: i64 = 1_000_000;

/// Days of a common year before each month, by its number.
const DAYS_BEFORE: [i32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Days of each month of a common year, by its number.
const DAYS_IN: [u32; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A timestamp in quotes as Graph writes nearly all of them, `"YYYY-MM-DDTHH:MM:SSZ"` with up to
/// nine digits of fraction, at the start of the window: microseconds since 1970, and how many
/// bytes it took, quotes included.
///
/// What it refuses may still be a timestamp: [`timestamp`] has the last word.
#[inline(always)]
pub(super) fn quoted_timestamp(seen: &Window) -> Option<(i64, usize)> {
    let mut wrong = seen[0] ^ b'"';
    wrong |= (seen[5] ^ b'-') | (seen[8] ^ b'-') | (seen[11] ^ b'T');
    wrong |= (seen[14] ^ b':') | (seen[17] ^ b':');
    let year = two(seen[1], seen[2], &mut wrong) * 100 + two(seen[3], seen[4], &mut wrong);
    let month = two(seen[6], seen[7], &mut wrong);
    let day = two(seen[9], seen[10], &mut wrong);
    let hour = two(seen[12], seen[13], &mut wrong);
    let minute = two(seen[15], seen[16], &mut wrong);
    let second = two(seen[18], seen[19], &mut wrong);
    // A month 0 has no days; a 29 February is rare enough to be left to the careful way.
    let exists = year != 0 && day.wrapping_sub(1) < *DAYS_IN.get(month as usize)?;
    if wrong != 0 || !exists || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_before(year, month) + day as i32 - 1;
    let seconds = i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    let micros = seconds * SECOND_MICROS;
    if seen[20] == b'Z' && seen[21] == b'"' {
        return Some((micros, 22));
    }
    let (fraction, len) = fraction(&seen[20..30]);
    let closed = len > 1 && seen[20 + len] == b'Z' && seen[21 + len] == b'"';
    closed.then_some((micros + fraction, 22 + len))
}

/// The number that two digits make; anything else leaves a bit in `wrong`.
#[inline(always)]
fn two(tens: u8, ones: u8, wrong: &mut u8) -> u32 {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    *wrong |= u8::from(tens > 9) | u8::from(ones > 9);
    u32::from(tens) * 10 + u32::from(ones)
}

/// Days between 1970-01-01 and the first of a month of the years 1 to 9999.
#[inline(always)]
fn days_before(year: u32, month: u32) -> i32 {
    let year = year as i32;
    let leap_until = if month <= 2 { year - 1 } else { year };
    // 477 leap days come before 1970.
    let leap_days = leap_until / 4 - leap_until / 100 + leap_until / 400 - 477;
    let month = DAYS_BEFORE.get(month as usize).copied().unwrap_or(0);
    (year - 1970) * 365 + leap_days + month
}

/// A point and digits: microseconds, cut and not rounded, and the bytes they took; (0, 0) where
/// there is no point.
fn fraction(text: &[u8]) -> (i64, usize) {
    let [b'.', digits @ ..] = text else { return (0, 0) };
    let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let mut micros = 0;
    let mut weight = 100_000;
    for digit in &digits[..count] {
        micros += i64::from(digit - b'0') * weight;
        weight /= 10;
    }
    (micros, 1 + count)
}

/// `YYYY-MM-DD`, a date that exists in the years 0001 to 9999, as days since 1970.
pub(super) fn date(text: &[u8]) -> Option<i32> {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = *text else { return None };
    let mut wrong = 0;
    let year = two(a, b, &mut wrong) * 100 + two(c, d, &mut wrong);
    let month = two(e, f, &mut wrong);
    let day = two(g, h, &mut wrong);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = DAYS_IN.get(month as usize)? + u32::from(leap && month == 2);
    let exists = wrong == 0 && year != 0 && month != 0 && (1..=days).contains(&day);
    exists.then(|| days_before(year, month) + day as i32 - 1)
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…`, as microseconds since midnight.
///
/// 24:00 and the leap second :60 are no times of day, here as in most databases.
pub(super) fn time(text: &[u8]) -> Option<i64> {
    let (hour_minute, rest) = text.split_at_checked(5)?;
    let minutes = minutes(hour_minute)?;
    let [b':', a, b, rest @ ..] = rest else {
        return rest.is_empty().then_some(minutes * 60 * SECOND_MICROS);
    };
    let mut wrong = 0;
    let second = two(*a, *b, &mut wrong);
    let (micros, len) = fraction(rest);
    let ended = len == rest.len() && len != 1;
    let right = ended && wrong == 0 && second < 60;
    right.then(|| (minutes * 60 + i64::from(second)) * SECOND_MICROS + micros)
}

/// `HH:MM` as minutes since midnight.
fn minutes(text: &[u8]) -> Option<i64> {
    let [a, b, b':', c, d] = *text else { return None };
    let mut wrong = 0;
    let (hour, minute) = (two(a, b, &mut wrong), two(c, d, &mut wrong));
    (wrong == 0 && hour < 24 && minute < 60).then(|| i64::from(hour * 60 + minute))
}

/// Date, `T`, time of day and `Z` or an offset `±HH:MM`, as microseconds since 1970 in UTC.
pub(super) fn timestamp(text: &[u8]) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let (time_of_day, offset) = match rest {
        [b'T', time @ .., b'Z'] => (time, 0),
        [b'T', rest @ ..] => {
            let (time, zone) = rest.split_at_checked(rest.len().checked_sub(6)?)?;
            let (sign, zone) = zone.split_first()?;
            match sign {
                b'+' => (time, minutes(zone)?),
                b'-' => (time, -minutes(zone)?),
                _ => return None,
            }
        }
        _ => return None,
    };
    let micros = time(time_of_day)? - offset * 60 * SECOND_MICROS;
    Some(i64::from(date(day)?) * DAY_MICROS + micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fast(text: &str) -> Option<i64> {
        let mut window = [0; 64];
        let quoted = format!("\"{text}\",\"next");
        window[..quoted.len()].copy_from_slice(quoted.as_bytes());
        let (micros, len) = quoted_timestamp(&window)?;
        assert_eq!(len, text.len() + 2);
        Some(micros)
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let mut expected = -719_162;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=31 {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    let Some(days) = date(text.as_bytes()) else { continue };
                    assert_eq!(days, expected, "{text}");
                    expected += 1;
                    if month == 2 || day == 1 {
                        let moment = format!("{text}T00:00:01Z");
                        let micros = i64::from(days) * DAY_MICROS + SECOND_MICROS;
                        assert_eq!(timestamp(moment.as_bytes()), Some(micros), "{moment}");
                        let quick = fast(&moment);
                        assert!(quick == Some(micros) || (day > 28 && quick.is_none()), "{moment}");
                    }
                }
            }
        }
        assert_eq!(expected, 2_932_897, "9999-12-31 is the last");
    }

    #[test]
    fn timestamps_that_are_and_that_are_not() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.1234567Z", Some(123_456)),
            ("1970-01-01T00:00:00.123456789Z", Some(123_456)),
            ("1970-01-01T00:00:00.000000999999999Z", Some(0)),
            ("1969-12-31T23:59:59.9Z", Some(-100_000)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1969-12-31T18:30:00.5-05:30", Some(500_000)),
            ("1970-01-01T00:01Z", Some(60_000_000)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800_000_000)),
            ("9999-12-31T23:59:59.9999999Z", Some(253_402_300_799_999_999)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
            ("2023-02-29T00:00:00Z", None),
            ("0000-01-01T00:00:00Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-00-01T00:00:00Z", None),
            ("2024-01-00T00:00:00Z", None),
            ("2024-01-01T24:00:00Z", None),
            ("2024-01-01T00:60:00Z", None),
            ("2024-01-01T00:00:60Z", None),
            ("2024-01-01T00:00:00.Z", None),
            ("2024-01-01T00:00:00", None),
            ("2024-01-01 00:00:00Z", None),
            ("2024-01-01T00:00:00z", None),
            ("2024-01-01T00:00:00+0100", None),
            ("2024-01-01T00:00:00+24:00", None),
            ("2024-01-01", None),
            ("Z", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(timestamp(text.as_bytes()), expected, "{text}");
            assert!(fast(text).is_none_or(|micros| Some(micros) == expected), "{text}");
        }
        assert_eq!(fast("2024-01-01T00:00:00.1234567Z"), Some(1_704_067_200_123_456));
    }
}
