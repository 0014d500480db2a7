//! Counts the memory of windows.
//!
//! A window keeps the rows that it is given until it can say something of them, at the worst until
//! the last has come, and DataFusion does not count them. So a step below each window counts what
//! goes in. Another above it holds the count, because a window lets go of its input before it joins
//! the rows.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::tree_node::{
    Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion,
};
use datafusion::common::{Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt as _;

use super::reckon;

/// Puts a count around every window.
#[derive(Debug)]
pub struct Windows;

impl PhysicalOptimizerRule for Windows {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let count = |step: Arc<dyn ExecutionPlan>| {
            if step.is::<WindowAggExec>() || step.is::<BoundedWindowAggExec>() {
                return Ok(Transformed::yes(counted(step)?));
            }
            Ok(Transformed::no(step))
        };
        plan.transform_up(count).data()
    }

    fn name(&self) -> &str {
        "windows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A window between two steps that count for it.
fn counted(window: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let counts = Counts::default();
    let beside = |input: Arc<dyn ExecutionPlan>, place| -> Arc<dyn ExecutionPlan> {
        Arc::new(Beside { input, place, counts: counts.clone() })
    };
    let inputs: Vec<_> =
        window.children().into_iter().map(|input| beside(input.clone(), Place::Below)).collect();
    let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    Ok(beside(window.replace_children(inputs, keep)?, Place::Above))
}

/// What the two steps beside a window share while it starts, by partition.
type Counts = Arc<Mutex<HashMap<usize, Arc<Mutex<Held>>>>>;

/// What a window holds of one partition.
#[derive(Debug)]
struct Held {
    memory: MemoryReservation,
    rows: usize,
}

impl Held {
    fn of(context: &TaskContext) -> Self {
        Held { memory: MemoryConsumer::new("window").register(context.memory_pool()), rows: 0 }
    }

    /// More rows went in.
    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let bytes = batch.columns().iter().map(reckon::bytes).fold(0, u64::saturating_add);
        // It keeps the batches, and joins them to one.
        let bytes = usize::try_from(bytes.saturating_mul(2)).unwrap_or(usize::MAX);
        self.memory.try_grow(bytes)?;
        self.rows += batch.num_rows();
        Ok(())
    }

    /// So many rows came out. What is kept of them for rows to come, as `lag` does, is not counted
    /// any more.
    fn give(&mut self, rows: usize) {
        let left = self.rows.saturating_sub(rows);
        self.memory.resize(self.memory.size() / self.rows.max(1) * left);
        self.rows = left;
    }
}

/// A step beside a window, which passes rows on as they are.
#[derive(Clone, Debug)]
struct Beside {
    input: Arc<dyn ExecutionPlan>,
    place: Place,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Below,
    Above,
}

impl Beside {
    fn below(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(held) = locked(&self.counts).remove(&partition) else {
            return internal_err!("nobody holds the count of a window");
        };
        let take = move |batch: RecordBatch| -> Result<RecordBatch> {
            locked(&held).take(&batch)?;
            Ok(batch)
        };
        let batches = self.input.execute(partition, context)?.map(move |it| it.and_then(&take));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn above(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let held = Arc::new(Mutex::new(Held::of(&context)));
        locked(&self.counts).insert(partition, held.clone());
        // The other kind gives all rows at once, and keeps what it was given to its end.
        let gives = self.input.is::<BoundedWindowAggExec>();
        let batches = self.input.execute(partition, context)?.inspect(move |batch| {
            if let (true, Ok(batch)) = (gives, batch) {
                locked(&held).give(batch.num_rows());
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DisplayAs for Beside {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Below => f.write_str("Beside: counts what a window takes"),
            Place::Above => f.write_str("Beside: counts what a window holds"),
        }
    }
}

impl ExecutionPlan for Beside {
    fn name(&self) -> &str {
        "Beside"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.into_iter().next() {
            Some(input) => Ok(Arc::new(Beside { input, ..(*self).clone() })),
            None => internal_err!("a step beside a window lost its input"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        match self.place {
            Place::Below => self.below(partition, context),
            Place::Above => self.above(partition, context),
        }
    }
}
