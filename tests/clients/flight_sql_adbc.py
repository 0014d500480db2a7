"""Checks with the ADBC driver for Flight SQL, which polars, dbt, R and DuckDB load too."""

import datetime
import uuid
import warnings

import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pyarrow as pa
from flight_sql_wire import WRITES, check, fails, refused, runs_or_refuses, same, seconds

UTC = datetime.timezone.utc
COOKIES = {"adbc.flight.sql.rpc.with_cookie_middleware": "true"}


def connect(server, **options):
    return dbapi.connect(server.address, db_kwargs=options or None, autocommit=True)


def rows(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        return cursor.execute(sql, parameters).fetchall()


def value(connection, sql, parameters=None):
    """The only value of an answer."""
    ((found,),) = rows(connection, sql, parameters)
    return found


# Statements.


@check
def a_statement_is_fetched_by_row_by_many_and_whole(server):
    users = server.count("users")
    with connect(server) as connection, connection.cursor() as cursor:
        sql = "SELECT id, displayName, accountEnabled, createdDateTime FROM users ORDER BY id"
        cursor.execute(sql)
        described = [(column[0], column[1]) for column in cursor.description]
        same([name for name, _ in described],
             ["id", "displayName", "accountEnabled", "createdDateTime"], "columns")
        assert described[0][1] == dbapi.STRING and described[3][1] == dbapi.DATETIME, described
        first, some, rest = cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall()
        same((len(some), 1 + len(some) + len(rest)), (3, users), "rows")
        ids = [row[0] for row in [first, *some, *rest]]
        assert ids == sorted(ids), "rows in the order asked for"
        assert first[3].tzinfo is not None, f"a moment with its time zone, not {first[3]!r}"
        same(cursor.fetchone(), None, "a row after the last")
        same(cursor.execute(sql).fetch_arrow_table().num_rows, users, "rows of a table")
        batches = cursor.execute(sql).fetch_record_batch()
        same(sum(batch.num_rows for batch in batches), users, "rows of batches")


@check
def ids_are_bound_by_the_hundred_and_as_uuids(server):
    with connect(server) as connection:
        ids = [row[0] for row in rows(connection, "SELECT id FROM users ORDER BY id LIMIT 300")]
        sql = f"SELECT count(*) FROM users WHERE id IN ({', '.join('?' * len(ids))})"
        same(value(connection, sql, ids), len(ids), "users of these ids")
        sql = "SELECT count(*) FROM users WHERE id = ?"
        same(value(connection, sql, [uuid.UUID(ids[0])]), 1, "users of this id")


@check
def an_empty_answer_has_its_columns(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, createdDateTime FROM users WHERE 1 = 0")
        found = cursor.fetch_arrow_table()
    same(found.num_rows, 0, "rows")
    same(found.schema.names, ["id", "createdDateTime"], "columns")


@check
def a_statement_that_cannot_be_is_told_and_the_connection_goes_on(server):
    with connect(server) as connection:
        for sql, code, patterns in [
            ("SELECT displayNam FROM users", "INVALID_ARGUMENT", ["displayName", "column 8"]),
            ("SELEKT 1", "INVALID_ARGUMENT", ["SELEKT"]),
            ("SELECT 'open", "INVALID_ARGUMENT", ["line 1"]),
            ("SELECT * FROM user", "NOT_FOUND", ["`users`"]),
            ("SELECT * FROM nowhere.users", "NOT_FOUND", ["nowhere"]),
            ("SELECT 1; SELECT 2", "INVALID_ARGUMENT", ["one at a time"]),
        ]:
            refused(lambda: rows(connection, sql), code, *patterns)
        same(value(connection, "SELECT 1"), 1, "a value after errors")


@check
def a_fault_while_rows_come_is_an_error_and_not_a_short_answer(server):
    sql = "SELECT 1 / (row_number() OVER (ORDER BY id) - 2) FROM users"
    with connect(server) as connection:
        refused(lambda: rows(connection, sql), "INVALID_ARGUMENT", "zero")
        same(value(connection, "SELECT 1"), 1, "a value after it")


@check
def statements_run_side_by_side_on_one_connection(server):
    with connect(server) as connection, connection.cursor() as one, connection.cursor() as other:
        one.execute("SELECT id FROM users WHERE userType = ? ORDER BY id", ["Guest"])
        other.execute("SELECT id FROM users WHERE userType = ? ORDER BY id", ["Member"])
        guests, members = [one.fetchone()], [other.fetchone()]
        guests, members = guests + one.fetchall(), members + other.fetchall()
        assert not set(guests) & set(members), "rows of one statement are among the other's"
        kinds = dict(rows(connection, "SELECT userType, count(*) FROM users GROUP BY userType"))
        same((len(guests), len(members)), (kinds["Guest"], kinds["Member"]), "rows")


# Parameters.

MOMENT = datetime.datetime(2024, 2, 3, 4, 5, 6, 789000)
VALUES = [
    ("varchar", "O'Neill, ? $1 \"x\" 刘"),
    ("varchar", ""),
    ("bigint", 7),
    ("bigint", -(2**53) - 1),
    ("double", 1.5),
    ("boolean", True),
    ("boolean", False),
    ("date", datetime.date(2024, 2, 3)),
    ("varchar", None),
    ("bigint", None),
    ("boolean", None),
    ("date", None),
]


@check
def parameters_of_every_type_come_back_as_they_went(server):
    with connect(server) as connection:
        for mark in ("?", "$1"):
            for kind, sent in VALUES:
                found = value(connection, f"SELECT CAST({mark} AS {kind}) AS v", [sent])
                same((type(found), found), (type(sent), sent), f"{kind} as {mark}")
            found = value(connection, f"SELECT CAST({mark} AS timestamp) AS v", [MOMENT])
            same(found, MOMENT, f"a moment without a zone as {mark}")
            zoned = f"arrow_cast({mark}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
            found = value(connection, f"SELECT {zoned} AS v", [MOMENT.replace(tzinfo=UTC)])
            same(found, MOMENT.replace(tzinfo=UTC), f"a moment with a zone as {mark}")
            same(value(connection, f"SELECT {mark} AS v", ["text"]), "text", "no type but text")


@check
def parameters_compare_with_columns_of_every_type(server):
    with connect(server) as connection:
        user = rows(connection, "SELECT id, displayName, createdDateTime FROM users"
                                " WHERE createdDateTime IS NOT NULL ORDER BY id LIMIT 1")[0]
        created = user[2].strftime("%Y-%m-%d %H:%M:%S.%f")
        for name, literal, sent in [
            ("id", f"'{user[0]}'", user[0]),
            ("displayName", "'" + user[1].replace("'", "''") + "'", user[1]),
            ("accountEnabled", "true", True),
            ("accountEnabled", "false", False),
            ("createdDateTime", f"timestamp '{created}'", user[2]),
            ("createdDateTime", f"timestamp '{created}'", user[2].replace(tzinfo=None)),
            ("createdDateTime", "date '2020-01-01'", datetime.date(2020, 1, 1)),
            ("createdDateTime", "timestamp '2020-01-01 00:00:00'", "2020-01-01T00:00:00Z"),
        ]:
            for sign in ("<", ">") if name == "createdDateTime" else ("=", "<>"):
                sql = f"SELECT count(*) AS n FROM users WHERE {name} {sign} "
                expected = value(connection, sql + literal)
                same(value(connection, sql + "?", [sent]), expected, f"{sql}{sent!r}")
                same(value(connection, sql + "$1", [sent]), expected, f"{sql}{sent!r}")
        same(value(connection, "SELECT count(*) FROM users WHERE id = ?", [None]), 0, "= NULL")
        position = "SELECT count(*) FROM system.columns WHERE position "
        for sign, sent in [("=", 3), ("<", 3), (">=", 3)]:
            found = value(connection, f"{position}{sign} ?", [sent])
            same(found, value(connection, f"{position}{sign} {sent}"), f"position {sign} {sent}")


@check
def a_number_with_a_fraction_beside_a_whole_one_is_kept_or_refused(server):
    with connect(server) as connection:
        for sql in ("SELECT 'yes' AS v WHERE 1 < ?", "SELECT 'yes' AS v WHERE 2 > ?",
                    "SELECT 'yes' AS v FROM system.columns WHERE position < ? LIMIT 1",
                    "SELECT 'yes' AS v WHERE 1 + ? > 2"):
            found = runs_or_refuses(lambda: rows(connection, sql, [1.5]), "INVALID_ARGUMENT",
                                    "parameter 1")
            assert found in (None, [("yes",)]), f"{sql} with 1.5 answers {found}"


@check
def parameters_stand_wherever_a_value_may(server):
    with connect(server) as connection:
        count = "SELECT count(*) AS n FROM users WHERE "
        guests = value(connection, count + "userType = 'Guest'")
        users = value(connection, count + "true")
        same(value(connection, count + "userType IN (?, ?)", ["Guest", "x"]), guests, "IN")
        same(value(connection, count + "userType LIKE ?", ["Gues%"]), guests, "LIKE")
        same(value(connection, count + "userType = $2 OR userType = $1", ["x", "Guest"]), guests,
             "$2 before $1")
        same(value(connection, count + "userType = $1 AND userType = $1", ["Guest"]), guests,
             "$1 twice")
        same(value(connection, count + "userType = ? AND id <> '?' -- ?", ["Guest"]), guests,
             "marks in text and comments")
        same(value(connection, count + "? IS NULL", [None]), users, "IS NULL")
        same(value(connection, count + "userType BETWEEN ? AND ?", ["Guest", "Guest"]), guests,
             "BETWEEN")
        twice = "SELECT (SELECT count(*) FROM users WHERE userType = ?) AS a,"
        twice += " (SELECT count(*) FROM groups WHERE id = ?) AS b"
        same(rows(connection, twice, ["Guest", "none"]), [(guests, 0)], "in subqueries")


@check
def a_limit_may_be_a_parameter(server):
    # SQLAlchemy never writes it in any other way.
    sql = "SELECT id FROM users ORDER BY id LIMIT "
    with connect(server) as connection:
        expected = rows(connection, sql + "3 OFFSET 2")
        for marks, sent in [("? OFFSET ?", [3, 2]), ("$2 OFFSET $1", [2, 3])]:
            same(rows(connection, sql + marks, sent), expected, f"rows with {marks}")


@check
def other_parameters_than_the_statement_has_are_refused(server):
    with connect(server) as connection:
        for sql, sent in [
            ("SELECT ? AS a, ? AS b", ["x"]),
            ("SELECT ? AS a", ["x", "y"]),
            ("SELECT ? AS a", None),
            ("SELECT 1 AS a", ["x"]),
        ]:
            refused(lambda: rows(connection, sql, sent), "INVALID_ARGUMENT", "parameters")
        refused(lambda: rows(connection, "SELECT ? AS a, $1 AS b", ["x"]), "INVALID_ARGUMENT",
                "not both")
        number = "SELECT count(*) FROM system.columns WHERE position = ?"
        refused(lambda: rows(connection, number, ["seven"]), "INVALID_ARGUMENT", "parameter 1")


@check
def a_bound_batch_runs_the_statement_for_each_row(server):
    with connect(server) as connection, connection.cursor() as cursor:
        sql = "SELECT CAST($1 AS bigint) * 10 AS n, CAST($2 AS varchar) AS s"
        batch = pa.record_batch({"a": [1, 2, 3], "b": ["x", None, "z"]})
        cursor.execute(sql, batch)
        same(cursor.fetchall(), [(10, "x"), (20, None), (30, "z")], "rows")
        cursor.execute(sql, pa.Table.from_batches([batch.slice(0, 2), batch.slice(2)]))
        same(cursor.fetchall(), [(10, "x"), (20, None), (30, "z")], "rows of two batches")
        cursor.execute("SELECT userType FROM users WHERE userType = ? ORDER BY id",
                       pa.record_batch({"a": ["Guest", "none", "Member"]}))
        found = [row[0] for row in cursor.fetchall()]
        assert found == sorted(found) and set(found) == {"Guest", "Member"}, set(found)


@check
def executemany_of_a_query_runs_or_is_refused_in_words(server):
    sql, sets = "SELECT id FROM users WHERE userType = ?", [["Guest"], ["Member"]]
    with connect(server) as connection:
        with connection.cursor() as cursor:
            runs_or_refuses(lambda: cursor.executemany(sql, sets), *WRITES)
        same(value(connection, "SELECT 1"), 1, "a value after it")


@check
def a_prepared_statement_tells_its_parameters_and_serves_again(server):
    sql = "SELECT id, createdDateTime FROM users"
    sql += " WHERE displayName > ? AND accountEnabled = ? AND createdDateTime > ?"
    with connect(server) as connection, connection.cursor() as cursor:
        types = cursor.adbc_prepare(sql).types
        same(types, [pa.string(), pa.bool_(), pa.timestamp("us", "UTC")], "parameters")
        early = datetime.datetime(1970, 1, 1, tzinfo=UTC)
        late = datetime.datetime(2100, 1, 1, tzinfo=UTC)
        expected = server.count("users WHERE displayName > 'A' AND accountEnabled")
        for moment, count in [(early, expected), (late, 0), (early, expected)]:
            found = cursor.execute(sql, ["A", True, moment]).fetchall()
            same(len(found), count, f"rows since {moment}")
        none = cursor.adbc_prepare("SELECT 1")
        assert none is None or len(none) == 0, f"parameters of none: {none}"


@check
def the_schema_of_an_answer_is_told_without_running_it(server):
    with connect(server) as connection, connection.cursor() as cursor:
        for sql, sent in [
            ("SELECT * FROM users", None),
            ("SELECT count(*) AS n, max(createdDateTime) AS t, NULL AS x FROM users", None),
            ("SELECT id FROM users WHERE displayName = ?", ["x"]),
        ]:
            told = cursor.adbc_execute_schema(sql, sent)
            came = cursor.execute(sql, sent).fetch_arrow_table().schema
            assert told.equals(came), f"{told} was told and {came} came"


# Ways to execute.


@check
def partitions_are_read_on_another_connection(server):
    sql = "SELECT id FROM users"
    with connect(server) as connection, connection.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions(sql)
        expected = sorted(rows(connection, sql))
    same(schema.names, ["id"], "columns")
    found = []
    with connect(server) as other, other.cursor() as cursor:
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            found += cursor.fetchall()
    same(sorted(found), expected, "rows of all partitions")


@check
def a_statement_is_executed_step_by_step(server):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.statement.exec.incremental": "true"})
        found, steps = 0, 0
        while True:
            partitions, schema = cursor.adbc_execute_partitions("SELECT id FROM users")
            if not partitions:
                break
            steps += 1
            assert steps < 100, "there is always one more partition"
            same(schema.names, ["id"], "columns")
            for partition in partitions:
                with connection.cursor() as reader:
                    reader.adbc_read_partition(partition)
                    found += len(reader.fetchall())
        progress = cursor.adbc_statement.get_option_float("adbc.statement.exec.progress")
        assert 0.0 <= progress <= 1.0, progress
    same(found, server.count("users"), "rows")


ENDLESS = "SELECT a.id AS a, b.id AS b FROM users a CROSS JOIN users b"


@check
def a_running_statement_is_cancelled_and_the_connection_goes_on(server):
    with connect(server) as connection:
        with connection.cursor() as cursor:
            reader = cursor.execute(ENDLESS).fetch_record_batch()
            got = reader.read_next_batch().num_rows
            cursor.adbc_cancel()

            def rest():
                nonlocal got
                for batch in reader:
                    got += batch.num_rows

            # As an error of a stream the driver's code is lost.
            said = fails(rest, "CANCELLED|OSError")
            assert "cancel" in said, said
        assert got < server.count("users") ** 2, "all rows came"
        same(value(connection, "SELECT 1"), 1, "a value after it")


@check
def a_reader_that_is_left_holds_nothing_up(server):
    with connect(server) as connection:
        for _ in range(20):
            with connection.cursor() as cursor:
                cursor.execute(ENDLESS).fetchone()
        took = seconds(lambda: same(value(connection, "SELECT 1"), 1, "a value"))
        assert took < 10, f"{took:.1f} s for `SELECT 1` after twenty that were left"


# Who calls, and what was chosen.


@check
def a_name_and_password_become_a_bearer(server):
    # One of them needs no padding in base64; the driver pads neither.
    for password in ("abc", "abcd", "abcde"):
        with connect(server, username="user", password=password) as connection:
            same(value(connection, "SELECT 1"), 1, f"a value with {password}")


@check
def a_header_may_carry_the_caller(server):
    for header in ("Bearer abc", "Basic dXNlcjphYmM=", "Basic dXNlcjphYmNk", "Basic dXNlcjphYg"):
        with connect(server, **{"adbc.flight.sql.authorization_header": header}) as connection:
            same(value(connection, "SELECT 1"), 1, f"a value with {header}")


@check
def headers_may_be_as_long_as_tokens_of_entra(server):
    long = {f"adbc.flight.sql.rpc.call_header.x-much-{number}": "x" * 6_000 for number in range(6)}
    with connect(server, **long) as connection:
        same(value(connection, "SELECT 1"), 1, "a value with 36 KB of headers")


def chooses(server, **options):
    with connect(server, **options) as connection, connect(server, **options) as other:
        connection.adbc_current_catalog = "contoso"
        same(connection.adbc_current_catalog, "contoso", "the catalog that was chosen")
        connection.adbc_current_db_schema = "system"
        same(connection.adbc_current_db_schema, "system", "the schema that was chosen")
        same(connection.adbc_current_catalog, "contoso", "the catalog after it")
        same(value(connection, "SELECT count(*) FROM tables"), 24, "tables, a table of `system`")
        for name in ("directory", "live"):
            connection.adbc_current_db_schema = name
            same(connection.adbc_current_db_schema, name, "the schema that was chosen")
            refused(lambda: rows(connection, "SELECT count(*) FROM tables"), "NOT_FOUND", "tables")
        connection.adbc_current_db_schema = "system"
        refused(lambda: rows(other, "SELECT count(*) FROM tables"), "NOT_FOUND", "tables")
        same(value(other, "SELECT count(*) FROM contoso.system.tables"), 24, "with its full name")


@check
def a_session_with_cookies_keeps_catalog_and_schema(server):
    chooses(server, **COOKIES)


@check
def a_session_with_cookies_and_a_password_keeps_them_too(server):
    chooses(server, username="somebody", password="secret", **COOKIES)


@check
def without_cookies_nothing_is_chosen(server):
    with connect(server) as connection:
        connection.adbc_current_db_schema = "system"
        refused(lambda: rows(connection, "SELECT count(*) FROM tables"), "NOT_FOUND", "tables")


@check
def what_was_not_chosen_is_the_default_or_not_told(server):
    with connect(server, **COOKIES) as connection:
        for name, default in [("adbc_current_catalog", "contoso"),
                              ("adbc_current_db_schema", "directory")]:
            try:
                same(getattr(connection, name), default, name)
            except adbc_driver_manager.Error as error:
                same(error.status_code.name, "NOT_FOUND", name)


@check
def a_catalog_or_schema_that_is_none_is_refused(server):
    for options in (COOKIES, {}):
        with connect(server, **options) as connection:
            for name in ("adbc_current_catalog", "adbc_current_db_schema"):
                refused(lambda: setattr(connection, name, "nowhere"),
                        "INVALID_ARGUMENT|NOT_FOUND", "invalid value|nowhere")
            same(len(rows(connection, "SELECT id FROM users LIMIT 1")), 1, "rows after it")


# What a server that only reads refuses.


@check
def ingesting_is_refused(server):
    table = pa.table({"id": ["x"], "n": [1]})
    with connect(server) as connection:
        for mode in ("create", "append", "replace", "create_append"):
            with connection.cursor() as cursor:
                refused(lambda: cursor.adbc_ingest("users", table, mode=mode), *WRITES)
        # More than fits on the way, so that it is refused while it is being sent.
        batches = [pa.record_batch({"id": ["x" * 1_000] * 1_000})] * 20
        many = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
        with connection.cursor() as cursor:
            refused(lambda: cursor.adbc_ingest("new", many, mode="create"), *WRITES)
        same(value(connection, "SELECT 1"), 1, "a value after it")


@check
def statements_that_write_are_refused(server):
    with connect(server) as connection:
        for sql in [
            "INSERT INTO users (id) VALUES ('x')",
            "UPDATE users SET displayName = 'x'",
            "DELETE FROM users",
            "CREATE TABLE new (id varchar)",
            "CREATE VIEW new AS SELECT 1",
            "DROP TABLE users",
            "COPY users TO 'users.csv'",
            "SET datafusion.execution.batch_size = 1",
        ]:
            verb = sql.split()[0]
            refused(lambda: rows(connection, sql), WRITES[0], WRITES[1], verb)
            with connection.cursor() as cursor:
                refused(lambda: cursor.executemany(sql, None), WRITES[0], WRITES[1], verb)
        with connection.cursor() as cursor:
            insert = "INSERT INTO users (id) VALUES (?)"
            refused(lambda: cursor.executemany(insert, [["x"], ["y"]]), *WRITES)


@check
def transactions_are_not_offered_and_not_missed(server):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with dbapi.connect(server.address) as connection:
            same(value(connection, "SELECT 1"), 1, "a value without autocommit")
            connection.commit()
    assert any("autocommit" in str(warning.message) for warning in told), told


@check
def substrait_is_refused_by_name(server):
    with connect(server) as connection, connection.cursor() as cursor:
        refused(lambda: cursor.execute(b"\x12\x00"), "UNIMPLEMENTED", "Substrait")
