//! What is asked of Graph for a statement.

use entra_flight::sim::Tenant;
use expect_test::{Expect, expect};

use super::{ask, differential, house};
use crate::house::House;

/// The requests for a statement, decoded, and how many rows came.
async fn asked(house: &House, text: &str) -> String {
    let before = house.tenant.served().len();
    let rows: usize = match ask(house, text).await {
        Ok(batches) => batches.iter().map(|batch| batch.num_rows()).sum(),
        Err(error) => return format!("{text}\n  {error}\n"),
    };
    let served = house.tenant.served();
    let mut lines: Vec<String> =
        served
            .iter()
            .skip(before)
            .map(|one| {
                let plus = one.target.replace('+', "%2B");
                let pairs = url::form_urlencoded::parse(plus.as_bytes());
                pairs
                    .map(|(name, value)| {
                        if value.is_empty() { name.into_owned() } else { format!("{name}={value}") }
                    })
                    .collect::<Vec<_>>()
                    .join("&")
            })
            .collect();
    let count = lines.len();
    if count > 4 {
        lines.truncate(2);
        lines.push(format!("… {count} in all"));
    }
    format!("{text}\n  {}\n  {rows} rows\n", lines.join("\n  "))
}

async fn check(house: &House, statements: &[&str], expected: Expect) {
    let mut all = String::new();
    for text in statements {
        all.push_str(&asked(house, text).await);
    }
    expected.assert_eq(&all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_graph_understands_is_asked_of_graph() {
    let house = house();
    let statements = [
        "select id from users where department = 'Sales'",
        "select id from users where displayName = 'O''Brien'",
        "select id from users where department in ('Sales', 'IT') and accountEnabled",
        "select id from users where surname like 'Mü%' or surname = 'Li'",
        "select id from users where not accountEnabled",
        "select id from users where department = 'Sales' and length(displayName) > 3",
        "select id from users where department = 'Sales' or length(displayName) > 3",
        "select id from users where department <> 'Sales'",
        "select id from users where department >= 'Sales'",
        "select id from users where companyName = 'Contoso'",
        "select id from users where mail is not null",
        "select id from users where mail like '%example'",
        "select id from groups where renewedDateTime >= '2024-01-01T00:00:00Z'",
        "select id from sign_ins where createdDateTime < timestamp '2026-01-01T00:00:00Z'",
        "select id from users where id = '00000000-0000-4000-8000-000000000001'",
        "select id from users where id = 'nobody'",
        "select count(*) from users",
        "select displayName from users limit 3",
        "select displayName from users where department = 'Sales' limit 3",
    ];
    check(&house, &statements, expect![[r#"
        select id from users where department = 'Sales'
          /v1.0/users?$select=id,department&$filter=department eq 'Sales'&$top=999
          15 rows
        select id from users where displayName = 'O''Brien'
          /v1.0/users?$select=id,displayName&$filter=displayName eq 'O''Brien'&$top=999
          0 rows
        select id from users where department in ('Sales', 'IT') and accountEnabled
          /v1.0/users?$select=id,accountEnabled,department&$filter=(department eq 'Sales' or department eq 'IT') and accountEnabled eq true&$top=999
          26 rows
        select id from users where surname like 'Mü%' or surname = 'Li'
          /v1.0/users?$select=id,surname&$filter=(startsWith(surname,'Mü') or surname eq 'Li')&$top=999
          2 rows
        select id from users where not accountEnabled
          /v1.0/users?$select=id,accountEnabled&$filter=accountEnabled eq false&$top=999
          12 rows
        select id from users where department = 'Sales' and length(displayName) > 3
          /v1.0/users?$select=id,department,displayName&$filter=department eq 'Sales'&$top=999
          15 rows
        select id from users where department = 'Sales' or length(displayName) > 3
          /v1.0/users?$select=id,department,displayName&$top=999
          297 rows
        select id from users where department <> 'Sales'
          /v1.0/users?$select=id,department&$top=999
          262 rows
        select id from users where department >= 'Sales'
          /v1.0/users?$select=id,department&$top=999
          76 rows
        select id from users where companyName = 'Contoso'
          /v1.0/users?$select=id,companyName&$top=999
          48 rows
        select id from users where mail is not null
          /v1.0/users?$select=id,mail&$top=999
          253 rows
        select id from users where mail like '%example'
          /v1.0/users?$select=id,mail&$top=999
          253 rows
        select id from groups where renewedDateTime >= '2024-01-01T00:00:00Z'
          /v1.0/groups?$select=id,renewedDateTime&$filter=renewedDateTime ge 2024-01-01T00:00:00Z&$top=999
          18 rows
        select id from sign_ins where createdDateTime < timestamp '2026-01-01T00:00:00Z'
          /v1.0/auditLogs/signIns?$filter=createdDateTime le 2026-01-01T00:00:00.0000009Z&$top=1000
          0 rows
        select id from users where id = '00000000-0000-4000-8000-000000000001'
          /v1.0/users?$select=id&$filter=id eq '00000000-0000-4000-8000-000000000001'&$top=999
          0 rows
        select id from users where id = 'nobody'
          /v1.0/users?$select=id&$top=999
          0 rows
        select count(*) from users
          /v1.0/users?$select=id&$top=999
          1 rows
        select displayName from users limit 3
          /v1.0/users?$select=id,displayName&$top=3
          3 rows
        select displayName from users where department = 'Sales' limit 3
          /v1.0/users?$select=id,department,displayName&$filter=department eq 'Sales'&$top=100
          3 rows
    "#]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parents_are_read_one_by_one_where_the_statement_names_them() {
    let house = house();
    let groups = ask(&house, "select id from groups order by id limit 2").await.expect("groups");
    let ids: Vec<String> = {
        use arrow::array::AsArray as _;
        let ids = groups[0].column(0).as_string::<i32>();
        ids.iter().flatten().map(str::to_owned).collect()
    };
    let (one, two) = (&ids[0], &ids[1]);
    let count = |text: String| {
        let house = &house;
        async move {
            let before = house.tenant.counters().pages;
            let rows = ask(house, &text).await.expect("rows");
            let rows: usize = rows.iter().map(|batch| batch.num_rows()).sum();
            (rows, house.tenant.counters().pages - before)
        }
    };
    let members = |of: &str| format!("select id from group_members where {of}");
    let (first, pages) = count(members(&format!("group_id = '{one}'"))).await;
    assert_eq!(pages, 1, "one page of one group");
    let (both, pages) = count(members(&format!("group_id in ('{one}', '{two}')"))).await;
    assert!(pages == 2 && both >= first);
    let named = format!(
        "select m.id from groups g join group_members m on m.group_id = g.id where g.id = '{one}'"
    );
    assert_eq!(count(named).await, (first, 2), "the group, then its members");
    let semi = format!(
        "select id from group_members where group_id in (select id from groups where id = '{one}')"
    );
    assert_eq!(count(semi).await, (first, 2));
    let none = members(&format!("group_id = '{one}' and group_id = '{two}'"));
    assert_eq!(count(none).await, (0, 0), "nothing can be both");
    let upper = members(&format!("group_id = '{}'", one.to_uppercase()));
    assert_eq!(count(upper).await.0, 0, "another spelling is another value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_ids_are_asked_for_fifteen_at_a_time() {
    let house = House::of(Tenant::seed(7).users(300).start());
    let all = ask(&house, "select id from users order by id limit 40").await.expect("users");
    let ids: Vec<String> = {
        use arrow::array::AsArray as _;
        all.iter()
            .flat_map(|batch| {
                batch
                    .column(0)
                    .as_string::<i32>()
                    .iter()
                    .flatten()
                    .map(|id| format!("'{id}'"))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let before = house.tenant.counters().requests;
    let text = format!("select id from users where id in ({})", ids.join(","));
    let rows = ask(&house, &text).await.expect("rows");
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 40);
    assert_eq!(house.tenant.counters().requests - before, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_graph_is_asked_for_is_one_request_and_explained_as_such() {
    let house = House::advanced(Tenant::seed(7).users(300).start(), true);
    let count = "select count(*) from users";
    let told = format!("{count}\n  /v1.0/users/$count\n  1 rows\n");
    assert_eq!(asked(&house, count).await, told);
    assert_eq!(differential::rows(&house.engine, count).await, ["300"]);
    let nothing = format!("select 'x' from ({count})");
    assert_eq!(differential::rows(&house.engine, &nothing).await, ["x"]);
    let plan = differential::rows(&house.engine, &format!("explain {count}")).await.join("\n");
    let step = "Count: table=contoso.users, GET /users/$count, requests=1, resource_units=3";
    assert!(plan.contains(step), "{plan}");
}
