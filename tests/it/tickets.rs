//! Descriptors, commands and tickets: every form, and every way to get one wrong.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow_flight::FlightDescriptor;
use chrono::DateTime;
use entra_flight::error::{Kind, Report};
use entra_flight::flight::proto;
use entra_flight::flight::ticket::{self, Asked};
use entra_flight::query::{Command, Of, Part, Request, Statement, Version};
use entra_flight::snapshot::Which;
use expect_test::expect;
use proptest::prelude::*;
use prost::Message as _;

fn asked(bytes: &[u8]) -> Result<Asked, (Kind, String)> {
    ticket::read(bytes)
        .map_err(|error| (error.kind(), Report::new(&error, error.hint()).to_string()))
}

/// What is read, where nothing else is asked.
fn read(bytes: &[u8]) -> Result<Command, (Kind, String)> {
    let asked = asked(bytes)?;
    assert_eq!(asked, Asked::from(asked.command.clone()));
    Ok(asked.command)
}

fn write(asked: impl Into<Asked>) -> Vec<u8> {
    ticket::write(&asked.into()).expect("a ticket").to_vec()
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
    assert_eq!(read(json), Ok(wanted.clone().into()));
    assert_eq!(read(&write(Command::from(wanted.clone()))), Ok(wanted.into()));
    assert_eq!(read(b"users"), Ok(Request::table("users").into()));
    assert_eq!(read(b" group_members\n"), Ok(Request::table("group_members").into()));
    assert_eq!(read(br#"{"table":"users"}"#), Ok(Request::table("users").into()));
    let path = |parts: &[&str]| {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        let asked = ticket::describe(&FlightDescriptor::new_path(parts));
        asked.map(|asked| asked.command).map_err(|error| error.kind())
    };
    assert_eq!(path(&["stored", "users"]), path(&["users", "latest"]));
    assert_eq!(path(&["live", "users"]), path(&["users", "live"]));
    assert_eq!(path(&["directory", "users"]), path(&["users"]));
    let sql = |text: &str| Ok(Statement::new(text).into());
    let system = Statement::new("SELECT * FROM system.\"tables\"");
    assert_eq!(path(&["system", "tables"]), Ok(system.clone().into()));
    let system = Statement { catalog: Some("contoso".into()), ..system };
    assert_eq!(path(&["contoso", "system", "tables"]), Ok(system.into()));
    assert_eq!(read(b" select 1\n"), sql("select 1"));
    assert_eq!(read(b"values(1)"), sql("values(1)"));
    assert_eq!(read(b"{\"sql\":\"select 1\"}"), sql("select 1"));
    let filtered = Request { filter: Some("mail is null".into()), ..Request::table("users") };
    assert_eq!(read(br#"{"table":"users","filter":"mail is null"}"#), Ok(filtered.into()));
    assert_eq!(path(&["users"]), Ok(Request::table("users").into()));
    let named = Request { connection: Some("contoso".into()), ..Request::table("users") };
    assert_eq!(path(&["contoso", "users"]), Ok(named.into()));
    let latest = Of::Rows(Some(Version::Stored(Which::Latest)));
    let stored = |connection: Option<&str>| Request {
        connection: connection.map(str::to_owned),
        of: latest.clone(),
        ..Request::table("users")
    };
    assert_eq!(path(&["users", "latest"]), Ok(stored(None).into()));
    assert_eq!(path(&["contoso", "users", "latest"]), Ok(stored(Some("contoso")).into()));
    assert_eq!(read(br#"{"table":"users","version":"latest"}"#), Ok(stored(None).into()));
    assert_eq!(read(br#"{"table":"users","schema":"stored"}"#), Ok(stored(None).into()));
    let live = Request { of: Of::Rows(Some(Version::Live)), ..Request::table("users") };
    assert_eq!(read(br#"{"table":"users","schema":"live"}"#), Ok(live.into()));
    let default = Ok(Request::table("users").into());
    assert_eq!(read(br#"{"table":"users","schema":"directory"}"#), default);
    let changes = Of::Changes { from: Some(Which::Number(3)), to: Which::Latest };
    let changes = Request { of: changes, ..Request::table("users") };
    assert_eq!(path(&["users", "changes", "3"]), Ok(changes.clone().into()));
    assert_eq!(read(br#"{"table":"users","from":3}"#), Ok(changes.into()));
    let both = read(br#"{"table":"users","from":3,"version":"live"}"#).expect_err("one of them");
    assert_eq!(both.0, Kind::Invalid);
    assert_eq!(path(&[]), Err(Kind::Invalid));
    assert_eq!(path(&["a", "b", "c"]), Err(Kind::Invalid));
    let neither = ticket::describe(&FlightDescriptor::default()).map_err(|error| error.kind());
    assert_eq!(neither.map(|asked| asked.command), Err(Kind::Invalid));
}

#[test]
fn what_cannot_be_read_says_why() {
    let cases: [(&str, &[u8]); 9] = [
        ("nothing", b""),
        ("half of JSON", b"{\"table\":"),
        ("another field", b"{\"table\":\"users\",\"colums\":[]}"),
        ("no table", b"{\"limit\":1}"),
        ("a limit below zero", b"{\"table\":\"users\",\"limit\":-1}"),
        ("a table and a statement", b"{\"table\":\"users\",\"sql\":\"select 1\"}"),
        ("a control character", b"\x07users"),
        ("a later version", b"\x08\x02"),
        ("bytes", b"\xff\xfe"),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|(what, bytes)| {
            let (kind, report) = asked(bytes).expect_err(what);
            format!("{what}: {kind:?}: {}", report.lines().take(2).collect::<Vec<_>>().join(" /"))
        })
        .collect();
    expect![[r#"
        nothing: Invalid: the command or ticket is empty /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        half of JSON: Invalid: the command or ticket is not the JSON expected /  caused by: EOF while parsing a value at line 1 column 9
        another field: Invalid: the command or ticket is not the JSON expected /  caused by: unknown field `colums`, expected one of `connection`, `table`, `sql`, `schema`, `columns`, `filter`, `limit`, `version`, `changes`, `from`, `to` at line 1 column 25
        no table: Invalid: the command names neither a table nor a statement, or both /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        a limit below zero: Invalid: the command or ticket is not the JSON expected /  caused by: invalid value: integer `-1`, expected u64 at line 1 column 27
        a table and a statement: Invalid: the command names neither a table nor a statement, or both /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        a control character: Invalid: the command or ticket is neither JSON, nor a ticket of this server, nor a table name /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`
        a later version: Invalid: the ticket is of version 2, and this server reads version 1 /  hint: ask for a new ticket with get_flight_info
        bytes: Invalid: the command or ticket is neither JSON, nor a ticket of this server, nor a table name /  hint: use a path `["users"]`, or JSON such as `{"table":"users","columns":["id"],"limit":10}`"#]].assert_eq(&said.join("\n"));
}

#[test]
fn what_does_not_belong_is_refused_by_name() {
    let said = |bytes: &[u8]| {
        let (kind, report) = asked(bytes).expect_err("it does not belong");
        assert_eq!(kind, Kind::Invalid, "{report}");
        report.replace('\n', " /")
    };
    let sql = [
        r#""columns":["id"]"#,
        r#""filter":"id is null""#,
        r#""limit":1"#,
        r#""version":"latest""#,
        r#""changes":true"#,
        r#""from":1"#,
        r#""to":2"#,
    ];
    for part in sql {
        let key = part.split('"').nth(1).expect("a key");
        let said = said(format!(r#"{{"sql":"select 1",{part}}}"#).as_bytes());
        assert!(said.starts_with(&format!("`{key}` does not go with `sql`")), "{said}");
    }
    let query = Some(proto::Query { sql: "select 1".into(), ..proto::Query::default() });
    let read = proto::Read { version: 1, query, ..proto::Read::default() };
    let parts = [
        ("columns", proto::Read { columns: Some(proto::Columns::default()), ..read.clone() }),
        ("limit", proto::Read { limit: Some(1), ..read.clone() }),
        ("at", proto::Read { at: Some("latest".into()), ..read.clone() }),
        ("changes", proto::Read { changes: Some(proto::Changes::default()), ..read.clone() }),
        ("filter", proto::Read { filter: Some("id is null".into()), ..read.clone() }),
    ];
    for (key, read) in parts {
        let said = said(&read.encode_to_vec());
        assert!(said.starts_with(&format!("`{key}` does not go with `query`")), "{said}");
    }
    let table = [
        r#"{"table":"users","schema":"system"}"#,
        r#"{"table":"users","schema":"live","version":3}"#,
        r#"{"table":"users","schema":"stored","from":3}"#,
        r#"{"sql":"select 1","limit":1}"#,
    ];
    let told: Vec<_> = table.iter().map(|json| said(json.as_bytes())).collect();
    expect![[r#"
        no table is read from a schema `system` /  hint: use `directory`, `live` or `stored`, or SQL, which reads `system` as well
        `schema` does not go with `version` /  hint: leave out `schema`, or `version`
        `schema` does not go with `changes` /  hint: leave out `schema`, or `changes`
        `limit` does not go with `sql` /  hint: say it in the statement: with its columns, `WHERE`, `LIMIT`, `as_of('users', 12)` or `changes('users')`"#]].assert_eq(&told.join("\n"));
}

fn requests() -> impl Strategy<Value = Request> {
    let columns = proptest::option::of(proptest::collection::vec(".{0,8}", 0..4));
    let connection = proptest::option::of(".{0,8}");
    let filter = proptest::option::of(".{0,8}");
    let table = (connection, ".{1,12}", columns, filter);
    (table, any::<Option<u64>>(), state(), part()).prop_map(
        |((connection, table, columns, filter), limit, of, part)| Request {
            connection,
            table,
            columns,
            filter,
            limit,
            of,
            part,
        },
    )
}

fn part() -> impl Strategy<Value = Option<Part>> {
    let part = proptest::option::of((any::<u32>(), any::<u32>()));
    part.prop_map(|part| part.map(|(index, of)| Part { index, of }))
}

fn statements() -> impl Strategy<Value = Statement> {
    let parameters = proptest::option::of(proptest::collection::vec(any::<Option<i64>>(), 1..4));
    let parameters = parameters.prop_map(|values| {
        let column = Arc::new(Int64Array::from(values?)) as ArrayRef;
        RecordBatch::try_from_iter_with_nullable([("$1", column, true)]).ok()
    });
    let name = || proptest::option::of(".{0,8}");
    (".{0,12}", name(), name(), parameters, part(), any::<Option<u64>>()).prop_map(
        |(text, catalog, schema, parameters, part, version)| Statement {
            text: text.into(),
            catalog,
            schema,
            parameters,
            part,
            version,
        },
    )
}

fn commands() -> impl Strategy<Value = Asked> {
    let command =
        prop_oneof![requests().prop_map(Command::from), statements().prop_map(Command::from)];
    let call = proptest::option::of(".{0,8}");
    (command, call, any::<bool>()).prop_map(|(command, call, padded)| Asked {
        command,
        call,
        padded,
    })
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
    fn a_ticket_holds_the_whole_of_what_is_asked(wanted in commands()) {
        prop_assert_eq!(asked(&write(wanted.clone())), Ok(wanted));
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(read) = asked(&bytes) {
            prop_assert_eq!(asked(&write(read.clone())), Ok(read));
        }
    }
}
