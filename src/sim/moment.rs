//! Moments as text, and text as moments.

use std::time::{Duration, SystemTime};

const DAY_SECONDS: i64 = 86_400;

/// Such as `2026-06-30T07:08:09`, as Graph dates its errors.
pub(super) fn graph(now: Duration) -> String {
    let seconds = now.as_secs().cast_signed();
    let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Such as `2026-06-30 07:08:09Z`, as the sign-in service dates its errors.
pub(super) fn sign_in(now: Duration) -> String {
    format!("{}Z", graph(now).replace('T', " "))
}

/// Such as `Tue, 30 Jun 2026 07:08:09 GMT`.
pub(super) fn http(now: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + now)
}

/// Microseconds since 1970 of a date, or of a date and time with `Z` or an offset; digits beyond
/// the microsecond are dropped.
pub(super) fn read(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * DAY_SECONDS * 1_000_000;
    match time {
        Some(time) => Some(midnight + micros_of_day(time)?),
        None => Some(midnight),
    }
}

fn micros_of_day(text: &str) -> Option<i64> {
    let zone_at = text.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = text.split_at_checked(zone_at)?;
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        ("+", east) => minutes(east)?,
        ("-", west) => -minutes(west)?,
        _ => return None,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let padded: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let micros: i64 = padded.parse().ok()?;
    let [hour, minute, second] = match clock.len() {
        5 => {
            let [hour, minute] = numbers(clock, ':', [2, 2])?;
            [hour, minute, 0]
        }
        _ => numbers(clock, ':', [2, 2, 2])?,
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((hour * 60 + minute - offset) * 60 + second) * 1_000_000 + micros)
}

fn minutes(offset: &str) -> Option<i64> {
    let [hours, minutes] = numbers(offset, ':', [2, 2])?;
    Some(hours * 60 + minutes)
}

fn numbers<const N: usize>(text: &str, between: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Year, month and day of a day since 1970; years are counted from March, so that the leap day
/// is the last.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// The reverse of [`date`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_becomes_a_date_and_back() {
        for day in (-719_162..2_932_896).step_by(97) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn moments_are_read_in_every_form_a_filter_may_have() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00Z", Some(0)),
            ("1970-01-01T00:00:01.1234567Z", Some(1_123_456)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1969-12-31T23:00:00-01:00", Some(0)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800_000_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000_000)),
            ("1970-13-01", None),
            ("1970-01-01T00:00:00", None),
            ("70-1-1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn moments_are_written_as_each_service_writes_them() {
        let now = Duration::from_millis(1_782_803_289_123);
        let written = [graph(now), sign_in(now), http(now)];
        let expected =
            ["2026-06-30T07:08:09", "2026-06-30 07:08:09Z", "Tue, 30 Jun 2026 07:08:09 GMT"];
        assert_eq!(written, expected);
    }
}
