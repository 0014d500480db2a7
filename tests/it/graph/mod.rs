//! Reading Graph, against the simulated tenant: whatever goes wrong, a scan ends with all rows or
//! with an error of the right kind that says what to do.
//!
//! Time is paused: waits pass at once, and are measured to the millisecond.

mod faults;
mod flow;
mod meddled;
mod parents;
mod patience;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use entra_flight::auth::{self, Credential, Tokens};
use entra_flight::catalog::{ByTable, Catalog, Scan};
use entra_flight::clock::{self, Instant};
use entra_flight::error::Report;
use entra_flight::graph::{self, Graph, Meter, Page};
use entra_flight::secret::Secret;
use entra_flight::sim::{self, Builder, Tenant};
use entra_flight::transport::Transport;
use futures::StreamExt;
use serde_json::Value;

const ROOT: &str = "https://graph.example/v1.0";

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A tenant and a connection to it.
struct House {
    tenant: Tenant,
    graph: Graph,
    catalog: Catalog,
}

/// What a scan gave.
#[derive(Debug, Default)]
struct Rows {
    /// Each row's key with the row, once; `parent/id`.
    rows: BTreeMap<String, Value>,
    /// Keys that came again.
    again: usize,
    /// Those of them that came although no page since the first was marked as begun again.
    unmarked: usize,
    took: Duration,
    meter: Arc<Meter>,
}

impl House {
    fn new(builder: Builder) -> Self {
        House::with_secret(builder, sim::CLIENT_SECRET)
    }

    fn with_secret(builder: Builder, secret: &str) -> Self {
        let tenant = builder.start();
        House::over(tenant.clone(), Arc::new(tenant), secret)
    }

    /// Leaves out parents that cannot be read.
    fn skipping(builder: Builder) -> Self {
        let tenant = builder.start();
        let transport = Arc::new(tenant.clone());
        House::reading(tenant, transport, sim::CLIENT_SECRET, graph::OnParentError::Skip)
    }

    /// Reads `tenant` over `transport`.
    fn over(tenant: Tenant, transport: Arc<dyn Transport>, secret: &str) -> Self {
        House::reading(tenant, transport, secret, graph::OnParentError::Error)
    }

    fn reading(
        tenant: Tenant,
        transport: Arc<dyn Transport>,
        secret: &str,
        on_parent_error: graph::OnParentError,
    ) -> Self {
        let base_url = ROOT.parse().unwrap();
        let settings = auth::Settings {
            login_url: "https://login.example".parse().unwrap(),
            tenant: sim::TENANT.to_owned(),
            client_id: sim::CLIENT_ID.to_owned(),
            scope: graph::Settings::scope(&base_url).unwrap(),
            credential: Credential::Secret(Secret::new(secret)),
        };
        let tokens = Tokens::new(transport.clone(), settings).unwrap();
        let catalog = Catalog::builtin().unwrap();
        let settings = graph::Settings {
            base_url,
            catalog: catalog.clone(),
            advanced_queries: false,
            outage_share_max: 0.1,
            on_parent_error: ByTable::all(on_parent_error),
        };
        House { tenant, graph: Graph::new(transport, tokens, settings).unwrap(), catalog }
    }

    fn scan(&self, table: &str, columns: &[&str], limit: Option<u64>) -> Scan {
        let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let columns = (!names.is_empty()).then_some(&*names);
        Scan::new(self.catalog.table(table).unwrap().clone(), columns, limit).unwrap()
    }

    async fn read(&self, table: &str) -> Result<Rows, graph::Error> {
        self.read_until(&self.scan(table, &["id"], None), None).await
    }

    async fn read_until(
        &self,
        scan: &Scan,
        deadline: Option<Instant>,
    ) -> Result<Rows, graph::Error> {
        let start = clock::now();
        let mut rows = Rows::default();
        let mut pages = self.graph.scan(scan, deadline, rows.meter.clone())?;
        let mut restarted = false;
        while let Some(page) = pages.next().await {
            let page = page?;
            restarted |= page.restarted;
            for row in whole(&page)? {
                let id = row.get("id").and_then(Value::as_str).unwrap_or("-");
                let key = format!("{}/{id}", page.parent.as_deref().unwrap_or_default());
                if rows.rows.insert(key, row).is_some() {
                    rows.again += 1;
                    rows.unmarked += usize::from(!restarted);
                }
            }
        }
        rows.took = clock::now() - start;
        Ok(rows)
    }
}

/// The rows of a page, read to its very end.
fn whole(page: &Page) -> Result<Vec<Value>, graph::Error> {
    let body = &page.body.as_slice()[page.rows_at..];
    let mut rows = serde_json::Deserializer::from_slice(body).into_iter::<Vec<Value>>();
    let list = rows.next().unwrap().unwrap();
    let closed = page.close(page.rows_at + rows.byte_offset(), list.len() as u64);
    closed.map(|()| list).map_err(|flaw| page.flawed(flaw))
}

fn report(error: &graph::Error) -> String {
    let report = Report::new(error, error.hint()).to_string();
    // Ids are the simulator's own and differ with what was asked before.
    let mut told = String::new();
    for (number, part) in report.split("request-id ").enumerate() {
        let end = if number == 0 { 0 } else { part.find([',', ')']).unwrap_or(0) };
        told.push_str(if number == 0 { "" } else { "request-id #" });
        told.push_str(&part[end..]);
    }
    format!("{:?}: {told}", error.kind())
}

fn small() -> Builder {
    Tenant::seed(7).users(5_100)
}
