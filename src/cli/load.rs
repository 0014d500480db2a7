//! `load`

use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::json;

use super::Error;
use super::arguments::Load;
use super::console::Console;
use super::progress::Progress;
use super::reader;
use crate::catalog::Table;
use crate::error::Report;
use crate::ops::{self, How, Loaded, UnderWay};
use crate::query::Connection;
use crate::snapshot::{ForeignCommit, Method, Touched};
use crate::{app, clock, limits};

/// Loads tables, says of each how it ended, and fails if one of them did.
pub async fn run(command: Load, console: &Console) -> Result<(), Error> {
    let (engine, _) = reader::local(&command.kept.settings)?;
    let connection = engine.namespace().connection(command.kept.connection.as_deref())?.clone();
    let tables = tables(&command, &connection).await?;
    let how = How { accept: command.accept, count: command.count, ..How::new(command.method) };
    let under_way: Vec<_> = tables.into_iter().map(|table| (table, UnderWay::default())).collect();
    let count = under_way.len();
    let mut progress = Progress::new(
        console,
        "loading",
        under_way.iter().map(|(_, under_way)| under_way.meter.clone()),
    );
    let shown = under_way.clone();
    let mut loads = Box::pin(ops::load_all(connection.clone(), under_way, how));
    let (mut failed, mut lacking, mut kind) = (0, 0, None);
    loop {
        tokio::select! {
            ended = loads.next() => match ended {
                None => break,
                Some((table, ended)) => {
                    tell(&command, console, &connection, &table, &ended)?;
                    match ended {
                        Ok(loaded) if loaded.record.skipped_parents.is_empty() => {}
                        Ok(_) => lacking += 1,
                        Err(error) => {
                            failed += 1;
                            kind.get_or_insert(error.kind());
                        }
                    }
                }
            },
            () = clock::sleep(limits::cli::TICK) => {
                progress.set(shown.iter().map(|(_, under_way)| under_way.rows()).sum());
            }
            () = app::stop_asked() => {
                progress.abandon();
                return Err(Error::Interrupted);
            }
        }
    }
    progress.set(shown.iter().map(|(_, under_way)| under_way.rows()).sum());
    progress.finish();
    match kind {
        Some(kind) => Err(Error::Loads { failed, tables: count, kind }),
        None if lacking > 0 => Err(Error::Lacking { tables: lacking }),
        None => Ok(()),
    }
}

async fn tables(command: &Load, connection: &Connection) -> Result<Vec<Arc<Table>>, Error> {
    if command.all {
        return Ok(ops::allowed(connection).await?);
    }
    let mut tables = Vec::new();
    for name in &command.tables {
        let table = connection.catalog.table(name)?;
        if !tables.iter().any(|before: &Arc<Table>| before.name == table.name) {
            tables.push(table.clone());
        }
    }
    Ok(tables)
}

fn tell(
    command: &Load,
    console: &Console,
    connection: &Connection,
    table: &Table,
    ended: &Result<Loaded, ops::Error>,
) -> Result<(), Error> {
    match ended {
        Ok(loaded) if command.kept.json => {
            console.result(&loaded.to_json(&connection.name).to_string())?;
        }
        Ok(loaded) => {
            console.result(&line(loaded, table.counted && command.count))?;
        }
        Err(error) => {
            let report = Report::new(error, error.hint()).to_string();
            if command.kept.json {
                let line = json!({
                    "connection": *connection.name,
                    "table": *table.name,
                    "error": report,
                });
                console.result(&line.to_string())?;
            } else {
                console.note(&format!("{}: {report}", table.name));
            }
        }
    }
    Ok(())
}

/// What became of a load, whose rows Graph was to count if `counts`.
pub fn line(loaded: &Loaded, counts: bool) -> String {
    let record = &loaded.record;
    let mut line = format!("{}: version {}, {} rows", loaded.table, loaded.version, record.rows);
    if let Some(changes) = &record.changes {
        line.push_str(&format!(
            ", {} inserted, {} updated, {} deleted, {} unchanged",
            changes.inserted, changes.updated, changes.deleted, changes.unchanged
        ));
    }
    let foreign = ForeignCommit::told(&record.foreign);
    if let Some(told) = foreign.filter(|_| record.touched() > Touched::Nothing) {
        line.push_str(&format!("; {told} since the load before"));
        if record.changes.is_none() && record.method == Method::ReloadAndCompare {
            line.push_str(" and what they left cannot be compared");
        }
    }
    if let Some(counted) = record.counted.filter(|counted| *counted != record.rows) {
        line.push_str(&format!(", although Graph's index counts {counted}"));
    }
    if counts && record.counted.is_none() {
        line.push_str(", and Graph does not say how many there are");
    }
    if let [first, ..] = &*record.skipped_parents {
        let count = record.skipped_parents.len();
        line.push_str(&format!(", what belongs to {count} parents could not be read ({first} …)"));
    }
    if record.duplicates > 0 {
        line.push_str(&format!(", {} duplicates left out", record.duplicates));
    }
    if record.cells_put_aside > 0 {
        line.push_str(&format!(", {} cells put aside in `_extra`", record.cells_put_aside));
    }
    if record.members_left_out > 0 {
        line.push_str(&format!(", {} members left out", record.members_left_out));
    }
    line
}
