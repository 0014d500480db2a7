"""Figures of loads and of the store, each beside its reference in the same run.

After `cargo test` (which installs the packages) and `cargo build --release`:

    P=target/tmp/requirements/venv/bin/python
    $P benches/clients/stored.py load       # into the store, against requests + orjson + Parquet
    $P benches/clients/stored.py compare    # two versions, against DuckDB's full outer join
    $P benches/clients/stored.py read       # a version over Flight, against the live table
    $P benches/clients/stored.py size       # the store's bytes, against pyarrow's zstd Parquet

A number behind the name is how many users there are, 1,000,000 unless said. Versions are kept
under the target folder and used again. CARGO_TARGET_DIR is obeyed.
"""

import collections
import concurrent.futures
import json
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import pyarrow.dataset
import pyarrow.flight as flight
import pyarrow.parquet

from running import HERE, PROGRAM, TARGET, Running, measured, once, serve, settings, sim

HASH = "_row_hash"


def kept(users):
    return TARGET / "tmp" / "stored" / str(users)


def load(tenant, store, *more):
    command = [PROGRAM, "load", "users", "--settings", "none.toml", *more]
    return measured(command, settings(tenant, store))


def versions(users):
    """A store with two versions, between which 1.5 % of the users changed."""
    store = kept(users)
    if not (store / "contoso/users/_delta_log/00000000000000000001.json").exists():
        shutil.rmtree(store, ignore_errors=True)
        for churn in (0, 1):
            with sim(users, "--throttle", "off", "--churn", churn) as tenant:
                load(tenant, store, "--method", "full_load" if churn == 0 else "reload")
    return store


def files(store, version):
    """The files of a version: all rows of a load are in files of that load."""
    log = store / f"contoso/users/_delta_log/{version:020}.json"
    added = (json.loads(line).get("add") for line in log.read_text().splitlines())
    return [str(store / "contoso/users" / add["path"]) for add in added if add]


def figure_load(users, rounds=3):
    ours, peaks, theirs = [], [], []
    with sim(users, "--throttle", "off") as tenant, tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            store = pathlib.Path(folder) / str(turn)
            took, peak, _ = load(tenant, store, "--method", "full_load")
            ours.append(users / took)
            peaks.append(peak)
            columns = ",".join(pyarrow.parquet.read_schema(files(store, 0)[0]).names[:-1])
            found = once("requests_orjson.py", tenant.addresses["graph"], tenant.addresses["login"],
                         columns, store / "theirs.parquet", min(users, 100_000))
            theirs.append(found["rows"] / found["seconds"])
            shutil.rmtree(store)
    print(f"load of {users} users, all columns, 2 cores for everything: "
          f"{statistics.median(ours):,.0f} rows/s ({', '.join(f'{it:,.0f}' for it in ours)}), "
          f"peak {max(peaks):.0f} MiB; requests + orjson + pyarrow's Parquet "
          f"{statistics.median(theirs):,.0f} rows/s; "
          f"{statistics.median(ours) / statistics.median(theirs):.1f} times")


def figure_compare(users, rounds=3):
    store = versions(users)
    with sim(10, "--throttle", "off") as tenant:
        environment = settings(tenant, store)
    ours, peaks, theirs, their_peaks = [], [], [], []
    for _ in range(rounds if users <= 1_000_000 else 1):
        command = [PROGRAM, "compare", "users", "--from", 0, "--to", 1, "--summary", "--json",
                   "--settings", "none.toml"]
        took, peak, printed = measured(command, environment)
        ours.append(took)
        peaks.append(peak)
        found = json.loads(printed.splitlines()[0])
        join = [sys.executable, HERE / "duckdb_join.py", ",".join(files(store, 0)),
                ",".join(files(store, 1))]
        _, their_peak, printed = measured(join)
        joined = json.loads(printed)
        theirs.append(joined["seconds"])
        their_peaks.append(their_peak)
        for kind in ("inserted", "deleted"):
            assert joined[kind] == found[kind], (joined, found)
        for name, count in joined["columns"].items():
            # Lists without an order and JSON are compared by value, not as they are written.
            assert count >= found["columns"].get(name, 0), (name, count, found)
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"compare of {users} users, {found['inserted']} inserted, {found['updated']} updated, "
          f"{found['deleted']} deleted: {ours:.2f} s, peak {max(peaks):.0f} MiB; DuckDB's full "
          f"outer join {theirs:.2f} s, peak {max(their_peaks):.0f} MiB; {theirs / ours:.1f} times")


def streamed(address, *tickets):
    """Rows a second of these tickets, redeemed side by side."""
    def rows(ticket):
        return sum(chunk.data.num_rows for chunk in flight.connect(address).do_get(ticket))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        began = time.perf_counter()
        count = sum(pool.map(rows, tickets))
        return count / (time.perf_counter() - began)


def figure_read(users, rounds=3):
    store = versions(users)
    rates = collections.defaultdict(list)
    now = flight.Ticket(b"users")
    whole = flight.Ticket(b'{"table": "users", "version": "latest"}')
    few = json.dumps({"table": "users", "version": "latest", "limit": 200_000})
    with sim(users, "--throttle", "off", "--churn", 1) as tenant:
        for _ in range(rounds):
            # A server that has sent nothing yet keeps nothing.
            with serve(tenant, store) as server:
                address = server.addresses["flight"]
                to = flight.FlightDescriptor.for_path("users", "latest")
                endpoints = flight.connect(address).get_flight_info(to).endpoints
                parts = [endpoint.ticket for endpoint in endpoints]
                rates["live"].append(streamed(address, now))
                rates["first"].append(streamed(address, whole))
                rates["again"] += [streamed(address, whole) for _ in range(2)]
                rates["parts"].append(streamed(address, *parts))
                rates["parts again"] += [streamed(address, *parts) for _ in range(2)]
                # What the client takes at most: rows that a C++ server has in memory.
                kept = [sys.executable, HERE / "pyarrow_server.py", address, few]
                with Running(kept, "flight") as memory:
                    address = memory.addresses["flight"]
                    rates["memory"] += [streamed(address, now) for _ in range(3)][1:]
    # Graph is never as near as a simulated tenant on the same machine.
    afar = flight.Ticket(b'{"table": "users", "limit": 50000}')
    with sim(users, "--throttle", "off", "--latency", "100ms") as tenant, serve(tenant) as server:
        rates["afar"].append(streamed(server.addresses["flight"], afar))
    rates = {name: statistics.median(several) for name, several in rates.items()}
    live, first, again = rates["live"], rates["first"], rates["again"]
    print(f"{users} users over Flight: live {live:,.0f} rows/s, with 100 ms a page "
          f"{rates['afar']:,.0f}; stored, one stream, the first time {first:,.0f} rows/s "
          f"({first / live:.1f} times live, {first / rates['afar']:.0f} times with 100 ms), then "
          f"{again:,.0f} ({again / live:.1f} times live, {again / rates['afar']:.0f} times), which "
          f"is {again / rates['memory']:.2f} of what this client takes from a C++ server's memory "
          f"({rates['memory']:,.0f}); 2 of its {len(endpoints)} endpoints at once "
          f"{rates['parts']:,.0f}, then {rates['parts again']:,.0f}")


def figure_size(users):
    store = versions(users)
    ours = files(store, 0)
    bytes_of = {"ours": sum(pathlib.Path(file).stat().st_size for file in ours)}
    table = pyarrow.dataset.dataset(ours).to_table()
    table = table.drop_columns([HASH])
    with tempfile.TemporaryDirectory() as folder:
        for level in (1, 3, 9):
            for dictionary in (True, False):
                path = pathlib.Path(folder) / "file.parquet"
                pyarrow.parquet.write_table(table, path, compression="zstd",
                                            compression_level=level, use_dictionary=dictionary)
                name = f"zstd({level}){'' if dictionary else ' without dictionaries'}"
                bytes_of[name] = path.stat().st_size
    least = min(it for name, it in bytes_of.items() if name != "ours")
    print(f"{users} users, bytes a row: " +
          ", ".join(f"{name} {it / users:.1f}" for name, it in bytes_of.items()) +
          f"; ours, hashes included, {bytes_of['ours'] / least:.2f} of the smallest")


if __name__ == "__main__":
    figures = {name[7:]: it for name, it in globals().items() if name.startswith("figure_")}
    words = sys.argv[1:] or list(figures)
    for at, word in enumerate(words):
        if word in figures:
            after = words[at + 1] if at + 1 < len(words) else ""
            figures[word](int(after) if after.isdigit() else 1_000_000)
