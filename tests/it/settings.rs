//! Settings: what is read, what wins, and everything that is wrong at once.

use std::path::{Path, PathBuf};

use entra_flight::app::settings::Settings;
use entra_flight::error::Kind;
use expect_test::{Expect, expect};

use crate::cli::{set_mode, write_secret};

/// Reads a file of this text under these variables.
pub fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("entra-flight.toml");
    std::fs::write(&path, text).expect("a file");
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
    Settings::load(&path, environment).map_err(|error| {
        let chain = entra_flight::error::Report::new(&error, error.hint()).to_string();
        chain.replace(&format!("{}/", folder.path().display()), "")
    })
}

pub fn check_fault(text: &str, environment: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&load(text, environment).expect_err("faults"));
}

pub const WHOLE: &str = r#"
[server]
listen = "127.0.0.1:9000"
drain = "3s"
cache = "1.5 GiB"

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
    assert_eq!(settings.server.cache, 3 << 29);
    let contoso = &settings.connections["contoso"];
    assert_eq!(contoso.client_secret.expose(), "s3cret");
    assert_eq!(contoso.graph_base_url.as_str(), "https://graph.microsoft.com/v1.0");
    assert_eq!(contoso.login_url.as_str(), "https://login.microsoftonline.com/");
    assert!(!format!("{settings:?}").contains("s3cret"), "a secret is never printed");
}

#[test]
fn the_name_of_a_place_to_listen_is_looked_up() {
    let environment =
        [("CONTOSO_SECRET", "s3cret"), ("ENTRA_FLIGHT__SERVER__LISTEN", "localhost:9002")];
    let listen = load(WHOLE, &environment).expect("settings").server.listen;
    assert!(listen.ip().is_loopback(), "{listen}");
    assert_eq!(listen.port(), 9_002);
}

/// The secret in a file of these bytes, or what is wrong with it.
fn secret_of(bytes: &[u8], mode: u32) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    write_secret(&secret, bytes);
    set_mode(&secret, mode);
    let text = WHOLE.replace("{ env = \"CONTOSO_SECRET\" }", &format!("{{ file = {secret:?} }}"));
    match load(&text, &[]) {
        Ok(settings) => Ok(settings.connections["contoso"].client_secret.expose().to_owned()),
        Err(error) => Err(error.replace(&secret.display().to_string(), "SECRET")),
    }
}

#[test]
fn a_secret_may_come_from_a_file() {
    let files: [&[u8]; 6] = [
        b"a secret",
        b"a secret\n",
        b"a secret\r\n",
        b"\xef\xbb\xbfa secret",
        b"\xef\xbb\xbfa secret\r\n",
        b"a secret\n\n",
    ];
    for file in files {
        assert_eq!(secret_of(file, 0o600), Ok("a secret".to_owned()), "{file:?}");
    }
    assert_eq!(secret_of(b" a ", 0o400), Ok(" a ".to_owned()), "blanks may be part of it");
}

#[test]
fn a_file_that_holds_no_secret_says_why() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let files = [
        utf16("\u{feff}a secret\r\n"),
        utf16("a secret"),
        "\u{feff}a".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        b"\xe9".to_vec(),
        b"two\nlines\n".to_vec(),
        b"\xef\xbb\xbf\n".to_vec(),
        vec![b'a'; 1 << 20],
    ];
    let said = files.map(|file| secret_of(&file, 0o600).expect_err("no secret"));
    let said = said.map(|said| said.replace("the settings have 1 fault:\n  - ", ""));
    expect![[r#"
        `connections.contoso.client_secret` names the file `SECRET`, which is UTF-16: save it as UTF-8 (entra-flight.toml line 10)
        `connections.contoso.client_secret` names the file `SECRET`, which is UTF-16: save it as UTF-8 (entra-flight.toml line 10)
        `connections.contoso.client_secret` names the file `SECRET`, which is UTF-16: save it as UTF-8 (entra-flight.toml line 10)
        `connections.contoso.client_secret` names the file `SECRET`, which is not UTF-8 text (entra-flight.toml line 10)
        `connections.contoso.client_secret` names the file `SECRET`, which has more than one line (entra-flight.toml line 10)
        `connections.contoso.client_secret` names the file `SECRET`, which is empty (entra-flight.toml line 10)
        `connections.contoso.client_secret` names the file `SECRET`, which has more than 65536 bytes, which no secret has (entra-flight.toml line 10)"#]].assert_eq(&said.join("\n"));
}

#[test]
fn a_settings_file_is_utf8_with_a_byte_order_mark_or_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("entra-flight.toml");
    let environment = || [("CONTOSO_SECRET".into(), "s3cret".into())];
    std::fs::write(&path, format!("\u{feff}{WHOLE}")).expect("a file");
    let settings = Settings::load(&path, environment()).expect("settings");
    assert_eq!(settings.connections["contoso"].tenant, load_whole().connections["contoso"].tenant);
    let utf16 = WHOLE.encode_utf16().flat_map(u16::to_be_bytes);
    std::fs::write(&path, [0xfe, 0xff].into_iter().chain(utf16).collect::<Vec<_>>())
        .expect("a file");
    let error = Settings::load(&path, environment()).expect_err("UTF-16");
    assert_eq!(error.kind(), Kind::Invalid);
    assert_eq!(error.hint().as_deref(), Some("save it as UTF-8"));
}

fn load_whole() -> Settings {
    load(WHOLE, &[("CONTOSO_SECRET", "s3cret")]).expect("settings")
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_everybody_may_read_is_refused() {
    for mode in [0o400, 0o600, 0o440, 0o640, 0o660] {
        assert_eq!(secret_of(b"a secret", mode), Ok("a secret".to_owned()), "{mode:o}");
    }
    let said = [0o644, 0o444, 0o604, 0o602].map(|mode| {
        let said = secret_of(b"a secret", mode).expect_err("it is open");
        assert!(!said.contains("a secret"), "{said}");
        format!("{mode:o}: {}", said.replace("the settings have 1 fault:\n  - ", ""))
    });
    expect![[r#"
        644: `connections.contoso.client_secret` names the file `SECRET`, which everybody on this machine may read: run `chmod 600 SECRET`; for a Kubernetes secret set `defaultMode: 0400`, or 0440 with an `fsGroup`; for one of Docker's `mode: 0400` (entra-flight.toml line 10)
        444: `connections.contoso.client_secret` names the file `SECRET`, which everybody on this machine may read: run `chmod 600 SECRET`; for a Kubernetes secret set `defaultMode: 0400`, or 0440 with an `fsGroup`; for one of Docker's `mode: 0400` (entra-flight.toml line 10)
        604: `connections.contoso.client_secret` names the file `SECRET`, which everybody on this machine may read: run `chmod 600 SECRET`; for a Kubernetes secret set `defaultMode: 0400`, or 0440 with an `fsGroup`; for one of Docker's `mode: 0400` (entra-flight.toml line 10)
        602: `connections.contoso.client_secret` names the file `SECRET`, which everybody on this machine may change: run `chmod 600 SECRET`; for a Kubernetes secret set `defaultMode: 0400`, or 0440 with an `fsGroup`; for one of Docker's `mode: 0400` (entra-flight.toml line 10)"#]].assert_eq(&said.join("\n"));
}

#[test]
fn the_environment_alone_is_enough() {
    let environment = [
        ("ENTRA_FLIGHT__CONNECTIONS__A__TENANT", "a.example"),
        ("ENTRA_FLIGHT__CONNECTIONS__A__CLIENT_ID", "app"),
        ("ENTRA_FLIGHT__CONNECTIONS__A__CLIENT_SECRET", "s3cret"),
    ];
    let missing = Path::new("there-is-no-such-file.toml");
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    let settings = Settings::load(missing, environment).expect("settings");
    assert_eq!(settings.connections["a"].tenant, "a.example");
}

#[test]
fn a_missing_file_says_what_to_do() {
    let error = Settings::load(Path::new("no-such.toml"), []).expect_err("no file");
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
cache = "much"
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
            the settings have 11 faults:
              - `connections.contoso.client_id` is empty (entra-flight.toml line 9)
              - `connections.contoso.client_secret` must not stand in the file: say `{ env = "NAME" }` or `{ file = "PATH" }` (entra-flight.toml line 10)
              - `connections.contoso.graph_base_url` must be a whole URL that begins with `https://` (entra-flight.toml line 11)
              - `connections.contoso.tenant` is missing: a domain or the id of the tenant
              - `connections.fabrikam.client_secret` names the environment variable `NOT_SET`, which is not set (entra-flight.toml line 17)
              - `connections.fabrikam.graph_base_url` must end in the version, `/v1.0` (entra-flight.toml line 18)
              - `server.cache` must be a number of bytes with its unit, such as `2GiB`, or `0` for none (entra-flight.toml line 5)
              - `server.drain` must be a time with its unit, such as `30s` or `2h` (entra-flight.toml line 4)
              - `server.insecure` must be a text, a number, `true` or `false` (entra-flight.toml line 6)
              - `server.listen` must be an address and a port, such as `127.0.0.1:8815` or `localhost:8815` (environment variable ENTRA_FLIGHT__SERVER__LISTEN)
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
            the settings file `entra-flight.toml` is not TOML at line 1, column 8: unclosed table, expected `]`"#]],
    );
}

#[test]
fn a_file_that_is_not_toml_is_not_repeated() {
    let text = "[connections.contoso]\nclient_secret = s3cret\n";
    let said = load(text, &[]).expect_err("not TOML");
    assert!(!said.contains("s3cret"), "{said}");
    assert!(said.contains("line 2, column 17"), "{said}");
}

#[test]
fn a_connection_has_a_plain_name() {
    let connection = "tenant = \"t\"\nclient_id = \"a\"\nclient_secret = { env = \"S\" }\n";
    check_fault(
        &format!("[connections.\"contoso.com\"]\n{connection}[connections.\"\"]\n{connection}"),
        &[("S", "s3cret"), ("ENTRA_FLIGHT__CONNECTIONS__A B__TENANT", "t")],
        expect![[r#"
            the settings have 3 faults:
              - `connections.` is no name for a connection: use letters, digits, `_` and `-` (entra-flight.toml line 5)
              - `connections."contoso.com"` is no name for a connection: use letters, digits, `_` and `-` (entra-flight.toml line 1)
              - `connections.a b` is no name for a connection: use letters, digits, `_` and `-` (environment variable ENTRA_FLIGHT__CONNECTIONS__A B__TENANT)"#]],
    );
    check_fault(
        &format!("[connections.Contoso]\n{connection}[connections.contoso]\n{connection}"),
        &[("S", "s3cret")],
        expect![[r#"
            the settings have 1 fault:
              - `connections.contoso` differs from `connections.Contoso` only in case"#]],
    );
}

#[test]
fn a_variable_means_a_connection_however_the_file_writes_it() {
    let text = WHOLE.replace("connections.contoso", "connections.Contoso");
    let environment = [
        ("CONTOSO_SECRET", "s3cret"),
        ("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__TENANT", "another.example"),
    ];
    let settings = load(&text, &environment).expect("settings");
    assert_eq!(settings.connections.len(), 1);
    assert_eq!(settings.connections["Contoso"].tenant, "another.example");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_matters_only_where_it_is_used() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("entra-flight.toml");
    std::fs::write(&path, WHOLE).expect("a file");
    let load = |name: &[u8], value: &[u8]| {
        let mut environment = vec![("CONTOSO_SECRET".into(), "s3cret".into())];
        environment.push((OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec())));
        let loaded = Settings::load(&path, environment).map(|_| "settings".to_owned());
        let place = format!("{}/", folder.path().display());
        loaded.unwrap_or_else(|error| error.to_string().replace(&place, ""))
    };
    assert_eq!(load(b"LS_COLORS", b"\xff"), "settings");
    assert_eq!(load(b"\xff", b"x"), "settings");
    let said = [
        load(b"CONTOSO_SECRET", b"\xff"),
        load(b"ENTRA_FLIGHT__SERVER__DRAIN", b"\xff"),
        load(b"ENTRA_FLIGHT__CONNECTIONS__CONTOSO__CLIENT_SECRET", b"\xff"),
        load(b"ENTRA_FLIGHT__SERVER__\xff", b"1s"),
    ];
    expect![[r#"
        the settings have 1 fault:
          - `connections.contoso.client_secret` names the environment variable `CONTOSO_SECRET`, which is not UTF-8 text (entra-flight.toml line 10)
        the settings have 1 fault:
          - `server.drain` must be UTF-8 text (environment variable ENTRA_FLIGHT__SERVER__DRAIN)
        the settings have 1 fault:
          - `connections.contoso.client_secret` must be UTF-8 text (environment variable ENTRA_FLIGHT__CONNECTIONS__CONTOSO__CLIENT_SECRET)
        the settings have 1 fault:
          - `server.�` is not a setting (environment variable ENTRA_FLIGHT__SERVER__�)"#]].assert_eq(&said.join("\n"));
}

#[test]
fn values_that_make_no_sense_are_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty");
    write_secret(&empty, "\n");
    let text = format!(
        r#"
[server]
drain = "30days"

[connections.a]
tenant = "t"
client_id = "app"
client_secret = {{ env = "EMPTY" }}
graph_base_url = "http://graph.microsoft.com/v1.0"
login_url = "http://192.0.2.1"
deadline = "0s"

[connections.b]
tenant = "t"
client_id = "app"
client_secret = {{ file = {empty:?} }}
graph_base_url = "http://[::1]:8080/v1.0"
login_url = "http://localhost:8080"
deadline = "500000000000years"

[connections.c]
tenant = "t"
client_id = "app"
deadline = "31days"
"#
    );
    let environment = [("EMPTY", ""), ("ENTRA_FLIGHT__CONNECTIONS__C__CLIENT_SECRET", " ")];
    let said = load(&text, &environment).expect_err("faults");
    let empty = empty.display().to_string();
    expect![[r#"
        the settings have 9 faults:
          - `connections.a.client_secret` names the environment variable `EMPTY`, which is empty (entra-flight.toml line 8)
          - `connections.a.deadline` must be longer than nothing (entra-flight.toml line 11)
          - `connections.a.graph_base_url` must begin with `https://`: only to this machine itself may a secret go unencrypted (entra-flight.toml line 9)
          - `connections.a.login_url` must begin with `https://`: only to this machine itself may a secret go unencrypted (entra-flight.toml line 10)
          - `connections.b.client_secret` names the file `EMPTY_FILE`, which is empty (entra-flight.toml line 16)
          - `connections.b.deadline` must be at most 30days (entra-flight.toml line 19)
          - `connections.c.client_secret` is empty (environment variable ENTRA_FLIGHT__CONNECTIONS__C__CLIENT_SECRET)
          - `connections.c.deadline` must be at most 30days (entra-flight.toml line 24)
          - `server.drain` must be at most 1h (entra-flight.toml line 3)"#]].assert_eq(&said.replace(&empty, "EMPTY_FILE"));
}

const STORED: &str = r#"
[store]
url = "kept"

[store.expire]
older_than = "30d"
keep = 10

[store.max_age_of]
sign_ins = "1h"

[schedule.nightly]
cron = "30 2 * * *"
tables = "users, groups group_members"
method = "reload"
jitter = "10m"

[schedule.weekly]
cron = "0 6 * * SUN"
"#;

#[test]
fn a_schedule_and_what_is_kept_are_read() {
    let environment = [("CONTOSO_SECRET", "s3cret")];
    let settings = load(&format!("{WHOLE}{STORED}"), &environment).expect("settings");
    let store = settings.store.expect("a store");
    let ages = store.max_age.tables.iter().map(|(table, age)| (table.as_str(), age.as_secs()));
    assert_eq!(ages.collect::<Vec<_>>(), [("sign_ins", 3_600)]);
    assert!(store.max_age.default.is_zero());
    let keep = store.keep.expect("something is kept");
    assert_eq!((keep.newer_than.as_secs(), keep.newest), (30 * 24 * 3_600, 10));
    let nightly = &settings.schedule["nightly"];
    assert_eq!(nightly.cron.to_string(), "30 2 * * *");
    assert_eq!(nightly.tables, ["users", "groups", "group_members"]);
    assert_eq!((nightly.method.name(), nightly.jitter.as_secs()), ("reload", 600));
    let weekly = &settings.schedule["weekly"];
    assert_eq!((weekly.tables.len(), weekly.method.name()), (0, "reload_and_compare"));
}

/// What stands between ```toml and ``` in the pages for users.
fn examples() -> Vec<(PathBuf, String)> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(home.join("docs")).expect("a folder");
    let pages = docs.map(|page| page.expect("a page").path()).chain([home.join("README.md")]);
    let examples = pages.flat_map(|page| {
        let text = std::fs::read_to_string(&page).expect("a page");
        let blocks = text.split("```toml\n").skip(1);
        let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned());
        blocks.map(|block| (page.clone(), block)).collect::<Vec<_>>()
    });
    examples.collect()
}

#[test]
fn what_the_docs_show_are_settings() {
    let examples = examples();
    assert!(examples.len() >= 4, "{} examples", examples.len());
    let environment = [
        ("CONTOSO_SECRET", "s3cret"),
        ("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__TENANT", "contoso.onmicrosoft.com"),
        ("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__CLIENT_ID", "app"),
        ("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__CLIENT_SECRET", "s3cret"),
        ("ENTRA_FLIGHT__STORE__URL", "kept"),
    ];
    for (page, example) in examples {
        if let Err(error) = load(&example, &environment) {
            panic!("{}: {error}\n{example}", page.display());
        }
    }
}

#[test]
fn a_schedule_that_cannot_be_kept_is_a_fault() {
    let text = STORED
        .replace("30 2 * * *", "at night")
        .replace("users, groups group_members", "users, *")
        .replace("\"reload\"", "\"sync\"")
        .replace("keep = 10", "keep = -1")
        .replace("0 6 * * SUN\"", "0 6 * * SUN\"\nconnection = \"fabrikam\"\nwhen = \"now\"");
    check_fault(
        &format!("{WHOLE}{text}"),
        &[("CONTOSO_SECRET", "s3cret")],
        expect![[r#"
            the settings have 6 faults:
              - `schedule.nightly.cron` must be a cron expression of five parts, such as `30 2 * * *`: Invalid pattern: Pattern must have 5 fields when seconds are disallowed.
              - `schedule.nightly.method` must be `full_load`, `reload` or `reload_and_compare` (entra-flight.toml line 26)
              - `schedule.nightly.tables` must name tables or be `*`, not both (entra-flight.toml line 25)
              - `schedule.weekly.connection` must name one of the connections
              - `schedule.weekly.when` is not a setting; the nearest is `schedule.weekly.cron` (entra-flight.toml line 32)
              - `store.expire.keep` must be a number, such as `10` (entra-flight.toml line 18)"#]],
    );
    let text = STORED.replace("[store]\nurl = \"kept\"", "");
    check_fault(
        &format!("{WHOLE}{text}"),
        &[("CONTOSO_SECRET", "s3cret")],
        expect![[r#"
        the settings have 3 faults:
          - `schedule.nightly.cron` needs a store: name one under `[store] url`
          - `schedule.weekly.cron` needs a store: name one under `[store] url`
          - `store.url` is missing: a folder, or the URL of a bucket"#]],
    );
}
