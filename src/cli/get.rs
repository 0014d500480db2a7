//! `get`

use super::Error;
use super::arguments::Get;
use super::console::Console;
use super::output::Output;
use super::reader::Reader;
use crate::limits;
use crate::query::{Of, Request};
use crate::snapshot::export::Format;

/// Reads a table into a file, onto the terminal, or into whatever reads standard output.
pub async fn run(command: Get, console: &Console) -> Result<(), Error> {
    let output = match command.output {
        Some(path) => {
            Format::of(&path)?;
            Output::File(path)
        }
        None if console.out_is_terminal() && !command.asked.json => Output::Table,
        None => Output::Stream(Format::Jsonl),
    };
    let preview = matches!(output, Output::Table) && command.limit.is_none();
    let mut reader = Reader::open(&command.asked).await?;
    let request = Request {
        connection: command.asked.connection.clone(),
        table: command.table,
        columns: command.columns,
        filter: command.filter,
        limit: if preview { Some(limits::cli::PREVIEW_ROWS) } else { command.limit },
        of: Of::Rows(command.version),
        part: None,
    };
    let rows = reader.read(&request.clone().into()).await?;
    output.take(&request.table, rows, console).await?;
    if preview {
        console.note("… there may be more: use `--limit N`, `--json` or `-o FILE` for all rows");
    }
    Ok(())
}
