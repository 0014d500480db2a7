//! Data files that cannot be used.

use entra_flight::catalog::{Catalog, Error, Fault};
use entra_flight::error::Kind;
use expect_test::{Expect, expect};

use super::check;

const SOUND: &str = r#"
description = "Things"
path = "/things"
key = ["id"]
family = "directory"
resource_units = 1
permissions = ["Thing.Read.All"]
columns = [
  { name = "id", type = "text" },
  { name = "parts", type = "list<struct<name: text>>", graph = "Collection(thing.part)" },
]
"#;

#[test]
fn a_data_file_that_cannot_be_used_says_why() {
    assert_eq!(Catalog::parse([("things", SOUND)]).unwrap().tables().len(), 1);
    let cases: [(&str, &str, Expect); 14] = [
        (
            "description",
            "descriptoin",
            expect![[r#"
                the catalogue's file of `things` cannot be used
                  caused by: it is not a table's description
                  caused by: TOML parse error at line 2, column 1
                  |
                2 | descriptoin = "Things"
                  | ^^^^^^^^^^^
                unknown field `descriptoin`, expected one of `description`, `path`, `version`, `parent`, `expand`, `key`, `named_by`, `page_rows`, `top_may_limit`, `select`, `counted`, `family`, `resource_units`, `permissions`, `licence`, `hidden_without`, `columns`, `filter`, `advanced_filter`
            "#]],
        ),
        (
            "key = [\"id\"]",
            "key = [\"name\"]",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the key column `name` is not declared"#]],
        ),
        (
            "key = [\"id\"]",
            "key = []",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: there is no key"#]],
        ),
        (
            "[\"Thing.Read.All\"]",
            "[]",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: no permission is named"#]],
        ),
        (
            "\"directory\"",
            "\"mail\"",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: it is not a table's description
              caused by: TOML parse error at line 5, column 10
              |
            5 | family = "mail"
              |          ^^^^^^
            unknown variant `mail`, expected one of `directory`, `reports`, `protection`
        "#]],
        ),
        (
            "name = \"parts\"",
            "name = \"id\"",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the name `id` stands twice"#]],
        ),
        (
            "name = \"parts\"",
            "name = \"_extra\"",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the column `_extra` is declared"#]],
        ),
        (
            "name = \"id\"",
            "name = \"id\", from = \"{id}\"",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the parent column is missing, not the first, or has no parent"#]],
        ),
        (
            "struct<name: text>",
            "strict<name: text>",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the type of column `parts` cannot be read
              caused by: unknown type `strict` at byte 5 of a type"#]],
        ),
        (
            ", graph = \"Collection(thing.part)\"",
            "",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: column `parts` needs `graph`"#]],
        ),
        (
            "\"/things\"",
            "\"/things/{id}/parts\"",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the path `/things/{id}/parts` does not fit how the table is read"#]],
        ),
        (
            "\"/things\"",
            "\"things\"",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the path `things` does not fit how the table is read"#]],
        ),
        (
            "key =",
            "expand = \"part\"\nkey =",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: `expand` is set without `parent`"#]],
        ),
        (
            "key =",
            "parent = \"wholes\"\nkey =",
            expect![[r#"
            the catalogue's file of `things` cannot be used
              caused by: the parent column is missing, not the first, or has no parent"#]],
        ),
    ];
    for (sound, broken, expected) in cases {
        assert!(SOUND.contains(sound), "{sound}");
        let text = SOUND.replacen(sound, broken, 1);
        check(&Catalog::parse([("things", &*text)]).unwrap_err(), Kind::Internal, expected);
    }
}

#[test]
fn a_catalogue_whose_tables_do_not_fit_together_is_refused() {
    let orphan = SOUND
        .replacen("key = [", "parent = \"wholes\"\nkey = [", 1)
        .replacen("/things", "/wholes/{id}/things", 1)
        .replacen("name = \"id\"", "name = \"id\", from = \"{id}\"", 1);
    let error = Catalog::parse([("things", &*orphan)]).unwrap_err();
    assert!(
        matches!(&error, Error::Malformed { source: Fault::UnknownParent(parent), .. } if parent == "wholes"),
        "{error:?}"
    );
    let error = Catalog::parse([("things", SOUND), ("things", SOUND)]).unwrap_err();
    assert!(
        matches!(&error, Error::Malformed { source: Fault::Repeated(name), .. } if name == "things"),
        "{error:?}"
    );
}
