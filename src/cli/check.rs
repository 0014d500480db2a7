//! `check`

use comfy_table::Table;
use comfy_table::presets::NOTHING;

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
    drawn.load_preset(NOTHING).set_header(["connection", "table", "may be read", "lacks"]);
    for line in &lines {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let allowed = if line["allowed"] == true { "yes" } else { "no" };
        drawn.add_row([text("connection"), text("table"), allowed.to_owned(), text("lacks")]);
    }
    console.result(&drawn.trim_fmt())?;
    let lacking = lines.iter().filter(|line| line["allowed"] != true).count();
    console.note(&format!("{} of {} tables may be read", lines.len() - lacking, lines.len()));
    Ok(())
}
