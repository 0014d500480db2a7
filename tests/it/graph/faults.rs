//! Each thing that goes wrong, at each kind of table.

use std::collections::BTreeMap;
use std::fmt::Write;

use entra_flight::clock;
use entra_flight::sim::{self, Fault};
use expect_test::{Expect, expect};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{House, ms, report, secs, small};

/// A listing of six pages, an expansion, a fan-out over two pages of parents, the same with many
/// pages a parent, and a slow family.
const STATIONS: [(&str, Option<u64>); 5] = [
    ("users", None),
    ("user_managers", None),
    ("group_members", None),
    ("group_members", Some(40)),
    ("sign_ins", None),
];

/// What each station gives when nothing goes wrong.
static CALM: [OnceCell<BTreeMap<String, Value>>; STATIONS.len()] =
    [const { OnceCell::const_new() }; STATIONS.len()];

pub(super) async fn calm(station: usize) -> &'static BTreeMap<String, Value> {
    let read = || async { House::new(small()).read(STATIONS[station].0).await.unwrap().rows };
    CALM[station].get_or_init(read).await
}

/// Reads each station of a tenant in which `fault` happens, and of one in which nothing does.
async fn check(fault: Fault, expected: Expect) {
    let mut told = String::new();
    for (station, (table, page_rows)) in STATIONS.into_iter().enumerate() {
        let calm = calm(station).await;
        let house = House::new(small().fault(fault.clone()));
        // A limit makes the pages small; the stream goes on for whoever asks for more.
        let scan = house.scan(table, &["id"], page_rows);
        let name = page_rows.map_or(table.to_owned(), |rows| format!("{table} by {rows}"));
        match house.read_until(&scan, None).await {
            Ok(read) => {
                let same = if read.rows == *calm { "all" } else { "OTHER" };
                let again = if read.again == read.unmarked { "" } else { ", begun again" };
                let _ = writeln!(told, "{name}: {same} rows{again}");
            }
            Err(error) => {
                let _ = writeln!(told, "{name}: {}", without_attempts(&report(&error)));
            }
        }
    }
    expected.assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn throttled_requests_wait_as_told_and_lose_no_row() {
    check(
        sim::throttle().after(3).wait(ms(2_128)).into(),
        expect![[r#"
        users: all rows
        user_managers: all rows
        group_members: all rows
        group_members by 40: all rows
        sign_ins: all rows
    "#]],
    )
    .await;
    let house = House::new(small().fault(sim::throttle().after(3).wait(ms(2_128))));
    let read = house.read("users").await.unwrap();
    assert_eq!(read.rows.len(), 5_100);
    assert_eq!(read.meter.throttled(), 1);
    assert_eq!(read.meter.waited(), ms(2_128));
    let served = house.tenant.served();
    let refused = served.iter().position(|served| served.status == 429).unwrap();
    assert_eq!(served[refused + 1].at - served[refused].at, ms(2_128));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_outlasted() {
    check(
        sim::outage(6),
        expect![[r#"
        users: all rows
        user_managers: all rows
        group_members: all rows
        group_members by 40: all rows
        sign_ins: all rows
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_without_end_is_an_error() {
    check(sim::outage(1_000_000), expect![[r#"
        users: Unavailable: could not fetch page 1 of `users`
          caused by: Graph answered 503 serviceNotAvailable (request-id #, some attempts): The service is temporarily unavailable. Please retry after some time
          hint: try again in some minutes
        user_managers: Unavailable: could not fetch page 1 of `user_managers`
          caused by: Graph answered 503 serviceNotAvailable (request-id #, some attempts): The service is temporarily unavailable. Please retry after some time
          hint: try again in some minutes
        group_members: Unavailable: could not fetch page 1 of `groups`
          caused by: Graph answered 503 serviceNotAvailable (request-id #, some attempts): The service is temporarily unavailable. Please retry after some time
          hint: try again in some minutes
        group_members by 40: Unavailable: could not fetch page 1 of `groups`
          caused by: Graph answered 503 serviceNotAvailable (request-id #, some attempts): The service is temporarily unavailable. Please retry after some time
          hint: try again in some minutes
        sign_ins: Unavailable: could not fetch page 1 of `sign_ins`
          caused by: Graph answered 503 serviceNotAvailable (request-id #, some attempts): The service is temporarily unavailable. Please retry after some time
          hint: try again in some minutes
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_come_too_late_are_asked_for_again() {
    check(
        sim::slow(secs(500)),
        expect![[r#"
        users: all rows
        user_managers: all rows
        group_members: all rows
        group_members by 40: all rows
        sign_ins: all rows
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_body_is_fetched_again() {
    check(
        sim::cut_body(500),
        expect![[r#"
        users: all rows
        user_managers: all rows
        group_members: all rows
        group_members by 40: all rows
        sign_ins: all rows
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_leads_back_is_an_error() {
    check(
        sim::repeat_link(),
        expect![[r#"
            users: Corrupt: could not fetch page 3 of `users`
              caused by: the next link leads back to a page that was read already
              hint: try again; if it stays so, check what stands between this program and Graph
            user_managers: Corrupt: could not fetch page 3 of `user_managers`
              caused by: the next link leads back to a page that was read already
              hint: try again; if it stays so, check what stands between this program and Graph
            group_members: Corrupt: could not fetch page 3 of `groups`
              caused by: the next link leads back to a page that was read already
              hint: try again; if it stays so, check what stands between this program and Graph
            group_members by 40: Corrupt: could not fetch page 3 of `group_members`, for `97428ee6-058d-4d9e-ad51-69c7db5d87ef` of `groups`
              caused by: the next link leads back to a page that was read already
              hint: try again; if it stays so, check what stands between this program and Graph
            sign_ins: Corrupt: could not fetch page 3 of `sign_ins`
              caused by: the next link leads back to a page that was read already
              hint: try again; if it stays so, check what stands between this program and Graph
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_to_another_host_is_not_followed() {
    check(sim::foreign_link(), expect![[r#"
        users: Corrupt: could not fetch page 2 of `users`
          caused by: the next link leads to another host
          hint: if a proxy rewrites links on the way to Graph, set `graph_base_url` to the host that they name
        user_managers: Corrupt: could not fetch page 2 of `user_managers`
          caused by: the next link leads to another host
          hint: if a proxy rewrites links on the way to Graph, set `graph_base_url` to the host that they name
        group_members: Corrupt: could not fetch page 2 of `groups`
          caused by: the next link leads to another host
          hint: if a proxy rewrites links on the way to Graph, set `graph_base_url` to the host that they name
        group_members by 40: Corrupt: could not fetch page 2 of `group_members`, for `97428ee6-058d-4d9e-ad51-69c7db5d87ef` of `groups`
          caused by: the next link leads to another host
          hint: if a proxy rewrites links on the way to Graph, set `graph_base_url` to the host that they name
        sign_ins: Corrupt: could not fetch page 2 of `sign_ins`
          caused by: the next link leads to another host
          hint: if a proxy rewrites links on the way to Graph, set `graph_base_url` to the host that they name
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_page_token_begins_the_listing_again() {
    check(
        sim::expire_link(),
        expect![[r#"
        users: all rows, begun again
        user_managers: all rows, begun again
        group_members: all rows
        group_members by 40: all rows, begun again
        sign_ins: all rows, begun again
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn tokens_that_live_for_seconds_are_renewed() {
    check(
        sim::expire_token(secs(2)),
        expect![[r#"
        users: all rows
        user_managers: all rows
        group_members: all rows
        group_members by 40: all rows
        sign_ins: all rows
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_permission_lost_on_the_way_is_named() {
    check(Fault::DropPermission { name: None }, expect![[r#"
        users: Refused: could not fetch page 2 of `users`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`
        user_managers: Refused: could not fetch page 2 of `user_managers`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`
        group_members: Refused: could not fetch page 2 of `groups`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `GroupMember.Read.All` and consent to it, then run `entra-flight check`
        group_members by 40: Refused: could not fetch page 2 of `group_members`, for `97428ee6-058d-4d9e-ad51-69c7db5d87ef` of `groups`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `GroupMember.Read.All` and consent to it, then run `entra-flight check`
        sign_ins: Refused: could not fetch page 2 of `sign_ins`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `AuditLog.Read.All` and consent to it, then run `entra-flight check`; the tenant also needs the licence Entra ID P1 or P2
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_and_go_come_once() {
    let house = House::new(small().fault(sim::change_between_pages()));
    let (calm, read) = (calm(0).await, house.read("users").await.unwrap());
    // One row is doubled, one is gone and one is new between any two of the six pages.
    let missing = calm.keys().filter(|key| !read.rows.contains_key(*key)).count();
    let new = read.rows.keys().filter(|key| !calm.contains_key(*key)).count();
    assert_eq!((read.again, missing, new), (5, 5, 5));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_permitted_says_what_to_grant() {
    let mut told = String::new();
    for (builder, table) in [
        (small().permissions(["User.Read.All"]), "group_members"),
        (small().permissions([]), "users"),
        (small().free(), "sign_ins"),
    ] {
        let error = House::new(builder).read(table).await.unwrap_err();
        let _ = writeln!(told, "{}", report(&error));
    }
    for secret in ["wrong", sim::EXPIRED_SECRET] {
        let error = House::with_secret(small(), secret).read("users").await.unwrap_err();
        let _ = writeln!(told, "{}", report(&error));
    }
    expect![[r#"
        Refused: could not fetch page 1 of `groups`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `GroupMember.Read.All` and consent to it, then run `entra-flight check`
        Refused: could not fetch page 1 of `users`
          caused by: Graph answered 403 Authorization_RequestDenied (request-id #, 1 attempt)
          hint: grant the application permission `User.Read.All` and consent to it, then run `entra-flight check`
        Refused: could not fetch page 1 of `sign_ins`
          caused by: Graph answered 403 Authentication_RequestFromNonPremiumTenantOrB2CTenant (request-id #, 1 attempt)
          hint: `sign_ins` needs the licence Entra ID P1 or P2 in this tenant
        Refused: could not fetch page 1 of `users`
          caused by: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_client`: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '00000000-0000-4000-8000-000000000001'
          hint: set `client_secret` to the secret's value, not to its id, and check that it belongs to the application `00000000-0000-4000-8000-000000000001`
        Refused: could not fetch page 1 of `users`
          caused by: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_client`: AADSTS7000222: The provided client secret keys for app '00000000-0000-4000-8000-000000000001' are expired. Create new keys for your app, or consider using certificate credentials for added security
          hint: the client secret has expired: make a new one under the application's "Certificates & secrets" and set `client_secret` of `00000000-0000-4000-8000-000000000001`
    "#]].assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_bounds_every_wait() {
    let cases: [(Fault, u64); 4] = [
        (sim::throttle().after(2).wait(secs(30)).into(), 10),
        (sim::outage(1_000_000), 10),
        (sim::slow(secs(500)), 10),
        // No deadline, and a wait longer than anyone waits for.
        (sim::throttle().after(2).wait(secs(3_600)).into(), 0),
    ];
    let mut told = String::new();
    for (fault, seconds) in cases {
        let house = House::new(small().fault(fault));
        let start = clock::now();
        let deadline = (seconds > 0).then(|| start + secs(seconds));
        let error =
            house.read_until(&house.scan("users", &["id"], None), deadline).await.unwrap_err();
        let took = clock::now() - start;
        assert!(took <= secs(seconds), "{took:?}");
        let _ = writeln!(told, "{}", without_attempts(&report(&error)));
    }
    expect![[r#"
        Throttled: could not fetch page 3 of `users`
          caused by: Graph asks to wait 30 s, and 10 s are waited at most
          hint: try again in 30 s
        TimedOut: could not fetch page 1 of `users`
          caused by: the deadline passed while waiting for the next try
          caused by: Graph answered 503 serviceNotAvailable (request-id #, some attempts): The service is temporarily unavailable. Please retry after some time
          hint: give it a later deadline, or ask for fewer columns
        TimedOut: could not fetch page 1 of `users`
          caused by: the deadline passed while waiting for an answer of Graph
          caused by: no answer in 1 try
          caused by: no whole answer from `graph.example` within 10000 ms
          hint: give it a later deadline, or ask for fewer columns
        Throttled: could not fetch page 3 of `users`
          caused by: Graph asks to wait 3600 s, and 900 s are waited at most
          hint: try again in 3600 s
    "#]].assert_eq(&told);
}

/// How often it was tried within a time is a matter of chance.
pub(super) fn without_attempts(report: &str) -> String {
    match report.split_once("request-id #, ").and_then(|(before, rest)| {
        let (_, after) = rest.split_once(" attempts")?;
        Some(format!("{before}request-id #, some attempts{after}"))
    }) {
        Some(masked) => masked,
        None => report.to_owned(),
    }
}
