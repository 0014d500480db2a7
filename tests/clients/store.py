"""Reads a store with the engines that others use: python store.py TABLE-FOLDER OLD NEW

OLD and NEW are the rows of version 0 and of the newest one, which has only more of them.
"""

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

changes = pyarrow.table(table.load_cdf(starting_version=1)).to_pylist()
kinds = {}
for change in changes:
    kinds[change["_change_type"]] = kinds.get(change["_change_type"], 0) + 1
assert kinds.get("insert") == new - old and "delete" not in kinds, kinds
assert kinds.get("update_preimage", 0) == kinds.get("update_postimage", 0), kinds

frame = polars.scan_delta(folder)
assert frame.select(polars.len()).collect().item() == new
assert set(frame.select("id").collect()["id"]) == ids
assert polars.scan_delta(folder, version=0).select(polars.len()).collect().item() == old

files = table.file_uris()
rows, different, licences = duckdb.sql(
    f"SELECT count(*), count(DISTINCT id), sum(len(assignedLicenses)) FROM read_parquet({files})"
).fetchall()[0]
assert (rows, different) == (new, new), (rows, different)
counted = newest.to_table(columns=["assignedLicenses"])["assignedLicenses"].to_pylist()
assert licences == sum(len(cell) for cell in counted if cell is not None)
print(f"deltalake, polars and DuckDB read {new} rows and {len(changes)} changes", flush=True)
# Three engines in one process do not always agree on how their threads end: everything was said.
os._exit(0)
