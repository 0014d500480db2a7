//! How much the pages of a fan-out may hold in memory.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// How much the pages of a fan-out may hold in memory.
///
/// What a page will take is not known before it came, so room is taken for an estimate first and
/// made to fit afterwards. Making it fit never waits: the page is there already, and whoever
/// waited while holding room could wait for ever. What was taken too much keeps others from
/// leaving until it is given back.
#[derive(Debug)]
pub(super) struct Room {
    bytes_max: usize,
    taken: Mutex<usize>,
    freed: Notify,
    /// First come, first served, so that a large page is not overtaken for ever.
    turn: tokio::sync::Mutex<()>,
}

/// A part of it, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub fn new(bytes_max: usize) -> Self {
        let (taken, freed, turn) = (Mutex::new(0), Notify::new(), tokio::sync::Mutex::default());
        Room { bytes_max, taken, freed, turn }
    }

    /// Waits until there is room for so many bytes. More than there ever is goes alone.
    pub async fn take(self: &Arc<Self>, bytes: usize) -> Held {
        let _turn = self.turn.lock().await;
        while !self.try_take(bytes) {
            self.freed.notified().await;
        }
        Held { room: self.clone(), bytes }
    }

    fn try_take(&self, bytes: usize) -> bool {
        let mut taken = self.taken();
        let fits = *taken == 0 || taken.saturating_add(bytes) <= self.bytes_max;
        if fits {
            *taken += bytes;
        }
        fits
    }

    fn taken(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Held {
    /// It turned out to be `bytes`.
    pub fn fit(&mut self, bytes: usize) {
        let mut taken = self.room.taken();
        *taken = (*taken + bytes).saturating_sub(self.bytes);
        drop(taken);
        self.bytes = bytes;
        self.room.freed.notify_one();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        *taken = taken.saturating_sub(self.bytes);
        drop(taken);
        self.room.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn what_a_page_truly_takes_holds_others_back() {
        let room = Arc::new(Room::new(100));
        let mut first = room.take(10).await;
        let second = room.take(10).await;
        first.fit(200);
        let third = room.take(10);
        let mut third = std::pin::pin!(third);
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        assert!((&mut third).now_or_never().is_none());
        first.fit(85);
        let third = third.now_or_never().unwrap();
        drop((first, third));
        // More than there ever is goes alone.
        let huge = room.take(1_000).await;
        assert!(room.take(1).now_or_never().is_none());
        drop(huge);
        drop(room.take(1).now_or_never().unwrap());
        assert_eq!(*room.taken(), 0);
    }
}
