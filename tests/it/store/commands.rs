//! The commands of the store, as they are typed.

use std::path::Path;

use serde_json::Value;

use crate::cli::{Running, run, stored_settings};

/// A tenant after so many rounds, and settings that lead from it into the store in this folder.
fn after(rounds: &str, folder: &Path) -> (Running, String) {
    let sim = Running::start(&["sim", "--users", "400", "--churn", rounds], "login");
    let settings = stored_settings(&sim, folder);
    (sim, settings)
}

/// What a command printed, which has to end well.
fn said(arguments: &[&str]) -> String {
    let ended = run(arguments);
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    String::from_utf8(ended.stdout).expect("text")
}

#[test]
fn versions_are_compared_drawn_and_expired() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in ["0", "1", "2"] {
        let (_sim, settings) = after(round, folder.path());
        said(&["load", "users", "--method", "reload", "--count", "--settings", &settings]);
    }
    let (_sim, settings) = after("2", folder.path());
    let with = |arguments: &[&'static str]| -> Vec<String> {
        let words = arguments.iter().map(|word| (*word).to_owned());
        words.chain(["--settings".to_owned(), settings.clone()]).collect()
    };
    let said = |arguments: &[&'static str]| {
        let words = with(arguments);
        said(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };

    let counts: Value =
        serde_json::from_str(&said(&["compare", "users", "--from", "0", "--summary", "--json"]))
            .expect("JSON");
    let number = |name: &str| counts[name].as_u64().expect("a number");
    let whole = said(&["compare", "users", "--from", "0"]);
    for (sign, name) in [('+', "inserted"), ('~', "updated"), ('-', "deleted")] {
        let lines = whole.lines().filter(|line| line.starts_with(sign)).count();
        assert_eq!(lines as u64, number(name), "{name}");
    }
    assert!(number("updated") > 0 && counts["columns"]["department"].as_u64() > Some(0));
    let line = said(&["compare", "users", "--from", "0", "--summary"]);
    assert!(line.starts_with("users: version 0 to 2: "), "{line}");

    let page = folder.path().join("changes.html");
    let shown = page.display().to_string();
    let words = ["compare", "--html", &shown, "--settings", &settings];
    assert!(run(&words).status.success());
    let text = std::fs::read_to_string(&page).expect("the page");
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>"), "{text}");
    assert!(text.contains("department") && text.contains("<svg"), "{text}");
    assert!(text.contains("0 to 2") && text.matches("<td>reload</td>").count() == 3, "{text}");

    assert_eq!(
        said(&["expire", "users", "--older-than", "1h", "--keep", "1"]),
        "users: nothing expired; 0 files removed, 0 bytes\n"
    );
    let expired = said(&["expire", "--older-than", "0s", "--keep", "2", "--json"]);
    let expired: Value = serde_json::from_str(&expired).expect("JSON");
    assert_eq!(expired["expired"], serde_json::json!([0]));
    let proved = said(&["fsck"]);
    assert!(proved.starts_with("users: 2 versions, ") && proved.ends_with(", sound\n"), "{proved}");
    for (arguments, code) in [
        (&["expire", "user", "--older-than", "1h"][..], 66),
        (&["expire", "groups", "--older-than", "1h"][..], 66),
        (&["expire", "users", "--older-than", "soon"][..], 64),
        (&["compare", "users", "--from", "0"][..], 66),
        (&["compare"][..], 64),
    ] {
        let words = with(arguments);
        let ended = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {ended:?}");
    }
}

/// Whether a line ends in names that stand beside each of its two ids.
fn names_both(line: &str) -> bool {
    let named = |part: &str| {
        let names = part.split_once(" (").and_then(|(_, names)| names.strip_suffix(')'));
        names.is_some_and(|name| !name.is_empty())
    };
    line.split_once(") / ")
        .is_some_and(|(group, member)| named(&format!("{group})")) && named(member))
}

#[test]
fn changes_of_members_name_the_group_and_the_member() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in ["0", "3"] {
        let (_sim, settings) = after(round, folder.path());
        said(&["load", "group_members", "--settings", &settings]);
    }
    let settings = folder.path().join("entra-flight.toml").display().to_string();
    let compare = || said(&["compare", "group_members", "--settings", &settings]);
    // Of the groups nothing is stored yet.
    let before = compare();
    assert!(before.lines().any(|line| line.starts_with('+') && line.ends_with(')')), "{before}");
    assert!(!before.lines().any(names_both), "{before}");
    let (_sim, settings) = after("3", folder.path());
    said(&["load", "groups", "--settings", &settings]);
    let changed = compare();
    for sign in ["+ ", "- "] {
        let lines: Vec<_> = changed.lines().filter(|line| line.starts_with(sign)).collect();
        assert!(!lines.is_empty() && lines.iter().all(|line| names_both(line)), "{lines:#?}");
    }
    assert_eq!(before.lines().count(), changed.lines().count());
}
