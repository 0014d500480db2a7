//! A few rows as a table that fits the terminal.

use arrow::array::{AsArray as _, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};

use super::Error;
use crate::limits;

/// Draws the rows: of the columns that hold anything as many as fit into `width` characters, and a
/// last line that says how many more there are. Long cells are shortened.
pub fn draw(batches: &[RecordBatch], width: u16) -> Result<String, Error> {
    let Some(first) = batches.first() else { return Ok("no rows".to_owned()) };
    let cells = cells(batches).map_err(|error| Error::Print(Box::new(error)))?;
    let schema = first.schema();
    let whole: Vec<(&str, Vec<String>)> =
        schema.fields().iter().map(|field| field.name().as_str()).zip(cells).collect();
    let mut used = 0;
    let shown: Vec<&(&str, Vec<String>)> = whole
        .iter()
        .filter(|(_, cells)| cells.is_empty() || cells.iter().any(|cell| !cell.is_empty()))
        .take_while(|(name, cells)| {
            let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let fits = used == 0 || used + widest.max(name.len()) <= usize::from(width);
            used += widest.max(name.chars().count()) + 3;
            fits
        })
        .collect();
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown.iter().map(|(name, _)| *name));
    let rows = shown.first().map_or(0, |(_, cells)| cells.len());
    for row in 0..rows {
        table.add_row(shown.iter().filter_map(|(_, cells)| cells.get(row)));
    }
    let mut drawn = table.to_string();
    if shown.len() < whole.len() {
        let more = whole.len() - shown.len();
        drawn.push_str(&format!("\n… and {more} more column{}", if more == 1 { "" } else { "s" }));
    }
    Ok(drawn)
}

/// The answer to `EXPLAIN`, whose cells are texts of several lines; `None` of any other answer.
pub fn plan(batches: &[RecordBatch]) -> Option<String> {
    let schema = batches.first()?.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    if names != ["plan_type", "plan"] {
        return None;
    }
    let mut text = String::new();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| column.as_string_opt::<i32>());
        let [kinds, plans] = columns.collect::<Option<Vec<_>>>()?.try_into().ok()?;
        for (kind, plan) in kinds.iter().flatten().zip(plans.iter().flatten()) {
            let lines = plan.trim_end().lines().map(|line| format!("  {line}"));
            text.push_str(&format!("{kind}\n{}\n", lines.collect::<Vec<_>>().join("\n")));
        }
    }
    Some(text.trim_end().to_owned())
}

/// The text of every cell, column by column.
fn cells(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, arrow::error::ArrowError> {
    let options = FormatOptions::default().with_null("");
    let width = batches.first().map_or(0, RecordBatch::num_columns);
    let mut cells = vec![Vec::new(); width];
    for batch in batches {
        for (column, out) in batch.columns().iter().zip(&mut cells) {
            let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
            for row in 0..batch.num_rows() {
                out.push(short(&formatter.value(row).try_to_string()?));
            }
        }
    }
    Ok(cells)
}

/// One line, of a bounded length, without what would move the cursor.
fn short(cell: &str) -> String {
    let mut clean = cell.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.by_ref().take(limits::cli::CELL_CHARS).collect();
    if clean.next().is_some() {
        short.push('…');
    }
    short
}
