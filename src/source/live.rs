//! Tables as Graph has them now.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt as _};

use super::rows::Rows;
use super::{Error, Source};
use crate::catalog::{ByTable, Scan};
use crate::clock::Instant;
use crate::decode::OnMismatch;
use crate::graph::{Graph, Meter};

/// Reads the tables of one tenant through Graph.
#[derive(Clone, Debug)]
pub struct Live {
    graph: Graph,
    deadline: Duration,
    mismatch: Arc<ByTable<OnMismatch>>,
}

impl Live {
    /// Reads through `graph`; a scan may take as long as `deadline`.
    pub fn new(graph: Graph, deadline: Duration) -> Self {
        Live { graph, deadline, mismatch: Arc::default() }
    }

    /// The same, with these rules for values that are not of their column's type.
    pub fn with_mismatch(self, rules: ByTable<OnMismatch>) -> Self {
        Live { mismatch: Arc::new(rules), ..self }
    }

    /// The way to Graph, for what is not a table.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How long a scan may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl Source for Live {
    /// While a batch is decoded the next page is on its way. A page that a restarted listing gives
    /// again is read again and its known rows are left out.
    fn scan(
        &self,
        scan: Scan,
        deadline: Instant,
        meter: Arc<Meter>,
    ) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let graph = self.graph.clone();
        let on_mismatch = self.mismatch.of(&scan.table.name);
        let start = move || Rows::start(&graph, scan, deadline, meter, on_mismatch);
        stream::once(async move { start() }).flat_map(Rows::batches).boxed()
    }
}
