//! Statements and paths where there are several connections.

use arrow_flight::{FlightClient, FlightDescriptor, Ticket};
use entra_flight::query::{Error, Statement};
use entra_flight::sim::Tenant;
use futures::TryStreamExt as _;
use tonic::transport::Endpoint;

use super::differential::rows;
use crate::house::House;

fn house() -> House {
    House::twice(Tenant::seed(7).users(30).start())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_the_server_need_no_connection_and_those_of_tenants_do() {
    let House { engine, .. } = house();
    let cases = [
        ("select count(*) from system.connections", "2"),
        ("select max(connection) from contoso.system.connections", "fabrikam"),
        ("select count(distinct connection) from system.tables", "2"),
        ("select count(*) from fabrikam.directory.users", "30"),
    ];
    for (text, expected) in cases {
        assert_eq!(rows(&engine, text).await, [expected], "{text}");
    }
    let refused = async |text: &str| engine.plan(Statement::new(text)).await.expect_err(text);
    for from in ["users", "live.users", "nowhere.users", "as_of('users', 1)"] {
        let text = format!("select id from {from}");
        let error = refused(&text).await;
        assert!(matches!(error, Error::WhichConnection { count: 2 }), "{text}: {error}");
    }
    let error = refused("select * from nowhere.system.tables").await;
    assert!(matches!(error, Error::UnknownConnection { .. }), "{error}");
    let error = refused("select * from system.tablez").await;
    assert!(matches!(error, Error::UnknownSystemTable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_airport_attaches_is_found() {
    let house = house();
    let served = house.serve().await;
    let endpoint = Endpoint::new(format!("http://{}", served.address)).expect("an address");
    let mut client = FlightClient::new(endpoint.connect().await.expect("a server"));
    let databases = Ticket { ticket: "__databases".into() };
    let stream = client.do_get(databases).await.expect("a stream");
    let names: Vec<_> = stream.try_collect().await.expect("rows");
    assert_eq!(crate::house::texts(&names, "database_name").len(), 2);
    for (table, at_least) in [("connections", 2), ("tables", 48), ("limits", 5)] {
        let path = ["fabrikam", "system", table].map(str::to_owned).to_vec();
        let info = client.get_flight_info(FlightDescriptor::new_path(path)).await;
        let ticket = info.expect("an info").endpoint[0].ticket.clone().expect("a ticket");
        let stream = client.do_get(ticket).await.expect("a stream");
        let batches: Vec<_> = stream.try_collect().await.expect("rows");
        assert!(crate::house::rows(&batches) >= at_least, "{table}");
    }
}
