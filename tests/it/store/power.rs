//! Losses of power, and what the disk holds then.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use chrono::Utc;
use entra_flight::snapshot::export::Export;
use entra_flight::snapshot::{Keep, Which};
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::{named, put, read, store, users};

/// The files of a folder, by their path in it.
type Image = BTreeMap<PathBuf, Vec<u8>>;

/// A folder on a disk that the system writes to only when it must.
#[derive(Clone)]
struct Disk(Arc<Mutex<Synced>>);

/// What of it is on the disk.
struct Synced {
    root: PathBuf,
    /// The bytes of each file when it was synced last, by its number: it may have other names since.
    bytes: HashMap<u64, Vec<u8>>,
    /// The names in each folder when it was synced last.
    names: HashMap<PathBuf, Names>,
    /// What a loss of power may have left at some moment so far, in the order of the moments.
    images: Vec<(usize, Image)>,
    known: HashSet<Image>,
    moments: usize,
}

/// The numbers of files by their names.
type Names = BTreeMap<OsString, u64>;

static DISKS: Mutex<Vec<Disk>> = Mutex::new(Vec::new());

impl Disk {
    /// Watches a folder from now on.
    fn watch(folder: &TempDir) -> Self {
        static BEGIN: Once = Once::new();
        BEGIN.call_once(|| {
            let watched = tracing_subscriber::registry().with(Watch);
            tracing::subscriber::set_global_default(watched).expect("nobody else logs");
        });
        let root = folder.path().canonicalize().expect("a folder");
        let disk = Disk(Arc::new(Mutex::new(Synced {
            root,
            bytes: HashMap::new(),
            names: HashMap::new(),
            images: Vec::new(),
            known: HashSet::new(),
            moments: 0,
        })));
        DISKS.lock().expect("the disks").push(disk.clone());
        disk
    }

    /// How often something was brought to it.
    fn moments(&self) -> usize {
        self.0.lock().expect("the disk").moments
    }

    /// What losses of power leave, each with its moment.
    fn images(&self) -> Vec<(usize, Image)> {
        self.0.lock().expect("the disk").images.clone()
    }
}

impl Synced {
    fn synced(&mut self, path: &Path) {
        if path.is_dir() {
            self.names.insert(path.to_owned(), names(path));
        } else if let Ok(file) = fs::metadata(path) {
            self.bytes.insert(file.ino(), fs::read(path).expect("a file"));
        }
        self.moments += 1;
        // Names that were not synced may be there and may not be, folder by folder.
        for (log, others) in [(false, false), (true, true), (false, true), (true, false)] {
            let there = |folder: &Path| if folder.ends_with("_delta_log") { log } else { others };
            let mut image = Image::new();
            self.image(&self.root, &there, &mut image);
            if self.known.insert(image.clone()) {
                self.images.push((self.moments, image));
            }
        }
    }

    fn image(&self, folder: &Path, there: &dyn Fn(&Path) -> bool, image: &mut Image) {
        let synced = self.names.get(folder).cloned().unwrap_or_default();
        let names = if there(folder) { names(folder) } else { synced };
        for (name, number) in names {
            let path = folder.join(&name);
            if path.is_dir() {
                self.image(&path, there, image);
            } else {
                let name = path.strip_prefix(&self.root).expect("below").to_owned();
                image.insert(name, self.bytes.get(&number).cloned().unwrap_or_default());
            }
        }
    }
}

fn names(folder: &Path) -> Names {
    let Ok(entries) = fs::read_dir(folder) else { return Names::new() };
    let entries = entries.map(|entry| entry.expect("an entry"));
    // Another may have taken it away meanwhile.
    entries.filter_map(|it| Some((it.file_name(), it.metadata().ok()?.ino()))).collect()
}

/// A folder with these files.
fn restored(image: &Image) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in image {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

/// Hears what is brought to the disk.
struct Watch;

struct Synchronized(Option<PathBuf>);

impl Visit for Synchronized {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "path" {
            self.0 = Some(format!("{value:?}").into());
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Watch {
    fn register_callsite(&self, of: &'static Metadata<'static>) -> Interest {
        if self.of(of) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, of: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.of(of)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut path = Synchronized(None);
        event.record(&mut path);
        let Some(path) = path.0.and_then(|path| path.canonicalize().ok()) else { return };
        for Disk(disk) in DISKS.lock().expect("the disks").iter() {
            let mut disk = disk.lock().expect("the disk");
            if path.starts_with(&disk.root) {
                disk.synced(&path);
            }
        }
    }
}

impl Watch {
    fn of(&self, of: &Metadata<'_>) -> bool {
        of.target() == "entra_flight::snapshot::durable"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_reported_outlives_a_loss_of_power_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let (disk, table) = (Disk::watch(&folder), users());
    let place = store(&folder).table("contoso", "users");
    let mut reported = Vec::new();
    for version in 0..5 {
        put(&place, &table, &named(&version.to_string())).await.expect("a version");
        reported.push(disk.moments());
        if version == 3 {
            let turn = place.begin("expiry").await.expect("a turn");
            let keep = Keep { newer_than: Duration::ZERO, newest: 2 };
            place.expire(&turn, &keep, Utc::now()).await.expect("an expiry");
        }
    }
    let images = disk.images();
    assert!(images.len() > 20, "{} moments", images.len());
    for (moment, image) in images {
        let told: Vec<_> = image.keys().collect();
        let folder = restored(&image);
        let place = store(&folder).table("contoso", "users");
        let least = reported.iter().filter(|it| **it < moment).count();
        let newest = place.try_snapshot(Which::Latest).await;
        let newest = newest.unwrap_or_else(|error| panic!("{moment}: {error:?} of {told:?}"));
        let versions = newest.as_ref().map_or(0, |newest| newest.version() as usize + 1);
        assert!(versions >= least, "{moment}: {least} were reported of {told:?}");
        if let Some(newest) = newest {
            let rows = read(&newest, &table).await;
            let name = newest.version().to_string();
            assert!(rows.len() == 3 && rows.iter().all(|row| row["displayName"] == *name));
        }
        let next = put(&place, &table, &named("next")).await.expect("the next load");
        assert_eq!(next as usize, versions, "{moment}: {told:?}");
        let proof = place.prove(&table).await.expect("a proof");
        assert_eq!(proof.findings, [], "{moment}: {told:?}");
    }
}

#[tokio::test]
async fn a_file_that_was_written_outlives_a_loss_of_power() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::watch(&folder);
    let table = users();
    let mut export =
        Export::create(&folder.path().join("users.csv"), &table.schema).expect("a file");
    for batch in super::decoded(&table.columns, &named("a")) {
        let whole = batch.schema() == table.schema;
        export.write(&batch).unwrap_or_else(|error| panic!("{whole}: {error}"));
    }
    let written = export.finish().expect("a file");
    let (_, last) = disk.images().pop().expect("a moment");
    assert_eq!(last[Path::new("users.csv")].len() as u64, written.bytes);
    assert_eq!(last.len(), 1, "{:?}", last.keys());
}
