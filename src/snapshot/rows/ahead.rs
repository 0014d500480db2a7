//! Batches read while the ones before are used.

use futures::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::Batches;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// The same batches, read in a task of their own from the first pull on, a few ahead. Dropping the
/// stream stops the task.
pub fn ahead(batches: Batches) -> Batches {
    stream::once(async move { begun(batches) }).flatten().boxed()
}

fn begun(mut batches: Batches) -> Batches {
    let (ready, waiting) = mpsc::channel(limits::BATCHES_AHEAD);
    let task = tokio::spawn(async move {
        while let Some(batch) = batches.next().await {
            let last = batch.is_err();
            if ready.send(batch).await.is_err() || last {
                break;
            }
        }
    });
    let task = AbortOnDropHandle::new(task);
    let under_way = Some((waiting, task));
    let next = stream::unfold(under_way, |under_way| async move {
        let (mut waiting, task) = under_way?;
        if let Some(batch) = waiting.recv().await {
            return Some((batch, Some((waiting, task))));
        }
        // The task has given all, unless it died.
        task.await.err().map(|died| (Err(Error::Died(died)), None))
    });
    next.boxed()
}
