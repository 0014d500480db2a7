//! A store that fails, or a load that is stopped, where another engine has changed the table.

use std::fs;
use std::path::Path;

use entra_flight::error::{Kind, Report};
use entra_flight::ops::{How, UnderWay, load};
use entra_flight::query::Connection;
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{Draft, Error, Method, Touched, Which};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::failing::Calls;
use super::foreign::commit;
use super::loads::Loader;
use super::{Shelf, draft, two};
use crate::clients::script;
use crate::house::House;

/// A loader into this folder whose calls are counted.
fn loader(tenant: &Tenant, folder: &TempDir, calls: &Calls) -> Loader {
    let house = House::stored(tenant.clone(), Some(calls.store(folder)));
    let connection = house.engine.namespace().connection(None).expect("one").as_ref().clone();
    Loader { house, connection }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|it| it.expect("an entry")) {
        let to = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("room")),
        }
    }
}

/// The files that a commit adds.
fn added(log: &Path, version: u64) -> Vec<Value> {
    let text = fs::read_to_string(log.join(format!("{version:020}.json"))).expect("a commit");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter_map(|mut line| line.get_mut("add").map(Value::take)).collect()
}

/// A table of which another engine has overwritten the newest version with the rows of the one before,
/// in a file of its own.
async fn overwritten(tenant: &Tenant) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = loader(tenant, &folder, &Calls::new());
    loader.load("users", Method::FullLoad).await.expect("the first version");
    tenant.churn();
    loader.load("users", Method::FullLoad).await.expect("the second version");
    let table = folder.path().join("contoso/users");
    let log = table.join("_delta_log");
    let (mut old, new) = (added(&log, 0), added(&log, 1));
    let mut actions = vec![json!({ "commitInfo": { "operation": "WRITE", "timestamp": 1 } })];
    for (at, file) in old.iter_mut().enumerate() {
        let path = file["path"].as_str().expect("a path").to_owned();
        let name = format!("part-{at:05}-c000.parquet");
        fs::copy(table.join(path), table.join(&name)).expect("room");
        file["path"] = name.into();
        actions.push(json!({ "add": file }));
    }
    for file in &new {
        let remove = json!({ "path": file["path"], "dataChange": true, "deletionTimestamp": 1 });
        actions.push(json!({ "remove": remove }));
    }
    commit(&log, &actions);
    folder
}

async fn is_sound(connection: &Connection, loader: &Loader) {
    let table = loader.table("users");
    let place = connection.stored(&table).expect("a store");
    let proof = place.prove(&table).await.expect("a proof");
    assert_eq!(proof.findings, []);
    // Nothing that was written for the comparison alone stays.
    let folder = place.folder().expect("a folder");
    let names = fs::read_dir(folder).expect("a folder");
    let names = names.map(|it| it.expect("an entry").file_name().display().to_string());
    let left: Vec<_> = names.filter(|name| name.contains("-base")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_behind_another_engine_may_fail_at_any_call() {
    let tenant = Tenant::seed(7).users(40).unthrottled().start();
    let template = overwritten(&tenant).await;
    let mut failures = 0;
    for call in 1.. {
        let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
        copy(template.path(), folder.path());
        let loader = loader(&tenant, &folder, &calls);
        let table = loader.table("users");
        let how = How::new(Method::ReloadAndCompare);
        calls.fail(call);
        let ended = load(&loader.connection, &table, &how, &UnderWay::default()).await;
        let reached = calls.end();
        let version = match ended {
            Ok(loaded) => loaded,
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unavailable, "call {call}: {error:?}");
                failures += 1;
                let again = loader.load("users", Method::ReloadAndCompare).await;
                again.unwrap_or_else(|error| panic!("call {call}: {error}"))
            }
        };
        // A commit that failed and came to be all the same was followed by one without changes.
        let place = loader.connection.stored(&table).expect("a store");
        let first = place.snapshot(Which::Number(3)).await.expect("the version behind it");
        assert_eq!(first.record().touched(), Touched::Rows, "call {call}");
        let changed = first.record().changes.as_ref().is_some_and(|it| it.changed() > 0);
        assert!(changed && version.version >= 3, "call {call}");
        is_sound(&loader.connection, &loader).await;
        if !reached {
            break;
        }
    }
    assert!(failures > 10, "{failures} calls failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vacuum_took_before_it_was_named_never_becomes_a_version() {
    let shelf = Shelf::new();
    shelf.put(&two()).await;
    let mut turn = shelf.place.begin("taken").await.expect("a turn");
    let (files, rest) =
        draft(&shelf.place, &shelf.table, turn.load(), &two()).await.expect("files");
    let written = Draft { files: Some(files), ..rest };
    let folder = shelf.place.folder().expect("a folder").display().to_string();
    script("requirements.txt", "between.py", &["vacuum_full", &folder]).await;
    let gone = shelf.place.commit(&turn, written.clone()).await.expect_err("it was committed");
    assert_eq!(gone.kind(), Kind::Corrupt, "{gone}");
    turn.catch_up(&shelf.place).await.expect("the newest commit");
    let gone = shelf.place.commit(&turn, written).await.expect_err("the files are gone");
    assert!(matches!(gone, Error::Store { .. }), "{gone}");
    let said = Report::new(&gone, gone.hint()).to_string();
    assert!(said.contains("could not find `load-taken-") && said.contains("VACUUM"), "{said}");
    assert_eq!(shelf.place.snapshot(Which::Latest).await.expect("a version").version(), 0);
}
