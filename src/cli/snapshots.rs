//! `snapshots`

use chrono::SecondsFormat;
use comfy_table::{Table, presets};

use super::Error;
use super::arguments::Snapshots;
use super::console::Console;
use super::reader;
use crate::snapshot::{Entry, Error as Missing};

/// Lists the versions of a table, the newest first.
pub async fn run(command: Snapshots, console: &Console) -> Result<(), Error> {
    let (engine, _) = reader::local(&command.kept.settings)?;
    let connection = engine.namespace().connection(command.kept.connection.as_deref())?;
    let table = connection.catalog.table(&command.table)?;
    let place = connection.stored(table)?;
    let versions = place.versions().await?;
    if versions.is_empty() {
        return Err(Missing::NotStored { table: place.name().to_owned() }.into());
    }
    if command.kept.json {
        for entry in versions.iter().rev() {
            let line = entry.to_json(&connection.name, &table.name);
            console.result(&line.to_string())?;
        }
        return Ok(());
    }
    let mut drawn = Table::new();
    drawn.load_preset(presets::UTF8_FULL_CONDENSED);
    drawn.set_header(["version", "committed", "method", "rows", "changes"]);
    for entry in versions.iter().rev() {
        drawn.add_row(cells(entry));
    }
    console.result(&drawn.to_string())?;
    Ok(())
}

fn cells(entry: &Entry) -> [String; 5] {
    let changes = entry.record.changes.as_ref().map_or_else(String::new, |changes| {
        format!("+{} ~{} -{}", changes.inserted, changes.updated, changes.deleted)
    });
    [
        entry.version.to_string(),
        entry.committed.to_rfc3339_opts(SecondsFormat::Secs, true),
        entry.record.method.name().to_owned(),
        entry.record.rows.to_string(),
        changes,
    ]
}
