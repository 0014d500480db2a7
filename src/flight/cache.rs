//! Answers kept as they were sent.
//!
//! To decode Parquet and to encode Arrow is nearly all the work of sending a stored version, and a
//! version is the same whoever asks. What went out whole is kept on this machine's disk and goes out
//! again from there. Nobody waits long for it: an answer that the disk does not take as fast as it
//! goes out is not kept.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::Error;
use super::encode::Frame;
use crate::clock::{self, Instant};
use crate::limits::flight as limits;
use crate::query::Fixed;
use crate::spare::Spare;

/// What tells one answer from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its rows.
    pub of: Fixed,
    /// Whether the other columns of the table are there too, and null, as Airport wants it.
    pub padded: bool,
}

/// Answers to be sent again, in nameless files of the folder for temporary files; cloning it shares
/// it.
///
/// All of them together never have more than a set number of bytes, and there are never more than
/// [`limits::CACHE_ANSWERS`]. Those that were not asked for for the longest time make room for
/// others, and none outlives [`limits::CACHE_IDLE`] without being asked for, this value, or the
/// process. Rows of a version that expires are gone from the disk by then, or when the last read of
/// them ends.
#[derive(Clone, Debug)]
pub struct Cache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bytes_max: u64,
    /// Bytes of all answers, those being written included; it grows only while `slots` are held.
    used: Arc<AtomicU64>,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    by_key: HashMap<Arc<Key>, Slot>,
    /// How many answers were begun to be written.
    begun: u64,
}

#[derive(Debug)]
enum Slot {
    /// It is being written, as the answer of this number.
    Unfinished(u64),
    /// It can be sent.
    Whole {
        answer: Arc<Answer>,
        asked: Instant,
        /// Removes it when nobody has asked for it for long.
        _idle: AbortOnDropHandle<()>,
    },
}

/// Bytes that count against those there may be.
#[derive(Debug)]
struct Room {
    used: Arc<AtomicU64>,
    bytes: u64,
}

/// One answer, whole.
#[derive(Debug)]
struct Answer {
    /// Readers take turns; each holds it for one copy out of the system's memory.
    file: Mutex<Nameless>,
    places: Vec<Place>,
    room: Room,
}

/// A file that only we know; the disk has its room back some time after this is dropped.
#[derive(Debug)]
struct Nameless(Option<File>);

/// Where a frame is.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    bytes: usize,
    rows: u64,
}

impl Cache {
    /// Keeps at most so many bytes; 0 keeps nothing.
    pub fn new(bytes_max: u64) -> Self {
        let (used, slots) = (Arc::default(), Mutex::default());
        Cache { shared: Arc::new(Shared { bytes_max, used, slots }) }
    }

    /// The frames of this answer, if it is kept. Dropping the stream stops the read.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] if the disk does not give back what it was given; the stream ends then, and
    /// the answer is not kept any more.
    pub fn find(&self, key: &Key) -> Option<BoxStream<'static, Result<Frame, Error>>> {
        let answer = match self.slots().by_key.get_mut(key)? {
            Slot::Whole { answer, asked, .. } => {
                *asked = clock::now();
                answer.clone()
            }
            Slot::Unfinished(_) => return None,
        };
        let (this, key) = (self.clone(), Arc::new(key.clone()));
        let spare = Spare::new(limits::SPARE_MAX, limits::SPARE_BYTES_MAX);
        let frames = stream::iter(answer.places.clone()).then(move |place| {
            let (answer, spare) = (answer.clone(), spare.clone());
            let (this, key) = (this.clone(), key.clone());
            async move {
                let read = answer.clone();
                let read = spawn_blocking(move || read.read(place, &spare)).await;
                let frame = read.map_err(Error::Died)?.map_err(Error::Cache);
                frame.inspect_err(|_| this.forget(&key, &answer))
            }
        });
        Some(frames.boxed())
    }

    /// The same frames, kept once the stream has ended well with all rows of the key.
    pub fn keep<S>(&self, key: Key, frames: S) -> BoxStream<'static, Result<Frame, Status>>
    where
        S: Stream<Item = Result<Frame, Status>> + Send + Unpin + 'static,
    {
        let Some(unfinished) = Unfinished::begin(self, key) else { return frames.boxed() };
        let (give, taken) = mpsc::channel(1);
        let writing = AbortOnDropHandle::new(tokio::spawn(unfinished.write(taken)));
        let keeping = Keeping { give, writing, began: clock::now(), waited: Duration::ZERO };
        let frames = stream::unfold((frames, Some(keeping)), |(mut frames, keeping)| async move {
            let frame = frames.next().await;
            let keeping = match (&frame, keeping) {
                (Some(Ok(frame)), Some(keeping)) => keeping.give(frame.clone()).await,
                (None, Some(keeping)) => keeping.end().await,
                (Some(Err(_)), _) | (_, None) => None,
            };
            Some((frame?, (frames, keeping)))
        });
        frames.boxed()
    }

    /// Room for so many bytes more, for which answers that nobody reads may have to go.
    fn room(&self, bytes: u64) -> Option<Room> {
        let mut slots = self.slots();
        let used = &self.shared.used;
        while used.load(Ordering::Relaxed).saturating_add(bytes) > self.shared.bytes_max {
            slots.evict()?;
        }
        used.fetch_add(bytes, Ordering::Relaxed);
        Some(Room { used: used.clone(), bytes })
    }

    /// Bytes that there are, or would be if every answer that nobody reads went.
    fn free(&self) -> u64 {
        let slots = self.slots();
        let idle: u64 = slots.idle().map(|(_, _, answer)| answer.room.bytes).sum();
        let left = self.shared.bytes_max.saturating_sub(self.shared.used.load(Ordering::Relaxed));
        left.saturating_add(idle)
    }

    /// Removes this answer, unless another is there by now.
    fn forget(&self, key: &Key, gone: &Arc<Answer>) {
        let mut slots = self.slots();
        match slots.by_key.get(key) {
            Some(Slot::Whole { answer, .. }) if Arc::ptr_eq(answer, gone) => {
                slots.by_key.remove(key);
            }
            _ => {}
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// The answers that nobody reads, and when they were asked for.
    fn idle(&self) -> impl Iterator<Item = (&Arc<Key>, Instant, &Arc<Answer>)> {
        self.by_key.iter().filter_map(|(key, slot)| match slot {
            Slot::Whole { answer, asked, .. } if Arc::strong_count(answer) == 1 => {
                Some((key, *asked, answer))
            }
            _ => None,
        })
    }

    /// Removes the one of them that was not asked for for the longest time; `None` if there is none.
    fn evict(&mut self) -> Option<()> {
        let oldest = self.idle().min_by_key(|(_, asked, _)| *asked)?.0.clone();
        self.by_key.remove(&oldest);
        Some(())
    }
}

impl Answer {
    fn read(&self, place: Place, spare: &Spare) -> io::Result<Frame> {
        let mut bytes = spare.take();
        bytes.reserve(place.bytes);
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let file = file.0.as_mut().ok_or(io::ErrorKind::NotFound)?;
            file.seek(SeekFrom::Start(place.at))?;
            file.take(place.bytes as u64).read_to_end(&mut bytes)?;
        }
        if bytes.len() < place.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Frame { bytes: spare.lend(bytes), rows: place.rows })
    }
}

impl Room {
    /// All of it, and nothing is left here.
    fn take(&mut self) -> Room {
        Room { used: self.used.clone(), bytes: mem::take(&mut self.bytes) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Nameless {
    fn new() -> io::Result<Self> {
        Ok(Nameless(Some(tempfile::tempfile()?)))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.as_mut().ok_or(io::ErrorKind::NotFound)?.write_all(bytes)
    }
}

impl Drop for Nameless {
    fn drop(&mut self) {
        // To close it frees what it holds, which of gigabytes takes long.
        if let (Some(file), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}

/// Who gives the frames of an answer to be kept; without it, it is not kept.
struct Keeping {
    /// A frame, or that it was the last.
    give: mpsc::Sender<Option<Frame>>,
    writing: AbortOnDropHandle<()>,
    began: Instant,
    /// How long the answer has waited for the disk.
    waited: Duration,
}

impl Keeping {
    /// Gives a frame; `None` if the answer will not be kept.
    async fn give(mut self, frame: Frame) -> Option<Self> {
        let before = clock::now();
        match timeout(self.patience(), self.give.send(Some(frame))).await {
            Ok(Ok(())) => {
                self.waited += clock::now().duration_since(before);
                Some(self)
            }
            Ok(Err(_given_up)) => None,
            Err(_) => {
                tracing::debug!("the disk is too slow to keep an answer to be sent again");
                None
            }
        }
    }

    /// Returns when it is kept, or will not be.
    async fn end(self) -> Option<Self> {
        let patience = self.patience();
        let Keeping { give, writing, .. } = self;
        let end = async {
            give.send(None).await.ok()?;
            writing.await.ok()
        };
        timeout(patience, end).await.ok();
        None
    }

    /// How much longer the answer may wait.
    fn patience(&self) -> Duration {
        let gone = clock::now().duration_since(self.began);
        (limits::CACHE_PATIENCE + gone / limits::CACHE_PATIENCE_SHARE).saturating_sub(self.waited)
    }
}

/// An answer that is being written; dropping it forgets it.
struct Unfinished {
    cache: Cache,
    key: Arc<Key>,
    number: u64,
    room: Room,
    places: Vec<Place>,
    rows: u64,
    /// Bytes of frames without rows.
    rowless: u64,
}

impl Unfinished {
    /// `None` if it is written or kept already, or nothing more can be.
    fn begin(cache: &Cache, key: Key) -> Option<Self> {
        if cache.shared.bytes_max == 0 {
            return None;
        }
        let mut slots = cache.slots();
        if slots.by_key.contains_key(&key) {
            return None;
        }
        while slots.by_key.len() >= limits::CACHE_ANSWERS {
            slots.evict()?;
        }
        slots.begun += 1;
        let (key, number) = (Arc::new(key), slots.begun);
        slots.by_key.insert(key.clone(), Slot::Unfinished(number));
        let room = Room { used: cache.shared.used.clone(), bytes: 0 };
        let cache = cache.clone();
        Some(Unfinished { cache, key, number, room, places: Vec::new(), rows: 0, rowless: 0 })
    }

    /// Writes what is given, and gives up when nothing is for long: a client that takes nothing must
    /// not keep others from an answer that would be kept.
    async fn write(mut self, mut given: mpsc::Receiver<Option<Frame>>) {
        let mut file = spawn_blocking(Nameless::new).await;
        loop {
            let mut open = match file {
                Ok(Ok(open)) => open,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "an answer could not be kept to be sent again");
                    return;
                }
                Err(_died) => return,
            };
            match timeout(limits::CACHE_STALLED, given.recv()).await {
                Ok(Some(Some(frame))) => {
                    if self.place(&frame).is_none() {
                        return;
                    }
                    let write = move || open.append(&frame.bytes).map(|()| open);
                    file = spawn_blocking(write).await;
                }
                Ok(Some(None)) => return self.end(open),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Finds room for a frame; `None` if there is none for it, or would be none for the whole.
    fn place(&mut self, frame: &Frame) -> Option<()> {
        let (at, bytes) = (self.room.bytes, frame.bytes.len());
        self.places.push(Place { at, bytes, rows: frame.rows });
        self.rows += frame.rows;
        if frame.rows == 0 {
            self.rowless += bytes as u64;
        }
        if !self.fits(at + bytes as u64) {
            return None;
        }
        let mut more = self.cache.room(bytes as u64)?;
        self.room.bytes += mem::take(&mut more.bytes);
        Some(())
    }

    /// Whether there would be room for the whole if its other rows are like those so far, which
    /// have so many bytes.
    fn fits(&self, bytes: u64) -> bool {
        let free = self.cache.free().saturating_add(self.room.bytes);
        let (left, rows) = (free.saturating_sub(self.rowless), bytes - self.rowless);
        u128::from(rows) * u128::from(self.key.of.rows) <= u128::from(left) * u128::from(self.rows)
    }

    /// Keeps it, if nothing of it is missing.
    fn end(mut self, file: Nameless) {
        if self.rows != self.key.of.rows {
            return;
        }
        let (places, room) = (mem::take(&mut self.places), self.room.take());
        let answer = Arc::new(Answer { file: Mutex::new(file), places, room });
        let idle = tokio::spawn(forget_idle(Arc::downgrade(&self.cache.shared), self.key.clone()));
        let _idle = AbortOnDropHandle::new(idle);
        let whole = Slot::Whole { answer, asked: clock::now(), _idle };
        self.cache.slots().by_key.insert(self.key.clone(), whole);
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut slots = self.cache.slots();
        match slots.by_key.get(&self.key) {
            Some(Slot::Unfinished(number)) if *number == self.number => {
                slots.by_key.remove(&self.key);
            }
            _ => {}
        }
    }
}

/// Forgets an answer once nobody has asked for it for long.
async fn forget_idle(shared: Weak<Shared>, key: Arc<Key>) {
    let mut until = clock::now() + limits::CACHE_IDLE;
    loop {
        clock::sleep_until(until).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut slots = shared.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Slot::Whole { asked, .. }) = slots.by_key.get(&key) else { return };
        let end = *asked + limits::CACHE_IDLE;
        if end <= clock::now() {
            slots.by_key.remove(&key);
            return;
        }
        until = end;
    }
}

#[cfg(test)]
mod tests;
