"""Checks of single calls, with pyarrow and with bare gRPC: handshakes, sessions, statements,
cancelling, and what comes with an answer."""

import base64
import threading
import time

import grpc
import pyarrow as pa
import pyarrow.flight as flight
from flight_sql_adbc import ENDLESS
from flight_sql_wire import (
    COMMAND,
    PREFIX,
    SERVICE,
    TIMEOUT,
    WRITES,
    any_of,
    check,
    fields,
    from_any,
    message,
    only,
    refused,
    same,
    schema_of,
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
def pyarrow_gets_a_bearer_for_a_name_and_password(server):
    name, token = server.client.authenticate_basic_token("user", "pass")
    same(name, b"authorization", "the name of the header")
    assert token.startswith(b"Bearer "), token
    options = flight.FlightCallOptions(headers=[(name, token)])
    info = server.client.get_flight_info(
        flight.FlightDescriptor.for_command(statement("SELECT 1 AS n")), options)
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
        told = server.client.get_schema(flight.FlightDescriptor.for_command(statement(text)))
        assert told.schema.equals(found.schema), f"{text}: {told.schema} was told"
        _, prepared, _ = server.prepare(text)
        assert prepared.equals(found.schema), f"{text}: {prepared} was told when it was prepared"


@check
def a_ticket_may_be_used_again_and_on_another_connection(server):
    ticket = server.ticket(statement("SELECT id FROM users ORDER BY id"))
    first = server.client.do_get(flight.Ticket(ticket)).read_all()
    assert first.equals(server.client.do_get(flight.Ticket(ticket)).read_all())
    with server.connect() as channel:
        list(server.stream("DoGet", message({1: ticket}), channel=channel))


@check
def nothing_runs_before_rows_are_asked_for(server):
    command = statement(HEAVY)
    descriptor = flight.FlightDescriptor.for_command(command)
    calls = {
        "get_flight_info": lambda: server.info(command),
        "get_schema": lambda: server.client.get_schema(descriptor),
        "poll_flight_info": lambda: server.unary("PollFlightInfo",
                                                 message({1: COMMAND, 2: command})),
        "prepare": lambda: server.prepare(HEAVY),
    }
    for name, call in calls.items():
        took = seconds(call)
        assert took < 5, f"{name} took {took:.1f} s for a statement that runs for minutes"
    request = message({1: server.ticket(command)})
    refused(lambda: list(server.stream("DoGet", request, timeout=5)), "DEADLINE_EXCEEDED", ".")


@check
def messages_are_below_what_every_client_takes(server):
    for text in ("SELECT * FROM users", "SELECT * FROM users ORDER BY id", ENDLESS):
        sizes, rows = [], 0
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


TRAILERS = ["planning-ms", "execution-ms", "graph-requests", "graph-wait-ms", "rows"]


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
    descriptor = flight.FlightDescriptor.for_command(command)
    writer, answers = server.client.do_put(descriptor, batch.schema)
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
    same((schema.names, parameters.types), (["n", "t"], [pa.int64(), pa.string()]), "schemas")
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
    refused(lambda: bind(server, handle, pa.record_batch({"a": ["x"], "b": ["y"]})) and None
            or run(server, bind(server, handle, pa.record_batch({"a": ["x"], "b": ["y"]}))),
            "INVALID_ARGUMENT", "parameters")


@check
def a_handle_that_is_none_is_refused_in_words(server):
    for handle in (b"", b"nothing", b"\xff" * 40):
        refused(lambda: run(server, handle), "INVALID_ARGUMENT|NOT_FOUND")
    # Whoever closes what is not there has what he wants, or is told so in words.
    request = any_of("ActionClosePreparedStatementRequest", {1: b"nothing"})
    try:
        server.act("ClosePreparedStatement", request)
    except Exception:
        refused(lambda: server.act("ClosePreparedStatement", request),
                "INVALID_ARGUMENT|NOT_FOUND")


@check
def writing_by_do_put_is_refused(server):
    batch = pa.record_batch({"id": ["x"]})
    handle, _, _ = server.prepare("SELECT id FROM users WHERE id = ?")

    def put(command):
        descriptor = flight.FlightDescriptor.for_command(command)
        writer, answers = server.client.do_put(descriptor, batch.schema)
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
    try:
        put(any_of("CommandPreparedStatementUpdate", {1: handle}))
    except Exception:
        refused(lambda: put(any_of("CommandPreparedStatementUpdate", {1: handle})), *WRITES)


# Cancelling.


def running(server):
    """The information on a statement that runs, its stream, and what was read of it."""
    info = server.unary("GetFlightInfo", message({1: COMMAND, 2: statement(ENDLESS)}))
    (endpoint,) = fields(info)[3]
    stream = server.stream("DoGet", message({1: only(only(endpoint, 1), 1)}))
    for _ in range(3):
        next(stream)
    return info, stream


def stopped(stream):
    """The rest of a stream that was cancelled: it ends soon, and not as if all had come."""
    began = time.monotonic()
    refused(lambda: [None for _ in stream], "CANCELLED", "cancel")
    took = time.monotonic() - began
    assert took < 10, f"it ran on for {took:.1f} s"


CANCELLED, CANCELLING, NOT_CANCELLABLE = 1, 2, 3


@check
def cancel_flight_info_ends_the_stream(server):
    info, stream = running(server)
    # From another connection, as a second client would.
    with server.connect() as channel:
        action = message({1: "CancelFlightInfo", 2: message({1: info})})
        (answer,) = server.stream("DoAction", action, channel=channel)
    status = only(only(answer, 1), 1, 0)
    assert status in (CANCELLED, CANCELLING), f"the status is {status}"
    stopped(stream)


@check
def cancel_query_ends_the_stream(server):
    info, stream = running(server)
    (answer,) = server.act("CancelQuery", any_of("ActionCancelQueryRequest", {1: info}))
    status = only(from_any(answer, "ActionCancelQueryResult"), 1, 0)
    assert status in (CANCELLED, CANCELLING), f"the status is {status}"
    stopped(stream)


@check
def cancelling_one_read_leaves_the_others(server):
    info, stream = running(server)
    _, other = running(server)
    server.act("CancelFlightInfo", message({1: info}))
    stopped(stream)
    for _ in range(3):
        next(other)
    other.cancel()


@check
def what_cannot_be_cancelled_is_told(server):
    info = server.unary("GetFlightInfo", message({1: COMMAND, 2: any_of("CommandGetCatalogs")}))
    try:
        (answer,) = server.act("CancelFlightInfo", message({1: info}))
    except Exception:
        refused(lambda: server.act("CancelFlightInfo", message({1: info})),
                "INVALID_ARGUMENT|NOT_FOUND")
    else:
        status = only(answer, 1, 0)
        assert status in (CANCELLED, CANCELLING, NOT_CANCELLABLE), f"the status is {status}"
    for name in ("CancelFlightInfo", "CancelQuery"):
        refused(lambda: server.act(name, b"\xff\xff"), "INVALID_ARGUMENT")


@check
def polling_ends_with_all_endpoints(server):
    users = server.count("users")
    for command in (statement("SELECT id FROM users"), any_of("CommandGetTables")):
        descriptor, polls = message({1: COMMAND, 2: command}), 0
        while descriptor:
            answer = server.unary("PollFlightInfo", descriptor)
            info, descriptor = only(answer, 1), only(answer, 2)
            assert info, "an answer without information"
            assert schema_of(only(info, 1)) is not None, "information without a schema"
            polls += 1
            assert polls < 100, "there is always one more poll"
        rows = 0
        for endpoint in fields(info)[3]:
            ticket = flight.Ticket(only(only(endpoint, 1), 1))
            rows += server.client.do_get(ticket).read_all().num_rows
        same(rows, users if command[:60] == statement("")[:60] else rows, "rows")


# Sessions.


def option(value):
    """A value of a session: text, truth, or nothing at all."""
    match value:
        case None:
            return {}
        case bool():
            return {2: value}
        case str():
            return {1: value}
        case list():
            return {5: {1: value}}
    raise TypeError(value)


class Session:
    """A client's session: with cookies, or on a connection of its own without."""

    def __init__(self, server, cookies):
        self.server, self.cookies = server, {} if cookies else None
        self.channel = server.connect()

    def act(self, name, body=b""):
        metadata = ()
        if self.cookies:
            line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            metadata = (("cookie", line),)
        call = self.server.stream("DoAction", message({1: name, 2: body}), metadata, self.channel)
        initial = call.initial_metadata()
        (answer,) = call
        if self.cookies is not None:
            for key, value in (*initial, *call.trailing_metadata()):
                if key == "set-cookie":
                    name, value = value.split(";")[0].split("=", 1)
                    self.cookies[name] = value
        return only(answer, 1)

    def set(self, **values):
        """The errors, by the name of the option."""
        entries = [message({1: name, 2: message(option(value))}) for name, value in values.items()]
        answer = self.act("SetSessionOptions", b"".join(message({1: it}) for it in entries))
        errors = fields(answer).get(1, [])
        return {only(it, 1).decode(): only(only(it, 2), 1, 0) for it in errors}

    def get(self):
        answer = self.act("GetSessionOptions")
        return {only(it, 1).decode(): only(only(it, 2), 1).decode()
                for it in fields(answer).get(1, [])}

    def close(self):
        return only(self.act("CloseSession"), 1, 0)


INVALID_NAME, INVALID_VALUE = 1, 2
CLOSED, CLOSING = 1, 2


@check
def sessions_keep_what_is_set_until_they_are_closed(server):
    for cookies in (True, False):
        session, other = Session(server, cookies), Session(server, cookies)
        before = session.get()
        assert not session.cookies, "a question made a session"
        same(session.set(schema="system"), {}, "errors")
        assert session.cookies is None or session.cookies, "no cookie came"
        same(session.get()["schema"], "system", "the schema")
        same(session.set(catalog="contoso", schema="live"), {}, "errors")
        found = session.get()
        same((found["catalog"], found["schema"]), ("contoso", "live"), "both")
        same(other.get(), before, "what another session has")
        same(session.set(schema=None), {}, "errors")
        same(session.get().get("schema"), before.get("schema"), "the schema after it was unset")
        same(session.set(schema="system"), {}, "errors")
        status = session.close()
        assert status in (CLOSED, CLOSING), f"the status is {status}"
        same(session.get(), before, "what a closed session has")
        # Nothing was chosen, and closing is no error all the same.
        status = other.close()
        assert status in (CLOSED, CLOSING), f"the status is {status}"


@check
def sessions_refuse_what_is_no_option_and_no_value(server):
    for cookies in (True, False):
        session = Session(server, cookies)
        same(session.set(nonsense="x"), {"nonsense": INVALID_NAME}, "errors")
        same(session.set(schema="nowhere"), {"schema": INVALID_VALUE}, "errors")
        same(session.set(catalog="nowhere"), {"catalog": INVALID_VALUE}, "errors")
        same(session.set(catalog=True), {"catalog": INVALID_VALUE}, "errors")
        same(session.set(schema=["live"]), {"schema": INVALID_VALUE}, "errors")
        same(session.set(schema="live", catalog="nowhere"), {"catalog": INVALID_VALUE}, "errors")


@check
def a_cookie_that_is_none_is_like_none(server):
    session = Session(server, True)
    session.cookies = {"arrow_flight_session_id": "nothing", "other": "x"}
    session.get()
    same(session.set(schema="live"), {}, "errors")
    same(session.get()["schema"], "live", "the schema")


# Actions.


@check
def actions_are_listed_that_are_served(server):
    listed = {action.type: action.description for action in server.client.list_actions()}
    for name in ("CreatePreparedStatement", "ClosePreparedStatement", "CancelFlightInfo",
                 "CancelQuery", "SetSessionOptions", "GetSessionOptions", "CloseSession"):
        assert listed.get(name), f"{name} is not among {sorted(listed)}"
    for name in ("BeginTransaction", "BeginSavepoint", "EndTransaction", "EndSavepoint",
                 "CreatePreparedSubstraitPlan"):
        assert name not in listed, f"{name} is listed and not served"


@check
def actions_that_are_not_served_are_refused_in_words(server):
    for name, body, pattern in [
        ("BeginTransaction", any_of("ActionBeginTransactionRequest"), "transaction"),
        ("EndTransaction", any_of("ActionEndTransactionRequest", {1: b"x", 2: 1}), "transaction"),
        ("BeginSavepoint", any_of("ActionBeginSavepointRequest", {1: b"x", 2: "s"}),
         "savepoint|transaction"),
        ("CreatePreparedSubstraitPlan",
         any_of("ActionCreatePreparedSubstraitPlanRequest", {1: {1: b"plan"}}), "Substrait"),
    ]:
        refused(lambda: server.act(name, body), "UNIMPLEMENTED", pattern)
    refused(lambda: server.act("Reboot"), "UNIMPLEMENTED|INVALID_ARGUMENT|NOT_FOUND", "Reboot")
    for name in ("CreatePreparedStatement", "ClosePreparedStatement", "SetSessionOptions"):
        refused(lambda: server.act(name, b"\xff\xff"), "INVALID_ARGUMENT")
    other = any_of("ActionClosePreparedStatementRequest", {1: b"x"})
    refused(lambda: server.act("CreatePreparedStatement", other), "INVALID_ARGUMENT")
    insert = any_of("ActionCreatePreparedStatementRequest", {1: "INSERT INTO users VALUES (1)"})
    refused(lambda: server.act("CreatePreparedStatement", insert), WRITES[0], WRITES[1], "INSERT")


@check
def substrait_plans_are_refused_by_name(server):
    plan = any_of("CommandStatementSubstraitPlan", {1: {1: b"plan", 2: "0.44.0"}})
    refused(lambda: server.info(plan), "UNIMPLEMENTED", "Substrait")
    descriptor = flight.FlightDescriptor.for_command(plan)
    refused(lambda: server.client.get_schema(descriptor), "UNIMPLEMENTED", "Substrait")


@check
def plain_commands_go_on_beside_those_of_flight_sql(server):
    users = server.count("users")
    for command in (b"SELECT id FROM users", b'{"table":"users","columns":["id"]}'):
        same(server.read(command).num_rows, users, f"rows of {command}")
    info = server.client.get_flight_info(flight.FlightDescriptor.for_path("users"))
    same(server.client.do_get(info.endpoints[0].ticket).read_all().num_rows, users, "by path")
