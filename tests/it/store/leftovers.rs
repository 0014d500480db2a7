//! What was not meant to stay, and names that are not easy.

use entra_flight::error::Kind;
use entra_flight::snapshot::{Settings, Store, Which};

use super::{Shelf, named, put, read, two, users};

#[tokio::test]
async fn files_that_were_never_finished_are_cleared_away() {
    let shelf = Shelf::new();
    shelf.put(&two()).await;
    let folder = shelf.place.folder().expect("a folder").to_owned();
    std::fs::create_dir_all(folder.join("_change_data")).expect("a folder");
    let gone = [
        "load-1-00-00000.parquet#1",
        "_change_data/load-1-00000.parquet#12",
        "_delta_log/00000000000000000001.json#1",
    ];
    let stays = ["load-notes#", "notes#1", "_delta_log/readme"];
    for name in gone.iter().chain(&stays) {
        std::fs::write(folder.join(name), "half").expect("a file");
    }
    shelf.put(&two()).await;
    assert_eq!(gone.map(|name| folder.join(name).exists()), [false; 3]);
    // Of what is named as files of loads are, what no version has goes too.
    assert_eq!(stays.map(|name| folder.join(name).exists()), [false, true, true]);
}

#[tokio::test]
async fn a_folder_may_have_any_name() {
    let table = users();
    for name in ["a#b", "a?b", "a b", "ä&[c]", "a~b", "~", r"a\b", "a%20b", "a%"] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = folder.path().join(name).display().to_string();
        let store = Store::open(&Settings { url, ..Settings::default() }).expect("a store");
        let place = store.table("contoso", "users");
        for version in ["0", "1"] {
            put(&place, &table, &named(version)).await.expect("a version");
        }
        let log = folder.path().join(name).join("contoso/users/_delta_log");
        let commits = std::fs::read_dir(log).expect("the log").count();
        assert_eq!(commits, 2, "{name}");
        let first = place.snapshot(Which::Number(0)).await.expect("a version");
        let rows = read(&first, &table).await;
        assert!(rows.len() == 3 && rows.iter().all(|row| row["displayName"] == "0"), "{name}");
        assert_eq!(place.prove(&table).await.expect("a proof").findings, [], "{name}");
    }
}

#[test]
fn a_name_that_would_be_read_as_another_is_refused() {
    let url = "s3://kept/a%2520b".to_owned();
    let refused = Store::open(&Settings { url, ..Settings::default() });
    let refused = refused.expect_err("no name for a store");
    assert_eq!(refused.kind(), Kind::Invalid);
    let said = std::error::Error::source(&refused).expect("a reason").to_string();
    assert_eq!(said, "a `%` in it would be read as the beginning of another character");
}
