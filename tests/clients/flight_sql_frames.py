"""Checks with what people use on top of ADBC: polars, pandas, DuckDB and SQLAlchemy."""

import datetime

import adbc_driver_flightsql.dbapi as dbapi
import duckdb
import pandas
import polars
import sqlalchemy
from flight_sql_adbc import connect, rows, value
from flight_sql_wire import check, same

QUERY = "SELECT id, displayName, accountEnabled, createdDateTime FROM users ORDER BY id"
UTC = datetime.timezone.utc


@check
def polars_reads_by_uri_and_by_connection(server):
    users = server.count("users")
    by_uri = polars.read_database_uri(QUERY, server.flightsql, engine="adbc")
    same(by_uri.height, users, "rows by URI")
    same(by_uri.schema["createdDateTime"], polars.Datetime("us", "UTC"), "a type")
    same(by_uri.schema["accountEnabled"], polars.Boolean, "a type")
    with connect(server) as connection:
        same(polars.read_database(QUERY, connection).equals(by_uri), True, "by connection")
        batches = polars.read_database(QUERY, connection, iter_batches=True, batch_size=1_000)
        same(sum(frame.height for frame in batches), users, "rows in batches")
        counted = polars.read_database(
            "SELECT count(*) AS n FROM users WHERE userType = ? AND createdDateTime < ?",
            connection,
            execute_options={"parameters": ["Guest", datetime.datetime(2100, 1, 1, tzinfo=UTC)]},
        )
        same(counted["n"].to_list(), [value(connection, "SELECT count(*) FROM users"
                                                        " WHERE userType = 'Guest'")], "guests")
    empty = polars.read_database_uri("SELECT id FROM users WHERE 1 = 0", server.flightsql,
                                     engine="adbc")
    same((empty.height, empty.columns), (0, ["id"]), "no rows")


@check
def polars_reads_every_table_whole(server):
    for schema in ("directory", "system"):
        with connect(server) as connection:
            names = rows(connection, "SELECT table_name FROM information_schema.tables"
                                     f" WHERE table_schema = '{schema}' ORDER BY table_name")
        for (name,) in names:
            sql = f'SELECT * FROM "{schema}"."{name}" LIMIT 20'
            frame = polars.read_database_uri(sql, server.flightsql, engine="adbc")
            assert frame.width > 0 and frame.height <= 20, f"{name}: {frame.shape}"


@check
def pandas_reads_statements_and_tables(server):
    users = server.count("users")
    with connect(server) as connection:
        frame = pandas.read_sql(QUERY, connection)
        same(frame.shape, (users, 4), "rows and columns")
        assert frame["id"].is_unique
        frame = pandas.read_sql(QUERY, connection, dtype_backend="pyarrow", index_col="id")
        same(str(frame["createdDateTime"].dtype), "timestamp[us, tz=UTC][pyarrow]", "a type")
        # A name is first looked for among the objects.
        same(len(pandas.read_sql("users", connection)), users, "rows of a name")
        table = pandas.read_sql_table("users", connection, columns=["id", "displayName"])
        same(table.shape, (users, 2), "rows and columns of a table")


@check
def duckdb_reads_a_stream_of_batches(server):
    with connect(server) as connection, connection.cursor() as cursor:
        people = cursor.execute("SELECT id, userType FROM users").fetch_record_batch()
        grouped = duckdb.from_arrow(people).aggregate("userType, count(*)")
        found = grouped.fetchall()
        expected = rows(connection, "SELECT userType, count(*) FROM users GROUP BY userType")
    same(dict(found), dict(expected), "users by type")


@check
def sqlalchemy_reads_and_inspects(server):
    engine = sqlalchemy.create_engine(f"adbc+flightsql://{server.target}?tls=false")
    try:
        with engine.connect() as connection:
            sql = "SELECT count(*) FROM users WHERE userType = :kind AND accountEnabled = :on"
            sql = sqlalchemy.text(sql)
            counted = connection.execute(sql, {"kind": "Guest", "on": True}).scalar()
            same(counted, server.count("users WHERE userType = 'Guest' AND accountEnabled"),
                 "guests")
        inspector = sqlalchemy.inspect(engine)
        schemas = inspector.get_schema_names()
        assert {"directory", "live", "system"} <= set(schemas), schemas
        # Its lists of names have none of Flight SQL's tables: it looks for the type `table`.
        same(inspector.has_table("users", schema="directory"), True, "users")
        same(inspector.has_table("usersX", schema="directory"), False, "a table that is none")
        columns = inspector.get_columns("users", schema="directory")
        types = {column["name"]: column["type"] for column in columns}
        assert isinstance(types["displayName"], sqlalchemy.types.String), types["displayName"]
        assert isinstance(types["accountEnabled"], sqlalchemy.types.Boolean), types
        assert isinstance(types["createdDateTime"], sqlalchemy.types.DateTime), types
    finally:
        engine.dispose()


@check
def sqlalchemy_builds_statements_with_limits(server):
    people = sqlalchemy.table("users", sqlalchemy.column("id"), sqlalchemy.column("displayName"))
    some = sqlalchemy.select(people.c.id, people.c.displayName)
    some = some.where(people.c.displayName.like("A%")).order_by(people.c.id)
    engine = sqlalchemy.create_engine(f"adbc+flightsql://{server.target}?tls=false")
    try:
        with engine.connect() as connection:
            found = connection.execute(some).all()
            same(len(found), server.count("users WHERE displayName LIKE 'A%'"), "rows")
            same(connection.execute(some.limit(3).offset(1)).all(), found[1:4], "a few of them")
    finally:
        engine.dispose()


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@check
def what_duckdbs_adbc_scanner_calls_in_its_order(server):
    """ATTACH, the bind of a scan, and the scan with its filters, as `adbc_scanner` does them."""
    with dbapi.connect(server.address, autocommit=True) as connection:
        # ATTACH: all schemas, then the tables of each, then the schema of each table.
        (catalog,) = connection.adbc_get_objects(depth="db_schemas").read_all().to_pylist()
        same(catalog["catalog_name"], "contoso", "the catalog")
        schemas = [it["db_schema_name"] for it in catalog["catalog_db_schemas"]]
        assert {"directory", "live", "system"} <= set(schemas), schemas
        attached = {}
        for schema in schemas:
            found = connection.adbc_get_objects(depth="tables", db_schema_filter=schema)
            (catalog,) = found.read_all().to_pylist()
            (only,) = catalog["catalog_db_schemas"]
            for table in only["db_schema_tables"] or []:
                name = table["table_name"]
                attached[schema, name] = connection.adbc_get_table_schema(
                    name, db_schema_filter=schema)
        same(len([1 for schema, _ in attached if schema == "directory"]), 24, "tables")
        for schema, name in [("directory", "users"), ("live", "groups"), ("system", "columns"),
                             ("directory", "group_members")]:
            scans(connection, schema, name, attached[schema, name])


def scans(connection, schema, name, attached):
    table = f"{quoted(schema)}.{quoted(name)}"
    with connection.cursor() as cursor:
        # The bind starts a stream for its schema and leaves it at once.
        cursor.execute(f"SELECT * FROM {table}")
        bound = cursor.fetch_record_batch().schema
        same(bound.names, attached.names, f"columns of {table} by scan and by GetTableSchema")
        same(bound.types, attached.types, f"types of {table} by scan and by GetTableSchema")
        cursor.adbc_cancel()
    texts = [field.name for field in bound if field.type == "string"][:2]
    first, last = quoted(texts[0]), quoted(texts[-1])
    everything = rows(connection, f"SELECT {first},{last} FROM {table}")
    middle = sorted(row[0] for row in everything if row[0])[len(everything) // 2]
    for condition, sent, fits in [
        (f"{first} > ?", [middle], lambda row: row[0] is not None and row[0] > middle),
        (f"{first} = ? AND {first} IS NOT NULL", [middle], lambda row: row[0] == middle),
        (f"({first} IN (?, ?))", [middle, "none"], lambda row: row[0] == middle),
        (f"({first} <= ? OR {last} IS NULL) AND {first} <> ?", [middle, "none"],
         lambda row: row[0] is not None and row[0] <= middle
         or row[1] is None and row[0] is not None),
    ]:
        with connection.cursor() as cursor:
            cursor.adbc_prepare(f"SELECT {first},{last} FROM {table} WHERE {condition}")
            cursor.execute(f"SELECT {first},{last} FROM {table} WHERE {condition}", sent)
            found = cursor.fetchall()
        key = lambda row: [text or "" for text in row]  # noqa: E731
        expected = sorted(filter(fits, everything), key=key)
        same(sorted(found, key=key), expected, f"rows of {table} where {condition}")
