"""What `CommandGetSqlInfo` has to tell, by the ids of FlightSql.proto.

JDBC asks for all of it once, casts each value to one kind, and dies of an id that is missing, of
another kind, or not in its list.
"""

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
    508: (LIST, has("select")),
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
