//! The statements of `tests/slt`, with their answers.

use std::path::Path;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use entra_flight::query::Error;
use sqllogictest::{
    AsyncDB, DBOutput, DefaultColumnType, default_column_validator, default_normalizer,
    default_validator,
};

use super::{ask, house};
use crate::house::House;

/// An engine as the test runner asks it.
struct Database {
    house: House,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failed(#[from] Error);

#[async_trait::async_trait]
impl AsyncDB for Database {
    type Error = Failed;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, text: &str) -> Result<DBOutput<DefaultColumnType>, Failed> {
        let batches = ask(&self.house, text).await?;
        let columns = batches.first().map_or(0, RecordBatch::num_columns);
        let rows = batches.iter().flat_map(rows).collect();
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text; columns], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "entra-flight"
    }
}

fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let formatters: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).expect("a format"))
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let cells = batch.columns().iter().zip(&formatters);
            cells
                .map(|(column, formatter)| match column.data_type() {
                    _ if column.is_null(row) => "NULL".to_owned(),
                    DataType::Float64 => {
                        let number = column.as_primitive::<Float64Type>().value(row);
                        let digits: f64 = format!("{number:.11e}").parse().expect("a number");
                        digits.to_string()
                    }
                    _ => match formatter.value(row).to_string() {
                        text if text.is_empty() => "(empty)".to_owned(),
                        text => text.split_whitespace().collect::<Vec<_>>().join(" "),
                    },
                })
                .collect()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_answer_as_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the statements")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "slt"))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let mut runner =
                sqllogictest::Runner::new(|| async { Ok(Database { house: house() }) });
            let updated = runner
                .update_test_file(
                    &file,
                    " ",
                    default_validator,
                    default_normalizer,
                    default_column_validator,
                )
                .await;
            updated.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            continue;
        }
        let mut runner = sqllogictest::Runner::new(|| async { Ok(Database { house: house() }) });
        let ran = runner.run_file_async(&file).await;
        ran.unwrap_or_else(|error| panic!("{}: {}", file.display(), error.display(false)));
    }
}
