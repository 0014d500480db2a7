//! From the simulated tenant to the last batch, in one process and without sockets: what reading
//! costs us when neither network nor client does. It prints what was asked of Graph beside it.

#![expect(clippy::expect_used, clippy::print_stderr, reason = "a bench may stop and talk")]

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use entra_flight::auth::{self, Credential, Tokens};
use entra_flight::catalog::{ByTable, Catalog, Scan};
use entra_flight::clock;
use entra_flight::graph::{self, Graph};
use entra_flight::query::{Connection, Engine, Namespace, Request};
use entra_flight::secret::Secret;
use entra_flight::sim::{self, Tenant};
use entra_flight::source::{Live, Source as _};
use futures::StreamExt as _;
use tokio::sync::Semaphore;

fn engine(tenant: &Arc<Tenant>) -> Engine {
    let settings = auth::Settings {
        login_url: "http://login.simulated".parse().expect("a URL"),
        tenant: sim::TENANT.to_owned(),
        client_id: sim::CLIENT_ID.to_owned(),
        scope: "http://graph.simulated/.default".to_owned(),
        credential: Credential::Secret(Secret::new(sim::CLIENT_SECRET)),
    };
    let tokens = Tokens::new(tenant.clone(), settings).expect("an address");
    let catalog = Catalog::builtin().expect("the built-in tables");
    let base_url = "http://graph.simulated/v1.0".parse().expect("a URL");
    let reach = graph::Settings {
        base_url,
        catalog: catalog.clone(),
        advanced_queries: false,
        outage_share_max: 0.1,
        on_parent_error: ByTable::default(),
    };
    let graph = Graph::new(tenant.clone(), tokens, reach).expect("an address");
    let live = Live::new(graph, Duration::from_secs(600));
    let catalog = Arc::new(catalog);
    Engine::new(Namespace::new([Connection {
        name: "contoso".into(),
        catalog,
        live,
        store: None,
        max_age: ByTable::default(),
        keep: None,
        loads: Arc::new(Semaphore::new(1)),
        lost_share_max: 0.5,
    }]))
    .expect("an engine")
}

async fn read(engine: &Engine, table: &str) -> u64 {
    let plan = engine.plan(Request::table(table)).await.expect("a plan");
    let mut answer = engine.run(plan, None);
    let mut rows = 0;
    while let Some(batch) = answer.batches.next().await {
        rows += batch.expect("rows").num_rows() as u64;
    }
    rows
}

/// The same rows straight from the source, which is what the engine is measured against.
async fn straight(engine: &Engine, table: &str) -> u64 {
    let connection = engine.namespace().connection(None).expect("a connection");
    let table = connection.catalog.table(table).expect("a table").clone();
    let scan = Scan::new(table, None, None).expect("a scan");
    let deadline = clock::now() + Duration::from_secs(600);
    let mut batches = connection.live.scan(scan, deadline, Arc::default());
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        rows += batch.expect("rows").num_rows() as u64;
    }
    rows
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10);
    for (table, users) in [("users", 20_000), ("users", 200_000), ("group_members", 10_000)] {
        let tenant = Tenant::seed(7).users(users).unthrottled().uncompressed().start();
        let tenant = Arc::new(tenant);
        let engine = engine(&tenant);
        let rows = runtime.block_on(read(&engine, table));
        let before = tenant.counters();
        runtime.block_on(read(&engine, table));
        let after = tenant.counters();
        eprintln!(
            "{table} of {users} users: {rows} rows, {} requests, {} resource units",
            after.requests - before.requests,
            after.resource_units - before.resource_units
        );
        group.throughput(Throughput::Elements(rows));
        group.bench_function(format!("{table} of {users} users"), |bench| {
            bench.iter(|| assert_eq!(runtime.block_on(read(&engine, table)), rows));
        });
        group.bench_function(format!("{table} of {users} users, without the engine"), |bench| {
            bench.iter(|| assert_eq!(runtime.block_on(straight(&engine, table)), rows));
        });
    }
    group.finish();
    criterion.final_summary();
}
