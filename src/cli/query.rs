//! `query`

use super::arguments::{Query, QueryFormat};
use super::console::Console;
use super::output::Output;
use super::reader::Reader;
use super::{Error, prompt};
use crate::query::Statement;
use crate::snapshot::export::Format;

/// Answers a statement, or those that are typed at a prompt.
pub async fn run(command: Query, console: &Console) -> Result<(), Error> {
    let output = output(&command, console)?;
    let mut reader = Reader::open(&command.asked).await?;
    let catalog = command.asked.connection.clone();
    let Some(sql) = command.sql else {
        return prompt::run(&mut reader, catalog, &output, console).await;
    };
    let text = if command.explain { format!("EXPLAIN {sql}") } else { sql };
    answer(&mut reader, Statement { catalog, ..Statement::new(text) }, &output, console).await
}

/// Answers one statement.
pub async fn answer(
    reader: &mut Reader,
    statement: Statement,
    output: &Output,
    console: &Console,
) -> Result<(), Error> {
    let rows = reader.read(&statement.into()).await?;
    output.take("the answer", rows, console).await
}

fn output(command: &Query, console: &Console) -> Result<Output, Error> {
    if let Some(path) = &command.output {
        Format::of(path)?;
        return Ok(Output::File(path.clone()));
    }
    let format = command.format.or(command.asked.json.then_some(QueryFormat::Json));
    Ok(match format {
        None if console.out_is_terminal() => Output::Table,
        Some(QueryFormat::Table) => Output::Table,
        Some(QueryFormat::Csv) => Output::Stream(Format::Csv),
        None | Some(QueryFormat::Json) => Output::Stream(Format::Jsonl),
        Some(QueryFormat::Parquet) => Output::Stream(Format::Parquet),
        Some(QueryFormat::Arrow) => Output::Stream(Format::Arrow),
    })
}
