//! What stands in logs, and what never does.

use std::process::Stdio;

use crate::cli::{Running, program, settings};

#[test]
fn no_literal_of_a_statement_is_logged_however_much_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "20"], "login");
    let settings = settings(&sim, folder.path());
    let statement = "select id, 'planted-literal' from users where displayName = 'planted-name' \
                     and mail like 'planted-pattern%' or id = concat('planted-', 'argument')";
    for level in ["debug", "trace", "sqlparser=trace,datafusion=trace,hyper=trace"] {
        let asked = program()
            .env("RUST_LOG", level)
            .args(["query", statement, "--settings", &settings])
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let noted = String::from_utf8(asked.stderr).expect("text");
        assert!(asked.status.success(), "{level}: {noted}");
        assert!(!noted.contains("planted"), "{level}: {noted}");
        let secret = "simulated-secret";
        assert!(!noted.contains(secret) && !noted.contains("Bearer "), "{level}: {noted}");
    }
}

#[test]
fn what_a_command_left_out_is_in_its_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let fault = ["sim", "--users", "200", "--fault", "fail_parent:400"];
    let sim = Running::start(&fault, "login");
    let settings = settings(&sim, folder.path());
    let asked = program()
        .env("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__ON_PARENT_ERROR", "skip")
        .args(["get", "group_members", "--settings", &settings])
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let noted = String::from_utf8(asked.stderr).expect("text");
    assert_eq!(asked.status.code(), Some(65), "{noted}");
    assert!(noted.contains("left out what belongs to a row"), "{noted}");
}
