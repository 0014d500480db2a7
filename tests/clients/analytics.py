"""Asks the server and DuckDB the same: python analytics.py grpc://HOST:PORT [STATEMENTS]

The tables are pulled once, as Arrow; the statements are in analytics.sql.
"""

import datetime
import decimal
import math
import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.flight as flight

address = sys.argv[1]
path = sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).with_suffix(".sql")
client = flight.connect(address)
TOLERANCE = 1e-9
IN_ORDER = "-- in order"


def ask(ticket):
    return client.do_get(flight.Ticket(ticket.encode())).read_all()


def plain(table):
    """The table without extension types, which DuckDB need not know."""
    for at, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            chunks = [chunk.storage for chunk in table.column(at).chunks]
            column = pa.chunked_array(chunks, field.type.storage_type)
            table = table.set_column(at, field.name, column)
    return table


def value(cell):
    """The cell as what both engines' types have in common."""
    match cell:
        case decimal.Decimal():
            return int(cell) if cell == cell.to_integral_value() else float(cell)
        case float() if cell.is_integer():
            return int(cell)
        case datetime.datetime():
            zone = datetime.timezone.utc
            return cell.astimezone(zone) if cell.tzinfo else cell.replace(tzinfo=zone)
        case list():
            return [value(item) for item in cell]
        case dict():
            return {name: value(item) for name, item in cell.items()}
        case _:
            return cell


def rows(table):
    columns = [[value(cell) for cell in column.to_pylist()] for column in table.columns]
    return list(zip(*columns)) if columns else []


def key(row):
    """An order of rows in which those that are nearly equal are neighbours."""
    exact = [repr(cell) for cell in row if not isinstance(cell, float)]
    near = [float(f"{cell:.6g}") for cell in row if isinstance(cell, float)]
    return exact, [isinstance(cell, float) for cell in row], near


def same(one, other):
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


def shown(name, found):
    lines = [f"{name}: {len(found)} rows", *(f"  {row}" for row in found[:20])]
    return "\n".join(lines + (["  ..."] if len(found) > 20 else []))


def compare(statement, in_order):
    """What is different, if anything is."""
    try:
        ours = ask(statement)
    except (flight.FlightError, pa.ArrowException) as error:
        return f"the server refuses: {error}"
    try:
        theirs = database.sql(statement).to_arrow_table()
    except duckdb.Error as error:
        return f"DuckDB refuses: {error}"
    found, expected = rows(ours), rows(theirs)
    if not in_order:
        found, expected = sorted(found, key=key), sorted(expected, key=key)
    both = f"{shown('the server', found)}\n{shown('DuckDB', expected)}"
    names = [[name.lower() for name in table.column_names] for table in (ours, theirs)]
    if names[0] != names[1]:
        return f"other columns: {names[0]} and {names[1]}\n{both}"
    if len(found) != len(expected):
        return f"another number of rows: {len(found)} and {len(expected)}\n{both}"
    for at, (one, other) in enumerate(zip(found, expected)):
        if not same(one, other):
            return f"row {at}: {one} and {other}\n{both}"
    return None


def statements():
    """Each statement, and whether its rows have an order."""
    lines = []
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.strip() == ";":
            text = "\n".join(it for it in lines if it.strip() and not it.startswith("--"))
            yield text, IN_ORDER in lines
            lines = []
        else:
            lines.append(line)
    assert not "".join(lines).strip(), f"no `;` after {lines}"


database = duckdb.connect()
database.execute("SET TimeZone = 'UTC'")
for name in sorted({info.descriptor.path[-1].decode() for info in client.list_flights()}):
    try:
        database.register(name, plain(ask(name)))
    except flight.FlightError as error:
        sys.exit(f"{name}: {error}")

agreed, differ = 0, 0
for statement, in_order in statements():
    why = compare(statement, in_order)
    if why is None:
        agreed += 1
    else:
        differ += 1
        print(f"{statement}\n\n{why}\n", file=sys.stderr)
if differ:
    sys.exit(f"{differ} statements differ from DuckDB; {agreed} agree")
print(f"{agreed} statements agree with DuckDB")
