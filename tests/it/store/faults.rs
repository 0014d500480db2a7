//! A store that fails: at every call, once.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use entra_flight::snapshot::{Keep, Settings, Store, Which};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use super::{named, put, read, users};

/// Fails the call whose turn it is; calls are counted down to it.
#[derive(Clone, Debug)]
struct Failing {
    inner: Arc<dyn ObjectStore>,
    left: Arc<AtomicI64>,
}

impl Failing {
    fn pass(&self) -> Result<()> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1 => Err(object_store::Error::Generic {
                store: "test",
                source: "the disk is full".into(),
            }),
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
        self.pass()?;
        self.inner.put_opts(at, bytes, how).await
    }
    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass()?;
        self.inner.put_multipart_opts(at, how).await
    }
    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        self.pass()?;
        self.inner.get_opts(at, how).await
    }
    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.pass()?;
        self.inner.get_ranges(at, ranges).await
    }
    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.pass() {
            Ok(()) => self.inner.delete_stream(paths),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.pass() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.pass()?;
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.pass()?;
        self.inner.copy_opts(from, to, how).await
    }
    async fn rename_opts(&self, from: &Path, to: &Path, how: RenameOptions) -> Result<()> {
        self.pass()?;
        self.inner.rename_opts(from, to, how).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_at_any_call_keeps_whole_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = Arc::new(AtomicI64::new(0));
    let settings = Settings { url: folder.path().display().to_string(), ..Settings::default() };
    let store =
        Store::open_through(&settings, |inner| Arc::new(Failing { inner, left: left.clone() }));
    let place = store.expect("a store").table("contoso", "users");
    let table = users();
    put(&place, &table, &named("0")).await.expect("the first version");
    let (mut expected, mut failures) = ("0".to_owned(), 0);
    for call in 1.. {
        let name = call.to_string();
        left.store(call, Ordering::SeqCst);
        let ended = put(&place, &table, &named(&name)).await;
        let reached = left.swap(0, Ordering::SeqCst) <= 0;
        failures += u32::from(ended.is_err());
        if ended.is_ok() {
            expected = name;
        }
        let newest = place.snapshot(Which::Latest).await.expect("a version");
        let rows = read(&newest, &table).await;
        assert_eq!(rows.len(), 3, "call {call}");
        let names: Vec<_> = rows.iter().map(|row| row["displayName"].as_str().unwrap()).collect();
        assert_eq!(names, [&expected; 3], "call {call}");
        if !reached {
            break;
        }
    }
    assert!(failures > 5, "{failures} calls failed");
    // What failed loads left is cleared away by the next.
    put(&place, &table, &named("last")).await.expect("a load");
    let versions = place.versions().await.expect("versions").len();
    let files = std::fs::read_dir(folder.path().join("contoso/users")).expect("the folder");
    let files = files.filter(|file| {
        let name = file.as_ref().expect("a file").file_name();
        name.to_string_lossy().starts_with("load-")
    });
    assert_eq!(files.count(), versions, "a file a version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_that_fails_at_any_call_keeps_what_is_kept() {
    let left = Arc::new(AtomicI64::new(0));
    let mut failures = 0;
    for call in 1.. {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings { url: folder.path().display().to_string(), ..Settings::default() };
        let store =
            Store::open_through(&settings, |inner| Arc::new(Failing { inner, left: left.clone() }));
        let place = store.expect("a store").table("contoso", "users");
        let table = users();
        for version in 0..4 {
            put(&place, &table, &named(&version.to_string())).await.expect("a version");
        }
        let keep = Keep { newer_than: Duration::ZERO, newest: 2 };
        let turn = place.begin("expiry").await.expect("a turn");
        left.store(call, Ordering::SeqCst);
        let ended = place.expire(&turn, &keep, Utc::now()).await;
        let reached = left.swap(0, Ordering::SeqCst) <= 0;
        failures += u32::from(ended.is_err());
        drop(turn);
        // Whatever is listed can be read, and the newest two are.
        let numbers: Vec<u64> =
            place.versions().await.expect("versions").iter().map(|it| it.version).collect();
        assert!(numbers.ends_with(&[2, 3]), "call {call}: {numbers:?}");
        for number in numbers {
            let version = place.snapshot(Which::Number(number)).await.expect("a version");
            let rows = read(&version, &table).await;
            let name = number.to_string();
            assert!(rows.iter().all(|row| row["displayName"] == *name), "{rows:?}");
        }
        put(&place, &table, &named("4")).await.expect("the next load");
        let proof = place.prove(&table).await.expect("a proof");
        assert_eq!(proof.findings, [], "call {call}");
        if !reached {
            break;
        }
    }
    assert!(failures > 5, "{failures} calls failed");
}
