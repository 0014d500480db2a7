//! Work on columns by several threads.

use std::cmp::Reverse;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use futures::future::{FutureExt as _, try_join_all};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::clock;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// Threads that work on several columns at once, those first that took longest the last time, so that
/// nobody waits long for the last. They end when this is dropped.
pub struct Crew {
    threads: Vec<mpsc::Sender<Job>>,
    order: Arc<[usize]>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Crew {
    /// Works on so many columns.
    pub fn new(columns: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = (0..cores.min(limits::COLUMNS_AT_ONCE)).map(|_| {
            let (hand, jobs) = mpsc::channel::<Job>();
            spawn_blocking(move || jobs.into_iter().for_each(|job| job()));
            hand
        });
        Crew { threads: threads.collect(), order: (0..columns).collect() }
    }

    /// What `work` makes of each column, in the order of their places.
    ///
    /// # Errors
    ///
    /// One of those that `work` gave, and [`Error::Panicked`].
    pub async fn each<T: Send + 'static>(
        &mut self,
        work: impl Fn(usize) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Vec<T>, Error> {
        let work = Arc::new((AtomicUsize::new(0), work));
        let worked = self.threads.iter().map(|thread| {
            let (order, work) = (self.order.clone(), work.clone());
            let (tell, told) = oneshot::channel();
            let some = move || {
                let (next, work) = &*work;
                let mut done = Vec::new();
                // Nobody may want it any more.
                while !tell.is_closed()
                    && let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let began = clock::now();
                    match work(*at) {
                        Ok(made) => done.push((*at, began.elapsed(), made)),
                        Err(error) => {
                            next.store(order.len(), Ordering::Relaxed);
                            return drop(tell.send(Err(error)));
                        }
                    }
                }
                drop(tell.send(Ok(done)));
            };
            // If it is not taken, nothing is told.
            let _ = thread.send(Box::new(some));
            told.map(|told| told.map_err(|_| Error::Panicked)?)
        });
        let mut done: Vec<_> = try_join_all(worked).await?.into_iter().flatten().collect();
        done.sort_unstable_by_key(|(_, took, _)| Reverse(*took));
        self.order = done.iter().map(|(at, ..)| *at).collect();
        done.sort_unstable_by_key(|(at, ..)| *at);
        Ok(done.into_iter().map(|(.., made)| made).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Crew;
    use crate::clock;
    use crate::snapshot::Error;

    #[tokio::test]
    async fn each_is_worked_on_once_and_given_in_order() {
        for count in [0, 1, 2, 100] {
            let mut crew = Crew::new(count);
            for _ in 0..2 {
                let squares = crew.each(|at| Ok(at * at)).await.expect("squares");
                assert_eq!(squares, (0..count).map(|at| at * at).collect::<Vec<_>>());
            }
        }
    }

    #[tokio::test]
    async fn what_takes_longest_comes_first() {
        let mut crew = Crew::new(3);
        let work = |at| {
            let began = clock::now();
            while at == 1 && began.elapsed() < Duration::from_millis(50) {}
            Ok(())
        };
        crew.each(work).await.expect("work");
        assert_eq!(crew.order.first(), Some(&1));
    }

    #[tokio::test]
    async fn what_fails_for_one_fails() {
        let work = |at| if at == 70 { Err(Error::Panicked) } else { Ok(()) };
        let failed = Crew::new(100).each(work).await;
        assert!(matches!(failed, Err(Error::Panicked)), "{failed:?}");
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let mut crew = Crew::new(10);
        let failed = crew.each(|at| if at == 3 { panic!("on purpose") } else { Ok(()) }).await;
        assert!(matches!(failed, Err(Error::Panicked)), "{failed:?}");
    }
}
