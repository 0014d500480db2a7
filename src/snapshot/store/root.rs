//! Where all tables are.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path as File, PathBuf};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, parse_url_opts};
use url::Url;

use super::Stored;
use super::local::LocalFiles;
use crate::snapshot::{Error, durable};

/// Delta's kernel takes escapes out of paths that it has listed, which have none.
const ESCAPES: &str = "a `%` in it would be read as the beginning of another character";

/// Where stored tables are kept.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// A folder, or a URL with `file://`, `s3://`, `az://`, `abfss://` or `gs://`.
    pub url: String,
    /// What reaching it takes beyond the URL, by the names that `object_store` gives them, such as
    /// `aws_region`.
    pub options: BTreeMap<String, String>,
}

impl fmt::Debug for Settings {
    /// Options may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.options.keys().collect();
        f.debug_struct("Settings").field("url", &self.url).field("options", &names).finish()
    }
}

/// A place for stored tables: a folder, or a bucket of an object store.
#[derive(Clone)]
pub struct Store {
    name: Arc<str>,
    /// Everything that the folder or the bucket holds.
    objects: Arc<dyn ObjectStore>,
    /// Where in it tables are.
    base: Path,
    /// Where that is on this machine, if it is.
    folder: Option<Arc<File>>,
}

impl Store {
    /// Opens a store; a local folder is made if it is not there. Nothing is asked of a remote one.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] if the address cannot be used.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        Store::open_through(settings, |objects| objects)
    }

    /// As [`open`](Self::open), through a wrapper around the objects, which sees every call.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn open_through(
        settings: &Settings,
        wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>,
    ) -> Result<Self, Error> {
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| Error::Url {
            url: settings.url.clone(),
            source,
        };
        let name = settings.url.as_str().into();
        // A letter and a colon begin a path of Windows.
        let url = Url::parse(&settings.url).ok().filter(|url| url.scheme().len() > 1);
        let folder = match &url {
            None => PathBuf::from(&settings.url),
            Some(url) if url.scheme() == "file" => {
                let path = url.to_file_path();
                path.map_err(|()| unusable("it is not a path of this machine".into()))?
            }
            Some(url) => {
                let (objects, base) = parse_url_opts(url, &settings.options)
                    .map_err(|source| unusable(source.into()))?;
                if base.as_ref().contains('%') {
                    return Err(unusable(ESCAPES.into()));
                }
                return Ok(Store { name, objects: wrap(objects.into()), base, folder: None });
            }
        };
        durable::create_folder(&folder).map_err(|source| unusable(source.into()))?;
        let folder = folder.canonicalize().map_err(|source| unusable(source.into()))?;
        // The folder's own name is no part of any object's: paths of objects do not know every letter
        // that names of files may have, such as `~` and `\`.
        let files = LocalFiles::new(&folder).map_err(|source| unusable(source.into()))?;
        let objects = wrap(Arc::new(files));
        Ok(Store { name, objects, base: Path::default(), folder: Some(folder.into()) })
    }

    /// Where versions of one table are kept.
    pub fn table(&self, connection: &str, table: &str) -> Stored {
        let folder = self.folder.as_ref().map(|root| root.join(connection).join(table));
        let path = self.base.clone().join(connection).join(table);
        Stored::new(self.objects.clone(), path, format!("{connection}/{table}"), folder)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.name).finish()
    }
}
