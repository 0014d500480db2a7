//! Descriptors, commands and tickets: every form, and every way to get one wrong.

use arrow_flight::FlightDescriptor;
use chrono::DateTime;
use entra_flight::error::{Kind, Report};
use entra_flight::flight::ticket;
use entra_flight::query::{Of, Part, Request, Version};
use entra_flight::snapshot::Which;
use expect_test::expect;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<Request, (Kind, String)> {
    ticket::read(bytes)
        .map_err(|error| (error.kind(), Report::new(&error, error.hint()).to_string()))
}

#[test]
fn the_forms_say_the_same() {
    let wanted = Request {
        connection: Some("contoso".into()),
        table: "users".into(),
        columns: Some(vec!["id".into(), "mail".into()]),
        limit: Some(5),
        ..Request::default()
    };
    let json = br#" {"connection":"contoso","table":"users","columns":["id","mail"],"limit":5}"#;
    assert_eq!(read(json), Ok(wanted.clone()));
    assert_eq!(read(&ticket::write(&wanted)), Ok(wanted));
    assert_eq!(read(b"users"), Ok(Request::table("users")));
    assert_eq!(read(b" group_members\n"), Ok(Request::table("group_members")));
    assert_eq!(read(br#"{"table":"users"}"#), Ok(Request::table("users")));
    let path = |parts: &[&str]| {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        ticket::describe(&FlightDescriptor::new_path(parts)).map_err(|error| error.kind())
    };
    assert_eq!(path(&["users"]), Ok(Request::table("users")));
    let named = Request { connection: Some("contoso".into()), ..Request::table("users") };
    assert_eq!(path(&["contoso", "users"]), Ok(named));
    let latest = Of::Rows(Some(Version::Stored(Which::Latest)));
    let stored = |connection: Option<&str>| Request {
        connection: connection.map(str::to_owned),
        of: latest.clone(),
        ..Request::table("users")
    };
    assert_eq!(path(&["users", "latest"]), Ok(stored(None)));
    assert_eq!(path(&["contoso", "users", "latest"]), Ok(stored(Some("contoso"))));
    assert_eq!(read(br#"{"table":"users","version":"latest"}"#), Ok(stored(None)));
    let changes = Of::Changes { from: Some(Which::Number(3)), to: Which::Latest };
    let changes = Request { of: changes, ..Request::table("users") };
    assert_eq!(path(&["users", "changes", "3"]), Ok(changes.clone()));
    assert_eq!(read(br#"{"table":"users","from":3}"#), Ok(changes));
    let both = read(br#"{"table":"users","from":3,"version":"live"}"#).expect_err("one of them");
    assert_eq!(both.0, Kind::Invalid);
    assert_eq!(path(&[]), Err(Kind::Invalid));
    assert_eq!(path(&["a", "b", "c"]), Err(Kind::Invalid));
    let neither = ticket::describe(&FlightDescriptor::default()).map_err(|error| error.kind());
    assert_eq!(neither, Err(Kind::Invalid));
}

#[test]
fn what_cannot_be_read_says_why() {
    let url = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery";
    let sql = [&[0x0a, url.len() as u8][..], url].concat();
    let cases: [(&str, &[u8]); 9] = [
        ("nothing", b""),
        ("half of JSON", b"{\"table\":"),
        ("another field", b"{\"table\":\"users\",\"colums\":[]}"),
        ("no table", b"{\"limit\":1}"),
        ("a limit below zero", b"{\"table\":\"users\",\"limit\":-1}"),
        ("a statement", b"SELECT 1"),
        ("Flight SQL", &sql),
        ("a later version", b"\x08\x02"),
        ("bytes", b"\xff\xfe"),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|(what, bytes)| {
            let (kind, report) = read(bytes).expect_err(what);
            format!("{what}: {kind:?}: {}", report.lines().take(2).collect::<Vec<_>>().join(" /"))
        })
        .collect();
    expect![[r#"
        nothing: Invalid: the command or ticket is empty /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        half of JSON: Invalid: the command or ticket is not the JSON expected /  caused by: EOF while parsing a value at line 1 column 9
        another field: Invalid: the command or ticket is not the JSON expected /  caused by: unknown field `colums`, expected one of `connection`, `table`, `columns`, `limit`, `version`, `changes`, `from`, `to` at line 1 column 25
        no table: Invalid: the command or ticket is not the JSON expected /  caused by: missing field `table` at line 1 column 11
        a limit below zero: Invalid: the command or ticket is not the JSON expected /  caused by: invalid value: integer `-1`, expected u64 at line 1 column 27
        a statement: Unsupported: this server does not answer SQL statements /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        Flight SQL: Unsupported: this server does not answer the Flight SQL command `CommandStatementQuery` /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        a later version: Invalid: the ticket is of version 2, and this server reads version 1 /  hint: ask for a new ticket with get_flight_info
        bytes: Invalid: the command or ticket is neither JSON, nor a ticket of this server, nor a table name /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`"#]].assert_eq(&said.join("\n"));
}

fn requests() -> impl Strategy<Value = Request> {
    let columns = proptest::option::of(proptest::collection::vec(".{0,8}", 0..4));
    let connection = proptest::option::of(".{0,8}");
    let part = proptest::option::of((any::<u32>(), any::<u32>()));
    let part = part.prop_map(|part| part.map(|(index, of)| Part { index, of }));
    (connection, ".{0,12}", columns, any::<Option<u64>>(), state(), part).prop_map(
        |(connection, table, columns, limit, of, part)| Request {
            connection,
            table,
            columns,
            limit,
            of,
            part,
        },
    )
}

fn version() -> impl Strategy<Value = Which> {
    prop_oneof![
        Just(Which::Latest),
        any::<u64>().prop_map(Which::Number),
        (0..4_000_000_000_000_i64)
            .prop_map(|time| Which::At(DateTime::from_timestamp_millis(time).expect("a time"))),
    ]
}

fn state() -> impl Strategy<Value = Of> {
    prop_oneof![
        Just(Of::Rows(None)),
        Just(Of::Rows(Some(Version::Live))),
        version().prop_map(|which| Of::Rows(Some(Version::Stored(which)))),
        (proptest::option::of(version()), version())
            .prop_map(|(from, to)| Of::Changes { from, to }),
    ]
}

proptest! {
    #[test]
    fn a_ticket_holds_the_whole_request(request in requests()) {
        prop_assert_eq!(read(&ticket::write(&request)), Ok(request));
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(request) = read(&bytes) {
            prop_assert_eq!(read(&ticket::write(&request)), Ok(request));
        }
    }
}
