"""Filters by every flat column with DuckDB's extension for Delta: python delta_scan.py TABLE-FOLDER...

The extension comes as a package, since it cannot be fetched from DuckDB's own site everywhere; it is
for one version of DuckDB.
"""

import pathlib
import sys

import duckdb
import duckdb_extension_delta

version = f"v{duckdb.__version__}"
extension = pathlib.Path(duckdb_extension_delta.__file__).parent
extension = extension / "extensions" / version / "delta.duckdb_extension"
connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
connection.execute(f"LOAD '{extension}'")
connection.execute("SET TimeZone = 'UTC'")


def only(statement, *values):
    return connection.execute(statement, values).fetchall()[0][0]


def check(folder):
    stored, asked = "delta_scan('" + folder.replace("'", "''") + "')", 0
    # Rows that are in memory are found without statistics.
    connection.execute(f"CREATE OR REPLACE TABLE truth AS SELECT * FROM {stored}")
    columns = connection.execute("DESCRIBE truth").fetchall()
    for name, kind, *_ in columns:
        if kind.endswith("]") or kind.startswith("STRUCT"):
            continue
        column = '"' + name + '"'
        conditions = [f"{column} IS NULL", f"{column} IS NOT NULL"]
        for end in ("min", "max", "median") if kind not in ("BLOB", "BOOLEAN") else ("min", "max"):
            value = f"(SELECT {end}({column}) FROM truth)"
            if end == "median":
                value = f"(SELECT quantile_disc({column}, 0.5) FROM truth)"
            value = connection.execute(f"SELECT {value}::VARCHAR").fetchall()[0][0]
            if value is not None and kind != "BLOB":
                literal = "'" + value.replace("'", "''") + f"'::{kind}"
                conditions += [f"{column} {by} {literal}" for by in ("=", "<=", ">=")]
        for condition in conditions:
            found = only(f"SELECT count(*) FROM {stored} WHERE {condition}")
            expected = only(f"SELECT count(*) FROM truth WHERE {condition}")
            assert found == expected, f"{found} rows where {condition} and not {expected}"
            asked += 1
    return asked


asked = sum(check(folder) for folder in sys.argv[1:])
print(f"{asked} filters find what is there", flush=True)
