"""Asks DuckDB what the server has answered: python generated.py FOLDER

The folder holds the tables as Arrow files and `statements.jsonl`: a statement a line, with the
server's rows or why there are none.
"""

import collections
import json
import pathlib
import sys

import duckdb
import pyarrow as pa

folder = pathlib.Path(sys.argv[1])
SHOWN = 8


def value(cell):
    """A cell as the server prints it."""
    match cell:
        case None:
            return None
        case bool():
            return str(cell).lower()
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell)


database = duckdb.connect()
for path in folder.glob("*.arrow"):
    with pa.memory_map(str(path)) as file:
        database.register(path.stem, pa.ipc.open_file(file).read_all())

outcomes = collections.Counter()
refusals = collections.Counter()
differences = []
for line in (folder / "statements.jsonl").open(encoding="utf-8"):
    ours = json.loads(line)
    if ours.get("refused"):
        outcomes["refused"] += 1
        refusals[ours["error"].splitlines()[0][:100]] += 1
        continue
    try:
        theirs = [tuple(map(value, row)) for row in database.sql(ours["sql"]).fetchall()]
    except duckdb.Error as error:
        outcomes["refused by both" if "error" in ours else "refused by DuckDB"] += 1
        refusals["DuckDB: " + str(error).splitlines()[0][:100]] += 1
        continue
    if "error" in ours:
        differences.append((ours, f"error: {ours['error']}\nDuckDB: {len(theirs)} rows"))
        continue
    found, expected = (collections.Counter(map(tuple, it)) for it in (ours["rows"], theirs))
    if found == expected:
        outcomes["agreed"] += 1
    else:
        more, less = list((found - expected).items()), list((expected - found).items())
        differences.append((ours, f"the server alone: {more[:5]}\nDuckDB alone: {less[:5]}"))

# The shortest of each kind.
differences.sort(key=lambda it: len(it[0]["sql"]))
kinds = collections.defaultdict(list)
for ours, why in differences:
    kinds[why[:40] if why.startswith("error") else "rows"].append((ours, why))
for kind, found in kinds.items():
    for ours, why in found[: SHOWN if kind == "rows" else 1]:
        print(f"seed {ours['seed']}\n{ours['sql']}\n{why}\n", file=sys.stderr)
    print(f"{len(found)} of this kind\n", file=sys.stderr)
summary = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
for why, count in refusals.most_common(20):
    print(f"{count} times: {why}", file=sys.stderr if differences else sys.stdout)
if differences:
    sys.exit(f"{len(differences)} statements differ; {summary}")
print(f"{outcomes['agreed']} statements agree with DuckDB: {summary}")
