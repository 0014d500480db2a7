//! Loads that are killed at any moment.

use std::process::Stdio;
use std::time::Duration;

use entra_flight::clock;
use serde_json::Value;

use crate::cli::{Running, program, run, settings};

/// Enough to fall into every part of a load many times.
const KILLS: u64 = 60;

#[tokio::test]
async fn a_killed_load_leaves_whole_versions_and_the_next_one_succeeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "400", "--throttle", "off"], "login");
    let settings = settings(&sim, folder.path());
    let store = folder.path().join("store");
    let text = std::fs::read_to_string(&settings).expect("the settings");
    std::fs::write(&settings, format!("{text}\n[store]\nurl = {store:?}\n")).expect("a file");
    let load = ["load", "users", "groups", "--method", "reload_and_compare", "--settings"];
    let first = run(&[&load[..], &[&settings]].concat());
    assert!(first.status.success(), "{first:?}");
    let mut whole = 0;
    for kill in 0..KILLS {
        let mut child = program()
            .args(load)
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // Spread over the time that a load takes, without a pattern.
        clock::sleep(Duration::from_millis(kill * 7_919 % 400)).await;
        // It may have ended by itself.
        let _ = child.kill();
        whole += u64::from(child.wait().expect("it ended").success());
    }
    assert!(whole < KILLS, "none was killed");
    let last = run(&[&load[..], &[&settings]].concat());
    assert!(last.status.success(), "{last:?}");
    let proved = run(&["fsck", "--json", "--settings", &settings]);
    assert!(proved.status.success(), "{proved:?}");
    for line in String::from_utf8(proved.stdout).expect("text").lines() {
        let proof: Value = serde_json::from_str(line).expect("JSON");
        let versions = proof["versions"].as_u64().expect("a number");
        assert!(versions >= 2, "{proof}");
        let table = store.join("contoso").join(proof["table"].as_str().expect("a name"));
        // The rows never changed, so that all versions share the files of the first.
        let files = std::fs::read_dir(&table).expect("the table").filter(|file| {
            let name = file.as_ref().expect("a file").file_name();
            name.to_string_lossy().starts_with("load-")
        });
        assert!(files.count() as u64 <= versions, "files of no version stay in {table:?}");
    }
}
