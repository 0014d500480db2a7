//! Statements that fail, take long, or are given up.

use std::time::Duration;

use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::query::Statement;
use entra_flight::sim::{Fault, Tenant};
use futures::{StreamExt as _, TryStreamExt as _, future};

use super::{ask, house};
use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_of_graph_ends_an_answer_as_its_own() {
    let fault: Fault = "repeat_link".parse().expect("a fault");
    let house = House::of(Tenant::seed(7).users(3_000).fault(fault).start());
    for text in [
        "select id from users",
        "select count(*) from users u join groups g on g.id = u.id",
        "select department, count(*) from users group by 1",
    ] {
        let error = ask(&house, text).await.expect_err("a link that leads back");
        assert_eq!(error.kind(), Kind::Corrupt, "{text}: {error}");
        let told = entra_flight::error::Report::new(&error, None).to_string();
        assert!(told.contains("page 3 of `users`") && told.contains("leads back"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_given_up_stops_asking_graph() {
    let house = House::of(Tenant::seed(7).users(30_000).latency(Duration::from_millis(20)).start());
    let statement = Statement::new("select id, department from users");
    let plan = house.engine.plan(statement).await.expect("a plan");
    let mut answer = house.engine.run(plan, None);
    answer.batches.next().await.expect("a batch").expect("rows");
    drop(answer);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let asked = house.tenant.counters().requests;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(house.tenant.counters().requests, asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_without_end_lets_others_have_their_turn_and_can_be_stopped() {
    let house = house();
    let endless = "select count(*) from users a, users b, users c, users d \
                   where a.id || b.id || c.id || d.id like '%zz%'";
    let plan = house.engine.plan(Statement::new(endless)).await.expect("a plan");
    let mut answer = house.engine.run(plan, None);
    let task = tokio::spawn(async move { answer.batches.next().await.is_some() });
    let rows = ask(&house, "select 1").await.expect("another's turn");
    assert_eq!(rows[0].num_rows(), 1);
    task.abort();
    let ended = tokio::time::timeout(Duration::from_secs(10), task).await.expect("it stops");
    assert!(ended.expect_err("it was stopped").is_cancelled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_without_end_ends_at_its_deadline() {
    let house = house();
    // One that gives nothing, and one that never stops giving.
    for what in ["count(*)", "*"] {
        let text = format!("select {what} from generate_series(1, 1000000000000000)");
        let plan = house.engine.plan(Statement::new(text)).await.expect("a plan");
        let answer = house.engine.run(plan, Some(clock::now() + Duration::from_millis(200)));
        let read = answer.batches.try_for_each(|_| future::ok(()));
        let ended = tokio::time::timeout(Duration::from_secs(30), read).await.expect("it ends");
        assert_eq!(ended.expect_err("there is always more").kind(), Kind::TimedOut, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_are_too_much_are_refused() {
    let house = house();
    let long = format!("select 1 where {}", vec!["1 = 1"; 3_000].join(" and "));
    let deep = format!("select {}1{}", "(".repeat(500), ")".repeat(500));
    let huge = format!("select '{}'", "x".repeat(600_000));
    let doubled = (1..30)
        .map(|n| format!("t{n} as (select * from t{} union all select * from t{})", n - 1, n - 1));
    let doubled = doubled.collect::<Vec<_>>().join(", ");
    let doubled = format!("with t0 as (select 1), {doubled} select count(*) from t29");
    for text in [long, deep, huge, doubled] {
        let error = house.engine.plan(Statement::new(text)).await.expect_err("too much");
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_windows_hold_is_memory() {
    let house = house();
    let text = |window: &str, rows: u32| {
        format!(
            "select max(length(n)) from (select {window} as n from \
             (select repeat('x', 1000) || value as t from generate_series(1, {rows})))"
        )
    };
    // About 100 MB: more than all statements may take together.
    let rows = 100_000;
    let error = ask(&house, &text("max(t) over ()", rows)).await.expect_err("too much is held");
    assert_eq!(error.kind(), Kind::Throttled, "{error}");
    assert!(error.to_string().contains("needs more than the 96 MiB"), "{error}");
    // What was held is free again, and a window that gives its rows as they come holds few.
    for (window, rows) in [("max(t) over ()", 1_000), ("lag(t) over ()", rows)] {
        let answer = ask(&house, &text(window, rows)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{window}: {error}"));
        assert_eq!(answer[0].num_rows(), 1, "{window}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_with_graph_tell_their_pages_and_rows() {
    let told = async |house: &House, table: &str| {
        let text = format!(
            "select sum(rows), sum(pages), min(rows), max(status) from system.requests \
             where \"table\" = '{table}'"
        );
        super::differential::rows(&house.engine, &text).await
    };
    let fault: Fault = "throttle:1:1s".parse().expect("a fault");
    let house = House::of(Tenant::seed(7).users(2_500).fault(fault).start());
    ask(&house, "select id from users").await.expect("users");
    assert_eq!(told(&house, "users").await, ["2500|3|0|429"], "a refusal has no rows");
    let house = House::of(Tenant::seed(7).users(300).start());
    let members = ask(&house, "select * from group_members").await.expect("members");
    let members: usize = members.iter().map(|batch| batch.num_rows()).sum();
    let found = told(&house, "group_members").await;
    assert!(found[0].starts_with(&format!("{members}|")), "{found:?}");
    assert!(found[0].ends_with("|200"), "{found:?}");
}
