"""Checks of the commands of Flight SQL: what holds for all, and catalogs, schemas, tables."""

import re

import pyarrow as pa
from flight_sql_adbc import connect
from flight_sql_wire import PREFIX, any_of, check, message, only, refused, same, schema_of

TABLES = 24
TEXT = pa.utf8()
TYPE_NAME, REMARKS = "ARROW:FLIGHT:SQL:TYPE_NAME", "ARROW:FLIGHT:SQL:REMARKS"


def required(name, kind=TEXT):
    return pa.field(name, kind, nullable=False)


def optional(name, kind=TEXT):
    return pa.field(name, kind)


CATALOGS = [required("catalog_name")]
SCHEMAS = [optional("catalog_name"), required("db_schema_name")]
LISTED = [optional("catalog_name"), optional("db_schema_name"), required("table_name"),
          required("table_type")]
PRIMARY = [optional("catalog_name"), optional("db_schema_name"), required("table_name"),
           required("column_name"), optional("key_name"), required("key_sequence", pa.int32())]
SIDES = [field for side in ("pk", "fk") for field in (
    optional(f"{side}_catalog_name"), optional(f"{side}_db_schema_name"),
    required(f"{side}_table_name"), required(f"{side}_column_name"))]
FOREIGN = SIDES + [required("key_sequence", pa.int32()), optional("fk_key_name"),
                   optional("pk_key_name"), required("update_rule", pa.uint8()),
                   required("delete_rule", pa.uint8())]
TYPES = [required("type_name"), required("data_type", pa.int32()),
         optional("column_size", pa.int32()), optional("literal_prefix"),
         optional("literal_suffix"), optional("create_params", pa.list_(required("item"))),
         required("nullable", pa.int32()), required("case_sensitive", pa.bool_()),
         required("searchable", pa.int32()), optional("unsigned_attribute", pa.bool_()),
         required("fixed_prec_scale", pa.bool_()), optional("auto_increment", pa.bool_()),
         optional("local_type_name"), optional("minimum_scale", pa.int32()),
         optional("maximum_scale", pa.int32()), required("sql_data_type", pa.int32()),
         optional("datetime_subcode", pa.int32()), optional("num_prec_radix", pa.int32()),
         optional("interval_precision", pa.int32())]

CROSS = {3: "groups", 6: "group_members"}

# Name, body, and the columns of the answer.
COMMANDS = [
    ("CommandGetCatalogs", {}, CATALOGS),
    ("CommandGetDbSchemas", {}, SCHEMAS),
    ("CommandGetTables", {}, LISTED),
    ("CommandGetTables", {5: True}, [*LISTED, required("table_schema", pa.binary())]),
    ("CommandGetTableTypes", {}, [required("table_type")]),
    ("CommandGetPrimaryKeys", {3: "users"}, PRIMARY),
    ("CommandGetExportedKeys", {3: "groups"}, FOREIGN),
    ("CommandGetImportedKeys", {3: "group_members"}, FOREIGN),
    ("CommandGetCrossReference", CROSS, FOREIGN),
    ("CommandGetXdbcTypeInfo", {}, TYPES),
    ("CommandGetSqlInfo", {}, None),
]


def tuples(table):
    return [tuple(row.values()) for row in table.to_pylist()]


def tables(server, **filters):
    """Schemas and names of tables; filters by what they are called in the protocol."""
    numbers = {"catalog": 1, "schema": 2, "table": 3, "types": 4}
    body = {numbers[name]: value for name, value in filters.items()}
    return [row[1:3] for row in tuples(server.read(any_of("CommandGetTables", body)))]


def plain(schema):
    """Names, types and whether null may stand there; for lists that of their items too."""
    def kind(of):
        if pa.types.is_list(of):
            return ("list", kind(of.value_type), of.value_field.nullable)
        return str(of)

    return [(field.name, kind(field.type), field.nullable) for field in schema]


# What holds for every command.


@check
def commands_announce_the_schema_that_comes(server):
    for name, body, columns in COMMANDS:
        table = server.read(any_of(name, body))
        if columns:
            same(plain(table.schema), plain(pa.schema(columns)), f"columns of {name}")
        told = server.schema(any_of(name, body))
        assert told.equals(table.schema), f"GetSchema of {name} tells {told}"


@check
def an_answer_without_rows_has_its_schema(server):
    nothing = "no such name"
    for name, body in [
        ("CommandGetDbSchemas", {2: nothing}),
        ("CommandGetTables", {3: nothing}),
        ("CommandGetTables", {3: nothing, 5: True}),
        ("CommandGetImportedKeys", {3: "users"}),
        ("CommandGetXdbcTypeInfo", {1: 9_999}),
    ]:
        table = server.read(any_of(name, body))
        same(table.num_rows, 0, f"rows of {name}")
        (columns,) = [it for known, asked, it in COMMANDS
                      if known == name and (5 in asked) == (5 in body)]
        same(plain(table.schema), plain(pa.schema(columns)), f"columns of {name}")


@check
def tickets_of_commands_are_commands_and_may_be_used_again(server):
    for name, body, _ in COMMANDS:
        command = any_of(name, body)
        ticket = server.ticket(command)
        same(only(ticket, 1).decode(errors="replace"), PREFIX + name, "the type of a ticket")
        found = [server.redeem(it).read_all() for it in (ticket, ticket, command)]
        assert found[0].equals(found[1]) and found[0].equals(found[2]), f"{name} answers otherwise"


@check
def endpoints_are_on_the_same_connection(server):
    ordered = any_of("CommandStatementQuery", {1: "SELECT id FROM users ORDER BY id"})
    for command in [ordered, *(any_of(name, body) for name, body, _ in COMMANDS)]:
        info = server.info(command)
        same(len(info.endpoints), 1, "endpoints")
        for location in info.endpoints[0].locations:
            same(location.uri, b"arrow-flight-reuse-connection://?", "a location")
        same(info.descriptor.command, command, "the descriptor")


@check
def other_commands_are_refused_in_words(server):
    known = any_of("CommandGetTables")
    for command, codes in [
        (any_of("CommandGetNothing"), "UNIMPLEMENTED|INVALID_ARGUMENT"),
        (any_of("CommandStatementUpdate", {1: "SELECT 1"}), "UNIMPLEMENTED|INVALID_ARGUMENT"),
        (message({1: "type.googleapis.com/google.protobuf.Empty"}),
         "UNIMPLEMENTED|INVALID_ARGUMENT"),
        (known[:-3], "INVALID_ARGUMENT"),
        (message({1: PREFIX + "CommandGetTables", 2: b"\x08\x01\xff"}), "INVALID_ARGUMENT"),
        (message({1: PREFIX + "CommandGetPrimaryKeys", 2: b"\x1a\x02\xff\xff"}),
         "INVALID_ARGUMENT"),
        (any_of("CommandStatementQuery"), "INVALID_ARGUMENT"),
    ]:
        refused(lambda: server.info(command), codes)
        refused(lambda: server.schema(command), codes)
        refused(lambda: server.redeem(command).read_all(), codes)


# Catalogs, schemas and tables.


@check
def catalogs_schemas_and_tables_are_listed_in_order(server):
    same(tuples(server.read(any_of("CommandGetCatalogs"))), [("contoso",)], "catalogs")
    schemas = tuples(server.read(any_of("CommandGetDbSchemas")))
    assert schemas == sorted(schemas), f"in no order: {schemas}"
    names = [schema for catalog, schema in schemas if catalog == "contoso"]
    same(len(names), len(schemas), "schemas of the only catalog")
    assert {"directory", "live", "system"} <= set(names), names
    listed = tuples(server.read(any_of("CommandGetTables")))
    assert listed == sorted(listed), "tables are in no order"
    same({row[0] for row in listed}, {"contoso"}, "catalogs of tables")
    for schema in ("directory", "live"):
        of = [row for row in listed if row[1] == schema]
        same(len(of), TABLES, f"tables of {schema}")
        assert {"users", "groups", "group_members"} <= {row[2] for row in of}
    assert ("contoso", "system", "tables") in [row[:3] for row in listed]
    assert {row[1] for row in listed} <= set(names), f"tables of other schemas than {names}"


@check
def a_catalog_narrows_what_is_listed(server):
    everything = server.read(any_of("CommandGetTables"))
    same(server.read(any_of("CommandGetTables", {1: "contoso"})).equals(everything), True, "all")
    same(tables(server, catalog="nowhere"), [], "tables of a catalog that is none")
    schemas = server.read(any_of("CommandGetDbSchemas"))
    found = server.read(any_of("CommandGetDbSchemas", {1: "contoso"}))
    same(found.equals(schemas), True, "all schemas")
    found = server.read(any_of("CommandGetDbSchemas", {1: "nowhere"}))
    same(found.num_rows, 0, "schemas of a catalog that is none")


# Of the tables of `directory`; `None` is all of them.
PATTERNS = [
    ("%", None),
    ("users", {"users"}),
    ("user_", {"users"}),
    ("_sers", {"users"}),
    ("user", set()),
    ("user%", {"users", "user_managers", "user_app_role_assignments"}),
    (r"user\_%", {"user_managers", "user_app_role_assignments"}),
    (r"user\_", set()),
    (r"user\%", set()),
    ("group_members", {"group_members"}),
    (r"group\_members", {"group_members"}),
    (r"group\_\_members", set()),
    ("group%members", {"group_members"}),
    ("g_o%s", {"groups", "group_members", "group_owners", "group_app_role_assignments"}),
    ("%.%", set()),
    ("user[s]", set()),
]


@check
def patterns_choose_tables(server):
    everything = set(tables(server, schema="directory"))
    for pattern, expected in PATTERNS:
        found = tables(server, schema="directory", table=pattern)
        wanted = everything if expected is None else {("directory", name) for name in expected}
        same(set(found), wanted, f"tables like `{pattern}`")


@check
def patterns_choose_schemas(server):
    for pattern, expected in [
        ("live", {"live"}), ("l_ve", {"live"}), (r"l\_ve", set()), ("%r%", {"directory"}),
        ("%i_e%", {"live", "directory"}), ("nowhere", set()),
    ]:
        found = tuples(server.read(any_of("CommandGetDbSchemas", {2: pattern})))
        schemas = {schema for _, schema in found} - {"stored", "information_schema"}
        same(schemas, expected, f"schemas like `{pattern}`")
        schemas = {schema for schema, _ in tables(server, schema=pattern, table="users")}
        same(schemas - {"stored"}, expected - {"system"}, f"schemas of users like `{pattern}`")


@check
def types_of_tables_choose_tables(server):
    types = [name for name, in tuples(server.read(any_of("CommandGetTableTypes")))]
    assert types == sorted(set(types)) and "TABLE" in types, types
    listed = tuples(server.read(any_of("CommandGetTables")))
    assert {row[3] for row in listed} <= set(types), f"other types than {types}"
    same([row[3] for row in listed if row[1:3] == ("directory", "users")], ["TABLE"], "of users")
    for kinds in [*([name] for name in types), types, ["TABLE", "NONE"], ["NONE"], ["table"]]:
        wanted = [row[1:3] for row in listed if row[3] in kinds]
        same(tables(server, types=kinds), wanted, f"tables of the types {kinds}")


# Columns.


def with_schemas(server, **filters):
    """The schema of each table, by schema and name."""
    body = {2: filters.get("schema"), 3: filters.get("table"), 5: True}
    found = server.read(any_of("CommandGetTables", body)).to_pylist()
    return {(row["db_schema_name"], row["table_name"]): schema_of(row["table_schema"])
            for row in found}


@check
def tables_tell_their_columns(server):
    schemas = with_schemas(server)
    same(set(schemas), set(tables(server)), "tables with their schemas")
    for (schema, name), columns in schemas.items():
        assert len(columns) > 0, f"no columns in {name}"
        for field in columns:
            told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
            what = f"{schema}.{name}.{field.name}"
            assert told.get(TYPE_NAME), f"no {TYPE_NAME} at {what}: {told}"
            assert told.get(REMARKS) or schema == "system", f"no {REMARKS} at {what}: {told}"
            for key, expected in [("CATALOG_NAME", "contoso"), ("SCHEMA_NAME", schema),
                                  ("DB_SCHEMA_NAME", schema), ("TABLE_NAME", name)]:
                same(told.get(f"ARROW:FLIGHT:SQL:{key}", expected), expected, f"{key} at {what}")
            for key in ("AUTO_INCREMENT", "CASE_SENSITIVE", "READ_ONLY", "SEARCHABLE"):
                truth = told.get(f"ARROW:FLIGHT:SQL:IS_{key}", "1")
                assert truth in ("0", "1"), f"IS_{key} at {what} is {truth!r}"


@check
def columns_are_those_that_a_query_gives(server):
    for (schema, name), columns in with_schemas(server).items():
        found = server.sql(f'SELECT * FROM "{schema}"."{name}" WHERE 1 = 0').schema
        same(found.names, columns.names, f"columns of {schema}.{name}")
        for field in found:
            same(field.type, columns.field(field.name).type, f"{schema}.{name}.{field.name}")
            # JDBC takes remarks of an answer for the labels of its columns.
            keys = [key for key in field.metadata or {} if key.startswith(b"ARROW:FLIGHT:SQL:")]
            same(keys, [], f"told of {field.name} in an answer")


@check
def columns_have_types_that_every_client_reads(server):
    def refuse(kind, what):
        for at in range(kind.num_fields):
            refuse(kind.field(at).type, what)
        word = str(kind)
        assert not re.match("large_|dictionary|run_end|null|uint|dense|sparse|halffloat|"
                            ".*_view", word), f"{what} is {word}"

    for (schema, name), columns in with_schemas(server).items():
        for field in columns:
            refuse(field.type, f"{schema}.{name}.{field.name}")
    odd = server.sql("SELECT NULL AS n, arrow_cast('x', 'Utf8View') AS v,"
                     " arrow_cast('x', 'LargeUtf8') AS l, make_array('x') AS a")
    for field in odd.schema.remove(odd.schema.get_field_index("l")):
        refuse(field.type, field.name)


# Objects, with ADBC.


def objects(connection, depth, **filters):
    found = connection.adbc_get_objects(depth=depth, **filters).read_all().to_pylist()
    return {catalog["catalog_name"]: {
        schema["db_schema_name"]: {
            table["table_name"]: table for table in schema["db_schema_tables"] or []}
        for schema in catalog["catalog_db_schemas"] or []} for catalog in found}


@check
def objects_are_told_at_every_depth(server):
    with connect(server) as connection:
        same(objects(connection, "catalogs"), {"contoso": {}}, "catalogs")
        found = objects(connection, "db_schemas")["contoso"]
        assert {"directory", "live", "system"} <= set(found), set(found)
        same([it for it in found.values() if it], [], "tables among schemas")
        found = objects(connection, "tables")["contoso"]
        same(len(found["directory"]), TABLES, "tables")
        same(found["directory"]["users"]["table_type"], "TABLE", "the type of users")
        same(found["directory"]["users"]["table_columns"] or [], [], "columns among tables")
        for depth in ("columns", "all"):
            columns = objects(connection, depth)["contoso"]["directory"]["users"]["table_columns"]
            names = [column["column_name"] for column in columns]
            same(names, server.sql("SELECT * FROM users WHERE 1 = 0").schema.names, "columns")
            same([it["ordinal_position"] for it in columns], list(range(1, len(names) + 1)),
                 "their positions")
            assert all(it["xdbc_type_name"] for it in columns), columns


@check
def objects_are_chosen_by_patterns_and_types(server):
    with connect(server) as connection:
        same(objects(connection, "all", catalog_filter="nowhere"), {}, "of no catalog")
        found = objects(connection, "db_schemas", catalog_filter="cont_s%")
        assert set(found) == {"contoso"} and "live" in found["contoso"], found
        found = objects(connection, "tables", db_schema_filter="dir%")["contoso"]
        same({schema: len(it) for schema, it in found.items()}, {"directory": TABLES}, "dir%")
        for pattern, expected in PATTERNS:
            found = objects(connection, "tables", db_schema_filter="directory",
                            table_name_filter=pattern)["contoso"]["directory"]
            wanted = TABLES if expected is None else len(expected)
            same(len(found), wanted, f"tables like `{pattern}`")
        found = objects(connection, "tables", db_schema_filter="live",
                        table_types_filter=["NONE"])["contoso"]["live"]
        same(found, {}, "tables of a type that is none")
        found = objects(connection, "columns", db_schema_filter="live", table_name_filter="users",
                        table_types_filter=["TABLE"], column_name_filter="%DateTime")
        columns = found["contoso"]["live"]["users"]["table_columns"]
        names = {column["column_name"] for column in columns}
        assert "createdDateTime" in names and "id" not in names, names


@check
def the_schema_of_a_table_is_told_by_its_name(server):
    with connect(server) as connection:
        for name in ("users", "group_members", "user_app_role_assignments"):
            expected = server.sql(f"SELECT * FROM {name} WHERE 1 = 0").schema
            for filters in [{}, {"db_schema_filter": "directory"}, {"db_schema_filter": "live"},
                            {"catalog_filter": "contoso", "db_schema_filter": "live"}]:
                found = connection.adbc_get_table_schema(name, **filters)
                assert found.names == expected.names, f"{name} with {filters}: {found}"
                same(found.types, expected.types, f"types of {name} with {filters}")
        for name, filters in [("user_", {}), ("nothing", {}), ("user%", {}),
                              ("users", {"db_schema_filter": "nowhere"}),
                              ("users", {"catalog_filter": "nowhere"})]:
            try:
                found = connection.adbc_get_table_schema(name, **filters)
            except Exception as error:
                same(error.status_code.name, "NOT_FOUND", f"{name} with {filters}")
            else:
                raise AssertionError(f"{name} with {filters} is {found}")


@check
def types_of_tables_are_told_to_adbc(server):
    with connect(server) as connection:
        types = [name for name, in tuples(server.read(any_of("CommandGetTableTypes")))]
        same(connection.adbc_get_table_types(), types, "types of tables")
