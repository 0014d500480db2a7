//! More connections than there are file descriptors for.

use std::net::TcpStream;
use std::time::Duration;

use arrow_flight::Ticket;
use arrow_flight::flight_service_client::FlightServiceClient;
use futures::TryStreamExt as _;
use tonic::transport::Endpoint;

use crate::cli::Running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_served_behind_more_silent_connections_than_descriptors() {
    let demo = ["demo", "--users", "50", "--listen", "127.0.0.1:0"];
    let server = Running::start_with_open_files(160, &demo, "flight");
    let address = server.address("flight");
    let address = address.trim_start_matches("grpc://");
    let silent: Vec<_> = (0..300).map(|_| TcpStream::connect(address)).collect();
    let silent: Vec<_> = silent.into_iter().map(|it| it.expect("a connection")).collect();
    let endpoint = Endpoint::new(format!("http://{address}")).expect("an address");
    let endpoint = endpoint.connect_timeout(Duration::from_secs(60));
    let mut client = FlightServiceClient::new(endpoint.connect().await.expect("a server"));
    let frames = client.do_get(Ticket { ticket: "users".into() }).await.expect("a stream");
    let frames: Vec<_> = frames.into_inner().try_collect().await.expect("every frame");
    assert!(frames.len() > 1);
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    // Neither an attempt that failed, nor a line for each connection that waits.
    assert!(!said.contains("no connection can be accepted"), "{said}");
    assert_eq!(said.matches("as many connections as file descriptors allow").count(), 1, "{said}");
    drop(silent);
}
