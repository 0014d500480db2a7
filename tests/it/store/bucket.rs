//! Stored tables in a bucket.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::Utc;
use entra_flight::error::Kind;
use entra_flight::snapshot::{Error, Keep, Settings, Store, Stored, Which, compare};
use futures::TryStreamExt as _;

use super::{draft, named, put, read, users};
use crate::clients::{clients, python};

/// A simulated object store with the bucket `kept`.
struct Bucket {
    process: Child,
    address: String,
}

impl Bucket {
    fn start() -> Self {
        let mut process = Command::new(python("requirements-bucket.txt"))
            .arg(clients().join("bucket.py"))
            .arg("kept")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let mut line = String::new();
        let out = process.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("bucket: ").expect("an address").to_owned();
        Bucket { process, address }
    }

    fn table(&self, url: &str) -> Stored {
        let options = [
            ("aws_endpoint", &*self.address),
            ("aws_access_key_id", "id"),
            ("aws_secret_access_key", "secret"),
            ("aws_region", "us-east-1"),
            ("aws_allow_http", "true"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings { url: url.to_owned(), options: options.into_iter().collect() };
        Store::open(&settings).expect("a store").table("contoso", "users")
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_versions_as_a_folder_does() {
    let bucket = tokio::task::spawn_blocking(Bucket::start).await.expect("a bucket");
    let (place, table) = (bucket.table("s3://kept/directory"), users());
    for name in ["0", "1"] {
        put(&place, &table, &named(name)).await.expect("a version");
    }
    let (first, second) = (Which::Number(0), Which::Latest);
    let old = place.snapshot(first).await.expect("the first");
    let new = place.snapshot(second).await.expect("the second");
    let rows = read(&old, &table).await;
    assert!(rows.len() == 3 && rows.iter().all(|row| row["displayName"] == "0"), "{rows:?}");
    let mut compared = compare(&old, &new, &table);
    while compared.batches.try_next().await.expect("changes").is_some() {}
    assert_eq!(compared.counts().updated, 3);

    // Nobody is told that another load is under way: of two, the second to commit fails.
    let turns = [place.begin("a").await, place.begin("b").await].map(|turn| turn.expect("a turn"));
    for (turn, wins) in turns.iter().zip([true, false]) {
        let (files, mut draft) =
            draft(&place, &table, turn.load(), &named(turn.load())).await.expect("files");
        draft.files = Some(files);
        match place.commit(turn, draft).await {
            Ok(version) => assert!(wins && version == 2),
            Err(error) => assert!(!wins && matches!(error, Error::Raced { .. }), "{error}"),
        }
    }
    // Young versions and young files stay, since nobody can tell who reads or writes them.
    let keep = Keep { newer_than: Duration::ZERO, newest: 1 };
    let turn = place.begin("expiry").await.expect("a turn");
    let expired = place.expire(&turn, &keep, Utc::now()).await.expect("an expiry");
    assert_eq!((expired.versions.len(), expired.files), (0, 0));
    let later = Utc::now() + Duration::from_secs(25 * 3_600);
    let expired = place.expire(&turn, &keep, later).await.expect("an expiry");
    // Their files go too, and with them that of the load which lost.
    assert_eq!((&*expired.versions, expired.files), (&[0, 1][..], 3));
    let proof = place.prove(&table).await.expect("a proof");
    assert_eq!((proof.versions, proof.findings), (1, Vec::new()));

    let missing = bucket.table("s3://nowhere/directory").snapshot(Which::Latest).await;
    let kind = missing.expect_err("there is no such bucket").kind();
    assert!(matches!(kind, Kind::Unavailable | Kind::Corrupt), "{kind:?}");
}
