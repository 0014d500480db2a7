"""Reads a server with pyarrow: python pyarrow_flight.py grpc://HOST:PORT USERS GROUPS

Every way in that the documentation names, and every refusal with its kind and its words.
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight

address, users, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = flight.connect(address)


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r} is not {expected!r}"


def refused(kind, words, call):
    try:
        call()
    except kind as error:
        for word in words:
            assert word in str(error), f"{word!r} is not in {error}"
    else:
        raise AssertionError(f"nothing was refused; expected {kind.__name__}")


def command(**read):
    return flight.FlightDescriptor.for_command(json.dumps(read))


def get(descriptor):
    info = client.get_flight_info(descriptor)
    same(len(info.endpoints), 1, "endpoints")
    reader = client.do_get(info.endpoints[0].ticket)
    assert reader.schema.equals(info.schema), "the announced schema is the one that comes"
    return reader.read_all()


# Discovery.
flights = {info.descriptor.path[-1].decode(): info for info in client.list_flights()}
for name in ("users", "groups", "group_members", "devices", "applications", "sign_ins"):
    assert name in flights, f"{name} is not among {sorted(flights)}"
same(json.loads(flights["users"].app_metadata)["key"], ["id"], "the key of users")
same(flights["users"].total_records, -1, "a count that nobody has")
some = {info.descriptor.path[-1] for info in client.list_flights(b"group*")}
assert b"group_members" in some and b"users" not in some, some
same([info for info in client.list_flights(b"nothing")], [], "a pattern that fits nothing")
same(client.get_schema(flight.FlightDescriptor.for_path("users")).schema,
     flights["users"].schema, "get_schema")

# A long error arrives: cut in its middle, with its kind.
for letter in ("a", "ü", "🦀"):
    asked = command(table="users", **{letter * (100_000 // len(letter.encode())): 1})
    refused(pa.ArrowInvalid, ["bytes left out; the server's log has them under"],
            lambda: client.get_flight_info(asked))

# Whole tables, by path, by connection and path, by command, by ticket.
everyone = get(flight.FlightDescriptor.for_path("users"))
same(everyone.num_rows, users, "users")
same(len(set(everyone["id"].to_pylist())), users, "different ids")
same(everyone.schema.field("createdDateTime").type, pa.timestamp("us", tz="UTC"), "a type")
assert pa.types.is_list(everyone.schema.field("assignedLicenses").type)
same(get(flight.FlightDescriptor.for_path("contoso", "groups")).num_rows, groups, "groups")
same(get(command(table="groups", connection="contoso")).num_rows, groups, "groups by command")
same(client.do_get(flight.Ticket(b"users")).read_all().num_rows, users, "users by name")
same(client.do_get(flight.Ticket(b'{"table":"users","limit":3}')).read_all().num_rows, 3, "limit")

# Columns in the order asked for, and a limit.
few = get(command(table="users", columns=["displayName", "id"], limit=17))
same(few.column_names, ["displayName", "id"], "columns")
same(few.num_rows, 17, "a limit")
same(get(command(table="users", columns=["id"], limit=users + 5)).num_rows, users, "a large limit")
same(get(command(table="users", columns=["id"], limit=0)).num_rows, 0, "no rows at all")

# Streaming: many frames, each below what the strictest client takes.
reader = client.do_get(flight.Ticket(b"users"))
rows, chunks = 0, 0
for chunk in reader:
    rows, chunks = rows + chunk.data.num_rows, chunks + 1
    assert chunk.data.nbytes < 4 << 20, chunk.data.nbytes
same(rows, users, "rows as a stream")
assert chunks > 1, "more than one frame"

# Going away in mid-stream leaves a server that answers.
reader = client.do_get(flight.Ticket(b"users"))
reader.read_chunk()
reader.cancel()
same(get(command(table="groups", columns=["id"])).num_rows, groups, "groups after a cancel")

# Actions.
of_sql = {"CreatePreparedStatement", "ClosePreparedStatement", "CancelQuery", "CancelFlightInfo",
          "SetSessionOptions", "GetSessionOptions", "CloseSession"}
of_airport = {"list_schemas", "catalog_version", "column_statistics", "create_transaction",
              "endpoints", "flight_info"}
own = {"tables", "permissions", "snapshots", "load", "compare", "expire", "health"}
same({action.type for action in client.list_actions()}, own | of_sql | of_airport, "actions")
health = json.loads(next(iter(client.do_action("health"))).body.to_pybytes())
same(health["status"], "serving", "health")
body = b'{"table":"user*"}'
tables = [json.loads(it.body.to_pybytes()) for it in client.do_action(flight.Action("tables", body))]
assert {"users", "user_managers"} <= {table["table"] for table in tables}, tables
access = [json.loads(it.body.to_pybytes()) for it in client.do_action("permissions")]
same([it for it in access if not it["allowed"]], [], "tables that may not be read")

# Refusals.
refused(KeyError, ["`user`", "`users`"], lambda: get(flight.FlightDescriptor.for_path("user")))
refused(KeyError, ["`mail2`", "`mail`"], lambda: get(command(table="users", columns=["mail2"])))
refused(KeyError, ["`contosso`", "`contoso`"],
        lambda: get(flight.FlightDescriptor.for_path("contosso", "users")))
refused(pa.ArrowInvalid, ["JSON"], lambda: get(flight.FlightDescriptor.for_command(b'{"table":')))
refused(pa.ArrowInvalid, ["unknown field"], lambda: get(command(table="users", colums=["id"])))
refused(pa.ArrowInvalid, ["two columns", "twice", "once"][1:2],
        lambda: get(command(table="users", columns=["id", "id"])))
refused(pa.ArrowInvalid, ["version"], lambda: get(flight.FlightDescriptor.for_path("a", "b", "c")))
refused(pa.ArrowInvalid, ["path"], lambda: get(flight.FlightDescriptor.for_path(*"abcde")))
refused(pa.ArrowInvalid, ["empty"], lambda: get(flight.FlightDescriptor.for_command(b"")))
refused(pa.ArrowInvalid, ["ticket"], lambda: client.do_get(flight.Ticket(b"\x08\xff\xff")).read_all())
refused(pa.ArrowInvalid, ["version 9"], lambda: client.do_get(flight.Ticket(b"\x08\x09")).read_all())
refused(pa.ArrowInvalid, ["line 1, column 8", "displayName"],
        lambda: get(flight.FlightDescriptor.for_command(b"select displayNam from users")))
refused(NotImplementedError, ["INSERT", "only reads"],
        lambda: get(flight.FlightDescriptor.for_command(b"insert into users values (1)")))

# SQL, as a command and as a ticket.
statement = b"select count(*) as n from users"
assert get(flight.FlightDescriptor.for_command(statement))["n"].to_pylist() == [everyone.num_rows]
assert client.do_get(flight.Ticket(statement)).read_all()["n"].to_pylist() == [everyone.num_rows]
filtered = get(command(table="users", columns=["department"], filter="department = 'Sales'"))
assert set(filtered["department"].to_pylist()) == {"Sales"}

refused(KeyError, ["`reboot`", "`health`"], lambda: list(client.do_action("reboot")))
refused(pa.ArrowInvalid, ["tables"], lambda: list(client.do_action(flight.Action("tables", b"{"))))


def put():
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("users"), few.schema)
    writer.write_table(few)
    writer.close()


def exchange():
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_path("users"))
    writer.done_writing()
    reader.read_all()


refused(NotImplementedError, ["do_put", "only reads"], put)
refused(NotImplementedError, ["do_exchange"], exchange)
print("pyarrow read", everyone.num_rows, "users in", everyone.num_columns, "columns")
