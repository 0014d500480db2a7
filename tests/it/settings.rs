//! Settings: what is read, what wins, and everything that is wrong at once.

use entra_flight::app::settings::Settings;
use entra_flight::error::Kind;
use expect_test::{Expect, expect};

/// Reads a file of this text under these variables.
fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("entra-flight.toml");
    std::fs::write(&path, text).expect("a file");
    let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Settings::load(&path, environment).map_err(|error| {
        let chain = entra_flight::error::Report::new(&error, error.hint()).to_string();
        chain.replace(&format!("{}/", folder.path().display()), "")
    })
}

fn check_fault(text: &str, environment: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&load(text, environment).expect_err("faults"));
}

const WHOLE: &str = r#"
[server]
listen = "127.0.0.1:9000"
drain = "3s"

[connections.contoso]
tenant = "contoso.onmicrosoft.com"
client_id = "app"
client_secret = { env = "CONTOSO_SECRET" }
deadline = "2h"
"#;

#[test]
fn a_file_and_the_environment_make_settings() {
    let environment =
        [("CONTOSO_SECRET", "s3cret"), ("ENTRA_FLIGHT__SERVER__LISTEN", "127.0.0.1:9001")];
    let settings = load(WHOLE, &environment).expect("settings");
    assert_eq!(settings.server.listen.port(), 9001, "the environment wins");
    let contoso = &settings.connections["contoso"];
    assert_eq!(contoso.client_secret.expose(), "s3cret");
    assert_eq!(contoso.graph_base_url.as_str(), "https://graph.microsoft.com/v1.0");
    assert_eq!(contoso.login_url.as_str(), "https://login.microsoftonline.com/");
    assert!(!format!("{settings:?}").contains("s3cret"), "a secret is never printed");
}

#[test]
fn a_secret_may_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "from a file\n").expect("a file");
    let text = WHOLE.replace("{ env = \"CONTOSO_SECRET\" }", &format!("{{ file = {secret:?} }}"));
    let settings = load(&text, &[]).expect("settings");
    assert_eq!(settings.connections["contoso"].client_secret.expose(), "from a file");
}

#[test]
fn the_environment_alone_is_enough() {
    let environment = [
        ("ENTRA_FLIGHT__CONNECTIONS__A__TENANT", "a.example"),
        ("ENTRA_FLIGHT__CONNECTIONS__A__CLIENT_ID", "app"),
        ("ENTRA_FLIGHT__CONNECTIONS__A__CLIENT_SECRET", "s3cret"),
    ];
    let missing = std::path::Path::new("there-is-no-such-file.toml");
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::load(missing, environment).expect("settings");
    assert_eq!(settings.connections["a"].tenant, "a.example");
}

#[test]
fn a_missing_file_says_what_to_do() {
    let error = Settings::load(std::path::Path::new("no-such.toml"), []).expect_err("no file");
    assert_eq!(error.kind(), Kind::NotFound);
    expect![[r#"
        could not read the settings file `no-such.toml`
          caused by: No such file or directory (os error 2)
          hint: name the file with `--settings`, or try the simulated tenant with `entra-flight demo`"#]]
    .assert_eq(&entra_flight::error::Report::new(&error, error.hint()).to_string());
}

#[test]
fn all_faults_are_reported_together() {
    check_fault(
        r#"
[server]
listn = "127.0.0.1:1"
drain = "soon"
insecure = [1]

[connections.contoso]
client_id = ""
client_secret = "in the file"
graph_base_url = "graph.microsoft.com"
login_url = "https://login.microsoftonline.com"

[connections.fabrikam]
tenant = "fabrikam.example"
client_id = "app"
client_secret = { env = "NOT_SET" }
graph_base_url = "https://graph.microsoft.com/beta"
"#,
        &[("ENTRA_FLIGHT__SERVER__LISTEN", "here")],
        expect![[r#"
            the settings have 10 faults:
              - `connections.contoso.client_id` is empty (entra-flight.toml line 8)
              - `connections.contoso.client_secret` must not stand in the file: say `{ env = "NAME" }` or `{ file = "PATH" }` (entra-flight.toml line 9)
              - `connections.contoso.graph_base_url` must be a whole URL that begins with `https://` (entra-flight.toml line 10)
              - `connections.contoso.tenant` is missing: a domain or the id of the tenant
              - `connections.fabrikam.client_secret` names the environment variable `NOT_SET`, which is not set (entra-flight.toml line 16)
              - `connections.fabrikam.graph_base_url` must end in the version, `/v1.0`
              - `server.drain` must be a time with its unit, such as `30s` or `2h` (entra-flight.toml line 4)
              - `server.insecure` must be a text, a number, `true` or `false` (entra-flight.toml line 5)
              - `server.listen` must be an address and a port, such as `127.0.0.1:8815` (environment variable ENTRA_FLIGHT__SERVER__LISTEN)
              - `server.listn` is not a setting; the nearest is `server.listen` (entra-flight.toml line 3)"#]],
    );
}

#[test]
fn no_connection_and_no_toml_are_faults() {
    check_fault(
        "[server]\n",
        &[],
        expect![[r#"
        the settings have 1 fault:
          - `connections` is empty: name one tenant under `[connections.NAME]`"#]],
    );
    check_fault(
        "[server\n",
        &[],
        expect![[r#"
        the settings file `entra-flight.toml` is not TOML
          caused by: TOML parse error at line 1, column 8
          |
        1 | [server
          |        ^
        unclosed table, expected `]`
    "#]],
    );
}
