//! Any bytes as a page: every instruction set reads the same, and what the slow reference reads,
//! or all refuse; none panics or reads out of bounds.

#![no_main]

use entra_flight::catalog::{Column, Origin, Property, Type};
use entra_flight::decode::{Decoder, Instructions, OnMismatch, Padded, Settings};
use libfuzzer_sys::fuzz_target;

use reference::Read;

#[path = "../../tests/it/decode/cells.rs"]
mod cells;
#[path = "../../tests/it/decode/reference.rs"]
mod reference;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, page)) = input.split_first() else { return };
    let columns = columns(choice);
    let rule = if choice & 0x80 == 0 { OnMismatch::Extra } else { OnMismatch::Error };
    let expected = reference::read(&columns, page, Some("parent"), rule);
    for instructions in [Instructions::detect(), Instructions::Portable] {
        assert_eq!(read(&columns, page, rule, instructions), expected, "{instructions:?}");
    }
});

fn read(
    columns: &[Column],
    page: &[u8],
    on_mismatch: OnMismatch,
    instructions: Instructions,
) -> Option<Read> {
    // Few rows a batch, so that short inputs cross from one into the next.
    let settings = Settings { batch_rows_max: 3, on_mismatch, ..Settings::default() };
    let mut decoder = Decoder::with_instructions(columns, settings, instructions).ok()?;
    let mut batches = Vec::new();
    let page = Padded::from_vec(page.to_vec());
    let end = decoder.push(&page, 0, Some("parent"), &mut batches).ok()?;
    batches.extend(decoder.finish().ok()?);
    let duplicates = decoder.counts().duplicate_members;
    let rows = cells::rows(columns, &batches);
    Some(Read { rows, mismatches: decoder.mismatches(), duplicates, end })
}

/// The members `a` of the type that the input chose, `b`, a list of it, and `c`, a struct of both,
/// with the parent's key and, or not, the rest of the row.
fn columns(choice: u8) -> Vec<Column> {
    let types = [
        Type::Text,
        Type::Boolean,
        Type::Int32,
        Type::Int64,
        Type::Float64,
        Type::Timestamp,
        Type::Date,
        Type::Time,
        Type::Binary,
        Type::Json,
    ];
    let ty = types[usize::from(choice & 0x3f) % types.len()].clone();
    let list = Type::List(ty.clone().into());
    let part = |name: &str, ty: &Type| Property { name: name.into(), ty: ty.clone() };
    let both = Type::Struct([part("a", &ty), part("b", &list)].into());
    let parent = Column { origin: Origin::Parent, ..column("parent", Type::Text) };
    let mut columns = vec![parent, column("a", ty), column("b", list), column("c", both)];
    if choice & 0x40 == 0 {
        columns.push(Column { origin: Origin::Extra, ..column("_extra", Type::Json) });
    }
    columns
}

fn column(name: &str, ty: Type) -> Column {
    Column {
        name: name.into(),
        origin: Origin::Property(name.into()),
        ty,
        graph_type: "".into(),
        description: None,
        permission: None,
        on_request: false,
        unordered: false,
        filters: Default::default(),
    }
}
