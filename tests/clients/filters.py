"""Filters by every flat column with the engines that others use: python filters.py TABLE-FOLDER...

What each engine finds through the log is held against the rows of the files, which are read without it.
"""

import os
import sys

import deltalake
import polars
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet


def conditions(column):
    """Values that rows have and the ways to ask for them, and one that no row has."""
    values = sorted(value for value in set(column.to_pylist()) if value is not None)
    for value in {index: values[index] for index in {0, len(values) // 2, -1}}.values() if values else ():
        yield "=", value
        yield "!=", value
        if not isinstance(value, bytes | bool):
            yield "<=", value
            yield ">=", value
    if values and isinstance(values[0], str):
        yield "=", "\U0010ffff"


COMPARE = {"=": pc.equal, "!=": pc.not_equal, "<=": pc.less_equal, ">=": pc.greater_equal}
POLARS = {"=": polars.Expr.eq, "!=": polars.Expr.ne, "<=": polars.Expr.le, ">=": polars.Expr.ge}


def check(folder):
    table = deltalake.DeltaTable(folder)
    files = [pyarrow.parquet.read_table(uri) for uri in table.file_uris()]
    truth = pyarrow.concat_tables(files)
    dataset, frame, asked = table.to_pyarrow_dataset(), polars.scan_delta(folder), 0
    for name in truth.column_names:
        column = truth[name]
        if pyarrow.types.is_nested(column.type):
            continue
        pandas = True
        for operator, value in conditions(column):
            scalar = pyarrow.scalar(value, column.type)
            expected = pc.sum(COMPARE[operator](column, scalar)).as_py() or 0
            condition = COMPARE[operator](pc.field(name), scalar)
            found = {"to_pyarrow_dataset": dataset.to_table(columns=[name], filter=condition).num_rows}
            if pandas:
                # One value is enough for the slow way.
                pandas = operator != ">="
                filters = [(name, operator, value)]
                found["to_pandas"] = len(table.to_pandas(columns=[name], filters=filters))
            of_polars = POLARS[operator](polars.col(name), polars.lit(value))
            found["polars"] = frame.filter(of_polars).select(polars.len()).collect().item()
            for engine, rows in found.items():
                what = f"{engine} finds {rows} rows where {name} {operator} {value!r} and not {expected}"
                assert rows == expected, what
                asked += 1
        for nulls, condition, of_polars in [
            (column.null_count, pc.field(name).is_null(), polars.col(name).is_null()),
            (len(column) - column.null_count, pc.field(name).is_valid(), polars.col(name).is_not_null()),
        ]:
            rows = dataset.to_table(columns=[name], filter=condition).num_rows
            assert rows == nulls, f"{rows} rows of {name} and not {nulls}: {condition}"
            rows = frame.filter(of_polars).select(polars.len()).collect().item()
            assert rows == nulls, f"polars finds {rows} rows of {name} and not {nulls}: {condition}"
            asked += 2
    return asked


asked = sum(check(folder) for folder in sys.argv[1:])
print(f"{asked} filters find what is there", flush=True)
# Several engines in one process do not always agree on how their threads end: everything was said.
os._exit(0)
