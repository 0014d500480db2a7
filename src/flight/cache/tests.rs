//! What is kept, for how long, and what makes room; no server is needed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::datatypes::Schema;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::{Cache, Fixed, Frame, Keeping, Key, Slot, limits};
use crate::clock;
use crate::error::Kind;

/// The answer of this name; it has so many rows.
fn answer(name: usize, rows: u64) -> Key {
    let (table, schema) = (name.to_string(), Arc::new(Schema::empty()));
    let (files, columns) = (Vec::new(), Vec::new());
    Key { of: Fixed { table, files, columns, schema, ordered: true, rows }, padded: false }
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
    // So that what was asked for first is known.
    clock::sleep(Duration::from_millis(1)).await;
    let came: Vec<_> = cache.keep(of, sent).try_collect().await.expect("frames");
    came == frames(name, count)
}

/// The frames that are kept of it, in an answer of ten rows a frame.
async fn kept(cache: &Cache, name: usize, count: usize) -> Option<Vec<Frame>> {
    clock::sleep(Duration::from_millis(1)).await;
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
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let cache = Cache::new(bytes_max);
            for (name, sends) in asked {
                // As many frames as its name says.
                if sends {
                    assert!(send(&cache, name, name).await);
                }
                assert!(used(&cache) <= bytes_max, "{} bytes", used(&cache));
                let found = kept(&cache, name, name).await;
                let fits = 7 + 100 * name as u64 <= bytes_max;
                assert!(fits || found.is_none());
                assert!(found.is_some() || !(sends && fits), "what was sent last is kept");
                assert!(found.is_none_or(|found| found == frames(name, name)));
            }
        });
    }
}

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn of_two_at_once_one_is_kept() {
    let cache = Cache::new(10_000);
    let sent = || cache.keep(answer(1, 50), stream::iter(frames(1, 5)).map(Ok));
    let (one, other) = futures::join!(sent().count(), sent().count());
    assert_eq!((one, other, used(&cache)), (6, 6, 507));
    assert_eq!(kept(&cache, 1, 5).await, Some(frames(1, 5)));
}

#[tokio::test(start_paused = true)]
async fn what_the_disk_lost_is_an_error_and_read_anew() {
    let cache = Cache::new(10_000);
    assert!(send(&cache, 1, 5).await);
    match cache.slots().by_key.get(&answer(1, 50)) {
        Some(Slot::Whole { answer, .. }) => {
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
    assert!(!cache.slots().by_key.contains_key(&answer(1, 50)));
    assert!(cache.slots().by_key.contains_key(&answer(2, 50)));
    clock::sleep(limits::CACHE_IDLE).await;
    assert_eq!((cache.slots().by_key.len(), used(&cache)), (0, 0));
}

/// How long a thousand frames take if the disk takes so long for each, and whether they are kept.
async fn on_a_disk_that_takes(each: Duration) -> (Duration, bool) {
    let (give, mut taken) = mpsc::channel(1);
    let disk = tokio::spawn(async move {
        while let Some(Some(_)) = taken.recv().await {
            clock::sleep(each).await;
        }
    });
    let (began, writing) = (clock::now(), AbortOnDropHandle::new(disk));
    let mut keeping = Some(Keeping { give, writing, began, waited: Duration::ZERO });
    for _ in 0..1_000 {
        // What makes frames takes a while itself.
        clock::sleep(Duration::from_millis(10)).await;
        if let Some(with) = keeping.take() {
            keeping = with.give(frames(1, 1).remove(1)).await;
        }
    }
    (clock::now().duration_since(began), keeping.is_some())
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_wait_long_for_a_slow_disk() {
    for (millis, kept) in
        [(1, true), (10, true), (11, true), (12, false), (90, false), (60_000, false)]
    {
        let (took, found) = on_a_disk_that_takes(Duration::from_millis(millis)).await;
        assert_eq!(found, kept, "{millis} ms");
        assert!(took < Duration::from_millis(12_000), "{millis} ms: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_its_client_left_standing_keeps_nobody_from_it() {
    let cache = Cache::new(10_000);
    let mut standing = cache.keep(answer(1, 50), stream::iter(frames(1, 5)).map(Ok));
    assert!(standing.next().await.is_some() && standing.next().await.is_some());
    assert!(send(&cache, 1, 5).await && kept(&cache, 1, 5).await.is_none());
    clock::sleep(limits::CACHE_STALLED + Duration::from_secs(1)).await;
    assert_eq!((cache.slots().by_key.len(), used(&cache)), (0, 0));
    assert!(send(&cache, 1, 5).await && kept(&cache, 1, 5).await.is_some());
    let rest: Vec<_> = standing.try_collect().await.expect("frames");
    assert_eq!(rest, frames(1, 5)[2..]);
    assert!(kept(&cache, 1, 5).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_answers_than_files_may_be_open() {
    let cache = Cache::new(1 << 20);
    for name in 0..limits::CACHE_ANSWERS + 10 {
        assert!(send(&cache, name, 1).await);
        assert!(kept(&cache, name, 1).await.is_some());
    }
    assert_eq!(cache.slots().by_key.len(), limits::CACHE_ANSWERS);
    assert!(kept(&cache, 9, 1).await.is_none() && kept(&cache, 10, 1).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_for_what_will_find_no_room() {
    let cache = Cache::new(2_000);
    assert!(send(&cache, 1, 12).await && send(&cache, 2, 4).await);
    let mut reading = cache.find(&answer(1, 120)).expect("it is kept");
    assert!(reading.next().await.is_some());
    // Beside what is being read it would not fit, whatever went.
    assert!(send(&cache, 3, 10).await && kept(&cache, 3, 10).await.is_none());
    assert!(kept(&cache, 2, 4).await.is_some());
}
