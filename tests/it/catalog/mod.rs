//! The catalogue: the built-in tables and the names it answers to.

mod data_files;
mod notation;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use entra_flight::catalog::{Catalog, Column, Error, Origin, Read, Scan, Table, Version};
use entra_flight::error::{Kind, Report};
use expect_test::{Expect, expect, expect_file};
use proptest::prelude::*;

fn builtin() -> &'static Catalog {
    static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| Catalog::builtin().unwrap());
    &BUILTIN
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn stems(folder: &str, ending: &str) -> Vec<String> {
    let mut stems: Vec<String> = std::fs::read_dir(package().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(ending).unwrap_or_else(|| panic!("stray {name}")).to_owned())
        .collect();
    stems.sort();
    stems
}

fn names(tables: &[Arc<Table>]) -> Vec<String> {
    tables.iter().map(|table| table.name.to_string()).collect()
}

#[test]
fn every_data_file_is_a_table_and_has_a_golden_schema() {
    let tables = names(builtin().tables());
    assert_eq!(tables, stems("src/catalog/tables", ".toml"));
    assert_eq!(tables, stems("tests/golden/schema", ".txt"));
}

#[test]
fn schemas_are_as_reviewed() {
    for table in builtin().tables() {
        let golden = package().join(format!("tests/golden/schema/{}.txt", table.name));
        expect_file![golden].assert_eq(&rendered(table));
    }
}

/// The metadata of the table's schema, then a line a column: name, Arrow type, field metadata.
fn rendered(table: &Table) -> String {
    let mut lines: Vec<String> =
        table.schema.metadata().iter().map(|(key, value)| format!("{key} = {value}")).collect();
    lines.sort();
    lines.push(String::new());
    for field in table.schema.fields() {
        let mut metadata: Vec<String> = field
            .metadata()
            .iter()
            .filter(|(key, _)| *key != "entra.description")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        metadata.sort();
        let asked = match table.column(field.name()) {
            Some(column) if column.on_request => " (on request)",
            _ => "",
        };
        lines.push(format!(
            "{}: {} [{}]{asked}",
            field.name(),
            field.data_type(),
            metadata.join(", ")
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[test]
fn every_table_keeps_the_laws_of_its_kind() {
    let catalog = builtin();
    for table in catalog.tables() {
        let name = &table.name;
        let last = table.columns.last().unwrap();
        assert_eq!((&*last.name, &last.origin), ("_extra", &Origin::Extra), "{name}");
        assert_eq!(table.columns.len(), table.schema.fields().len(), "{name}");
        for key in &table.key {
            assert!(!table.column(key).unwrap().on_request, "{name}: key {key}");
        }
        for column in &table.columns {
            let described = column.description.as_ref().is_some_and(|text| !text.is_empty());
            assert!(described, "{name}.{} has no description", column.name);
            if let Origin::Property(property) = &column.origin {
                let annotation = property.starts_with('@');
                assert_eq!(annotation, &*column.name == "odata_type", "{name}.{}", column.name);
            }
        }
        let parents: Vec<usize> = (0..table.columns.len())
            .filter(|&at| table.columns[at].origin == Origin::Parent)
            .collect();
        match &table.read {
            Read::Collection => assert!(parents.is_empty(), "{name}"),
            Read::FanOut { parent } => {
                let parent = catalog.table(parent).unwrap();
                assert_eq!(parent.read, Read::Collection, "{name}");
                assert_eq!(parents, [0], "{name}");
                assert_eq!(table.path.split("{id}").next().unwrap(), format!("{}/", parent.path));
                assert_eq!(table.key, [table.columns[0].name.clone(), "id".into()], "{name}");
            }
            Read::Expand { parent, .. } => {
                assert_eq!(table.path, catalog.table(parent).unwrap().path, "{name}");
                assert_eq!(parents, [0], "{name}");
                assert_eq!(table.key, [table.columns[0].name.clone()], "{name}");
            }
        }
    }
}

#[test]
fn what_graph_is_known_for_is_kept_in_mind() {
    let catalog = builtin();
    let table = |name| catalog.table(name).unwrap();
    assert_eq!(table("group_members").version, Version::Beta);
    for refused in ["aboutMe", "deviceEnrollmentLimit", "mailboxSettings", "signInActivity"] {
        assert!(table("users").column(refused).is_none(), "{refused}");
    }
    for unpaged in ["directory_roles", "directory_role_members", "subscribed_skus"] {
        assert_eq!(table(unpaged).page_rows, None, "{unpaged}");
    }
    assert_eq!(table("sign_ins").page_rows, Some(1000));
    assert!(!table("sign_ins").takes_select);
    assert!(table("users").column("customSecurityAttributes").unwrap().on_request);
}

#[test]
fn names_that_do_not_exist_get_the_nearest() {
    let catalog = builtin();
    let cases: [(&str, Expect); 8] = [
        (
            "usres",
            expect![[r#"
            table `usres` does not exist; the nearest is `users`
              hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "Users",
            expect![[r#"
                table `Users` does not exist; the nearest is `users`
                  hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "members",
            expect![[r#"
            table `members` does not exist; the nearest are `administrative_unit_members`, `directory_role_members`, `group_members`
              hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "signins",
            expect![[r#"
            table `signins` does not exist; the nearest is `sign_ins`
              hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "groupMembers",
            expect![[r#"
            table `groupMembers` does not exist; the nearest are `group_members`, `group_owners`
              hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "zebra",
            expect![[r#"
            table `zebra` does not exist
              hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "",
            expect![[r#"
            table `` does not exist
              hint: list the tables with `entra-flight tables`"#]],
        ),
        (
            "a\nb\u{1b}[31m",
            expect![[r#"
            table `ab[31m…` does not exist
              hint: list the tables with `entra-flight tables`"#]],
        ),
    ];
    for (name, expected) in cases {
        check(&catalog.table(name).unwrap_err(), Kind::NotFound, expected);
    }
    let endless = "users".repeat(1000);
    check(
        &catalog.table(&endless).unwrap_err(),
        Kind::NotFound,
        expect![[r#"
        table `usersusersusersusersusersusersusersusersusersusersusersusersusersusersusersusers…` does not exist
          hint: list the tables with `entra-flight tables`"#]],
    );
}

fn check(error: &Error, kind: Kind, expected: Expect) {
    assert_eq!(error.kind(), kind);
    expected.assert_eq(&Report::new(error, error.hint()).to_string());
}

#[test]
fn columns_are_selected_by_name() {
    let catalog = builtin();
    let users = catalog.table("users").unwrap();
    let select = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        users.select(Some(&names))
    };
    let cases: [(&[&str], Kind, Expect); 5] = [
        (
            &["id", "mail2"],
            Kind::NotFound,
            expect![[r#"
            column `mail2` is not in `users`; the nearest is `mail`
              hint: list the columns with `entra-flight describe users`"#]],
        ),
        (
            &["userprincipalname"],
            Kind::NotFound,
            expect![[r#"
            column `userprincipalname` is not in `users`; the nearest are `userPrincipalName`, `onPremisesUserPrincipalName`
              hint: list the columns with `entra-flight describe users`"#]],
        ),
        (
            &["nothing like it"],
            Kind::NotFound,
            expect![[r#"
            column `nothing like it` is not in `users`
              hint: list the columns with `entra-flight describe users`"#]],
        ),
        (
            &["id", "mail", "id"],
            Kind::Invalid,
            expect![[r#"
            column `id` of `users` is asked for twice
              hint: name each column once"#]],
        ),
        (
            &[],
            Kind::Invalid,
            expect![[r#"
            no column of `users` is asked for
              hint: name at least one column, or leave the list out to get all"#]],
        ),
    ];
    for (names, kind, expected) in cases {
        check(&select(names).unwrap_err(), kind, expected);
    }

    let asked = select(&["mail", "customSecurityAttributes", "id"]).unwrap();
    assert_eq!(columns(&asked), ["mail", "customSecurityAttributes", "id"]);

    let usual = users.select(None).unwrap();
    let on_request = users.columns.iter().filter(|column| column.on_request).count();
    assert!(on_request > 0 && usual.iter().all(|column| !column.on_request));
    assert_eq!(usual.len() + on_request, users.columns.len());
}

fn columns(columns: &[Column]) -> Vec<&str> {
    columns.iter().map(|column| &*column.name).collect()
}

#[test]
fn a_scan_keeps_the_metadata_of_its_columns_and_its_table() {
    let catalog = builtin();
    let users = catalog.table("users").unwrap();
    let asked = ["mail".to_owned(), "id".to_owned()];
    let scan = Scan::new(users.clone(), Some(&asked), Some(7)).unwrap();
    let schema = scan.schema();
    assert_eq!(columns(&scan.columns), ["mail", "id"]);
    assert_eq!(schema.metadata(), users.schema.metadata());
    assert_eq!(schema.field(0), users.schema.field_with_name("mail").unwrap());
    assert_eq!(schema.field(1), users.schema.field_with_name("id").unwrap());
    assert_eq!(schema.fields().len(), 2);
}

#[test]
fn patterns_pick_tables() {
    let catalog = builtin();
    let matching = |pattern: &str| -> Vec<String> {
        catalog.matching(pattern).map(|table| table.name.to_string()).collect()
    };
    assert_eq!(matching(""), names(catalog.tables()));
    assert_eq!(matching("*"), names(catalog.tables()));
    assert_eq!(matching("users"), ["users"]);
    assert_eq!(matching("user"), Vec::<String>::new());
    assert_eq!(
        matching("group*s"),
        ["group_app_role_assignments", "group_members", "group_owners", "groups"]
    );
    assert_eq!(matching("d?vices"), ["devices"]);
}

proptest! {
    #[test]
    fn no_name_breaks_the_catalogue(name in "\\PC{0,200}") {
        let catalog = builtin();
        if let Err(error) = catalog.table(&name) {
            prop_assert!(error.to_string().chars().count() < 400);
        }
        prop_assert!(catalog.matching(&name).count() <= catalog.tables().len());
    }
}
