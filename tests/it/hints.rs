//! What hints name is there to be used.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::run;

/// The bodies of all functions that are called `hint`.
fn hints(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path())
    {
        if entry.is_dir() {
            hints(&entry, found);
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&entry).expect("a source is text");
            for behind in text.split("fn hint(&self)").skip(1) {
                found.push_str(behind.split("\n    }\n").next().unwrap_or_default());
            }
        }
    }
}

#[test]
fn each_hint_names_a_setting_a_flag_or_a_command_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    hints(&root.join("src"), &mut text);
    let text: String = text.split("\\\n").map(str::trim_start).collect();
    let named: BTreeSet<&str> = text.split('`').skip(1).step_by(2).collect();

    let help = |command: &str| {
        let output = run(&[command, "--help"]);
        output.status.success().then(|| String::from_utf8(output.stdout).expect("text"))
    };
    let whole = String::from_utf8(run(&["--help"]).stdout).expect("text");
    let commands = whole.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let helps: String = commands.filter_map(help).collect();
    let settings = std::fs::read_to_string(root.join("src/app/settings/read.rs")).expect("text");

    let missing = named.iter().filter(|name| {
        if let Some(line) = name.strip_prefix("entra-flight ") {
            return help(line.split(' ').next().unwrap_or_default()).is_none();
        }
        if name.starts_with("--") {
            return !helps.contains(*name);
        }
        let key = name.split(" = ").next().unwrap_or_default();
        let key = key.rsplit(' ').next().unwrap_or_default();
        let is_setting = name.contains(" = ") || name.starts_with('[') && name.contains("] ");
        let is_word = key.chars().all(|char| char.is_ascii_lowercase() || char == '_');
        let is_key = is_word && key.contains('_') && !key.starts_with('_');
        (is_setting || is_key) && !settings.contains(&format!("\"{key}\"")) && !helps.contains(key)
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(named.contains("--settings") && named.contains("mismatch_of"), "{named:?}");
}
