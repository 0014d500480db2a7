//! What changed, as a page that opens without a network.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::ops::{History, Step};
use crate::snapshot::Counts;

/// Pixels of the drawing of a table's steps.
const HEIGHT: u64 = 120;
const STEP: u64 = 28;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667; --line: #d5dae0; --paper: #fff;
  --insert: #2f9e5f; --update: #d99a1c; --delete: #cf4a3f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #9aa3ad; --line: #39414a; --paper: #14181c; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .2rem; }
p { margin: .2rem 0; color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; } th:first-child, td:first-child { text-align: left; }
.insert { color: var(--insert); } .update { color: var(--update); } .delete { color: var(--delete); }
rect.insert { fill: var(--insert); } rect.update { fill: var(--update); }
rect.delete { fill: var(--delete); }
svg text { fill: var(--soft); font-size: 10px; } svg line { stroke: var(--line); }
.bar { display: inline-block; height: .7em; background: var(--update); min-width: 1px; }
.scroll { overflow-x: auto; }
";

/// The page of these tables.
pub fn page(connection: &str, histories: &[History], made: DateTime<Utc>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "What changed in " (connection) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "What changed in " (connection) }
                p { "made " (moment(made)) " by entra-flight " (env!("CARGO_PKG_VERSION")) }
                (overview(histories))
                @for history in histories { (section(history)) }
            }
        }
    };
    page.into_string()
}

fn overview(histories: &[History]) -> Markup {
    html! {
        table {
            thead { tr {
                th { "table" } th { "versions" } th { "rows" }
                th { "inserted" } th { "updated" } th { "deleted" } th { "unchanged" }
            } }
            tbody { @for history in histories { tr {
                td { a href={ "#" (history.table.name) } { (history.table.name) } }
                td { (ends(history)) }
                td { (history.steps.last().map_or(0, |step| step.rows)) }
                (cells(&history.changes))
            } } }
        }
    }
}

fn section(history: &History) -> Markup {
    let changes = &history.changes;
    let mut columns: Vec<(&String, &u64)> = changes.columns.iter().collect();
    columns.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let most = columns.first().map_or(1, |(_, rows)| **rows);
    html! {
        h2 id=(history.table.name) { (history.table.name) }
        p { (history.table.description) }
        @if history.steps.iter().filter_map(|step| step.changes.as_ref()).any(|it| it.changed() > 0) {
            div.scroll { (drawing(&history.steps)) }
        }
        @if columns.is_empty() {
            p { "No row has another value in any column." }
        } @else {
            table {
                thead { tr { th { "column" } th { "rows changed" } th {} } }
                tbody { @for (column, rows) in columns { tr {
                    td { (column) }
                    td { (rows) }
                    td style="width: 45%; text-align: left" {
                        span.bar style={ "width: " (share(*rows, most, 100)) "%" } {}
                    }
                } } }
            }
        }
        table {
            thead { tr {
                th { "version" } th { "committed" } th { "method" } th { "rows" }
                th { "inserted" } th { "updated" } th { "deleted" } th { "unchanged" }
            } }
            tbody { @for step in history.steps.iter().rev() { tr {
                td { (step.version) }
                td { (moment(step.committed)) }
                td { (step.method.name()) }
                td { (step.rows) }
                @match &step.changes {
                    Some(changes) => (cells(changes)),
                    None => { td {} td {} td {} td {} },
                }
            } } }
        }
    }
}

/// A bar a version: what was inserted, updated and deleted, one above the other.
fn drawing(steps: &[Step]) -> Markup {
    let changed: Vec<(u64, &Counts)> =
        steps.iter().filter_map(|step| Some((step.version, step.changes.as_ref()?))).collect();
    let most = changed.iter().map(|(_, counts)| counts.changed()).max().unwrap_or(0).max(1);
    let width = (changed.len() as u64 * STEP).max(STEP) + 60;
    html! {
        svg width=(width) height=(HEIGHT + 24) role="img" aria-label="Changes of each version" {
            text x="0" y="10" { (most) }
            line x1="50" y1=(HEIGHT) x2=(width) y2=(HEIGHT) {}
            @for (place, (version, counts)) in changed.iter().enumerate() {
                @let x = 56 + place as u64 * STEP;
                @let (inserted, updated, deleted) = heights(counts, most);
                rect.insert x=(x) y=(HEIGHT - inserted) width="18" height=(inserted) {
                    title { (counts.inserted) " inserted" }
                }
                rect.update x=(x) y=(HEIGHT - inserted - updated) width="18" height=(updated) {
                    title { (counts.updated) " updated" }
                }
                rect.delete x=(x) y=(HEIGHT - inserted - updated - deleted) width="18"
                    height=(deleted) { title { (counts.deleted) " deleted" } }
                text x=(x) y=(HEIGHT + 14) { (version) }
            }
        }
    }
}

fn heights(counts: &Counts, most: u64) -> (u64, u64, u64) {
    let height = |rows| share(rows, most, HEIGHT - 10);
    (height(counts.inserted), height(counts.updated), height(counts.deleted))
}

/// So many of `whole` as `rows` are of `most`.
fn share(rows: u64, most: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(rows) * u128::from(whole) / u128::from(most.max(1))).unwrap_or(whole)
}

fn ends(history: &History) -> String {
    match (history.steps.first(), history.steps.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.version, last.version),
        _ => String::new(),
    }
}

fn cells(counts: &Counts) -> Markup {
    html! {
        td.insert { (counts.inserted) } td.update { (counts.updated) }
        td.delete { (counts.deleted) } td { (counts.unchanged) }
    }
}

fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::page;
    use crate::catalog::Catalog;
    use crate::ops::{History, Step};
    use crate::snapshot::{Counts, Method};

    #[test]
    fn a_page_needs_nothing_else_and_lets_no_name_be_markup() {
        let users = Catalog::builtin().expect("the tables").table("users").expect("users").clone();
        let mut table = users.as_ref().clone();
        table.description = "<script>alert(1)</script>".into();
        let changes = Counts {
            inserted: u64::MAX / 4,
            columns: [("a\"<b>".to_owned(), u64::MAX)].into(),
            ..Counts::default()
        };
        let step = |version, changes| Step {
            version,
            committed: DateTime::UNIX_EPOCH,
            method: Method::Reload,
            rows: 3,
            changes,
        };
        let steps = vec![step(0, None), step(1, Some(changes.clone()))];
        let history = History { table: Arc::new(table), changes, steps };
        let page = page("contoso & co", &[history], DateTime::UNIX_EPOCH);
        for no in ["<script", "http:", "https:", "src=", "@import", "contoso & co"] {
            assert!(!page.contains(no), "{no}");
        }
        for there in ["contoso &amp; co", "&lt;script&gt;", "a&quot;&lt;b&gt;", "0 to 1"] {
            assert!(page.contains(there), "{there}");
        }
    }
}
