//! Answers kept as they were sent.
//!
//! To decode Parquet and to encode Arrow is nearly all the work of sending a stored version, and a
//! version is the same whoever asks. What went out whole is kept on this machine's disk and goes out
//! again from there. Nobody waits for it: an answer that the disk does not take as fast is not kept.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::Error;
use super::encode::Frame;
use crate::clock::{self, Instant};
use crate::limits::flight as limits;
use crate::query::Fixed;
use crate::spare::Spare;

/// Answers to be sent again, in nameless files of the folder for temporary files; cloning it shares
/// it.
///
/// All of them together never have more than a set number of bytes. Those that were not asked for
/// for the longest time make room for others, and none outlives [`limits::CACHE_IDLE`] without being
/// asked for, this value, or the process. Rows of a version that expires are gone from the disk by
/// then at the latest.
#[derive(Clone, Debug)]
pub struct Cache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bytes_max: u64,
    /// Grows only while `slots` are held.
    used: Arc<AtomicU64>,
    slots: Mutex<Slots>,
}

type Slots = HashMap<Arc<Fixed>, Slot>;

#[derive(Debug)]
enum Slot {
    /// Somebody writes it.
    Written,
    /// It can be sent.
    Kept {
        answer: Arc<Kept>,
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

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// One answer, whole.
#[derive(Debug)]
struct Kept {
    file: Mutex<Nameless>,
    places: Vec<Place>,
    _room: Room,
}

/// A file that only we know; the disk has its room back some time after this is dropped.
#[derive(Debug)]
struct Nameless(Option<File>);

impl Drop for Nameless {
    fn drop(&mut self) {
        // To close it frees what it holds, which of gigabytes takes long.
        if let (Some(file), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}

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
        Cache {
            shared: Arc::new(Shared { bytes_max, used: Arc::default(), slots: Mutex::default() }),
        }
    }

    /// The frames of this answer, if it is kept. Dropping the stream stops the read.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] if the disk does not give back what it was given; the stream ends then, and
    /// the answer is not kept any more.
    pub fn find(&self, of: &Fixed) -> Option<BoxStream<'static, Result<Frame, Error>>> {
        let answer = match self.slots().get_mut(of)? {
            Slot::Kept { answer, asked, .. } => {
                *asked = clock::now();
                answer.clone()
            }
            Slot::Written => return None,
        };
        let (this, of) = (self.clone(), of.clone());
        let spare = Spare::new(limits::SPARE_MAX, limits::SPARE_BYTES_MAX);
        let frames = stream::iter(0..answer.places.len()).then(move |index| {
            let (answer, spare) = (answer.clone(), spare.clone());
            let read = spawn_blocking(move || answer.read(index, &spare));
            async move { read.await.map_err(Error::Died)?.map_err(Error::Cache) }
        });
        let frames = frames.inspect(move |frame| {
            if frame.is_err() {
                this.slots().remove(&of);
            }
        });
        Some(frames.boxed())
    }

    /// The same frames, kept once the stream has ended well with all rows of `of`.
    pub fn keep<S>(
        &self,
        of: Fixed,
        frames: S,
    ) -> impl Stream<Item = Result<Frame, Status>> + use<S>
    where
        S: Stream<Item = Result<Frame, Status>> + Send + Unpin + 'static,
    {
        let writing = Writing::begin(self.clone(), of);
        stream::unfold((frames, writing), |(mut frames, writing)| async move {
            let frame = frames.next().await;
            let writing = match (&frame, writing) {
                (Some(Ok(frame)), Some(writing)) => writing.append(frame.clone()).await,
                (None, Some(writing)) => {
                    writing.end().await;
                    None
                }
                (Some(Err(_)), _) | (_, None) => None,
            };
            Some((frame?, (frames, writing)))
        })
    }

    /// Room for so many bytes more, for which answers that nobody reads may have to go.
    fn room(&self, bytes: u64) -> Option<Room> {
        let mut slots = self.slots();
        let used = &self.shared.used;
        while used.load(Ordering::Relaxed).saturating_add(bytes) > self.shared.bytes_max {
            let idle = slots.iter().filter_map(|(of, slot)| match slot {
                Slot::Kept { answer, asked, .. } if Arc::strong_count(answer) == 1 => {
                    Some((*asked, of))
                }
                _ => None,
            });
            let oldest = idle.min_by_key(|(asked, _)| *asked).map(|(_, of)| of.clone())?;
            slots.remove(&oldest);
        }
        used.fetch_add(bytes, Ordering::Relaxed);
        Some(Room { used: used.clone(), bytes })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn read(&self, index: usize, spare: &Spare) -> io::Result<Frame> {
        let Place { at, bytes, rows } = self.places[index];
        let mut read = spare.take();
        read.reserve(bytes);
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let file = file.0.as_mut().ok_or(io::ErrorKind::NotFound)?;
            file.seek(SeekFrom::Start(at))?;
            file.take(bytes as u64).read_to_end(&mut read)?;
        }
        if read.len() < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Frame { bytes: spare.lend(read), rows })
    }
}

/// An answer that is being kept; dropping it forgets it.
struct Writing {
    cache: Cache,
    of: Arc<Fixed>,
    room: Room,
    places: Vec<Place>,
    rows: u64,
    /// Bytes of frames without rows.
    rowless: u64,
    /// Gives back the file when the last frame is in it.
    file: JoinHandle<io::Result<File>>,
}

impl Writing {
    /// `None` if it is written already, or nothing is kept.
    fn begin(cache: Cache, of: Fixed) -> Option<Self> {
        let of = Arc::new(of);
        let room = cache.room(0).filter(|_| cache.shared.bytes_max > 0)?;
        {
            let mut slots = cache.slots();
            if slots.contains_key(&of) {
                return None;
            }
            slots.insert(of.clone(), Slot::Written);
        }
        let file = spawn_blocking(tempfile::tempfile);
        Some(Writing { cache, of, room, places: Vec::new(), rows: 0, rowless: 0, file })
    }

    /// Writes a frame while the next is made; `None` if the answer will not be kept.
    async fn append(mut self, frame: Frame) -> Option<Self> {
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
        let file = self.file().await?;
        self.file = spawn_blocking(move || write(file, &frame.bytes));
        Some(self)
    }

    /// Whether there would be room for the whole if its other rows are like those so far, which
    /// have so many bytes.
    fn fits(&self, bytes: u64) -> bool {
        let left = self.cache.shared.bytes_max.saturating_sub(self.rowless);
        let rows = u128::from(bytes - self.rowless);
        rows * u128::from(self.of.rows) <= u128::from(left) * u128::from(self.rows)
    }

    /// Keeps it, if nothing of it is missing.
    async fn end(mut self) {
        let Some(file) = self.file().await else { return };
        if self.rows != self.of.rows {
            return;
        }
        let _room = mem::replace(&mut self.room, Room { used: Arc::default(), bytes: 0 });
        let (file, places) = (Mutex::new(Nameless(Some(file))), mem::take(&mut self.places));
        let answer = Arc::new(Kept { file, places, _room });
        let idle = tokio::spawn(forget_idle(Arc::downgrade(&self.cache.shared), self.of.clone()));
        let kept = Slot::Kept { answer, asked: clock::now(), _idle: AbortOnDropHandle::new(idle) };
        self.cache.slots().insert(self.of.clone(), kept);
    }

    /// The file once the last frame is in it, if that did not take long.
    async fn file(&mut self) -> Option<File> {
        match timeout(limits::CACHE_PATIENCE, &mut self.file).await {
            Ok(Ok(Ok(file))) => Some(file),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "an answer could not be kept to be sent again");
                None
            }
            Ok(Err(_)) => None,
            Err(_) => {
                tracing::debug!("the disk is too slow to keep an answer to be sent again");
                None
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut slots = self.cache.slots();
        if let Some(Slot::Written) = slots.get(&self.of) {
            slots.remove(&self.of);
        }
    }
}

fn write(mut file: File, bytes: &Bytes) -> io::Result<File> {
    file.write_all(bytes)?;
    Ok(file)
}

/// Forgets an answer once nobody has asked for it for long.
async fn forget_idle(shared: Weak<Shared>, of: Arc<Fixed>) {
    let mut until = clock::now() + limits::CACHE_IDLE;
    loop {
        clock::sleep_until(until).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut slots = shared.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Slot::Kept { asked, .. }) = slots.get(&of) else { return };
        let end = *asked + limits::CACHE_IDLE;
        if end <= clock::now() {
            slots.remove(&of);
            return;
        }
        until = end;
    }
}

#[cfg(test)]
mod tests;
