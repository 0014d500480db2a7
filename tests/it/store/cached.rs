//! Answers that are kept and sent again.

use arrow::array::RecordBatch;
use arrow_flight::{FlightClient, Ticket};
use bytes::Bytes;
use entra_flight::flight::ticket::{self, Asked};
use entra_flight::query::{Command, Of, Request, Statement, Version};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{Method, Which};
use futures::{StreamExt as _, TryStreamExt as _};
use tonic::transport::Endpoint;

use super::loads::Loader;
use super::{Rows, named, put_in_files};
use crate::house::{Served, rows};

/// What the server answers to this ticket, and whether it says that it was sent before.
async fn read(
    served: &Served,
    ticket: impl Into<Bytes>,
) -> Result<(Vec<RecordBatch>, bool), String> {
    let endpoint = Endpoint::new(format!("http://{}", served.address)).expect("an address");
    let mut client = FlightClient::new(endpoint.connect().await.expect("a server"));
    let answer = client.do_get(Ticket { ticket: ticket.into() }).await;
    let mut answer = answer.map_err(|error| error.to_string())?;
    let batches = answer.by_ref().try_collect().await.map_err(|error| error.to_string())?;
    let trailers = answer.trailers().expect("trailers");
    let cached = trailers.get("x-entra-flight-cached").expect("a number");
    Ok((batches, cached == "1"))
}

/// Takes away the files of all versions; the log stays.
fn lose_files(folder: &tempfile::TempDir) {
    let table = folder.path().join("contoso/users");
    for entry in std::fs::read_dir(table).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|it| it == "parquet") {
            std::fs::remove_file(path).expect("the file was there");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_version_is_sent_again_as_it_was_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(3_000).start(), &folder);
    loader.load("users", Method::FullLoad).await.expect("a load");
    let served = loader.house.serve().await;
    let fixed = [
        r#"{"table":"users","version":"latest"}"#,
        r#"{"table":"users","version":"latest","columns":["id","displayName"]}"#,
        "select * from stored.users",
        "select displayName as name, id from stored.users as u",
    ];
    let others = [
        r#"{"table":"users","version":"latest","limit":10}"#,
        r#"{"table":"users","version":"latest","filter":"id > '8'"}"#,
        "select upper(id) from stored.users",
    ];
    let mut first = Vec::new();
    for ticket in fixed.into_iter().chain(others) {
        let (batches, cached) = read(&served, ticket).await.expect("rows");
        assert!(!cached, "{ticket}");
        first.push(batches);
    }
    // A version answers by its number as by its name.
    let (batches, cached) = read(&served, r#"{"table":"users","version":0}"#).await.expect("rows");
    assert!(cached && batches == first[0]);

    lose_files(&folder);
    for (ticket, first) in fixed.into_iter().zip(&first) {
        let (batches, cached) = read(&served, ticket).await.expect("rows");
        assert!(cached && batches == *first, "{ticket}");
        assert_eq!(rows(&batches), 3_000);
    }
    for ticket in others {
        read(&served, ticket).await.expect_err("it is read from files that are gone");
    }
    let (live, cached) = read(&served, "users").await.expect("rows");
    assert!(!cached && rows(&live) == 3_000);

    loader.house.tenant.churn();
    loader.load("users", Method::FullLoad).await.expect("a load");
    let (new, cached) = read(&served, fixed[0]).await.expect("rows");
    assert!(!cached && new != first[0], "a new version is another answer");
    let (new_again, cached) = read(&served, fixed[0]).await.expect("rows");
    assert!(cached && new == new_again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_airport_asks_for_is_an_answer_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(300).start(), &folder);
    loader.load("users", Method::FullLoad).await.expect("a load");
    let served = loader.house.serve().await;
    let of = Of::Rows(Some(Version::Stored(Which::Latest)));
    let columns = Some(vec!["id".to_owned(), "mail".to_owned()]);
    let command = Command::Table(Request { of, columns, ..Request::table("users") });
    let plain = Asked::from(command);
    let padded = Asked { padded: true, ..plain.clone() };
    let mut answers = Vec::new();
    for asked in [&plain, &padded, &plain, &padded] {
        let ticket = ticket::write(asked).expect("a ticket");
        answers.push(read(&served, ticket).await.expect("rows"));
    }
    let [plain, padded, plain_again, padded_again] = &answers[..] else { panic!("four") };
    assert!(!plain.1 && !padded.1 && plain_again.1 && padded_again.1);
    assert!(plain.0 == plain_again.0 && padded.0 == padded_again.0);
    assert_eq!((rows(&plain.0), rows(&padded.0)), (300, 300));
    let columns = |answer: &[RecordBatch]| answer[0].num_columns();
    assert!(columns(&plain.0) == 2 && columns(&padded.0) > 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whole_columns_of_stored_versions_are_fixed() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(30).start(), &folder);
    let engine = &loader.house.engine;
    let connection = engine.namespace().connection(None).expect("one");
    let place = connection.stored(connection.catalog.table("users").expect("users"));
    let place = place.expect("a store");
    let users = connection.catalog.table("users").expect("users");
    let second: Rows = named("later").into_iter().map(|(id, row)| (id + "2", row)).collect();
    put_in_files(&place, users, &[named("first"), second]).await;
    let statement = |text: &str| Command::from(Statement::new(text));
    let fixed = async |command: Command| engine.plan(command).await.expect("a plan").fixed();
    let same = [
        "select id, mail from stored.users",
        "SELECT \"id\", u.mail FROM contoso.stored.users u",
        "select id, mail from (select mail, upn, id from (select userPrincipalName as upn, * from stored.users)) x",
        "select id, mail from as_of('users', 0)",
    ];
    let one = fixed(statement(same[0])).await.expect("it is fixed");
    for text in same {
        assert_eq!(fixed(statement(text)).await.as_ref(), Some(&one), "{text}");
    }
    let others = [
        "select mail, id from stored.users",
        "select mail as id, id as mail from stored.users",
        "select id, mail as address from stored.users",
        "select id from stored.users",
        "select * from stored.users",
    ];
    let mut known = vec![one];
    for text in others {
        let found = fixed(statement(text)).await.expect("it is fixed");
        assert!(!known.contains(&found), "{text}");
        known.push(found);
    }
    let none = [
        "select id, mail from live.users",
        "select id, mail from directory.users",
        "select id, mail from stored.users limit 5",
        "select id, mail from stored.users where id > '5'",
        "select id, mail from stored.users order by id",
        "select distinct id, mail from stored.users",
        "select id, upper(mail) from stored.users",
        "select id, now() from stored.users",
        "select count(*) from stored.users",
        "select id from stored.users union all select id from stored.users",
        "select u.id from stored.users u join stored.users v on u.id = v.id",
        "select unnest(proxyAddresses) from stored.users",
        "select \"table\" from system.loads",
    ];
    for text in none {
        assert_eq!(fixed(statement(text)).await, None, "{text}");
    }
    // Parts of a version are answers of their own.
    let of = Of::Rows(Some(Version::Stored(Which::Latest)));
    let whole = Request { of, ..Request::table("users") };
    let plan = engine.plan(whole.clone()).await.expect("a plan");
    let in_order = plan.fixed().expect("it is fixed");
    assert!(in_order.ordered && known.iter().all(|statement| !statement.ordered));
    let mut rows = 0;
    for part in plan.parts(&whole.into()) {
        let found = fixed(part).await.expect("it is fixed");
        assert!(!known.contains(&found));
        rows += found.rows;
        known.push(found);
    }
    assert_eq!(rows, 6);
}
