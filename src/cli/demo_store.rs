//! What a demo shows of stored tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::console::Console;
use super::progress::Progress;
use super::{Error, compare, load};
use crate::app::settings;
use crate::catalog::Table;
use crate::ops::{self, How, UnderWay};
use crate::query::Connection;
use crate::sim::{Churn, Tenant};
use crate::snapshot::{self, Method, Which};
use crate::{clock, limits};

/// The tables that are loaded and compared.
const TABLES: [&str; 3] = ["users", "groups", "group_members"];

/// Changes of each table that are shown; the page counts all.
const CHANGES_SHOWN: usize = 4;

/// The page's name in the folder.
const REPORT: &str = "changes.html";

/// The store that a demo fills.
pub struct DemoStore {
    folder: PathBuf,
    /// Whether it goes when the demo ends.
    is_temporary: bool,
}

impl DemoStore {
    /// A store in this folder; without one in a new one, which goes when this is dropped.
    pub fn new(folder: Option<&Path>) -> Result<Self, Error> {
        let failed = |path: &Path, source| Error::Folder { path: path.to_owned(), source };
        if let Some(folder) = folder {
            let folder = std::path::absolute(folder).map_err(|source| failed(folder, source))?;
            return Ok(DemoStore { folder, is_temporary: false });
        }
        let name = format!("entra-flight-demo-{}", clock::unix_now().as_micros());
        let folder = std::env::temp_dir().join(name);
        // A folder that is there already is somebody else's.
        std::fs::create_dir(&folder).map_err(|source| failed(&folder, source))?;
        Ok(DemoStore { folder, is_temporary: true })
    }

    /// The same as settings would say it.
    pub fn settings(&self) -> settings::Kept {
        let url = self.folder.display().to_string();
        settings::Kept {
            place: snapshot::Settings { url, ..Default::default() },
            max_age: Default::default(),
            lost_share_max: limits::ops::LOST_SHARE_MAX,
            keep: None,
        }
    }

    /// Loads, lets the tenant change, loads again, and shows what is different.
    pub async fn show(
        &self,
        connection: &Connection,
        tenant: &Arc<Tenant>,
        console: &Console,
    ) -> Result<(), Error> {
        let tables = TABLES.iter().map(|name| Ok(connection.catalog.table(name)?.clone()));
        let tables: Vec<Arc<Table>> = tables.collect::<Result<_, Error>>()?;
        console.note(&format!("\nLoading into {}:", self.folder.display()));
        load_all(connection, &tables, console).await?;
        let churn = change(tenant).await?;
        console.note(&format!("\nThe tenant has changed: {}.\nLoading again:", told(&churn)));
        load_all(connection, &tables, console).await?;
        console.note("\nWhat is different (+ new, - gone, ~ changed):");
        for table in &tables {
            compare::brief(connection, table, CHANGES_SHOWN, console).await?;
        }
        console.note("\nThe same as a page:");
        let (names, span) = (TABLES.map(str::to_owned), (None, Which::Latest));
        compare::report(&names, span, connection, &self.folder.join(REPORT), console).await?;
        if self.is_temporary {
            console.note("The folder goes when the demo ends; `--store FOLDER` keeps one.");
        }
        Ok(())
    }
}

impl Drop for DemoStore {
    fn drop(&mut self) {
        if self.is_temporary {
            // Nobody is left to tell that it stays.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

async fn load_all(
    connection: &Connection,
    tables: &[Arc<Table>],
    console: &Console,
) -> Result<(), Error> {
    // What an earlier demo left in the folder may be of a larger tenant.
    let how = How { accept: true, ..How::new(Method::ReloadAndCompare) };
    for table in tables {
        let under_way = UnderWay::default();
        let mut progress = Progress::new(console, &table.name, [under_way.meter.clone()]);
        let mut loading = Box::pin(ops::load(connection, table, &how, &under_way));
        let loaded = loop {
            tokio::select! {
                loaded = &mut loading => break loaded,
                () = clock::sleep(limits::cli::TICK) => progress.set(under_way.rows()),
            }
        };
        progress.abandon();
        console.note(&load::line(&loaded?, false));
    }
    Ok(())
}

/// Lets a round of changes happen, which takes a while in a large tenant.
pub async fn change(tenant: &Arc<Tenant>) -> Result<Churn, Error> {
    let tenant = tenant.clone();
    let churn = tokio::task::spawn_blocking(move || tenant.churn()).await;
    churn.map_err(|error| Error::Serve(std::io::Error::other(error)))
}

/// What happened in a round, for a person.
pub fn told(churn: &Churn) -> String {
    format!(
        "{} users joined, {} moved, {} were renamed, {} deleted and {} restored; groups gained {} \
         members and lost {}",
        churn.joined.len(),
        churn.moved.len(),
        churn.renamed.len(),
        churn.deleted.len(),
        churn.restored.len(),
        churn.members_added.len(),
        churn.members_removed.len(),
    )
}
