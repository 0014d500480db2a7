//! The columns of a file, read side by side.
//!
//! To inflate and to decode Parquet is most of the work of reading a stored table; a stream alone
//! would leave it to one core. Rows do not part: of each batch every lane reads its own columns.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use parquet::file::metadata::ParquetMetaData;

use super::Batches;
use super::ahead::ahead;
use crate::limits::snapshot as limits;
use crate::snapshot::Error;

/// These columns of a file in as many lanes as are worth it, each about as much work as another.
pub fn lanes(file: &ParquetMetaData, columns: Vec<usize>) -> Vec<Vec<usize>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    shared(columns, |column| work(file, column), cores.min(limits::LANES_MAX))
}

/// About how much work a column is: its bytes, and for each value its place and whether it is there.
fn work(file: &ParquetMetaData, column: usize) -> u64 {
    const A_VALUE: i64 = 8;
    let schema = file.file_metadata().schema_descr();
    let leaves = file.row_groups().first().map_or(&[][..], |group| group.columns());
    let leaves =
        leaves.iter().enumerate().filter(|(at, _)| schema.get_column_root_idx(*at) == column);
    leaves.fold(0, |sum, (_, leaf)| {
        let values = leaf.num_values().saturating_mul(A_VALUE);
        let work = leaf.uncompressed_size().saturating_add(values);
        sum.saturating_add(u64::try_from(work).unwrap_or(0))
    })
}

/// Cuts the columns where the work before them is the next share of all. What is side by side in the
/// file stays together: a bucket is asked for what lies between two columns too.
fn shared(columns: Vec<usize>, work: impl Fn(usize) -> u64, most: usize) -> Vec<Vec<usize>> {
    let count = (columns.len() / limits::LANE_COLUMNS_MIN).clamp(1, most.max(1));
    let works: Vec<u128> = columns.iter().map(|at| u128::from(work(*at))).collect();
    let (total, mut before) = (works.iter().sum::<u128>().max(1), 0);
    let mut lanes = vec![Vec::new(); count];
    for (at, work) in columns.into_iter().zip(works) {
        let lane = (before * count as u128 / total) as usize;
        lanes[lane.min(count - 1)].push(at);
        before += work;
    }
    let (some, idle): (Vec<_>, Vec<_>) = lanes.into_iter().partition(|lane| !lane.is_empty());
    // Without columns there are rows to be counted.
    if some.is_empty() { idle.into_iter().take(1).collect() } else { some }
}

/// Batches whose columns are those of all lanes.
pub fn abreast(lanes: Vec<Batches>) -> Batches {
    let lanes: Vec<Batches> = match lanes.len() {
        1 => lanes,
        _ => lanes.into_iter().map(ahead).collect(),
    };
    let batches = stream::unfold(Some(lanes), |lanes| async {
        let mut lanes = lanes?;
        let parts = join_all(lanes.iter_mut().map(|lane| lane.next())).await;
        if parts.iter().all(Option::is_none) {
            return None;
        }
        let uneven = || Error::Shape {
            action: "read columns side by side",
            source: ArrowError::InvalidArgumentError("not all have as many rows".to_owned()),
        };
        let parts = parts.into_iter().map(|part| part.unwrap_or_else(|| Err(uneven())));
        let batch = parts.collect::<Result<Vec<_>, Error>>().and_then(|parts| {
            joined(&parts).map_err(|source| Error::Shape { action: "read stored rows", source })
        });
        let rest = batch.is_ok().then_some(lanes);
        Some((batch, rest))
    });
    batches.boxed()
}

/// The columns of all of these; as many rows as each has.
fn joined(parts: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let [first, rest @ ..] = parts else {
        return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
    };
    if rest.is_empty() {
        return Ok(first.clone());
    }
    let schemas: Vec<_> = parts.iter().map(RecordBatch::schema).collect();
    let fields = schemas.iter().flat_map(|schema| schema.fields().iter().cloned());
    let columns = parts.iter().flat_map(|part| part.columns().iter().cloned());
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    // Columns of other lengths are refused.
    let rows = RecordBatchOptions::new().with_row_count(Some(first.num_rows()));
    RecordBatch::try_new_with_options(schema, columns.collect(), &rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use futures::stream::{self, StreamExt as _, TryStreamExt as _};
    use proptest::prelude::*;

    use super::{abreast, shared};
    use crate::limits::snapshot as limits;
    use crate::snapshot::rows::Batches;

    proptest! {
        #[test]
        fn every_column_is_in_one_lane_in_order_and_none_has_much_more_than_its_share(
            works in prop::collection::vec(0_u64..1_000, 0..100),
            most in 0_usize..6,
        ) {
            let lanes = shared((0..works.len()).collect(), |at| works[at], most);
            let all: Vec<usize> = lanes.iter().flatten().copied().collect();
            prop_assert_eq!(all, (0..works.len()).collect::<Vec<_>>());
            prop_assert!((1..=most.max(1)).contains(&lanes.len()));
            prop_assert!(lanes.len() == 1 || works.len() / lanes.len() >= limits::LANE_COLUMNS_MIN);
            let share = works.iter().sum::<u64>() / lanes.len() as u64;
            let largest = works.iter().copied().max().unwrap_or(0);
            for lane in lanes {
                let sum = lane.iter().map(|at| works[*at]).sum::<u64>();
                prop_assert!(sum <= share + largest + 1, "{} of {}", sum, share);
            }
        }
    }

    /// Batches of one column with so many rows each.
    fn lane(name: &str, rows: &[usize]) -> Batches {
        let batch = |rows: &usize| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..*rows as i64));
            Ok(RecordBatch::try_from_iter([(name, column)]).expect("a batch"))
        };
        stream::iter(rows.iter().map(batch).collect::<Vec<_>>()).boxed()
    }

    #[tokio::test]
    async fn lanes_that_part_are_an_error_and_no_rows_are_lost() {
        for (one, other, whole) in [
            (&[3, 2][..], &[3, 2][..], true),
            (&[], &[], true),
            (&[3, 2], &[3], false),
            (&[3], &[3, 2], false),
            (&[3, 2], &[3, 1], false),
        ] {
            let lanes = vec![lane("a", one), lane("b", other)];
            let read = abreast(lanes).try_collect::<Vec<_>>().await;
            match read {
                Ok(batches) => {
                    assert!(whole && batches.iter().all(|batch| batch.num_columns() == 2));
                    let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
                    assert_eq!(rows, one);
                }
                Err(error) => assert!(!whole, "{error}"),
            }
        }
    }
}
