//! A store that fails: at every call, once.

use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::ops::{self, How, UnderWay};
use entra_flight::query::{Listed, Name, STORED};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{Error, Keep, Method, Which};
use serde_json::json;
use tempfile::TempDir;

use super::failing::Calls;
use super::loads::Loader;
use super::{Rows, named, put, read, users};
use crate::house::House;

/// How many files of loads a folder has, whole ones or not.
fn files(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).expect("the folder").filter(|file| {
        let name = file.as_ref().expect("a file").file_name();
        name.to_string_lossy().starts_with("load-")
    });
    files.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_at_any_call_keeps_whole_versions() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    let place = calls.store(&folder).table("contoso", "users");
    let table = users();
    put(&place, &table, &named("0")).await.expect("the first version");
    let (mut expected, mut failures) = ("0".to_owned(), 0);
    for call in 1.. {
        let name = call.to_string();
        calls.fail(call);
        let ended = put(&place, &table, &named(&name)).await;
        let reached = calls.end();
        match ended {
            Ok(_) => expected = name,
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unavailable, "call {call}: {error:?}");
                failures += 1;
            }
        }
        let newest = place.snapshot(Which::Latest).await.expect("a version");
        let rows = read(&newest, &table).await;
        assert_eq!(rows.len(), 3, "call {call}");
        let names: Vec<_> = rows.iter().map(|row| row["displayName"].as_str().unwrap()).collect();
        assert_eq!(names, [&expected; 3], "call {call}");
        if !reached {
            break;
        }
    }
    assert!(failures > 5, "{failures} calls failed");
    // What failed loads left is cleared away by the next.
    put(&place, &table, &named("last")).await.expect("a load");
    let versions = place.versions().await.expect("versions").len();
    assert_eq!(files(place.folder().expect("a folder")), versions, "a file a version");
}

/// Rows that fill a file of many parts: nothing makes them smaller.
fn large(name: &str) -> Rows {
    let noise = |seed: u64| {
        let mut state = seed;
        let mut digit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + (state >> 58) as u8)
        };
        (0..1 << 20).map(|_| digit()).collect::<String>()
    };
    let user = |id: u64| {
        let user = json!({ "id": id.to_string(), "displayName": name, "aboutMe": noise(id) });
        (id.to_string(), user)
    };
    (1..=9).map(user).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_that_fails_at_any_part_leaves_nothing() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    let place = calls.store(&folder).table("contoso", "users");
    let table = users();
    for call in 1.. {
        calls.fail(call);
        let ended = put(&place, &table, &large("x")).await;
        let reached = calls.end();
        if let Err(error) = &ended {
            assert_eq!(error.kind(), Kind::Unavailable, "call {call}: {error:?}");
        }
        if !reached {
            break;
        }
    }
    put(&place, &table, &named("last")).await.expect("a load");
    let versions = place.versions().await.expect("versions").len();
    assert_eq!(files(place.folder().expect("a folder")), versions, "a file a version");
    assert_eq!(place.prove(&table).await.expect("a proof").findings, []);
}

/// Loads from a tenant after so many rounds of changes, through a store whose calls are counted.
fn loader(rounds: u32, folder: &TempDir, calls: &Calls) -> Loader {
    let tenant = Tenant::seed(7).users(40).unthrottled().start();
    for _ in 0..rounds {
        tenant.churn();
    }
    let house = House::stored(tenant, Some(calls.store(folder)));
    let connection = house.engine.namespace().connection(None).expect("one").as_ref().clone();
    Loader { house, connection }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparing_load_that_fails_at_any_call_tells_each_change_once() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    let loaders = [0, 1].map(|rounds| loader(rounds, &folder, &calls));
    let table = loaders[0].table("users");
    let how = How::new(Method::ReloadAndCompare);
    loaders[0].load("users", Method::FullLoad).await.expect("the first version");
    let mut versions = 1;
    let (mut failures, mut changed) = (0, 0);
    for call in 1.. {
        // Each load finds other rows than the one that became the newest version.
        let Loader { connection, .. } = &loaders[versions % 2];
        calls.fail(call);
        let ended = ops::load(connection, &table, &how, &UnderWay::default()).await;
        let reached = calls.end();
        match ended {
            Ok(loaded) => {
                changed += u64::from(loaded.record.changes.is_some_and(|it| it.changed() > 0));
                versions += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unavailable, "call {call}: {error:?}");
                failures += 1;
            }
        }
        if !reached {
            break;
        }
    }
    assert!(failures > 10 && changed > 0, "{failures} failed, {changed} of {versions} changed");
    let place = loaders[0].connection.stored(&table).expect("a store");
    assert_eq!(place.versions().await.expect("versions").len(), versions);
    let proof = place.prove(&table).await.expect("a proof");
    assert_eq!((proof.versions, proof.findings), (versions as u64, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_begins_while_a_commit_that_was_left_alone_may_still_come() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    let place = calls.store(&folder).table("contoso", "users");
    let table = users();
    put(&place, &table, &named("0")).await.expect("the first version");
    let commits = calls.commits.available_permits() as u32;
    let held = calls.commits.clone().acquire_many_owned(commits).await.expect("never closed");
    let (of, with) = (place.clone(), table.clone());
    let load = tokio::spawn(async move { put(&of, &with, &named("1")).await });
    // Until it waits for its commit alone.
    while calls.waiting() == 0 {
        clock::sleep(Duration::from_millis(5)).await;
    }
    load.abort();
    assert!(load.await.expect_err("it was left alone").is_cancelled());
    let begun = place.begin("next").await.expect_err("it may still come");
    assert!(matches!(begun, Error::UnderWay { .. }), "{begun}");
    drop(held);
    let turn = loop {
        match place.begin("next").await {
            Ok(turn) => break turn,
            Err(Error::UnderWay { .. }) => clock::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(turn.base(), Some(1));
    drop(turn);
    assert_eq!(place.prove(&table).await.expect("a proof").findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_that_fails_at_any_call_keeps_what_is_kept() {
    let calls = Calls::new();
    let mut failures = 0;
    for call in 1.. {
        let folder = tempfile::tempdir().expect("a folder");
        let place = calls.store(&folder).table("contoso", "users");
        let table = users();
        for version in 0..4 {
            put(&place, &table, &named(&version.to_string())).await.expect("a version");
        }
        let keep = Keep { newer_than: Duration::ZERO, newest: 2 };
        let turn = place.begin("expiry").await.expect("a turn");
        calls.fail(call);
        let ended = place.expire(&turn, &keep, Utc::now()).await;
        let reached = calls.end();
        if let Err(error) = &ended {
            assert_eq!(error.kind(), Kind::Unavailable, "call {call}: {error:?}");
            failures += 1;
        }
        drop(turn);
        // Whatever is listed can be read, and the newest two are.
        let numbers: Vec<u64> =
            place.versions().await.expect("versions").iter().map(|it| it.version).collect();
        assert!(numbers.ends_with(&[2, 3]), "call {call}: {numbers:?}");
        for number in numbers {
            let version = place.snapshot(Which::Number(number)).await.expect("a version");
            let rows = read(&version, &table).await;
            let name = number.to_string();
            assert!(rows.iter().all(|row| row["displayName"] == *name), "{rows:?}");
        }
        put(&place, &table, &named("4")).await.expect("the next load");
        let proof = place.prove(&table).await.expect("a proof");
        assert_eq!(proof.findings, [], "call {call}");
        if !reached {
            break;
        }
    }
    assert!(failures > 5, "{failures} calls failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_tables_reads_what_is_new_of_those_that_fit() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    let load = async |users: u64| {
        let loader = Loader::of(Tenant::seed(7).users(users).start(), &folder);
        loader.load("users", Method::Reload).await.expect("a load");
    };
    load(300).await;
    let house = House::stored(Tenant::seed(7).users(10).start(), Some(calls.store(&folder)));
    let tables = house.engine.namespace().connection(None).expect("one").catalog.tables().len();
    let tables = i64::try_from(tables).expect("a few");
    // The versions, rows and columns of the tables listed, and how many calls that took.
    let list = async |table: &str| {
        calls.end();
        let is = |name: &Name| table == "*" || *name.name == *table;
        let found = house.engine.list(|name| name.schema == STORED && is(name)).await;
        let told = |it: &Listed| (it.version, it.rows, it.columns.fields().len());
        let found: Vec<_> = found.expect("a list").iter().map(told).collect();
        (found, calls.made())
    };
    let (first, made) = list("*").await;
    assert!(matches!(&*first, [(Some(0), Some(300), _)]), "{first:?}");
    assert!(made > tables, "{made} calls");
    assert_eq!(list("*").await, (first.clone(), tables), "each log is listed");
    assert_eq!(list("users").await, (first, 1), "one log is listed");
    assert_eq!(list("groups").await, (vec![], 1));
    assert_eq!(list("nothing").await, (vec![], 0));
    load(320).await;
    let (second, made) = list("users").await;
    assert!(matches!(&*second, [(Some(1), Some(320), _)]), "{second:?}");
    assert!(made > 1, "{made} calls");
}
