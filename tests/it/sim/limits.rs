//! Throttling, with a held clock.

use std::time::Duration;

use entra_flight::sim::Tenant;
use expect_test::expect;

use super::{Caller, Heard};

fn retry_after(heard: &Heard) -> Duration {
    let seconds: f64 = heard.header("retry-after").expect("Retry-After").parse().expect("seconds");
    Duration::from_secs_f64(seconds)
}

#[test]
fn requests_cost_what_graph_says() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let group = caller.ids("/v1.0/groups?$select=id").pop().expect("a group");
    let principal = caller.ids("/v1.0/servicePrincipals?$select=id").pop().expect("one");
    let cases = [
        "/users".to_owned(),
        "/users?$select=id".to_owned(),
        "/users?$top=19".to_owned(),
        "/users?$top=20".to_owned(),
        "/users?$select=id&$expand=manager".to_owned(),
        "/users?$expand=manager".to_owned(),
        "/groups".to_owned(),
        "/applications".to_owned(),
        "/subscribedSkus".to_owned(),
        "/oauth2PermissionGrants".to_owned(),
        format!("/groups/{group}/members"),
        format!("/groups/{group}/members?$select=id"),
        format!("/groups/{group}/members?$select=id&$top=5"),
        format!("/groups/{group}/owners"),
        format!("/servicePrincipals/{principal}/appRoleAssignments"),
        format!("/servicePrincipals/{principal}/appRoleAssignedTo"),
    ];
    let costs: Vec<String> = cases
        .iter()
        .map(|case| {
            let heard = caller.get(&format!("/v1.0{case}"));
            let case = case.replace(&group, "{id}").replace(&principal, "{id}");
            format!("{} {case}\n", heard.header("x-ms-resource-unit").unwrap_or("none"))
        })
        .collect();
    expect![[r#"
        2 /users
        1 /users?$select=id
        1 /users?$top=19
        2 /users?$top=20
        2 /users?$select=id&$expand=manager
        3 /users?$expand=manager
        1 /groups
        2 /applications
        3 /subscribedSkus
        2 /oauth2PermissionGrants
        3 /groups/{id}/members
        2 /groups/{id}/members?$select=id
        1 /groups/{id}/members?$select=id&$top=5
        1 /groups/{id}/owners
        2 /servicePrincipals/{id}/appRoleAssignments
        1 /servicePrincipals/{id}/appRoleAssignedTo
    "#]]
    .assert_eq(&costs.concat());
    let spent: u64 = costs.iter().map(|cost| cost[..1].parse::<u64>().expect("a digit")).sum();
    assert_eq!(caller.tenant.counters().resource_units, spent + 2, "and two for the ids");
}

/// How many requests of one unit pass at once before the first is refused.
fn burst(users: u64) -> (usize, Heard) {
    let caller = Caller::of(Tenant::seed(7).users(users));
    for passed in 0..20_000 {
        let heard = caller.get("/v1.0/organization?$select=id");
        if heard.status != 200 {
            return (passed, heard);
        }
    }
    panic!("nothing was refused");
}

#[test]
fn the_bucket_is_as_large_as_the_tenant() {
    for (users, units) in [(49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000)] {
        assert_eq!(burst(users).0, units, "{users} users");
    }
    let (_, refused) = burst(40);
    expect![[r#"
        429
        request-id: 2428bbd3-ada0-44d2-aae6-07299309892a
        client-request-id: 2428bbd3-ada0-44d2-aae6-07299309892a
        retry-after: 0.006
        x-ms-throttle-information: ResourceUnitLimitExceeded
        x-ms-throttle-limit-percentage: 1.00
        x-ms-resource-unit: 1
        x-ms-throttle-scope: Tenant_Application/Read/00000000-0000-4000-8000-000000000001/5a1e6c0d-7b42-4f19-9c3e-2d8f40b7a611

        {"error":{"code":"TooManyRequests","message":"Too many requests.","innerError":{"date":"2026-06-30T07:08:09","request-id":"2428bbd3-ada0-44d2-aae6-07299309892a","client-request-id":"2428bbd3-ada0-44d2-aae6-07299309892a"}}}
    "#]].assert_eq(&refused.whole());
}

#[test]
fn whoever_waits_as_told_is_served() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let (mut refused, mut waited) = (0, Duration::ZERO);
    for _ in 0..7_000 {
        let mut heard = caller.get("/v1.0/subscribedSkus");
        while heard.status == 429 {
            refused += 1;
            let wait = retry_after(&heard);
            caller.wait(wait);
            waited += wait;
            heard = caller.get("/v1.0/subscribedSkus");
        }
        assert_eq!(heard.status, 200);
    }
    // 21,000 units at 350 a second, the first 3,500 at once, and one for each refusal.
    let expected = (21_000.0 + f64::from(refused) - 3_500.0) / 350.0;
    assert!((waited.as_secs_f64() - expected).abs() < 7.0, "{waited:?}, not {expected} s");
    assert_eq!(caller.tenant.counters().throttled, u64::try_from(refused).expect("a count"));
}

#[test]
fn answers_tell_how_full_the_bucket_is() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let mut first = None;
    for request in 1..3_000 {
        let heard = caller.get("/v1.0/organization?$select=id");
        if let Some(share) = heard.header("x-ms-throttle-limit-percentage") {
            first = Some((request, share.to_owned()));
            break;
        }
    }
    assert_eq!(first, Some((2_800, "0.80".to_owned())));
    caller.wait(Duration::from_secs(1));
    let later = caller.get("/v1.0/organization?$select=id");
    assert_eq!(later.header("x-ms-throttle-limit-percentage"), None, "a tenth flowed off");
}

#[test]
fn logs_are_read_five_times_in_ten_seconds() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    for n in 0..5 {
        assert_eq!(caller.get("/v1.0/auditLogs/signIns").status, 200, "request {n}");
        caller.wait(Duration::from_secs(1));
    }
    let refused = caller.get("/v1.0/auditLogs/directoryAudits");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("6")), "it counts too");
    assert_eq!(refused.header("x-ms-resource-unit"), None);
    assert_eq!(caller.get("/v1.0/users").status, 200, "other families go on");
    let activity = caller.get("/v1.0/users?$select=id,signInActivity");
    assert_eq!(activity.status, 429, "sign-in activity is a report");
    let mut wait = retry_after(&activity);
    assert_eq!(wait, Duration::from_secs(7));
    for _ in 0..100 {
        wait = retry_after(&caller.get("/v1.0/auditLogs/signIns"));
    }
    assert_eq!(wait, Duration::from_secs(10), "there is an end to what refusals cost");
    caller.wait(wait);
    assert_eq!(caller.get("/v1.0/auditLogs/signIns").status, 200);
}

#[test]
fn nothing_is_refused_with_throttling_off() {
    let caller = Caller::of(Tenant::seed(7).users(40).unthrottled());
    for _ in 0..4_000 {
        let heard = caller.get("/v1.0/organization?$select=id");
        assert_eq!((heard.status, heard.header("x-ms-resource-unit")), (200, Some("1")));
    }
    let counters = caller.tenant.counters();
    assert_eq!(counters.resource_units, 4_000);
    expect![[r#"
        4000 requests, 0 batch parts, 4000 pages, 4000 rows, N bytes sent, 4000 resource units, 0 throttled, 0 refused, 1 tokens
    "#]].assert_eq(&format!(
        "{}\n",
        counters.to_string().replace(&counters.sent_bytes.to_string(), "N")
    ));
}
