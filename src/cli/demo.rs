//! `demo`

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use comfy_table::Table;
use futures::StreamExt as _;
use url::Url;

use super::arguments::Demo;
use super::console::Console;
use super::demo_store::{self, DemoStore};
use super::progress::Progress;
use super::{Error, preview, sim};
use crate::app::settings;
use crate::flight::{self, Client, Server};
use crate::query::Request;
use crate::secret::Secret;
use crate::sim::{self as simulated, Tenant};
use crate::{app, clock, limits};

/// The table that is read to show that everything works.
const TABLE: &str = "users";

/// Starts a simulated tenant and a server in front of it, reads a table through the server, shows
/// it and how to read it from Python, and goes on serving.
pub async fn run(command: Demo, console: &Console) -> Result<(), Error> {
    let stop = app::stop_token(limits::flight::DRAIN);
    let tenant = sim::bind(&command.tenant, command.graph_listen, "http").await?;
    let connections = BTreeMap::from([("contoso".to_owned(), connection(&tenant.root)?)]);
    let store = match &command.store {
        Some(folder) => Some(DemoStore::new(folder.as_deref())?),
        None => None,
    };
    let kept = store.as_ref().map(DemoStore::settings);
    let engine = app::engine(&connections, kept.as_ref())?;
    let connection = engine.namespace().connection(None)?.clone();
    let server = bind(command.listen).await?;
    let address = format!("grpc://{}", server.address());

    sim::announce(&tenant.root, console)?;
    console.result(&format!("flight: {address}"))?;
    let simulated = tenant.tenant.clone();
    let graph = simulated::socket::serve(tenant.tenant, tenant.listener, None, stop.clone());
    let graph = tokio::spawn(graph);
    let serving = tokio::spawn(server.serve(engine, stop.clone()));
    let shown = async {
        show(&address, console).await?;
        if let Some(store) = &store {
            store.show(&connection, &simulated, console).await?;
        }
        tell(&address, console);
        Ok::<(), Error>(())
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        shown = shown => match shown {
            // A server that was told to stop in the middle of it refuses its own client.
            Err(_) if stop.is_cancelled() => {}
            shown => shown?,
        },
    }
    if let Some(interval) = command.churn_every {
        let churned = stop.run_until_cancelled(churn(&simulated, interval, console)).await;
        churned.unwrap_or(Ok(()))?;
    }
    let served = serving.await.map_err(|error| Error::Serve(std::io::Error::other(error)))?;
    graph.abort();
    Ok(served?)
}

fn connection(root: &str) -> Result<settings::Connection, Error> {
    let url =
        |text: &str| Url::parse(text).map_err(|error| Error::Serve(std::io::Error::other(error)));
    Ok(settings::Connection {
        tenant: simulated::TENANT.to_owned(),
        client_id: simulated::CLIENT_ID.to_owned(),
        client_secret: Secret::new(simulated::CLIENT_SECRET),
        graph_base_url: url(&format!("{root}/v1.0"))?,
        login_url: url(root)?,
        ca_file: None,
        deadline: None,
        outage_share_max: limits::graph::OUTAGE_SHARE_MAX,
        on_parent_error: Default::default(),
        advanced_queries: false,
        mismatch: Default::default(),
    })
}

/// The address asked for; without one the usual, or a free one if somebody has that.
async fn bind(listen: Option<SocketAddr>) -> Result<Server, Error> {
    let at = |listen| flight::Settings { listen, ..flight::Settings::default() };
    if let Some(listen) = listen {
        return Ok(Server::bind(&at(listen)).await?);
    }
    match Server::bind(&flight::Settings::default()).await {
        Err(flight::Error::Listen { address, .. }) => {
            Ok(Server::bind(&at(SocketAddr::new(address.ip(), 0))).await?)
        }
        bound => Ok(bound?),
    }
}

/// Reads the table as any client would and shows what came.
async fn show(address: &str, console: &Console) -> Result<(), Error> {
    let mut client = Client::connect(address).await?;
    let tables = client.tables("*").await?;
    let mut batches = client.read(&Request::table(TABLE).into()).await?;
    let mut progress = Progress::new(console, TABLE, None);
    let mut first: Option<RecordBatch> = None;
    while let Some(batch) = batches.next().await.transpose()? {
        progress.add(batch.num_rows() as u64);
        first.get_or_insert_with(|| batch.slice(0, batch.num_rows().min(8)));
    }
    progress.finish();
    let width = Table::new().width().unwrap_or(limits::cli::TERMINAL_COLUMNS);
    console.note(&preview::draw(first.as_slice(), width)?);
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    console.note(&format!("\n{} tables: {}", names.len(), names.join(", ")));
    Ok(())
}

/// Says how to read from Python.
fn tell(address: &str, console: &Console) {
    console.note(&format!(
        "\nRead one from Python (pip install pyarrow):\n\n    \
         import pyarrow.flight as flight\n    \
         client = flight.connect(\"{address}\")\n    \
         table = client.do_get(flight.Ticket(b\"{TABLE}\")).read_all()\n\n\
         Serving until Ctrl-C."
    ));
}

/// Lets the tenant change, again and again.
async fn churn(tenant: &Arc<Tenant>, interval: Duration, console: &Console) -> Result<(), Error> {
    loop {
        clock::sleep(interval).await;
        let churn = demo_store::change(tenant).await?;
        console.note(&format!("The tenant has changed: {}.", demo_store::told(&churn)));
    }
}
