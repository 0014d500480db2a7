//! Failures that last, and waits that do not end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::sim;
use entra_flight::transport::Error;
use expect_test::expect;

use super::faults::{calm, without_attempts};
use super::meddled::{house, no};
use super::{House, ms, report, secs, small};

const HOURS: u64 = 6 * 3_600;

#[tokio::test(start_paused = true)]
async fn one_answer_that_names_ages_does_not_shut_a_connection() {
    let house = House::new(small().fault(sim::endless_throttle(3)));
    let scan = house.scan("users", &["id"], None);
    let mut told = String::new();
    // The second meets a gate that is closed already.
    for _ in 0..2 {
        let start = clock::now();
        let error = house.read_until(&scan, Some(start + secs(HOURS))).await.unwrap_err();
        assert_eq!((error.kind(), clock::now() - start), (Kind::Throttled, ms(0)));
        assert_eq!(error.retry_after(), Some(secs(3_600)));
        told.push_str(&report(&error));
        told.push('\n');
    }
    expect![[r#"
        Throttled: could not fetch page 4 of `users`
          caused by: Graph asks to wait 1000000000000 s, and 3600 s are waited at most
          hint: no such wait is documented: try again in 3600 s, and if it stays so, check what stands between this program and Graph
        Throttled: could not fetch page 1 of `users`
          caused by: Graph asks to wait 1000000000000 s, and 3600 s are waited at most
          hint: no such wait is documented: try again in 3600 s, and if it stays so, check what stands between this program and Graph
    "#]].assert_eq(&told);
    clock::sleep(secs(3_600)).await;
    assert!(house.read("users").await.unwrap().rows == *calm(0).await);
}

#[tokio::test(start_paused = true)]
async fn a_named_wait_of_any_length_fails_the_read_that_meets_it() {
    let asked = AtomicU32::new(0);
    let house = house(move |request| {
        let meddles =
            request.uri().path().ends_with("/users") && asked.fetch_add(1, Ordering::Relaxed) == 0;
        let down =
            http::Response::builder().status(503).header("retry-after", "99999999999999999999");
        meddles.then(|| Ok(down.body(Vec::new()).unwrap()))
    });
    let deadline = Some(clock::now() + secs(HOURS));
    let scan = house.scan("users", &["id"], None);
    let error = house.read_until(&scan, deadline).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Throttled);
    assert!(house.read("users").await.unwrap().rows == *calm(0).await);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_outlasted_for_a_share_of_the_time_there_is() {
    let outage = sim::downtime(3, secs(30 * 60));
    for (station, table) in [(0, "users"), (2, "group_members")] {
        let house = House::new(small().fault(outage.clone()));
        let deadline = Some(clock::now() + secs(HOURS));
        let read = house.read_until(&house.scan(table, &["id"], None), deadline).await.unwrap();
        assert!(read.rows == *calm(station).await, "{table}");
        assert!(read.took >= secs(30 * 60));
    }
    let house = House::new(small().fault(outage));
    let scan = house.scan("users", &["id"], None);
    let start = clock::now();
    let error = house.read_until(&scan, Some(start + secs(3_600))).await.unwrap_err();
    let took = clock::now() - start;
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(took >= secs(360) && took <= secs(420), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_fails_for_a_while_is_outlasted_too() {
    for (minutes, reads) in [(20, true), (60, false)] {
        let until = clock::now() + secs(minutes * 60);
        let house = house(move |request| {
            let down = request.uri().path().ends_with("/token") && clock::now() < until;
            if down { no(503, "") } else { None }
        });
        let scan = house.scan("users", &["id"], None);
        match house.read_until(&scan, Some(clock::now() + secs(HOURS))).await {
            Ok(read) => assert!(reads && read.rows == *calm(0).await),
            Err(error) => assert_eq!((error.kind(), reads), (Kind::Unavailable, false)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_refused_tokens_are_followed_by_a_third() {
    for (station, table) in [(0, "users"), (2, "group_members")] {
        let house = House::new(small().fault(sim::refuse_token(2)));
        assert!(house.read(table).await.unwrap().rows == *calm(station).await, "{table}");
    }
    let error = House::new(small().fault(sim::refuse_token(3))).read("users").await.unwrap_err();
    expect![[r#"
        Refused: could not fetch page 1 of `users`
          caused by: Graph answered 401 InvalidAuthenticationToken (request-id #, 3 attempts)
          hint: check that `graph_base_url` and `login_url` belong to the same cloud, then run `entra-flight check`"#]]
    .assert_eq(&report(&error));
}

#[tokio::test(start_paused = true)]
async fn whoever_runs_out_of_time_says_what_it_waited_for() {
    let connect = || Error::Connect { host: "graph".to_owned(), source: "bad certificate".into() };
    let unsigned =
        house(move |request| request.uri().path().ends_with("/token").then(|| Err(connect())));
    let unreachable =
        house(move |request| request.uri().path().ends_with("/users").then(|| Err(connect())));
    let budget = House::new(small().latency(ms(100)));
    let mut told = String::new();
    for (house, table, time) in
        [(unsigned, "users", 20), (unreachable, "users", 20), (budget, "sign_ins", 20)]
    {
        let scan = house.scan(table, &["id"], Some(20));
        let error = house.read_until(&scan, Some(clock::now() + secs(time))).await.unwrap_err();
        told.push_str(&without_tries(&without_attempts(&report(&error))));
        told.push('\n');
    }
    expect![[r#"
        TimedOut: could not fetch page # of `users`
          caused by: the deadline passed while waiting for a sign-in at Entra
          caused by: could not sign in yet
          caused by: could not connect to `graph`
          caused by: bad certificate
          hint: check the network, the proxy and `login_url`, then try again
        TimedOut: could not fetch page # of `users`
          caused by: the deadline passed while waiting for the next try
          caused by: no answer in # tries
          caused by: could not connect to `graph`
          caused by: bad certificate
          hint: check the network, the proxy and `graph_base_url`, then try again
        TimedOut: could not fetch page # of `sign_ins`
          caused by: the deadline passed while waiting for its turn within the budget of requests
          hint: give it a later deadline, or ask for fewer columns
    "#]]
    .assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_too_slowly_hears_of_it() {
    let house = House::new(small());
    let scan = house.scan("users", &["id"], None);
    let mut pages = house.graph.scan(&scan, Some(clock::now() + secs(60)), Arc::default()).unwrap();
    assert!(futures::StreamExt::next(&mut pages).await.unwrap().is_ok());
    clock::sleep(secs(61)).await;
    let ended = futures::StreamExt::collect::<Vec<_>>(pages).await;
    let error = ended.into_iter().find_map(Result::err).unwrap();
    expect![[r#"
        TimedOut: could not fetch page 3 of `users`
          caused by: the deadline passed while waiting for its rows to be taken
          hint: take the rows faster, or give it a later deadline"#]]
    .assert_eq(&report(&error));
}

/// How often it was tried within a time is a matter of chance.
fn without_tries(report: &str) -> String {
    let words = report.split(' ').map(|word| match word.parse::<u32>() {
        Ok(_) => "#",
        Err(_) => word,
    });
    words.collect::<Vec<_>>().join(" ")
}
