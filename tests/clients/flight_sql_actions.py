"""Checks of what goes by actions and polls: cancelling, sessions, and what is not served."""

import time

import pyarrow.flight as flight

from flight_sql_adbc import ENDLESS, connect
from flight_sql_calls import HEAVY, statement
from flight_sql_wire import (
    COMMAND,
    WRITES,
    any_of,
    check,
    fails,
    fields,
    from_any,
    message,
    only,
    refused,
    runs_or_refuses,
    same,
    schema_of,
    seconds,
)

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
    answer = runs_or_refuses(lambda: server.act("CancelFlightInfo", message({1: info})),
                             "INVALID_ARGUMENT|NOT_FOUND")
    if answer:
        status = only(answer[0], 1, 0)
        assert status in (CANCELLED, CANCELLING, NOT_CANCELLABLE), f"the status is {status}"
    for name in ("CancelFlightInfo", "CancelQuery"):
        refused(lambda: server.act(name, b"\xff\xff"), "INVALID_ARGUMENT")


@check
def polling_ends_with_all_endpoints(server):
    for command, expected in [
        (statement("SELECT id FROM users"), server.count("users")),
        (any_of("CommandGetCatalogs"), 1),
    ]:
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
            rows += server.redeem(only(only(endpoint, 1), 1)).read_all().num_rows
        same(rows, expected, "rows")


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
    """A client with or without cookies, on a connection of its own or on one that it shares."""

    def __init__(self, server, cookies, channel=None):
        self.server, self.cookies = server, {} if cookies else None
        self.channel = channel or server.connect()

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
    shared = server.connect()
    for channel in (None, shared):
        session, other = Session(server, True, channel), Session(server, True, channel)
        before = session.get()
        same(before, {}, "options without a session")
        assert not session.cookies, "a question made a session"
        same(session.set(schema="system"), {}, "errors")
        assert session.cookies, "no cookie came"
        same(session.get()["schema"], "system", "the schema")
        same(session.set(catalog="contoso", schema="live"), {}, "errors")
        found = session.get()
        same((found["catalog"], found["schema"]), ("contoso", "live"), "both")
        moved = Session(server, True)
        moved.cookies = dict(session.cookies)
        same(moved.get()["schema"], "live", "the schema on another connection")
        same(other.get(), before, "what another session has")
        same(Session(server, False, channel).get(), before, "what a client without cookies has")
        same(other.set(schema="directory"), {}, "errors of another session")
        same(session.get()["schema"], "live", "the schema after another session has chosen")
        same(session.set(schema=None), {}, "errors")
        same(session.get().get("schema"), before.get("schema"), "the schema after it was unset")
        same(session.set(schema="system"), {}, "errors")
        status = session.close()
        assert status in (CLOSED, CLOSING), f"the status is {status}"
        session.cookies = {}
        same(session.get(), before, "what a closed session has")
        # Nothing was chosen, and closing is no error all the same.
        status = Session(server, True, channel).close()
        assert status in (CLOSED, CLOSING), f"the status is {status}"


@check
def without_cookies_nothing_is_chosen(server):
    client = Session(server, False)
    same(client.set(schema="system"), {}, "errors")
    same(client.get(), {}, "options")


@check
def a_session_that_is_over_is_told(server):
    session = Session(server, True)
    session.cookies = {"arrow_flight_session_id": "8afa0e98-14be-482e-9aec-653a84c1d8e1"}
    refused(session.get, "FAILED_PRECONDITION", "session")
    # Whoever chooses again has a session again.
    same(session.set(schema="live"), {}, "errors")
    same(session.get()["schema"], "live", "the schema")
    session.close()


@check
def what_is_chosen_later_does_not_change_a_ticket(server):
    session = Session(server, True)
    users = any_of("CommandStatementQuery", {1: "SELECT count(*) AS n FROM users"})
    ticket = server.info(users).endpoints[0].ticket
    same(session.set(schema="system"), {}, "errors")
    line = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    chosen = flight.FlightCallOptions(headers=[(b"cookie", line.encode())])
    same(server.client.do_get(ticket, chosen).read_all()["n"].to_pylist(), [server.count("users")],
         "rows of the table that was meant")
    # Without a ticket the choice holds: there are no users in `system`.
    refused(lambda: server.client.do_get(flight.Ticket(b"SELECT id FROM users"), chosen).read_all(),
            "INVALID_ARGUMENT|NOT_FOUND", "users")
    session.close()


@check
def sessions_refuse_what_is_no_option_and_no_value(server):
    for session in (Session(server, True), Session(server, False)):
        same(session.set(nonsense="x"), {"nonsense": INVALID_NAME}, "errors")
        same(session.set(schema="nowhere"), {"schema": INVALID_VALUE}, "errors")
        same(session.set(catalog="nowhere"), {"catalog": INVALID_VALUE}, "errors")
        same(session.set(catalog=True), {"catalog": INVALID_VALUE}, "errors")
        same(session.set(schema=["live"]), {"schema": INVALID_VALUE}, "errors")
        same(session.get(), {}, "options after nothing was set")
        assert not session.cookies, "what was refused made a session"
        same(session.set(schema="live", catalog="nowhere"), {"catalog": INVALID_VALUE}, "errors")
        chosen = {"schema": "live"} if session.cookies else {}
        same(session.get(), chosen, "options that were set")


@check
def a_cookie_that_is_none_is_like_none(server):
    session, other = Session(server, True), Session(server, True)
    for it in (session, other):
        it.cookies = {"arrow_flight_session_id": "nothing", "other": "x"}
    before = other.get()
    same(session.set(schema="live"), {}, "errors")
    same(session.get()["schema"], "live", "the schema")
    same(other.get(), before, "what another has that made up the same cookie")


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
    for name in ("CreatePreparedStatement", "SetSessionOptions"):
        refused(lambda: server.act(name, b"\xff\xff"), "INVALID_ARGUMENT")
    other = any_of("ActionClosePreparedStatementRequest", {1: b"x"})
    refused(lambda: server.act("CreatePreparedStatement", other), "INVALID_ARGUMENT")
    insert = any_of("ActionCreatePreparedStatementRequest", {1: "INSERT INTO users VALUES (1)"})
    refused(lambda: server.act("CreatePreparedStatement", insert), WRITES[0], WRITES[1], "INSERT")


# At the end, because a server that fails here answers nobody for minutes.


@check
def a_statement_that_is_given_up_stops_and_holds_nobody_up(server):
    request = message({1: server.ticket(statement(HEAVY))})
    for _ in range(4):
        fails(lambda: list(server.stream("DoGet", request, timeout=2)), "DEADLINE_EXCEEDED")
    took = seconds(lambda: same(server.sql("SELECT 1 AS n").num_rows, 1, "rows"))
    assert took < 5, f"`SELECT 1` took {took:.1f} s after it"
    with connect(server) as connection, connection.cursor() as cursor:
        limit = {"adbc.flight.sql.rpc.timeout_seconds.fetch": "2.0"}
        cursor.adbc_statement.set_options(**limit)
        fails(lambda: cursor.execute(HEAVY).fetchall(), "DEADLINE_EXCEEDED|CANCELLED")
