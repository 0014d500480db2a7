"""Checks of single calls, with pyarrow and with bare gRPC: handshakes and statements."""

import base64
import threading

import grpc
import pyarrow as pa
import pyarrow.flight as flight
from flight_sql_adbc import ENDLESS
from flight_sql_wire import (
    COMMAND,
    OPTIONS,
    SERVICE,
    TIMEOUT,
    WRITES,
    any_of,
    check,
    described,
    message,
    only,
    refused,
    runs_or_refuses,
    same,
    seconds,
)

# Takes minutes to run on any tenant, and no time to plan.
HEAVY = "SELECT count(*) AS n FROM users a CROSS JOIN users b CROSS JOIN groups c"
HEAVY += " WHERE a.id || b.id || c.id LIKE '%zz%'"


def statement(text):
    return any_of("CommandStatementQuery", {1: text})


# Handshakes.


def basic(text, padded=True):
    encoded = base64.b64encode(text.encode()).decode()
    return (("authorization", "Basic " + (encoded if padded else encoded.rstrip("="))),)


def bearer(initial):
    header = initial.get("authorization", "")
    assert header.startswith("Bearer ") and len(header) > 7, f"no bearer: {initial}"
    return (("authorization", header),)


@check
def what_is_no_message_is_the_callers_fault(server):
    for method in ("GetFlightInfo", "GetSchema", "PollFlightInfo"):
        refused(lambda: server.unary(method, b"\xff\xff"), "INVALID_ARGUMENT", "message")
    for method in ("DoAction", "DoGet", "ListFlights"):
        refused(lambda: list(server.stream(method, b"\xff\xff")), "INVALID_ARGUMENT", "read")


@check
def pyarrow_gets_a_bearer_for_a_name_and_password(server):
    name, token = server.client.authenticate_basic_token("user", "pass")
    same(name, b"authorization", "the name of the header")
    assert token.startswith(b"Bearer "), token
    options = flight.FlightCallOptions(headers=[(name, token)])
    info = server.client.get_flight_info(described(statement("SELECT 1 AS n")), options)
    found = server.client.do_get(info.endpoints[0].ticket, options).read_all()
    same(found.to_pylist(), [{"n": 1}], "rows")


@check
def a_handshake_needs_no_message_and_takes_one(server):
    # "ab:cd" ends in one `=`, "a:cd" in two, "a:b" in none.
    for text in ("ab:cd", "a:cd", "a:b"):
        for padded in (True, False):
            for requests in ([], [b""], [message({1: 1, 2: b"payload"})]):
                token = bearer(server.handshake(requests, basic(text, padded)))
                server.unary("GetFlightInfo", message({1: COMMAND, 2: statement("SELECT 1")}),
                             token)
    bearer(server.handshake([], (("authorization", "Bearer some.token"),)))
    bearer(server.handshake([b""], (("authorization", "Bearer some.token"),)))
    server.handshake()


@check
def a_handshake_is_answered_before_the_client_has_closed(server):
    ended = threading.Event()

    def nothing():
        ended.wait(TIMEOUT)
        yield from ()

    call = server.channel.stream_stream(SERVICE + "Handshake")
    call = call(nothing(), metadata=basic("user:pass"), timeout=10)
    try:
        bearer(dict(call.initial_metadata()))
    finally:
        ended.set()
        call.cancel()


@check
def credentials_that_cannot_be_read_are_no_fault_of_the_server(server):
    for header in ("Basic !!!", "Basic", "Basic " + "A" * 9, "Digest x", "Bearer"):
        try:
            server.handshake([], (("authorization", header),))
        except grpc.RpcError as error:
            assert error.code().name in ("UNAUTHENTICATED", "INVALID_ARGUMENT"), error


# Statements.


@check
def statements_answer_what_they_announce(server):
    for text in [
        "SELECT * FROM users",
        "SELECT * FROM system.columns",
        "SELECT 1 AS n, 'x' AS t, NULL AS nothing, 1.5 AS f, date '2024-01-01' AS d",
        "SELECT userType, count(*) FROM users GROUP BY userType",
        "SELECT id FROM users WHERE 1 = 0",
        "SELECT arrow_cast('x', 'Dictionary(Int32, Utf8)') AS d, arrow_cast('x', 'Utf8View') AS v",
        "EXPLAIN SELECT * FROM users",
        "SHOW TABLES",
    ]:
        found = server.sql(text)
        told = server.schema(statement(text))
        assert told.equals(found.schema), f"{text}: {told} was told"
        _, prepared, _ = server.prepare(text)
        assert prepared.equals(found.schema), f"{text}: {prepared} was told when it was prepared"


@check
def a_ticket_may_be_used_again_and_on_another_connection(server):
    ticket = server.ticket(statement("SELECT id FROM users ORDER BY id"))
    first = server.redeem(ticket).read_all()
    assert first.equals(server.redeem(ticket).read_all())
    with server.connect() as channel:
        list(server.stream("DoGet", message({1: ticket}), channel=channel))


@check
def nothing_runs_before_rows_are_asked_for(server):
    command = statement(HEAVY)
    calls = {
        "get_flight_info": lambda: server.info(command),
        "get_schema": lambda: server.schema(command),
        "poll_flight_info": lambda: server.unary("PollFlightInfo",
                                                 message({1: COMMAND, 2: command})),
        "prepare": lambda: server.prepare(HEAVY),
    }
    for name, call in calls.items():
        took = seconds(call)
        assert took < 5, f"{name} took {took:.1f} s for a statement that runs for minutes"


@check
def messages_are_below_what_every_client_takes(server):
    for text in ("SELECT * FROM users", "SELECT * FROM users ORDER BY id", ENDLESS):
        sizes = []
        call = server.stream("DoGet", message({1: server.ticket(statement(text))}))
        for data in call:
            sizes.append(len(data))
            if len(sizes) == 200:
                call.cancel()
                break
        assert max(sizes) < 4 << 20, f"{max(sizes)} bytes in a message of {text}"
        # The first is the schema alone, the others are rows.
        assert len(sizes) > 1, f"{len(sizes)} messages of {text}"


@check
def the_schema_comes_first_even_without_rows(server):
    ticket = server.ticket(statement("SELECT id, createdDateTime FROM users WHERE 1 = 0"))
    messages = list(server.stream("DoGet", message({1: ticket})))
    header = only(messages[0], 2)
    framed = b"\xff\xff\xff\xff" + len(header).to_bytes(4, "little") + header
    same(pa.ipc.read_schema(pa.py_buffer(framed)).names, ["id", "createdDateTime"], "columns")
    same(only(messages[0], 1000), b"", "the body of a schema")


TRAILERS = [
    "planning-ms",
    "execution-ms",
    "graph-requests",
    "graph-wait-ms",
    "graph-restarts",
    "rows",
    "cached",
]


def trailers(server, command):
    call = server.stream("DoGet", message({1: server.ticket(command)}))
    list(call)
    told = dict(call.trailing_metadata())
    found = {}
    for name in TRAILERS:
        assert f"x-entra-flight-{name}" in told, f"no {name} among {told}"
        found[name] = float(told[f"x-entra-flight-{name}"])
        assert found[name] >= 0, f"{name} is {found[name]}"
    return found


@check
def an_answer_ends_with_what_it_took(server):
    users = server.count("users")
    found = trailers(server, statement("SELECT id FROM users"))
    same(found["rows"], users, "rows")
    assert found["graph-requests"] >= 1, found
    found = trailers(server, statement("SELECT count(*) FROM users"))
    same(found["rows"], 1, "rows of a count")
    assert found["graph-requests"] >= 1, found
    found = trailers(server, statement("SELECT 1 AS n"))
    same((found["rows"], found["graph-requests"]), (1, 0), "of what asks nobody")
    handle, _, _ = server.prepare("SELECT id FROM users LIMIT 3")
    found = trailers(server, any_of("CommandPreparedStatementQuery", {1: handle}))
    same(found["rows"], 3, "rows of a prepared statement")


# Prepared statements.


def bind(server, handle, batch):
    """The handle that a statement has with these values."""
    command = any_of("CommandPreparedStatementQuery", {1: handle})
    writer, answers = server.client.do_put(described(command), batch.schema, OPTIONS)
    writer.write_batch(batch)
    writer.done_writing()
    answer = answers.read()
    writer.close()
    # The answer is the message itself, in no `Any`.
    return only(answer.to_pybytes(), 1, handle) if answer is not None else handle


def run(server, handle):
    return server.read(any_of("CommandPreparedStatementQuery", {1: handle}))


@check
def a_prepared_statement_is_bound_by_do_put(server):
    sql = "SELECT CAST(? AS bigint) AS n, ? AS t"
    handle, schema, parameters = server.prepare(sql)
    same((schema.names, len(parameters)), (["n", "t"], 2), "schemas")
    same(parameters.field(1).type, pa.string(), "the type of what has none")
    one = bind(server, handle, pa.record_batch({"a": [1], "b": ["x"]}))
    same(run(server, one).to_pylist(), [{"n": 1, "t": "x"}], "rows")
    two = bind(server, one, pa.record_batch({"a": pa.array([2, 3], pa.int32()), "b": ["y", None]}))
    same(run(server, two).to_pylist(), [{"n": 2, "t": "y"}, {"n": 3, "t": None}], "rows")
    request = any_of("ActionClosePreparedStatementRequest", {1: two})
    same(server.act("ClosePreparedStatement", request), [], "what closing answers")


@check
def a_prepared_statement_without_values_is_refused_in_words(server):
    handle, _, _ = server.prepare("SELECT ? AS t")
    refused(lambda: run(server, handle), "INVALID_ARGUMENT", "parameters")
    # When they are bound, or when it runs.
    two = pa.record_batch({"a": ["x"], "b": ["y"]})
    refused(lambda: run(server, bind(server, handle, two)), "INVALID_ARGUMENT", "parameters")


@check
def a_handle_that_is_none_is_refused_in_words(server):
    for handle in (b"", b"nothing", b"\xff" * 40):
        refused(lambda: run(server, handle), "INVALID_ARGUMENT|NOT_FOUND")
    # Whoever closes what is not there has what he wants, or is told so in words.
    request = any_of("ActionClosePreparedStatementRequest", {1: b"nothing"})
    runs_or_refuses(lambda: server.act("ClosePreparedStatement", request),
                    "INVALID_ARGUMENT|NOT_FOUND")


@check
def values_that_could_be_of_any_size_are_refused(server):
    handle, _, _ = server.prepare("SELECT ? AS t")
    command = described(any_of("CommandPreparedStatementQuery", {1: handle}))

    def put(batch, **options):
        how = flight.FlightCallOptions(timeout=TIMEOUT, **options)
        writer, answers = server.client.do_put(command, batch.schema, how)
        writer.write_batch(batch)
        writer.done_writing()
        answers.read()
        writer.close()

    packed = pa.ipc.IpcWriteOptions(compression="lz4")
    refused(lambda: put(pa.record_batch({"a": ["x" * 5_000]}), write_options=packed),
            "INVALID_ARGUMENT", "compressed")
    refused(lambda: put(pa.record_batch({"a": ["x"] * 5_000})), "INVALID_ARGUMENT", "values")


@check
def writing_by_do_put_is_refused(server):
    batch = pa.record_batch({"id": ["x"]})
    handle, _, _ = server.prepare("SELECT id FROM users WHERE id = ?")

    def put(command):
        writer, answers = server.client.do_put(described(command), batch.schema, OPTIONS)
        writer.write_batch(batch)
        writer.done_writing()
        answers.read()
        writer.close()

    for command in [
        any_of("CommandStatementUpdate", {1: "DELETE FROM users"}),
        any_of("CommandStatementIngest", {1: {1: 1, 2: 1}, 2: "new"}),
        any_of("CommandStatementIngest", {1: {1: 2, 2: 2}, 2: "users", 3: "directory"}),
    ]:
        refused(lambda: put(command), *WRITES)
    substrait = any_of("CommandStatementSubstraitPlan", {1: {1: b"plan"}})
    refused(lambda: put(substrait), "UNIMPLEMENTED|PERMISSION_DENIED", "Substrait|only reads")
    refused(lambda: put(any_of("CommandNothing")), "UNIMPLEMENTED|INVALID_ARGUMENT")
    update = any_of("CommandPreparedStatementUpdate", {1: handle})
    runs_or_refuses(lambda: put(update), *WRITES)


# Beside the statements.


@check
def substrait_plans_are_refused_by_name(server):
    plan = any_of("CommandStatementSubstraitPlan", {1: {1: b"plan", 2: "0.44.0"}})
    refused(lambda: server.info(plan), "UNIMPLEMENTED", "Substrait")
    refused(lambda: server.schema(plan), "UNIMPLEMENTED", "Substrait")


@check
def plain_commands_go_on_beside_those_of_flight_sql(server):
    users = server.count("users")
    for command in (b"SELECT id FROM users", b'{"table":"users","columns":["id"]}'):
        same(server.read(command).num_rows, users, f"rows of {command}")
    info = server.client.get_flight_info(flight.FlightDescriptor.for_path("users"), OPTIONS)
    same(server.redeem(info.endpoints[0].ticket.ticket).read_all().num_rows, users, "by path")
