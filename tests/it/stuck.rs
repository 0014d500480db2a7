//! Statements that nobody can interrupt, and a server that goes on.

use std::time::Duration;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{Action, Criteria, FlightData, FlightDescriptor, Ticket};
use entra_flight::clock;
use futures::{TryStreamExt as _, future};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::cli::{Running, settings};

type Client = FlightServiceClient<Channel>;

async fn channel(server: &Running) -> Channel {
    let address = server.address("flight").replace("grpc://", "http://");
    Endpoint::new(address).expect("an address").connect().await.expect("a server")
}

/// The same with a deadline.
fn within<T>(seconds: u32, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let timeout = format!("{seconds}S").parse().expect("a header");
    request.metadata_mut().insert("grpc-timeout", timeout);
    request
}

/// All frames of an answer.
async fn read(client: &Client, ticket: &str) -> Result<Vec<FlightData>, Status> {
    let ticket = Ticket { ticket: ticket.to_owned().into() };
    client.clone().do_get(ticket).await?.into_inner().try_collect().await
}

/// Plans a statement.
async fn plan(client: &Client, statement: String, seconds: u32) -> Result<(), Status> {
    let asked = within(seconds, FlightDescriptor::new_cmd(statement));
    client.clone().get_flight_info(asked).await.map(|_| ())
}

/// How many statements were given up and still run.
async fn abandoned(client: &Client) -> u64 {
    let action = Action { r#type: "health".to_owned(), ..Action::default() };
    let results = client.clone().do_action(action).await.expect("an answer").into_inner();
    let results: Vec<_> = results.try_collect().await.expect("one line");
    let health: serde_json::Value = serde_json::from_slice(&results[0].body).expect("JSON");
    health["abandoned_statements"].as_u64().expect("a number")
}

/// Whatever needs no statement is answered.
async fn serves(channel: &Channel) {
    let mut client = Client::new(channel.clone());
    let health = HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await;
    assert_eq!(health.expect("an answer").into_inner().status, 1);
    let listed = client.list_flights(Criteria::default()).await.expect("an answer").into_inner();
    assert!(listed.try_collect::<Vec<_>>().await.expect("flights").len() > 10);
    assert!(read(&client, "users").await.expect("a table").len() > 1);
}

/// `form` around itself so many times.
fn nested(form: &str, first: &str, depth: usize) -> String {
    let nested = (0..depth).fold(first.to_owned(), |inner, _| form.replace("{}", &inner));
    format!("select {nested} from users")
}

/// Small statements whose planning takes longer than anybody waits, or did.
fn small() -> Vec<String> {
    let scalar = (0..20).fold("1".to_owned(), |inner, _| {
        format!("(select max(id) from users where id <> {inner})")
    });
    vec![
        nested("ifnull(nullif({},''),'b')", "displayName", 7),
        nested("coalesce(nullif({},''),'b')", "displayName", 12),
        nested("nvl(nullif({},''),'b')", "displayName", 12),
        nested("({} between false and true)", "accountEnabled", 20),
        format!("select {scalar}"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planning_without_end_is_given_up_and_everything_else_is_served() {
    let server = Running::start(&["demo", "--users", "50", "--listen", "127.0.0.1:0"], "flight");
    let channel = channel(&server).await;
    let client = Client::new(channel.clone());
    assert!(small()[0].len() < 240);
    let planned = small().into_iter().map(|text| plan(&client, text, 10));
    for planned in future::join_all(planned).await {
        // Those that the planner gets through are no fault.
        let Err(status) = planned else { continue };
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
        let told = status.message();
        assert!(told.contains("could not be planned in time") && told.contains("hint: "), "{told}");
    }
    serves(&channel).await;
    assert!(read(&client, r#"{"sql":"select 1"}"#).await.is_ok());
    // Beyond a bound no other statement begins, and nothing else minds.
    while abandoned(&client).await < 8 {
        let many = (0..4).map(|_| plan(&client, small().swap_remove(0), 4));
        future::join_all(many).await;
    }
    let refused = read(&client, r#"{"sql":"select 1"}"#).await.expect_err("it is refused");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("hint: read tables without SQL"), "{refused}");
    serves(&channel).await;
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_cannot_be_stopped_ends_with_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "50"], "login");
    let settings = settings(&sim, folder.path());
    let text = std::fs::read_to_string(&settings).expect("the settings");
    let text = text.replace("[server]\n", "[server]\ndrain = \"1s\"\n");
    std::fs::write(&settings, text).expect("a file");
    let server = Running::start(&["serve", "--settings", &settings], "flight");
    let channel = channel(&server).await;
    let client = Client::new(channel.clone());
    // No pair is ever let through, and no batch is ever given.
    let rows = "generate_series(1, 400000)";
    let endless = format!(
        r#"{{"sql":"select count(*) from {rows} l left join {rows} r on l.value + r.value < 0"}}"#
    );
    let mut streams = Vec::new();
    for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
        let ticket = Ticket { ticket: endless.clone().into() };
        let answer = client.clone().do_get(ticket).await.expect("a stream");
        streams.push(answer.into_inner());
    }
    clock::sleep(Duration::from_secs(1)).await;
    serves(&channel).await;
    // Their clients leave.
    streams.drain(..).for_each(drop);
    serves(&channel).await;
    let ticket = Ticket { ticket: endless.into() };
    let last = client.clone().do_get(ticket).await.expect("a stream");
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    drop(last);
}
