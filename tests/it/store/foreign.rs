//! Other engines that commit between two loads, or while one is under way.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entra_flight::error::{Kind, Report};
use entra_flight::ops::{How, Loaded, UnderWay, expire, history, load};
use entra_flight::query::{Of, Request, Version};
use entra_flight::sim::{Tenant, slow};
use entra_flight::snapshot::{Counts, ForeignCommit, Keep, Method, Proof, Touched, Which};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::churn::{Rows, apply, key, stored};
use super::json as rows_as_json;
use super::loads::Loader;
use crate::cli::{Running, run, stored_settings};
use crate::clients::script;

/// What another engine does, what of the table that touches, and what a load of an unchanged tenant then
/// finds inserted, updated and deleted; `None` where it cannot compare.
struct Deed {
    operation: &'static str,
    touched: Touched,
    found: Option<[u64; 3]>,
    /// Whether versions before can no longer be read whole.
    loses_versions: bool,
}

const fn deed(operation: &'static str, touched: Touched, found: Option<[u64; 3]>) -> Deed {
    Deed { operation, touched, found, loses_versions: false }
}

const fn losing(deed: Deed) -> Deed {
    Deed { loses_versions: true, ..deed }
}

const DEEDS: [Deed; 18] = [
    deed("checkpoint", Touched::Nothing, Some([0, 0, 0])),
    deed("properties", Touched::Nothing, Some([0, 0, 0])),
    deed("delete", Touched::Rows, Some([7, 0, 0])),
    deed("update", Touched::Rows, Some([0, 7, 0])),
    deed("append", Touched::Rows, Some([0, 0, 7])),
    deed("append_again", Touched::Rows, None),
    deed("append_nameless", Touched::Rows, Some([0, 0, 1])),
    deed("overwrite", Touched::Rows, Some([51, 0, 0])),
    deed("overwrite_columns", Touched::Rows, Some([51, 70, 0])),
    deed("append_column", Touched::Rows, Some([0, 0, 7])),
    deed("optimize", Touched::Rows, Some([0, 0, 0])),
    deed("z_order", Touched::Files, Some([0, 0, 0])),
    losing(deed("vacuum", Touched::Nothing, Some([0, 0, 0]))),
    losing(deed("vacuum_full", Touched::Nothing, Some([0, 0, 0]))),
    losing(deed("delete_and_vacuum", Touched::Rows, Some([7, 0, 0]))),
    losing(deed("forget", Touched::Rows, Some([0, 0, 0]))),
    losing(deed("delete_and_forget", Touched::Rows, Some([7, 0, 0]))),
    losing(deed("begin_anew", Touched::Rows, Some([51, 70, 0]))),
];

const KEY: [&str; 1] = ["id"];

/// A table of users with two versions, in a store of its own.
struct Shared {
    folder: TempDir,
    loader: Loader,
}

impl Shared {
    /// Of a tenant in which one round of changes happened between the two.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let loader = Loader::of(Tenant::seed(7).users(120).start(), &folder);
        let shared = Shared { folder, loader };
        shared.load().await;
        shared.loader.house.tenant.churn();
        shared.load().await;
        shared
    }

    async fn load(&self) -> Loaded {
        let loaded = self.loader.load("users", Method::ReloadAndCompare).await;
        loaded.unwrap_or_else(|error| panic!("{}", Report::new(&error, error.hint())))
    }

    fn table(&self) -> PathBuf {
        self.folder.path().join("contoso/users")
    }

    fn path(&self) -> String {
        self.table().display().to_string()
    }

    async fn does(&self, operation: &str) {
        let said = script("requirements.txt", "between.py", &[operation, &self.path()]).await;
        assert_eq!(said.trim_end(), "done", "{operation}");
    }

    async fn live(&self) -> Rows {
        let of = Of::Rows(Some(Version::Live));
        let read = self.loader.house.read(&Request { of, ..Request::table("users") }).await;
        let rows = rows_as_json(&read.expect("the tenant's rows"));
        rows.into_iter().map(|row| (key(&row, &KEY), row)).collect()
    }

    async fn stored(&self, version: u64) -> Rows {
        stored(&self.loader, "users", &KEY, version).await
    }

    async fn is_the_tenants(&self, version: u64, what: &str) {
        let (stored, live) = (self.stored(version).await, self.live().await);
        let differ: Vec<_> =
            live.iter().filter(|(key, row)| stored.get(*key) != Some(row)).collect();
        assert!(differ.is_empty() && stored.len() == live.len(), "{what}: {differ:?}");
    }

    async fn proof(&self) -> Proof {
        let table = self.loader.table("users");
        let place = self.loader.connection.stored(&table).expect("a store");
        place.prove(&table).await.expect("a proof")
    }

    fn data_files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.table()).expect("the table");
        let names = entries.map(|entry| entry.expect("one").file_name().display().to_string());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".parquet")).collect();
        names.sort();
        names
    }
}

/// Delta's own feed of the newest versions rebuilds them from the commits before.
async fn feeds_rebuild(tables: &[Shared]) {
    let folders: Vec<String> = tables.iter().map(Shared::path).collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let said = script("requirements.txt", "feed.py", &folders).await;
    assert_eq!(said.split_whitespace().count(), tables.len(), "{said}");
}

fn counted(changes: Option<&Counts>) -> Option<[u64; 3]> {
    changes.map(|it| [it.inserted, it.updated, it.deleted])
}

/// Each deed between two loads, with a tenant that changes meanwhile or does not.
async fn deeds(tenant_changes: bool) {
    let mut tables = Vec::new();
    for Deed { operation, touched, found, loses_versions } in DEEDS {
        let shared = Shared::new().await;
        shared.does(operation).await;
        if tenant_changes {
            shared.loader.house.tenant.churn();
        }
        let loaded = shared.load().await;
        let record = &loaded.record;
        assert_eq!(record.touched(), touched, "{operation}: {:?}", record.foreign);
        if !tenant_changes {
            assert_eq!(counted(record.changes.as_ref()), found, "{operation}");
        }
        shared.is_the_tenants(loaded.version, operation).await;
        let proof = shared.proof().await;
        let older = proof.findings.iter().all(|it| it.version < loaded.version && loses_versions);
        assert!(older, "{operation}: {:?}", proof.findings);
        if !loses_versions {
            assert_eq!(proof.foreign, record.foreign, "{operation}");
            let mut rows = shared.stored(1).await;
            apply(&shared.loader, "users", &KEY, loaded.version, &mut rows).await;
            assert_eq!(rows, shared.stored(loaded.version).await, "{operation}");
            let users = shared.loader.table("users");
            let told = history(&shared.loader.connection, &users, None, Which::Latest).await;
            let told = told.expect("a history");
            let step = told.steps.last().and_then(|step| step.changes.as_ref());
            assert_eq!(step, Some(&told.changes), "{operation}");
        }
        tables.push(shared);
    }
    feeds_rebuild(&tables).await;
    for (deed, shared) in DEEDS.iter().zip(&tables) {
        let files = shared.data_files();
        let again = shared.load().await;
        assert_eq!(counted(again.record.changes.as_ref()), Some([0, 0, 0]), "{}", deed.operation);
        assert_eq!(again.record.foreign, [], "{}", deed.operation);
        assert_eq!(shared.data_files(), files, "{}: no file was written", deed.operation);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_of_an_unchanged_tenant_undo_what_other_engines_did() {
    deeds(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_of_a_changed_tenant_undo_what_other_engines_did() {
    deeds(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_restored_goes_on_with_the_tenants_rows() {
    let shared = Shared::new().await;
    shared.does("restore").await;
    let loaded = shared.load().await;
    assert!(loaded.record.changes.is_some_and(|it| it.changed() > 0));
    shared.is_the_tenants(loaded.version, "restore").await;
    assert_eq!(shared.proof().await.findings, []);
    feeds_rebuild(&[shared]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_that_do_not_compare_replace_what_other_engines_left() {
    for method in [Method::Reload, Method::FullLoad] {
        for operation in ["append_again", "z_order", "delete_and_forget"] {
            let shared = Shared::new().await;
            shared.does(operation).await;
            let loaded = shared.loader.load("users", method).await.expect("a load");
            shared.is_the_tenants(loaded.version, operation).await;
            feeds_rebuild(&[shared]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_is_held_back_though_a_checkpoint_hides_the_load_before() {
    let shared = Shared::new().await;
    shared.does("delete_and_forget").await;
    let few = Loader::of(Tenant::seed(7).users(30).start(), &shared.folder);
    for method in Method::ALL {
        let held = few.load("users", method).await.expect_err("too many are gone");
        assert_eq!(held.kind(), Kind::Corrupt);
        assert!(held.hint().is_some_and(|hint| hint.contains("--accept")), "{held}");
    }
    let accepted = How { accept: true, ..How::new(Method::ReloadAndCompare) };
    let users = few.table("users");
    let loaded = load(&few.connection, &users, &accepted, &UnderWay::default()).await;
    assert_eq!(loaded.expect("it was accepted").record.rows, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_is_held_back_whether_another_engine_took_rows_or_brought_them() {
    let accepted = How { accept: true, ..How::new(Method::ReloadAndCompare) };
    for (operation, users, rows, did) in [
        ("delete_most", 30, "121 rows and now has 30", "version 2: DELETE"),
        ("append_many", 120, "363 rows and now has 120", "version 2: WRITE, version 3: WRITE"),
    ] {
        let shared = Shared::new().await;
        shared.does(operation).await;
        let loader = Loader::of(Tenant::seed(7).users(users).start(), &shared.folder);
        let held = loader.load("users", Method::ReloadAndCompare).await.expect_err("a loss");
        assert_eq!(
            Report::new(&held, held.hint()).to_string(),
            format!(
                "`users` had {rows} of them; the load was held back\n  hint: other engines changed \
                 its rows ({did}); look whether their rows may go, then load with `--accept`"
            )
        );
        let table = loader.table("users");
        let loaded = load(&loader.connection, &table, &accepted, &UnderWay::default()).await;
        assert_eq!(loaded.expect("it was accepted").record.rows, users);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_only_a_checkpoint_names_are_not_cleared_away() {
    let shared = Shared::new().await;
    shared.does("delete_and_forget").await;
    let log = shared.table().join("_delta_log");
    for entry in fs::read_dir(&log).expect("the log") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|it| it == "json") {
            fs::remove_file(path).expect("a commit");
        }
    }
    shared.is_read_by_others().await;
    let files = shared.data_files();
    let place = shared.loader.connection.stored(&shared.loader.table("users")).expect("a store");
    drop(place.begin("a turn").await.expect("a turn"));
    for name in files.iter().filter(|name| !name.starts_with("load-")) {
        assert!(shared.table().join(name).exists(), "{name}");
    }
    shared.is_read_by_others().await;
    let loaded = shared.load().await;
    assert!(loaded.version > 1);
    assert_eq!(loaded.record.touched(), Touched::Rows);
    shared.is_the_tenants(loaded.version, "a checkpoint alone").await;
}

impl Shared {
    /// Whether other engines read the newest version whole.
    async fn is_read_by_others(&self) {
        let said = script("requirements.txt", "between.py", &["read", &self.path()]).await;
        assert_eq!(said.trim_end(), "done");
    }

    /// Adds a commit with these actions, as another engine does that is done in a moment.
    fn commits(&self, actions: &[Value]) {
        commit(&self.table().join("_delta_log"), actions);
    }

    fn metadata(&self) -> Value {
        let said = self.said(0).into_iter().find(|line| line.get("metaData").is_some());
        said.expect("metadata")
    }

    fn newest_file(&self) -> Value {
        let said = self.said(1).into_iter().find_map(|line| line.get("add").cloned());
        said.expect("a file")
    }

    fn said(&self, version: u64) -> Vec<Value> {
        let commit = self.table().join(format!("_delta_log/{version:020}.json"));
        let text = fs::read_to_string(commit).expect("a commit");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

pub(super) fn commit(log: &Path, actions: &[Value]) {
    let newest = fs::read_dir(log).expect("the log").filter_map(|entry| {
        let name = entry.expect("an entry").file_name().display().to_string();
        name.strip_suffix(".json").and_then(|number| number.parse::<u64>().ok())
    });
    let next = newest.max().map_or(0, |newest| newest + 1);
    let lines: String = actions.iter().map(|action| format!("{action}\n")).collect();
    fs::write(log.join(format!("{next:020}.json")), lines).expect("a commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_program_cannot_write_is_refused_with_the_way_out() {
    let shared = Shared::new().await;
    let mut metadata = shared.metadata();
    metadata["metaData"]["configuration"]["delta.enableRowTracking"] = "true".into();
    shared.commits(&[json!({ "commitInfo": { "operation": "SET TBLPROPERTIES" } }), metadata]);
    let refused = shared.loader.load("users", Method::Reload).await.expect_err("row ids");
    assert_eq!(refused.kind(), Kind::Invalid);
    assert_eq!(
        Report::new(&refused, refused.hint()).to_string(),
        "another engine has turned on `delta.enableRowTracking` for `contoso/users`, which this \
         program does not write\n  hint: turn it off there, or move the folder of the table aside \
         and load it anew"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_say_less_than_all_are_replaced_without_a_comparison() {
    for vectors in [true, false] {
        let shared = Shared::new().await;
        let (mut add, mut metadata) = (shared.newest_file(), shared.metadata());
        let path = add["path"].clone();
        let remove = json!({ "path": path, "dataChange": true, "deletionTimestamp": 1 });
        let mut protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 7 });
        protocol["writerFeatures"] = json!(["changeDataFeed"]);
        if vectors {
            protocol = json!({ "minReaderVersion": 3, "minWriterVersion": 7 });
            protocol["readerFeatures"] = json!(["deletionVectors"]);
            protocol["writerFeatures"] = json!(["changeDataFeed", "deletionVectors"]);
            add["deletionVector"] = json!({
                "storageType": "u",
                "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^",
                "offset": 4,
                "sizeInBytes": 40,
                "cardinality": 6,
            });
        } else {
            metadata["metaData"]["partitionColumns"] = json!(["department"]);
            add["partitionValues"] = json!({ "department": "IT" });
        }
        shared.commits(&[
            json!({ "commitInfo": { "operation": "DELETE", "timestamp": 1 } }),
            json!({ "protocol": protocol }),
            metadata,
            json!({ "remove": remove }),
            json!({ "add": add }),
        ]);
        let loaded = shared.load().await;
        assert_eq!(loaded.record.changes, None, "vectors: {vectors}");
        assert_eq!(
            ForeignCommit::told(&loaded.record.foreign).expect("rows"),
            "other engines changed its rows (version 2: DELETE)"
        );
        shared.is_the_tenants(loaded.version, "replaced").await;
        assert_eq!(counted(shared.load().await.record.changes.as_ref()), Some([0, 0, 0]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_an_older_program_made_of_foreign_rows_is_mended() {
    for operation in ["update", "delete", "z_order"] {
        let shared = Shared::new().await;
        shared.does(operation).await;
        // It found that nothing had changed, and kept the files.
        let told = shared.said(1).into_iter().find(|line| line.get("commitInfo").is_some());
        shared.commits(&[told.expect("a load")]);
        let loaded = shared.load().await;
        assert_eq!(loaded.version, 4, "{operation}");
        assert!(ForeignCommit::told(&loaded.record.foreign).is_some(), "{operation}");
        shared.is_the_tenants(loaded.version, operation).await;
        let again = shared.load().await.record;
        assert_eq!((counted(again.changes.as_ref()), again.foreign.len()), (Some([0, 0, 0]), 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_keeps_what_another_engine_has_brought_back() {
    let shared = Shared::new().await;
    shared.does("restore").await;
    let users = shared.loader.table("users");
    let keep = Keep { newer_than: Duration::ZERO, newest: 1 };
    let expired = expire(&shared.loader.connection, &users, &keep).await.expect("an expiry");
    assert_eq!(expired.versions, [0]);
    shared.is_read_by_others().await;
    let loaded = shared.load().await;
    assert_eq!(loaded.record.touched(), Touched::Rows);
    shared.is_the_tenants(loaded.version, "restored and expired").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_whose_files_are_gone_says_what_to_do() {
    let shared = Shared::new().await;
    shared.does("vacuum").await;
    let of = Of::Rows(Some(Version::Stored(Which::Number(0))));
    let request = Request { of, ..Request::table("users") };
    let gone = shared.loader.house.read(&request).await.expect_err("its files are gone");
    assert!(gone.hint().is_some_and(|hint| hint.contains("VACUUM")), "{gone}");
    let newest = shared.load().await;
    shared.is_the_tenants(newest.version, "vacuum").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_another_engine_while_a_load_is_under_way_does_not_end_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = Tenant::seed(7).users(2_500).fault(slow(Duration::from_millis(500))).start();
    let loader = Loader::of(tenant, &folder);
    loader.load("users", Method::ReloadAndCompare).await.expect("the first load");
    let log = folder.path().join("contoso/users/_delta_log");
    let under_way = UnderWay::default();
    let (how, users) = (How::new(Method::ReloadAndCompare), loader.table("users"));
    let engine = async {
        while under_way.rows() == 0 {
            tokio::task::yield_now().await;
        }
        commit(&log, &[json!({ "commitInfo": { "operation": "VACUUM END" } })]);
    };
    let loaded = load(&loader.connection, &users, &how, &under_way);
    let (loaded, ()) = tokio::join!(loaded, engine);
    let loaded = loaded.expect("a load");
    assert_eq!((loaded.version, loaded.record.rows), (2, 2_500));
    assert_eq!(loaded.record.foreign.iter().map(|it| it.version).collect::<Vec<_>>(), [1]);
    assert_eq!(loaded.record.changes.map(|it| it.changed()), Some(0));
}

#[test]
fn commands_name_what_another_engine_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "40"], "login");
    let settings = stored_settings(&sim, folder.path());
    let said = |words: &[&str]| {
        let ended = run(&[words, &["users", "--settings", &settings]].concat());
        assert!(ended.status.success(), "{words:?}: {ended:?}");
        String::from_utf8(ended.stdout).expect("text")
    };
    said(&["load"]);
    let find = |folder: PathBuf, name: &str| {
        let found = fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path());
        let is_it = |path: &PathBuf| path.display().to_string().ends_with(name);
        found.into_iter().find(is_it).expect("it is there")
    };
    let table = find(find(folder.path().join("store"), ""), "users");
    let file = find(table.clone(), ".parquet");
    let path = file.file_name().expect("a name").display().to_string();
    commit(
        &table.join("_delta_log"),
        &[
            json!({ "commitInfo": { "operation": "DELETE", "timestamp": 1 } }),
            json!({ "remove": { "path": path, "dataChange": true, "deletionTimestamp": 1 } }),
        ],
    );
    let told = "other engines changed its rows (version 1: DELETE)";
    assert_eq!(said(&["fsck"]), format!("users: 1 versions, 40 rows, sound\n  {told}\n"));
    assert_eq!(
        said(&["load"]),
        format!(
            "users: version 2, 40 rows, 40 inserted, 0 updated, 0 deleted, 0 unchanged; {told} since \
             the load before\n"
        )
    );
}
