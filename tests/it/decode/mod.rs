//! The decoder: what it reads, what it refuses, and that it agrees with a slow one.

mod batches;
mod cells;
mod documents;
mod errors;
mod properties;
mod reference;
mod values;

use arrow::array::RecordBatch;
use entra_flight::catalog::Column;
use entra_flight::decode::{Decoder, Error, Instructions, OnMismatch, Padded, Settings};

use reference::Read;

/// Every instruction set that this machine has.
fn instructions() -> Vec<Instructions> {
    let mut sets = vec![Instructions::Portable, Instructions::detect()];
    sets.dedup();
    sets
}

fn settings(on_mismatch: OnMismatch) -> Settings {
    Settings { on_mismatch, ..Settings::default() }
}

/// One page through a decoder of its own: the batches and where the list of rows ended.
fn decode(
    decoder: &mut Decoder,
    page: &[u8],
    parent: Option<&str>,
) -> Result<(Vec<RecordBatch>, usize), Error> {
    let mut batches = Vec::new();
    let end = decoder.push(&Padded::from_vec(page.to_vec()), 0, parent, &mut batches)?;
    batches.extend(decoder.finish()?);
    Ok((batches, end))
}

/// What the decoder makes of a page, which must be the same with every instruction set.
fn read(columns: &[Column], page: &[u8], on_mismatch: OnMismatch) -> Result<Read, Error> {
    let reads = instructions().into_iter().map(|set| {
        let mut decoder = Decoder::with_instructions(columns, settings(on_mismatch), set)?;
        let (batches, end) = decode(&mut decoder, page, Some("parent"))?;
        let rows = cells::rows(columns, &batches);
        assert_eq!(decoder.rows(), rows.len() as u64);
        let duplicates = decoder.counts().duplicate_members;
        let mismatches = decoder.mismatches();
        assert_eq!(mismatches.iter().sum::<u64>(), decoder.counts().put_aside);
        Ok(Read { rows, mismatches, duplicates, end })
    });
    let mut reads: Vec<Result<Read, Error>> = reads.collect();
    let first = reads.remove(0);
    assert!(reads.iter().all(|read| *read == first), "{first:?} is not {reads:?}");
    first
}

/// Checks that the decoder and the reference make the same of a page, under either rule; whether
/// they accept it.
fn agree(columns: &[Column], page: &[u8]) -> bool {
    let rules = [OnMismatch::Error, OnMismatch::Extra].map(|rule| {
        let ours = read(columns, page, rule);
        let expected = reference::read(columns, page, Some("parent"), rule);
        assert_eq!(ours.as_ref().ok(), expected.as_ref(), "{ours:?}");
        ours.is_ok()
    });
    rules[1]
}
