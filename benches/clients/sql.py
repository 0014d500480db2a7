"""What statements cost: requests to Graph, time beyond its latency, memory, many callers at once.

    python benches/clients/sql.py limit|members|metadata|group|callers…

Needs the release build and the packages of tests/clients/requirements.txt.
"""

import random
import statistics
import sys
import threading
import time

import adbc_driver_flightsql.dbapi as dbapi
import pyarrow.flight as flight

from running import serve, sim

SALES = "SELECT displayName, mail FROM users WHERE department = 'Sales' LIMIT 10"


def ask(client, text):
    return client.do_get(flight.Ticket(text.encode())).read_all()


def requests(client, text):
    """The answer, the seconds it took, and the requests to Graph meanwhile."""
    since = f"arrow_cast({int(time.time() * 1e6)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    began = time.perf_counter()
    table = ask(client, text)
    took = time.perf_counter() - began
    sent = ask(client, f"SELECT count(*) AS n FROM system.requests WHERE at >= {since}")
    return table, took, sent["n"][0].as_py()


def limit():
    latency = 0.1
    with sim(1_000_000, "--latency", "100ms") as tenant, serve(tenant) as server:
        client = flight.connect(server.addresses["flight"])
        ask(client, "SELECT id FROM users LIMIT 1")  # signs in
        beyond, asked = [], []
        for _ in range(9):
            table, took, sent = requests(client, SALES)
            assert table.num_rows == 10
            asked.append(sent)
            beyond.append((took - sent * latency) * 1000)
        print(f"limit: {max(asked)} requests at most, {statistics.median(beyond):.0f} ms beyond "
              f"their latency (median of 9; most {max(beyond):.0f})")


def members():
    with sim(100_000) as tenant, serve(tenant) as server:
        client = flight.connect(server.addresses["flight"])
        sizes = ask(client, "SELECT group_id, count(*) AS n FROM group_members GROUP BY 1 "
                            "ORDER BY n DESC LIMIT 1").to_pylist()[0]
        text = f"SELECT id FROM group_members WHERE group_id = '{sizes['group_id']}'"
        table, took, sent = requests(client, text)
        assert table.num_rows == sizes["n"]
        pages = -(-sizes["n"] // 999)
        print(f"members: {sizes['n']} members of one group in {sent} requests, {pages} pages, "
              f"{took * 1000:.0f} ms")
        name = f"SELECT displayName AS n FROM groups WHERE id = '{sizes['group_id']}'"
        name = ask(client, name).to_pylist()[0]["n"].replace("'", "''")
        joined = ("SELECT m.id FROM groups g JOIN group_members m ON m.group_id = g.id "
                  f"WHERE g.displayName = '{name}'")
        table, took, sent = requests(client, joined)
        print(f"members: by a join on its name, {table.num_rows} rows in {sent} requests, "
              f"{took * 1000:.0f} ms")


def metadata():
    with sim(1_000) as tenant, serve(tenant) as server:
        with dbapi.connect(server.addresses["flight"]) as connection:
            connection.adbc_get_objects(depth="all").read_all()
            took = []
            for _ in range(9):
                began = time.perf_counter()
                connection.adbc_get_objects(depth="all").read_all()
                took.append((time.perf_counter() - began) * 1000)
        client = flight.connect(server.addresses["flight"])
        # CommandGetTables { include_schema: true } in an Any.
        name = b"type.googleapis.com/arrow.flight.protocol.sql.CommandGetTables"
        command = b"\x0a" + bytes([len(name)]) + name + b"\x12\x02\x28\x01"
        tables, each = 0, []
        for _ in range(9):
            began = time.perf_counter()
            tables = client.do_get(flight.Ticket(command)).read_all().num_rows
            each.append((time.perf_counter() - began) * 1000)
        print(f"metadata: GetTables with schemas of {tables} tables {statistics.median(each):.1f} "
              f"ms, GetObjects at full depth {statistics.median(took):.1f} ms (medians of 9)")


def group():
    with sim(1_000_000) as tenant, serve(tenant) as server:
        client = flight.connect(server.addresses["flight"])
        text = ("SELECT department, country, count(*) AS n, max(createdDateTime) FROM users "
                "GROUP BY 1, 2 ORDER BY n DESC")
        began = time.perf_counter()
        table = ask(client, text)
        took = time.perf_counter() - began
        assert sum(table["n"].to_pylist()) == 1_000_000
        print(f"group: 1,000,000 users into {table.num_rows} groups in {took:.1f} s, "
              f"{server.peak_mib():.0f} MiB at most")
        began = time.perf_counter()
        each = ask(client, "SELECT displayName, count(*) AS n FROM users GROUP BY 1")
        took = time.perf_counter() - began
        print(f"group: into {each.num_rows} groups by name in {took:.1f} s, "
              f"{server.peak_mib():.0f} MiB at most")


def callers(count=32, users=100_000):
    statements = [
        SALES,
        "SELECT userType, count(*) FROM users GROUP BY 1",
        "SELECT department, count(*) FROM users WHERE accountEnabled GROUP BY 1 ORDER BY 2 DESC",
        "SELECT id, displayName FROM groups ORDER BY displayName LIMIT 20",
        "SELECT count(*) FROM devices",
    ]
    with sim(users, "--throttle", "off") as tenant, serve(tenant) as server:
        took, failed = [0.0] * count, []

        def call(number):
            client = flight.connect(server.addresses["flight"])
            mine = statements * 2
            random.Random(number).shuffle(mine)
            began = time.perf_counter()
            try:
                for text in mine:
                    ask(client, text)
            except flight.FlightError as error:
                failed.append(str(error))
            took[number] = time.perf_counter() - began

        threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        median = statistics.median(took)
        print(f"callers: {count} at once, {len(failed)} failed, median {median:.1f} s, slowest "
              f"{max(took):.1f} s ({max(took) / median:.2f} times), {server.peak_mib():.0f} MiB")
        for line in failed[:3]:
            print("   ", line[:300])


if __name__ == "__main__":
    for name in sys.argv[1:] or ["limit", "members", "metadata", "group", "callers"]:
        globals()[name]()
