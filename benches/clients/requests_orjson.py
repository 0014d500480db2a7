"""What people write in an afternoon: a session, orjson, and Table.from_pylist page by page.

With a fourth argument the rows go to that Parquet file; with a fifth it stops after so many rows.
"""

import json
import sys
import time

import orjson
import pyarrow
import pyarrow.parquet
import requests

graph, login, columns = sys.argv[1:4]
path = sys.argv[4] if len(sys.argv) > 4 else None
limit = int(sys.argv[5]) if len(sys.argv) > 5 else None
select = ",".join(name for name in columns.split(",") if name not in ("odata_type", "_extra"))


def widened(field):
    if pyarrow.types.is_null(field.type):
        return field.with_type(pyarrow.string())
    if pyarrow.types.is_list(field.type) and pyarrow.types.is_null(field.type.value_type):
        return field.with_type(pyarrow.list_(pyarrow.string()))
    return field


session = requests.Session()
form = {
    "grant_type": "client_credentials",
    "client_id": "00000000-0000-4000-8000-000000000001",
    "client_secret": "simulated-secret",
    "scope": "https://graph.microsoft.com/.default",
}
token = session.post(f"{login}/contoso.example/oauth2/v2.0/token", data=form).json()
session.headers["Authorization"] = f"Bearer {token['access_token']}"

began, rows, schema, file = time.perf_counter(), 0, None, None
link = f"{graph}/users?$top=999&$select={select}"
while link:
    answer = session.get(link)
    answer.raise_for_status()
    page = orjson.loads(answer.content)
    table = pyarrow.Table.from_pylist(page["value"], schema=schema)
    rows += table.num_rows
    if path:
        if file is None:
            # A column of nulls, or of empty lists, would not take later values.
            schema = pyarrow.schema([widened(field) for field in table.schema])
            table = pyarrow.Table.from_pylist(page["value"], schema=schema)
            file = pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")
        file.write_table(table)
    link = page.get("@odata.nextLink") if limit is None or rows < limit else None
if file:
    file.close()
print(json.dumps({"rows": rows, "seconds": time.perf_counter() - began}))
