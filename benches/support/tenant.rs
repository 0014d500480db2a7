//! Pages of the simulated tenant, and the batches they make.

use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use entra_flight::catalog::{Catalog, Column, Origin};
use entra_flight::decode::{Decoder, Padded, Settings};
use entra_flight::sim::{self, Tenant};
use http::Request;
use serde_json::value::RawValue;

/// When everything happens: the tenant has no clock of its own.
pub const NOW: Duration = Duration::from_secs(1_782_803_289);

/// The columns of a table, as a scan that names none asks for them.
pub fn columns(table: &str) -> Vec<Column> {
    let catalog = Catalog::builtin().expect("the built-in tables");
    catalog.table(table).expect("the table").select(None).expect("its columns")
}

/// A header that the tenant accepts.
pub fn sign_in(tenant: &Tenant) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=http://graph.simulated/.default",
        sim::CLIENT_ID,
        sim::CLIENT_SECRET
    );
    let target = format!("http://login.simulated/{}/oauth2/v2.0/token", sim::TENANT);
    let request = Request::post(target).body(Bytes::from(form)).expect("a request");
    let answer = tenant.answer(&request, NOW);
    let answer: serde_json::Value =
        serde_json::from_slice(answer.response.body()).expect("a token answer");
    format!("Bearer {}", answer["access_token"].as_str().expect("a token"))
}

/// The rows of the first page that `path` leads to, as the list that Graph puts into `value`.
pub fn page(path: &str, columns: &[Column]) -> Vec<u8> {
    let tenant = Tenant::seed(7).users(100_000).unthrottled().start();
    let selected: Vec<&str> = columns
        .iter()
        .filter_map(|column| match &column.origin {
            Origin::Property(name) if !name.contains('@') => Some(&**name),
            _ => None,
        })
        .collect();
    let url = format!("http://graph.simulated/v1.0{path}?$top=999&$select={}", selected.join(","));
    let request = Request::get(url).header("authorization", sign_in(&tenant));
    let answer = tenant.answer(&request.body(Bytes::new()).expect("a request"), NOW);
    let body = answer.response.into_body();
    #[derive(serde::Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        value: &'a RawValue,
    }
    let page: Page<'_> = serde_json::from_slice(&body).expect("a page");
    page.value.get().as_bytes().to_vec()
}

/// At least `rows` users with all columns, as the server makes batches of them.
pub fn users(rows: usize) -> Vec<RecordBatch> {
    let columns = columns("users");
    let page = Padded::from_vec(page("/users", &columns));
    let mut decoder = Decoder::new(&columns, Settings::default()).expect("columns");
    let mut batches = Vec::new();
    while decoder.rows() < rows as u64 {
        decoder.push(&page, 0, None, &mut batches).expect("rows");
    }
    batches.extend(decoder.finish().expect("rows"));
    batches
}
