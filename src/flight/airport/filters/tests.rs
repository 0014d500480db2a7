//! Tables of filters and what they say; `rows` has whole trees of them and what they let through,
//! `bounds` what is too much, `wire` what DuckDB really wrote.

mod bounds;
mod rows;
mod wire;

use serde_json::{Value, json};

use super::sql;

/// A type of each column, in the order of [`NAMES`].
const TYPES: [&str; 9] = [
    "VARCHAR",
    "BOOLEAN",
    "INTEGER",
    "DOUBLE",
    "DATE",
    "TIMESTAMP WITH TIME ZONE",
    "VARCHAR",
    "BIGINT",
    "UBIGINT",
];
const NAMES: [&str; 9] =
    ["displayName", "on", "n", "d", "day", "createdDateTime", "a\"b", "rowid", "u"];

/// The number that DuckDB gives to what has no place in the text.
const NOWHERE: u64 = u64::MAX;

fn ty(id: &str) -> Value {
    json!({ "id": id, "type_info": null })
}

fn column(index: usize) -> Value {
    let ty = ty(TYPES.get(index).unwrap_or(&"VARCHAR"));
    json!({
        "expression_class": "BOUND_COLUMN_REF", "type": "BOUND_COLUMN_REF", "alias": "x",
        "query_location": NOWHERE, "return_type": ty, "depth": 0,
        "binding": { "table_index": 4, "column_index": index },
    })
}

fn constant_of(ty: &Value, value: &Value) -> Value {
    let mut constant = json!({ "type": ty, "is_null": value.is_null() });
    if !value.is_null() {
        constant["value"] = value.clone();
    }
    json!({
        "expression_class": "BOUND_CONSTANT", "type": "VALUE_CONSTANT", "alias": "",
        "query_location": NOWHERE, "value": constant,
    })
}

fn constant(id: &str, value: impl Into<Value>) -> Value {
    constant_of(&ty(id), &value.into())
}

fn text(value: &str) -> Value {
    constant("VARCHAR", value)
}

fn compare(kind: &str, left: Value, right: Value) -> Value {
    json!({
        "expression_class": "BOUND_COMPARISON", "type": format!("COMPARE_{kind}"), "alias": "",
        "query_location": 36, "left": left, "right": right,
    })
}

/// Of the column at `index`, with a constant of its type.
fn equal(index: usize, value: impl Into<Value>) -> Value {
    compare("EQUAL", column(index), constant(TYPES[index], value))
}

fn many(class: &str, kind: &str, children: &[Value]) -> Value {
    json!({
        "expression_class": class, "type": kind, "alias": "", "query_location": NOWHERE,
        "return_type": ty("BOOLEAN"), "children": children,
    })
}

fn and(children: &[Value]) -> Value {
    many("BOUND_CONJUNCTION", "CONJUNCTION_AND", children)
}

fn or(children: &[Value]) -> Value {
    many("BOUND_CONJUNCTION", "CONJUNCTION_OR", children)
}

fn operator(kind: &str, children: &[Value]) -> Value {
    many("BOUND_OPERATOR", kind, children)
}

fn not(child: Value) -> Value {
    operator("OPERATOR_NOT", &[child])
}

fn call(name: &str, children: &[Value]) -> Value {
    let mut call = many("BOUND_FUNCTION", "BOUND_FUNCTION", children);
    call["name"] = name.into();
    call
}

fn cast(child: Value, to: &Value) -> Value {
    json!({
        "expression_class": "BOUND_CAST", "type": "OPERATOR_CAST", "alias": "",
        "query_location": NOWHERE, "child": child, "return_type": to, "try_cast": false,
    })
}

fn between(input: Value, lower: Value, upper: Value, inclusive: [bool; 2]) -> Value {
    json!({
        "expression_class": "BOUND_BETWEEN", "type": "COMPARE_BETWEEN", "alias": "",
        "query_location": NOWHERE, "input": input, "lower": lower, "upper": upper,
        "lower_inclusive": inclusive[0], "upper_inclusive": inclusive[1],
    })
}

/// Something that nobody understands.
fn unknown() -> Value {
    call("regexp_matches", &[column(0), text("a")])
}

fn filters(filters: &[Value]) -> String {
    json!({ "filters": filters, "column_binding_names_by_index": NAMES }).to_string()
}

/// Each filter alone, and what it says; nothing where it is empty.
fn check(cases: &[(Value, &str)]) {
    for (filter, expected) in cases {
        let found = sql(&filters(std::slice::from_ref(filter))).unwrap_or_default();
        assert_eq!(&found, expected, "{filter}");
    }
}

#[test]
fn comparisons_are_said_with_the_constant_on_either_side() {
    let of = |kind| compare(kind, column(2), constant("INTEGER", 5));
    check(&[
        (of("EQUAL"), "\"n\" = 5"),
        (of("NOTEQUAL"), "\"n\" <> 5"),
        (of("LESSTHAN"), "\"n\" < 5"),
        (of("GREATERTHAN"), "\"n\" > 5"),
        (of("LESSTHANOREQUALTO"), "\"n\" <= 5"),
        (of("GREATERTHANOREQUALTO"), "\"n\" >= 5"),
        (of("DISTINCT_FROM"), "(\"n\" IS DISTINCT FROM 5)"),
        (of("NOT_DISTINCT_FROM"), "(\"n\" IS NOT DISTINCT FROM 5)"),
        (of("IN"), ""),
        (compare("LESSTHAN", constant("INTEGER", 5), column(2)), "5 < \"n\""),
        (compare("EQUAL", column(0), column(6)), ""),
        (compare("EQUAL", text("a"), text("a")), ""),
        (compare("EQUAL", column(2), constant("BIGINT", 5)), ""),
        (
            compare("DISTINCT_FROM", column(0), constant("VARCHAR", ())),
            "(\"displayName\" IS DISTINCT FROM NULL)",
        ),
    ]);
}

#[test]
fn constants_are_written_as_the_columns_hold_them() {
    let of = |id: &str, value: Value| {
        let mut column = column(2);
        column["return_type"] = ty(id);
        compare("EQUAL", column, constant(id, value))
    };
    let big = |upper: i64, lower: u64| json!({ "upper": upper, "lower": lower });
    check(&[
        (equal(0, "O'Brien"), "\"displayName\" = 'O''Brien'"),
        (equal(0, ""), "\"displayName\" = ''"),
        (equal(0, "a\\n\n\"ü\u{1F600}"), "\"displayName\" = 'a\\n\n\"ü\u{1F600}'"),
        (equal(6, "x"), "\"a\"\"b\" = 'x'"),
        (equal(0, json!({ "base64": "/w==" })), ""),
        (equal(1, true), "\"on\" = TRUE"),
        (equal(1, 1), ""),
        (of("TINYINT", (-1).into()), "\"n\" = -1"),
        (of("BIGINT", i64::MIN.into()), "\"n\" = -9223372036854775808"),
        (of("UBIGINT", u64::MAX.into()), "\"n\" = 18446744073709551615"),
        (of("HUGEINT", big(-1, u64::MAX)), "\"n\" = -1"),
        (of("HUGEINT", big(0, 5)), "\"n\" = 5"),
        (of("HUGEINT", big(54, 1)), ""),
        (of("INTEGER", 1.5.into()), ""),
        (equal(3, 0.1), "\"d\" = 0.1"),
        (equal(3, -1e300), "\"d\" = -1e300"),
        (equal(3, 2), "\"d\" = 2.0"),
        (equal(3, 0.0), ""),
        (equal(3, -0.0), ""),
        (equal(4, -5), "\"day\" = arrow_cast(-5, 'Date32')"),
        (equal(4, 1_u64 << 40), ""),
        (
            equal(5, 1_767_323_045_000_006_i64),
            "\"createdDateTime\" = \
             arrow_cast(1767323045000006, 'Timestamp(Microsecond, Some(\"UTC\"))')",
        ),
        (of("TIMESTAMP_NS", 1.into()), ""),
        (of("UUID", big(1, 1)), ""),
        (of("BLOB", "a".into()), ""),
        (of("INTEGER", Value::Null), "\"n\" = NULL"),
        (of("LIST", Value::Null), ""),
    ]);
}

#[test]
fn decimals_are_said_with_their_digits() {
    let of = |width: u8, scale: u8, value: Value| {
        let info = json!({ "type": "DECIMAL_TYPE_INFO", "width": width, "scale": scale });
        let ty = json!({ "id": "DECIMAL", "type_info": info });
        let mut column = column(2);
        column["return_type"] = ty.clone();
        compare("EQUAL", column, constant_of(&ty, &value))
    };
    check(&[
        (of(10, 2, 150.into()), "\"n\" = CAST('1.50' AS DECIMAL(10, 2))"),
        (of(10, 2, (-5).into()), "\"n\" = CAST('-0.05' AS DECIMAL(10, 2))"),
        (of(4, 0, 7.into()), "\"n\" = CAST('7' AS DECIMAL(4, 0))"),
        (
            of(38, 1, json!({ "upper": 1, "lower": 0 })),
            "\"n\" = CAST('1844674407370955161.6' AS DECIMAL(38, 1))",
        ),
        (of(39, 0, 7.into()), ""),
        (of(3, 4, 7.into()), ""),
    ]);
}

#[test]
fn a_type_that_means_more_than_its_name_is_not_understood() {
    let json = json!({ "type": "GENERIC_TYPE_INFO", "alias": "JSON" });
    let json = json!({ "id": "VARCHAR", "type_info": json });
    let mut column = column(0);
    column["return_type"] = json.clone();
    check(&[
        (compare("EQUAL", column.clone(), constant_of(&json, &"{}".into())), ""),
        (compare("EQUAL", column.clone(), text("{}")), ""),
        (compare("EQUAL", cast(column.clone(), &ty("VARCHAR")), text("{}")), ""),
        (call("prefix", &[column.clone(), text("{}")]), ""),
        (operator("OPERATOR_IS_NULL", &[column]), "\"displayName\" IS NULL"),
    ]);
}

#[test]
fn only_casts_that_change_nothing_are_passed_over() {
    let widened = |id: &str| cast(column(2), &ty(id));
    check(&[
        (
            compare("LESSTHAN", widened("BIGINT"), constant("BIGINT", 1_u64 << 32)),
            "\"n\" < 4294967296",
        ),
        (compare("LESSTHAN", column(7), constant("BIGINT", 1)), ""),
        (compare("EQUAL", widened("SMALLINT"), constant("SMALLINT", 1)), ""),
        (compare("EQUAL", widened("VARCHAR"), text("1")), ""),
        (compare("EQUAL", widened("DOUBLE"), constant("DOUBLE", 1)), ""),
        (compare("EQUAL", cast(column(5), &ty("DATE")), constant("DATE", 1)), ""),
        (compare("EQUAL", cast(column(0), &ty("VARCHAR")), text("a")), "\"displayName\" = 'a'"),
        (compare("EQUAL", column(2), cast(constant("TINYINT", 1), &ty("INTEGER"))), "\"n\" = 1"),
        (compare("EQUAL", column(5), cast(constant("TIMESTAMP", 1), &ty(TYPES[5]))), ""),
    ]);
}

#[test]
fn operators_say_lists_nulls_and_the_opposite_of_what_is_exact() {
    let list = |kind, values: &[Value]| operator(kind, &[&[column(0)], values].concat());
    let is_null = operator("OPERATOR_IS_NULL", &[column(0)]);
    let name = "\"displayName\"";
    check(&[
        (list("COMPARE_IN", &[text("a"), text("b")]), "\"displayName\" IN ('a', 'b')"),
        (list("COMPARE_NOT_IN", &[text("a")]), "\"displayName\" NOT IN ('a')"),
        (
            list("COMPARE_IN", &[text("a"), constant("VARCHAR", ())]),
            "\"displayName\" IN ('a', NULL)",
        ),
        (list("COMPARE_IN", &[text("a"), column(6)]), ""),
        (list("COMPARE_IN", &[text("a"), unknown()]), ""),
        (list("COMPARE_IN", &[]), ""),
        (is_null.clone(), &format!("{name} IS NULL")),
        (operator("OPERATOR_IS_NOT_NULL", &[column(0)]), &format!("{name} IS NOT NULL")),
        (operator("OPERATOR_IS_NULL", &[unknown()]), ""),
        (operator("OPERATOR_COALESCE", &[column(0), text("a")]), ""),
        (column(1), "\"on\""),
        (column(0), ""),
        (constant("BOOLEAN", false), "FALSE"),
        (constant("BOOLEAN", ()), ""),
        (not(column(1)), "NOT (\"on\")"),
        (not(is_null.clone()), &format!("NOT ({name} IS NULL)")),
        (not(equal(0, "a")), &format!("NOT ({name} = 'a')")),
        (not(list("COMPARE_IN", &[text("a")])), &format!("NOT ({name} IN ('a'))")),
        (not(not(column(1))), ""),
        (not(unknown()), ""),
        (not(and(&[column(1), unknown()])), ""),
        (not(call("prefix", &[column(0), text("a")])), ""),
    ]);
}

#[test]
fn patterns_are_said_where_they_mean_the_same() {
    let of = |name, pattern: &str| call(name, &[column(0), text(pattern)]);
    check(&[
        (of("prefix", "u'9"), "starts_with(\"displayName\", 'u''9')"),
        (of("starts_with", "u"), "starts_with(\"displayName\", 'u')"),
        (of("suffix", "9"), "ends_with(\"displayName\", '9')"),
        (of("contains", "%"), "contains(\"displayName\", '%')"),
        (of("~~", "a_b%"), "\"displayName\" LIKE 'a_b%'"),
        (of("~~", "a\\_b%"), ""),
        (of("~~", &"a".repeat(2_000)), ""),
        (of("~~*", "%SmIth İ%"), "\"displayName\" ILIKE '%Sm_th _%'"),
        (of("!~~", "a%"), ""),
        (call("prefix", &[column(0), column(6)]), ""),
        (call("prefix", &[text("a"), column(0)]), ""),
        (call("prefix", &[column(0), constant("VARCHAR", ())]), ""),
        (call("prefix", &[column(0)]), ""),
        (call("contains", &[column(2), constant("INTEGER", 1)]), ""),
    ]);
}

#[test]
fn a_range_keeps_the_bound_that_is_understood() {
    let of =
        |inclusive| between(column(2), constant("INTEGER", 1), constant("INTEGER", 5), inclusive);
    let half = between(column(2), column(7), constant("INTEGER", 5), [true, true]);
    let mut other = of([true, true]);
    other["type"] = "COMPARE_NOT_BETWEEN".into();
    check(&[
        (of([true, true]), "(\"n\" >= 1 AND \"n\" <= 5)"),
        (of([false, true]), "(\"n\" > 1 AND \"n\" <= 5)"),
        (of([true, false]), "(\"n\" >= 1 AND \"n\" < 5)"),
        (half, "\"n\" <= 5"),
        (between(unknown(), column(2), column(2), [true, true]), ""),
        (not(of([true, true])), ""),
        (other, ""),
    ]);
}

#[test]
fn what_is_not_understood_widens() {
    let (a, b) = (equal(0, "a"), column(1));
    check(&[
        (and(&[a.clone(), unknown(), b.clone()]), "(\"displayName\" = 'a' AND \"on\")"),
        (and(&[unknown()]), ""),
        (or(&[a.clone(), unknown()]), ""),
        (or(&[a.clone(), b.clone()]), "(\"displayName\" = 'a' OR \"on\")"),
        (or(&[a.clone(), and(&[b.clone(), unknown()])]), "(\"displayName\" = 'a' OR \"on\")"),
        (and(&[or(&[a.clone(), unknown()]), b.clone()]), "\"on\""),
        (and(&[a.clone(), or(std::slice::from_ref(&b))]), "(\"displayName\" = 'a' AND \"on\")"),
        (or(&[]), ""),
        (json!({ "expression_class": "BOUND_SUBQUERY", "type": "X" }), ""),
        (json!({ "expression_class": "BOUND_COMPARISON" }), ""),
        (json!(7), ""),
        (equal(7, 1), ""),
        (compare("EQUAL", column(99), text("a")), ""),
    ]);
    let both = sql(&filters(&[a.clone(), unknown(), or(&[b.clone(), a.clone()])]));
    assert_eq!(both.unwrap(), "\"displayName\" = 'a' AND (\"on\" OR \"displayName\" = 'a')");
    assert_eq!(sql(&filters(&[json!({ "expression_class": 1 }), b])).unwrap(), "\"on\"");
}

#[test]
fn a_column_of_an_outer_query_or_in_no_table_is_not_understood() {
    let mut outer = column(1);
    outer["depth"] = 1.into();
    let mut far = column(1);
    far["binding"]["column_index"] = u64::MAX.into();
    check(&[(outer, ""), (far, "")]);
    for name in ["", "rowid", &"x".repeat(2_000)] {
        let text = json!({ "filters": [column(0)], "column_binding_names_by_index": [name] });
        assert_eq!(sql(&text.to_string().replace("VARCHAR", "BOOLEAN")), None);
    }
}
