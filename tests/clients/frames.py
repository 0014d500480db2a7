"""Reads a server into polars, pandas and DuckDB: python frames.py grpc://HOST:PORT USERS"""

import sys

import duckdb
import polars
import pyarrow.flight as flight

address, users = sys.argv[1], int(sys.argv[2])
client = flight.connect(address)


def read(name):
    return client.do_get(flight.Ticket(name.encode()))


# polars
frame = polars.from_arrow(read("users").read_all())
assert frame.height == users, frame.height
assert frame["id"].n_unique() == users
assert frame.schema["createdDateTime"] == polars.Datetime("us", "UTC"), frame.schema
by_type = frame.group_by("userType").len()
assert by_type["len"].sum() == users

# pandas
table = read("groups").read_pandas()
assert table["id"].is_unique and len(table) > 0

# DuckDB over the readers: GROUP BY, and a join of two tables.
people = read("users").to_reader()
grouped = duckdb.sql("SELECT userType, count(*) AS n FROM people GROUP BY userType").fetchall()
assert sum(n for _, n in grouped) == users, grouped
people, members = read("users").to_reader(), read("group_members").to_reader()
joined = duckdb.sql(
    """
    SELECT members.group_id, count(*) AS n, min(people.userPrincipalName) AS first
    FROM members JOIN people ON people.id = members.id
    GROUP BY members.group_id ORDER BY n DESC, members.group_id
    """
).fetchall()
table = read("group_members").read_all()
user_rows = sum(kind == "#microsoft.graph.user" for kind in table["odata_type"].to_pylist())
assert user_rows > 0 and sum(n for _, n, _ in joined) == user_rows, (user_rows, len(joined))
pairs = set(zip(table["group_id"].to_pylist(), table["id"].to_pylist()))
assert len(pairs) == table.num_rows, "a membership came twice"
print("polars, pandas and DuckDB agree on", users, "users and", table.num_rows, "memberships")
