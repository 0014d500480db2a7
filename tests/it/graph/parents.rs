//! One row of a parent table whose own rows cannot be read.

use entra_flight::error::Kind;
use entra_flight::sim;

use super::faults::{calm, without_attempts};
use super::{House, ms, report, small};

#[tokio::test(start_paused = true)]
async fn an_error_names_the_parent() {
    // One after another, and twenty in one exchange.
    for latency in [0, 900] {
        let house = House::new(small().latency(ms(latency)).fault(sim::fail_parent(500)));
        let error = house.read("group_members").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
        let told = without_attempts(&report(&error));
        let (first, _) = told.split_once('\n').unwrap();
        let (before, after) = first.split_once(", for `").unwrap();
        assert!(before.ends_with("of `group_members`"), "{told}");
        assert!(after.ends_with("` of `groups`") && after.len() == 36 + 13, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_parent_is_skipped_where_that_is_wanted() {
    let all = calm(2).await;
    for (latency, status) in [(0, 500), (900, 500), (0, 400), (900, 403)] {
        let fault = sim::fail_parent(status);
        let house = House::skipping(small().latency(ms(latency)).fault(fault));
        let read = house.read("group_members").await.unwrap();
        let skipped = read.meter.skipped_parents();
        let [parent] = &*skipped else { panic!("{skipped:?}") };
        let others = all.iter().filter(|(key, _)| !key.starts_with(&**parent));
        assert!(others.eq(read.rows.iter()), "{latency} {status}");
    }
    let throttled = sim::throttle().after(50).wait(ms(700));
    let read = House::skipping(small().fault(throttled)).read("group_members").await.unwrap();
    assert!(read.rows == *all && read.meter.skipped_parents().is_empty());
}
