//! Whole scans through the engine: every table complete, whatever goes wrong on the way.
//!
//! Time is paused: waits that Graph asks for pass at once and are measured all the same.

use std::collections::HashSet;
use std::time::Duration;

use arrow::array::RecordBatch;
use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::query::Request;
use entra_flight::sim::{
    Builder, Fault, Tenant, change_between_pages, cut_body, drop_permission, expire_link,
    expire_token, foreign_link, outage, proxy_refusal, repeat_link, slow, throttle,
};
use expect_test::{Expect, expect};

use crate::house::{House, SignIn, report, rows, texts};

/// The fewest pages that show every fault: three of users.
const USERS: u64 = 2_500;

fn tenant() -> Builder {
    Tenant::seed(7).users(USERS)
}

/// The keys of all rows; no key may come twice.
fn keys(batches: &[RecordBatch], key: &[&str]) -> HashSet<String> {
    let columns: Vec<_> = key.iter().map(|column| texts(batches, column)).collect();
    let keys: HashSet<String> = (0..rows(batches))
        .map(|row| {
            let parts: Vec<_> =
                columns.iter().map(|cells| cells[row].as_deref().expect("a key")).collect();
            parts.join("/")
        })
        .collect();
    assert_eq!(keys.len(), rows(batches), "a row came twice");
    keys
}

#[tokio::test(start_paused = true)]
async fn every_table_is_read_to_its_end() {
    let house = House::of(Tenant::seed(3).users(600).start());
    let connections: Vec<_> = house.engine.namespace().connections().cloned().collect();
    let mut said = String::new();
    for table in connections[0].catalog.tables() {
        let batches = house.table(&table.name).await.unwrap_or_else(|error| {
            panic!("{}: {}", table.name, report(&error));
        });
        let key: Vec<&str> = table.key.iter().map(AsRef::as_ref).collect();
        let found = keys(&batches, &key).len();
        let undeclared = texts(&batches, "_extra").into_iter().flatten().count();
        said.push_str(&format!("{} {found}, {undeclared} with more\n", table.name));
    }
    expect![[r#"
        administrative_unit_members 33, 0 with more
        administrative_units 4, 0 with more
        application_owners 21, 0 with more
        applications 22, 0 with more
        device_registered_owners 439, 0 with more
        devices 480, 0 with more
        directory_audits 320, 0 with more
        directory_role_members 68, 0 with more
        directory_roles 16, 0 with more
        domains 4, 0 with more
        group_app_role_assignments 75, 0 with more
        group_members 1696, 0 with more
        group_owners 131, 0 with more
        groups 125, 0 with more
        oauth2_permission_grants 150, 0 with more
        organization 1, 0 with more
        service_principal_app_role_assigned_to 896, 0 with more
        service_principal_owners 32, 0 with more
        service_principals 60, 0 with more
        sign_ins 1800, 0 with more
        subscribed_skus 6, 0 with more
        user_app_role_assignments 686, 0 with more
        user_managers 564, 0 with more
        users 600, 2 with more
    "#]]
    .assert_eq(&said);
}

/// Reads the users of a tenant with this fault and expects all of them.
async fn all_users_in_spite_of(fault: impl Into<Fault>) -> Duration {
    let house = House::of(tenant().fault(fault).start());
    let began = clock::now();
    let users = house.table("users").await.unwrap_or_else(|error| panic!("{}", report(&error)));
    assert_eq!(keys(&users, &["id"]).len() as u64, USERS);
    clock::now() - began
}

#[tokio::test(start_paused = true)]
async fn a_throttled_page_waits_as_told_and_loses_no_row() {
    let wait = Duration::from_millis(2_128);
    let took = all_users_in_spite_of(throttle().after(2).wait(wait)).await;
    assert!(took >= wait, "{took:?} is shorter than Graph asked for");
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_waited_out() {
    all_users_in_spite_of(outage(3)).await;
    all_users_in_spite_of(slow(Duration::from_secs(20))).await;
    all_users_in_spite_of(cut_body(100_000)).await;
    all_users_in_spite_of(expire_link()).await;
    all_users_in_spite_of(expire_token(Duration::from_secs(2))).await;
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_changes_meanwhile_is_read_to_its_end() {
    let house = House::of(tenant().fault(change_between_pages()).start());
    let users = house.table("users").await.unwrap_or_else(|error| panic!("{}", report(&error)));
    let different = keys(&users, &["id"]);
    // Two gaps between three pages: in each, one goes and one comes.
    assert!(different.len() as u64 >= USERS - 2, "{} users", different.len());
}

async fn check_failure(tenant: Builder, table: &str, kind: Kind, expected: Expect) {
    let house = House::of(tenant.start());
    let error = house.table(table).await.expect_err("the read fails");
    assert_eq!(error.kind(), kind, "{}", report(&error));
    expected.assert_eq(&stable(&report(&error)));
}

/// Without the ids that differ from run to run.
fn stable(report: &str) -> String {
    let word = |word: &str| {
        let id = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = id.len() == 36 && id.matches('-').count() == 4;
        if is_id { word.replace(id, "ID") } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let stable = report.lines().map(line).collect::<Vec<_>>().join("\n");
    // How often it was tried within a time is a matter of chance.
    match stable.split_once(" attempts)").map(|(before, after)| (before.rsplit_once(' '), after)) {
        Some((Some((before, _)), after)) => format!("{before} N attempts){after}"),
        _ => stable,
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_an_error_of_its_kind() {
    let cases: [(Builder, &str, Kind, Expect); 6] = [
        (
            tenant().fault(repeat_link()),
            "users",
            Kind::Corrupt,
            expect![[r#"
            could not fetch page 3 of `users`
              caused by: the next link leads back to a page that was read already
              hint: try again; if it stays so, check what stands between this program and Graph"#]],
        ),
        (
            tenant().fault(foreign_link()),
            "users",
            Kind::Corrupt,
            expect![[r#"
            could not fetch page 2 of `users`
              caused by: the next link leads to another host
              hint: if a proxy rewrites links on the way to Graph, set `graph_base_url` to the host that they name"#]],
        ),
        (
            tenant().fault(drop_permission("User.Read.All")),
            "users",
            Kind::Refused,
            expect![[r#"
                could not fetch page 2 of `users`
                  caused by: Graph answered 403 Authorization_RequestDenied (request-id ID, 1 attempt)
                  hint: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`"#]],
        ),
        (
            tenant().permissions(["Group.Read.All"]),
            "users",
            Kind::Refused,
            expect![[r#"
                could not fetch page 1 of `users`
                  caused by: Graph answered 403 Authorization_RequestDenied (request-id ID, 1 attempt)
                  hint: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`"#]],
        ),
        (
            tenant().free(),
            "sign_ins",
            Kind::Refused,
            expect![[r#"
                could not fetch page 1 of `sign_ins`
                  caused by: Graph answered 403 Authentication_RequestFromNonPremiumTenantOrB2CTenant (request-id ID, 1 attempt)
                  hint: `sign_ins` needs the licence Entra ID P1 or P2 in this tenant"#]],
        ),
        (
            tenant().fault(outage(100_000)),
            "users",
            Kind::Unavailable,
            expect![[r#"
                could not fetch page 1 of `users`
                  caused by: Graph answered 503 serviceNotAvailable (request-id ID, N attempts): The service is temporarily unavailable. Please retry after some time
                  hint: try again in some minutes"#]],
        ),
    ];
    for (tenant, table, kind, expected) in cases {
        check_failure(tenant, table, kind, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_runs_out_of_time_says_what_it_waited_for() {
    let cases: [(Fault, &str, &str); 4] = [
        (outage(100_000), "users", "Graph answered 503 serviceNotAvailable"),
        (outage(100_000), "group_members", "Graph answered 503 serviceNotAvailable"),
        (slow(Duration::from_secs(600)), "users", "no whole answer from `graph.simulated`"),
        (proxy_refusal(502), "users", "Graph answered 502"),
    ];
    for (fault, table, cause) in cases {
        let house = House::of(tenant().fault(fault).start());
        let plan = house.engine.plan(Request::table(table)).await.expect("a plan");
        let deadline = clock::now() + Duration::from_secs(90);
        let mut answer = house.engine.run(plan, Some(deadline));
        let error = loop {
            match futures::StreamExt::next(&mut answer.batches).await.expect("an end") {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), Kind::TimedOut, "{}", report(&error));
        let told = report(&error);
        assert!(told.contains("the deadline passed while waiting for"), "{told}");
        assert!(told.contains(cause), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_entra_refuses_says_what_to_change() {
    let right = SignIn::default();
    let cases: [(SignIn, Expect); 4] = [
        (
            SignIn { secret: "wrong", ..right.clone() },
            expect![[r#"
                could not fetch page 1 of `users`
                  caused by: could not sign in to tenant `contoso.example` as application `ID`
                  caused by: Entra answered `invalid_client`: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'ID'
                  hint: set `client_secret` to the secret's value, not to its id, and check that it belongs to the application `ID`"#]],
        ),
        (
            SignIn { secret: "expired-secret", ..right.clone() },
            expect![[r#"
                could not fetch page 1 of `users`
                  caused by: could not sign in to tenant `contoso.example` as application `ID`
                  caused by: Entra answered `invalid_client`: AADSTS7000222: The provided client secret keys for app 'ID' are expired. Create new keys for your app, or consider using certificate credentials for added security
                  hint: the client secret has expired: make a new one under the application's "Certificates & secrets" and set `client_secret` of `ID`"#]],
        ),
        (
            SignIn { tenant: "fabrikam.example", ..right.clone() },
            expect![[r#"
                could not fetch page 1 of `users`
                  caused by: could not sign in to tenant `fabrikam.example` as application `ID`
                  caused by: Entra answered `invalid_request`: AADSTS90002: Tenant 'fabrikam.example' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant
                  hint: check `tenant`: no directory has the id or domain `fabrikam.example` on this login host"#]],
        ),
        (
            SignIn { client_id: "00000000-0000-4000-8000-00000000dead", ..right },
            expect![[r#"
                could not fetch page 1 of `users`
                  caused by: could not sign in to tenant `contoso.example` as application `ID`
                  caused by: Entra answered `unauthorized_client`: AADSTS700016: Application with identifier 'ID' was not found in the directory 'Contoso'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant
                  hint: check `client_id` and `tenant`: register the application `ID` in `contoso.example`, or grant it admin consent there"#]],
        ),
    ];
    for (with, expected) in cases {
        let house = House::signed_in(Tenant::seed(7).users(10).start(), with);
        let error = house.table("users").await.expect_err("the sign-in is refused");
        assert_eq!(error.kind(), Kind::Refused, "{}", report(&error));
        expected.assert_eq(&stable(&report(&error)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_asks_for_no_more_than_it_needs() {
    let house = House::of(tenant().start());
    for limit in [1, 17, 998, 999, 1_000, USERS, USERS + 1] {
        let before = house.tenant.counters().requests;
        let request = Request {
            columns: Some(vec!["displayName".into()]),
            limit: Some(limit),
            ..Request::table("users")
        };
        let batches = house.read(&request).await.expect("users");
        assert_eq!(rows(&batches) as u64, limit.min(USERS));
        assert_eq!(batches[0].num_columns(), 1);
        let pages = house.tenant.counters().requests - before;
        assert!(pages <= limit.min(USERS).div_ceil(999) + 1, "{pages} requests for {limit} rows");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_nested_rows_is_met_within_a_page_or_two() {
    let house = House::of(tenant().start());
    for limit in [1, 10, 500] {
        let before = house.tenant.counters().requests;
        let request = Request { limit: Some(limit), ..Request::table("user_managers") };
        let managers = house.read(&request).await.expect("managers");
        assert_eq!(keys(&managers, &["user_id"]).len() as u64, limit);
        let asked = house.tenant.counters().requests - before;
        assert!(asked <= 2, "{asked} requests for {limit} rows");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_for_is_not_undeclared() {
    let house = House::of(tenant().start());
    for table in ["sign_ins", "directory_audits", "directory_roles", "users"] {
        let columns = Some(vec!["_extra".into(), "id".into()]);
        let batches = house.read(&Request { columns, ..Request::table(table) }).await;
        let batches = batches.unwrap_or_else(|error| panic!("{table}: {}", report(&error)));
        assert!(rows(&batches) > 0);
        assert_eq!(texts(&batches, "_extra").into_iter().flatten().next(), None, "{table}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_page_is_read_ahead_and_no_more() {
    let house =
        House::of(Tenant::seed(7).users(20_000).latency(Duration::from_millis(100)).start());
    let mut answer = house.ask(&Request::table("users")).await.expect("a plan");
    let first = futures::StreamExt::next(&mut answer.batches).await.expect("rows");
    assert!(first.expect("a batch").num_rows() > 0);
    clock::sleep(Duration::from_secs(60)).await;
    let asked = house.tenant.counters().requests;
    assert!(asked <= 4, "{asked} requests for a client that took one batch");
    drop(answer);
    clock::sleep(Duration::from_secs(60)).await;
    assert_eq!(house.tenant.counters().requests, asked, "nothing is asked for nobody");
}

#[tokio::test(start_paused = true)]
async fn latency_is_paid_once_a_page() {
    let latency = Duration::from_millis(100);
    let house = House::of(Tenant::seed(7).users(9_980).latency(latency).start());
    house.read(&Request { limit: Some(1), ..Request::table("users") }).await.expect("a token");
    let began = clock::now();
    assert_eq!(rows(&house.table("users").await.expect("users")), 9_980);
    let took = clock::now() - began;
    assert!(took <= latency * 10 + latency / 2, "{took:?} for ten pages of {latency:?}");
}
