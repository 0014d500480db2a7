//! What is asked, when, and how much of it.

use std::fmt::Write;
use std::sync::Arc;

use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::sim::{self, Tenant};
use expect_test::expect;
use futures::StreamExt;

use super::faults::calm;
use super::{House, ms, secs, small, whole};

#[tokio::test(start_paused = true)]
async fn urls_name_exactly_the_columns_and_the_key() {
    let house = House::new(small());
    let scans = [
        house.scan("users", &["displayName", "accountEnabled", "_extra"], None),
        house.scan("users", &["id"], Some(7)),
        house.scan("group_members", &["group_id"], Some(1)),
        house.scan("user_managers", &["id", "displayName"], Some(1)),
        house.scan("directory_roles", &["displayName"], None),
        house.scan("sign_ins", &["userId"], Some(3)),
    ];
    let mut told = String::new();
    for scan in scans {
        let before = house.tenant.served().len();
        let mut pages = house.graph.scan(&scan, None, Arc::default()).unwrap();
        assert!(pages.next().await.unwrap().is_ok());
        drop(pages);
        for served in house.tenant.served().iter().skip(before).take(2) {
            let _ = writeln!(told, "{} {}", served.method, mask(&served.target));
        }
    }
    expect![[r#"
        GET /v1.0/users?$select/id,displayName,accountEnabled&$top/999
        GET /v1.0/users?$select/id&$top/7
        GET /v1.0/groups?$select/id&$top/999
        GET /beta/groups/#/members?$select/id&$top/1
        GET /v1.0/users?$select/id&$expand/manager($select/id,displayName)&$top/999
        GET /v1.0/directoryRoles
        GET /v1.0/auditLogs/signIns?$top/3
    "#]]
    .assert_eq(&told);
}

/// A target without the ids and tokens in it.
fn mask(target: &str) -> String {
    let parts = target.split(['/', '=']).map(|part| {
        let opaque = part.len() >= 36 && !part.contains(['$', ',']);
        if opaque { "#" } else { part }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(start_paused = true)]
async fn no_request_is_spent_on_rows_that_nobody_wants() {
    let house = House::new(small());
    let scan = house.scan("users", &["id"], Some(2_000));
    let mut pages = house.graph.scan(&scan, None, Arc::default()).unwrap();
    let mut rows = 0;
    while rows < 2_000 {
        rows += whole(&pages.next().await.unwrap().unwrap()).unwrap().len();
    }
    clock::sleep(secs(60)).await;
    assert_eq!(house.tenant.counters().pages, 3);
    drop(pages);
}

#[tokio::test(start_paused = true)]
async fn one_page_is_read_ahead_and_no_more() {
    let house = House::new(Tenant::seed(7).users(6_000).latency(ms(100)));
    let scan = house.scan("users", &[], None);
    let mut pages = house.graph.scan(&scan, None, Arc::default()).unwrap();
    assert_eq!(house.tenant.counters().requests, 0);
    let first = pages.next().await.unwrap().unwrap();
    clock::sleep(secs(60)).await;
    assert_eq!(house.tenant.counters().requests, 2);
    assert!(!first.sole);
    // The second has been there for long, so the third is on its way at once.
    let start = clock::now();
    pages.next().await.unwrap().unwrap();
    pages.next().await.unwrap().unwrap();
    assert_eq!(clock::now() - start, ms(100));
    // A request in flight ends with the stream.
    clock::sleep(ms(50)).await;
    let before = house.tenant.counters().requests;
    drop(pages);
    clock::sleep(secs(60)).await;
    assert_eq!(house.tenant.counters().requests, before);
}

#[tokio::test(start_paused = true)]
async fn pages_cost_their_latency_and_nothing_else() {
    let house = House::new(Tenant::seed(7).users(20_000).latency(ms(100)));
    house.graph.tokens().token().await.unwrap();
    let read = house.read("users").await.unwrap();
    let counters = house.tenant.counters();
    assert_eq!(read.rows.len(), 20_000);
    assert_eq!(counters.requests, 21);
    assert_eq!(counters.resource_units, 21);
    assert_eq!(read.took, ms(2_100));
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_is_fifteen_times_faster_than_one_at_a_time() {
    for (users, latency, batched) in [(20_000, 50, false), (10_000, 400, true)] {
        let house = House::new(Tenant::seed(7).users(users).latency(ms(latency)));
        let read = house.read("group_members").await.unwrap();
        let counters = house.tenant.counters();
        let groups = counters.requests + counters.batch_parts;
        let one_at_a_time = ms(latency) * u32::try_from(groups).unwrap();
        let times = one_at_a_time.as_secs_f64() / read.took.as_secs_f64();
        assert!(times >= 15.0, "{times:.1} times, {groups} requests in {:?}", read.took);
        assert_eq!(counters.throttled, 0);
        assert_eq!(counters.batch_parts > 0, batched, "{counters:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn batches_and_single_requests_give_the_same_rows() {
    let single = calm(2).await;
    for fault in [
        None,
        Some(sim::throttle().after(50).wait(ms(700)).into()),
        Some(sim::outage(8)),
        Some(sim::expire_token(secs(2))),
        Some(sim::cut_body(2_000)),
    ] {
        let told = format!("{fault:?}");
        let builder = small().latency(ms(900));
        let house = House::new(match fault {
            Some(fault) => builder.fault(fault),
            None => builder,
        });
        let batched = house.read("group_members").await.unwrap();
        assert!(batched.rows == *single, "{told}");
        assert!(house.tenant.counters().batch_parts > 0, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_slow_families_keep_their_limits() {
    let house = House::new(Tenant::seed(7).users(7_000));
    let read = house.read("sign_ins").await.unwrap();
    let counters = house.tenant.counters();
    assert_eq!(counters.throttled, 0);
    // 5 requests at once, then one every 2.05 s.
    let spans = (counters.requests - 1) / 5;
    assert_eq!(read.took.as_millis() as u64 / 10_250, spans);
}

#[tokio::test(start_paused = true)]
async fn single_answers_are_read_and_tokens_tell_what_they_grant() {
    let house = House::new(small());
    let answer = house.graph.get_json("/organization?$select=id", None).await.unwrap();
    assert_eq!(answer["value"][0]["id"], sim::TENANT_ID);
    let error = house.graph.get_json("/nothing", None).await.unwrap_err();
    assert!(error.to_string().contains("could not fetch `/nothing`"));
    let granted = house.graph.tokens().granted().await.unwrap().unwrap();
    assert_eq!(granted.permissions, sim::PERMISSIONS);
    assert_eq!(error.kind(), Kind::Invalid);
}
