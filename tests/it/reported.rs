//! Behaviours of Graph that people reported in public, each with what must come of it.
//!
//! Time is paused: waits pass at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use entra_flight::query::Request;
use entra_flight::sim::{Fault, Tenant};
use expect_test::expect;

use crate::house::{House, report, rows, texts};

/// Two pages of users.
const USERS: u64 = 1_100;

pub fn house(users: u64, words: &[&str]) -> House {
    let faults = words.iter().map(|word| word.parse::<Fault>().expect(word));
    let tenant = Tenant::seed(7).users(users);
    House::of(faults.fold(tenant, |tenant, fault| tenant.fault(fault)).start())
}

/// The keys of a table's rows; no key may come twice.
pub async fn keys(house: &House, request: &Request) -> Result<BTreeSet<String>, String> {
    let batches = house.read(request).await.map_err(|error| report(&error))?;
    let connections: Vec<_> = house.engine.namespace().connections().cloned().collect();
    let table = connections[0].catalog.table(&request.table).expect("a table");
    let columns: Vec<_> = table.key.iter().map(|column| texts(&batches, column)).collect();
    let key = |row: usize| {
        let parts = columns.iter().map(|cells| cells[row].as_deref().expect("a key"));
        parts.collect::<Vec<_>>().join("/")
    };
    let keys: BTreeSet<String> = (0..rows(&batches)).map(key).collect();
    assert_eq!(keys.len(), rows(&batches), "a row of {} came twice", request.table);
    Ok(keys)
}

/// What came of a table under faults: every row once, or the error.
async fn outcome(words: &[&str], table: &str, calm: &BTreeSet<String>) -> String {
    let request = Request::table(table);
    match keys(&house(USERS, words), &request).await {
        Ok(keys) if keys == *calm => "every row once".to_owned(),
        Ok(keys) => format!("{} rows of {}", keys.len(), calm.len()),
        Err(error) => error.lines().map(str::trim).collect::<Vec<_>>().join(" | "),
    }
}

#[tokio::test(start_paused = true)]
async fn what_people_met_is_the_whole_truth_or_an_error() {
    // Where it was reported, the fault that does it, and a table that meets it.
    let cases: [(&str, &[&str], &str); 23] = [
        ("microsoft-graph-docs#5877, #12043, #12243", &["top_is_limit:/users"], "users"),
        ("the same", &["top_is_limit"], "group_members"),
        ("the same", &["top_is_limit"], "service_principal_app_role_assigned_to"),
        ("the same", &["top_is_limit:/users"], "user_managers"),
        ("the same, of the parents", &["top_is_limit:/users"], "user_app_role_assignments"),
        ("the same behind a 504", &["slow:500s", "top_is_limit:/users"], "users"),
        ("a link that is left out now and then", &["lose_link"], "users"),
        ("docs#3648, sdk-dotnet#1701, sdk-java#694", &["break_page:splice"], "users"),
        ("the same", &["break_page:splice:3"], "directory_audits"),
        ("the same", &["break_page:splice"], "group_members"),
        ("the same", &["break_page:splice:3"], "user_managers"),
        ("the same", &["break_page:row:3"], "users"),
        ("the same", &["break_page:row:3"], "group_members"),
        ("the same", &["break_page:member:3"], "users"),
        ("the same", &["break_page:member:3"], "sign_ins"),
        ("sdk-dotnet#2328, powershell#3692", &["break_page:end:3"], "users"),
        ("the same", &["break_page:end:3"], "group_members"),
        ("the same, and it stays", &["break_page:splice:1000000"], "users"),
        ("the same, and it stays", &["break_page:row:1000000"], "group_members"),
        ("the same, and it stays", &["break_page:end:1000000"], "users"),
        ("zerotrustassessment#1217", &["expire_link:reporting"], "sign_ins"),
        ("OData 4.01 names, proxies", &["odd_link"], "users"),
        ("docs-contrib#8206", &["byte_order_mark", "throttle:2:1s", "expire_link"], "users"),
    ];
    let (mut told, mut calm) = (String::new(), BTreeMap::new());
    for (source, words, table) in cases {
        if !calm.contains_key(table) {
            let read = keys(&house(USERS, &[]), &Request::table(table)).await;
            calm.insert(table, read.expect("nothing goes wrong"));
        }
        let outcome = outcome(words, table, &calm[table]).await;
        let _ = writeln!(told, "{} of {table} ({source}): {outcome}", words.join(" "));
    }
    expect![[r#"
        top_is_limit:/users of users (microsoft-graph-docs#5877, #12043, #12243): every row once
        top_is_limit of group_members (the same): every row once
        top_is_limit of service_principal_app_role_assigned_to (the same): every row once
        top_is_limit:/users of user_managers (the same): every row once
        top_is_limit:/users of user_app_role_assignments (the same, of the parents): every row once
        slow:500s top_is_limit:/users of users (the same behind a 504): every row once
        lose_link of users (a link that is left out now and then): every row once
        break_page:splice of users (docs#3648, sdk-dotnet#1701, sdk-java#694): every row once
        break_page:splice:3 of directory_audits (the same): every row once
        break_page:splice of group_members (the same): every row once
        break_page:splice:3 of user_managers (the same): every row once
        break_page:row:3 of users (the same): every row once
        break_page:row:3 of group_members (the same): every row once
        break_page:member:3 of users (the same): every row once
        break_page:member:3 of sign_ins (the same): every row once
        break_page:end:3 of users (sdk-dotnet#2328, powershell#3692): every row once
        break_page:end:3 of group_members (the same): every row once
        break_page:splice:1000000 of users (the same, and it stays): could not fetch page 1 of `users` | caused by: an answer of 200 held an error | caused by: Graph answered 200 InternalServerError (1 attempt): The read failed | hint: try again; if it stays so, check what stands between this program and Graph
        break_page:row:1000000 of group_members (the same, and it stays): could not fetch page 1 of `groups` | caused by: an answer of 200 held an error | caused by: Graph answered 200 InternalServerError (1 attempt): The read failed | hint: try again; if it stays so, check what stands between this program and Graph
        break_page:end:1000000 of users (the same, and it stays): could not fetch page 1 of `users` | caused by: its rows cannot be read | caused by: row 998 cannot be read at byte 3428020, in column `licenseAssignmentStates`: a `,` or `}` was expected | hint: try again; if it stays so, check what stands between this program and Graph
        expire_link:reporting of sign_ins (zerotrustassessment#1217): every row once
        odd_link of users (OData 4.01 names, proxies): every row once
        byte_order_mark throttle:2:1s expire_link of users (docs-contrib#8206): every row once
    "#]].assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_before_a_batch_is_no_part_of_it() {
    let table = "group_members";
    let calm = keys(&house(USERS, &[]), &Request::table(table)).await.expect("members");
    let tenant = Tenant::seed(7).users(USERS).latency(Duration::from_millis(900));
    let house = House::of(tenant.fault(Fault::ByteOrderMark).start());
    assert_eq!(keys(&house, &Request::table(table)).await, Ok(calm));
    assert!(house.tenant.counters().batch_parts > 0);
}

// Plans are made on threads of their own, which a clock that stands still does not wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_rows_are_found_behind_a_bound() {
    let house = house(USERS, &["top_is_limit"]);
    let calm = self::house(USERS, &[]);
    let all = calm.table("users").await.expect("users");
    let last = texts(&all, "displayName").pop().flatten().expect("a name");
    let wanted = Request {
        filter: Some(format!("length(id) > 0 and displayName = '{}'", last.replace('\'', "''"))),
        limit: Some(20),
        columns: Some(vec!["id".into(), "displayName".into()]),
        ..Request::table("users")
    };
    let expected = keys(&calm, &wanted).await.expect("users");
    assert!(!expected.is_empty());
    assert_eq!(keys(&house, &wanted).await, Ok(expected));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_may_be_bounded_is_never_asked_for_fewer_rows() {
    let house = house(USERS, &["slow:500s"]);
    let few = Request { limit: Some(20), ..Request::table("user_app_role_assignments") };
    house.read(&few).await.expect("assignments");
    let served = house.tenant.served();
    let asked = served.iter().filter(|served| served.target.contains("appRoleAssignments"));
    let asked: Vec<_> = asked.collect();
    assert!(!asked.is_empty() && asked.iter().all(|one| one.target.contains("$top=999")));
}

#[tokio::test(start_paused = true)]
async fn a_collection_of_as_many_rows_as_a_page_costs_two_small_requests() {
    for (users, requests) in [(998, 1), (999, 3), (1_000, 2), (1_998, 3)] {
        let house = house(users, &[]);
        let ids = Request { columns: Some(vec!["id".into()]), ..Request::table("users") };
        assert_eq!(keys(&house, &ids).await.expect("users").len() as u64, users);
        assert_eq!(house.tenant.counters().requests, requests, "{users} users");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_swells_is_refused() {
    let house = house(USERS, &["swell:5000000"]);
    let error = house.table("users").await.expect_err("too many rows");
    expect![[r#"
        could not decode page 1 of `users`
          caused by: the page has more than 100000 rows
          hint: check what stands between this program and Graph"#]]
    .assert_eq(&report(&error));
}
