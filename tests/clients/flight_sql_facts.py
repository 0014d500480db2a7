"""Checks of what a server tells of keys, of types, and of itself.

JDBC asks once for all that `CommandGetSqlInfo` has, casts each value to one kind, and dies of an id
that is missing, of another kind, or not in its list.
"""

import re

import pyarrow as pa
from flight_sql_adbc import connect
from flight_sql_commands import TYPE_NAME, with_schemas
from flight_sql_wire import any_of, check, same, varint

# Keys.


@check
def primary_keys_are_told_in_order(server):
    for name, key in [("users", ["id"]), ("group_members", ["group_id", "id"]),
                      ("user_managers", ["user_id"])]:
        for schema in ("directory", "live"):
            body = {1: "contoso", 2: schema, 3: name}
            found = server.read(any_of("CommandGetPrimaryKeys", body)).to_pylist()
            wanted = [("contoso", schema, name, column, at + 1) for at, column in enumerate(key)]
            keys = ("catalog_name", "db_schema_name", "table_name", "column_name", "key_sequence")
            same([tuple(row[name] for name in keys) for row in found], wanted, f"key of {name}")
        found = server.read(any_of("CommandGetPrimaryKeys", {3: name})).to_pylist()
        same([row["column_name"] for row in found if row["db_schema_name"] == "live"], key, name)
    # A name is no pattern here.
    for body in ({3: "user_"}, {3: "nothing"}, {1: "nowhere", 3: "users"},
                 {2: "nowhere", 3: "users"}):
        same(server.read(any_of("CommandGetPrimaryKeys", body)).num_rows, 0, f"keys of {body}")


@check
def foreign_keys_lead_from_members_to_groups_or_nowhere(server):
    def told(name, body):
        found = server.read(any_of(name, body)).to_pylist()
        return sorted((row["pk_table_name"], row["pk_column_name"], row["fk_table_name"],
                       row["fk_column_name"], row["key_sequence"]) for row in found)

    imported = told("CommandGetImportedKeys", {2: "directory", 3: "group_members"})
    link = ("groups", "id", "group_members", "group_id", 1)
    assert not imported or link in imported, imported
    exported = told("CommandGetExportedKeys", {2: "directory", 3: "groups"})
    same(link in exported, link in imported, "the same key from the other side")
    crossed = told("CommandGetCrossReference", {2: "directory", 3: "groups", 5: "directory",
                                                6: "group_members"})
    same(crossed, [it for it in imported if it[0] == "groups"], "the keys between the two")


# What the server can, by the ids of FlightSql.proto.

# The children of the union, in order.
TEXT, TRUTH, LONG, INT, LIST, MAP = KINDS = (
    "string_value",
    "bool_value",
    "bigint_value",
    "int32_bitmask",
    "string_list",
    "int32_to_int32_list_map",
)

# Every id that there is.
IDS = {*range(12), 100, 101, *range(500, 577)}


def some(told):
    return bool(told)


def has(*names):
    return lambda told: set(names) <= {name.lower() for name in told}


def within(*values):
    return lambda told: told in values


# Kind and value, or what holds for the value; `None` is any.
INFO = {
    0: (TEXT, some),  # name
    1: (TEXT, some),  # version
    2: (TEXT, some),  # version of Arrow
    3: (TRUTH, True),  # read only
    4: (TRUTH, True),  # SQL
    5: (TRUTH, False),  # Substrait
    8: (INT, 0),  # transactions: none
    9: (TRUTH, None),  # cancelling
    10: (TRUTH, False),  # bulk ingestion
    11: (TRUTH, False),  # transactions of it
    100: (INT, None),  # timeout of a statement
    101: (INT, None),  # and of a transaction
    500: (TRUTH, False),  # DDL of catalogs
    501: (TRUTH, False),  # of schemas
    502: (TRUTH, False),  # of tables
    # Names without quotes: 3 is folded to lower case, 1 is found in any case.
    503: (INT, within(1, 3)),
    504: (TEXT, '"'),
    # Names in quotes: there is no value for "sensitive", so unknown.
    505: (INT, 0),
    506: (TRUTH, None),  # all tables may be read
    507: (INT, within(0, 1, 2, 3)),  # order of nulls
    508: (LIST, some),
    509: (LIST, has("abs", "round")),
    510: (LIST, has("lower", "upper")),
    511: (LIST, None),
    512: (LIST, has("now", "date_trunc")),
    513: (TEXT, "\\"),
    514: (TEXT, ""),
    515: (TRUTH, True),  # column aliases
    516: (TRUTH, True),  # NULL + NULL is NULL
    517: (MAP, None),
    518: (TRUTH, True),  # table aliases
    519: (TRUTH, None),  # which must differ from names
    520: (TRUTH, True),  # expressions in ORDER BY
    521: (TRUTH, True),  # of columns that are not selected
    522: (INT, 0b11),
    523: (TRUTH, True),  # LIKE … ESCAPE
    524: (TRUTH, None),
    525: (INT, 0b011),
    526: (INT, within(0b001, 0b111)),
    527: (TRUTH, False),
    528: (INT, 0b110),
    529: (TEXT, "schema"),
    530: (TEXT, "procedure"),
    531: (TEXT, "catalog"),
    532: (TRUTH, True),
    533: (INT, 0),
    534: (INT, 0),
    535: (INT, 0),
    536: (TRUTH, False),
    537: (TRUTH, False),
    538: (INT, 0b1111),
    539: (TRUTH, True),
    540: (INT, 0b11),
    556: (TRUTH, None),
    562: (LONG, 0),
    563: (TRUTH, False),
    564: (INT, 0b1),
    565: (TRUTH, False),
    566: (TRUTH, None),
    567: (INT, 0b010),
    568: (INT, 0b010),
    569: (INT, 0b010),
    570: (INT, 0b010),
    571: (INT, 0b010),
    572: (TRUTH, False),
    573: (TRUTH, False),
    574: (TRUTH, False),
    575: (TRUTH, False),
    576: (TRUTH, False),
}

# Every maximum, and the length of a schema's name.
INFO |= {number: (LONG, None) for number in [*range(541, 556), *range(557, 562)]}


def infos(server, wanted=None):
    """Id, kind and value of what is told."""
    packed = {1: b"".join(varint(number) for number in wanted or [])}
    found = server.read(any_of("CommandGetSqlInfo", packed if wanted else {})).combine_chunks()
    names = found["info_name"].to_pylist()
    if not names:
        return {}
    union = found["value"].chunk(0)
    kinds = [KINDS[code] for code in union.type_codes.to_pylist()]
    same(len(set(names)), len(names), "each id once")
    values = [union[at].as_py() for at in range(len(union))]
    return dict(zip(names, zip(kinds, values, strict=True), strict=True))


@check
def sql_info_has_its_schema(server):
    schema = server.info(any_of("CommandGetSqlInfo")).schema
    same([(field.name, field.nullable) for field in schema],
         [("info_name", False), ("value", False)], "columns")
    same(schema.field("info_name").type, pa.uint32(), "the type of an id")
    union = schema.field("value").type
    same((union.mode, list(union.type_codes)), ("dense", list(range(6))), "the union")
    same([union.field(at).name for at in range(6)], list(KINDS), "its children")
    same([str(union.field(at).type) for at in range(4)], ["string", "bool", "int64", "int32"],
         "their types")


@check
def sql_info_is_complete(server):
    found = infos(server)
    same(sorted(set(INFO) - set(found)), [], "ids that are missing")
    same(sorted(set(found) - IDS), [], "ids that are none")
    for number, (kind, expected) in INFO.items():
        same(found[number][0], kind, f"the kind of {number}")
        told = found[number][1]
        if callable(expected):
            assert expected(told), f"{number} is {told!r}"
        elif expected is not None:
            same(told, expected, f"{number}")


@check
def sql_info_is_told_of_what_is_asked(server):
    everything = infos(server)
    for wanted in [[8], [0, 1, 2, 4, 5], [576, 0]]:
        found = infos(server, wanted)
        same(found, {number: everything[number] for number in wanted}, f"the infos {wanted}")


@check
def functions_that_are_told_are_there(server):
    found = server.sql("SELECT DISTINCT routine_name FROM information_schema.routines")
    known = {name.lower() for name in found["routine_name"].to_pylist()}
    told = infos(server)
    for number in (509, 510, 511, 512):
        unknown = [name for name in told[number][1] if name.lower() not in known]
        same(unknown, [], f"functions of {number} that are none")


@check
def a_driver_learns_what_the_server_is(server):
    with connect(server) as connection:
        found = connection.adbc_get_info()
    assert found["vendor_name"] and found["vendor_version"], found
    assert re.fullmatch(r"\d+(\.\d+)*", found["vendor_arrow_version"]), found


@check
def types_are_told_with_the_names_that_columns_use(server):
    found = server.read(any_of("CommandGetXdbcTypeInfo")).to_pylist()
    order = [(row["data_type"], row["type_name"]) for row in found]
    assert order and order == sorted(order), f"types are in no order: {order}"
    names = {row["type_name"] for row in found}
    for (schema, table), columns in with_schemas(server).items():
        for field in columns:
            if field.type.num_fields == 0:
                name = field.metadata[TYPE_NAME.encode()].decode()
                assert name in names, f"{name} of {schema}.{table}.{field.name} is not in {names}"
    for kind in {row["data_type"] for row in found}:
        some = server.read(any_of("CommandGetXdbcTypeInfo", {1: kind})).to_pylist()
        same(some, [row for row in found if row["data_type"] == kind], f"types {kind}")
