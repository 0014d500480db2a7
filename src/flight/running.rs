//! The reads that run now, so that they can be cancelled from another call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Error;
use crate::limits::flight as limits;

/// Which reads run, by the name that their tickets carry.
#[derive(Clone, Debug, Default)]
pub struct Running {
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    /// With how many parts of each run.
    running: HashMap<String, (CancellationToken, usize)>,
    /// Cancelled before they began, the latest last.
    cancelled: VecDeque<String>,
}

/// A name for a read that has none yet.
pub fn name() -> String {
    Uuid::new_v4().to_string()
}

impl Running {
    /// Lets `batches` run until the read `call` is cancelled, which ends them in an error.
    pub fn watched<T, S>(
        &self,
        call: Option<String>,
        batches: S,
    ) -> BoxStream<'static, Result<T, Error>>
    where
        T: Send + 'static,
        S: Stream<Item = Result<T, Error>> + Send + 'static,
    {
        let Some(call) = call else { return batches.boxed() };
        let (began, token) = self.begin(call);
        let told = {
            let token = token.clone();
            async move {
                drop(began);
                token.is_cancelled().then_some(Err(Error::Cancelled))
            }
        };
        let told = stream::once(told).filter_map(future::ready);
        batches.take_until(token.cancelled_owned()).chain(told).boxed()
    }

    fn begin(&self, call: String) -> (Began, CancellationToken) {
        let mut calls = self.locked();
        let known = calls.cancelled.contains(&call);
        let (token, parts) = calls.running.entry(call.clone()).or_default();
        if known {
            token.cancel();
        }
        *parts += 1;
        (Began { running: self.clone(), call }, token.clone())
    }

    /// Cancels the read `call`; whether it was running.
    pub fn cancel(&self, call: &str) -> bool {
        let mut calls = self.locked();
        let running = calls.running.get(call).map(|(token, _)| token.cancel()).is_some();
        if calls.cancelled.len() >= limits::CANCELLED_KEPT {
            calls.cancelled.pop_front();
        }
        calls.cancelled.push_back(call.to_owned());
        running
    }

    fn locked(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read that runs.
struct Began {
    running: Running,
    call: String,
}

impl Drop for Began {
    fn drop(&mut self) {
        let mut calls = self.running.locked();
        // Parts of one read share its name; the last to end forgets it.
        if let Some((_, parts)) = calls.running.get_mut(&self.call) {
            *parts -= 1;
            if *parts == 0 {
                calls.running.remove(&self.call);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt as _, TryStreamExt as _};

    use super::Running;
    use crate::error::Kind;

    #[tokio::test]
    async fn a_read_that_is_cancelled_ends_in_an_error() {
        let running = Running::default();
        let endless = || stream::repeat_with(|| Ok(1));
        let mut rows = running.watched(Some("a".to_owned()), endless());
        assert_eq!(rows.next().await.expect("a row").ok(), Some(1));
        assert!(running.cancel("a") && !running.cancel("b"));
        let rest: Result<Vec<i32>, _> = rows.try_collect().await;
        assert_eq!(rest.expect_err("cancelled").kind(), Kind::Cancelled);
        // One that begins later is cancelled already.
        let late: Result<Vec<i32>, _> =
            running.watched(Some("b".to_owned()), endless()).try_collect().await;
        assert_eq!(late.expect_err("cancelled").kind(), Kind::Cancelled);
        let other = running.watched(Some("c".to_owned()), stream::iter([Ok(1), Ok(2)]));
        assert_eq!(other.try_collect::<Vec<i32>>().await.expect("all rows"), [1, 2]);
        assert!(running.locked().running.is_empty());
    }
}
