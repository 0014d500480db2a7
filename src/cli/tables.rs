//! `tables` and `describe`.

use arrow::datatypes::{DataType, Field};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::json;

use super::Error;
use super::arguments::{Describe, Tables};
use super::console::Console;
use super::reader::Reader;
use crate::query::Request;

/// Lists the tables whose name fits.
pub async fn list(command: Tables, console: &Console) -> Result<(), Error> {
    let mut reader = Reader::open(&command.asked).await?;
    let tables = reader.tables(command.asked.connection.as_deref(), &command.pattern).await?;
    if tables.is_empty() {
        console.note(&format!("no table has a name like `{}`", command.pattern));
    }
    if command.asked.json {
        for table in tables {
            let line = json!({
                "table": table.name, "columns": table.columns, "description": table.description,
            });
            if !console.result(&line.to_string())? {
                break;
            }
        }
        return Ok(());
    }
    let mut drawn = plain(["table", "columns", "what it holds"]);
    for table in tables {
        drawn.add_row([table.name, table.columns.to_string(), table.description]);
    }
    console.result(&drawn.trim_fmt())?;
    Ok(())
}

/// Shows the columns of one table.
pub async fn describe(command: Describe, console: &Console) -> Result<(), Error> {
    let mut reader = Reader::open(&command.asked).await?;
    let request =
        Request { connection: command.asked.connection.clone(), ..Request::table(command.table) };
    let schema = reader.schema(&request.into()).await?;
    if command.asked.json {
        for field in schema.fields() {
            let about = |key: &str| field.metadata().get(key).cloned();
            let line = json!({
                "column": field.name(),
                "type": type_name(field.data_type()),
                "graph_type": about("entra.type"),
                "description": about("entra.description"),
                "permission": about("entra.permission"),
            });
            if !console.result(&line.to_string())? {
                break;
            }
        }
        return Ok(());
    }
    for key in ["description", "path", "key", "permission", "licence"] {
        if let Some(value) = schema.metadata().get(&format!("entra.{key}")) {
            console.result(&format!("{key}: {value}"))?;
        }
    }
    if let Some(permission) = schema.metadata().get("entra.hidden_without") {
        let line = format!("hidden: rows that Graph leaves out silently without {permission}");
        console.result(&line)?;
    }
    console.result("")?;
    let mut drawn = plain(["column", "type", "what it holds"]);
    for field in schema.fields() {
        drawn.add_row([field.name().clone(), type_name(field.data_type()), description(field)]);
    }
    console.result(&drawn.trim_fmt())?;
    Ok(())
}

fn plain(header: [&str; 3]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn description(field: &Field) -> String {
    field.metadata().get("entra.description").cloned().unwrap_or_default()
}

/// An Arrow type in few words: `list<struct<skuId: string, …>>`.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::List(item) => format!("list<{}>", type_name(item.data_type())),
        DataType::Struct(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|field| format!("{}: {}", field.name(), type_name(field.data_type())))
                .collect();
            format!("struct<{}>", parts.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}
