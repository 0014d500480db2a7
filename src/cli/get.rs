//! `get`

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::json::LineDelimitedWriter;
use comfy_table::Table;
use futures::StreamExt as _;

use super::arguments::Get;
use super::console::Console;
use super::progress::Progress;
use super::reader::{Reader, Rows};
use super::{Error, preview};
use crate::query::{Of, Request};
use crate::snapshot::export::{Export, Format};
use crate::{app, clock, limits};

/// Reads a table into a file, onto the terminal, or into whatever reads standard output.
pub async fn run(command: Get, console: &Console) -> Result<(), Error> {
    if let Some(path) = &command.output {
        Format::of(path)?;
    }
    let mut reader = Reader::open(&command.asked).await?;
    let drawn = command.output.is_none() && console.out_is_terminal() && !command.asked.json;
    let preview = drawn && command.limit.is_none();
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
    let mut progress = Progress::new(console, &request.table, rows.meter.clone());
    let ended = tokio::select! {
        ended = async {
            match &command.output {
                Some(path) => write(rows, path, &mut progress).await,
                None if drawn => draw(rows, &mut progress).await.map(Some),
                None => stream(rows, console, &mut progress).await,
            }
        } => ended,
        () = app::stop_asked() => Err(Error::Interrupted),
    };
    match ended {
        Ok(line) => {
            progress.finish();
            line.map(|line| console.result(&line)).transpose()?;
        }
        Err(error) => {
            progress.abandon();
            return Err(error);
        }
    }
    if preview {
        console.note("… there may be more: use `--limit N`, `--json` or `-o FILE` for all rows");
    }
    Ok(())
}

/// Takes each batch as it comes and keeps the progress moving in between.
async fn each(
    mut rows: Rows,
    progress: &mut Progress<'_>,
    mut take: impl FnMut(RecordBatch) -> Result<bool, Error>,
) -> Result<(), Error> {
    loop {
        tokio::select! {
            batch = rows.batches.next() => match batch {
                Some(batch) => {
                    let batch = batch?;
                    progress.add(batch.num_rows() as u64);
                    if !take(batch)? {
                        return Ok(());
                    }
                }
                None => return Ok(()),
            },
            () = clock::sleep(limits::cli::TICK) => progress.tick(),
        }
    }
}

async fn write(
    rows: Rows,
    path: &Path,
    progress: &mut Progress<'_>,
) -> Result<Option<String>, Error> {
    let mut export = Export::create(path, &rows.schema)?;
    each(rows, progress, |batch| {
        export.write(&batch)?;
        Ok(true)
    })
    .await?;
    let written = export.finish()?;
    Ok(Some(format!("{}: {} rows, {} bytes", path.display(), written.rows, written.bytes)))
}

async fn draw(rows: Rows, progress: &mut Progress<'_>) -> Result<String, Error> {
    let schema = rows.schema.clone();
    let mut batches = vec![RecordBatch::new_empty(schema)];
    each(rows, progress, |batch| {
        batches.push(batch);
        Ok(true)
    })
    .await?;
    preview::draw(&batches, Table::new().width().unwrap_or(limits::cli::TERMINAL_COLUMNS))
}

async fn stream(
    rows: Rows,
    console: &Console,
    progress: &mut Progress<'_>,
) -> Result<Option<String>, Error> {
    each(rows, progress, |batch| {
        let mut writer = LineDelimitedWriter::new(Vec::new());
        let written = writer.write(&batch).and_then(|()| writer.finish());
        written.map_err(|error| Error::Print(Box::new(error)))?;
        console.bytes(&writer.into_inner())
    })
    .await?;
    Ok(None)
}
