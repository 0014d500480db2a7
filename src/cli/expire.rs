//! `expire`

use super::Error;
use super::arguments::Expire;
use super::console::Console;
use super::reader;
use crate::ops;
use crate::snapshot::{self, Expired, Keep};

/// Removes versions and says which.
pub async fn run(command: Expire, console: &Console) -> Result<(), Error> {
    let (engine, _) = reader::local(&command.kept.settings)?;
    let connection = engine.namespace().connection(command.kept.connection.as_deref())?;
    let keep = Keep { newer_than: command.older_than, newest: command.keep };
    let tables = reader::stored_tables(connection, &command.tables)?;
    for table in tables {
        let expired = match ops::expire(connection, table, &keep).await {
            Err(ops::Error::Snapshot(snapshot::Error::NotStored { .. }))
                if command.tables.is_empty() =>
            {
                continue;
            }
            expired => expired?,
        };
        match command.kept.json {
            true => {
                console.result(&expired.to_json(&connection.name, &table.name).to_string())?;
            }
            false => {
                console.result(&line(&table.name, &expired))?;
            }
        }
    }
    Ok(())
}

fn line(table: &str, expired: &Expired) -> String {
    let Expired { versions, in_use, files, bytes } = expired;
    let mut line = match versions.as_slice() {
        [] => format!("{table}: nothing expired"),
        [one] => format!("{table}: version {one} expired"),
        [first, .., last] => {
            format!("{table}: {} versions expired, {first} to {last}", versions.len())
        }
    };
    line.push_str(&format!("; {files} files removed, {bytes} bytes"));
    if let Some(version) = in_use {
        line.push_str(&format!("; version {version} and those after it stay: it is being read"));
    }
    line
}
