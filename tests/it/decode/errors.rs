//! What errors say.

use entra_flight::catalog::{Column, Origin, Property, Type};
use entra_flight::decode::{Decoder, Error, OnMismatch, Padded, Settings};
use entra_flight::error::Kind;
use expect_test::{Expect, expect};

use super::documents::column;
use super::{read, settings};

fn plans() -> Vec<Column> {
    let part = |name: &str, ty| Property { name: name.into(), ty };
    let plan = Type::Struct([part("service", Type::Text), part("at", Type::Timestamp)].into());
    vec![
        column("id", Type::Text),
        column("enabled", Type::Boolean),
        column("plans", Type::List(plan.into())),
    ]
}

fn check(pages: &[&str], expected: Expect) {
    let lines = pages.iter().map(|page| {
        let error = read(&plans(), page.as_bytes(), OnMismatch::Error).expect_err("a faulty page");
        assert_eq!(error.kind(), Kind::Corrupt);
        format!("{page}\n    {error}\n")
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn values_of_another_type() {
    check(
        &[
            r#"[{"id":"a"},{"id":1}]"#,
            r#"[{"enabled":"true"}]"#,
            r#"[{"plans":{}}]"#,
            r#"[{"plans":[null,{"service":"x","at":"yesterday"}]}]"#,
            r#"[{"plans":["x"]}]"#,
        ],
        expect![[r#"
            [{"id":"a"},{"id":1}]
                row 1 has no string at byte 18, in column `id`
            [{"enabled":"true"}]
                row 0 has no boolean at byte 12, in column `enabled`
            [{"plans":{}}]
                row 0 has no list at byte 10, in column `plans`
            [{"plans":[null,{"service":"x","at":"yesterday"}]}]
                row 0 has no timestamp at byte 36, in column `plans.at`
            [{"plans":["x"]}]
                row 0 has no object at byte 11, in column `plans`
        "#]],
    );
}

#[test]
fn a_mismatch_names_the_row_by_its_key_and_a_key_is_never_put_aside() {
    let mut columns = plans();
    columns.push(Column { origin: Origin::Parent, ..column("of_id", Type::Text) });
    let key = vec!["of_id".into(), "id".into()];
    let said = |page: &str, on_mismatch| {
        let settings = Settings { key: key.clone(), ..settings(on_mismatch) };
        let mut decoder = Decoder::new(&columns, settings).expect("sound");
        let mut push = |page: &str| {
            let page = Padded::from_vec(page.as_bytes().to_vec());
            decoder.push(&page, 0, Some("p"), &mut Vec::new())
        };
        push("[{},{},{}]").expect("an earlier page");
        let error = push(page).expect_err("a mismatch");
        let hint = error.hint().is_some();
        format!("{error}{}\n", if hint { "" } else { "; no hint" })
    };
    let late = r#"[{"id":"a"},{"enabled":"x","id":"b\n"}]"#;
    let cut = r#"[{"enabled":"x","id":"b"#;
    let lines = [
        said(late, OnMismatch::Error),
        said(cut, OnMismatch::Error),
        said(r#"[{"id":1}]"#, OnMismatch::Extra),
    ];
    expect![[r#"
        row 1 (`id` "b\n", `of_id` "p") has no boolean at byte 23, in column `enabled`
        row 0 (`of_id` "p") has no boolean at byte 12, in column `enabled`
        row 0 has no string at byte 7, in column `id`, which is part of the key; no hint
    "#]]
    .assert_eq(&lines.concat());
}

#[test]
fn what_is_not_json() {
    let deep = format!("[{{\"other\":{}", "[".repeat(64));
    check(
        &[
            "",
            "{}",
            "[",
            "[{}",
            "[{},]",
            "[null]",
            "[{}}",
            r#"[{"id"}]"#,
            r#"[{"id":}]"#,
            r#"[{"id":"a" "enabled":true}]"#,
            r#"[{"id":"a",}]"#,
            r#"[{id:"a"}]"#,
            r#"[{"id":"a}]"#,
            r#"[{"id":"\x"}]"#,
            r#"[{"id":"\ud83"}]"#,
            r#"[{"enabled":truth}]"#,
            r#"[{"enabled":falsy}]"#,
            r#"[{"plans":[{"service":"x"]}]"#,
            r#"[{"plans":[{"at":"x}]}]"#,
            r#"[{"other":[1,2}}]"#,
            r#"[{"other":{"a":1]}]"#,
            r#"[{"other":{"a"}}]"#,
            r#"[{"other":{1:2}}]"#,
            r#"[{"other":01}]"#,
            r#"[{"other":-}]"#,
            r#"[{"other":1.}]"#,
            r#"[{"other":1e}]"#,
            r#"[{"other":"\u00"}]"#,
            r#"[{"other":nul}]"#,
            &deep,
        ],
        expect![[r#"

                the page has no list of rows at byte 0
            {}
                the page has no list of rows at byte 0
            [
                row 0 cannot be read at byte 1: a row has to be an object
            [{}
                row 1 cannot be read at byte 3: a `,` or `]` was expected
            [{},]
                row 1 cannot be read at byte 4: a row has to be an object
            [null]
                row 0 cannot be read at byte 1: a row has to be an object
            [{}}
                row 1 cannot be read at byte 3: a `,` or `]` was expected
            [{"id"}]
                row 0 cannot be read at byte 6: a `:` was expected
            [{"id":}]
                row 0 cannot be read at byte 7, in column `id`: a value was expected
            [{"id":"a" "enabled":true}]
                row 0 cannot be read at byte 11: a `,` or `}` was expected
            [{"id":"a",}]
                row 0 cannot be read at byte 11: a key was expected
            [{id:"a"}]
                row 0 cannot be read at byte 2: a key was expected
            [{"id":"a}]
                row 0 cannot be read at byte 11, in column `id`: the string is not closed, or holds a control character
            [{"id":"\x"}]
                row 0 cannot be read at byte 10, in column `id`: there is no such escape
            [{"id":"\ud83"}]
                row 0 cannot be read at byte 13, in column `id`: `\u` is not followed by four hexadecimal digits
            [{"enabled":truth}]
                row 0 cannot be read at byte 12, in column `enabled`: a value was expected
            [{"enabled":falsy}]
                row 0 cannot be read at byte 13, in column `enabled`: a value was expected
            [{"plans":[{"service":"x"]}]
                row 0 cannot be read at byte 25, in column `plans`: a `,` or `}` was expected
            [{"plans":[{"at":"x}]}]
                row 0 cannot be read at byte 23, in column `plans.at`: the string is not closed, or holds a control character
            [{"other":[1,2}}]
                row 0 cannot be read at byte 14: a `,` or `]` was expected
            [{"other":{"a":1]}]
                row 0 cannot be read at byte 16: a `,` or `}` was expected
            [{"other":{"a"}}]
                row 0 cannot be read at byte 14: a `:` was expected
            [{"other":{1:2}}]
                row 0 cannot be read at byte 11: a key was expected
            [{"other":01}]
                row 0 cannot be read at byte 11: a `,` or `}` was expected
            [{"other":-}]
                row 0 cannot be read at byte 11: a digit was expected
            [{"other":1.}]
                row 0 cannot be read at byte 12: a digit was expected behind the point
            [{"other":1e}]
                row 0 cannot be read at byte 12: a digit was expected in the exponent
            [{"other":"\u00"}]
                row 0 cannot be read at byte 15: `\u` is not followed by four hexadecimal digits
            [{"other":nul}]
                row 0 cannot be read at byte 10: a value was expected
            [{"other":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
                row 0 cannot be read at byte 73: the row nests too deep
        "#]],
    );
    let not_utf8 =
        read(&plans(), b"[{\"id\":\"\xff\"}]", OnMismatch::Error).expect_err("not UTF-8");
    expect!["the page is not UTF-8 behind byte 8"].assert_eq(&not_utf8.to_string());
}

#[test]
fn a_row_may_nest_as_deep_as_the_limit_and_no_deeper() {
    let row = |lists: usize| format!("[{{\"x\":{}{}}}]", "[".repeat(lists), "]".repeat(lists));
    assert!(read(&plans(), row(63).as_bytes(), OnMismatch::Error).is_ok());
    assert!(read(&plans(), row(64).as_bytes(), OnMismatch::Error).is_err());
    let within = |ty| read(&[column("x", ty)], row(63).as_bytes(), OnMismatch::Extra).is_ok();
    assert!(within(Type::Json) && within(Type::List(Type::Json.into())));
}

#[test]
fn columns_that_cannot_be() {
    let deep = (0..64).fold(Type::Text, |ty, _| Type::List(ty.into()));
    let twice = |name: &str| Column { name: name.into(), ..column("x", Type::Text) };
    let part = || Property { name: "p".into(), ty: Type::Text };
    let of = |origin, ty| Column { origin, ..column("c", ty) };
    let cases = [
        vec![twice("a"), twice("b")],
        vec![column("a", Type::Struct([part(), part()].into()))],
        vec![twice("a"), Column { name: "a".into(), ..column("y", Type::Text) }],
        vec![of(Origin::Parent, Type::Int32)],
        vec![of(Origin::Extra, Type::Boolean)],
        vec![
            of(Origin::Extra, Type::Json),
            Column { name: "d".into(), ..of(Origin::Extra, Type::Json) },
        ],
        vec![column("deep", deep)],
    ];
    let lines = cases.iter().map(|columns| {
        let error = Decoder::new(columns, settings(OnMismatch::Error)).expect_err("not sound");
        assert_eq!(error.kind(), Kind::Invalid);
        format!("{error}\n")
    });
    expect![[r#"
        two columns read the member `x`
        two columns read the member `p`
        column `a` stands there twice
        column `c` can only be text
        column `c` can only be text
        column `d` stands there twice
        the type of column `deep` nests too deep
    "#]]
    .assert_eq(&lines.collect::<String>());
}

#[test]
fn a_decoder_that_has_failed_stays_failed() {
    let mut decoder = Decoder::new(&plans(), settings(OnMismatch::Error)).expect("sound");
    let mut push = |page: &str| {
        let page = Padded::from_vec(page.as_bytes().to_vec());
        decoder.push(&page, 0, None, &mut Vec::new())
    };
    assert_eq!(push("[{\"id\":\"a\"}]"), Ok(12));
    let error = push("[{\"id\":\"b\"},{\"id\":").expect_err("cut");
    assert!(matches!(error, Error::Malformed { row: 1, .. }), "{error:?}");
    assert_eq!(push("[]"), Err(error.clone()));
    assert_eq!(decoder.flush(), Err(error.clone()));
    assert_eq!(decoder.finish(), Err(error));
}
