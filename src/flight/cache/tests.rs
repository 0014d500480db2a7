//! What is kept, for how long, and what makes room; no server is needed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::datatypes::Schema;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use proptest::prelude::*;
use tonic::Status;

use super::{Cache, Fixed, Frame, Slot, limits};
use crate::clock;
use crate::error::Kind;

/// The answer of this name; it has so many rows.
fn answer(name: usize, rows: u64) -> Fixed {
    let (table, schema) = (name.to_string(), Arc::new(Schema::empty()));
    Fixed { table, files: Vec::new(), columns: Vec::new(), schema, rows }
}

/// A schema, and so many frames of ten rows in a hundred bytes.
fn frames(name: usize, count: usize) -> Vec<Frame> {
    let frame = |rows, bytes| Frame { bytes: Bytes::from(vec![name as u8; bytes]), rows };
    let rows = (0..count).map(|_| frame(10, 100));
    [frame(0, 7)].into_iter().chain(rows).collect()
}

/// Sends them, and says whether they all came.
async fn send(cache: &Cache, name: usize, count: usize) -> bool {
    let sent = stream::iter(frames(name, count)).map(Ok);
    let of = answer(name, 10 * count as u64);
    let came: Vec<_> = cache.keep(of, sent).try_collect().await.expect("frames");
    came == frames(name, count)
}

/// The frames that are kept of it, in an answer of ten rows a frame.
async fn kept(cache: &Cache, name: usize, count: usize) -> Option<Vec<Frame>> {
    let found = cache.find(&answer(name, 10 * count as u64))?;
    Some(found.try_collect().await.expect("frames"))
}

fn used(cache: &Cache) -> u64 {
    cache.shared.used.load(Ordering::Relaxed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_kept_is_what_was_sent_and_fits(
        bytes_max in 0_u64..2_000,
        asked in prop::collection::vec((0_usize..6, any::<bool>()), 1..30),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let cache = Cache::new(bytes_max);
            let mut sent = None;
            for (name, sends) in asked {
                // As many frames as its name says.
                if sends {
                    assert!(send(&cache, name, name).await);
                    sent = Some(name);
                }
                assert!(used(&cache) <= bytes_max, "{} bytes", used(&cache));
                if let Some(found) = kept(&cache, name, name).await {
                    assert_eq!(found, frames(name, name));
                } else if let Some(last) = sent.filter(|last| *last == name) {
                    let bytes = 7 + 100 * last as u64;
                    assert!(bytes > bytes_max || !sends, "the last that was sent is kept");
                }
            }
        });
    }
}

#[tokio::test]
async fn the_one_not_asked_for_longest_makes_room() {
    let cache = Cache::new(1_000);
    for name in 1..=3 {
        assert!(send(&cache, name, 3).await);
    }
    assert!(kept(&cache, 1, 3).await.is_some());
    assert!(send(&cache, 4, 3).await);
    assert!(kept(&cache, 2, 3).await.is_none());
    for name in [1, 3, 4] {
        assert!(kept(&cache, name, 3).await.is_some(), "{name}");
    }
    // What will not fit lets the others be.
    assert!(send(&cache, 5, 11).await);
    assert!(kept(&cache, 5, 11).await.is_none());
    assert!(kept(&cache, 1, 3).await.is_some());
}

#[tokio::test]
async fn what_is_read_does_not_make_room() {
    let cache = Cache::new(1_000);
    assert!(send(&cache, 1, 8).await);
    let mut reading = cache.find(&answer(1, 80)).expect("it is kept");
    let first = reading.try_next().await.expect("a frame");
    assert!(send(&cache, 2, 8).await);
    assert!(kept(&cache, 2, 8).await.is_none(), "there was no room");
    let rest: Vec<_> = reading.try_collect().await.expect("frames");
    assert_eq!(first.into_iter().chain(rest).collect::<Vec<_>>(), frames(1, 8));
    assert!(send(&cache, 2, 8).await);
    assert!(kept(&cache, 2, 8).await.is_some() && kept(&cache, 1, 8).await.is_none());
}

#[tokio::test]
async fn what_is_not_whole_is_not_kept() {
    let cache = Cache::new(10_000);
    let whole = || frames(1, 5).into_iter().map(Ok);
    // Its client goes away,
    let sent = cache.keep(answer(1, 50), stream::iter(whole()));
    assert_eq!(sent.take(3).count().await, 3);
    assert!(cache.find(&answer(1, 50)).is_none());
    // it fails,
    let failing = whole().chain([Err(Status::data_loss("cut"))]);
    let sent: Vec<_> = cache.keep(answer(1, 50), stream::iter(failing)).collect().await;
    assert!(sent.len() == 7 && sent[6].is_err());
    assert!(cache.find(&answer(1, 50)).is_none());
    // or it has other rows than the version.
    let sent = cache.keep(answer(1, 51), stream::iter(whole()));
    assert_eq!(sent.count().await, 6);
    assert!(cache.find(&answer(1, 51)).is_none());
    assert_eq!(used(&cache), 0);
    assert!(send(&cache, 1, 5).await && kept(&cache, 1, 5).await.is_some());
}

#[tokio::test]
async fn of_two_at_once_one_is_kept() {
    let cache = Cache::new(10_000);
    let sent = || cache.keep(answer(1, 50), stream::iter(frames(1, 5)).map(Ok));
    let (one, other) = futures::join!(sent().count(), sent().count());
    assert_eq!((one, other, used(&cache)), (6, 6, 507));
    assert_eq!(kept(&cache, 1, 5).await, Some(frames(1, 5)));
}

#[tokio::test]
async fn what_the_disk_lost_is_an_error_and_read_anew() {
    let cache = Cache::new(10_000);
    assert!(send(&cache, 1, 5).await);
    match cache.slots().get(&answer(1, 50)) {
        Some(Slot::Kept { answer, .. }) => {
            let file = answer.file.lock().expect("a file");
            file.0.as_ref().expect("a file").set_len(300).expect("shorter");
        }
        _ => panic!("it is not kept"),
    }
    let found = cache.find(&answer(1, 50)).expect("it was kept");
    let read: Result<Vec<_>, _> = found.try_collect().await;
    assert_eq!(read.expect_err("the file is short").kind(), Kind::Unavailable);
    assert!(cache.find(&answer(1, 50)).is_none());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_goes() {
    let cache = Cache::new(10_000);
    assert!(send(&cache, 1, 5).await);
    assert!(send(&cache, 2, 5).await);
    clock::sleep(limits::CACHE_IDLE / 2).await;
    assert!(kept(&cache, 2, 5).await.is_some());
    clock::sleep(limits::CACHE_IDLE / 2 + Duration::from_secs(1)).await;
    assert!(!cache.slots().contains_key(&answer(1, 50)));
    assert!(cache.slots().contains_key(&answer(2, 50)));
    clock::sleep(limits::CACHE_IDLE).await;
    assert_eq!((cache.slots().len(), used(&cache)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_wait_for_a_slow_disk() {
    let cache = Cache::new(10_000);
    let mut writing = super::Writing::begin(cache.clone(), answer(1, 50)).expect("a new one");
    writing.file = tokio::spawn(async {
        clock::sleep(limits::CACHE_PATIENCE * 2).await;
        tempfile::tempfile()
    });
    assert!(writing.append(frames(1, 1).remove(1)).await.is_none());
    assert_eq!((cache.slots().len(), used(&cache)), (0, 0));
    let mut writing = super::Writing::begin(cache.clone(), answer(1, 50)).expect("a new one");
    writing.file = tokio::spawn(async { Err(io::ErrorKind::StorageFull.into()) });
    assert!(writing.append(frames(1, 1).remove(1)).await.is_none());
}
