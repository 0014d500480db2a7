//! Times that come again.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};

/// A cron expression of five parts: minute, hour, day, month, day of the week; in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron(croner::Cron);

/// A text that is no cron expression.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CronError(String);

impl Cron {
    /// The first time after this one; `None` if there is none, as with the 30th of February.
    pub fn after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_next_occurrence(&time, false).ok()
    }

    /// The last time before this one.
    pub fn before(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_previous_occurrence(&time, false).ok()
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        parser.parse(text).map(Cron).map_err(|error| CronError(error.to_string()))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::Cron;

    #[test]
    fn times_come_again_in_utc() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let cases = [
            ("30 2 * * *", "2026-11-27T02:30:00Z", "2026-11-28T02:30:00Z", "2026-11-26T02:30:00Z"),
            (
                "*/15 * * * *",
                "2026-11-27T02:30:00Z",
                "2026-11-27T02:45:00Z",
                "2026-11-27T02:15:00Z",
            ),
            ("0 6 * * MON", "2026-11-27T02:30:00Z", "2026-11-30T06:00:00Z", "2026-11-23T06:00:00Z"),
        ];
        for (cron, at, next, last) in cases {
            let cron: Cron = cron.parse().expect("a cron expression");
            assert_eq!(cron.after(time(at)), Some(time(next)), "{cron}");
            assert_eq!(cron.before(time(at)), Some(time(last)), "{cron}");
        }
        for text in ["", "* * * *", "61 * * * *", "0 0 1 1 * 2026 1", "0 * * * * *", "each day"] {
            assert!(text.parse::<Cron>().is_err(), "{text:?}");
        }
        let never: Cron = "0 0 30 2 *".parse().expect("a cron expression");
        assert_eq!(never.after(time("2026-11-27T00:00:00Z")), None);
    }
}
