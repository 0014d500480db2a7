//! The program as a person or a script runs it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use expect_test::{Expect, expect};

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entra-flight"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

pub fn run(arguments: &[&str]) -> Output {
    program().args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A program that goes on until it is told to stop, the addresses it printed, and its notes.
pub struct Running {
    child: Child,
    lines: Vec<String>,
    notes: Option<BufReader<ChildStderr>>,
    said: String,
}

impl Running {
    /// Starts it and waits for the line that says it accepts calls.
    pub fn start(arguments: &[&str], ready: &str) -> Self {
        let mut command = program();
        command.args(arguments);
        Running::ready(command, ready)
    }

    /// The same of a process that may have so many files open.
    pub fn start_with_open_files(most: usize, arguments: &[&str], ready: &str) -> Self {
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_entra-flight")]).args(arguments);
        Running::ready(command, ready)
    }

    fn ready(mut command: Command, ready: &str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().map(BufReader::new);
        let notes = child.stderr.take().map(BufReader::new);
        let mut running = Running { child, lines: Vec::new(), notes, said: String::new() };
        for line in out.expect("its output").lines() {
            running.lines.push(line.expect("text"));
            if running.lines.last().is_some_and(|line| line.starts_with(ready)) {
                return running;
            }
        }
        running.read_notes();
        panic!("it ended before it was ready: {:?}\n{}", running.lines, running.said);
    }

    fn read_notes(&mut self) {
        if let Some(notes) = &mut self.notes {
            notes.read_to_string(&mut self.said).expect("text");
        }
    }

    /// Closes the pipe of its notes, as a supervisor does that goes away.
    fn close_notes(&mut self) {
        self.notes = None;
    }

    /// Waits for a note with these words.
    pub fn wait_for(&mut self, words: &str) {
        let notes = self.notes.as_mut().expect("open notes");
        while !self.said.contains(words) {
            let read = notes.read_line(&mut self.said).expect("text");
            assert!(read > 0, "it ended without saying {words:?}: {}", self.said);
        }
    }

    pub fn address(&self, name: &str) -> String {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} is not among {:?}", self.lines)).to_owned()
    }

    /// Asks it to stop as an orchestrator does; gives its exit code and what it noted.
    pub fn stop(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        self.read_notes();
        (self.child.wait().expect("it ends").code(), std::mem::take(&mut self.said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone if the test got that far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file that only its owner may read.
pub fn write_secret(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).expect("a file");
    set_mode(path, 0o600);
}

/// Gives a file this mode.
#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("a file of ours");
}

#[cfg(not(unix))]
pub fn set_mode(_: &Path, _: u32) {}

/// Settings for the tenant that `sim` printed.
pub fn settings(sim: &Running, folder: &Path) -> String {
    let path = folder.join("entra-flight.toml");
    let secret = folder.join("secret");
    write_secret(&secret, "simulated-secret\n");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\n[connections.contoso]\n\
         tenant = \"contoso.example\"\n\
         client_id = \"00000000-0000-4000-8000-000000000001\"\n\
         client_secret = {{ file = {secret:?} }}\n\
         graph_base_url = \"{}\"\nlogin_url = \"{}\"\n",
        sim.address("graph"),
        sim.address("login")
    );
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// The same, with a store in the folder.
pub fn stored_settings(sim: &Running, folder: &Path) -> String {
    let path = settings(sim, folder);
    let text = std::fs::read_to_string(&path).expect("the settings");
    let store = folder.join("store");
    std::fs::write(&path, format!("{text}\n[store]\nurl = {store:?}\n")).expect("a file");
    path
}

#[test]
fn the_demo_shows_a_table_and_serves_until_it_is_stopped() {
    let mut demo = Running::start(&["demo", "--users", "300", "--listen", "127.0.0.1:0"], "flight");
    demo.wait_for("Serving until");
    assert!(demo.address("graph").ends_with("/v1.0"));
    let server = demo.address("flight");
    let listed = run(&["tables", "group*", "--server", &server]);
    assert!(text(&listed.stdout).contains("group_members"), "{listed:?}");
    let described = text(&run(&["describe", "users", "--server", &server]).stdout);
    assert!(described.contains("assignedLicenses"), "{described}");
    let checked = run(&["check", "--server", &server]);
    assert!(text(&checked.stderr).contains("24 of 24 tables may be read"), "{checked:?}");
    let (code, said) = demo.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("users: 300 rows"), "{said}");
}

#[test]
fn whoever_reads_the_notes_may_go_away() {
    for arguments in
        [&["sim", "--users", "5"][..], &["demo", "--users", "5", "--listen", "127.0.0.1:0"]]
    {
        let mut running =
            Running::start(arguments, if arguments[0] == "sim" { "login" } else { "flight" });
        running.close_notes();
        let (code, _) = running.stop();
        assert_eq!(code, Some(0), "{arguments:?}");
    }
}

#[test]
fn a_simulated_tenant_says_what_was_asked_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "30"], "login");
    let settings = settings(&sim, folder.path());
    let got = run(&["get", "users", "--settings", &settings]);
    assert!(got.status.success(), "{got:?}");
    let (code, said) = sim.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 requests, 0 batch parts, 1 pages, 30 rows, "), "{said}");
}

#[test]
fn a_simulated_tenant_grants_and_owns_what_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["sim", "--users", "5", "--licence", "free"];
    let granted = ["--permission", "AuditLog.Read.All", "--permission", "Organization.Read.All"];
    let sim = Running::start(&[&arguments[..], &granted].concat(), "login");
    let settings = settings(&sim, folder.path());
    let checked = run(&["check", "--json", "--settings", &settings]);
    let lines = text(&checked.stdout);
    let allowed: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &serde_json::Value| line["allowed"] == true)
        .collect();
    let allowed: Vec<&str> = allowed.iter().filter_map(|line| line["table"].as_str()).collect();
    for table in ["directory_audits", "organization", "subscribed_skus"] {
        assert!(allowed.contains(&table), "{lines}");
    }
    assert!(!allowed.contains(&"users"), "{lines}");
    let got = run(&["get", "sign_ins", "--settings", &settings]);
    assert_eq!(got.status.code(), Some(78), "{got:?}");
}

/// A full disk, as far as a writer can tell.
#[cfg(target_os = "linux")]
const FULL: &str = "/dev/full";

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_has_no_room_is_an_error_and_one_that_nobody_reads_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "3000"], "login");
    let settings = settings(&sim, folder.path());
    for arguments in [&["get", "users"][..], &["tables"], &["describe", "users"], &["--help"]] {
        let full = std::fs::OpenOptions::new().write(true).open(FULL).expect("the device");
        let mut command = program();
        command.args(arguments).stdin(Stdio::null()).stdout(full);
        if arguments[0] != "--help" {
            command.args(["--settings", &settings]);
        }
        let output = command.output().expect("the program runs");
        assert_eq!(output.status.code(), Some(69), "{arguments:?}: {output:?}");
    }
    let mut command = program();
    command.args(["get", "users", "--settings", &settings]).stdin(Stdio::null());
    let (unread, out) = std::io::pipe().expect("a pipe");
    drop(unread);
    let output = command.stdout(out).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_from_a_fault_in_the_rows() {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use entra_flight::snapshot::export::{Error, Export};
    use std::sync::Arc;

    let folder = tempfile::tempdir().expect("a folder");
    // More than any writer holds back.
    let text: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..20_000).map(|at| format!("{at:0>64}"))));
    let batch = RecordBatch::try_from_iter([("text", text)]).expect("rows");
    for format in ["parquet", "arrow", "csv", "jsonl"] {
        let path = folder.path().join(format!("rows.{format}"));
        let partial = format!("{}.{}.partial", path.display(), std::process::id());
        std::os::unix::fs::symlink(FULL, &partial).expect("a link");
        let written = Export::create(&path, &batch.schema()).and_then(|mut export| {
            export.write(&batch)?;
            export.finish()
        });
        let error = written.expect_err("there is no room");
        assert!(matches!(error, Error::Write { .. }), "{format}: {error:?}");
        assert_eq!(error.kind(), entra_flight::error::Kind::Unavailable);
        assert!(!std::fs::exists(&path).expect("the folder"), "{format}");
    }
}

#[tokio::test]
async fn a_check_ends_at_its_deadline() {
    use entra_flight::{app, clock, error, ops};

    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("its address");
    let variables = [
        ("TENANT", "contoso.example".to_owned()),
        ("CLIENT_ID", "app".to_owned()),
        ("CLIENT_SECRET", "s3cret".to_owned()),
        ("GRAPH_BASE_URL", format!("http://{address}/v1.0")),
        ("LOGIN_URL", format!("http://{address}")),
    ];
    let variables = variables.map(|(key, value)| {
        (format!("ENTRA_FLIGHT__CONNECTIONS__CONTOSO__{key}").into(), value.into())
    });
    let settings = app::settings::Settings::load(Path::new("no-such.toml"), variables);
    let engine = app::engine(&settings.expect("settings").connections, None).expect("an engine");
    let connection = engine.namespace().connection(None).expect("the connection");
    let checked = ops::check(connection, "*", Some(clock::now())).await;
    assert_eq!(checked.expect_err("no answer").kind(), error::Kind::TimedOut);
}

#[test]
fn the_tables_of_one_connection_are_listed() {
    let demo = Running::start(&["demo", "--users", "5", "--listen", "127.0.0.1:0"], "flight");
    let server = demo.address("flight");
    let list = |name| run(&["tables", "--server", &server, "--connection", name]);
    assert!(text(&list("contoso").stdout).contains("group_members"));
    assert_eq!(list("fabrikam").status.code(), Some(66));
}

#[test]
fn words_that_cannot_be_read_are_invalid_input() {
    for arguments in [&["sim", "--fault", "thunder"][..], &["get"], &["fly"], &[]] {
        assert_eq!(run(arguments).status.code(), Some(64), "{arguments:?}");
    }
    for arguments in ["--help", "--version"] {
        assert_eq!(run(&[arguments]).status.code(), Some(0), "{arguments}");
    }
}

#[test]
fn a_table_goes_into_a_file_of_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "400"], "login");
    let settings = settings(&sim, folder.path());
    for format in ["parquet", "arrow", "csv", "jsonl"] {
        let path = folder.path().join(format!("users.{format}"));
        let file = path.display().to_string();
        let got = run(&["get", "users", "-o", &file, "--settings", &settings]);
        assert!(got.status.success(), "{got:?}");
        assert!(text(&got.stdout).contains("users.") && text(&got.stdout).contains(": 400 rows, "));
        assert!(std::fs::metadata(&path).expect("the file").len() > 10_000);
    }
    let open = |name: &str| std::fs::File::open(folder.path().join(name)).expect("the file");
    let parquet = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
        open("users.parquet"),
        1_000,
    );
    let rows: usize = parquet.expect("parquet").map(|batch| batch.expect("rows").num_rows()).sum();
    assert_eq!(rows, 400);
    let arrow = arrow::ipc::reader::FileReader::try_new(open("users.arrow"), None).expect("arrow");
    assert!(arrow.schema().field_with_name("proxyAddresses").is_ok());
    let csv = std::fs::read_to_string(folder.path().join("users.csv")).expect("csv");
    assert!(csv.starts_with("id,odata_type,") && csv.contains("skuId"), "nested cells are JSON");
    let jsonl = std::fs::read_to_string(folder.path().join("users.jsonl")).expect("jsonl");
    assert_eq!(jsonl.lines().count(), 400);
    for line in jsonl.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(row["id"].is_string());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
    assert_eq!(left.len(), 6, "no unfinished file stays: {left:?}");
}

#[test]
fn a_statement_is_answered_in_every_format_here_and_by_a_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "60"], "login");
    let settings = settings(&sim, folder.path());
    let server = Running::start(&["serve", "--settings", &settings], "flight");
    let address = server.address("flight");
    let sql = "select userType, count(*) as n from Users group by USERTYPE order by n desc limit 1";
    for whom in [["--settings", &settings], ["--server", &address]] {
        let ask = |more: &[&str]| {
            let got = run(&[&["query", sql][..], more, &whom].concat());
            assert!(got.status.success(), "{got:?}");
            got.stdout
        };
        assert_eq!(text(&ask(&[])), "{\"userType\":\"Member\",\"n\":55}\n");
        assert_eq!(text(&ask(&["--format", "csv"])), "userType,n\nMember,55\n");
        assert!(text(&ask(&["--format", "table"])).contains("Member"));
        assert!(ask(&["--format", "parquet"]).starts_with(b"PAR1"));
        assert!(ask(&["--format", "arrow"]).starts_with(b"ARROW1"));
        let plan = text(&ask(&["--explain", "--format", "table"]));
        assert!(plan.starts_with("logical_plan\n  "), "{plan}");
        assert!(plan.contains("GET /users?$select=id,userType&$top=999"), "{plan}");
        let wrong = run(&[&["query", "select nope from users"][..], &whom].concat());
        assert_eq!(wrong.status.code(), Some(64), "{wrong:?}");
        assert!(text(&wrong.stderr).contains("no column `nope`"), "{wrong:?}");
    }
}

#[test]
fn a_read_that_fails_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let fault = ["sim", "--users", "3000", "--fault", "repeat_link"];
    let sim = Running::start(&fault, "login");
    let settings = settings(&sim, folder.path());
    let file = folder.path().join("users.parquet");
    std::fs::write(&file, "as before").expect("a file");
    let got = run(&["get", "users", "-o", &file.display().to_string(), "--settings", &settings]);
    assert_eq!(got.status.code(), Some(65), "{got:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "as before");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 3);
}

#[test]
fn a_server_reads_its_settings_and_its_table_is_streamed_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = Running::start(&["sim", "--users", "50"], "login");
    let settings = settings(&sim, folder.path());
    let server = Running::start(&["serve", "--settings", &settings], "flight");
    let address = server.address("flight");
    let columns = ["--columns", "id,displayName", "--limit", "7"];
    let got = run(&[&["get", "users", "--server", &address][..], &columns].concat());
    let rows = text(&got.stdout);
    assert_eq!(rows.lines().count(), 7, "{got:?}");
    assert!(rows.lines().all(|row| row.starts_with("{\"id\":") && row.ends_with('}')), "{rows}");
    let (code, said) = server.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("outcome=\"complete\"") && said.contains("rows=7"), "{said}");
}

fn check_refusal(arguments: &[&str], code: i32, expected: Expect) {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "a failure is no result");
    expected.assert_eq(&text(&output.stderr));
}

#[test]
fn what_is_asked_wrongly_says_what_to_do() {
    let server = Running::start(&["demo", "--users", "5", "--listen", "localhost:0"], "flight");
    let address = server.address("flight");
    let asked = |table, more: &[&'static str]| {
        let mut arguments = vec!["get".to_owned(), table, "--server".to_owned(), address.clone()];
        arguments.extend(more.iter().map(|it| (*it).to_owned()));
        arguments
    };
    let check = |table: &str, more: &[&'static str], code, expected| {
        let arguments = asked(table.to_owned(), more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        check_refusal(&arguments, code, expected);
    };
    check(
        "user",
        &[],
        66,
        expect![[r#"
        error: table `user` does not exist; the nearest are `users`, `user_app_role_assignments`, `user_managers`
          hint: list the tables with `entra-flight tables`
    "#]],
    );
    check(
        "users",
        &["--columns", "mail2"],
        66,
        expect![[r#"
        error: column `mail2` is not in `users`; the nearest is `mail`
          hint: list the columns with `entra-flight describe users`
    "#]],
    );
    check(
        "users",
        &["-o", "users.xlsx"],
        64,
        expect![[r#"
            error: `users.xlsx` does not end in `.parquet`, `.arrow`, `.csv` or `.jsonl`
        "#]],
    );
    check(
        "users",
        &["-o", "/no/such/folder/users.csv"],
        69,
        expect![[r#"
            error: could not write `/no/such/folder/users.csv`
              caused by: No such file or directory (os error 2)
              hint: check that the folder exists, may be written to and has room
        "#]],
    );
    check_refusal(
        &["tables", "--server", "here"],
        64,
        expect![[r#"
        error: `here` is not the address of a server
          hint: use `grpc://HOST:PORT`
    "#]],
    );
    check_refusal(
        &["tables", "--settings", "no-such.toml"],
        66,
        expect![[r#"
        error: could not read the settings file `no-such.toml`
          caused by: No such file or directory (os error 2)
          hint: name the file with `--settings`, or try the simulated tenant with `entra-flight demo`
    "#]],
    );
}
