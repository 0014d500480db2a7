"""Reads a store with the engines that others use: python store.py TABLE-FOLDER OLD NEW

OLD and NEW are the rows of version 0 and of the newest one, which has only more of them.
"""

import datetime
import os
import sys

import deltalake
import duckdb
import polars
import pyarrow

folder, old, new = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

table = deltalake.DeltaTable(folder)
newest = table.to_pyarrow_dataset()
assert newest.count_rows() == new, newest.count_rows()
before = deltalake.DeltaTable(folder, version=0)
assert before.to_pyarrow_dataset().count_rows() == old

ids = set(newest.to_table(columns=["id"])["id"].to_pylist())
gone = set(before.to_pyarrow_dataset().to_table(columns=["id"])["id"].to_pylist()) - ids
assert len(ids) == new and not gone, (len(ids), len(gone))



def rows(table):
    """Rows by their id, as Python's values, the hashes left out."""
    table = pyarrow.table(table)
    names = sorted(name for name in table.column_names if name != "_row_hash")
    return {row["id"]: row for row in table.select(names).to_pylist()}


def moment(cell):
    """Cells of other engines say the same in other time zones and kinds of lists."""
    if isinstance(cell, dict):
        return {name: moment(part) for name, part in cell.items()}
    if isinstance(cell, list):
        return [moment(part) for part in cell]
    return cell.astimezone(datetime.timezone.utc) if isinstance(cell, datetime.datetime) else cell


def same(found, expected, whose):
    assert found.keys() == expected.keys(), f"{whose} has other keys"
    for key, row in expected.items():
        for name, cell in row.items():
            other = moment(found[key][name])
            assert other == moment(cell), f"{whose}: {name} of {key} is {other!r} and not {cell!r}"


whole = rows(newest.to_table())
changes = pyarrow.table(table.load_cdf(starting_version=1)).to_pylist()
# The feed makes the newest version of the oldest, cell by cell.
applied = rows(before.to_pyarrow_dataset().to_table())
for change in sorted(changes, key=lambda change: change["_commit_version"]):
    kind, key = change["_change_type"], change["id"]
    row = {name: change[name] for name in applied[next(iter(applied))]}
    if kind == "insert":
        assert key not in applied, f"{key} was inserted twice"
        applied[key] = row
    elif kind == "update_postimage":
        applied[key] = row
    else:
        same({key: applied[key]}, {key: row}, f"the {kind}")
        if kind == "delete":
            del applied[key]
same(applied, whole, "the feed")
kinds = {}
for change in changes:
    kinds[change["_change_type"]] = kinds.get(change["_change_type"], 0) + 1
assert kinds.get("insert") == new - old and "delete" not in kinds, kinds
assert kinds.get("update_preimage", 0) == kinds.get("update_postimage", 0), kinds

frame = polars.scan_delta(folder)
same(rows(frame.collect().to_arrow()), whole, "polars")
assert frame.select(polars.len()).collect().item() == new
assert set(frame.select("id").collect()["id"]) == ids
assert polars.scan_delta(folder, version=0).select(polars.len()).collect().item() == old

files = table.file_uris()
same(rows(duckdb.sql(f"SELECT * FROM read_parquet({files})").to_arrow_table()), whole, "DuckDB")
rows, different, licences = duckdb.sql(
    f"SELECT count(*), count(DISTINCT id), sum(len(assignedLicenses)) FROM read_parquet({files})"
).fetchall()[0]
assert (rows, different) == (new, new), (rows, different)
counted = newest.to_table(columns=["assignedLicenses"])["assignedLicenses"].to_pylist()
assert licences == sum(len(cell) for cell in counted if cell is not None)
print(f"deltalake, polars and DuckDB read {new} rows and {len(changes)} changes", flush=True)
# Three engines in one process do not always agree on how their threads end: everything was said.
os._exit(0)
