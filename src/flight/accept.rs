//! Connections as they are accepted: never more than there are file descriptors for, and none on
//! which nothing is said.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::{self, Instant};
use crate::limits::flight as limits;

/// How many connections there may be, and whether others wait.
#[derive(Clone, Debug)]
pub struct Door {
    places: Arc<Semaphore>,
    crowded: Arc<AtomicBool>,
}

/// The place of a connection; others may have it once this is dropped.
#[derive(Debug)]
pub struct Place {
    door: Door,
    _place: OwnedSemaphorePermit,
}

impl Door {
    /// Lets in as many as this process has file descriptors for, without those that it has open and
    /// a share for its own work. Where the system does not say, nothing holds them back but its
    /// errors.
    pub fn of_process() -> Self {
        let places = descriptors_max()
            .map_or(Semaphore::MAX_PERMITS, |most| places(most, descriptors_open()));
        Door::new(places)
    }

    /// Lets so many in.
    pub fn new(places: usize) -> Self {
        let places = Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)));
        Door { places, crowded: Arc::default() }
    }

    /// Waits for a place.
    async fn enter(&self, notes: &mut Notes) -> Option<Place> {
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                self.crowded.store(true, Ordering::Relaxed);
                if notes.are_due() {
                    tracing::warn!(
                        "there are as many connections as file descriptors allow: others wait, and \
                         those on which nothing was said are closed sooner; raise the limit of open \
                         files (`ulimit -n`) if they are meant"
                    );
                }
                let place = self.places.clone().acquire_owned().await.ok()?;
                self.crowded.store(false, Ordering::Relaxed);
                place
            }
        };
        Some(Place { door: self.clone(), _place: place })
    }
}

impl Place {
    /// Whether others wait for a place.
    pub fn is_wanted(&self) -> bool {
        self.door.crowded.load(Ordering::Relaxed)
    }
}

/// How many places there are among so many descriptors, of which some are open already.
fn places(most: usize, open: usize) -> usize {
    most.saturating_sub(open + most / limits::DESCRIPTORS_OWN_SHARE).max(1)
}

/// The soft limit of this process, where the system tells it in a file.
///
/// <https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html>
fn descriptors_max() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn descriptors_open() -> usize {
    std::fs::read_dir(Path::new("/proc/self/fd")).map_or(0, Iterator::count)
}

/// The connections of `listener`, each with its place.
///
/// What fails for one connection alone is passed over. While the process or the system has no
/// descriptor for another one, the next try waits, longer each time: the listener stays ready, and
/// to try at once would be to try without end.
pub fn incoming(
    listener: TcpListener,
    door: Door,
) -> impl Stream<Item = io::Result<(TcpStream, Place)>> {
    let state = (listener, door, Notes::default(), Duration::ZERO);
    stream::unfold(state, |(listener, door, mut notes, mut pause)| async move {
        loop {
            let place = door.enter(&mut notes).await?;
            match listener.accept().await {
                Ok((stream, _)) => {
                    // It is only slower without.
                    let _ = stream.set_nodelay(true);
                    return Some((Ok((stream, place)), (listener, door, notes, Duration::ZERO)));
                }
                Err(error) if concerns_one(&error) => {}
                Err(error) => {
                    pause = next_pause(pause);
                    if notes.are_due() {
                        tracing::warn!(%error, "no connection can be accepted for now");
                    }
                    clock::sleep(pause).await;
                }
            }
        }
    })
}

/// Whether the error is of the connection that was to be accepted, and not of all.
fn concerns_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How long to wait after another failure.
fn next_pause(last: Duration) -> Duration {
    (last * 2).clamp(limits::ACCEPT_PAUSE_MIN, limits::ACCEPT_PAUSE_MAX)
}

/// When something was last said in the log that could be said again at once.
#[derive(Debug, Default)]
struct Notes {
    last: Option<Instant>,
}

impl Notes {
    fn are_due(&mut self) -> bool {
        let now = clock::now();
        let due = self.last.is_none_or(|last| now.duration_since(last) >= limits::ACCEPT_NOTES);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let pauses = std::iter::successors(Some(Duration::ZERO), |last| Some(next_pause(*last)));
        let pauses: Vec<_> = pauses.skip(1).take(12).collect();
        assert_eq!(pauses[0], limits::ACCEPT_PAUSE_MIN);
        assert!(pauses.is_sorted() && pauses[1] > pauses[0]);
        assert_eq!(pauses.last(), Some(&limits::ACCEPT_PAUSE_MAX));
    }

    #[test]
    fn a_share_of_the_descriptors_is_kept() {
        assert_eq!(places(1_024, 24), 744);
        assert_eq!(places(64, 60), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_once_in_a_while() {
        let mut notes = Notes::default();
        let mut said = 0;
        for _ in 0..100 {
            said += u32::from(notes.are_due());
            clock::sleep(limits::ACCEPT_NOTES / 50).await;
        }
        assert_eq!(said, 2);
    }

    #[tokio::test]
    async fn beyond_the_places_connections_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let door = Door::new(2);
        let mut incoming = Box::pin(incoming(listener, door.clone()));
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(address).await.expect("a connection"));
        }
        let (_, first) = incoming.next().await.expect("one").expect("a connection");
        let _second = incoming.next().await.expect("one").expect("a connection");
        assert!(!first.is_wanted());
        assert!(futures::poll!(incoming.next()).is_pending());
        assert!(first.is_wanted());
        drop(first);
        let (_, third) = incoming.next().await.expect("one").expect("a connection");
        assert!(!third.is_wanted());
    }
}
