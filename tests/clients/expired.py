"""Reads a store whose old versions have expired: python expired.py TABLE-FOLDER ROWS VERSION"""

import os
import sys

import deltalake
import duckdb
import polars

folder, rows, version = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

table = deltalake.DeltaTable(folder)
assert table.version() == version, table.version()
whole = table.to_pyarrow_dataset().to_table()
assert whole.num_rows == rows, whole.num_rows
hashes = set(whole["_row_hash"].to_pylist())
assert len(hashes) == rows and {len(it) for it in hashes} == {16}, len(hashes)

frame = polars.scan_delta(folder).collect()
assert frame.height == rows and set(frame["_row_hash"]) == hashes

files = table.file_uris()
read = duckdb.sql(f"SELECT * FROM read_parquet({files})").to_arrow_table()
assert set(read["_row_hash"].to_pylist()) == hashes

try:
    deltalake.DeltaTable(folder, version=0)
except Exception as error:
    print(f"version 0 is gone: {type(error).__name__}", flush=True)
else:
    raise SystemExit("version 0 can still be opened")
os._exit(0)
