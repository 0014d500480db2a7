//! Tables as they were stored.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::{BoxStream, StreamExt as _};

use super::bounded::bounded;
use super::{Error, Source};
use crate::catalog::Scan;
use crate::clock::Instant;
use crate::graph::Meter;
use crate::snapshot::Snapshot;

/// Reads one stored version, or a part of it.
#[derive(Clone, Debug)]
pub struct Stored {
    snapshot: Snapshot,
    part: Option<u32>,
}

impl Stored {
    /// Reads `snapshot`; of its [`parts`](Snapshot::parts) only `part`, if one is named.
    pub fn new(snapshot: Snapshot, part: Option<u32>) -> Self {
        Stored { snapshot, part }
    }
}

impl Source for Stored {
    fn scan(
        &self,
        scan: Scan,
        deadline: Instant,
        _: Arc<Meter>,
    ) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let rows = self.snapshot.read(scan.schema(), self.part, scan.filter.clone());
        let rows = rows.map(|it| it.map_err(Error::from));
        bounded(rows.boxed(), &scan, deadline)
    }
}
