//! Values of each type, one by one.

use entra_flight::catalog::{Column, Origin, Property, Type};
use entra_flight::decode::OnMismatch;
use expect_test::{Expect, expect};

use super::documents::column;
use super::reference::Cell;
use super::{agree, read};

#[path = "../../../benches/support/users.rs"]
mod users;

/// One column of this type, and what becomes of each value, one a line; `!` marks a mismatch.
fn check(ty: Type, values: &[&str], expected: Expect) {
    let columns = [column("v", ty)];
    let lines = values.iter().map(|value| {
        let page = format!("[{{\"v\":{value}}}]");
        assert!(agree(&columns, page.as_bytes()), "{value}");
        let read = read(&columns, page.as_bytes(), OnMismatch::Extra).expect("the page is JSON");
        let mark = if read.mismatches[0] == 0 { "" } else { "! " };
        format!("{value} → {mark}{:?}\n", read.rows[0][0])
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn numbers() {
    let values = [
        "0",
        "-0",
        "2147483647",
        "2147483648",
        "-2147483648",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1.0",
        "1e2",
        "\"12\"",
        "\"-12\"",
        "\"+12\"",
        "\"\"",
        "\"1.0\"",
        "true",
        "[1]",
    ];
    check(
        Type::Int32,
        &values,
        expect![[r#"
        0 → Integer(0)
        -0 → Integer(0)
        2147483647 → Integer(2147483647)
        2147483648 → ! Null
        -2147483648 → Integer(-2147483648)
        9223372036854775807 → ! Null
        -9223372036854775808 → ! Null
        9223372036854775808 → ! Null
        1.0 → ! Null
        1e2 → ! Null
        "12" → ! Null
        "-12" → ! Null
        "+12" → ! Null
        "" → ! Null
        "1.0" → ! Null
        true → ! Null
        [1] → ! Null
    "#]],
    );
    check(
        Type::Int64,
        &values,
        expect![[r#"
        0 → Integer(0)
        -0 → Integer(0)
        2147483647 → Integer(2147483647)
        2147483648 → Integer(2147483648)
        -2147483648 → Integer(-2147483648)
        9223372036854775807 → Integer(9223372036854775807)
        -9223372036854775808 → Integer(-9223372036854775808)
        9223372036854775808 → ! Null
        1.0 → ! Null
        1e2 → ! Null
        "12" → Integer(12)
        "-12" → Integer(-12)
        "+12" → ! Null
        "" → ! Null
        "1.0" → ! Null
        true → ! Null
        [1] → ! Null
    "#]],
    );
}

#[test]
fn doubles_are_rounded_correctly() {
    let doubles = [
        ("0.1", 0.1),
        ("-0.0", -0.0),
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("9007199254740993.0000000000000000000000000001", 9_007_199_254_740_994.0),
        ("2.2250738585072011e-308", f64::from_bits(0x000f_ffff_ffff_ffff)),
        ("5e-324", f64::from_bits(1)),
        ("1e-400", 0.0),
        ("1.7976931348623157e308", f64::MAX),
        ("\"INF\"", f64::INFINITY),
        ("\"-INF\"", f64::NEG_INFINITY),
        ("\"NaN\"", f64::NAN),
    ];
    let columns = [column("v", Type::Float64)];
    for (text, expected) in doubles {
        let page = format!("[{{\"v\":{text}}}]");
        let read = read(&columns, page.as_bytes(), OnMismatch::Error).expect("the page is sound");
        assert_eq!(read.rows, [[Cell::Float(expected.to_bits())]], "{text}");
    }
    check(
        Type::Float64,
        &["1e400", "\"1.5\"", "\"inf\"", "false"],
        expect![[r#"
        1e400 → ! Null
        "1.5" → ! Null
        "inf" → ! Null
        false → ! Null
    "#]],
    );
}

#[test]
fn times() {
    check(
        Type::Timestamp,
        &[
            "\"2024-02-29T12:34:56Z\"",
            "\"2024-02-29T12:34:56.1234567Z\"",
            "\"2024-02-29T12:34:56.123456789012+05:30\"",
            "\"2024-02-29T12:34Z\"",
            "\"0001-01-01T00:00:00Z\"",
            "\"9999-12-31T23:59:59.9999999Z\"",
            "\"2024\\u002d02-29T12:34:56Z\"",
            "\"2024-02-30T12:34:56Z\"",
            "\"2023-02-29T12:34:56Z\"",
            "\"0000-01-01T00:00:00Z\"",
            "\"2024-02-29T12:34:60Z\"",
            "\"2024-02-29\"",
            "1709210096",
        ],
        expect![[r#"
            "2024-02-29T12:34:56Z" → Integer(1709210096000000)
            "2024-02-29T12:34:56.1234567Z" → Integer(1709210096123456)
            "2024-02-29T12:34:56.123456789012+05:30" → Integer(1709190296123456)
            "2024-02-29T12:34Z" → Integer(1709210040000000)
            "0001-01-01T00:00:00Z" → Integer(-62135596800000000)
            "9999-12-31T23:59:59.9999999Z" → Integer(253402300799999999)
            "2024\u002d02-29T12:34:56Z" → Integer(1709210096000000)
            "2024-02-30T12:34:56Z" → ! Null
            "2023-02-29T12:34:56Z" → ! Null
            "0000-01-01T00:00:00Z" → ! Null
            "2024-02-29T12:34:60Z" → ! Null
            "2024-02-29" → ! Null
            1709210096 → ! Null
        "#]],
    );
    let days = ["\"1970-01-01\"", "\"0001-01-01\"", "\"2023-02-29\"", "\"2024-02-29T00:00:00Z\""];
    check(
        Type::Date,
        &days,
        expect![[r#"
        "1970-01-01" → Integer(0)
        "0001-01-01" → Integer(-719162)
        "2023-02-29" → ! Null
        "2024-02-29T00:00:00Z" → ! Null
    "#]],
    );
    let clocks = ["\"00:00:00\"", "\"23:59:59.9999999\"", "\"07:30\"", "\"24:00:00\"", "\"7:30\""];
    check(
        Type::Time,
        &clocks,
        expect![[r#"
        "00:00:00" → Integer(0)
        "23:59:59.9999999" → Integer(86399999999)
        "07:30" → Integer(27000000000)
        "24:00:00" → ! Null
        "7:30" → ! Null
    "#]],
    );
}

#[test]
fn texts() {
    let texts = [
        "\"\"",
        r#""\" \\ \/ \b \f \n \r \t \u00e9 \u0000""#,
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\ude00\ud83d""#,
        r#""\ud83d\ud83d\ude00""#,
        "1",
        "{}",
    ];
    check(
        Type::Text,
        &texts,
        expect![[r#"
        "" → Text("")
        "\" \\ \/ \b \f \n \r \t \u00e9 \u0000" → Text("\" \\ / \u{8} \u{c} \n \r \t é \0")
        "\ud83d\ude00" → Text("😀")
        "\ud83d" → Text("�")
        "\ude00\ud83d" → Text("��")
        "\ud83d\ud83d\ude00" → Text("�😀")
        1 → ! Null
        {} → ! Null
    "#]],
    );
    check(
        Type::Binary,
        &["\"\"", "\"QUI=\"", "\"QUI\"", "\"-_-_\"", "\"Q\"", "\"Q Q\""],
        expect![[r#"
            "" → Bytes([])
            "QUI=" → Bytes([65, 66])
            "QUI" → Bytes([65, 66])
            "-_-_" → Bytes([251, 255, 191])
            "Q" → ! Null
            "Q Q" → ! Null
        "#]],
    );
    check(
        Type::Json,
        &["{ \"a\" : [1, 2] }", "\"\\ud800\"", "1e999", "[]"],
        expect![[r#"
        { "a" : [1, 2] } → Text("{ \"a\" : [1, 2] }")
        "\ud800" → Text("\"\\ud800\"")
        1e999 → Text("1e999")
        [] → Text("[]")
    "#]],
    );
}

#[test]
fn lists_and_objects() {
    let part = |name: &str, ty| Property { name: name.into(), ty };
    let pair = Type::Struct([part("a", Type::Text), part("b", Type::Int32)].into());
    let values = [
        "[]",
        "[null,{}]",
        "[{\"b\":1,\"a\":\"x\"},{\"a\":null,\"other\":[{}]}]",
        "[{\"a\":\"first\",\"a\":\"last\",\"b\":1,\"b\":null}]",
        "[{\"\\u0061\":\"escaped\"}]",
        "[1,{\"a\":2}]",
        "{}",
    ];
    check(
        Type::List(pair.into()),
        &values,
        expect![[r#"
        [] → List([])
        [null,{}] → List([Null, Struct([Null, Null])])
        [{"b":1,"a":"x"},{"a":null,"other":[{}]}] → List([Struct([Text("x"), Integer(1)]), Struct([Null, Null])])
        [{"a":"first","a":"last","b":1,"b":null}] → List([Struct([Text("last"), Null])])
        [{"\u0061":"escaped"}] → List([Struct([Text("escaped"), Null])])
        [1,{"a":2}] → ! List([Null, Struct([Null, Null])])
        {} → ! Null
    "#]],
    );
    check(
        Type::Struct([].into()),
        &["{}", "{\"a\":1}", "null", "[]"],
        expect![[r#"
        {} → Struct([])
        {"a":1} → Struct([])
        null → Null
        [] → ! Null
    "#]],
    );
    let nested = Type::List(Type::List(Type::Boolean.into()).into());
    check(
        nested,
        &["[[true,false],[],null,[null]]", "[true]"],
        expect![[r#"
        [[true,false],[],null,[null]] → List([List([Boolean(true), Boolean(false)]), List([]), Null, List([Null])])
        [true] → ! List([Null])
    "#]],
    );
}

#[test]
fn the_rest_of_a_row_is_kept_in_the_order_of_names() {
    let rest = Column { origin: Origin::Extra, ..column("_extra", Type::Json) };
    let columns = [column("id", Type::Text), column("@odata.type", Type::Text), rest];
    let page = r##"[
        {"z": [1, {"y":2}], "id":"1", "a":null, "members@odata.context":"c", "@odata.type":"#t"},
        {"id":"2", "@odata.id":"x"},
        {"\u0062":1, "b":2, "id":"3"}
    ]"##;
    assert!(agree(&columns, page.as_bytes()));
    let read = read(&columns, page.as_bytes(), OnMismatch::Error).expect("the page is sound");
    let rows: String = read.rows.iter().map(|row| format!("{row:?}\n")).collect();
    expect![[r##"
        [Text("1"), Text("#t"), Rest([("a", "null"), ("z", "[1, {\"y\":2}]")])]
        [Text("2"), Null, Null]
        [Text("3"), Null, Rest([("b", "2")])]
    "##]]
    .assert_eq(&rows);
}

#[test]
fn what_nested_values_hold_beyond_their_columns_mirrors_their_place() {
    let rest = Column { origin: Origin::Extra, ..column("_extra", Type::Json) };
    let of = |name: &str, ty: &str| column(name, ty.parse().expect("a type"));
    let columns = [
        of("id", "text"),
        of("at", "timestamp"),
        of("deviceDetail", "struct<deviceId: text, on: boolean>"),
        of("targets", "list<struct<id: text, tags: list<int32>>>"),
        of("open", "json"),
        rest,
    ];
    let page = r##"[
        {"id":"1","deviceDetail":{"deviceId":"1","new":"x"}},
        {"targets":[{"id":"a"},null,{"Type":"User", "@odata.type":"#u", "@odata.id":"i", "id@x":1}]},
        {"at":"","deviceDetail":{"on":"true"},"targets":[{"tags":[1,"2",3]}],"zz":1,"open":{"a":1}},
        {"deviceDetail":[{}],"targets":{"a":1}},
        {"deviceDetail":{"new":1,"n\u0065w":2,"on":1},"targets":[{"x":1}],"id":"5","targets":[]},
        {"at":1,"at":"2026-01-01T00:00:00Z","deviceDetail":{"on":1,"on":true},"id":"6"}
    ]"##;
    assert!(agree(&columns, page.as_bytes()));
    let read = read(&columns, page.as_bytes(), OnMismatch::Extra).expect("the page is sound");
    let rows: String = read.rows.iter().map(|row| format!("{:?}\n", row[5])).collect();
    expect![[r##"
        Rest([("deviceDetail", "{\"new\":\"x\"}")])
        Rest([("targets", "[null,null,{\"@odata.type\":\"#u\",\"Type\":\"User\"}]")])
        Rest([("at", "\"\""), ("deviceDetail", "{\"on\":\"true\"}"), ("targets", "[{\"tags\":[null,\"2\",null]}]"), ("zz", "1")])
        Rest([("deviceDetail", "[{}]"), ("targets", "{\"a\":1}")])
        Rest([("deviceDetail", "{\"n\\u0065w\":2,\"on\":1}")])
        Null
    "##]]
    .assert_eq(&rows);
    assert_eq!(read.duplicates, 4, "`new`, `targets`, `at`, `on`");
    assert_eq!(read.mismatches, [0, 2, 4, 2, 0, 0]);
}

#[test]
fn strings_of_every_length_at_every_place_end_where_they_end() {
    let columns = [column("v", Type::Text), column("w", Type::Text)];
    for len in 0..100 {
        for special in ["", "\\n", "é", "\\u00e9"] {
            let plain = "x".repeat(len);
            let page =
                format!("[{{\"v\":\"{plain}{special}{plain}\",\"w\":\"{special}{plain}\"}}]");
            assert!(agree(&columns, page.as_bytes()), "{page}");
        }
        for wrong in ["\n", "\u{1f}", "\0", "\\", "\\x", "\\u00g0", "\\u12"] {
            let page = format!("[{{\"v\":\"{}{wrong}\"}}]", "x".repeat(len));
            assert!(!agree(&columns, page.as_bytes()), "{page}");
            assert!(!agree(&columns[1..], page.as_bytes()), "{page}");
        }
    }
}

#[test]
fn pages_as_graph_writes_them_are_read_whole() {
    let (columns, page) = (users::columns(), users::page(50));
    assert!(agree(&columns, &page));
    assert!(agree(&columns[..20], &page), "what is not declared is left out");
    let read = read(&columns, &page, OnMismatch::Error).expect("the page is sound");
    assert!(read.rows.iter().all(|row| row.last() == Some(&Cell::Null)), "nothing is left over");
    assert!(agree(&users::member_columns(), &users::member_page(50)));
}
