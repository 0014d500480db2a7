//! What a table is changes with the program; what is stored stays what it was.

use std::sync::Arc;

use arrow::datatypes::Schema;
use entra_flight::catalog::{Column, Table, Type};
use entra_flight::error::Kind;
use entra_flight::ops::{self, How, Loaded, UnderWay};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{Counts, Method, Which};
use futures::TryStreamExt as _;
use serde_json::Value;
use tempfile::TempDir;

use super::loads::Loader;

struct Upgraded {
    loader: Loader,
    folder: TempDir,
}

impl Upgraded {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let loader = Loader::of(Tenant::seed(7).users(60).start(), &folder);
        Upgraded { loader, folder }
    }

    /// Loads and compares users as a program would whose users are these.
    async fn load(&self, table: &Arc<Table>) -> Result<Loaded, ops::Error> {
        let how = How::new(Method::ReloadAndCompare);
        ops::load(&self.loader.connection, table, &how, &UnderWay::default()).await
    }

    /// The same, whose changes are wanted.
    async fn changes(&self, table: &Arc<Table>) -> Counts {
        self.load(table).await.expect("a load").record.changes.expect("it compared")
    }

    /// What the commit of a version says of its files: whether their rows are a change.
    fn changed(&self, version: u64) -> Vec<bool> {
        let log = self.folder.path().join("contoso/users/_delta_log");
        let commit = std::fs::read_to_string(log.join(format!("{version:020}.json")));
        let lines = commit.expect("a commit");
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let said = |line: Value| {
            ["add", "remove"].iter().find_map(|action| line[action]["dataChange"].as_bool())
        };
        lines.filter_map(said).collect()
    }

    async fn is_sound(&self, table: &Arc<Table>) {
        let place = self.loader.connection.stored(table).expect("a store");
        let proof = place.prove(table).await.expect("a proof");
        assert_eq!(proof.findings, []);
    }
}

/// The users, some of whose columns are others.
fn users(loader: &Loader, change: impl FnOnce(&mut Vec<Column>)) -> Arc<Table> {
    let mut table = loader.table("users").as_ref().clone();
    change(&mut table.columns);
    let fields: Vec<_> = table.columns.iter().map(Column::field).collect();
    table.schema = Arc::new(Schema::new_with_metadata(fields, table.schema.metadata().clone()));
    Arc::new(table)
}

fn named<'a>(columns: &'a mut [Column], name: &str) -> &'a mut Column {
    columns.iter_mut().find(|column| &*column.name == name).expect("the column")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_hashed_in_another_way_are_no_changes() {
    let house = Upgraded::new();
    let before = house.loader.table("users");
    house.load(&before).await.expect("a load");
    let now = users(&house.loader, |columns| named(columns, "businessPhones").unordered = true);
    for version in 1..4 {
        let changes = house.changes(&now).await;
        assert_eq!((changes.changed(), changes.unchanged), (0, 60), "version {version}");
    }
    // Their files are written anew once, and stay from then on.
    assert_eq!(house.changed(1), [false, false]);
    assert_eq!((house.changed(2), house.changed(3)), (vec![], vec![]));
    house.is_sound(&now).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_comes_or_goes_changes_no_row() {
    let house = Upgraded::new();
    let whole = house.loader.table("users");
    let fewer = users(&house.loader, |columns| columns.retain(|it| &*it.name != "department"));
    house.load(&whole).await.expect("a load");
    assert_eq!(house.changes(&fewer).await.changed(), 0);
    assert_eq!(house.changed(1), [false, false]);
    // It was null meanwhile, and has values again.
    let again = house.changes(&whole).await;
    assert_eq!((again.inserted, again.deleted), (0, 0));
    assert!(again.updated > 0 && again.columns.keys().eq(["department"]), "{again:?}");
    house.is_sound(&whole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_changes_is_compared_by_value() {
    let house = Upgraded::new();
    let text = users(&house.loader, |columns| named(columns, "createdDateTime").ty = Type::Text);
    house.load(&text).await.expect("a load");
    let now = house.loader.table("users");
    let refused = house.load(&now).await.expect_err("text does not become time by itself");
    assert_eq!(refused.kind(), Kind::Invalid);
    let how = How::new(Method::FullLoad);
    let replaced = ops::load(&house.loader.connection, &now, &how, &UnderWay::default()).await;
    assert_eq!(replaced.expect("a full load").version, 1);
    let place = house.loader.connection.stored(&now).expect("a store");
    let old = place.snapshot(Which::Number(0)).await.expect("the older");
    let new = place.snapshot(Which::Latest).await.expect("the newer");
    let counts = entra_flight::snapshot::count(&old, &new, &now).await.expect("counts");
    assert_eq!((counts.changed(), counts.unchanged), (0, 60), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_told_apart_by_another_key_are_not_compared() {
    let house = Upgraded::new();
    let before = house.loader.table("users");
    house.load(&before).await.expect("a load");
    let mut now = before.as_ref().clone();
    now.key = vec!["userPrincipalName".into()];
    let now = Arc::new(now);
    let refused = house.load(&now).await.expect_err("another key");
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(refused.hint().is_some_and(|hint| hint.contains("full_load")), "{refused}");
    let how = How::new(Method::FullLoad);
    ops::load(&house.loader.connection, &now, &how, &UnderWay::default()).await.expect("replaced");
    assert_eq!(house.changes(&now).await.changed(), 0);
    house.is_sound(&now).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_of_an_older_key_are_counted_as_they_are_compared() {
    let house = Upgraded::new();
    let before = house.loader.table("users");
    house.load(&before).await.expect("a load");
    for _ in 0..5 {
        house.loader.house.tenant.churn();
    }
    house.load(&before).await.expect("a load");
    let mut now = before.as_ref().clone();
    now.key = vec!["userPrincipalName".into()];
    let place = house.loader.connection.stored(&before).expect("a store");
    let old = place.snapshot(Which::Number(0)).await.expect("the older");
    let new = place.snapshot(Which::Latest).await.expect("the newer");
    let counts = entra_flight::snapshot::count(&old, &new, &now).await.expect("counts");
    let mut compared = entra_flight::snapshot::compare(&old, &new, &now);
    while compared.batches.try_next().await.expect("changes").is_some() {}
    assert_eq!(counts, compared.counts());
    assert!(counts.columns.contains_key("userPrincipalName"), "{counts:?}");
}
