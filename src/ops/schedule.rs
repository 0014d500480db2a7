//! Loads at set times.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::stream::{self, StreamExt as _};
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use super::{Cron, Error, How, UnderWay, check, load_all, now};
use crate::catalog::Table;
use crate::clock;
use crate::error::Report;
use crate::limits::ops as limits;
use crate::query::Connection;
use crate::snapshot::{Method, Which};

/// Tables that are loaded again and again.
#[derive(Clone, Debug)]
pub struct Job {
    /// As the settings name it.
    pub name: String,
    /// When.
    pub cron: Cron,
    /// By how much at most a load begins later, by chance, so that not all begin at once.
    pub jitter: Duration,
    /// Whose tables.
    pub connection: Arc<Connection>,
    /// Which; none is all that the permissions allow then.
    pub tables: Vec<Arc<Table>>,
    /// What becomes of what is stored.
    pub method: Method,
}

/// Runs all jobs until `stop`; a load under way is then dropped, and nothing of it is seen.
///
/// A job does not overlap with itself: times that come while it runs are missed, and said to be, as
/// is at the beginning a time that came while nobody was here. How each table ended is logged.
pub async fn run(jobs: Vec<Job>, stop: CancellationToken) {
    let all = stream::iter(jobs).for_each_concurrent(None, |job| async move { job.run().await });
    stop.run_until_cancelled(all).await;
}

impl Job {
    async fn run(&self) {
        self.tell_missed_before().await;
        let mut since = now();
        while let Some(next) = self.cron.after(since) {
            clock::sleep(self.wait(next)).await;
            self.load().await;
            since = self.tell_missed_since(next);
        }
        tracing::warn!(job = self.name, cron = %self.cron, "its time never comes again");
    }

    /// How long until it begins.
    fn wait(&self, next: DateTime<Utc>) -> Duration {
        let jitter = self.jitter.mul_f64(rand::rng().random_range(0.0..=1.0));
        (next - now()).to_std().unwrap_or_default() + jitter
    }

    async fn load(&self) {
        let tables = match self.allowed().await {
            Ok(tables) => tables,
            Err(error) => {
                let error = Report::new(&error, error.hint());
                tracing::error!(job = self.name, %error, "not loaded");
                return;
            }
        };
        let under_way = tables.into_iter().map(|table| (table, UnderWay::default())).collect();
        let how = How::new(self.method);
        let mut loads = Box::pin(load_all(self.connection.clone(), under_way, how));
        while let Some((table, ended)) = loads.next().await {
            match ended {
                Ok(loaded) => {
                    let (version, rows) = (loaded.version, loaded.record.rows);
                    tracing::info!(job = self.name, table = &*table.name, version, rows, "loaded");
                }
                Err(error) => {
                    let error = Report::new(&error, error.hint());
                    tracing::error!(job = self.name, table = &*table.name, %error, "not loaded");
                }
            }
        }
    }

    async fn allowed(&self) -> Result<Vec<Arc<Table>>, Error> {
        match self.tables.is_empty() {
            true => check::allowed(&self.connection).await,
            false => Ok(self.tables.clone()),
        }
    }

    /// Says which times have come since `began`, and gives the moment from which the next counts.
    fn tell_missed_since(&self, began: DateTime<Utc>) -> DateTime<Utc> {
        let until = now();
        let missed = missed(&self.cron, began, until);
        if missed > 0 {
            tracing::warn!(job = self.name, missed, "its time came while it was running");
        }
        // A clock that was set back does not bring the same time again.
        until.max(began)
    }

    async fn tell_missed_before(&self) {
        let Some(due) = self.cron.before(now()) else { return };
        let tables = match self.tables.is_empty() {
            true => self.connection.catalog.tables(),
            false => &*self.tables,
        };
        for table in tables {
            let Ok(place) = self.connection.stored(table) else { return };
            match place.try_snapshot(Which::Latest).await {
                Ok(Some(newest)) if newest.record().started < due => {
                    let due = due.to_rfc3339_opts(SecondsFormat::Secs, true);
                    tracing::warn!(job = self.name, table = &*table.name, due, "was missed");
                }
                Ok(_) => {}
                Err(error) => {
                    let error = Report::new(&error, error.hint());
                    tracing::warn!(job = self.name, table = &*table.name, %error, "cannot tell");
                }
            }
        }
    }
}

/// How many times came after `began` and not after `until`, as far as they are counted.
fn missed(cron: &Cron, began: DateTime<Utc>, until: DateTime<Utc>) -> usize {
    let times = std::iter::successors(cron.after(began), |time| cron.after(*time));
    times.take_while(|time| *time <= until).take(limits::MISSED_COUNTED_MAX).count()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::missed;

    #[test]
    fn times_that_came_meanwhile_are_counted() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let cron = "*/10 * * * *".parse().expect("a cron expression");
        let began = time("2026-11-27T02:00:00Z");
        let cases = [
            ("2026-11-27T01:00:00Z", 0),
            ("2026-11-27T02:00:00Z", 0),
            ("2026-11-27T02:09:59Z", 0),
            ("2026-11-27T02:10:00Z", 1),
            ("2026-11-27T03:05:00Z", 6),
        ];
        for (until, expected) in cases {
            assert_eq!(missed(&cron, began, time(until)), expected, "{until}");
        }
    }
}
