//! When plans and rows have to be there.

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::time::timeout_at;

use super::Error;
use crate::clock::{self, Instant};
use crate::limits::query as limits;

/// When a plan has to be there whose caller stops waiting at `deadline`, if it said so.
pub fn planned_by(deadline: Option<Instant>) -> Instant {
    let longest = clock::now() + limits::PLANNING_MAX;
    deadline.map_or(longest, |asked| asked.min(longest))
}

/// The same batches, or whatever rows come as, and an error once the deadline has come.
pub fn timely<T: Send + 'static, E: From<Error> + Send + 'static>(
    batches: BoxStream<'static, Result<T, E>>,
    deadline: Instant,
) -> BoxStream<'static, Result<T, E>> {
    let timely = stream::unfold(Some(batches), move |batches| async move {
        let mut batches = batches?;
        // Whatever is read ends at the deadline by itself, and says what it was waiting for.
        let next = timeout_at(deadline + limits::LAST_WORD, batches.next()).await;
        // A plan that never waits is not interrupted, and late all the same.
        let late = clock::now() >= deadline;
        match next {
            Ok(None) => None,
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(Some(Ok(batch))) if !late => Some((Ok(batch), Some(batches))),
            Ok(Some(Ok(_))) | Err(_) => Some((Err(Error::TooLate.into()), None)),
        }
    });
    timely.boxed()
}
