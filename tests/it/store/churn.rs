//! Thirty rounds of changes, loaded one by one: the feed says what happened, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use entra_flight::query::{Of, Request, Version};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{Method, Which};
use serde_json::Value;

use super::json;
use super::loads::Loader;

const ROUNDS: u64 = 30;

/// Rows by their key.
pub(super) type Rows = BTreeMap<Vec<String>, Value>;

/// Changes of one round: inserted, deleted, and updated keys with the columns that differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Feed {
    inserted: BTreeSet<Vec<String>>,
    deleted: BTreeSet<Vec<String>>,
    updated: BTreeMap<Vec<String>, BTreeSet<String>>,
}

pub(super) fn key(row: &Value, columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| row[column].as_str().expect("a key").to_owned()).collect()
}

/// A row of changes without what is said of the change.
fn bare(row: &Value) -> Value {
    let mut row = row.clone();
    let members = row.as_object_mut().expect("an object");
    for column in ["_change_type", "_commit_version", "_commit_timestamp", "_changed_columns"] {
        members.remove(column);
    }
    row
}

/// Applies the changes of a version to the rows of the one before, and sums them up.
pub(super) async fn apply(
    loader: &Loader,
    table: &str,
    key_of: &[&str],
    to: u64,
    rows: &mut Rows,
) -> Feed {
    let of = Of::Changes { from: None, to: Which::Number(to) };
    let changes = Request { of, ..Request::table(table) };
    let mut feed = Feed::default();
    for row in json(&loader.house.read(&changes).await.expect("the changes")) {
        let key = key(&row, key_of);
        assert_eq!(row["_commit_version"], to);
        match row["_change_type"].as_str().expect("a kind") {
            "insert" => {
                assert_eq!(rows.insert(key.clone(), bare(&row)), None, "{key:?} was there");
                assert!(feed.inserted.insert(key));
            }
            "delete" => {
                assert_eq!(rows.remove(&key), Some(bare(&row)), "{key:?} was another");
                assert!(feed.deleted.insert(key));
            }
            "update_preimage" => assert_eq!(rows.get(&key), Some(&bare(&row)), "{key:?}"),
            "update_postimage" => {
                rows.insert(key.clone(), bare(&row));
                let columns = row["_changed_columns"].as_array().expect("columns");
                let columns = columns.iter().map(|it| it.as_str().expect("a name").to_owned());
                assert_eq!(feed.updated.insert(key, columns.collect()), None);
            }
            other => panic!("{other}"),
        }
    }
    feed
}

pub(super) async fn stored(loader: &Loader, table: &str, key_of: &[&str], version: u64) -> Rows {
    let of = Of::Rows(Some(Version::Stored(Which::Number(version))));
    let read = loader.house.read(&Request { of, ..Request::table(table) }).await.expect("rows");
    json(&read).into_iter().map(|row| (key(&row, key_of), row)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_rounds_of_feeds_say_what_happened_and_rebuild_the_newest_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = Tenant::seed(7).users(300).unthrottled().start();
    let loader = Loader::of(tenant.clone(), &folder);
    let (users, members) =
        (("users", ["id"].as_slice()), ("group_members", ["group_id", "id"].as_slice()));
    for (table, _) in [users, members] {
        loader.load(table, Method::ReloadAndCompare).await.expect("the first load");
    }
    let mut in_users = stored(&loader, users.0, users.1, 0).await;
    let mut in_members = stored(&loader, members.0, members.1, 0).await;
    for round in 1..=ROUNDS {
        let churn = tenant.churn();
        for (table, _) in [users, members] {
            let loaded = loader.load(table, Method::ReloadAndCompare).await.expect("a load");
            assert_eq!(loaded.version, round, "{table}");
        }
        let feed = apply(&loader, users.0, users.1, round, &mut in_users).await;
        let ids = |lists: &[&Vec<String>]| -> BTreeSet<Vec<String>> {
            lists.iter().flat_map(|list| list.iter()).map(|id| vec![id.clone()]).collect()
        };
        assert_eq!(feed.inserted, ids(&[&churn.joined, &churn.restored]), "round {round}");
        assert_eq!(feed.deleted, ids(&[&churn.deleted]), "round {round}");
        let touched: BTreeSet<Vec<String>> = feed.updated.keys().cloned().collect();
        assert_eq!(touched, ids(&[&churn.moved, &churn.renamed]), "round {round}");
        for (key, columns) in &feed.updated {
            let moved = churn.moved.contains(&key[0]);
            assert_eq!(columns.contains("department"), moved, "{key:?}: {columns:?}");
            assert_eq!(columns.contains("surname"), !moved, "{key:?}: {columns:?}");
            assert!(!moved || columns.len() == 1, "{key:?}: {columns:?}");
        }
        let feed = apply(&loader, members.0, members.1, round, &mut in_members).await;
        let pairs = |list: &[(String, String)]| -> BTreeSet<Vec<String>> {
            list.iter().map(|(group, member)| vec![group.clone(), member.clone()]).collect()
        };
        assert_eq!(feed.inserted, pairs(&churn.members_added), "round {round}");
        assert_eq!(feed.deleted, pairs(&churn.members_removed), "round {round}");
    }
    assert_eq!(in_users, stored(&loader, users.0, users.1, ROUNDS).await);
    assert_eq!(in_members, stored(&loader, members.0, members.1, ROUNDS).await);
    let connection = loader.connection.clone();
    for (table, _) in [users, members] {
        let proof = connection.stored(&loader.table(table)).expect("a store");
        let proof = proof.prove(&loader.table(table)).await.expect("a proof");
        assert_eq!((proof.versions, proof.findings), (ROUNDS + 1, Vec::new()), "{table}");
    }
}
