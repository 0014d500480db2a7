//! Statements made at random, answered by the server's engine and by DuckDB over the same tables.

use std::fmt::Write as _;
use std::fs::{self, File};

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::ipc::writer::FileWriter;
use arrow::util::display::array_value_to_string;
use entra_flight::error::{Kind, Report};
use entra_flight::query::{Engine, Error, Statement};
use entra_flight::sim::Tenant;
use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::{ask, generated};
use crate::clients::script;
use crate::house::House;

/// Statements that are compared where nobody asks for another number.
const STATEMENTS: u64 = 500;

/// Of all statements, the share that may be refused as not supported.
const REFUSED_MAX: usize = 10;

/// A statement as a line for DuckDB's side: its text, and our rows or why there are none.
async fn line(engine: &Engine, seed: u64) -> Value {
    let text = generated::statement(seed);
    let read = async {
        let plan = engine.plan(Statement::new(text.clone())).await?;
        engine.run(plan, None).batches.try_collect::<Vec<RecordBatch>>().await
    };
    match read.await {
        Ok(batches) => {
            let rows: Vec<Value> = batches.iter().flat_map(cells).collect();
            json!({ "seed": seed, "sql": text, "rows": rows })
        }
        Err(error) => {
            let report = Report::new(&error, None).to_string();
            let refused = Error::kind(&error) == Kind::Unsupported;
            json!({ "seed": seed, "sql": text, "error": report, "refused": refused })
        }
    }
}

fn cells(batch: &RecordBatch) -> Vec<Value> {
    let cell = |column: &ArrayRef, row| match column.is_null(row) {
        true => Value::Null,
        false => array_value_to_string(column, row).expect("a cell").into(),
    };
    let rows = 0..batch.num_rows();
    rows.map(|row| batch.columns().iter().map(|column| cell(column, row)).collect()).collect()
}

/// A number from the environment, for whoever wants more than CI does.
fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |given| given.parse().expect("a number"))
}

#[test]
fn statements_made_at_random_agree_with_duckdb() {
    // As the program plans.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(entra_flight::limits::query::STACK_BYTES)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(agree());
}

async fn agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::of(Tenant::seed(7).users(40).start());
    for (table, columns) in [
        ("users", "city, jobTitle, department, accountEnabled"),
        ("groups", "mail, description, displayName, mailEnabled, visibility"),
    ] {
        let batches = ask(&house, &format!("SELECT {columns} FROM {table}")).await.expect("rows");
        let file = File::create(folder.path().join(format!("{table}.arrow"))).expect("a file");
        let mut writer = FileWriter::try_new(file, &batches[0].schema()).expect("a writer");
        batches.iter().for_each(|batch| writer.write(batch).expect("a batch"));
        writer.finish().expect("a file");
    }
    let first = number("ENTRA_FLIGHT_SEED", 1);
    let count = number("ENTRA_FLIGHT_STATEMENTS", STATEMENTS);
    let lines: Vec<Value> = stream::iter(first..first + count)
        .map(|seed| {
            let engine = house.engine.clone();
            async move {
                let line = tokio::spawn(async move { line(&engine, seed).await }).await;
                line.unwrap_or_else(|error| {
                    let sql = generated::statement(seed);
                    json!({ "seed": seed, "sql": sql, "error": error.to_string() })
                })
            }
        })
        .buffered(2)
        .collect()
        .await;
    let mut text = String::new();
    lines.iter().for_each(|line| writeln!(text, "{line}").expect("text"));
    fs::write(folder.path().join("statements.jsonl"), text).expect("a file");
    let path = folder.path().display().to_string();
    let said = script("requirements.txt", "generated.py", &[&path]).await;
    assert!(said.contains("agree with DuckDB"), "{said}");
    let refused = lines.iter().filter(|line| line["refused"] == true).count();
    assert!(refused * 100 <= lines.len() * REFUSED_MAX, "{refused} statements were refused");
}
