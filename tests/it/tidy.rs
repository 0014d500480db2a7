//! The house rules, read off the sources.
//!
//! Text is enough: names of modules and crates stand in paths, and a comment that names one is
//! left out. Each fault names the file, the line and the rule.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in order of dependency: each uses only those after it.
const ORDER: [&str; 19] = [
    "cli",
    "app",
    "flight",
    "ops",
    "query",
    "source",
    "snapshot",
    "graph",
    "auth",
    "decode",
    "sim",
    "transport",
    "catalog",
    "telemetry",
    "clock",
    "limits",
    "secret",
    "spare",
    "error",
];

/// What the simulated tenant must not share with what it tests.
const NOT_FOR_SIM: [&str; 4] = ["graph", "auth", "decode", "catalog"];

/// Foreign crates and the only modules that may speak of them.
const OWNERS: [(&str, &[&str]); 45] = [
    ("datafusion", &["query"]),
    ("datafusion_functions_json", &["query"]),
    ("async_trait", &["query", "snapshot"]),
    ("rmp_serde", &["flight"]),
    ("zstd", &["flight"]),
    ("rustyline", &["cli"]),
    ("chrono", &["cli", "graph", "ops", "snapshot"]),
    ("arrow_flight", &["flight"]),
    ("tonic", &["flight"]),
    ("tonic_health", &["flight"]),
    ("tonic_reflection", &["flight"]),
    ("prost", &["flight"]),
    ("http_body", &["flight"]),
    ("http_body_util", &["flight"]),
    ("tower_service", &["flight"]),
    ("tempfile", &["source", "snapshot", "flight"]),
    ("delta_kernel", &["snapshot"]),
    ("deltalake", &["snapshot"]),
    ("object_store", &["snapshot"]),
    ("xxhash_rust", &["snapshot"]),
    ("parquet", &["snapshot"]),
    ("oauth2", &["auth"]),
    ("reqwest", &["transport"]),
    ("rustls", &["transport", "sim"]),
    ("tokio_rustls", &["sim"]),
    ("rcgen", &["sim"]),
    ("axum", &["sim"]),
    ("flate2", &["graph"]),
    ("libdeflater", &["graph", "sim"]),
    ("simdutf8", &["decode"]),
    ("memchr", &["graph"]),
    ("strsim", &["catalog"]),
    ("toml", &["app", "catalog"]),
    ("humantime", &["app", "flight"]),
    ("bytesize", &["app"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("maud", &["cli"]),
    ("indicatif", &["cli"]),
    ("rand", &["auth", "graph", "ops"]),
    ("croner", &["ops"]),
    ("tracing_subscriber", &["telemetry"]),
    ("httpdate", &["transport", "sim"]),
    ("base64", &["auth", "sim", "snapshot"]),
    ("uuid", &["flight", "graph", "ops", "sim", "snapshot"]),
];

/// No file is longer, tests included.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with this ending, with its path relative to the package.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.map(|entry| entry.expect("a folder can be listed").path()) {
            if entry.is_dir() {
                walk(&entry, ending, found);
            } else if entry.extension().is_some_and(|it| it == ending) {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    let relative = |path: &Path| path.strip_prefix(root()).expect("below").display().to_string();
    found
        .iter()
        .map(|path| (relative(path), fs::read_to_string(path).expect("a source is text")))
        .collect()
}

/// The module that a file under `src/` belongs to.
fn module(path: &str) -> &str {
    let below = path.strip_prefix("src/").expect("a source");
    below.split(['/', '.']).next().expect("a name")
}

/// The lines of code: without comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(at, line)| {
        let line = line.trim_start();
        (!line.starts_with("//")).then(|| (at + 1, line.split(" // ").next().unwrap_or(line)))
    })
}

/// Whether `line` has `name` as a whole path segment in front of `::`, or ends a `use` with it.
fn names(line: &str, prefix: &str, name: &str) -> bool {
    let path = format!("{prefix}{name}");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        let starts = !before.is_some_and(|c| c.is_alphanumeric() || "_:\"`.".contains(c));
        starts && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The modules named by `use crate::…` or `crate::…::` on this line, grouped imports included.
fn crate_modules(line: &str) -> Vec<&str> {
    let group = line.strip_prefix("use crate::{").and_then(|rest| rest.strip_suffix("};"));
    let grouped = group.into_iter().flat_map(|group| {
        ORDER.into_iter().filter(move |module| names(&format!(" {group}"), "", module))
    });
    ORDER.into_iter().filter(|module| names(line, "crate::", module)).chain(grouped).collect()
}

fn assert_none(faults: Vec<String>, rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n{}", faults.join("\n"));
}

#[test]
fn a_module_uses_only_those_after_it() {
    let rank = |name: &str| ORDER.iter().position(|module| *module == name);
    let mut faults = Vec::new();
    for (path, text) in files("src", "rs") {
        let own = module(&path);
        let Some(own_rank) = rank(own) else { continue };
        for (number, line) in code(&text) {
            for used in crate_modules(line) {
                let upward = rank(used).is_some_and(|used| used < own_rank);
                let forbidden = own == "sim" && NOT_FOR_SIM.contains(&used);
                if upward || forbidden {
                    faults.push(format!("{path}:{number}: `{own}` uses `{used}`"));
                }
            }
        }
    }
    assert_none(faults, "a module uses only modules listed after it in `lib.rs`");
}

#[test]
fn every_module_is_in_the_order() {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("the library");
    let declared: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut ours = ORDER.to_vec();
    let mut theirs = declared.clone();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs, "`lib.rs` declares what the order names");
}

#[test]
fn a_foreign_crate_has_one_owner() {
    let mut faults = Vec::new();
    for (path, text) in files("src", "rs") {
        let own = module(&path);
        for (number, line) in code(&text) {
            for (name, owners) in OWNERS {
                let spoken = names(line, "", &format!("{name}::"))
                    || names(line, "use ", name)
                    || line.contains(&format!("{name}::"))
                        && line.split(name).next().is_some_and(|it| it.ends_with([' ', '(', '<']));
                if spoken && !owners.contains(&own) {
                    faults.push(format!("{path}:{number}: `{name}` belongs to {owners:?}"));
                }
            }
        }
    }
    assert_none(faults, "each foreign crate has its owners");
}

#[test]
fn no_file_is_crowded() {
    let sources = ["src", "tests", "benches", "fuzz/fuzz_targets"];
    let faults = sources
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .filter(|(_, text)| text.lines().count() > LINES_MAX)
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert_none(faults, "no file has more than 500 lines");
}

#[test]
fn unsafe_stays_in_the_decoder() {
    let mut faults = Vec::new();
    for (path, text) in files("src", "rs") {
        for (number, line) in code(&text) {
            if module(&path) != "decode" && names(line, "", "unsafe") {
                faults.push(format!("{path}:{number}"));
            }
        }
    }
    assert_none(faults, "`unsafe` is for `decode` alone");
}

#[test]
fn every_unsafe_says_why_it_is_sound() {
    let mut faults = Vec::new();
    for (path, text) in files("src", "rs") {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let opens = line.contains("unsafe {") || line.contains("unsafe fn");
            let from = at.saturating_sub(12);
            let said = lines[from..=at].iter().any(|line| line.to_lowercase().contains("safety"));
            if opens && !line.trim_start().starts_with("//") && !said {
                faults.push(format!("{path}:{}", at + 1));
            }
        }
    }
    assert_none(faults, "each `unsafe` has a safety comment just above");
}

#[test]
fn the_tables_are_data() {
    let folder = root().join("src/catalog/tables");
    let mut faults = Vec::new();
    for entry in fs::read_dir(folder).expect("the tables") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|it| it != "toml") {
            faults.push(path.display().to_string());
        }
    }
    assert_none(faults, "`catalog/tables/` holds one TOML file a table and nothing else");
}

#[test]
fn the_rules_can_fail() {
    assert_eq!(crate_modules("use crate::{graph, ops};"), ["ops", "graph"]);
    assert_eq!(crate_modules("let x = crate::flight::Client;"), ["flight"]);
    assert!(crate_modules("use crate::flightless::Bird;").is_empty());
    assert!(names("tonic::Status", "", "tonic"));
    assert!(!names("tonic_health::x", "", "tonic"));
}
