//! Loads and expiries that are killed at any moment.

use std::process::Stdio;
use std::time::Duration;

use entra_flight::clock;
use serde_json::Value;

use crate::cli::{Running, program, run, stored_settings};

/// Enough to fall into every part of a load and of an expiry many times.
const KILLS: u64 = 200;

fn tenant(rounds: u64) -> Running {
    let rounds = rounds.to_string();
    let arguments = ["sim", "--users", "400", "--throttle", "off", "--churn", &rounds];
    Running::start(&arguments, "login")
}

#[tokio::test]
async fn a_killed_load_leaves_whole_versions_and_the_next_one_succeeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sim = tenant(0);
    let store = folder.path().join("store");
    let settings = stored_settings(&sim, folder.path());
    let load = ["load", "users", "groups", "--method", "reload_and_compare", "--settings"];
    let first = run(&[&load[..], &[&settings]].concat());
    assert!(first.status.success(), "{first:?}");
    let expire = ["expire", "--older-than", "0s", "--keep", "3", "--settings"];
    let (mut whole, mut expired) = (0, 0);
    for kill in 0..KILLS {
        // Between some of the loads things change, so that there is something to store.
        if kill % 20 == 19 {
            sim = tenant(kill / 20 + 1);
            stored_settings(&sim, folder.path());
        }
        let expiry = kill % 4 == 3;
        let mut child = program()
            .args(if expiry { &expire[..] } else { &load[..] })
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // Spread over the time that a load takes, without a pattern.
        let most = if expiry { 120 } else { 400 };
        clock::sleep(Duration::from_millis(kill * 7_919 % most)).await;
        // It may have ended by itself.
        let _ = child.kill();
        let ended = u64::from(child.wait().expect("it ended").success());
        if expiry { expired += ended } else { whole += ended }
    }
    assert!(whole < KILLS * 3 / 4 && expired < KILLS / 4, "none was killed");
    let last = run(&[&load[..], &[&settings]].concat());
    assert!(last.status.success(), "{last:?}");
    let proved = run(&["fsck", "--json", "--settings", &settings]);
    assert!(proved.status.success(), "{proved:?}");
    for line in String::from_utf8(proved.stdout).expect("text").lines() {
        let proof: Value = serde_json::from_str(line).expect("JSON");
        let versions = proof["versions"].as_u64().expect("a number");
        assert!(versions >= 2, "{proof}");
        let table = store.join("contoso").join(proof["table"].as_str().expect("a name"));
        // A version has one file of its own, or shares that of the one before.
        let files = std::fs::read_dir(&table).expect("the table").filter(|file| {
            let name = file.as_ref().expect("a file").file_name();
            name.to_string_lossy().starts_with("load-")
        });
        assert!(files.count() as u64 <= versions, "files of no version stay in {table:?}");
    }
}
