//! What holds for all tables and pages.

use arrow::array::RecordBatch;
use entra_flight::catalog::Column;
use entra_flight::decode::{Decoder, OnMismatch, Padded, Settings};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::documents::{any_columns, any_rows, page};
use super::{agree, settings};

/// Bytes that mean something to a decoder of JSON.
const TELLING: &[u8] = b"\"\\{}[]:,0123456789eE+-.truefalsn u\0\x1f\x7f\x80\xc3\xff \n";

fn table_and_rows(twice: bool) -> impl Strategy<Value = (Vec<Column>, Vec<Vec<String>>)> {
    any_columns().prop_flat_map(move |columns| (Just(columns.clone()), any_rows(&columns, twice)))
}

/// The batches of pages, each with its rows.
fn batches(columns: &[Column], settings: &Settings, pages: &[&[Vec<String>]]) -> Vec<RecordBatch> {
    let mut decoder = Decoder::new(columns, settings.clone()).expect("the columns are sound");
    let mut batches = Vec::new();
    for rows in pages {
        let page = Padded::from_vec(page(rows).into_bytes());
        let end = decoder.push(&page, 0, Some("parent"), &mut batches).expect("the page is sound");
        assert_eq!(end, page.len());
    }
    batches.extend(decoder.finish().expect("the pages are sound"));
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_decoder_agrees_with_the_reference((columns, rows) in table_and_rows(true)) {
        prop_assert!(agree(&columns, page(&rows).as_bytes()));
    }

    #[test]
    fn a_damaged_page_is_read_as_the_reference_reads_it_or_refused_as_it_refuses_it(
        (columns, rows) in table_and_rows(true),
        damages in vec((any::<Index>(), any::<Index>(), 0..3), 1..4),
    ) {
        let mut page = page(&rows).into_bytes();
        for (at, byte, way) in damages {
            let byte = TELLING[byte.index(TELLING.len())];
            let place = at.index(page.len() + 1);
            match (way, page.get_mut(place)) {
                (0, Some(there)) => *there = byte,
                (1, Some(_)) => drop(page.remove(place)),
                _ => page.insert(place, byte),
            }
        }
        agree(&columns, &page);
    }

    #[test]
    fn any_bytes_are_read_as_the_reference_reads_them(
        columns in any_columns(),
        bytes in prop_oneof![vec(any::<u8>(), 0..200), vec(proptest::sample::select(TELLING), 0..200)],
    ) {
        agree(&columns, &bytes);
        agree(&columns, &[b"[{\"id\":", &bytes[..]].concat());
    }

    #[test]
    fn pages_and_the_order_of_keys_make_no_difference(
        (columns, rows) in table_and_rows(false),
        cuts in vec(any::<Index>(), 0..4),
        turn in any::<Index>(),
        (first, most, bytes) in (1_usize..5, 1_usize..9, 1_usize..2_000),
    ) {
        let settings = Settings {
            batch_rows_max: most,
            batch_bytes_max: bytes,
            first_batch_rows: first,
            ..settings(OnMismatch::Extra)
        };
        let expected = batches(&columns, &settings, &[&rows]);
        let mut turned = rows.clone();
        for row in turned.iter_mut().filter(|row| !row.is_empty()) {
            let by = turn.index(row.len());
            row.rotate_left(by);
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        cuts.extend([0, rows.len()]);
        cuts.sort_unstable();
        let pages: Vec<_> = cuts.windows(2).map(|cut| &turned[cut[0]..cut[1]]).collect();
        prop_assert_eq!(batches(&columns, &settings, &pages), expected);
    }

    #[test]
    fn a_page_that_ends_early_is_refused((columns, rows) in table_and_rows(true)) {
        let page = page(&rows).into_bytes();
        for end in 0..page.len() {
            let mut decoder = Decoder::new(&columns, settings(OnMismatch::Extra)).expect("sound");
            let cut = Padded::from_vec(page[..end].to_vec());
            prop_assert!(decoder.push(&cut, 0, None, &mut Vec::new()).is_err(), "cut at {end}");
        }
    }
}
