//! From a request to a plan, and from a plan to batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{BoxStream, StreamExt as _};

use super::{Connection, Error, Namespace, Request};
use crate::catalog::Scan;
use crate::clock::{self, Instant};
use crate::graph::Meter;

/// Answers requests over the connections it was given.
#[derive(Clone, Debug)]
pub struct Engine {
    namespace: Arc<Namespace>,
}

/// A request whose names have become a connection, a table and columns.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who is asked.
    pub connection: Arc<Connection>,
    /// What is asked of which table.
    pub scan: Scan,
}

/// A schema, and the batches that have it.
pub struct Answer {
    /// What every batch of the stream looks like; equal to [`Plan::schema`].
    pub schema: SchemaRef,
    /// The rows. It ends in an error rather than short, and dropping it stops the read.
    pub batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// What the read has asked of Graph so far; it moves while the stream is pulled.
    pub meter: Arc<Meter>,
    /// When it has to be over, whoever is waiting for whom.
    pub deadline: Instant,
}

impl Engine {
    /// An engine over these connections.
    pub fn new(namespace: Namespace) -> Self {
        Engine { namespace: Arc::new(namespace) }
    }

    /// The connections.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Finds what the request names. Nothing is read and nobody is asked.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`](crate::error::Kind) for a connection, table or column that does not
    /// exist, with the nearest names; [`Kind::Invalid`](crate::error::Kind) for a choice of
    /// columns that makes no sense.
    pub fn plan(&self, request: &Request) -> Result<Plan, Error> {
        let connection = self.namespace.connection(request.connection.as_deref())?.clone();
        let table = connection.catalog.table(&request.table)?.clone();
        let scan = Scan::new(table, request.columns.as_deref(), request.limit)?;
        Ok(Plan { connection, scan })
    }

    /// Starts the read that was planned; the first request leaves when the stream is first pulled.
    ///
    /// `deadline` bounds the whole of it, and so does the connection's own.
    pub fn run(&self, plan: Plan, deadline: Option<Instant>) -> Answer {
        let meter = Arc::new(Meter::default());
        let own = clock::now() + plan.connection.live.deadline();
        let deadline = deadline.map_or(own, |asked| asked.min(own));
        let schema = plan.schema();
        let rows = plan.connection.live.scan(plan.scan, deadline, meter.clone());
        Answer {
            schema,
            batches: rows.map(|batch| batch.map_err(Error::from)).boxed(),
            meter,
            deadline,
        }
    }
}

impl Plan {
    /// The schema of the answer.
    pub fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}
