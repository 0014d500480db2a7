//! Random tables and pages for them, sound and odd.

use entra_flight::catalog::{Column, Origin, Property, Type};
use proptest::collection::{btree_set, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

/// Names of members: plain, as long as a window and longer, empty, to be escaped, annotations.
const NAMES: [&str; 10] = [
    "id",
    "displayName",
    "extension_0123456789abcdef0123456789abcdef_costCenterOfTheUser",
    "extension_0123456789abcdef0123456789abcdef_costCenterOfTheUsers",
    "onPremisesExtensionAttributes",
    "naïve漢",
    "",
    "a\"b\\c",
    "@odata.type",
    "x",
];

/// A column that reads the member of its own name.
pub fn column(name: &str, ty: Type) -> Column {
    Column {
        name: name.into(),
        origin: Origin::Property(name.into()),
        ty,
        graph_type: "".into(),
        description: None,
        permission: None,
        on_request: false,
        unordered: false,
        filters: Default::default(),
    }
}

/// Any column's type, nested up to three levels.
pub fn any_type() -> impl Strategy<Value = Type> {
    let scalars = vec![
        Type::Text,
        Type::Boolean,
        Type::Int32,
        Type::Int64,
        Type::Float64,
        Type::Timestamp,
        Type::Date,
        Type::Time,
        Type::Binary,
        Type::Json,
    ];
    select(scalars).prop_recursive(3, 12, 4, |inner| {
        let parts = (names(4), vec(inner.clone(), 4)).prop_map(|(names, types)| {
            let parts = names.into_iter().zip(types);
            Type::Struct(parts.map(|(name, ty)| Property { name: name.into(), ty }).collect())
        });
        prop_oneof![inner.prop_map(|item| Type::List(item.into())), parts]
    })
}

fn names(max: usize) -> impl Strategy<Value = Vec<&'static str>> {
    btree_set(select(NAMES.to_vec()), 0..=max)
        .prop_map(|set| set.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

/// Any table: up to five members, with or without a parent and the rest.
pub fn any_columns() -> impl Strategy<Value = Vec<Column>> {
    (names(5), vec(any_type(), 5), any::<bool>(), any::<bool>()).prop_map(
        |(names, types, parent, rest)| {
            let mut columns: Vec<_> =
                names.into_iter().zip(types).map(|(name, ty)| column(name, ty)).collect();
            if parent {
                columns.insert(0, Column { origin: Origin::Parent, ..column("of_id", Type::Text) });
            }
            if rest {
                columns.push(Column { origin: Origin::Extra, ..column("_extra", Type::Json) });
            }
            columns
        },
    )
}

/// The members of some rows for these columns, each `"key":value`; `twice` lets keys come again.
pub fn any_rows(columns: &[Column], twice: bool) -> BoxedStrategy<Vec<Vec<String>>> {
    let declared = columns.iter().filter_map(|column| match &column.origin {
        Origin::Property(name) => Some((name.to_string(), column.ty.clone())),
        Origin::Parent | Origin::Extra | Origin::Comparison => None,
    });
    vec(members(declared.collect(), twice), 0..12).boxed()
}

/// One row's members as an object.
pub fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

/// Rows as a page.
pub fn page(rows: &[Vec<String>]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| object(row)).collect();
    format!("[{}]", rows.join(","))
}

fn members(declared: Vec<(String, Type)>, twice: bool) -> BoxedStrategy<Vec<String>> {
    let each: Vec<_> =
        declared.into_iter().map(|(name, ty)| member(key(name), value(&ty))).collect();
    let with = |chance| each.iter().map(move |member| weighted(chance, member.clone()));
    let first: Vec<_> = with(0.8).collect();
    let again: Vec<_> = with(0.1).filter(|_| twice).collect();
    let ordered = (first, again, unknown(twice)).prop_map(|(first, again, unknown)| {
        first.into_iter().chain(again).flatten().chain(unknown).collect::<Vec<_>>()
    });
    let ordered = ordered.boxed();
    prop_oneof![2 => ordered.clone(), 1 => ordered.prop_shuffle()].boxed()
}

/// Members that are most likely not declared, or surely not and none twice.
fn unknown(twice: bool) -> BoxedStrategy<Vec<String>> {
    if twice {
        let name = select(NAMES.to_vec()).prop_flat_map(|name| key(name.to_owned()));
        return vec(member(name.boxed(), anything()), 0..3).boxed();
    }
    let names = ["u", "\u{fc}", "v@odata.context", "w"];
    let each = names.map(|name| weighted(0.3, member(key(name.to_owned()), anything())));
    each.to_vec().prop_map(|members| members.into_iter().flatten().collect()).boxed()
}

fn member(key: BoxedStrategy<String>, value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    (key, space(), value, space())
        .prop_map(|(key, a, value, b)| format!("{key}{a}:{b}{value}{a}"))
        .boxed()
}

/// A name as a key: as it is most often written, or with an escape it does not need.
fn key(name: String) -> BoxedStrategy<String> {
    let plain = serde_json::to_string(&name).expect("a string is JSON");
    let odd = name.chars().next().map_or(plain.clone(), |first| {
        let rest = serde_json::to_string(&name[first.len_utf8()..]).expect("a string is JSON");
        format!("\"\\u{:04X}{}", u32::from(first), &rest[1..])
    });
    (space(), prop_oneof![6 => Just(plain), 1 => Just(odd)])
        .prop_map(|(space, key)| space + &key)
        .boxed()
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just(""), 1 => Just(" "), 1 => Just("\n\t \r ")].prop_map(str::to_owned)
}

/// A value that mostly is of the type.
fn value(ty: &Type) -> BoxedStrategy<String> {
    prop_oneof![12 => matching(ty), 2 => Just("null".to_owned()), 1 => anything()].boxed()
}

fn matching(ty: &Type) -> BoxedStrategy<String> {
    let quoted = |pattern: &str| {
        proptest::string::string_regex(pattern)
            .expect("a pattern")
            .prop_map(|text| format!("\"{text}\""))
            .boxed()
    };
    match ty {
        Type::Text => string(),
        Type::Json => anything(),
        Type::Boolean => any::<bool>().prop_map(|value| value.to_string()).boxed(),
        Type::Int32 => prop_oneof![any::<i32>().prop_map(|n| n.to_string()), number()].boxed(),
        Type::Int64 => prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            quoted("[+-]?[0-9]{0,20}"),
            number()
        ]
        .boxed(),
        Type::Float64 => prop_oneof![
            number(),
            any::<f64>()
                .prop_filter("JSON has no others", |n| n.is_finite())
                .prop_map(|n| format!("{n:e}")),
            quoted("-?INF|NaN")
        ]
        .boxed(),
        Type::Timestamp => quoted(
            "[0-2][09]{2}[0-9]-[01][0-2]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{0,12})?)?(Z|[+-][0-2][0-9]:[0-6]0)",
        ),
        Type::Date => quoted("[0-2][09]{2}[0-9]-[01][0-2]-[0-3][0-9]"),
        Type::Time => quoted("[0-2][0-9]:[0-5][0-9](:[0-6][0-9](\\.[0-9]{0,9})?)?"),
        Type::Binary => quoted("[A-Za-z0-9+/_-]{0,9}={0,2}"),
        Type::List(item) => {
            vec(value(item), 0..4).prop_map(|items| format!("[{}]", items.join(","))).boxed()
        }
        Type::Struct(parts) => members(
            parts.iter().map(|part| (part.name.to_string(), part.ty.clone())).collect(),
            true,
        )
        .prop_map(|members| object(&members))
        .boxed(),
    }
}

fn number() -> BoxedStrategy<String> {
    proptest::string::string_regex("-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
        .expect("a pattern")
        .boxed()
}

/// A string with anything that strings can hold, long enough to cross blocks.
pub fn string() -> BoxedStrategy<String> {
    let pieces = prop_oneof![
        6 => "[ -!#-\\[\\]-~]{0,40}",
        1 => "[é漢😀\u{7f}\u{80}\u{ffff}]{1,12}",
        1 => select(vec!["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u00E9",
            "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud83dx", "\\ud83d\\n"]).prop_map(str::to_owned),
    ];
    vec(pieces, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat())).boxed()
}

/// Any JSON value.
pub fn anything() -> BoxedStrategy<String> {
    let scalars = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number(),
        string()
    ];
    scalars
        .prop_recursive(4, 16, 4, |inner| {
            let item = (space(), inner.clone(), space()).prop_map(|(a, value, b)| a + &value + &b);
            let pair = (string(), inner).prop_map(|(key, value)| format!("{key}:{value}"));
            prop_oneof![
                vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                vec(pair, 0..4).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
            ]
        })
        .boxed()
}
