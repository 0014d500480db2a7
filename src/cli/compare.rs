//! `compare`

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt as _;

use super::Error;
use super::arguments::Compare;
use super::console::Console;
use super::names::{ParentNames, name};
use super::{reader, report};
use crate::catalog::{CHANGE_TYPE, CHANGED_COLUMNS, Table};
use crate::error::Kind;
use crate::ops;
use crate::query::{self, Connection};
use crate::snapshot::{self, Counts, Which, export};

/// Shows each change as a person reads it, and at the end how many there were.
pub async fn run(command: Compare, console: &Console) -> Result<(), Error> {
    let (engine, _) = reader::local(&command.kept.settings)?;
    let connection = engine.namespace().connection(command.kept.connection.as_deref())?;
    if let Some(path) = &command.html {
        let span = (command.from, command.to);
        return report(&command.tables, span, connection, path, console).await;
    }
    for name in &command.tables {
        let table = connection.catalog.table(name)?;
        if !show(&command, connection, table, console).await? {
            break;
        }
    }
    Ok(())
}

/// Writes the page of these tables, or of all, between two versions; whole or not at all.
pub async fn report(
    tables: &[String],
    (from, to): (Option<Which>, Which),
    connection: &Connection,
    path: &Path,
    console: &Console,
) -> Result<(), Error> {
    let mut histories = Vec::new();
    for table in reader::stored_tables(connection, tables)? {
        let versions = connection.stored(table)?.versions().await?;
        if tables.is_empty() && versions.len() < 2 {
            continue;
        }
        // A page tells of all versions that there are, unless it is told where to begin.
        let from = from.or(versions.first().map(|oldest| Which::Number(oldest.version)));
        match ops::history(connection, table, from, to).await {
            Err(error) if tables.is_empty() && error.kind() == Kind::NotFound => {
                console.note(&format!("{}: left out, because {error}", table.name));
            }
            history => histories.push(history?),
        }
    }
    let page = report::page(&connection.name, &histories, ops::now());
    export::text(path, &page)?;
    console.note(&format!("{}: {} tables", path.display(), histories.len()));
    Ok(())
}

/// Shows what changed in one table; gives whether anybody still reads it.
async fn show(
    command: &Compare,
    connection: &Connection,
    table: &Table,
    console: &Console,
) -> Result<bool, Error> {
    let place = connection.stored(table)?;
    let (old, new) = query::pair(&place, command.from, command.to).await?;
    let (from, to) = (old.version(), new.version());
    let said = |counts| format!("{}: version {from} to {to}: {}", table.name, summary(counts));
    let mut parents = ParentNames::of(connection, table).await?;
    if command.summary {
        let counts = snapshot::count(&old, &new, table).await?;
        let line = match command.kept.json {
            true => counts.to_json(&connection.name, &table.name, from, to).to_string(),
            false => said(&counts),
        };
        return console.result(&line);
    }
    let mut compared = snapshot::compare(&old, &new, table);
    while let Some(batch) = compared.batches.next().await {
        let batch = batch?;
        let lines = match command.kept.json {
            true => json(&batch),
            false => {
                if let Some(parents) = &mut parents {
                    parents.read(&batch).await?;
                }
                text(&batch, table, parents.as_ref())
            }
        };
        let lines = lines.map_err(|error| Error::Print(Box::new(error)))?;
        if !console.bytes(&lines)? {
            return Ok(false);
        }
    }
    console.note(&said(&compared.counts()));
    Ok(true)
}

/// How many rows changed, and in which columns.
fn summary(counts: &Counts) -> String {
    let mut line = format!(
        "{} inserted, {} updated, {} deleted, {} unchanged",
        counts.inserted, counts.updated, counts.deleted, counts.unchanged
    );
    let columns: Vec<String> =
        counts.columns.iter().map(|(column, rows)| format!("{column} {rows}")).collect();
    if !columns.is_empty() {
        line.push_str(&format!(" ({})", columns.join(", ")));
    }
    line
}

fn json(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut lines = LineDelimitedWriter::new(Vec::new());
    lines.write(batch)?;
    lines.finish()?;
    Ok(lines.into_inner())
}

/// The first changes of one table since the version before, and how many there are.
pub async fn brief(
    connection: &Connection,
    table: &Table,
    changes_max: usize,
    console: &Console,
) -> Result<(), Error> {
    let place = connection.stored(table)?;
    let (old, new) = query::pair(&place, None, Which::Latest).await?;
    let mut parents = ParentNames::of(connection, table).await?;
    let mut compared = snapshot::compare(&old, &new, table);
    let (mut shown, mut changes) = (String::new(), 0);
    while let Some(batch) = compared.batches.next().await.transpose()? {
        if changes > changes_max {
            continue;
        }
        if let Some(parents) = &mut parents {
            parents.read(&batch).await?;
        }
        let lines = text(&batch, table, parents.as_ref());
        let lines = lines.map_err(|error| Error::Print(Box::new(error)))?;
        for line in String::from_utf8_lossy(&lines).lines() {
            changes += usize::from(!line.starts_with(' '));
            if changes <= changes_max {
                shown.push_str(&format!("  {line}\n"));
            }
        }
    }
    let counts = compared.counts();
    let more = counts.changed().saturating_sub(changes_max as u64);
    if more > 0 {
        shown.push_str(&format!("  … and {more} more\n"));
    }
    let lines = format!("{}: {}\n{shown}", table.name, summary(&counts));
    console.note(lines.trim_end());
    Ok(())
}

/// `+` a new row, `-` a row that is gone, `~` a changed one with each column before and after.
fn text(
    batch: &RecordBatch,
    table: &Table,
    parents: Option<&ParentNames>,
) -> Result<Vec<u8>, ArrowError> {
    let kinds = column(batch, CHANGE_TYPE)?.as_string::<i32>();
    let changed = column(batch, CHANGED_COLUMNS)?.as_list::<i32>();
    let mut lines = String::new();
    for row in 0..batch.num_rows() {
        let who = || who(batch, table, parents, row);
        match kinds.value(row) {
            "insert" => lines.push_str(&format!("+ {}\n", who()?)),
            "delete" => lines.push_str(&format!("- {}\n", who()?)),
            "update_preimage" => {
                lines.push_str(&format!("~ {}\n", who()?));
                for name in changed.value(row).as_string::<i32>().iter().flatten() {
                    let cells = column(batch, name)?;
                    let (before, after) = (shown(cells, row)?, shown(cells, row + 1)?);
                    lines.push_str(&format!("    {name}: {before} → {after}\n"));
                }
            }
            _ => {}
        }
    }
    Ok(lines.into_bytes())
}

/// A row's key with names beside it: `GROUP (Sales) / MEMBER (Ann Lee)`.
fn who(
    batch: &RecordBatch,
    table: &Table,
    parents: Option<&ParentNames>,
    row: usize,
) -> Result<String, ArrowError> {
    let mut parts = Vec::new();
    for (at, key) in table.key.iter().enumerate() {
        let id = shown(column(batch, key)?, row)?;
        let parent = parents.and_then(|parents| parents.name(key, &id));
        let own = name(batch, table, row).filter(|_| at + 1 == table.key.len());
        let names: Vec<String> = parent.into_iter().chain(own).map(line).collect();
        let names = names.into_iter().filter(|name| !name.is_empty() && *name != id);
        let names = names.collect::<Vec<_>>().join(" / ");
        parts.push(if names.is_empty() { id } else { format!("{id} ({names})") });
    }
    Ok(parts.join(" / "))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch
        .column_by_name(name)
        .ok_or_else(|| ArrowError::SchemaError(format!("the changes have no column `{name}`")))
}

fn shown(array: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    if array.is_null(row) {
        return Ok("null".to_owned());
    }
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(array.as_ref(), &options)?.value(row).to_string();
    Ok(line(&text))
}

/// A text in one line, whatever is in it.
fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_control() {
            true => line.extend(char.escape_debug()),
            false => line.push(char),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn values_are_shown_as_they_are_and_control_characters_escaped() {
        let cells = ["O'Neill", r"CN=O'Neill\, Lucas", "\"Zoë\"", "a\nb\u{1b}[1m"];
        let array: ArrayRef = Arc::new(StringArray::from_iter_values(cells));
        let lines: Vec<_> = (0..4).map(|row| shown(&array, row).expect("a text")).collect();
        assert_eq!(lines, ["O'Neill", r"CN=O'Neill\, Lucas", "\"Zoë\"", "a\\nb\\u{1b}[1m"]);
    }
}
