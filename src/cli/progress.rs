//! How far a read has come.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::clock::{self, Instant};
use crate::graph::Meter;
use crate::limits;

/// Shows rows, pages, speed and waits: as a line that moves on a terminal, as a line now and then
/// elsewhere.
pub struct Progress<'a> {
    console: &'a Console,
    bar: Option<ProgressBar>,
    meter: Option<Arc<Meter>>,
    table: String,
    rows: u64,
    began: Instant,
    said: Instant,
}

impl<'a> Progress<'a> {
    /// Begins with no rows.
    pub fn new(console: &'a Console, table: &str, meter: Option<Arc<Meter>>) -> Self {
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
        Progress { console, bar, meter, table, rows: 0, began: now, said: now }
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
        if let Some(meter) = &self.meter {
            line.push_str(&format!(", {} pages", HumanCount(meter.pages())));
            if meter.throttled() > 0 {
                let waited = seconds(meter.waited());
                line.push_str(&format!(", throttled {} times ({waited})", meter.throttled()));
            }
            if let Some(until) = meter.waiting_until(now) {
                let wait = seconds(until.duration_since(now));
                line.push_str(&format!(", waiting {wait} for Graph"));
            }
        }
        line
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
