//! Types as text.

use entra_flight::catalog::{Property, Type};
use expect_test::{Expect, expect};
use proptest::prelude::*;

#[test]
fn a_text_that_is_no_type_says_where() {
    let deep = format!("{}text{}", "list<".repeat(16), ">".repeat(16));
    let cases: [(&str, Expect); 10] = [
        ("", expect!["expected a type at byte 0 of a type"]),
        ("Text", expect!["unknown type `Text` at byte 0 of a type"]),
        ("list", expect!["expected `<` at byte 4 of a type"]),
        ("list<text", expect!["expected `>` at byte 9 of a type"]),
        ("list<text>>", expect!["expected the end at byte 10 of a type"]),
        ("struct<>", expect!["expected a part's name at byte 7 of a type"]),
        ("struct<a text>", expect!["expected `:` at byte 9 of a type"]),
        ("struct<a: text,>", expect!["expected a part's name at byte 15 of a type"]),
        ("struct<a: text, a: date>", expect!["a second part `a` at byte 16 of a type"]),
        (&deep, expect!["more than 16 levels at byte 80 of a type"]),
    ];
    for (text, expected) in cases {
        expected.assert_eq(&text.parse::<Type>().unwrap_err().to_string());
    }
}

fn any_type() -> impl Strategy<Value = Type> {
    let scalars = prop_oneof![
        Just(Type::Text),
        Just(Type::Boolean),
        Just(Type::Int32),
        Just(Type::Int64),
        Just(Type::Float64),
        Just(Type::Timestamp),
        Just(Type::Date),
        Just(Type::Time),
        Just(Type::Binary),
        Just(Type::Json),
    ];
    scalars.prop_recursive(5, 24, 4, |inner| {
        let parts = prop::collection::btree_map("[a-z@_][A-Za-z0-9_.]{0,6}", inner.clone(), 1..4);
        prop_oneof![
            inner.prop_map(|item| Type::List(item.into())),
            parts.prop_map(|parts| Type::Struct(
                parts.into_iter().map(|(name, ty)| Property { name: name.into(), ty }).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn a_type_is_read_as_it_was_written(ty in any_type()) {
        let text = ty.to_string();
        prop_assert_eq!(text.parse::<Type>(), Ok(ty.clone()));
        let spaced = text.replace('<', " < ").replace('>', " > ").replace(':', " :");
        prop_assert_eq!(spaced.parse::<Type>(), Ok(ty));
    }

    #[test]
    fn no_text_breaks_the_notation(text in "[a-z<>:, ]{0,40}|\\PC{0,40}") {
        if let Ok(ty) = text.parse::<Type>() {
            prop_assert_eq!(ty.to_string().parse::<Type>(), Ok(ty));
        }
    }
}
