//! The server on its port: frames, statuses, cancelling, stopping.

use std::time::Duration;

use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightClient, FlightDescriptor, Ticket};
use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::flight::{Error, Server, Settings};
use entra_flight::sim::{Tenant, throttle};
use futures::TryStreamExt as _;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::house::{House, Served, rows};

async fn channel(served: &Served) -> Channel {
    let endpoint = Endpoint::new(format!("http://{}", served.address)).expect("an address");
    endpoint.connect().await.expect("a server")
}

async fn client(served: &Served) -> FlightClient {
    FlightClient::new(channel(served).await)
}

fn ticket(text: &str) -> Ticket {
    Ticket { ticket: text.to_owned().into() }
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        clock::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} did not come about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_is_below_what_every_client_takes() {
    let house = House::of(Tenant::seed(7).users(6_000).start());
    let served = house.serve().await;
    let mut strict = FlightServiceClient::new(channel(&served).await);
    // 4 MiB, the least that a client takes by default.
    let frames = strict.do_get(ticket("users")).await.expect("a stream").into_inner();
    let frames: Vec<_> = frames.try_collect().await.expect("every frame");
    let largest = frames.iter().map(|frame| frame.data_body.len()).max().expect("frames");
    assert!(frames.len() > 5, "{} frames", frames.len());
    assert!(largest > 256 << 10 && largest < 3 << 20, "{largest} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_is_the_same_wherever_it_is_told() {
    let house = House::of(Tenant::seed(7).users(50).start());
    let served = house.serve().await;
    let mut client = client(&served).await;
    for table in ["users", "group_members", "user_managers", "sign_ins", "domains"] {
        let descriptor = FlightDescriptor::new_path(vec![table.to_owned()]);
        let told = client.get_schema(descriptor.clone()).await.expect("a schema");
        let info = client.get_flight_info(descriptor).await.expect("an info");
        let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
        assert_eq!(info.try_decode_schema().expect("a schema"), told, "{table}");
        let batches: Vec<_> =
            client.do_get(ticket).await.expect("a stream").try_collect().await.expect("rows");
        assert!(rows(&batches) > 0, "{table}");
        assert_eq!(*batches[0].schema(), told, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_stops_the_read() {
    let latency = Duration::from_millis(20);
    let house = House::of(Tenant::seed(7).users(200_000).latency(latency).start());
    let served = house.serve().await;
    let mut client = client(&served).await;
    let mut stream = client.do_get(ticket("users")).await.expect("a stream");
    assert!(stream.try_next().await.expect("rows").is_some());
    drop(stream);
    let requests = || house.tenant.counters().requests;
    let before = requests();
    until("quiet", || {
        let counters = house.tenant.counters();
        counters.in_flight_max > 0 && counters.requests <= before + 4
    })
    .await;
    let settled = requests();
    clock::sleep(latency * 20).await;
    assert!(requests() <= settled + 1, "pages are still asked for");
    assert!(settled < 60, "{settled} of 201 requests were made for a client that left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_longer_than_the_callers_deadline_is_told_at_once() {
    let fault = throttle().after(1).wait(Duration::from_secs(300));
    let house = House::of(Tenant::seed(7).users(5_000).fault(fault).start());
    let served = house.serve().await;
    let mut plain = FlightServiceClient::new(channel(&served).await);
    let mut request = tonic::Request::new(ticket("users"));
    request.set_timeout(Duration::from_secs(60));
    let frames = plain.do_get(request).await.expect("a stream").into_inner();
    let status = frames.try_collect::<Vec<_>>().await.expect_err("the wait is too long");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let wait = status.metadata().get("retry-after").expect("a hint").to_str().expect("text");
    assert!((290..=300).contains(&wait.parse::<u32>().expect("seconds")), "{wait}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_lets_streams_end() {
    let latency = Duration::from_millis(10);
    let house = House::of(Tenant::seed(7).users(10_000).latency(latency).start());
    let mut served = house.serve().await;
    let mut client = client(&served).await;
    let mut stream = client.do_get(ticket("users")).await.expect("a stream");
    let first = stream.try_next().await.expect("rows").expect("a batch");
    served.stop.cancel();
    let rest: Vec<_> = stream.try_collect().await.expect("the stream ends as it should");
    assert_eq!(first.num_rows() + rows(&rest), 10_000);
    let ended = (&mut served.task).await.expect("the server's task");
    ended.expect("the server stopped as told");
    let again = Endpoint::new(format!("http://{}", served.address)).expect("an address");
    assert!(again.connect().await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_port_that_is_taken_and_one_that_others_reach_are_refused() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let listen = taken.local_addr().expect("bound");
    let error = Server::bind(&Settings { listen, ..Settings::default() }).await;
    let error = error.expect_err("the port is taken");
    assert!(matches!(error, Error::Listen { .. }) && error.kind() == Kind::Unavailable);
    let listen = ([0, 0, 0, 0], 0).into();
    let error = Server::bind(&Settings { listen, ..Settings::default() }).await;
    assert_eq!(error.expect_err("callers are unknown").kind(), Kind::Invalid);
    let insecure = Settings { listen, insecure: true, ..Settings::default() };
    Server::bind(&insecure).await.expect("it was said that the network is trusted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_in_mid_stream_ends_the_stream_with_its_status() {
    let fault = entra_flight::sim::repeat_link();
    let house = House::of(Tenant::seed(7).users(5_000).fault(fault).start());
    let served = house.serve().await;
    let mut client = client(&served).await;
    let stream = client.do_get(ticket("users")).await.expect("a stream");
    let ended = stream.try_collect::<Vec<_>>().await.expect_err("never a short table");
    let FlightError::Tonic(status) = ended else { panic!("{ended}") };
    assert_eq!(status.code(), Code::DataLoss, "{status}");
    assert!(status.message().contains("could not fetch page"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_error_reaches_its_client_cut_in_the_middle() {
    let house = House::of(Tenant::seed(7).users(50).start());
    let served = house.serve().await;
    let mut client = FlightServiceClient::new(channel(&served).await);
    for letter in ["a", "ü"] {
        let name = letter.repeat(100_000 / letter.len());
        let asked = format!(r#"{{"table":"users","{name}":1}}"#);
        let info = client.get_flight_info(FlightDescriptor::new_cmd(asked.clone())).await;
        let read = client.do_get(ticket(&asked)).await;
        let info = info.map(drop).expect_err("there is no such word");
        let read = read.map(drop).expect_err("there is no such word");
        for status in [info, read] {
            assert_eq!(status.code(), Code::InvalidArgument);
            let message = status.message();
            let mark = " bytes left out; the server's log has them under ";
            assert!(message.contains(mark), "{message}");
            assert!((1_000..4_096).contains(&message.len()), "{} bytes", message.len());
        }
    }
}
