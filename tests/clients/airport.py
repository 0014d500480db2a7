"""Plays DuckDB's Airport extension: python airport.py grpc://HOST:PORT [stored]

Every call of the extension in the order in which DuckDB makes them, with its headers and its
packing: bytes go as text, and the client reads one result of an action. `stored` says that the
server has a store. Needs msgpack, pyarrow and zstandard.
"""

import json
import sys
import uuid

import msgpack
import pyarrow as pa
import pyarrow.flight as flight
import zstandard

address, stored = sys.argv[1], "stored" in sys.argv[2:]
catalog = "contoso"
client = flight.connect(address)
session = str(uuid.uuid4())
transaction = None  # how the server calls the one that runs
NOWHERE = 2**64 - 1  # also DuckDB's number of the column that is none, for count(*)


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r} is not {expected!r}"


def options(path=None, action=None, more=()):
    """The headers of a call: those of the catalogue, then those of a table."""
    headers = {"airport-user-agent": "airport/20250723", "authority": address,
               "airport-client-session-id": session, "airport-catalog": catalog}
    if path is not None:
        headers |= {"airport-trace-id": str(uuid.uuid4()), "airport-flight-path": "/".join(path)}
    if transaction is not None:
        headers["airport-transaction-id"] = transaction
    # The extension sends the name of an action twice.
    pairs = [*headers.items(), *[("airport-action-name", action)] * 2 * bool(action), *more]
    encoded = [(name.encode(), value.encode()) for name, value in pairs]
    return flight.FlightCallOptions(headers=encoded, timeout=60)


def packed(**body):
    # Without the binary type bytes become text, UTF-8 or not, as the extension's do.
    return msgpack.packb(body, use_bin_type=False)


def act(action, path=None, **body):
    """The one result that the extension reads."""
    call = flight.Action(action, packed(**body))
    results = [it.body.to_pybytes() for it in client.do_action(call, options(path, action))]
    assert results, f"{action} gave no result, and the extension would follow a null pointer"
    return results[0]


def unpacked(data):
    return msgpack.unpackb(data, raw=False)


def uncompressed(data):
    length, compressed = unpacked(data)
    plain = zstandard.ZstdDecompressor().decompress(compressed, max_output_size=max(length, 1))
    same(len(plain), length, "the length before compression")
    return plain


def refused(word, call, kind=Exception):
    try:
        call()
    except (pa.ArrowException, NotImplementedError, KeyError, flight.FlightError) as error:
        assert isinstance(error, kind), f"{type(error).__name__} is no {kind.__name__}: {error}"
        assert word in str(error), f"{word} is not in {error}"
    else:
        raise AssertionError(f"nothing was refused; expected {word}")


# What DuckDB serializes of a WHERE.


def expression(kind, type, **more):
    return {"expression_class": kind, "type": type, "alias": "", "query_location": NOWHERE, **more}


def column(index, type):
    return expression("BOUND_COLUMN_REF", "BOUND_COLUMN_REF", depth=0,
                      return_type={"id": type, "type_info": None},
                      binding={"table_index": 0, "column_index": index})


def constant(value, type):
    value = {"type": {"id": type, "type_info": None}, "is_null": False, "value": value}
    return expression("BOUND_CONSTANT", "VALUE_CONSTANT", value=value)


def compare(kind, left, right):
    return expression("BOUND_COMPARISON", f"COMPARE_{kind}", left=left, right=right)


def function(name, *children):
    return expression("BOUND_FUNCTION", "BOUND_FUNCTION", name=name, children=children,
                      return_type={"id": "BOOLEAN", "type_info": None}, catalog_name="",
                      schema_name="", is_operator=False, has_serialize=False)


def filters(names, *conditions):
    return json.dumps({"filters": conditions, "column_binding_names_by_index": names})




def begin():
    begun = unpacked(act("create_transaction", catalog_name=catalog))
    same(set(begun), {"identifier"}, "what is told of a transaction")
    return begun["identifier"]


# ATTACH makes no call. The first statement starts a transaction and lists the schemas.
transaction = begin()
assert isinstance(transaction, str), transaction

root = unpacked(uncompressed(act("list_schemas", catalog_name=catalog)))
same(set(root), {"contents", "schemas", "version_info"}, "the root")
same(root["contents"]["sha256"], "", "a bundle that must not be cached")
names = [schema["name"] for schema in root["schemas"]]
same(len(set(names)), len(names), "schemas of different names")
assert "main" not in names and "" not in names, names
same(set(names), {"directory", "live", "system"} | ({"stored"} if stored else set()), "schemas")

tables = {}
for schema in root["schemas"]:
    same(schema["contents"]["sha256"], "", f"the hash of {schema['name']}")
    assert isinstance(schema["description"], str) and isinstance(schema["tags"], dict), schema
    serialized = schema["contents"]["serialized"]
    # An empty schema must say so: without contents the extension fails on an empty address.
    assert serialized is not None, f"{schema['name']} has no inline contents"
    for info in unpacked(uncompressed(serialized)):
        info = flight.FlightInfo.deserialize(info)
        about = unpacked(info.app_metadata)
        same(about["type"], "table", "what a flight is")
        same(about["catalog"], catalog, "the catalogue, or the extension refuses it")
        same(about["schema"], schema["name"], "the schema")
        assert about["name"] and (schema["name"], about["name"]) not in tables, about
        assert len(info.schema) > 0, f"{about['name']} has no columns"
        folded = [name.lower() for name in info.schema.names]
        same(len(set(folded)), len(folded), f"names of {about['name']} that differ without case")
        tables[schema["name"], about["name"]] = info
assert ("directory", "users") in tables and ("live", "users") in tables, sorted(tables)

# Every bind asks whether the catalogue has changed.
version = unpacked(act("catalog_version", catalog_name=catalog))
same(set(version), {"catalog_version", "is_fixed"}, "the version")
same(version, root["version_info"], "the version, asked twice")


def scan(info, columns, json_filters="", at=("", "")):
    """What DuckDB does with a table, up to the rows that it has not filtered again."""
    path = [part.decode() for part in info.descriptor.path or ()]
    ids = [info.schema.names.index(name) for name in columns] or [NOWHERE - 1]
    parameters = {"json_filters": json_filters, "column_ids": ids, "at_unit": at[0],
                  "table_function_parameters": "", "table_function_input_schema": "",
                  "at_value": at[1]}
    endpoints = unpacked(act("endpoints", path, descriptor=info.descriptor.serialize(),
                             parameters=parameters))
    stored_one = info.descriptor.path[0] == b"stored" or any(at)
    parts, known = [], stored_one and not json_filters
    for endpoint in map(flight.FlightEndpoint.deserialize, endpoints):
        location = endpoint.locations[0].uri.decode()
        same(location, "arrow-flight-reuse-connection://?", "where the rows are")
        reader = client.do_get(endpoint.ticket, options(path))
        # The extension takes columns by their place: the schema is that of the whole table.
        assert reader.schema.equals(info.schema, check_metadata=False), reader.schema
        progress = 0.0
        for chunk in reader:
            # Anything but a map of progress makes a scan fail.
            assert bool(chunk.app_metadata) == known, f"{chunk.app_metadata} with a batch"
            if known:
                said = unpacked(chunk.app_metadata.to_pybytes())
                same(set(said), {"progress"}, "what goes along with a batch")
                assert progress <= said["progress"] <= 1.0, said
                progress = said["progress"]
            parts.append(chunk.data)
        same(progress, 1.0 if known else 0.0, "the progress at the end")
    rows = pa.Table.from_batches(parts, info.schema)
    # Rows that are only counted come with a column all the same: the first.
    # Tables of `system` are small and come whole.
    whole = info.descriptor.path[0] == b"system"
    for name in set(info.schema.names) - set(columns or info.schema.names[:1]) if not whole else ():
        same(rows[name].null_count, rows.num_rows, f"values of {name}, which was not asked for")
    return rows


users = tables["directory", "users"]
whole = client.do_get(flight.Ticket(b"users")).read_all()
ids = set(whole["id"].to_pylist())
people = {row["id"]: row for row in whole.select(["id", "displayName", "accountEnabled",
                                                 "createdDateTime", "department"]).to_pylist()}

# Without a filter, with few columns and with none, which is how DuckDB counts.
few = scan(users, ["id", "displayName"])
same(set(few["id"].to_pylist()), ids, "the ids of a whole scan")
same(few.num_rows, len(ids), "rows, each once")
same({row["id"]: row["displayName"] for row in few.select(["id", "displayName"]).to_pylist()},
     {id: row["displayName"] for id, row in people.items()}, "the columns asked for")
same(scan(users, []).num_rows, len(ids), "rows of count(*)")
every = scan(users, users.schema.names)
assert {name: every[name].null_count for name in every.schema.names} == \
    {name: whole[name].null_count for name in whole.schema.names}, "nulls of a whole scan"

# With filters: more rows than asked for may come, never fewer, and never others.
name = next(row["displayName"] for row in people.values() if row["displayName"])
start = name[:2]
times = sorted(row["createdDateTime"] for row in people.values() if row["createdDateTime"])
middle = times[len(times) // 2]
micros = pa.scalar(middle, pa.timestamp("us", "UTC")).value
bound = ["id", "displayName", "accountEnabled", "createdDateTime", "department"]
text, flag = column(1, "VARCHAR"), column(2, "BOOLEAN")
moment, unit = column(3, "TIMESTAMP WITH TIME ZONE"), column(4, "VARCHAR")
sales = constant("Sales", "VARCHAR")
unknown = function("sounds_like", text, constant("x", "VARCHAR"))
either = expression("BOUND_CONJUNCTION", "CONJUNCTION_OR", children=[
    compare("EQUAL", unit, sales), compare("EQUAL", text, constant(name, "VARCHAR"))])
unknown_or = expression("BOUND_CONJUNCTION", "CONJUNCTION_OR", children=[flag, unknown])
missing = expression("BOUND_OPERATOR", "OPERATOR_IS_NULL", children=[unit],
                     return_type={"id": "BOOLEAN", "type_info": None})
listed = expression("BOUND_OPERATOR", "COMPARE_IN", children=[
    unit, sales, constant("O'Brien \"x\"", "VARCHAR")],
    return_type={"id": "BOOLEAN", "type_info": None})
cases = [
    ("a text", [compare("EQUAL", text, constant(name, "VARCHAR"))],
     lambda row: row["displayName"] == name),
    ("a beginning", [function("prefix", text, constant(start, "VARCHAR"))],
     lambda row: (row["displayName"] or "").startswith(start)),
    ("a boolean", [flag], lambda row: row["accountEnabled"]),
    ("a time", [compare("GREATERTHANOREQUALTO", moment,
                        constant(micros, "TIMESTAMP WITH TIME ZONE"))],
     lambda row: row["createdDateTime"] and row["createdDateTime"] >= middle),
    ("either", [either],
     lambda row: row["department"] == "Sales" or row["displayName"] == name),
    ("nothing", [missing], lambda row: row["department"] is None),
    ("a list", [listed], lambda row: row["department"] == "Sales"),
    ("two of which one is unknown", [compare("EQUAL", unit, sales), unknown],
     lambda row: row["department"] == "Sales"),
    ("one unknown", [unknown], lambda row: True),
    ("either of which one is unknown", [unknown_or], lambda row: True),
]
for what, conditions, holds in cases:
    rows = scan(users, bound, filters(bound, *conditions))
    found = rows["id"].to_pylist()
    wanted = {id for id, row in people.items() if holds(row)}
    same(len(set(found)), len(found), f"rows of {what}, each once")
    assert wanted <= set(found) <= ids, f"{what}: {len(wanted - set(found))} rows are missing"
    by_id = rows.select(bound).to_pylist()
    same([row for row in by_id if row != people[row["id"]]], [], f"other values for {what}")
for broken in ("{", '{"filters":7}', "[" * 1000):
    same(scan(users, ["id"], broken).num_rows, len(ids), f"rows with the filters {broken[:9]!r}")

# Every other table is opened as well, if only for its schema.
for (schema, table), info in tables.items():
    if table != "users" and (schema != "live" or table in ("groups", "domains")):
        scan(info, info.schema.names[:1])

# AT (VERSION => …), where there are versions.
if stored:
    path = [part.decode() for part in users.descriptor.path or ()]
    at = {"descriptor": users.descriptor.serialize(), "at_unit": "VERSION", "at_value": "0"}
    info = flight.FlightInfo.deserialize(act("flight_info", path, **at))
    same(info.descriptor, users.descriptor, "the descriptor, or the extension refuses it")
    old = scan(info, ["id"], at=("VERSION", "0"))
    assert len(set(old["id"].to_pylist())) == old.num_rows > 0, "no rows in version 0"


def statistics(info, name):
    """What the planner is told of a column, which it takes to be true of every row."""
    path = [part.decode() for part in info.descriptor.path or ()]
    body = act("column_statistics", path, flight_descriptor=info.descriptor.serialize(),
               column_name=name, type="VARCHAR")
    row = pa.ipc.open_stream(body).read_all()
    same(row.schema.names, ["min", "max", "has_not_null", "has_null", "distinct_count"], "columns")
    same(row.num_rows, 1, "rows of statistics")
    return row


# Statistics, of stored tables: what they say holds for every value of every column.
bounded = 0
for (schema, table), info in tables.items():
    flag = (info.schema.metadata or {}).get(b"can_produce_statistics")
    same(bool(flag), schema == "stored", f"whether {schema}.{table} has statistics")
    if not flag:
        continue
    rows = scan(info, info.schema.names)
    for field in info.schema:
        told, cells = statistics(info, field.name), rows[field.name]
        what = f"{table}.{field.name}"
        assert told["has_null"][0].as_py() or cells.null_count == 0, f"nulls of {what}"
        some = cells.null_count < len(cells)
        assert told["has_not_null"][0].as_py() or not some, f"values of {what}"
        same(told["distinct_count"][0].as_py(), 0, "a number that nobody knows")
        kind = getattr(field.type, "storage_type", field.type)
        if pa.types.is_nested(kind):
            continue
        least, greatest = told["min"][0].as_py(), told["max"][0].as_py()
        same(told.schema.field("min").type, kind, f"the type of the bounds of {what}")
        if pa.types.is_string(kind):
            # A null would break the client, and the longest text it is told of is the longest
            # there is.
            assert least is not None and len(greatest.encode()) >= 64, (what, least, greatest)
            order = lambda text: text.encode()
        else:
            order = lambda value: value
        if least is None or not some:
            continue
        bounded += 1
        for value in cells.drop_null().to_pylist():
            assert order(least) <= order(value) <= order(greatest), (what, least, value, greatest)
if stored:
    assert bounded > 20, f"{bounded} columns have bounds"
    moments = statistics(tables["stored", "users"], "createdDateTime")
    assert moments["min"][0].as_py() is not None, "exact bounds of a time"
    same(statistics(tables["stored", "users"], "id")["has_null"][0].as_py(), False, "ids")
    refused("createdDateTim", lambda: statistics(tables["stored", "users"], "createdDateTim"))
    # What a transaction does not see, its statistics do not tell: a load after it began.
    before = scan(tables["stored", "users"], ["id"]).num_rows
    versions = unpacked(act("catalog_version", catalog_name=catalog))["catalog_version"]
    lines = list(client.do_action(flight.Action(
        "load", json.dumps({"method": "reload", "tables": ["users"]}).encode())))
    assert lines, "a load tells how it goes"
    now = unpacked(act("catalog_version", catalog_name=catalog))["catalog_version"]
    same(now, versions + 1, "the number of the catalogue after a load")
    same(scan(tables["stored", "users"], ["id"]).num_rows, before, "rows in one transaction")
    transaction = begin()
    scan(tables["stored", "users"], ["id"])

# What would write is refused, with a sentence.
DDL = ("create_schema drop_schema create_table drop_table add_column remove_column rename_column "
       "rename_table add_field remove_field rename_field set_default change_column_type "
       "set_not_null drop_not_null add_constraint").split()
for action in DDL:
    about = {"catalog": catalog, "catalog_name": catalog, "schema": "directory", "name": "users",
             "ignore_not_found": False}
    refused("this server only reads", lambda: act(action, **about), flight.FlightUnauthorizedError)


def exchange(operation):
    more = (("airport-operation", operation), ("return-chunks", "0"))
    writer, reader = client.do_exchange(users.descriptor, options(["users"], more=more))
    writer.done_writing()
    reader.read_all()


for operation in ("insert", "update", "delete"):
    refused("this server only reads", lambda: exchange(operation), flight.FlightUnauthorizedError)
refused("do_exchange", lambda: exchange("scalar_function"), NotImplementedError)

# A catalogue that is not there says so.
refused("contosso", lambda: act("list_schemas", catalog_name="contosso"))

# airport_databases(), which is airport_take_flight(['__databases']): no table of the catalogue.
info = client.get_flight_info(flight.FlightDescriptor.for_path("__databases"), options())
rows = pa.concat_tables(client.do_get(endpoint.ticket, options()).read_all()
                        for endpoint in info.endpoints)
assert any(catalog in rows[name].to_pylist() for name in rows.schema.names), rows
print(f"airport: {len(tables)} tables, {len(ids)} users")
