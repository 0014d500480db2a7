//! What is stored is what was given, and what is compared is what differs.

use std::collections::{BTreeMap, BTreeSet};

use entra_flight::catalog::CHANGED_COLUMNS;
use entra_flight::error::Kind;
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{
    self, Counts, Error, Method, Settings, Snapshot, Store, Which, compare, count,
};
use futures::{StreamExt as _, TryStreamExt as _};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::loads::Loader;
use super::{Rows, Shelf, json as lines, put, read, two, users};

/// The columns in which random rows differ: one of each kind that users have.
fn user() -> impl Strategy<Value = Map<String, Value>> {
    let text = || option::of("[a-z\\\\\"é🎉]{0,4}");
    let licence = ("[ab]", vec("[xy]", 0..3)).prop_map(|(sku, mut plans)| {
        plans.sort();
        plans.dedup();
        json!({ "skuId": sku, "disabledPlans": plans })
    });
    let times = prop::sample::select(vec!["0001-01-01T00:00:00Z", "2026-11-01T02:03:04.567891Z"]);
    let parts = (
        text(),
        option::of(any::<bool>()),
        option::of(times),
        option::of(vec(licence, 0..3)),
        option::of(vec("[0-9]{1,3}", 0..3)),
        option::of((text(), text())),
        option::of(0_i64..3),
    );
    parts.prop_map(|(name, enabled, created, licences, phones, organisation, extra)| {
        let organisation = organisation
            .map(|(division, centre)| json!({ "division": division, "costCenter": centre }));
        let members = [
            ("displayName", name.map(Value::from)),
            ("accountEnabled", enabled.map(Value::from)),
            ("createdDateTime", created.map(Value::from)),
            ("assignedLicenses", licences.map(Value::from)),
            ("businessPhones", phones.map(Value::from)),
            ("employeeOrgData", organisation),
            ("somethingNew", extra.map(Value::from)),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn rows() -> impl Strategy<Value = Rows> {
    btree_map("[a-d]{1,2}", user(), 0..12).prop_map(|users| {
        users
            .into_iter()
            .map(|(id, mut user)| {
                user.insert("id".to_owned(), id.clone().into());
                (id, Value::Object(user))
            })
            .collect()
    })
}

/// What differs, found the simple way.
fn naive(old: &Rows, new: &Rows) -> Counts {
    let mut counts = Counts::default();
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        match (old.get(key), new.get(key)) {
            (None, _) => counts.inserted += 1,
            (_, None) => counts.deleted += 1,
            (Some(before), Some(after)) => {
                let differ = differ(before, after);
                counts.updated += u64::from(!differ.is_empty());
                counts.unchanged += u64::from(differ.is_empty());
                for column in differ {
                    *counts.columns.entry(column).or_default() += 1;
                }
            }
        }
    }
    counts
}

fn differ(before: &Value, after: &Value) -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    let names = before.as_object().into_iter().chain(after.as_object()).flat_map(Map::keys);
    for name in names {
        if canonical(name, &before[name]) != canonical(name, &after[name]) {
            let column = if name == "somethingNew" { "_extra" } else { name };
            columns.insert(column.to_owned());
        }
    }
    columns
}

/// Licences have no order.
fn canonical(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if let ("assignedLicenses", Some(items)) = (name, value.as_array_mut()) {
        items.sort_by_key(ToString::to_string);
    }
    value
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new();
    runtime.expect("a runtime").block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_compared_makes_one_version_of_the_other(old in rows(), new in rows()) {
        on_runtime(async {
            let shelf = Shelf::new();
            let (first, second) = (shelf.put(&old).await, shelf.put(&new).await);
            let (before, after) = (shelf.version(first).await, shelf.version(second).await);
            let stored = read(&after, &shelf.table).await;
            assert_eq!(stored.len(), new.len());

            let mut compared = compare(&before, &after, &shelf.table);
            let batches: Vec<_> = compared.batches.by_ref().try_collect().await.expect("changes");
            assert_eq!(compared.counts(), naive(&old, &new));
            let counted = count(&before, &after, &shelf.table).await.expect("counts");
            assert_eq!(counted, naive(&old, &new));

            let by_id = |rows: Vec<Value>| -> BTreeMap<String, Value> {
                rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
            };
            let mut applied = by_id(read(&before, &shelf.table).await);
            for change in lines(&batches) {
                let id = change["id"].as_str().expect("a key").to_owned();
                let kind = change["_change_type"].as_str().expect("a kind").to_owned();
                let mut row = change.clone();
                let members = row.as_object_mut().expect("an object");
                members.retain(|name, _| {
                    !["_change_type", "_commit_version", "_commit_timestamp", CHANGED_COLUMNS]
                        .contains(&name.as_str())
                });
                match kind.as_str() {
                    "insert" => assert!(applied.insert(id, row).is_none()),
                    "delete" => assert_eq!(applied.remove(&id), Some(row)),
                    "update_preimage" => assert_eq!(applied.get(&id), Some(&row)),
                    _ => assert!(applied.insert(id, row).is_some()),
                }
            }
            // Rows that differ only in what does not count keep their older form.
            let stored = by_id(stored);
            assert_eq!(applied.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
            for (id, row) in &stored {
                assert_eq!(differ(&applied[id], row), BTreeSet::new());
            }

            let mut same = compare(&after, &after, &shelf.table);
            let none: Vec<_> = same.batches.by_ref().try_collect().await.expect("changes");
            assert_eq!((lines(&none).len(), same.counts().unchanged), (0, new.len() as u64));
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_differ_in_columns_nobody_expected_are_counted_too() {
    let shelf = Shelf::new();
    let row = |n: usize, name: &str, value: &str| {
        let mut row = json!({ "id": format!("{n:04}"), "displayName": "x", "jobTitle": "x" });
        row[name] = value.into();
        (format!("{n:04}"), row)
    };
    let old: Rows = (0..900).map(|n| row(n, "city", "x")).collect();
    // The first rows differ in their department alone; of the others some also elsewhere, some only
    // elsewhere, and some not at all.
    let mut new = old.clone();
    for (n, row) in new.values_mut().enumerate() {
        match (n, n % 5) {
            (0..300, _) | (_, 0) => row["department"] = "y".into(),
            (_, 1) => row["jobTitle"] = "y".into(),
            (_, 2) => {
                row["department"] = "y".into();
                row["displayName"] = "y".into();
            }
            _ => {}
        }
    }
    let (first, second) = (shelf.put(&old).await, shelf.put(&new).await);
    let (before, after) = (shelf.version(first).await, shelf.version(second).await);
    let counted = count(&before, &after, &shelf.table).await.expect("counts");
    assert_eq!(counted, naive(&old, &new));
    assert_eq!((counted.updated, counted.columns["jobTitle"]), (660, 120));
}

#[tokio::test]
async fn versions_are_found_by_number_and_by_word() {
    let shelf = Shelf::new();
    let missing = shelf.place.snapshot(Which::Latest).await.expect_err("nothing is stored");
    assert_eq!(missing.kind(), Kind::NotFound);
    assert!(shelf.place.try_snapshot(Which::Latest).await.expect("an answer").is_none());
    shelf.put(&two()).await;
    shelf.put(&Rows::new()).await;
    let latest = shelf.place.snapshot(Which::Latest).await.expect("the newest");
    assert_eq!((latest.version(), latest.rows()), (1, 0));
    let before = shelf.place.before(&latest).await.expect("the one before");
    assert_eq!((before.version(), before.rows()), (0, 2));
    let late = shelf.place.snapshot(Which::Number(7)).await.expect_err("no such version");
    assert_eq!(late.to_string(), "`contoso/users` has no version 7; it has 0 to 1");
}

#[tokio::test]
async fn of_two_loads_one_begins_and_the_other_is_told() {
    let shelf = Shelf::new();
    let turn = shelf.place.begin("first").await.expect("the first begins");
    let second = shelf.place.begin("second").await.expect_err("one at a time");
    assert!(matches!(second, Error::UnderWay { .. }), "{second}");
    drop(turn);
    shelf.place.begin("third").await.expect("the turn is free again");
}

#[tokio::test]
async fn of_two_commits_onto_one_version_the_second_fails() {
    // Where there are no locks.
    let memory = Settings { url: "memory:///".to_owned(), ..Settings::default() };
    let place = Store::open(&memory).expect("a store").table("contoso", "users");
    let turn = place.begin("late").await.expect("a turn");
    let (files, draft) = super::draft(&place, &users(), "late", &two()).await.expect("files");
    put(&place, &users(), &two()).await.expect("the first wins");
    let late = super::Draft { files: Some(files), ..draft };
    let error = place.commit(&turn, late).await.expect_err("the second does not");
    assert!(matches!(error, Error::Raced { .. }), "{error}");
    assert_eq!(place.versions().await.expect("versions").len(), 1);
}

#[tokio::test]
async fn parts_together_hold_each_row_once() {
    let shelf = Shelf::new();
    let all = [["a", "b"], ["c", "d"], ["e", "f"]];
    let row = |id: &str| (id.to_owned(), json!({ "id": id }));
    let parts = all.map(|ids| ids.map(row).into_iter().collect());
    let version = super::put_in_files(&shelf.place, &shelf.table, &parts).await;
    let snapshot = shelf.version(version).await;
    let mut found = Vec::new();
    for part in 0..snapshot.parts() {
        let schema = shelf.table.schema.clone();
        let batches: Vec<_> =
            snapshot.read(schema, Some(part), None).try_collect().await.expect("rows");
        found.extend(lines(&batches).into_iter().map(|row| row["id"].clone()));
    }
    assert_eq!((snapshot.parts(), found), (3, all.concat().into_iter().map(Value::from).collect()));
}

#[tokio::test]
async fn a_store_that_is_not_sound_is_told_of() {
    let shelf = Shelf::new();
    for rows in [two(), Rows::new(), two()] {
        shelf.put(&rows).await;
    }
    let sound = shelf.place.prove(&shelf.table).await.expect("a proof");
    assert_eq!((sound.versions, sound.rows, sound.findings), (3, 4, vec![]));
    let path = |version: &Snapshot| {
        let file = &version.files().list()[0];
        shelf.place.folder().expect("a folder").join(&file.path)
    };
    let (first, last) = (shelf.version(0).await, shelf.version(2).await);
    std::fs::remove_file(path(&first)).expect("the file was there");
    std::fs::write(path(&last), b"short").expect("the file can be written");
    let proof = shelf.place.prove(&shelf.table).await.expect("a proof");
    let said: Vec<_> = proof.findings.iter().map(|it| (it.version, it.what.as_str())).collect();
    assert!(said.iter().any(|(version, what)| *version == 0 && what.contains("cannot be found")));
    assert!(said.contains(&(0, "its files hold 0 rows, its load 2")), "{said:?}");
    assert!(said.iter().any(|(version, what)| *version == 2 && what.contains("has 5 bytes")));
    assert!(said.iter().all(|(version, _)| *version != 1), "{said:?}");
}

#[tokio::test]
async fn a_feed_or_a_hash_that_is_wrong_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let loaders = [0, 1].map(|rounds| {
        let tenant = Tenant::seed(7).users(60).unthrottled().start();
        (0..rounds).for_each(|_| drop(tenant.churn()));
        Loader::of(tenant, &folder)
    });
    for loader in &loaders {
        loader.load("users", Method::ReloadAndCompare).await.expect("a load");
    }
    let table = loaders[0].table("users");
    let place = loaders[0].connection.stored(&table).expect("a store");
    let findings = async || {
        let proof = place.prove(&table).await.expect("a proof");
        proof.findings.into_iter().map(|it| (it.version, it.what)).collect::<Vec<_>>()
    };
    assert_eq!(findings().await, []);
    let log = place.folder().expect("a folder").join("_delta_log");
    let commit = log.join("00000000000000000001.json");
    let whole = std::fs::read_to_string(&commit).expect("a commit");
    // Its feed is there, and the commit does not name it.
    let without: Vec<&str> = whole.lines().filter(|line| !line.contains("\"cdc\"")).collect();
    std::fs::write(&commit, without.join("\n")).expect("it can be written");
    let said = "its feed tells of other changes than its load".to_owned();
    assert_eq!(findings().await, [(1, said)]);
    // Rows said to be hashed in today's way, and were not.
    let first = std::fs::read_to_string(log.join("00000000000000000000.json")).expect("a commit");
    let mut other = table.as_ref().clone();
    for column in &mut other.columns {
        column.unordered = !column.unordered;
    }
    let (now, then) = (snapshot::hashing(&table), snapshot::hashing(&other));
    std::fs::write(&commit, &whole).expect("it can be written");
    std::fs::write(log.join("00000000000000000000.json"), first.replace(&now, &then)).expect("too");
    let other = place.prove(&other).await.expect("a proof");
    assert!(other.findings.iter().any(|it| it.version == 0 && it.what.contains("hash of others")));
    // A commit that cannot be read is one finding, and the others are looked at.
    std::fs::write(&commit, "{").expect("it can be written");
    let said = findings().await;
    assert!(matches!(&*said, [(1, _)]), "{said:?}");
}
