//! Where rows go: a file, a table on the terminal, or standard output in one of the formats.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use comfy_table::Table;
use futures::StreamExt as _;

use super::console::Console;
use super::progress::Progress;
use super::reader::Rows;
use super::{Error, preview};
use crate::snapshot::export::{Export, Format, Pipe};
use crate::{app, clock, limits};

/// Where rows go.
#[derive(Clone, Debug)]
pub enum Output {
    /// Into a file; its ending says what it holds.
    File(PathBuf),
    /// Onto the terminal, as a table.
    Table,
    /// To standard output.
    Stream(Format),
}

impl Output {
    /// Takes all rows there, and says how it went where that is not plain to see.
    ///
    /// # Errors
    ///
    /// What the read meets, [`Error::Interrupted`], and what cannot be written.
    pub async fn take(&self, name: &str, rows: Rows, console: &Console) -> Result<(), Error> {
        let meter = rows.meter.clone();
        let mut progress = Progress::new(console, name, meter.clone());
        let ended = tokio::select! {
            ended = async {
                match self {
                    Output::File(path) => write(rows, path, &mut progress).await,
                    Output::Table => draw(rows, &mut progress).await.map(Some),
                    Output::Stream(format) => {
                        stream(rows, *format, console, &mut progress).await.map(|()| None)
                    }
                }
            } => ended,
            () = app::stop_asked() => Err(Error::Interrupted),
        };
        match ended {
            Ok(line) => {
                progress.finish();
                line.map(|line| console.result(&line)).transpose()?;
                match meter.is_some_and(|meter| !meter.skipped_parents().is_empty()) {
                    true => Err(Error::Lacking { tables: 1 }),
                    false => Ok(()),
                }
            }
            Err(error) => {
                progress.abandon();
                Err(error)
            }
        }
    }
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
    let mut left = limits::cli::TABLE_ROWS;
    let mut more = false;
    each(rows, progress, |batch| {
        more = batch.num_rows() > left;
        let shown = batch.slice(0, batch.num_rows().min(left));
        left -= shown.num_rows();
        batches.push(shown);
        Ok(!more)
    })
    .await?;
    if let Some(plan) = preview::plan(&batches) {
        return Ok(plan);
    }
    let width = Table::new().width().unwrap_or(limits::cli::TERMINAL_COLUMNS);
    let mut drawn = preview::draw(&batches, width)?;
    if more {
        drawn.push_str("\n… and more rows: use `LIMIT`, another `--format`, or `-o FILE`");
    }
    Ok(drawn)
}

async fn stream(
    rows: Rows,
    format: Format,
    console: &Console,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let mut pipe = Pipe::create(format, &rows.schema)?;
    let mut is_read = true;
    each(rows, progress, |batch| {
        is_read = console.bytes(&pipe.write(&batch)?)?;
        Ok(is_read)
    })
    .await?;
    if is_read {
        console.bytes(&pipe.finish()?)?;
    }
    Ok(())
}
