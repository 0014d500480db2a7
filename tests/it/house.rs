//! A whole house around a simulated tenant: everything real but the sockets to Graph.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray as _, RecordBatch};
use entra_flight::auth::{self, Credential, Tokens};
use entra_flight::catalog::{ByTable, Catalog};
use entra_flight::flight::{Server, Settings};
use entra_flight::graph::{self, Graph};
use entra_flight::query::{Answer, Connection, Engine, Error, Namespace, Request};
use entra_flight::secret::Secret;
use entra_flight::sim::{self, Tenant};
use entra_flight::snapshot::Store;
use entra_flight::source::Live;
use futures::StreamExt as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Where the tenant pretends to be.
const GRAPH: &str = "http://graph.simulated/v1.0";

/// A tenant and an engine that reads it.
pub struct House {
    pub tenant: Arc<Tenant>,
    pub engine: Engine,
}

/// How the house signs in.
#[derive(Clone)]
pub struct SignIn {
    pub tenant: &'static str,
    pub client_id: &'static str,
    pub secret: &'static str,
    /// Whether advanced queries are allowed.
    pub advanced: bool,
    /// What becomes of parents that cannot be read.
    pub on_parent_error: graph::OnParentError,
}

impl Default for SignIn {
    fn default() -> Self {
        SignIn {
            tenant: sim::TENANT,
            client_id: sim::CLIENT_ID,
            secret: sim::CLIENT_SECRET,
            advanced: false,
            on_parent_error: graph::OnParentError::Error,
        }
    }
}

impl House {
    /// Reads `tenant` with the sign-in data it expects.
    pub fn of(tenant: Tenant) -> Self {
        House::signed_in(tenant, SignIn::default())
    }

    /// Reads `tenant` with these sign-in data.
    pub fn signed_in(tenant: Tenant, with: SignIn) -> Self {
        House::made(tenant, with, None)
    }

    /// Reads `tenant`, with advanced queries where they are allowed.
    pub fn advanced(tenant: Tenant, advanced: bool) -> Self {
        House::signed_in(tenant, SignIn { advanced, ..SignIn::default() })
    }

    /// Reads `tenant`, and keeps versions in a store.
    pub fn stored(tenant: Tenant, store: Option<Store>) -> Self {
        House::made(tenant, SignIn::default(), store)
    }

    /// Reads `tenant`, keeps versions in a store, and leaves out parents that cannot be read.
    pub fn skipping(tenant: Tenant, store: Option<Store>) -> Self {
        let on_parent_error = graph::OnParentError::Skip;
        House::made(tenant, SignIn { on_parent_error, ..SignIn::default() }, store)
    }

    /// Reads `tenant` over two connections, `contoso` and `fabrikam`.
    pub fn twice(tenant: Tenant) -> Self {
        let house = House::of(tenant);
        let contoso = house.engine.namespace().connection(None).expect("one").as_ref().clone();
        let fabrikam = Connection { name: "fabrikam".into(), ..contoso.clone() };
        let engine = Engine::new(Namespace::new([contoso, fabrikam])).expect("an engine");
        House { engine, ..house }
    }

    fn made(tenant: Tenant, with: SignIn, store: Option<Store>) -> Self {
        let tenant = Arc::new(tenant);
        let settings = auth::Settings {
            login_url: "http://login.simulated".parse().expect("a URL"),
            tenant: with.tenant.to_owned(),
            client_id: with.client_id.to_owned(),
            scope: "http://graph.simulated/.default".to_owned(),
            credential: Credential::Secret(Secret::new(with.secret)),
        };
        let tokens = Tokens::new(tenant.clone(), settings).expect("an address");
        let catalog = Catalog::builtin().expect("the built-in tables");
        let reach = graph::Settings {
            base_url: GRAPH.parse().expect("a URL"),
            catalog: catalog.clone(),
            advanced_queries: with.advanced,
            outage_share_max: 0.1,
            on_parent_error: ByTable::all(with.on_parent_error),
        };
        let graph = Graph::new(tenant.clone(), tokens, reach).expect("an address");
        let connection = Connection {
            name: "contoso".into(),
            catalog: Arc::new(catalog),
            live: Live::new(graph, Duration::from_secs(6 * 3600)),
            store,
            max_age: ByTable::default(),
            keep: None,
            lost_share_max: 0.5,
            loads: Arc::new(Semaphore::new(2)),
        };
        House { tenant, engine: Engine::new(Namespace::new([connection])).expect("an engine") }
    }

    /// Starts a read.
    pub async fn ask(&self, request: &Request) -> Result<Answer, Error> {
        Ok(self.engine.run(self.engine.plan(request.clone()).await?, None))
    }

    /// Reads to the end.
    pub async fn read(&self, request: &Request) -> Result<Vec<RecordBatch>, Error> {
        let mut answer = self.ask(request).await?;
        let mut batches = Vec::new();
        while let Some(batch) = answer.batches.next().await {
            let batch = batch?;
            assert_eq!(batch.schema(), answer.schema, "a batch has the schema announced");
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Reads a whole table.
    pub async fn table(&self, name: &str) -> Result<Vec<RecordBatch>, Error> {
        self.read(&Request::table(name)).await
    }

    /// Serves on a free port, until the guard is dropped.
    pub async fn serve(&self) -> Served {
        let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
        let server = Server::bind(&settings).await.expect("a free port");
        let address = server.address().to_string();
        let stop = CancellationToken::new();
        let task = tokio::spawn(server.serve(self.engine.clone(), stop.clone()));
        Served { address, stop, task }
    }
}

/// A running server.
pub struct Served {
    pub address: String,
    pub stop: CancellationToken,
    pub task: tokio::task::JoinHandle<Result<(), entra_flight::flight::Error>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How many rows there are.
pub fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// The cells of a text column, in order.
pub fn texts(batches: &[RecordBatch], column: &str) -> Vec<Option<String>> {
    let cells = |batch: &RecordBatch| {
        let column = batch.column_by_name(column).expect("the column");
        column.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect::<Vec<_>>()
    };
    batches.iter().flat_map(cells).collect()
}

/// The failure as a person reads it.
pub fn report(error: &Error) -> String {
    entra_flight::error::Report::new(error, error.hint()).to_string()
}
