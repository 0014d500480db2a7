//! What tables do not declare, and values of another type, from a tenant that sends them.

use arrow::array::{Array as _, RecordBatch};
use entra_flight::catalog::ByTable;
use entra_flight::decode::OnMismatch;
use entra_flight::query::{Connection, Engine, Namespace, Request};
use entra_flight::sim::{Fault, Tenant};
use expect_test::expect;

use crate::house::{House, report, rows, texts};

fn house(faults: &[&str], on_mismatch: OnMismatch) -> House {
    let tenant = Tenant::seed(7).users(60);
    let faults = faults.iter().map(|word| word.parse::<Fault>().expect("a fault"));
    let house = House::of(faults.fold(tenant, |tenant, fault| tenant.fault(fault)).start());
    let mut connections = house.engine.namespace().connections();
    let connection = connections.next().expect("a connection");
    let rules = ByTable::all(on_mismatch);
    let live = connection.live.clone().with_mismatch(rules);
    let connection = Connection { live, ..(**connection).clone() };
    let engine = Engine::new(Namespace::new([connection])).expect("an engine");
    House { engine, ..house }
}

fn first_extra(batches: &[RecordBatch]) -> String {
    texts(batches, "_extra").into_iter().flatten().next().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn nested_members_that_no_table_declares_are_in_extra() {
    let house = house(&["undeclared_members"], OnMismatch::Error);
    let mut said = String::new();
    for table in ["sign_ins", "directory_audits", "applications", "users", "user_managers"] {
        let batches = house.table(table).await.expect(table);
        let with: Vec<_> = texts(&batches, "_extra").into_iter().flatten().collect();
        assert!(with.iter().all(|extra| extra.contains(r#""new":"x""#)), "{table}");
        said.push_str(&format!("{table}: {}\n", !with.is_empty()));
    }
    expect![[r#"
        sign_ins: true
        directory_audits: true
        applications: true
        users: true
        user_managers: true
    "#]]
    .assert_eq(&said);
    let sign_ins = house.table("sign_ins").await.expect("sign-ins");
    assert!(first_extra(&sign_ins).contains(r#""deviceDetail":{"new":"x"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_value_of_another_type_is_an_error_or_put_aside() {
    let faults = ["wrong_type:createdDateTime"];
    let error = house(&faults, OnMismatch::Error).table("users").await.expect_err("a mismatch");
    let said = report(&error);
    for part in ["row 0 (`id` ", "has no timestamp", "`createdDateTime`", "mismatch = \"extra\""] {
        assert!(said.contains(part), "{said}");
    }
    let house = house(&faults, OnMismatch::Extra);
    let mut answer = house.ask(&Request::table("users")).await.expect("a plan");
    let mut batches = Vec::new();
    while let Some(batch) = futures::StreamExt::next(&mut answer.batches).await {
        batches.push(batch.expect("a batch"));
    }
    let nulls = |batch: &RecordBatch| {
        batch.column_by_name("createdDateTime").expect("the column").null_count()
    };
    assert_eq!(batches.iter().map(nulls).sum::<usize>(), 1, "of {} rows", rows(&batches));
    assert_eq!(first_extra(&batches), r#"{"createdDateTime":{}}"#);
    assert_eq!(answer.meter.cells_put_aside(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_never_put_aside() {
    let house = house(&["wrong_type:id"], OnMismatch::Extra);
    let error = house.table("users").await.expect_err("a mismatch");
    assert!(report(&error).contains("which is part of the key"), "{}", report(&error));
}
