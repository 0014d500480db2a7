//! Statements over stored versions.

use entra_flight::query::{Command, Statement};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::Method;
use serde_json::json;

use super::differential::{Values, answer, condition, rows};
use crate::dice::Dice;
use crate::store::loads::Loader;
use crate::store::{Rows, put_in_files};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_rows_are_the_same_with_the_files_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(250).start(), &folder);
    loader.load("users", Method::FullLoad).await.expect("a load");
    let engine = &loader.house.engine;
    let alone = engine.clone().without_pushdown();
    let values = Values::of(engine).await;
    let mut dice = Dice(3);
    let before = loader.house.tenant.counters().requests;
    for number in 0..150 {
        let depth = dice.below(3);
        let what = condition(&mut dice, &values, depth);
        let text = format!("select id, displayName from stored.users where {what}");
        assert_eq!(rows(engine, &text).await, rows(&alone, &text).await, "{number}: {text}");
    }
    assert_eq!(loader.house.tenant.counters().requests, before, "Graph is not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn earlier_versions_and_changes_are_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Loader::of(Tenant::seed(7).users(300).start(), &folder);
    first.load("users", Method::FullLoad).await.expect("a load");
    let loader = Loader::of(Tenant::seed(7).users(320).start(), &folder);
    loader.load("users", Method::ReloadAndCompare).await.expect("a load");
    let engine = &loader.house.engine;
    let count = |from: &str| format!("select count(*) from {from}");
    let cases = [
        ("stored.users", "320"),
        ("contoso.stored.users", "320"),
        ("as_of('users', 0)", "300"),
        ("as_of('contoso.users', 1)", "320"),
        ("as_of('users', 'latest')", "320"),
        ("changes('users') where _change_type = 'insert'", "20"),
        ("changes('users', 0, 1) where _change_type = 'insert'", "20"),
        ("system.loads where \"table\" = 'users'", "2"),
        ("as_of('users', 0) o join as_of('users', 1) n on o.id = n.id", "300"),
        ("information_schema.tables where table_schema = 'stored'", "1"),
    ];
    for (from, expected) in cases {
        assert_eq!(rows(engine, &count(from)).await, [expected], "{from}");
    }
    let error = engine.plan(Statement::new("select * from as_of('users', 7)")).await;
    assert!(error.expect_err("there is no version 7").to_string().contains('7'));
    let error = engine.plan(Statement::new("select * from stored.groups")).await;
    error.expect_err("groups were not loaded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_tells_the_requests_that_a_stored_version_lets_expect() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(2_500).start(), &folder);
    let engine = &loader.house.engine;
    let explain = async |text: &str| {
        let lines = rows(engine, &format!("explain {text}")).await;
        let words: Vec<_> = lines.iter().flat_map(|line| line.split(", ")).collect();
        let told = |word: &&&str| word.starts_with("requests") || word.starts_with("resource");
        words.iter().filter(told).map(|word| word.trim().to_owned()).collect::<Vec<_>>()
    };
    let statements = [
        "select id from users",
        "select id from users where department = 'Sales'",
        "select id from users limit 10",
        "select * from group_members",
    ];
    let mut before = Vec::new();
    for text in statements {
        before.push(explain(text).await.join(" "));
    }
    assert_eq!(
        before,
        [
            "requests>=1 resource_units>=1",
            "requests>=1 resource_units>=1",
            "requests>=1 resource_units>=1",
            "requests>=1 a parent resource_units>=2 a parent",
        ]
    );
    for table in ["users", "groups"] {
        loader.load(table, Method::FullLoad).await.expect("a load");
    }
    let groups: u64 = rows(engine, "select count(*) from stored.groups").await[0].parse().unwrap();
    let fan_out = groups + groups.div_ceil(999);
    let mut after = Vec::new();
    for text in statements {
        after.push(explain(text).await.join(" "));
    }
    assert_eq!(
        after,
        [
            "requests~3 resource_units~3",
            "requests=1..~3 resource_units=1..~3",
            "requests~1 resource_units~1",
            &format!("requests~{fan_out} resource_units~{}", fan_out * 2),
        ]
    );
    // And so many are sent.
    let sent = loader.house.tenant.counters().requests;
    rows(engine, "select id from users").await;
    assert_eq!(loader.house.tenant.counters().requests - sent, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_stored_answer_hold_each_row_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(10).start(), &folder);
    let place = loader.connection.stored(&loader.table("users")).expect("a store");
    let user = |id: u32| {
        let kind = if id.is_multiple_of(3) { "Guest" } else { "Member" };
        (format!("{id:04}"), json!({ "id": format!("{id:04}"), "userType": kind }))
    };
    let parts: Vec<Rows> = (0..4).map(|n| (n * 100..(n + 1) * 100).map(user).collect()).collect();
    put_in_files(&place, &loader.table("users"), &parts).await;
    let engine = &loader.house.engine;
    let text = "select id, userType from stored.users where userType = 'Guest'";
    let whole = rows(engine, text).await;
    let command = Command::from(Statement::new(text));
    let parts = engine.plan(command.clone()).await.expect("a plan").parts(&command);
    assert_eq!(parts.len(), 4);
    let mut all = Vec::new();
    for part in parts {
        let Command::Sql(part) = part else { panic!("a statement has parts that are statements") };
        all.extend(answer(engine, part).await);
    }
    all.sort();
    assert_eq!(all, whole);
    for whole in [
        format!("{text} order by id"),
        format!("{text} limit 5"),
        "select count(*) from stored.users".to_owned(),
        "select id from stored.users where id > (select min(id) from stored.users)".to_owned(),
        // A part names one version, and there is no such version of the other table.
        format!("with unused as (select * from groups) {text}"),
    ] {
        let command = Command::from(Statement::new(whole.clone()));
        let parts = engine.plan(command.clone()).await.expect("a plan").parts(&command);
        assert_eq!(parts.len(), 1, "{whole}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_of_a_statement_names_the_version_that_was_planned() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(300).start(), &folder);
    loader.load("users", Method::FullLoad).await.expect("a load");
    let engine = &loader.house.engine;
    let ticket = async |text: &str| {
        let command = Command::from(Statement::new(text));
        let plan = engine.plan(command.clone()).await.expect("a plan");
        match <[Command; 1]>::try_from(plan.parts(&command)).expect("one part") {
            [Command::Sql(statement)] => statement,
            [other] => panic!("{other:?}"),
        }
    };
    let stored = [
        "select count(*) from stored.users",
        "select count(*) from as_of('users', 'latest')",
        "select count(*) from stored.users a join stored.users b on a.id = b.id",
        "select count(u.id) from stored.users u, (select 1 as one from system.limits limit 1)",
    ];
    let mut tickets = Vec::new();
    for text in stored {
        let ticket = ticket(text).await;
        assert_eq!((ticket.version, ticket.part), (Some(0), None), "{text}");
        tickets.push(ticket);
    }
    for text in [
        "select count(*) from users",
        "select 1",
        "select count(*) from stored.users s join users l on s.id = l.id",
        // The list of columns opens every table, none of which may have this version.
        "select count(*) from stored.users, information_schema.columns",
    ] {
        assert_eq!(ticket(text).await.version, None, "{text}");
    }
    let later = Loader::of(Tenant::seed(7).users(320).start(), &folder);
    later.load("users", Method::ReloadAndCompare).await.expect("a load");
    for (text, ticket) in stored.into_iter().zip(tickets) {
        assert_eq!(rows(engine, text).await, ["320"], "{text}");
        assert_eq!(answer(engine, ticket).await, ["300"], "{text}");
    }
}
