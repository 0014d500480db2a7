//! Loads of a simulated tenant.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use entra_flight::catalog::Table;
use entra_flight::error::{Kind, Report};
use entra_flight::ops::{self, How, Loaded, UnderWay, load};
use entra_flight::query::{Connection, Engine, Namespace, Of, Request, Version};
use entra_flight::sim::{Tenant, outage, repeat_link};
use entra_flight::snapshot::{Keep, Method, Which};
use tempfile::TempDir;

use super::{json, store};
use crate::house::{House, rows, texts};

pub struct Loader {
    pub house: House,
    pub connection: Connection,
}

impl Loader {
    /// Loads from this tenant into the store in this folder.
    pub fn of(tenant: Tenant, folder: &TempDir) -> Self {
        let house = House::stored(tenant, Some(store(folder)));
        let connection = house.engine.namespace().connection(None).expect("one").as_ref().clone();
        Loader { house, connection }
    }

    pub fn table(&self, name: &str) -> Arc<Table> {
        self.connection.catalog.table(name).expect("the table").clone()
    }

    pub async fn load(&self, table: &str, method: Method) -> Result<Loaded, ops::Error> {
        let how = How::new(method);
        load(&self.connection, &self.table(table), &how, &UnderWay::default()).await
    }
}

fn tenant(users: u64) -> Tenant {
    Tenant::seed(7).users(users).start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_table_answers_as_the_live_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(tenant(1_500), &folder);
    let connection = loader.house.engine.namespace().connection(None).expect("one").clone();
    for table in connection.catalog.tables() {
        let loaded = loader.load(&table.name, Method::FullLoad).await;
        let loaded = loaded.unwrap_or_else(|error| panic!("{}: {error}", table.name));
        let live = answers(&loader.house, table, Version::Live).await;
        let stored = answers(&loader.house, table, Version::Stored(Which::Latest)).await;
        assert_eq!(loaded.record.rows, live.rows.len() as u64, "{}", table.name);
        let name = &table.name;
        assert_eq!(stored.schema, live.schema, "{name}");
        let differ = live.rows.iter().zip(&stored.rows).find(|(live, stored)| live != stored);
        assert_eq!((differ, live.rows.len()), (None, stored.rows.len()), "{name}");
        let differ = live.some.iter().zip(&stored.some).find(|(live, stored)| live != stored);
        assert_eq!((differ, live.some.len()), (None, stored.some.len()), "{name}: two columns");
        assert_eq!((stored.limited, stored.refused), (live.limited, live.refused), "{name}");
    }
}

/// What a source says to everything that can be asked of it.
struct Answers {
    schema: Option<SchemaRef>,
    /// Every row as text, in the order of the text.
    rows: Vec<String>,
    /// The same of the last declared and the first column alone, in this order. What is undeclared
    /// depends on the columns that Graph is asked for.
    some: Vec<String>,
    /// How many rows come where so many are wanted.
    limited: Vec<usize>,
    /// How an unknown column is refused.
    refused: String,
}

async fn answers(house: &House, table: &Table, version: Version) -> Answers {
    let all = Request { of: Of::Rows(Some(version)), ..Request::table(&*table.name) };
    let sorted = |batches: &[RecordBatch]| {
        let mut rows: Vec<String> = json(batches).iter().map(ToString::to_string).collect();
        rows.sort();
        rows
    };
    let whole = house.read(&all).await.expect("the rows");
    let shown = table.columns.iter().filter(|column| !column.on_request);
    let names: Vec<String> = shown.map(|column| column.name.to_string()).collect();
    let ends = [names.iter().rev().nth(1), names.first()].into_iter().flatten().cloned().collect();
    let some = Request { columns: Some(ends), ..all.clone() };
    let some = house.read(&some).await.expect("two columns");
    let mut limited = Vec::new();
    for limit in [0, 1, 7, 1_000_000] {
        let request = Request { limit: Some(limit), ..all.clone() };
        limited.push(rows(&house.read(&request).await.expect("some rows")));
    }
    let unknown = Request { columns: Some(vec!["nothing".to_owned()]), ..all };
    let refused = house.read(&unknown).await.expect_err("there is no such column").to_string();
    Answers {
        schema: whole.first().map(RecordBatch::schema),
        rows: sorted(&whole),
        some: sorted(&some),
        limited,
        refused,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_tells_what_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let few = Loader::of(tenant(300), &folder);
    let first = few.load("users", Method::ReloadAndCompare).await.expect("the first load");
    assert_eq!((first.version, first.record.changes), (0, None));
    let again = few.load("users", Method::ReloadAndCompare).await.expect("the second load");
    let changes = again.record.changes.expect("it compared");
    assert_eq!((changes.changed(), changes.unchanged), (0, 300));
    let more = Loader::of(tenant(310), &folder);
    let grown = more.load("users", Method::ReloadAndCompare).await.expect("the third load");
    let changes = grown.record.changes.expect("it compared");
    assert_eq!((changes.inserted, changes.deleted), (10, 0), "{changes:?}");

    let users = more.table("users");
    let proof = more.connection.stored(&users).expect("a store").prove(&users).await;
    let proof = proof.expect("a proof");
    assert_eq!((proof.versions, proof.rows, proof.findings), (3, 910, vec![]));

    let request = Request {
        of: Of::Changes { from: Some(Which::Number(0)), to: Which::Latest },
        ..Request::table("users")
    };
    let told = more.house.read(&request).await.expect("the changes");
    let kinds = texts(&told, "_change_type");
    let inserted = kinds.iter().filter(|kind| kind.as_deref() == Some("insert")).count();
    assert_eq!(inserted, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graph_is_asked_for_its_count_where_it_has_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(tenant(130), &folder);
    let how = How { count: true, ..How::new(Method::Reload) };
    for (table, counted) in [("users", Some(130)), ("groups", Some(31)), ("domains", None)] {
        let table = loader.table(table);
        let loaded = load(&loader.connection, &table, &how, &UnderWay::default()).await;
        assert_eq!(loaded.expect("a load").record.counted, counted, "{}", table.name);
    }
    let unasked = loader.load("users", Method::Reload).await.expect("a load");
    assert_eq!(unasked.record.counted, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_expire_after_each_load_where_the_settings_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut loader = Loader::of(tenant(30), &folder);
    loader.connection.keep = Some(Keep { newer_than: Duration::ZERO, newest: 2 });
    for _ in 0..4 {
        loader.load("users", Method::Reload).await.expect("a load");
    }
    let place = loader.connection.stored(&loader.table("users")).expect("a store");
    let versions = place.versions().await.expect("versions");
    assert_eq!(versions.iter().map(|entry| entry.version).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_lost_most_of_its_rows_is_held_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let many = Loader::of(tenant(300), &folder);
    many.load("users", Method::Reload).await.expect("the first load");
    let few = Loader::of(tenant(100), &folder);
    for method in Method::ALL {
        let error = few.load("users", method).await.expect_err("too many are gone");
        assert_eq!(error.kind(), Kind::Corrupt);
        assert_eq!(
            Report::new(&error, error.hint()).to_string(),
            "`users` had 300 rows and now has 100 of them; the load was held back\n  \
             hint: look whether the rows are really gone, then load with `--accept`"
        );
    }
    let accepted = How { accept: true, ..How::new(Method::ReloadAndCompare) };
    let users = few.table("users");
    let loaded = load(&few.connection, &users, &accepted, &UnderWay::default()).await;
    let changes = loaded.expect("it was accepted").record.changes.expect("it compared");
    assert_eq!(changes.deleted, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_fails_leaves_the_version_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let fine = Loader::of(tenant(1_500), &folder);
    fine.load("users", Method::FullLoad).await.expect("the first load");
    let looping = Tenant::seed(7).users(2_500).fault(repeat_link()).start();
    let failing = Loader::of(looping, &folder);
    let error = failing.load("users", Method::FullLoad).await.expect_err("the links loop");
    assert_eq!(error.kind(), Kind::Corrupt);
    let place = fine.connection.stored(&fine.table("users")).expect("a store");
    let versions = place.versions().await.expect("versions");
    assert_eq!(versions.len(), 1);
    assert_eq!(place.snapshot(Which::Latest).await.expect("a version").rows(), 1_500);
    let recovering = Loader::of(Tenant::seed(7).users(1_600).fault(outage(1)).start(), &folder);
    let loaded = recovering.load("users", Method::Reload).await.expect("outages pass");
    assert_eq!((loaded.version, loaded.record.rows), (1, 1_600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_young_version_answers_in_place_of_graph_and_tells_its_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut loader = Loader::of(tenant(200), &folder);
    loader.load("users", Method::FullLoad).await.expect("a load");
    let live = loader.house.engine.plan(Request::table("users")).await.expect("a plan");
    assert_eq!(live.known(), None, "no age is allowed unless somebody says so");
    loader.connection.max_age.default = Duration::from_secs(3_600);
    let engine = Engine::new(Namespace::new([loader.connection.clone()])).expect("an engine");
    let young = engine.plan(Request::table("users")).await.expect("a plan");
    let known = young.known().expect("the stored version answers");
    assert_eq!((known.version, known.rows, known.parts), (0, 200, 1));
    let now = Request { of: Of::Rows(Some(Version::Live)), ..Request::table("users") };
    assert_eq!(engine.plan(now.clone()).await.expect("a plan").known(), None);
    let missing =
        Request { of: Of::Rows(Some(Version::Stored(Which::Latest))), ..Request::table("groups") };
    let error = engine.plan(missing.clone()).await.expect_err("groups were not loaded");
    assert_eq!(error.to_string(), "`contoso/groups` is not stored");
    let columns = Some(vec!["customSecurityAttributes".to_owned()]);
    let asked = Request { columns, ..Request::table("users") };
    assert_eq!(engine.plan(asked.clone()).await.expect("Graph has it").known(), None);
    let filter = Some("customSecurityAttributes is null".to_owned());
    let filtered = Request { filter, ..Request::table("users") };
    assert_eq!(engine.plan(filtered).await.expect("Graph has it").known(), None);
    let asked = Request { of: Of::Rows(Some(Version::Stored(Which::Latest))), ..asked };
    let error = engine.plan(asked.clone()).await.expect_err("it is only read on request");
    assert_eq!(
        error.to_string(),
        "column `customSecurityAttributes` is not stored in version 0 of `users`"
    );
}
