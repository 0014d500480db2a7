"""Compares two versions of users as SQL does: a full outer join on the key.

Counts rows by kind, and updates by column. Files are separated by commas; a third argument limits
the memory. In a process of its own, so that its peak is its own.
"""

import json
import sys
import time

import duckdb
import pyarrow.parquet

old, new = (argument.split(",") for argument in sys.argv[1:3])
names = [name for name in pyarrow.parquet.read_schema(old[0]).names
         if name not in ("id", "_row_hash")]
differs = [f'count(*) filter (o.id = n.id and o."{it}" is distinct from n."{it}")' for it in names]
database = duckdb.connect()
if len(sys.argv) > 3:
    database.execute(f"set memory_limit = '{sys.argv[3]}'")
began = time.perf_counter()
inserted, deleted, *columns = database.execute(f"""
    select count(*) filter (o.id is null), count(*) filter (n.id is null), {', '.join(differs)}
    from read_parquet({old}) o full outer join read_parquet({new}) n on o.id = n.id
""").fetchone()
print(json.dumps({
    "seconds": time.perf_counter() - began,
    "inserted": inserted,
    "deleted": deleted,
    "columns": dict(zip(names, columns)),
}))
