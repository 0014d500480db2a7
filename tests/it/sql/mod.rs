//! Statements: from text to rows, and what is asked of Graph for them.

use arrow::array::RecordBatch;
use entra_flight::query::{Error, Statement};
use entra_flight::sim::Tenant;
use futures::TryStreamExt as _;

use crate::house::House;

mod asked;
mod client;
mod connections;
mod differential;
mod duckdb;
mod generated;
mod logic;
mod pushdown;
mod running;
mod stored;
mod upstream;

/// A tenant of a few hundred users.
pub fn house() -> House {
    House::of(Tenant::seed(7).users(300).start())
}

/// The answer to a statement, as batches.
async fn ask(house: &House, text: &str) -> Result<Vec<RecordBatch>, Error> {
    let plan = house.engine.plan(Statement::new(text)).await?;
    let answer = house.engine.run(plan, None);
    let schema = answer.schema.clone();
    let batches: Vec<RecordBatch> = answer.batches.try_collect().await?;
    for batch in &batches {
        assert_eq!(batch.schema(), schema, "a batch has the schema announced");
    }
    Ok(if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches })
}
