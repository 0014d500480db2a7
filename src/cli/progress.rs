//! How far a read has come.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::clock::{self, Instant};
use crate::graph::{Meter, Wait};
use crate::limits;

/// Shows rows, pages, speed and waits: as a line that moves on a terminal, as a line now and then
/// elsewhere.
pub struct Progress<'a> {
    console: &'a Console,
    bar: Option<ProgressBar>,
    meters: Vec<Arc<Meter>>,
    table: String,
    rows: u64,
    began: Instant,
    said: Instant,
}

impl<'a> Progress<'a> {
    /// Begins with no rows of a read that asks Graph for what the meters count, if it is known to.
    pub fn new(
        console: &'a Console,
        table: &str,
        meters: impl IntoIterator<Item = Arc<Meter>>,
    ) -> Self {
        let bar = console.note_is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(limits::cli::TICK);
            bar
        });
        let now = clock::now();
        let table = table.to_owned();
        let meters = meters.into_iter().collect();
        Progress { console, bar, meters, table, rows: 0, began: now, said: now }
    }

    /// Some more rows have come.
    pub fn add(&mut self, rows: u64) {
        self.rows += rows;
        self.tick();
    }

    /// So many rows have come in all.
    pub fn set(&mut self, rows: u64) {
        self.rows = rows;
        self.tick();
    }

    /// Time has passed; a wait may have begun.
    pub fn tick(&mut self) {
        let now = clock::now();
        match &self.bar {
            Some(bar) => bar.set_message(self.line(now)),
            None if now.duration_since(self.said) >= limits::cli::LINE_EVERY => {
                self.said = now;
                self.console.note(&self.line(now));
            }
            None => {}
        }
    }

    /// The read has ended; the bar makes room, and a last line stays.
    pub fn finish(self) {
        let (line, console) = (self.line(clock::now()), self.console);
        self.abandon();
        console.note(&line);
    }

    /// The read has failed; the bar makes room for what is said of that.
    pub fn abandon(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, now: Instant) -> String {
        let passed = now.duration_since(self.began);
        let rate = self.rows as f64 / passed.as_secs_f64().max(0.001);
        let mut line = format!(
            "{}: {} rows, {} rows/s, {}",
            self.table,
            HumanCount(self.rows),
            HumanCount(rate as u64),
            seconds(passed)
        );
        if self.meters.is_empty() {
            return line;
        }
        let sum = |of: fn(&Meter) -> u64| self.meters.iter().map(|meter| of(meter)).sum::<u64>();
        line.push_str(&format!(", {} pages", HumanCount(sum(Meter::pages))));
        let throttled = sum(Meter::throttled);
        if throttled > 0 {
            let waited = self.meters.iter().map(|meter| meter.waited()).sum();
            line.push_str(&format!(", throttled {throttled} times ({})", seconds(waited)));
        }
        let waits = self.meters.iter().filter_map(|meter| meter.waiting_until(now));
        if let Some((until, why)) = waits.max_by_key(|(until, _)| *until) {
            line.push_str(&waiting(until.duration_since(now), why));
        }
        line
    }
}

fn waiting(time: Duration, why: Wait) -> String {
    match why {
        Wait::Graph => format!(", waiting {} for Graph", seconds(time)),
        Wait::Budget => format!(", waiting {} for Graph's documented budget", seconds(time)),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_says_what_for() {
        let wait = Duration::from_millis(2_128);
        assert_eq!(waiting(wait, Wait::Graph), ", waiting 2.1 s for Graph");
        let budget = ", waiting 2.1 s for Graph's documented budget";
        assert_eq!(waiting(wait, Wait::Budget), budget);
    }
}
