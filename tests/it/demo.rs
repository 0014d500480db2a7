//! What the demo shows of stored tables.

use std::path::{Path, PathBuf};

use expect_test::expect;

use crate::cli::Running;

const ARGUMENTS: [&str; 7] =
    ["demo", "--users", "400", "--listen", "127.0.0.1:0", "--throttle", "off"];

/// What it said from the first load on, and the folder that it loaded into.
fn stored(said: &str) -> (String, PathBuf) {
    let (_, stored) = said.split_once("\nLoading into ").expect("a load");
    let (folder, rest) = stored.split_once(":\n").expect("a folder");
    let (rest, _) = rest.split_once("\nRead one from Python").expect("what comes after");
    // A load that takes long shows how far it has come.
    let lines = rest.lines().filter(|line| !line.contains(" rows/s, "));
    let shown = lines.collect::<Vec<_>>().join("\n").replace(folder, "FOLDER");
    (shown, folder.into())
}

fn start(more: &[&str]) -> Running {
    let mut demo = Running::start(&[&ARGUMENTS[..], more].concat(), "flight");
    demo.wait_for("Serving until");
    demo
}

#[test]
fn a_demo_stores_tables_and_shows_what_changed() {
    let (code, said) = start(&["--store"]).stop();
    assert_eq!(code, Some(0), "{said}");
    let (shown, folder) = stored(&said);
    expect![[r#"
        users: version 0, 400 rows
        groups: version 0, 85 rows
        group_members: version 0, 826 rows

        The tenant has changed: 1 users joined, 2 moved, 0 were renamed, 0 deleted and 0 restored; groups gained 6 members and lost 6.
        Loading again:
        users: version 1, 401 rows, 1 inserted, 2 updated, 0 deleted, 398 unchanged
        groups: version 1, 85 rows, 0 inserted, 0 updated, 0 deleted, 85 unchanged
        group_members: version 1, 826 rows, 6 inserted, 0 updated, 6 deleted, 820 unchanged

        What is different (+ new, - gone, ~ changed):
        users: 1 inserted, 2 updated, 0 deleted, 398 unchanged (department 2)
          ~ 3663cf88-8c93-4524-89a6-9e30eb5d65d2 (Юлия Йорданов)
              department: Facilities → Procurement
          + 6ff0bd9b-17b0-48ea-8c0e-aeac557fef79 (Harper Taylor)
          ~ abcffc49-d08c-4c02-a817-fd885cd5fdfa (Olivia Clark)
              department: Procurement → Security
        groups: 0 inserted, 0 updated, 0 deleted, 85 unchanged
        group_members: 6 inserted, 0 updated, 6 deleted, 820 unchanged
          + 0e485eec-310c-4403-b361-5b43d1ee814e (Share \\files01\team 45) / 532d80ab-8515-4964-bfc3-53127bd03cdb (Joseph Lewis)
          - 0e485eec-310c-4403-b361-5b43d1ee814e (Share \\files01\team 45) / 7a89ddbc-127b-4b1a-99ea-5db61eb209b3 (Carter Hill)
          - 1ab35550-baed-4baf-b947-29f7de5cd848 (All hands 4) / a8db75e1-09b8-4689-afe7-4f9bde0b5213 (Henry Williams)
          + 1ab35550-baed-4baf-b947-29f7de5cd848 (All hands 4) / bf71ded9-6a16-40e5-b3cb-be25520137ce (Daniel Jackson)
          … and 8 more

        The same as a page:
        FOLDER/changes.html: 3 tables
        The folder goes when the demo ends; `--store FOLDER` keeps one."#]].assert_eq(&shown);
    assert!(folder.is_absolute() && !folder.exists(), "{}", folder.display());
}

#[test]
fn a_demo_keeps_what_it_stored_in_a_folder_with_a_name() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().join("kept");
    let named = folder.display().to_string();
    for versions in ["version 1,", "version 3,"] {
        let (code, said) = start(&["--store", &named]).stop();
        assert_eq!(code, Some(0), "{said}");
        let (shown, into) = stored(&said);
        assert_eq!(into, folder);
        assert!(shown.contains(versions) && !shown.contains("folder goes"), "{shown}");
        let page = std::fs::read_to_string(folder.join("changes.html")).expect("the page");
        assert!(page.contains("group_members") && page.ends_with("</html>"), "{page}");
    }
    assert!(Path::new(&folder).join("contoso").is_dir());
}

#[test]
fn a_demo_lets_the_tenant_change_while_it_serves() {
    let mut demo = start(&["--churn-every", "20ms"]);
    demo.wait_for("The tenant has changed: ");
    let (code, said) = demo.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" users joined, "), "{said}");
}
