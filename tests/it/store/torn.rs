//! Log entries that a loss of power left half written, and files that it left empty.

use std::fs;
use std::path::{Path, PathBuf};

use entra_flight::error::Kind;
use entra_flight::snapshot::{Stored, Which};
use tempfile::TempDir;

use super::{named, put, read, store, users};

/// What became of an entry, or of the files that it names.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Empty,
    Half,
    Zeros,
    FilesEmpty,
    FilesGone,
}

fn entry(place: &Stored, version: u64) -> PathBuf {
    place.folder().expect("a folder").join(format!("_delta_log/{version:020}.json"))
}

fn added(entry: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(entry).expect("a log entry");
    let table = entry.parent().and_then(Path::parent).expect("a table");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let paths =
        lines.filter_map(|line: serde_json::Value| Some(table.join(line["add"]["path"].as_str()?)));
    paths.collect()
}

fn lose(loss: Loss, entry: &Path) {
    let bytes = fs::read(entry).expect("a log entry");
    match loss {
        Loss::Empty => fs::write(entry, "").expect("written"),
        Loss::Half => fs::write(entry, &bytes[..bytes.len() / 2]).expect("written"),
        Loss::Zeros => fs::write(entry, vec![0; bytes.len()]).expect("written"),
        Loss::FilesEmpty => {
            added(entry).iter().for_each(|file| fs::write(file, "").expect("written"));
        }
        Loss::FilesGone => added(entry).iter().for_each(|file| {
            fs::remove_file(file).expect("removed");
        }),
    }
}

async fn three(folder: &TempDir) -> Stored {
    let place = store(folder).table("contoso", "users");
    for version in 0..3 {
        put(&place, &users(), &named(&version.to_string())).await.expect("a version");
    }
    place
}

#[tokio::test]
async fn the_newest_entry_is_told_and_cleared_by_the_next_load() {
    let table = users();
    for loss in [Loss::Empty, Loss::Half, Loss::Zeros, Loss::FilesEmpty, Loss::FilesGone] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = three(&folder).await;
        lose(loss, &entry(&place, 2));
        match place.snapshot(Which::Latest).await {
            Err(error) => assert_eq!(error.kind(), Kind::Corrupt, "{loss:?}"),
            Ok(newest) => {
                let rows = newest.read(table.schema.clone(), None, None);
                let rows: Result<Vec<_>, _> = futures::TryStreamExt::try_collect(rows).await;
                assert_eq!(rows.expect_err("no rows").kind(), Kind::Corrupt, "{loss:?}");
            }
        }
        let before = place.snapshot(Which::Number(1)).await.expect("the version before");
        assert_eq!(read(&before, &table).await[0]["displayName"], "1");
        drop(before);
        let proof = place.prove(&table).await.expect("a proof");
        assert!(proof.findings.iter().any(|finding| finding.version == 2), "{loss:?}: {proof:?}");

        assert_eq!(put(&place, &table, &named("next")).await.expect("a load"), 2, "{loss:?}");
        let newest = place.snapshot(Which::Latest).await.expect("a version");
        let rows = read(&newest, &table).await;
        assert!(rows.len() == 3 && rows.iter().all(|row| row["displayName"] == "next"));
        assert_eq!(place.prove(&table).await.expect("a proof").findings, [], "{loss:?}");
    }
}

#[tokio::test]
async fn the_only_entry_is_cleared_too() {
    let table = users();
    for loss in [Loss::Empty, Loss::Half, Loss::Zeros] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = store(&folder).table("contoso", "users");
        put(&place, &table, &named("0")).await.expect("a version");
        lose(loss, &entry(&place, 0));
        assert_eq!(put(&place, &table, &named("next")).await.expect("a load"), 0, "{loss:?}");
        let newest = place.snapshot(Which::Latest).await.expect("a version");
        assert_eq!(read(&newest, &table).await.len(), 3);
    }
}

#[tokio::test]
async fn an_entry_in_the_middle_is_never_other_rows() {
    let table = users();
    for loss in [Loss::Empty, Loss::Half, Loss::Zeros, Loss::FilesEmpty, Loss::FilesGone] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = three(&folder).await;
        lose(loss, &entry(&place, 1));
        let mut refused = 0;
        for version in 0..3 {
            let Ok(snapshot) = place.snapshot(Which::Number(version)).await else {
                refused += 1;
                continue;
            };
            let rows = snapshot.read(table.schema.clone(), None, None);
            let rows: Result<Vec<_>, _> = futures::TryStreamExt::try_collect(rows).await;
            let Ok(rows) = rows else {
                refused += 1;
                continue;
            };
            let rows = super::json(&rows);
            let name = version.to_string();
            assert!(rows.len() == 3 && rows.iter().all(|row| row["displayName"] == *name));
        }
        assert!(refused > 0, "{loss:?}");
        let proof = place.prove(&table).await.expect("a proof");
        assert!(!proof.findings.is_empty(), "{loss:?}");
    }
}
