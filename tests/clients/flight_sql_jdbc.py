"""Plays the JDBC driver of Arrow Flight SQL, which needs Java: its calls, in its order.

Every call has what the driver sends of itself: the bearer that it was given, the cookies that came,
and all parameters of its URL that it does not know, as headers.
"""

from flight_sql_actions import CLOSED, CLOSING, INVALID_NAME, INVALID_VALUE, option
from flight_sql_calls import basic, bearer
from flight_sql_wire import (
    COMMAND,
    any_of,
    check,
    fields,
    from_any,
    message,
    only,
    same,
    schema_of,
)

# Of `jdbc:arrow-flight-sql://host:port/?schema=live&app=DBeaver+24.3`.
UNKNOWN = (("schema", "live"), ("app", "DBeaver 24.3"))


class Driver:
    """A connection of the driver."""

    def __init__(self, server, credentials, catalog=None):
        self.server, self.channel, self.cookies = server, server.connect(), {}
        # Credentials go into a handshake of one empty message, whose bearer is kept.
        self.token = bearer(server.handshake([b""], (*credentials, *UNKNOWN)))
        self.catalog = catalog
        if catalog is not None:
            entry = message({1: "catalog", 2: message(option(catalog))})
            answer = self.act("SetSessionOptions", message({1: entry}))
            same(fields(answer).get(1, []), [], "errors, of which any ends the connection")

    def headers(self):
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return (*self.token, *UNKNOWN, *((("cookie", line),) if line else ()))

    def keep(self, call):
        """Keeps the cookies of an answer."""
        for key, value in (*call.initial_metadata(), *call.trailing_metadata()):
            if key == "set-cookie":
                name, value = value.split(";")[0].split("=", 1)
                self.cookies[name] = value

    def act(self, name, body=b"", answers=1):
        request = message({1: name, 2: body})
        call = self.server.stream("DoAction", request, self.headers(), self.channel)
        found = list(call)
        self.keep(call)
        same(len(found), answers, f"answers to {name}")
        return only(found[0], 1) if found else b""

    def info(self, command):
        request = message({1: COMMAND, 2: command})
        return self.server.unary("GetFlightInfo", request, self.headers(), self.channel)

    def frames(self, command):
        """The messages of all endpoints, in no order of those."""
        found = []
        for endpoint in fields(self.info(command)).get(3, []):
            # No location, or the one that means this connection: others are connected to.
            for location in fields(endpoint).get(2, []):
                same(only(location, 1), b"arrow-flight-reuse-connection://?", "a location")
            ticket = only(only(endpoint, 1), 1)
            call = self.server.stream("DoGet", message({1: ticket}), self.headers(), self.channel)
            frames = list(call)
            self.keep(call)
            assert frames and only(frames[0], 2), "a stream without a schema"
            found.append(frames)
        return found

    def execute(self, text):
        """A statement: prepared, asked for, read, and closed; the frames of its rows."""
        body = any_of("ActionCreatePreparedStatementRequest", {1: text})
        answer = self.act("CreatePreparedStatement", body)
        made = from_any(answer, "ActionCreatePreparedStatementResult")
        handle, schema = only(made, 1), schema_of(only(made, 2))
        # Without columns the driver takes it for an update, unless it is told that it is none.
        assert schema is not None and len(schema) > 0, f"{text} is taken for an update"
        same(only(made, 4, 0), 0, "whether it is an update")
        frames = self.frames(any_of("CommandPreparedStatementQuery", {1: handle}))
        closing = any_of("ActionClosePreparedStatementRequest", {1: handle})
        self.act("ClosePreparedStatement", closing, answers=0)
        return frames

    def close(self):
        if self.catalog is not None:
            assert only(self.act("CloseSession"), 1, 0) in (CLOSED, CLOSING), "the session is open"
        self.channel.close()


def drivers(server):
    """Connections of everyone who connects: with a password, with a token, with a catalog."""
    yield Driver(server, basic("analyst", padded=True))
    yield Driver(server, (("authorization", "Bearer some.token"),))
    yield Driver(server, basic("token:ey.some.token", padded=True), catalog="contoso")


@check
def jdbc_connects_and_runs_statements(server):
    for driver in drivers(server):
        for text in ("SELECT id, displayName FROM users", "SELECT 1",
                     "SELECT displayName FROM users ORDER BY displayName",
                     "SELECT department, count(*) FROM users GROUP BY department"):
            (frames,) = driver.execute(text)
            assert len(frames) > 1, f"no rows of {text}"
        # Validity, and what a pool asks before it hands out a connection.
        driver.execute("SELECT 1")
        driver.close()


@check
def jdbc_refuses_a_catalog_that_is_none(server):
    driver = Driver(server, basic("analyst", padded=True))
    for name, value, error in (("catalog", "nowhere", INVALID_VALUE), ("colour", "x", INVALID_NAME)):
        entry = message({1: name, 2: message(option(value))})
        (told,) = fields(driver.act("SetSessionOptions", message({1: entry})))[1]
        same((only(told, 1).decode(), only(only(told, 2), 1)), (name, error), "the error")
    driver.close()


@check
def jdbc_browses_as_dbeaver_and_tableau_do(server):
    for driver in drivers(server):
        # All of `DatabaseMetaData`, in the order in which a tree of tables is opened.
        (frames,) = driver.frames(any_of("CommandGetSqlInfo"))
        assert len(frames) > 1, "nothing is told of the server"
        for name, body in [
            ("CommandGetCatalogs", {}),
            ("CommandGetDbSchemas", {1: "contoso"}),
            ("CommandGetTableTypes", {}),
            ("CommandGetTables", {1: "contoso", 2: "directory", 3: "%", 4: "TABLE"}),
            ("CommandGetTables", {1: "contoso", 2: "directory", 3: "users", 5: 1}),
            ("CommandGetPrimaryKeys", {1: "contoso", 2: "directory", 3: "users"}),
        ]:
            (frames,) = driver.frames(any_of(name, body))
            assert len(frames) > 1, f"nothing is told of {name} {body}"
        for name, body in [
            ("CommandGetImportedKeys", {1: "contoso", 2: "directory", 3: "group_members"}),
            ("CommandGetExportedKeys", {1: "contoso", 2: "directory", 3: "groups"}),
            ("CommandGetCrossReference", {2: "directory", 3: "groups", 5: "directory", 6: "users"}),
        ]:
            driver.frames(any_of(name, body))
        driver.close()
