//! Stored versions: written from rows of JSON as a load writes them, compared, read back.

mod actions;
mod bucket;
mod cached;
mod churn;
mod commands;
mod engines;
mod expire;
mod failing;
mod faults;
mod flips;
mod foreign;
mod foreign_faults;
mod kills;
mod leftovers;
pub mod loads;
mod places;
mod power;
mod schedule;
mod skipped;
mod torn;
mod upgrades;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::json::LineDelimitedWriter;
use chrono::DateTime;
use entra_flight::catalog::{Catalog, Column, Scan, Table};
use entra_flight::decode::{Decoder, Padded, Settings};
use entra_flight::snapshot::{
    self, DataFile, Draft, Error, Incoming, Method, Record, Snapshot, Store, Stored, Which,
};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rows by their key.
pub type Rows = BTreeMap<String, Value>;

/// A store in a folder of its own, and one table of it.
struct Shelf {
    _folder: TempDir,
    place: Stored,
    table: Arc<Table>,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = store(&folder).table("contoso", "users");
        Shelf { _folder: folder, place, table: users() }
    }

    /// Stores these rows as a full load does, and gives the version's number.
    async fn put(&self, rows: &Rows) -> u64 {
        put(&self.place, &self.table, rows).await.expect("a version")
    }

    async fn version(&self, number: u64) -> Snapshot {
        self.place.snapshot(Which::Number(number)).await.expect("the version")
    }
}

fn store(folder: &TempDir) -> Store {
    let url = folder.path().display().to_string();
    Store::open(&snapshot::Settings { url, ..snapshot::Settings::default() }).expect("a store")
}

fn users() -> Arc<Table> {
    Catalog::builtin().expect("the tables").table("users").expect("users").clone()
}

/// Three rows of this name.
fn named(name: &str) -> Rows {
    let user = |id: &str| (id.to_owned(), json!({ "id": id, "displayName": name }));
    ["a", "b", "c"].map(user).into_iter().collect()
}

/// Two rows.
fn two() -> Rows {
    let user = |id: &str| (id.to_owned(), json!({ "id": id, "displayName": id }));
    [user("a"), user("b")].into_iter().collect()
}

/// Stores these rows as the next version.
async fn put(place: &Stored, table: &Arc<Table>, rows: &Rows) -> Result<u64, Error> {
    let turn = place.begin(&uuid::Uuid::now_v7().to_string()).await?;
    let (files, draft) = draft(place, table, turn.load(), rows).await?;
    place.commit(&turn, Draft { files: Some(files), ..draft }).await
}

/// Stores these rows as one version, each part in a file of its own.
pub async fn put_in_files(place: &Stored, table: &Arc<Table>, parts: &[Rows]) -> u64 {
    let turn = place.begin("in-files").await.expect("a turn");
    let mut files = Vec::new();
    let mut whole = None;
    for (part, rows) in parts.iter().enumerate() {
        let load = format!("{part:02}");
        let (written, draft) = draft(place, table, &load, rows).await.expect("files");
        files.extend(written);
        whole = Some(draft);
    }
    let mut draft = whole.expect("a part");
    draft.record.rows = parts.iter().map(|rows| rows.len() as u64).sum();
    let draft = Draft { files: Some(files), ..draft };
    place.commit(&turn, draft).await.expect("a commit")
}

/// The files of these rows, and a draft that does not name them yet.
async fn draft(
    place: &Stored,
    table: &Arc<Table>,
    load: &str,
    rows: &Rows,
) -> Result<(Vec<DataFile>, Draft), Error> {
    let scan = Scan::new(table.clone(), None, None).expect("columns");
    let mut incoming = Incoming::new(&scan.columns, &table.key, scan.schema())?;
    for batch in decoded(&scan.columns, rows) {
        incoming.push(&batch)?;
    }
    let sorted = incoming.finish()?;
    let schema = sorted.schema();
    let (files, duplicates) = sorted.write(place, load, &schema).await?;
    let record = Record {
        load: load.to_owned(),
        method: Method::FullLoad,
        started: DateTime::UNIX_EPOCH,
        ended: DateTime::UNIX_EPOCH,
        rows: rows.len() as u64,
        pages: 1,
        requests: 1,
        resource_units: 1,
        duplicates,
        cells_put_aside: 0,
        members_left_out: 0,
        skipped_parents: Vec::new(),
        counted: None,
        key: table.key.iter().map(ToString::to_string).collect(),
        hashing: snapshot::hashing(table),
        changes: None,
        foreign: Vec::new(),
        tool: "test".to_owned(),
    };
    Ok((files, Draft { schema, files: None, changes: Vec::new(), record }))
}

/// The rows in an order that is not that of their key.
fn decoded(columns: &[Column], rows: &Rows) -> Vec<RecordBatch> {
    let page: Vec<&Value> = rows.values().rev().collect();
    let page = serde_json::to_vec(&page).expect("JSON");
    let mut decoder = Decoder::new(columns, Settings::default()).expect("columns");
    let mut batches = Vec::new();
    decoder.push(&Padded::from_vec(page), 0, None, &mut batches).expect("rows");
    batches.extend(decoder.finish().expect("rows"));
    batches
}

/// All rows of a version, as JSON, in the order in which they are stored.
async fn read(version: &Snapshot, table: &Table) -> Vec<Value> {
    let batches: Vec<_> =
        version.read(table.schema.clone(), None, None).try_collect().await.expect("rows");
    json(&batches)
}

/// Rows of batches as JSON; nulls are left out.
fn json(batches: &[RecordBatch]) -> Vec<Value> {
    let mut lines = LineDelimitedWriter::new(Vec::new());
    for batch in batches {
        lines.write(batch).expect("JSON");
    }
    lines.finish().expect("JSON");
    let text = String::from_utf8(lines.into_inner()).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
