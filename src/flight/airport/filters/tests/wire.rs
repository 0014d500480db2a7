//! What DuckDB's versions write.

use super::*;

#[test]
fn functions_of_duckdb_2_are_understood() {
    let called = |path: &[&str], kind: &str, children: &[Value]| {
        let mut call = many("BOUND_FUNCTION", kind, children);
        call["qname"] = json!({ "path": path });
        call
    };
    let sides = [column(2), constant("INTEGER", 5)];
    let less = called(&["<"], "COMPARE_LESSTHAN", &sides);
    let like = |path: &[&str]| called(path, "BOUND_FUNCTION", &[column(0), text("a_%")]);
    let mut theirs = call("contains", &[column(0), text("a")]);
    theirs["catalog_name"] = "contoso".into();
    let mut ours = theirs.clone();
    ours["catalog_name"] = "system".into();
    check(&[
        (less.clone(), "\"n\" < 5"),
        (not(less), "NOT (\"n\" < 5)"),
        (called(&["<"], "COMPARE_LESSTHAN", &sides[..1]), ""),
        (like(&["~~"]), "\"displayName\" LIKE 'a_%'"),
        (like(&["system", "main", "~~"]), "\"displayName\" LIKE 'a_%'"),
        (like(&["contoso", "main", "~~"]), ""),
        (like(&[]), ""),
        (ours, "contains(\"displayName\", 'a')"),
        (theirs, ""),
    ]);
}

/// As DuckDB 1.5.1 writes it, for `"displayName" LIKE 'u99%'`.
#[test]
fn what_came_over_the_wire_is_understood() {
    let wire = r#"{"filters":[{"expression_class":"BOUND_FUNCTION","type":"BOUND_FUNCTION",
"alias":"","query_location":18446744073709551615,"return_type":{"id":"BOOLEAN","type_info":null},
"children":[{"expression_class":"BOUND_COLUMN_REF","type":"BOUND_COLUMN_REF",
"alias":"displayName","query_location":18446744073709551615,"return_type":{"id":"VARCHAR",
"type_info":null},"binding":{"table_index":0,"column_index":1},"depth":0},{"expression_class":
"BOUND_CONSTANT","type":"VALUE_CONSTANT","alias":"","query_location":18446744073709551615,
"value":{"type":{"id":"VARCHAR","type_info":null},"is_null":false,"value":"u99"}}],"name":"prefix",
"arguments":[{"id":"VARCHAR","type_info":null},{"id":"VARCHAR","type_info":null}],
"original_arguments":[],"catalog_name":"","schema_name":"","has_serialize":false,
"is_operator":false}],"column_binding_names_by_index":["id","displayName"]}"#;
    assert_eq!(sql(wire).unwrap(), "starts_with(\"displayName\", 'u99')");
}
