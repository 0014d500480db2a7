//! The program as a person or a script runs it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use expect_test::{Expect, expect};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entra-flight"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A program that goes on until it is told to stop, the addresses it printed, and its notes.
struct Running {
    child: Child,
    lines: Vec<String>,
    notes: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Starts it and waits for the line that says it accepts calls.
    fn start(arguments: &[&str], ready: &str) -> Self {
        let mut child = program()
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let mut notes = BufReader::new(child.stderr.take().expect("its notes"));
        let mut lines = Vec::new();
        for line in out.lines() {
            lines.push(line.expect("text"));
            if lines.last().is_some_and(|line| line.starts_with(ready)) {
                return Running { child, lines, notes, said: String::new() };
            }
        }
        let mut said = String::new();
        notes.read_to_string(&mut said).expect("text");
        panic!("it ended before it was ready: {lines:?}\n{said}");
    }

    /// Waits for a note with these words.
    fn wait_for(&mut self, words: &str) {
        while !self.said.contains(words) {
            let read = self.notes.read_line(&mut self.said).expect("text");
            assert!(read > 0, "it ended without saying {words:?}: {}", self.said);
        }
    }

    fn address(&self, name: &str) -> String {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} is not among {:?}", self.lines)).to_owned()
    }

    /// Asks it to stop as an orchestrator does; gives its exit code and what it noted.
    fn stop(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        self.notes.read_to_string(&mut self.said).expect("text");
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

/// Settings for the tenant that `sim` printed.
fn settings(sim: &Running, folder: &Path) -> String {
    let path = folder.join("entra-flight.toml");
    let secret = folder.join("secret");
    std::fs::write(&secret, "simulated-secret\n").expect("a file");
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
    let server = Running::start(&["demo", "--users", "5", "--listen", "127.0.0.1:0"], "flight");
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
        users: 0 rows, 0 rows/s, 0.0 s
        error: `users.xlsx` does not end in `.parquet`, `.arrow`, `.csv` or `.jsonl`
    "#]],
    );
    check(
        "users",
        &["-o", "/no/such/folder/users.csv"],
        69,
        expect![[r#"
        users: 0 rows, 0 rows/s, 0.0 s
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
