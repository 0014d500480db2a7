//! Pages into batches: the decoder, arrow-json's decoder on the same rows, and a copy of the
//! bytes as the floor. Users are a page of the simulated tenant with all columns of the table.
//!
//! ```text
//! cargo bench --bench decode
//! ```
//!
//! Budgets: users at six times arrow-json or more, and under 18,000 instructions a row. Wall time
//! swings with whoever else uses the machine, so only ratios of one run mean much; instructions do
//! not swing.
//!
//! Instructions a row, of the decoder alone (valgrind counts what runs below `counted`; divide
//! the total by the rows that the program prints):
//!
//! ```text
//! cargo bench --bench decode --no-run
//! valgrind --tool=callgrind --toggle-collect='*counted*' --callgrind-out-file=/dev/null \
//!     target/release/deps/decode-<hash> --count-users      # or --count-members
//! ```

#![allow(clippy::expect_used, clippy::print_stderr, reason = "a bench may stop and talk")]

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_json::ReaderBuilder;
use criterion::{BatchSize, Criterion, Throughput};
use entra_flight::catalog::{Column, Origin};
use entra_flight::decode::{Decoder, Instructions, Padded, Settings};

#[expect(dead_code, reason = "each bench takes what it needs")]
#[path = "support/tenant.rs"]
mod tenant;
#[expect(dead_code, reason = "each bench takes what it needs")]
#[path = "support/users.rs"]
mod users;

/// Rows of a page: Graph's maximum for users.
const ROWS: usize = 999;

fn main() {
    let counted_pages = |columns: &[Column], bytes| {
        let page = Padded::from_vec(bytes);
        let mut decoder = decoder(columns, Instructions::detect());
        let rows: usize = (0..10).map(|_| counted(&mut decoder, &page)).sum();
        eprintln!("{rows} rows");
    };
    match std::env::args().nth(1).as_deref() {
        Some("--count-users") => {
            let columns = tenant::columns("users");
            counted_pages(&columns, tenant::page("/users", &columns));
        }
        Some("--count-members") => {
            counted_pages(&users::member_columns(), users::member_page(ROWS))
        }
        _ => {
            let mut criterion = Criterion::default().configure_from_args();
            let columns = tenant::columns("users");
            compare(&mut criterion, "users", &columns, tenant::page("/users", &columns));
            compare(&mut criterion, "members", &users::member_columns(), users::member_page(ROWS));
            criterion.final_summary();
        }
    }
}

fn compare(criterion: &mut Criterion, name: &str, columns: &[Column], bytes: Vec<u8>) {
    let mut group = criterion.benchmark_group(format!("decode {name}"));
    eprintln!("{name}: {} bytes a row, {ROWS} rows a page", bytes.len() / ROWS);
    let lines = one_a_line(&bytes);
    let schema = arrow_json_schema(columns);
    let page = Padded::from_vec(bytes.clone());
    for throughput in [Throughput::Bytes(bytes.len() as u64), Throughput::Elements(ROWS as u64)] {
        let unit = if matches!(throughput, Throughput::Bytes(_)) { "bytes" } else { "rows" };
        group.throughput(throughput);
        for (way, instructions) in ways() {
            let mut decoder = decoder(columns, instructions);
            group.bench_function(format!("{way}, {unit}"), |b| {
                b.iter(|| counted(&mut decoder, &page))
            });
        }
        group.bench_function(format!("arrow-json, {unit}"), |b| {
            b.iter(|| arrow_json(&schema, &lines));
        });
        group.bench_function(format!("memory copy, {unit}"), |b| {
            b.iter_batched_ref(
                || vec![0; bytes.len()],
                |to| to.copy_from_slice(black_box(&bytes)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn ways() -> Vec<(&'static str, Instructions)> {
    let fastest = Instructions::detect();
    let mut ways = vec![("ours", fastest)];
    if fastest != Instructions::Portable {
        ways.push(("ours, portable", Instructions::Portable));
    }
    ways
}

fn decoder(columns: &[Column], instructions: Instructions) -> Decoder {
    let settings = Settings { first_batch_rows: 8_192, ..Settings::default() };
    Decoder::with_instructions(columns, settings, instructions).expect("the columns are sound")
}

/// Decodes one page; the rows of the batches it completed and of what was left.
#[inline(never)]
fn counted(decoder: &mut Decoder, page: &Padded) -> usize {
    let mut batches = Vec::new();
    decoder.push(page, 0, Some("parent"), &mut batches).expect("the page is sound");
    batches.extend(decoder.flush().expect("the page was sound"));
    batches.iter().map(|batch| black_box(batch).num_rows()).sum()
}

/// The same rows as arrow-json wants them.
fn one_a_line(page: &[u8]) -> Vec<u8> {
    let rows: Vec<&serde_json::value::RawValue> =
        serde_json::from_slice(page).expect("the page is JSON");
    rows.iter().flat_map(|row| [row.get(), "\n"]).collect::<String>().into_bytes()
}

/// Decodes the same rows into the same columns with arrow-json.
fn arrow_json(schema: &SchemaRef, lines: &[u8]) -> usize {
    let reader = ReaderBuilder::new(schema.clone()).with_batch_size(8_192);
    let reader = reader.build(Cursor::new(lines));
    let batches = reader.expect("the schema is sound");
    batches.map(|batch| black_box(batch).expect("the rows are sound").num_rows()).sum()
}

/// The columns that arrow-json can fill, with the time zone written as it wants it.
fn arrow_json_schema(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().filter_map(|column| match &column.origin {
        Origin::Property(member) => Some(arrow_json_field(&column.ty.field(member))),
        _ => None,
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn arrow_json_field(field: &FieldRef) -> FieldRef {
    let ty = match field.data_type() {
        DataType::Timestamp(unit, _) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(item) => DataType::List(arrow_json_field(item)),
        DataType::Struct(parts) => DataType::Struct(parts.iter().map(arrow_json_field).collect()),
        ty => ty.clone(),
    };
    Arc::new(Field::new(field.name(), ty, true))
}
