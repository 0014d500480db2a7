//! Loads at set times, under a clock that is held.

use std::sync::Arc;
use std::time::Duration;

use entra_flight::clock;
use entra_flight::ops::{Job, run_schedule};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::Method;
use tokio_util::sync::CancellationToken;

use super::loads::Loader;

fn job(loader: &Loader, cron: &str, jitter: Duration) -> Job {
    Job {
        name: "often".to_owned(),
        cron: cron.parse().expect("a cron expression"),
        jitter,
        connection: Arc::new(loader.connection.clone()),
        tables: vec![loader.table("domains"), loader.table("organization")],
        method: Method::Reload,
    }
}

async fn versions(loader: &Loader, table: &str) -> usize {
    let place = loader.connection.stored(&loader.table(table)).expect("a store");
    place.versions().await.expect("versions").len()
}

/// Lets so much time pass while the schedule runs.
async fn run(jobs: Vec<Job>, time: Duration) {
    let stop = CancellationToken::new();
    let schedule = tokio::spawn(run_schedule(jobs, stop.clone()));
    clock::sleep(time).await;
    stop.cancel();
    schedule.await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn a_job_loads_its_tables_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(20).start(), &folder);
    let jobs = vec![job(&loader, "*/10 * * * *", Duration::ZERO)];
    // Until soon after the third time from now.
    let next = 600 - clock::unix_now().as_secs() % 600;
    run(jobs, Duration::from_secs(next + 2 * 600 + 30)).await;
    for table in ["domains", "organization"] {
        assert_eq!(versions(&loader, table).await, 3, "{table}");
    }
}

#[tokio::test(start_paused = true)]
async fn chance_puts_a_load_off_and_never_ahead() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(20).start(), &folder);
    let jitter = Duration::from_secs(1_200);
    run(vec![job(&loader, "0 * * * *", jitter)], Duration::from_secs(5 * 3_600)).await;
    let place = loader.connection.stored(&loader.table("domains")).expect("a store");
    let minutes: Vec<i64> = place
        .versions()
        .await
        .expect("versions")
        .iter()
        .map(|entry| entry.record.started.timestamp() % 3_600 / 60)
        .collect();
    assert!((4..=5).contains(&minutes.len()), "{minutes:?}");
    assert!(minutes.iter().all(|minute| *minute <= 20), "{minutes:?}");
}
