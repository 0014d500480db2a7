//! The files of a store that is a folder.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::TryFutureExt as _;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use tokio::task::spawn_blocking;

use crate::snapshot::durable;

/// What errors say of where they come from.
const STORE: &str = "folder";

/// A folder whose files outlive a loss of power: each is on the disk before it has its name, and its
/// name is there before the call returns.
///
/// [`LocalFileSystem`] leaves both to the system, which may write them in any order, and a log entry
/// before the rows that it names.
#[derive(Debug)]
pub struct LocalFiles {
    files: LocalFileSystem,
}

impl LocalFiles {
    /// The files below a folder.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn new(folder: &FilePath) -> Result<Self> {
        Ok(LocalFiles { files: LocalFileSystem::new_with_prefix(folder)? })
    }
}

impl fmt::Display for LocalFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

/// A file that has no name yet; until then it has a `#` and a number behind it, and no listing of the
/// store shows it.
#[derive(Debug)]
struct Staged {
    file: Option<File>,
    path: PathBuf,
    target: PathBuf,
}

impl Staged {
    fn create(target: PathBuf) -> io::Result<Self> {
        let mut number = 1_u32;
        loop {
            let mut path = target.clone().into_os_string();
            path.push(format!("#{number}"));
            let path = PathBuf::from(path);
            match File::options().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Staged { file: Some(file), path, target }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // Only a folder that was not there is made, so that this comes to an end.
                    let parent = path.parent().filter(|parent| !parent.is_dir());
                    durable::create_folder(parent.ok_or(error)?)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes bytes at this place and brings all so far to the disk, which so is busy while more is
    /// made, and not at the end alone.
    fn write(&mut self, at: u64, payload: &PutPayload) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        file.seek(SeekFrom::Start(at))?;
        payload.iter().try_for_each(|bytes| file.write_all(bytes))?;
        file.sync_data()
    }

    /// Gives it its name: of a file that has it already the place, unless it has to be a new one.
    fn publish(&mut self, new: bool) -> Result<()> {
        let file = self.file.take().ok_or_else(|| self.refused(ErrorKind::BrokenPipe.into()))?;
        durable::sync_file(&self.path, &file).map_err(|error| self.refused(error))?;
        // Some file systems put a file where it belongs when it is closed.
        drop(file);
        if new {
            let linked = fs::hard_link(&self.path, &self.target);
            linked.map_err(|error| self.not_linked(error))?;
        } else {
            let renamed = fs::rename(&self.path, &self.target);
            renamed.map_err(|error| self.refused(error))?;
        }
        let folder = self.target.parent().unwrap_or(FilePath::new(""));
        if new {
            let _ = fs::remove_file(&self.path);
        }
        durable::sync_folder(folder).map_err(|error| self.refused(error))?;
        self.path = PathBuf::new();
        Ok(())
    }

    fn refused(&self, error: io::Error) -> Error {
        refused(&self.target, error)
    }

    fn not_linked(&self, error: io::Error) -> Error {
        let path = self.target.display().to_string();
        match error.kind() {
            ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
            // The file beside it could be made, so that this is not about rights.
            _ if durable::unsupported(&error) || error.kind() == ErrorKind::PermissionDenied => {
                Error::NotSupported { source: error.into() }
            }
            _ => self.refused(error),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.file = None;
        if !self.path.as_os_str().is_empty() {
            // What stays is cleared away by the next load.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn refused(path: &FilePath, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => {
            Error::NotFound { path: path.display().to_string(), source: error.into() }
        }
        _ => Error::Generic { store: STORE, source: error.into() },
    }
}

/// Works on files where that keeps nobody waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await?
}

/// A file that comes in parts.
#[derive(Debug)]
struct Upload {
    /// Gone once it is whole or given up.
    staged: Option<Arc<Mutex<Staged>>>,
    bytes: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, at) = (self.staged.clone(), self.bytes);
        self.bytes += data.content_length() as u64;
        Box::pin(blocking(move || {
            let staged = staged.ok_or_else(given_up)?;
            let mut staged = staged.lock().unwrap_or_else(PoisonError::into_inner);
            staged.write(at, &data).map_err(|error| staged.refused(error))
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = self.staged.take().ok_or_else(given_up)?;
        blocking(move || {
            staged.lock().unwrap_or_else(PoisonError::into_inner).publish(false)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        self.staged = None;
        Ok(())
    }
}

fn given_up() -> Error {
    Error::Generic { store: STORE, source: "the file was given up before".into() }
}

/// A listing in the order of names, as of a bucket.
fn in_order(
    listing: BoxStream<'static, Result<ObjectMeta>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let sorted = listing.try_collect::<Vec<_>>().map_ok(|mut files| {
        files.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        stream::iter(files).map(Ok)
    });
    sorted.try_flatten_stream().boxed()
}

#[async_trait]
impl ObjectStore for LocalFiles {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        let new = match how.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            // Which it refuses.
            PutMode::Update(_) => return self.files.put_opts(at, bytes, how).await,
        };
        let target = self.files.path_to_filesystem(at)?;
        blocking(move || {
            let mut staged =
                Staged::create(target.clone()).map_err(|error| refused(&target, error))?;
            staged.write(0, &bytes).map_err(|error| staged.refused(error))?;
            staged.publish(new)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.files.path_to_filesystem(at)?;
        let create =
            move || Staged::create(target.clone()).map_err(|error| refused(&target, error));
        let staged = Some(Arc::new(Mutex::new(blocking(create).await?)));
        Ok(Box::new(Upload { staged, bytes: 0 }))
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        self.files.get_opts(at, how).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        in_order(self.files.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        in_order(self.files.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, how).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, how: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, how).await
    }
}
