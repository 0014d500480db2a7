//! How rows become batches.

use entra_flight::catalog::{Column, Origin, Type};
use entra_flight::decode::{Decoder, OnMismatch, Padded, Settings};

use super::cells;
use super::documents::column;
use super::reference::Cell;
use super::settings;

fn ids(rows: usize) -> Padded {
    let rows: Vec<_> = (0..rows).map(|n| format!("{{\"id\":\"{n:08}\"}}")).collect();
    Padded::from_vec(format!("[{}]", rows.join(",")).into_bytes())
}

fn sizes(settings: Settings, pages: &[usize]) -> Vec<usize> {
    let mut decoder = Decoder::new(&[column("id", Type::Text)], settings).expect("sound");
    let mut batches = Vec::new();
    for rows in pages {
        decoder.push(&ids(*rows), 0, None, &mut batches).expect("the page is sound");
    }
    batches.extend(decoder.finish().expect("the pages are sound"));
    batches.iter().map(|batch| batch.num_rows()).collect()
}

#[test]
fn batches_grow_fourfold_from_a_small_first_one() {
    let all = Settings::default();
    assert_eq!(sizes(all.clone(), &[999; 20]), [256, 1_024, 4_096, 8_192, 6_412]);
    assert_eq!(sizes(all.clone(), &[0, 0]), [0; 0]);
    assert_eq!(sizes(Settings { batch_rows_max: 100, ..all }, &[250]), [100, 100, 50]);
}

#[test]
fn a_batch_ends_at_the_first_32_rows_that_reach_its_bytes() {
    // 8 bytes of text, 4 of offset and a bit a row: 96 rows make 1,164 + 4.
    let settings = Settings { batch_bytes_max: 1_000, ..Settings::default() };
    assert_eq!(sizes(settings, &[250]), [96, 96, 58]);
}

#[test]
fn a_flush_gives_what_is_there_and_the_decoder_goes_on() {
    let parent = Column { origin: Origin::Parent, ..column("group_id", Type::Text) };
    let columns = [parent, column("id", Type::Text)];
    let mut decoder = Decoder::new(&columns, settings(OnMismatch::Error)).expect("sound");
    let mut batches = Vec::new();
    for (rows, parent) in [(1, Some("g1")), (2, None), (0, Some("g3")), (1, Some("g4"))] {
        decoder.push(&ids(rows), 0, parent, &mut batches).expect("the page is sound");
        batches.extend(decoder.flush().expect("the page was sound"));
        assert_eq!(decoder.flush(), Ok(None));
    }
    assert_eq!(decoder.finish(), Ok(None));
    assert_eq!(decoder.rows(), 4);
    assert_eq!(batches.len(), 3);
    let text = |text: &str| Cell::Text(text.to_owned());
    let zero = || text("00000000");
    assert_eq!(
        cells::rows(&columns, &batches),
        [
            [text("g1"), zero()],
            [Cell::Null, zero()],
            [Cell::Null, text("00000001")],
            [text("g4"), zero()],
        ]
    );
}

#[test]
fn the_list_of_rows_may_stand_anywhere_in_a_page() {
    let columns = [column("id", Type::Text)];
    let page =
        Padded::from_vec(br#"{"@odata.context":"x","value": [ {"id":"a"} ] ,"next":1}"#.to_vec());
    let mut decoder = Decoder::new(&columns, settings(OnMismatch::Error)).expect("sound");
    let mut batches = Vec::new();
    let end = decoder.push(&page, 30, None, &mut batches).expect("the page is sound");
    assert_eq!(&page.as_slice()[end..], br#" ,"next":1}"#);
    assert_eq!(decoder.push(&page, 30, None, &mut batches), Ok(end));
    let batch = decoder.finish().expect("sound").expect("two rows");
    assert_eq!(batch.schema(), decoder.schema());
    assert_eq!(batch.num_rows(), 2);
    assert!(decoder.push(&page, 1_000, None, &mut batches).is_err());
}

#[test]
fn mismatches_are_counted_for_their_column_over_all_batches() {
    let columns = [column("a", Type::List(Type::Int32.into())), column("b", Type::Boolean)];
    let settings = Settings { batch_rows_max: 1, ..settings(OnMismatch::Extra) };
    let mut decoder = Decoder::new(&columns, settings).expect("sound");
    let page = Padded::from_vec(br#"[{"a":[1,"x",1.5]},{"b":1},{"a":{},"a":[]}]"#.to_vec());
    decoder.push(&page, 0, None, &mut Vec::new()).expect("the page is JSON");
    assert_eq!(decoder.mismatches(), [3, 1]);
}
