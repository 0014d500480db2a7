//! Loads that a client starts.

use arrow_flight::error::FlightError;
use arrow_flight::{Action, FlightClient};
use entra_flight::sim::Tenant;
use futures::TryStreamExt as _;
use serde_json::Value;
use tonic::Code;
use tonic::transport::Endpoint;

use super::store;
use crate::house::{House, Served};

async fn client(served: &Served) -> FlightClient {
    let endpoint = Endpoint::new(format!("http://{}", served.address)).expect("an address");
    FlightClient::new(endpoint.connect().await.expect("a server"))
}

/// The results of an action until it ended, and how it ended.
async fn act(client: &mut FlightClient, action: &str, body: &str) -> (Vec<Value>, Option<Code>) {
    let mut lines = Vec::new();
    let ended = async {
        let mut results = client.do_action(Action::new(action, body.to_owned())).await?;
        while let Some(result) = results.try_next().await? {
            lines.push(serde_json::from_slice(&result).expect("JSON"));
        }
        Ok::<_, FlightError>(())
    };
    let code = match ended.await {
        Ok(()) => None,
        Err(FlightError::Tonic(status)) => Some(status.code()),
        Err(other) => panic!("{other}"),
    };
    (lines, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_loads_tables_and_lists_their_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let many = House::stored(Tenant::seed(7).users(300).start(), Some(store(&folder)));
    let served = many.serve().await;
    let mut client = client(&served).await;
    let (lines, code) = act(&mut client, "load", r#"{"tables":["users","domains","users"]}"#).await;
    assert_eq!(code, None, "{lines:?}");
    let mut loaded: Vec<_> = lines
        .iter()
        .filter(|line| line["progress"].is_null())
        .map(|line| (line["table"].as_str().unwrap(), line["load"]["rows"].as_u64().unwrap()))
        .collect();
    loaded.sort_unstable();
    assert_eq!(loaded, [("domains", 4), ("users", 300)]);
    let (lines, code) = act(&mut client, "snapshots", r#"{"table":"users"}"#).await;
    assert_eq!((lines.len(), code), (1, None));
    let (lines, code) = act(&mut client, "load", r#"{"tables":["*"],"method":"full_load"}"#).await;
    let loaded = lines.iter().filter(|line| line["progress"].is_null()).count();
    let connection = many.engine.namespace().connection(None).expect("one");
    assert_eq!((loaded, code), (connection.catalog.tables().len(), None));
    assert_eq!(lines[0]["version"], 0);

    let few = House::stored(Tenant::seed(7).users(100).start(), Some(store(&folder)));
    let served = few.serve().await;
    let mut client = self::client(&served).await;
    let body = r#"{"tables":["users","domains"],"method":"reload"}"#;
    let (lines, code) = act(&mut client, "load", body).await;
    assert_eq!(code, Some(Code::DataLoss));
    let of = |table: &str| lines.iter().find(|line| line["table"] == table).expect("its line");
    assert_eq!(of("domains")["version"], 2, "one table's trouble is not the other's");
    let said = of("users")["error"].as_str().expect("an error");
    assert!(said.contains("held back"), "{said}");
    let body = r#"{"tables":["users"],"accept":true}"#;
    let (lines, code) = act(&mut client, "load", body).await;
    assert_eq!(
        (lines.last().unwrap()["load"]["changes"]["deleted"].as_u64(), code),
        (Some(200), None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_compares_versions_and_lets_them_expire() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = Tenant::seed(7).users(400).start();
    let house = House::stored(tenant.clone(), Some(store(&folder)));
    let served = house.serve().await;
    let mut client = client(&served).await;
    let load = r#"{"tables":["users"],"method":"reload"}"#;
    assert_eq!(act(&mut client, "load", load).await.1, None);
    let churn = tenant.churn();
    assert_eq!(act(&mut client, "load", load).await.1, None);
    let (lines, code) = act(&mut client, "compare", r#"{"table":"users","from":0}"#).await;
    assert_eq!((lines.len(), code), (1, None), "{lines:?}");
    let counts = &lines[0];
    let came = churn.joined.len() + churn.restored.len();
    assert_eq!((&counts["from"], &counts["to"]), (&0.into(), &1.into()));
    assert_eq!(counts["inserted"], came);
    assert_eq!(counts["deleted"], churn.deleted.len());
    assert_eq!(counts["updated"], churn.moved.len() + churn.renamed.len());
    let body = r#"{"tables":["users"],"older_than":"0s","keep":1}"#;
    let (lines, code) = act(&mut client, "expire", body).await;
    assert_eq!((&lines[0]["expired"], code), (&serde_json::json!([0]), None), "{lines:?}");
    let cases = [
        ("compare", r#"{"table":"users"}"#, Code::NotFound),
        ("compare", r#"{"table":"users","from":"soon"}"#, Code::InvalidArgument),
        ("compare", r#"{"table":"groups"}"#, Code::NotFound),
        ("expire", r#"{"tables":["users"],"older_than":"a month"}"#, Code::InvalidArgument),
        ("expire", r#"{"tables":["users"]}"#, Code::InvalidArgument),
        ("expire", r#"{"tables":["groups"],"older_than":"1d"}"#, Code::NotFound),
        ("expire", r#"{"tables":[],"older_than":"1d"}"#, Code::InvalidArgument),
    ];
    for (action, body, code) in cases {
        assert_eq!(act(&mut client, action, body).await, (vec![], Some(code)), "{action} {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_loaded_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::stored(Tenant::seed(7).users(10).start(), Some(store(&folder)));
    let served = house.serve().await;
    let mut with = client(&served).await;
    let cases = [
        (r#"{"tables":["user"]}"#, Code::NotFound),
        (r#"{"tables":[]}"#, Code::InvalidArgument),
        (r#"{}"#, Code::InvalidArgument),
        ("", Code::InvalidArgument),
        (r#"{"tables":["users"],"method":"sync"}"#, Code::InvalidArgument),
        (r#"{"tables":["users"],"connection":"fabrikam"}"#, Code::NotFound),
    ];
    for (body, code) in cases {
        assert_eq!(act(&mut with, "load", body).await, (vec![], Some(code)), "{body}");
    }
    let house = House::of(Tenant::seed(7).users(10).start());
    let served = house.serve().await;
    let mut without = client(&served).await;
    let answer = act(&mut without, "load", r#"{"tables":["users"]}"#).await;
    assert_eq!(answer, (vec![], Some(Code::Unimplemented)));
}
