//! The real clients against a real server.
//!
//! They are Python packages, installed by the test run itself into a virtual environment under the
//! target folder, from `tests/clients/requirements.txt`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use entra_flight::ops::{How, UnderWay, expire, load};
use entra_flight::query::Connection;
use entra_flight::sim::{Tenant, Tls, socket};
use entra_flight::snapshot::{self, Keep, Method, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::house::House;
use crate::store::loads::Loader;

/// Where the scripts are.
pub fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}", program.display()));
    assert!(
        output.status.success(),
        "{} {arguments:?} failed\n{}\n{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The Python of an environment that holds the packages of `requirements`; made when it is not
/// there or was made from another list.
pub fn python(requirements: &str) -> PathBuf {
    let list = clients().join(requirements);
    let wanted = fs::read_to_string(&list).expect("the list of packages");
    let name = requirements.trim_end_matches(".txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder under the target folder");
    // Test processes that run side by side wait here for the one that installs.
    let lock = File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let (made, python) = (folder.join("made-from.txt"), folder.join("venv/bin/python"));
    if fs::read_to_string(&made).ok().as_deref() != Some(&wanted) {
        let venv = folder.join("venv").display().to_string();
        run(Path::new("python3"), &["-m", "venv", "--clear", &venv]);
        let list = list.display().to_string();
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(&python, &[&quiet[..], &[&list]].concat());
        fs::write(&made, &wanted).expect("a note of what was installed");
    }
    python
}

/// Runs a script of `tests/clients/` and gives what it printed.
pub async fn script(requirements: &'static str, name: &str, arguments: &[&str]) -> String {
    let script = clients().join(name).display().to_string();
    let arguments: Vec<String> = std::iter::once(script.as_str())
        .chain(arguments.iter().copied())
        .map(String::from)
        .collect();
    let output = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(&python(requirements), &arguments)
    });
    let output = output.await.expect("the script was run");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyarrow_reads_every_way_and_is_refused_by_kind() {
    let house = House::of(Tenant::seed(7).users(2_000).start());
    let groups = crate::house::rows(&house.table("groups").await.expect("the groups"));
    let served = house.serve().await;
    let address = format!("grpc://{}", served.address);
    let arguments = [address.as_str(), "2000", &groups.to_string()];
    let said = script("requirements.txt", "pyarrow_flight.py", &arguments).await;
    assert!(said.starts_with("pyarrow read 2000 users"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polars_pandas_and_duckdb_agree() {
    let house = House::of(Tenant::seed(11).users(1_500).start());
    let served = house.serve().await;
    let address = format!("grpc://{}", served.address);
    let said = script("requirements.txt", "frames.py", &[&address, "1500"]).await;
    assert!(said.starts_with("polars, pandas and DuckDB agree on 1500 users"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adbc_and_all_that_load_it_speak_flight_sql() {
    let house = House::of(Tenant::seed(7).users(1_000).start());
    let served = house.serve().await;
    let address = format!("grpc://{}", served.address);
    let said = script("requirements.txt", "flight_sql.py", &[&address]).await;
    assert!(said.trim_end().ends_with("checks passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_agree_with_duckdb() {
    let house = House::of(Tenant::seed(7).users(600).start());
    let served = house.serve().await;
    let address = format!("grpc://{}", served.address);
    let said = script("requirements.txt", "analytics.py", &[&address]).await;
    assert!(said.contains("statements agree with DuckDB"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn airport_attaches_and_scans() {
    let house = House::of(Tenant::seed(7).users(600).start());
    let served = house.serve().await;
    let address = format!("grpc://{}", served.address);
    let said = script("requirements.txt", "airport.py", &[&address]).await;
    assert!(said.trim_end().ends_with("600 users"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn airport_is_told_what_stored_tables_know() {
    let folder = tempfile::tempdir().expect("a folder");
    for users in [500, 600] {
        let loader = Loader::of(Tenant::seed(7).users(users).start(), &folder);
        for table in loader.connection.catalog.tables() {
            loader.load(&table.name, Method::Reload).await.expect("a load");
        }
    }
    let loader = Loader::of(Tenant::seed(7).users(600).start(), &folder);
    let served = loader.house.serve().await;
    let address = format!("grpc://{}", served.address);
    let said = script("requirements.txt", "airport.py", &[&address, "stored"]).await;
    assert!(said.trim_end().ends_with("600 users"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_engines_read_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    for users in [600, 600, 640] {
        load_users(&folder, users, Method::ReloadAndCompare).await;
    }
    let table = folder.path().join("contoso/users").display().to_string();
    let said = script("requirements.txt", "store.py", &[&table, "600", "640"]).await;
    assert!(said.starts_with("deltalake, polars and DuckDB read 640 rows"), "{said}");
    // Beyond a checkpoint, and without what was before the last version but one.
    for _ in 3..12 {
        load_users(&folder, 640, Method::Reload).await;
    }
    let connection = load_users(&folder, 650, Method::Reload).await;
    let users = connection.catalog.table("users").expect("users");
    let keep = Keep { newer_than: Duration::ZERO, newest: 2 };
    let expired = expire(&connection, users, &keep).await.expect("an expiry");
    assert_eq!(expired.versions.len(), 11);
    let said = script("requirements.txt", "expired.py", &[&table, "650", "12"]).await;
    assert!(said.starts_with("version 0 is gone"), "{said}");
}

/// Loads a tenant of so many users into the store in this folder.
async fn load_users(folder: &TempDir, users: u64, method: Method) -> Arc<Connection> {
    let url = folder.path().display().to_string();
    let settings = snapshot::Settings { url, ..snapshot::Settings::default() };
    let store = Store::open(&settings).expect("a store");
    let house = House::stored(Tenant::seed(7).users(users).start(), Some(store));
    let connection = house.engine.namespace().connection(None).expect("one").clone();
    let table = connection.catalog.table("users").expect("users");
    load(&connection, table, &How::new(method), &UnderWay::default()).await.expect("a load");
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_reflection_answer() {
    let house = House::of(Tenant::seed(7).users(10).start());
    let served = house.serve().await;
    let said = script("requirements.txt", "services.py", &[&served.address]).await;
    assert!(said.starts_with("health and reflection answer"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_graph_client_accepts_the_simulated_tenant() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("ca.pem");
    let tls = Tls::new(&authority, &["127.0.0.1".to_owned()]).expect("certificates");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let root = format!("https://{}", listener.local_addr().expect("bound"));
    let stop = CancellationToken::new();
    let tenant = Arc::new(Tenant::seed(7).users(500).start());
    let serving = tokio::spawn(socket::serve(tenant, listener, Some(tls), stop.clone()));
    let (graph, authority) = (format!("{root}/v1.0"), authority.display().to_string());
    let arguments = ["--graph", &graph, "--login", &root, "--ca", &authority];
    script("requirements-graph.txt", "graph_sdk.py", &arguments).await;
    stop.cancel();
    serving.await.expect("the tenant's task").expect("the tenant stopped as told");
}
