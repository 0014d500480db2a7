//! A store that fails a call, or lets commits wait.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bytes::Bytes;
use entra_flight::snapshot::{Settings, Store};
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Fails the call whose turn it is; calls are counted down to it.
#[derive(Clone, Debug)]
pub struct Failing {
    inner: Arc<dyn ObjectStore>,
    calls: Calls,
}

/// What calls have to pass.
#[derive(Clone, Debug)]
pub struct Calls {
    left: Arc<AtomicI64>,
    /// How many commits may still be made.
    pub commits: Arc<Semaphore>,
    waiting: Arc<AtomicI64>,
    full: Arc<AtomicBool>,
    linkless: Arc<AtomicBool>,
}

impl Calls {
    pub fn new() -> Self {
        let commits = Arc::new(Semaphore::new(1_000_000));
        Calls {
            left: Arc::default(),
            commits,
            waiting: Arc::default(),
            full: Arc::default(),
            linkless: Arc::default(),
        }
    }

    /// How many commits wait.
    pub fn waiting(&self) -> i64 {
        self.waiting.load(Ordering::SeqCst)
    }

    /// A store in this folder whose calls pass here.
    pub fn store(&self, folder: &TempDir) -> Store {
        let settings = Settings { url: folder.path().display().to_string(), ..Settings::default() };
        let calls = self.clone();
        let store = Store::open_through(&settings, |inner| Arc::new(Failing { inner, calls }));
        store.expect("a store")
    }

    /// Lets the call with this number fail, counted from one.
    pub fn fail(&self, call: i64) {
        self.left.store(call, Ordering::SeqCst);
    }

    /// Lets no more fail, and tells whether one has.
    pub fn end(&self) -> bool {
        self.left.swap(0, Ordering::SeqCst) <= 0
    }

    /// How many calls were made since it ended.
    pub fn made(&self) -> i64 {
        -self.left.load(Ordering::SeqCst)
    }

    /// Lets nothing be written any more, until something is removed.
    pub fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// Lets no file be put where none may be, as in folders without hard links.
    pub fn unlink(&self) {
        self.linkless.store(true, Ordering::SeqCst);
    }

    fn write(&self) -> Result<()> {
        self.pass()?;
        match self.full.load(Ordering::SeqCst) {
            true => Err(Error::Generic { store: "test", source: "no space is left".into() }),
            false => Ok(()),
        }
    }

    fn pass(&self) -> Result<()> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1 => Err(Error::Generic { store: "test", source: "the disk is full".into() }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failing")
    }
}

#[tonic::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.calls.write()?;
        if matches!(how.mode, PutMode::Create) && self.calls.linkless.load(Ordering::SeqCst) {
            return Err(Error::NotSupported { source: "there are no hard links".into() });
        }
        if at.parts().any(|part| part.as_ref() == "_delta_log") {
            self.calls.waiting.fetch_add(1, Ordering::SeqCst);
            self.calls.commits.acquire().await.expect("it is never closed").forget();
            self.calls.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        self.inner.put_opts(at, bytes, how).await
    }
    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.calls.write()?;
        let inner = self.inner.put_multipart_opts(at, how).await?;
        Ok(Box::new(Parts { inner, calls: self.calls.clone() }))
    }
    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        self.calls.pass()?;
        self.inner.get_opts(at, how).await
    }
    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.calls.pass()?;
        self.inner.get_ranges(at, ranges).await
    }
    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.calls.pass() {
            Ok(()) => {
                self.calls.full.store(false, Ordering::SeqCst);
                self.inner.delete_stream(paths)
            }
            Err(error) => Box::pin(stream::iter([Err(error)])),
        }
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.calls.pass() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => Box::pin(stream::iter([Err(error)])),
        }
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.calls.pass()?;
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.calls.pass()?;
        self.inner.copy_opts(from, to, how).await
    }
    async fn rename_opts(&self, from: &Path, to: &Path, how: RenameOptions) -> Result<()> {
        self.calls.pass()?;
        self.inner.rename_opts(from, to, how).await
    }
}

/// A file that is handed over in parts, each of which is a call.
#[derive(Debug)]
struct Parts {
    inner: Box<dyn MultipartUpload>,
    calls: Calls,
}

#[tonic::async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, bytes: PutPayload) -> UploadPart {
        match self.calls.pass() {
            Ok(()) => self.inner.put_part(bytes),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }
    async fn complete(&mut self) -> Result<PutResult> {
        self.calls.pass()?;
        self.inner.complete().await
    }
    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
