//! Conditions in a request, and values for the parameters of a statement.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use entra_flight::flight::ticket;
use entra_flight::query::Statement;
use futures::TryStreamExt as _;

use super::differential::answer;
use super::{ask, house};
use crate::house::rows;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_may_speak_of_now() {
    let house = house();
    for now in ["now()", "current_date"] {
        let condition = format!("createdDateTime < {now}");
        let json = format!(r#"{{"table":"users","columns":["id"],"filter":"{condition}"}}"#);
        let asked = ticket::read(json.as_bytes()).expect("a command");
        let plan = house.engine.plan(asked.command).await.expect("a plan");
        let read = house.engine.run(plan, None).batches.try_collect().await;
        let found: Vec<RecordBatch> = read.expect("rows");
        let text = format!("select id from users where {condition}");
        let expected = ask(&house, &text).await.expect("rows");
        assert_eq!(rows(&found), rows(&expected), "{now}");
        assert!(rows(&found) > 0, "{now}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_may_be_a_parameter() {
    let house = house();
    let statement = Statement::new("SELECT id FROM users ORDER BY id LIMIT ? OFFSET ?");
    let prepared = house.engine.prepare(&statement, None).await.expect("a statement");
    let types: Vec<_> = prepared.parameters.fields().iter().map(|it| it.data_type()).collect();
    assert_eq!(types, [&DataType::Int64; 2]);
    let literal = Statement::new("SELECT id FROM users ORDER BY id LIMIT 3 OFFSET 2");
    let expected = answer(&house.engine, literal).await;
    assert_eq!(expected.len(), 3);
    let texts = ["3", "2"].map(|text| Arc::new(StringArray::from(vec![text])) as ArrayRef);
    let numbers = [3, 2].map(|number| Arc::new(Int64Array::from(vec![number])) as ArrayRef);
    for [limit, offset] in [texts, numbers] {
        let values = RecordBatch::try_from_iter([("$1", limit), ("$2", offset)]);
        let parameters = Some(values.expect("values"));
        let bound = Statement { parameters, ..statement.clone() };
        assert_eq!(answer(&house.engine, bound).await, expected);
    }
}
