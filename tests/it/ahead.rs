//! Pages that are asked for before the one before has come: over a port, where answers come in
//! pieces.

use std::collections::HashSet;

use serde_json::Value;

use crate::cli::{Running, run, settings};

/// Six pages.
const USERS: usize = 5_000;

#[test]
fn every_row_comes_once_whatever_happens_to_the_page_before() {
    // What goes wrong, and how many requests more than pages it may cost.
    let cases: [(&[&str], u64); 8] = [
        (&[], 0),
        (&["--gzip", "on"], 0),
        (&["--fault", "cut_body:300000"], 2),
        (&["--fault", "outage:2"], 2),
        (&["--fault", "throttle:3:1s"], 4),
        (&["--fault", "expire_link"], 4),
        (&["--fault", "slow:150ms"], 0),
        (&["--fault", "expire_token:1s"], 8),
    ];
    for (wrong, more) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let users = USERS.to_string();
        let arguments = [&["sim", "--users", &users, "--throttle", "off"][..], wrong].concat();
        let sim = Running::start(&arguments, "login");
        let settings = settings(&sim, folder.path());
        let path = folder.path().join("users.jsonl");
        let shown = path.display().to_string();
        let got = run(&["get", "users", "-o", &shown, "--settings", &settings]);
        assert!(got.status.success(), "{wrong:?}: {got:?}");
        let rows = std::fs::read_to_string(&path).expect("the rows");
        let ids: HashSet<String> = rows
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].to_string())
            .collect();
        assert_eq!((rows.lines().count(), ids.len()), (USERS, USERS), "{wrong:?}");
        let (_, said) = sim.stop();
        let words: Vec<&str> = said.split([' ', '\n']).collect();
        let place = words.iter().position(|word| word.starts_with("requests")).expect("a count");
        let requests: u64 = words[place - 1].parse().expect("a number");
        assert!((6..=6 + more).contains(&requests), "{wrong:?}: {said}");
    }
}

#[test]
fn whoever_wants_a_few_rows_asks_for_no_second_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "5000", "--throttle", "off"], "login");
    let settings = settings(&sim, folder.path());
    let got = run(&["get", "users", "--limit", "5", "--json", "--settings", &settings]);
    assert!(got.status.success(), "{got:?}");
    let (_, said) = sim.stop();
    assert!(said.contains("1 requests, "), "{said}");
}
