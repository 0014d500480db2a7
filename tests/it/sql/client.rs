//! arrow-flight's own Flight SQL client.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow_flight::FlightInfo;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables};
use futures::TryStreamExt as _;
use tonic::transport::{Channel, Endpoint};

use super::house;

type Client = FlightSqlServiceClient<Channel>;

async fn read(client: &mut Client, info: FlightInfo) -> Vec<RecordBatch> {
    let mut all = Vec::new();
    for endpoint in info.endpoint {
        let ticket = endpoint.ticket.expect("a ticket");
        let rows = client.do_get(ticket).await.expect("an answer");
        all.extend(rows.try_collect::<Vec<_>>().await.expect("rows"));
    }
    all
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_arrow_flight_gets_what_it_asks_for() {
    let house = house();
    let served = house.serve().await;
    let endpoint = Endpoint::try_from(format!("http://{}", served.address)).expect("an address");
    let channel = endpoint.connect().await.expect("a connection");
    let mut client = Client::new(channel);
    client.handshake("anybody", "secret").await.expect("a token");

    let info = client.get_catalogs().await.expect("catalogs");
    let catalogs = read(&mut client, info).await;
    assert_eq!(catalogs[0].column(0).as_string::<i32>().value(0), "contoso");
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.expect("schemas");
    assert_eq!(rows(&read(&mut client, info).await), 3);
    let empty = Some(String::new());
    let anything =
        CommandGetDbSchemas { catalog: empty.clone(), db_schema_filter_pattern: empty.clone() };
    let info = client.get_db_schemas(anything).await.expect("schemas");
    assert_eq!(rows(&read(&mut client, info).await), 3, "nothing chosen is anything");
    let every = client.get_tables(CommandGetTables::default()).await.expect("tables");
    let every = rows(&read(&mut client, every).await);
    let anything = CommandGetTables {
        catalog: empty.clone(),
        db_schema_filter_pattern: empty.clone(),
        table_name_filter_pattern: empty,
        ..CommandGetTables::default()
    };
    let info = client.get_tables(anything).await.expect("tables");
    assert_eq!(rows(&read(&mut client, info).await), every, "nothing chosen is anything");
    let wanted = CommandGetTables {
        db_schema_filter_pattern: Some("live".to_owned()),
        table_name_filter_pattern: Some("group\\_%".to_owned()),
        include_schema: true,
        ..CommandGetTables::default()
    };
    let info = client.get_tables(wanted).await.expect("tables");
    assert_eq!(rows(&read(&mut client, info).await), 3);
    let info = client.get_sql_info(Vec::new()).await.expect("facts");
    assert!(rows(&read(&mut client, info).await) > 80);

    let statement = "SELECT count(*) AS n FROM users".to_owned();
    let info = client.execute(statement, None).await.expect("a statement");
    let counted = read(&mut client, info).await;
    assert_eq!(counted[0].column(0).as_primitive::<Int64Type>().value(0), 300);

    let text = "SELECT id FROM users WHERE userType = $1".to_owned();
    let mut prepared = client.prepare(text, None).await.expect("a prepared statement");
    assert_eq!(prepared.parameter_schema().expect("a schema").fields().len(), 1);
    let guest = Arc::new(StringArray::from(vec!["Guest"])) as ArrayRef;
    let values = RecordBatch::try_from_iter([("$1", guest)]).expect("values");
    prepared.set_parameters(values).expect("they fit");
    let info = prepared.execute().await.expect("it is planned");
    assert_eq!(rows(&read(&mut client, info).await), 23);
    prepared.close().await.expect("it is closed");
    client.execute_update("DELETE FROM users".to_owned(), None).await.expect_err("it only reads");
}
