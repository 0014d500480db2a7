//! Versions that are no longer wanted.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::Utc;
use entra_flight::error::Kind;
use entra_flight::snapshot::{Error, Expired, Keep, Stored, Which};
use futures::TryStreamExt as _;

use super::{Shelf, named, read};

/// A table with this many versions, each with rows of its own.
async fn shelf(versions: u64) -> Shelf {
    let shelf = Shelf::new();
    for version in 0..versions {
        shelf.put(&named(&version.to_string())).await;
    }
    shelf
}

async fn expire(place: &Stored, keep: &Keep) -> Result<Expired, Error> {
    let turn = place.begin("expiry").await?;
    place.expire(&turn, keep, Utc::now()).await
}

/// Everything but the newest `newest`, whatever its age.
fn newest(newest: usize) -> Keep {
    Keep { newer_than: Duration::ZERO, newest }
}

async fn numbers(place: &Stored) -> Vec<u64> {
    place.versions().await.expect("versions").iter().map(|entry| entry.version).collect()
}

/// The files of rows that are there.
fn files(shelf: &Shelf) -> BTreeSet<String> {
    let folder = std::fs::read_dir(shelf.place.folder().expect("a folder")).expect("a folder");
    let names = folder.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("load-")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_can_be_read_and_the_rest_is_gone() {
    // Beyond two checkpoints, so that one of them goes too.
    let shelf = shelf(24).await;
    assert_eq!(files(&shelf).len(), 24);
    let expired = expire(&shelf.place, &newest(3)).await.expect("an expiry");
    assert_eq!(expired.versions, (0..21).collect::<Vec<_>>());
    assert_eq!((expired.files, expired.in_use), (21, None));
    assert_eq!(numbers(&shelf.place).await, [21, 22, 23]);
    assert_eq!(files(&shelf).len(), 3);
    for version in 21..24 {
        let rows = read(&shelf.version(version).await, &shelf.table).await;
        let name = version.to_string();
        assert!(rows.iter().all(|row| row["displayName"] == *name), "{rows:?}");
    }
    let gone = shelf.place.snapshot(Which::Number(20)).await.expect_err("it is gone");
    assert_eq!(gone.kind(), Kind::NotFound);
    assert!(gone.to_string().ends_with("has no version 20; it has 21 to 23"), "{gone}");
    // Loads go on, and so do expiries.
    assert_eq!(shelf.put(&named("24")).await, 24);
    let again = expire(&shelf.place, &newest(3)).await.expect("an expiry");
    assert_eq!(again.versions, [21]);
    let proof = shelf.place.prove(&shelf.table).await.expect("a proof");
    assert_eq!((proof.versions, proof.findings), (3, Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_young_or_among_the_newest_or_being_read_stays() {
    let shelf = shelf(5).await;
    let young = Keep { newer_than: Duration::from_secs(3_600), newest: 1 };
    // All were stored at the beginning of 1970, as far as their commits say.
    let now = shelf.version(4).await.committed();
    let turn = shelf.place.begin("expiry").await.expect("a turn");
    let nothing = shelf.place.expire(&turn, &young, now).await.expect("an expiry");
    drop(turn);
    assert_eq!(nothing, Expired::default());
    for keep in [5, 9] {
        let nothing = expire(&shelf.place, &newest(keep)).await.expect("an expiry");
        assert_eq!(nothing, Expired::default(), "keep {keep}");
    }
    // Whoever has begun to read version 2 reads it to its end, and what follows it stays with it.
    let version = shelf.version(2).await;
    let mut rows = version.read(shelf.table.schema.clone(), None, None);
    drop(version);
    let held = expire(&shelf.place, &newest(1)).await.expect("an expiry");
    assert_eq!((held.versions, held.in_use), (vec![0, 1], Some(2)));
    let mut count = 0;
    while let Some(batch) = rows.try_next().await.expect("rows") {
        count += batch.num_rows();
    }
    assert_eq!(count, 3);
    drop(rows);
    let rest = expire(&shelf.place, &newest(0)).await.expect("an expiry");
    assert_eq!((rest.versions, rest.in_use), (vec![2, 3], None), "the newest always stays");
    assert_eq!(numbers(&shelf.place).await, [4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_whose_rows_later_ones_share_takes_nothing_with_it() {
    let shelf = shelf(2).await;
    let version = shelf.version(1).await;
    let turn = shelf.place.begin("shared").await.expect("a turn");
    let (files_of_load, mut draft) =
        super::draft(&shelf.place, &shelf.table, turn.load(), &named("1")).await.expect("a draft");
    shelf.place.discard(&files_of_load).await.expect("room");
    draft.files = None;
    draft.schema = version.schema().clone();
    let shared = shelf.place.commit(&turn, draft).await.expect("a commit");
    drop((turn, version));
    let expired = expire(&shelf.place, &newest(1)).await.expect("an expiry");
    assert_eq!((expired.versions, expired.files), (vec![0, 1], 1));
    assert_eq!(read(&shelf.version(shared).await, &shelf.table).await.len(), 3);
    // Nor does the next load clear them away.
    let turn = shelf.place.begin("next").await.expect("a turn");
    drop(turn);
    assert_eq!(read(&shelf.version(shared).await, &shelf.table).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_the_newest_gets_one_while_versions_come_and_go() {
    let shelf = shelf(1).await;
    let (place, table) = (shelf.place.clone(), shelf.table.clone());
    let reader = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        while seen.last() != Some(&20) {
            let newest = place.snapshot(Which::Latest).await.expect("there is always one");
            let rows = read(&newest, &table).await;
            let name = newest.version().to_string();
            assert!(rows.len() == 3 && rows.iter().all(|row| row["displayName"] == *name));
            seen.insert(newest.version());
            assert!(!place.versions().await.expect("a list").is_empty());
            let proof = place.prove(&table).await.expect("a proof");
            assert_eq!(proof.findings, []);
        }
        seen.len()
    });
    for version in 1..=20 {
        shelf.put(&named(&version.to_string())).await;
        expire(&shelf.place, &newest(1)).await.expect("an expiry");
    }
    assert!(reader.await.expect("a reader") > 1);
}
