//! The threads that statements are planned and run on, apart from those that serve.
//!
//! The planner never waits, and neither do some steps of a plan: whoever asked can give such work
//! up, but nobody can interrupt it. So every statement has threads of its own while it is planned or
//! run, and what was given up and goes on all the same is counted. Beyond a bound new statements are
//! refused; whatever needs no statement is answered as ever.
//!
//! This is the only place that runs statements. Tables are opened and read where everything else
//! is, since connections, files and their timers belong to the runtime that made them.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use tokio::time::timeout_at;
use tokio_util::task::AbortOnDropHandle;

use super::Error;
use crate::clock::{self, Instant};
use crate::limits::query as limits;

/// Threads for statements, lent to one statement at a time.
#[derive(Clone, Default)]
pub struct StatementThreads {
    pool: Arc<Mutex<Pool>>,
}

#[derive(Default)]
struct Pool {
    /// How many statements are planned or run, but for those that were given up.
    lent: usize,
    /// Threads without work.
    free: Vec<Runtime>,
    /// Threads whose statement has ended or was given up, and when; work may be left on them.
    left: Vec<(Runtime, Instant)>,
}

impl StatementThreads {
    /// Plans a statement: does `work`, and gives it up once `deadline` has come.
    ///
    /// # Errors
    ///
    /// [`Error::PlannedTooLate`], [`Error::StatementsAbandoned`], [`Error::TooManyStatements`], and
    /// those of `work`.
    pub async fn plan<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let loan = self.lend()?;
        let task = AbortOnDropHandle::new(loan.handle()?.spawn(work));
        match timeout_at(deadline, task).await {
            Ok(planned) => planned.unwrap_or_else(|died| Err(joined(died).into())),
            Err(_) => Err(Error::PlannedTooLate),
        }
    }

    /// Runs a statement: begins it once its rows are first asked for, and gives it up when the
    /// stream is dropped. No row is worked out before it is asked for.
    pub fn run<S>(
        &self,
        begin: impl FnOnce(Serving) -> S + Send + 'static,
    ) -> BoxStream<'static, Result<RecordBatch, Error>>
    where
        S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    {
        let threads = self.clone();
        let begun = stream::once(async move {
            let loan = threads.lend()?;
            let rows = pulled(&loan.handle()?, begin(Serving::here()));
            // The closure holds the threads for as long as the rows are asked for.
            Ok::<_, Error>(rows.map(move |row| {
                let _ = &loan;
                row
            }))
        });
        begun.try_flatten().boxed()
    }

    /// How many statements were given up and still run.
    pub fn abandoned(&self) -> usize {
        let mut pool = self.locked();
        pool.sweep();
        pool.abandoned()
    }

    fn lend(&self) -> Result<Loan, Error> {
        let mut pool = self.locked();
        pool.sweep();
        let abandoned = pool.abandoned();
        if abandoned >= limits::ABANDONED_MAX {
            return Err(Error::StatementsAbandoned { count: abandoned });
        }
        if pool.lent + pool.left.len() >= limits::STATEMENTS_MAX {
            return Err(Error::TooManyStatements { max: limits::STATEMENTS_MAX });
        }
        pool.lent += 1;
        let mut loan = Loan { threads: self.clone(), runtime: pool.free.pop() };
        drop(pool);
        if loan.runtime.is_none() {
            loan.runtime = Some(started().map_err(Error::Threads)?);
        }
        Ok(loan)
    }

    fn locked(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StatementThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementThreads").finish_non_exhaustive()
    }
}

impl Pool {
    /// Takes back the threads whose work is done.
    fn sweep(&mut self) {
        let idle = |(runtime, _): &mut (Runtime, Instant)| runtime.metrics().num_alive_tasks() == 0;
        for (runtime, _) in self.left.extract_if(.., idle) {
            if self.free.len() < limits::THREADS_KEPT {
                self.free.push(runtime);
            } else {
                runtime.shutdown_background();
            }
        }
    }

    /// How many still have work although their statement is over for some time.
    fn abandoned(&self) -> usize {
        let now = clock::now();
        let long_ago = |left: Instant| now.duration_since(left) >= limits::ABANDONED_AFTER;
        self.left.iter().filter(|(_, left)| long_ago(*left)).count()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let left = self.left.drain(..).map(|(runtime, _)| runtime);
        // Nobody waits for them: what cannot be interrupted ends with the process.
        self.free.drain(..).chain(left).for_each(Runtime::shutdown_background);
    }
}

/// Threads while a statement has them.
struct Loan {
    threads: StatementThreads,
    runtime: Option<Runtime>,
}

impl Loan {
    fn handle(&self) -> Result<Handle, Error> {
        let none = || Error::Threads(std::io::ErrorKind::NotFound.into());
        self.runtime.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(none)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut pool = self.threads.locked();
        pool.lent -= 1;
        pool.left.extend(self.runtime.take().map(|runtime| (runtime, clock::now())));
    }
}

/// New threads, for one statement. They have timers and no sockets: nothing is read here.
fn started() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(limits::PARTITIONS)
        .thread_stack_size(limits::STACK_BYTES)
        .thread_name("statement")
        .enable_time()
        .build()
}

/// The threads that serve, as statements reach them.
#[derive(Clone, Debug)]
pub struct Serving(Handle);

impl Serving {
    /// Those of the caller. Needs a tokio runtime.
    pub fn here() -> Self {
        Serving(Handle::current())
    }

    /// Opens something there.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub async fn open<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let opened = AbortOnDropHandle::new(self.0.spawn(work)).await;
        opened.unwrap_or_else(|died| Err(joined(died).into()))
    }

    /// Reads something there, each item once it is asked for.
    pub fn read<T, E>(
        &self,
        rows: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> BoxStream<'static, Result<T, E>>
    where
        T: Send + 'static,
        E: From<DataFusionError> + Send + 'static,
    {
        pulled(&self.0, rows)
    }
}

/// The items of `rows`, which a task of `handle` polls, and only while the next one is waited for.
fn pulled<T, E>(
    handle: &Handle,
    rows: impl Stream<Item = Result<T, E>> + Send + 'static,
) -> BoxStream<'static, Result<T, E>>
where
    T: Send + 'static,
    E: From<DataFusionError> + Send + 'static,
{
    let (ask, mut asked) = mpsc::channel::<oneshot::Sender<Option<Result<T, E>>>>(1);
    let task = handle.spawn(async move {
        let mut rows = pin!(rows);
        while let Some(answer) = asked.recv().await {
            // Nobody takes it who has left meanwhile.
            let _ = answer.send(rows.next().await);
        }
    });
    let task = AbortOnDropHandle::new(task);
    let rows = stream::unfold(Some((ask, task)), |state| async move {
        let (ask, task) = state?;
        let (answer, given) = oneshot::channel();
        let given = match ask.send(answer).await {
            Ok(()) => given.await.ok(),
            Err(_gone) => None,
        };
        match given {
            Some(row) => Some((row?, Some((ask, task)))),
            // Only a task that died gives no answer, and that is no good end.
            None => match task.await {
                Ok(()) => Some((Err(lost().into()), None)),
                Err(died) => Some((Err(joined(died).into()), None)),
            },
        }
    });
    rows.boxed()
}

fn joined(died: JoinError) -> DataFusionError {
    DataFusionError::ExecutionJoin(Box::new(died))
}

fn lost() -> DataFusionError {
    DataFusionError::Internal("a read ended without an answer".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::{Error, StatementThreads, limits};
    use crate::clock;
    use crate::error::Kind;

    #[tokio::test]
    async fn what_cannot_be_interrupted_is_counted_and_others_are_refused_beyond_a_bound() {
        let threads = StatementThreads::default();
        let deadline = clock::now() + Duration::from_secs(600);
        let mut gates = Vec::new();
        for _ in 0..limits::ABANDONED_MAX {
            let (begin, began) = oneshot::channel();
            let (open, opened) = mpsc::channel();
            gates.push(open);
            // It waits without letting anybody know, as code does that only works.
            let stuck = async move {
                begin.send(()).map_err(|()| Error::NotBound)?;
                opened.recv().map_err(|_| Error::NotBound)
            };
            tokio::select! {
                planned = threads.plan(deadline, stuck) => panic!("{planned:?}"),
                // Whoever asked for it leaves.
                begun = began => begun.expect("it has begun"),
            }
        }
        let one = || threads.plan(deadline, async { Ok(1) });
        assert_eq!(one().await.expect("they may still stop"), 1);
        clock::sleep(limits::ABANDONED_AFTER).await;
        assert_eq!(threads.abandoned(), limits::ABANDONED_MAX);
        let error = one().await.expect_err("too many are stuck");
        assert_eq!(error.kind(), Kind::Throttled);
        assert!(error.hint().is_some_and(|hint| hint.contains("without SQL")));
        gates.iter().for_each(|gate| gate.send(()).expect("it waits"));
        while threads.abandoned() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(one().await.expect("threads are free"), 1);
    }

    #[tokio::test]
    async fn planning_ends_at_its_deadline_whatever_it_does() {
        let threads = StatementThreads::default();
        let (_gate, opened) = mpsc::channel::<()>();
        let stuck = async move { opened.recv().map_err(|_| Error::NotBound) };
        let error = threads.plan(clock::now() + Duration::from_millis(50), stuck).await;
        let error = error.expect_err("it is late");
        assert_eq!(error.kind(), Kind::TimedOut);
        assert!(error.to_string().contains("planned in time"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_statement_that_dies_is_an_error_and_its_threads_go_on() {
        let threads = StatementThreads::default();
        for _ in 0..3 {
            let deadline = clock::now() + Duration::from_secs(60);
            let dies = async { if true { panic!("a fault") } else { Ok(()) } };
            let error = threads.plan(deadline, dies).await.expect_err("it died");
            assert_eq!(error.kind(), Kind::Internal);
            assert_eq!(threads.plan(deadline, async { Ok(7) }).await.expect("a plan"), 7);
        }
    }
}
