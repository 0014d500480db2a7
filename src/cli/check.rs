//! `check`

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

use super::Error;
use super::arguments::Check;
use super::console::Console;
use super::reader::Reader;

/// Says of each table whether it may be read, and what is lacking where it may not.
pub async fn run(command: Check, console: &Console) -> Result<(), Error> {
    let mut reader = Reader::open(&command.asked).await?;
    let connection = command.asked.connection.as_deref();
    let lines = reader.permissions(connection, &command.pattern).await?;
    if command.asked.json {
        for line in lines {
            if !console.result(&line.to_string())? {
                break;
            }
        }
        return Ok(());
    }
    let mut drawn = Table::new();
    drawn.load_preset(NOTHING).set_header([
        "connection",
        "table",
        "may be read",
        "lacks",
        "hidden rows",
    ]);
    for line in &lines {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let allowed = if line["allowed"] == true { "yes" } else { "no" };
        let (lacks, hidden) = (text("lacks"), text("hidden_rows"));
        drawn.add_row([text("connection"), text("table"), allowed.to_owned(), lacks, hidden]);
    }
    console.result(&drawn.trim_fmt())?;
    for (permission, tables) in hidden(&lines) {
        let tables = Vec::from_iter(tables).join("`, `");
        console.note(&format!(
            "rows of `{tables}` that are hidden will be missing: grant `{permission}` to read them"
        ));
    }
    let lacking = lines.iter().filter(|line| line["allowed"] != true).count();
    console.note(&format!("{} of {} tables may be read", lines.len() - lacking, lines.len()));
    Ok(())
}

/// The tables that lack rows because they are hidden, by the permission that would show them.
fn hidden(lines: &[Value]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut hidden = BTreeMap::<_, BTreeSet<_>>::new();
    for line in lines.iter().filter(|line| line["hidden_rows"] == "missing") {
        if let (Some(permission), Some(table)) =
            (line["hidden_without"].as_str(), line["table"].as_str())
        {
            hidden.entry(permission).or_default().insert(table);
        }
    }
    hidden
}
