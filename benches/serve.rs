//! From batches in memory to the client: what our side of the wire costs.
//!
//! `cargo bench --bench serve` streams users to a Rust client on loopback and copies the same bytes
//! in memory beside it. `cargo bench --bench serve -- serve` only serves, for
//! `benches/clients/compare.py serve`, which sets a pyarrow server and client against it.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench may stop and talk")]

#[path = "support/tenant.rs"]
mod support;

use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightClient, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, Result as ActionResult, SchemaResult,
    Ticket,
};
use criterion::{Criterion, Throughput};
use entra_flight::flight::{DoGet, Messages, Uncopied, messages};
use futures::{Stream, StreamExt as _, stream};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// Rows served: as many pages as Graph would need for them.
const ROWS: usize = 65_934;

/// Serves the same batches for every ticket.
struct Kept(Arc<Vec<RecordBatch>>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn unserved<T>() -> Result<T, Status> {
    Err(Status::unimplemented("the bench only reads"))
}

#[tonic::async_trait]
impl FlightService for Kept {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<ActionResult>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        unserved()
    }
    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        unserved()
    }
    async fn list_flights(
        &self,
        _: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        unserved()
    }
    async fn get_flight_info(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        unserved()
    }
    async fn poll_flight_info(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        unserved()
    }
    async fn get_schema(
        &self,
        _: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        unserved()
    }
    async fn do_put(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        unserved()
    }
    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        unserved()
    }
    async fn do_action(
        &self,
        _: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        unserved()
    }
    async fn list_actions(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        unserved()
    }
}

#[tonic::async_trait]
impl DoGet for Kept {
    async fn messages(&self, _: Request<Ticket>) -> Result<Response<Messages>, Status> {
        let batches = self.0.clone();
        let schema = batches[0].schema();
        let batches = stream::iter(0..batches.len()).map(move |at| Ok(batches[at].clone()));
        Ok(Response::new(messages(schema, batches).boxed()))
    }
}

async fn serve(listener: TcpListener, batches: Arc<Vec<RecordBatch>>) {
    tonic::transport::Server::builder()
        .add_service(Uncopied::new(Kept(batches)))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .expect("the server goes on");
}

async fn read(address: &str) -> usize {
    let channel = tonic::transport::Endpoint::new(address.to_owned()).expect("an address");
    let mut client = FlightClient::new(channel.connect().await.expect("the server"));
    let mut batches = client.do_get(Ticket::new("users")).await.expect("a stream");
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        rows += batch.expect("rows").num_rows();
    }
    rows
}

fn main() {
    let batches = Arc::new(support::users(ROWS));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("bound");
    if std::env::args().any(|argument| argument == "serve") {
        println!("flight: grpc://{address}");
        runtime.block_on(serve(listener, batches));
        return;
    }
    let bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    runtime.spawn(serve(listener, batches.clone()));
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("serve");
    group.sample_size(20).throughput(Throughput::Bytes(bytes as u64));
    let address = format!("http://{address}");
    group.bench_function("do_get", |bench| {
        bench.iter(|| assert!(runtime.block_on(read(&address)) >= ROWS));
    });
    let source = vec![7_u8; bytes];
    let mut copy = vec![0_u8; bytes];
    group.bench_function("copy in memory", |bench| {
        bench.iter(|| black_box(&mut copy).copy_from_slice(black_box(&source)));
    });
    group.finish();
    criterion.final_summary();
}
