//! What the documentation lists is what there is.

use std::fmt::Write as _;
use std::path::Path;

use entra_flight::catalog::{Catalog, Table};
use expect_test::expect_file;

const MARK: &str = "<!-- what follows is written by `UPDATE_EXPECT=1 cargo test docs` -->\n";

fn row(table: &Table) -> String {
    let key: Vec<&str> = table.key.iter().map(AsRef::as_ref).collect();
    let permission = table.permissions.first().map_or("", AsRef::as_ref);
    let licence = table.licence.map(|licence| format!("; {licence}")).unwrap_or_default();
    let hidden = table.hidden_without.as_ref();
    let hidden = hidden.map(|it| format!("; hidden rows: {it}")).unwrap_or_default();
    format!(
        "| `{}` | {} | `{}` | {} | {permission}{licence}{hidden} |\n",
        table.name,
        table.description,
        table.path,
        key.join(", ")
    )
}

#[test]
fn the_tables_are_those_of_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    let text = std::fs::read_to_string(path).expect("the page");
    let (said, _) = text.split_once(MARK).expect("the mark");
    let catalog = Catalog::builtin().expect("the built-in tables");
    let mut page = format!("{said}{MARK}\n## All of them\n\n");
    page.push_str("| table | what it holds | path | key | least permission; licence |\n");
    page.push_str("|---|---|---|---|---|\n");
    for table in catalog.tables() {
        page.push_str(&row(table));
    }
    for table in catalog.tables() {
        let asked: Vec<_> =
            table.columns.iter().filter(|it| it.on_request).map(|it| &*it.name).collect();
        if !asked.is_empty() {
            write!(page, "\nOn request in `{}`: `{}`.\n", table.name, asked.join("`, `"))
                .expect("text takes text");
        }
    }
    expect_file!["../../docs/tables.md"].assert_eq(&page);
}
