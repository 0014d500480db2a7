//! Other engines on the store: what they find in it, and what they leave there between two loads.

use std::fs;
use std::path::Path;

use entra_flight::sim::Tenant;
use entra_flight::snapshot::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::loads::Loader;
use crate::clients::script;

/// Tables that have columns of every type between them.
const TABLES: [&str; 4] = ["users", "groups", "group_members", "sign_ins"];

fn folders(folder: &TempDir) -> Vec<String> {
    let folder = |table: &str| folder.path().join("contoso").join(table).display().to_string();
    TABLES.map(folder).to_vec()
}

async fn filters_find(folder: &TempDir) {
    let folders = folders(folder);
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let scripts = [("requirements.txt", "filters.py"), ("requirements-delta.txt", "delta_scan.py")];
    for (requirements, name) in scripts {
        let said = script(requirements, name, &folders).await;
        assert!(said.trim_end().ends_with("filters find what is there"), "{name}: {said}");
    }
}

/// Writes Delta's own checkpoint of the newest version, as another engine does.
async fn checkpoint(folder: &TempDir) {
    for table in folders(folder) {
        let said = script("requirements.txt", "between.py", &["checkpoint", &table]).await;
        assert_eq!(said.trim_end(), "done");
    }
}

async fn load_all(loader: &Loader) {
    for table in TABLES {
        let loaded = loader.load(table, Method::ReloadAndCompare).await;
        loaded.unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_of_other_engines_find_every_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(300).start(), &folder);
    load_all(&loader).await;
    filters_find(&folder).await;
    checkpoint(&folder).await;
    filters_find(&folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_finds_no_change_mends_what_an_older_program_said_of_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(120).start(), &folder);
    load_all(&loader).await;
    for table in folders(&folder) {
        age(&Path::new(&table).join("_delta_log/00000000000000000000.json"));
    }
    checkpoint(&folder).await;
    let files = data_files(&folder);
    load_all(&loader).await;
    assert_eq!(data_files(&folder), files, "no rows were written again");
    filters_find(&folder).await;
    checkpoint(&folder).await;
    filters_find(&folder).await;
    // Once mended, the files need not be named again.
    load_all(&loader).await;
    let log = folder.path().join("contoso/users/_delta_log/00000000000000000002.json");
    let commit = fs::read_to_string(log).expect("a commit");
    assert!(!commit.contains("\"add\"") && !commit.contains("\"metaData\""), "{commit}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_with_a_blank_is_read_by_the_way_that_the_docs_name() {
    let folder = tempfile::Builder::new().prefix("a folder ").tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(20).start(), &folder);
    loader.load("users", Method::Reload).await.expect("a load");
    let users = folder.path().join("contoso/users").display().to_string();
    let said = script("requirements.txt", "blank.py", &[&users, "20"]).await;
    assert_eq!(said.trim_end(), "polars needs pyarrow");
}

/// Says in a commit what programs before this one said: bounds of the key alone, and no names of
/// columns that have some.
fn age(commit: &Path) {
    let text = fs::read_to_string(commit).expect("a commit");
    let older = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        if let Some(stats) = line["add"]["stats"].as_str() {
            let stats: Value = serde_json::from_str(stats).expect("JSON");
            let of_members = stats["minValues"].get("group_id").is_some();
            let key = if of_members { "group_id" } else { "id" };
            let only = |part: &str| json!({ key: stats[part][key] });
            let stats = json!({
                "numRecords": stats["numRecords"],
                "minValues": only("minValues"),
                "maxValues": only("maxValues"),
                "nullCount": only("nullCount"),
            });
            line["add"]["stats"] = stats.to_string().into();
        }
        if let Some(told) = line.pointer_mut("/metaData/configuration") {
            let told = told.as_object_mut().expect("an object");
            told.remove("delta.dataSkippingStatsColumns");
        }
        format!("{line}\n")
    });
    fs::write(commit, older.collect::<String>()).expect("room");
}

/// All files with rows.
fn data_files(folder: &TempDir) -> Vec<String> {
    let listed = folders(folder).into_iter().flat_map(|table| {
        let entries = fs::read_dir(&table).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path().display().to_string())
    });
    let mut files: Vec<String> = listed.filter(|path| path.ends_with(".parquet")).collect();
    files.sort();
    files
}
