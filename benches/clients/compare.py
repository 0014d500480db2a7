"""Whole-way figures, each beside its reference in the same run.

After `cargo test` (which installs the packages) and `cargo build --release`:

    P=target/tmp/requirements/venv/bin/python
    $P benches/clients/compare.py scan      # server and pyarrow against requests + orjson
    $P benches/clients/compare.py latency   # 100 ms a page against a bare chain of requests; first batch
    $P benches/clients/compare.py members   # 50 ms a request, throttled, against one at a time
    $P benches/clients/compare.py memory    # the server's peak at 100,000 and 1,000,000 users
    $P benches/clients/compare.py serve     # batches in memory, against a pyarrow server

`serve` needs `cargo bench --no-run` as well. CARGO_TARGET_DIR is obeyed. Medians and ratios;
single figures say little on a shared machine.
"""

import random
import re
import statistics
import sys
import time

import pyarrow.flight as flight

from running import HERE, TARGET, Running, once, serve, sim


def read(address, ticket):
    """Streams a table; rows, seconds, and seconds to the first rows."""
    began, rows, first = time.perf_counter(), 0, None
    for chunk in flight.connect(address).do_get(flight.Ticket(ticket)):
        first = first or time.perf_counter() - began
        rows += chunk.data.num_rows
    return rows, time.perf_counter() - began, first


def scan(users=200_000, rounds=3):
    with sim(users, "--throttle", "off") as tenant, serve(tenant) as server:
        columns = flight.connect(server.addresses["flight"]).get_schema(
            flight.FlightDescriptor.for_path("users")).schema.names
        graph, login = tenant.addresses["graph"], tenant.addresses["login"]
        ours, theirs = [], []
        for _ in range(rounds):
            rows, took, _ = read(server.addresses["flight"], b"users")
            assert rows == users, rows
            ours.append(rows / took)
            found = once("requests_orjson.py", graph, login, ",".join(columns))
            assert found["rows"] == users, found
            theirs.append(found["rows"] / found["seconds"])
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"scan of {users} users, all {len(columns)} columns, 2 cores for everything: "
          f"{ours:,.0f} rows/s; requests + orjson + pyarrow {theirs:,.0f} rows/s; "
          f"{ours / theirs:.1f} times")


def latency(users=50_000, wait=0.1, rounds=3):
    with sim(users, "--throttle", "off", "--latency", f"{wait * 1000:.0f}ms") as tenant:
        with serve(tenant) as server:
            address = server.addresses["flight"]
            schema = flight.connect(address).get_schema(
                flight.FlightDescriptor.for_path("users")).schema
            read(address, b'{"table":"users","limit":1}')
            columns = ",".join(schema.names)
            addresses = tenant.addresses["graph"], tenant.addresses["login"]
            pairs = [(read(address, b"users"), once("bare_chain.py", *addresses, columns))
                     for _ in range(rounds)]
    pages = -(-users // 999)
    took = statistics.median(ours[1] for ours, _ in pairs)
    first = statistics.median(ours[2] for ours, _ in pairs)
    ratio = statistics.median(bare["seconds"] / ours[1] for ours, bare in pairs)
    print(f"{users} users at {wait * 1000:.0f} ms a page: {took:.2f} s for {pages} pages; "
          f"{ratio:.1%} of the speed of a bare chain of requests that reads nothing out, "
          f"{pages * wait / took:.1%} of pages x latency; first rows after {first * 1000:.0f} ms")


def members(users=100_000, wait=0.05):
    with sim(users, "--latency", f"{wait * 1000:.0f}ms") as tenant, serve(tenant) as server:
        rows, took, _ = read(server.addresses["flight"], b"group_members")
    line = re.findall(r"table=\"group_members\".*", server.notes)[-1]
    requests = int(re.search(r"requests=(\d+)", line)[1])
    throttled = int(re.search(r"throttled=(\d+)", line)[1])
    print(f"group_members, {requests} requests of {wait * 1000:.0f} ms, throttle on: {rows} rows "
          f"in {took:.1f} s, {throttled} times throttled; one at a time {requests * wait:.0f} s; "
          f"{requests * wait / took:.1f} times")


def memory():
    peaks = {}
    for users in (100_000, 1_000_000):
        with sim(users, "--throttle", "off") as tenant, serve(tenant) as server:
            idle = server.peak_mib()
            rows, took, _ = read(server.addresses["flight"], b"users")
            peaks[users] = server.peak_mib()
        print(f"{rows} users streamed in {took:.1f} s ({rows / took:,.0f} rows/s): server's peak "
              f"{peaks[users]:.0f} MiB, idle {idle:.0f} MiB")
    print(f"1,000,000 users take {peaks[1_000_000] / peaks[100_000]:.3f} of what 100,000 take")


def wire(rounds=60):
    benches = (TARGET / "release" / "deps").glob("serve-*")
    bench = max((it for it in benches if not it.suffix), key=lambda it: it.stat().st_mtime)
    with Running([bench, "serve"], "flight") as ours:
        arguments = [sys.executable, HERE / "pyarrow_server.py", ours.addresses["flight"]]
        with Running(arguments, "flight") as theirs:
            both = ours.addresses["flight"], theirs.addresses["flight"]
            rates = {address: [] for address in both}
            for turn in range(-1, rounds):
                # Who comes second finds the client's memory as the first left it.
                for address in random.sample(both, 2):
                    rows, took, _ = read(address, b"users")
                    if turn >= 0:
                        rates[address].append(rows / took)
    ours, theirs = (rates[address] for address in both)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(f"{rows} users from memory to pyarrow: {statistics.median(ours):,.0f} rows/s; "
          f"a pyarrow server {statistics.median(theirs):,.0f} rows/s; {ratio:.2f} times")


if __name__ == "__main__":
    figures = {"scan": scan, "latency": latency, "members": members, "memory": memory,
               "serve": wire}
    for name in sys.argv[1:] or figures:
        figures[name]()
