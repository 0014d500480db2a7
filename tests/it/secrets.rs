//! Secrets that a service repeats in its errors, and files that hold one.

use std::process::Stdio;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use entra_flight::auth::{Credential, Settings, Tokens};
use entra_flight::error::Report;
use entra_flight::secret::Secret;
use entra_flight::sim::{self, Fault, Tenant};

use crate::cli::{Running, program, run, stored_settings};
use crate::house::House;

const ECHOES: [&str; 5] = [
    "echo_request",
    "echo_request:plain",
    "echo_request:lower",
    "echo_request:json",
    "echo_request:base64",
];

/// All that is spelled in another way somewhere, as Entra's own secrets are.
const AWKWARD: &str = "q8Q~+x/=%&\" \u{e9}.Zk7_wV-3tYp";

/// Every byte but letters and digits in hex of either case; a blank as `blank`.
fn percent(text: &str, blank: &str, is_lower: bool) -> String {
    let each = |byte: u8| match byte {
        b' ' => blank.to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte if is_lower => format!("%{byte:02x}"),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(each).collect()
}

/// Texts of which none may be found, since each tells a good part of `secret`.
fn parts(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let spelled = [
        secret.to_owned(),
        json.trim_matches('"').replace('\u{e9}', "\\u00e9"),
        percent(secret, "+", false),
        percent(secret, "%20", true),
        percent(secret, "+", true).replace('~', "%7e"),
        percent(secret, "+", false).replace('~', "%7E"),
    ];
    let windows = spelled.iter().flat_map(|text| {
        let chars: Vec<char> = text.chars().collect();
        chars.windows(8).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>()
    });
    windows.collect()
}

/// The first part of the secret in a text, or in what a text holds in base64.
fn leak(text: &str, secret: &str) -> Option<String> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/".contains(c));
    let decoded = runs.filter(|run| run.len() >= 12).flat_map(|run| {
        (0..4).filter_map(move |skip| {
            let whole = run.get(skip..)?;
            let bytes = BASE64_STANDARD_NO_PAD.decode(whole.get(..whole.len() / 4 * 4)?).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        })
    });
    let texts: Vec<String> = std::iter::once(text.to_owned()).chain(decoded).collect();
    parts(secret).into_iter().find(|part| texts.iter().any(|text| text.contains(part)))
}

#[test]
fn a_leak_is_seen_in_each_spelling() {
    for text in [AWKWARD.to_owned(), percent(AWKWARD, "+", false), percent(AWKWARD, "%20", true)] {
        assert!(leak(&text, AWKWARD).is_some());
        let pair = format!("{}:{text}", sim::CLIENT_ID);
        assert!(leak(&BASE64_STANDARD.encode(pair), AWKWARD).is_some());
    }
    assert_eq!(leak("AADSTS7000215: Invalid client secret provided.", AWKWARD), None);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_service_that_repeats_the_request_tells_no_secret() {
    for word in ECHOES {
        let fault: Fault = word.parse().expect(word);
        let tenant = Arc::new(Tenant::seed(7).users(40).fault(fault).start());
        for secret in [AWKWARD, "simulated-secrets", "short", "\u{1f511}\\u0041<&amp;>'"] {
            let settings = Settings {
                login_url: "https://login.example/".parse().expect("a URL"),
                tenant: sim::TENANT.to_owned(),
                client_id: sim::CLIENT_ID.to_owned(),
                scope: "https://graph.example/.default".to_owned(),
                credential: Credential::Secret(Secret::new(secret)),
            };
            let tokens = Tokens::new(tenant.clone(), settings).expect("an address");
            let error = tokens.token().await.expect_err("a wrong secret");
            let told = Report::new(&*error, error.hint()).to_string();
            assert!(told.contains("The request was") && told.contains("(secret)"), "{told}");
            assert_eq!(leak(&format!("{told} {error:?}"), secret), None, "{word}: {told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_graph_that_repeats_the_request_tells_no_token() {
    for word in ECHOES {
        let fault: Fault = word.parse().expect(word);
        let house = House::of(Tenant::seed(7).users(40).fault(fault).start());
        let connections: Vec<_> = house.engine.namespace().connections().cloned().collect();
        let graph = connections[0].live.graph();
        let token = graph.tokens().token().await.expect("a token");
        let token = token.secret().expose();
        // The end of it, which no other token has.
        let own = token.rsplit('.').next().expect("a seal");
        let error = graph.get_json("/nothing", None).await.expect_err("no such path");
        let told = Report::new(&error, error.hint()).to_string();
        assert!(told.contains("The request was") && told.contains("(secret)"), "{told}");
        let whole = format!("{told} {error:?}");
        assert_eq!(leak(&whole, own), None, "{word}: {told}");
        assert_eq!(leak(&whole, &token[..40]), None, "{word}: {told}");
    }
}

#[test]
fn no_output_tells_a_secret_that_came_back() {
    for word in ECHOES {
        let folder = tempfile::tempdir().expect("a folder");
        let sim = Running::start(
            &["sim", "--users", "1200", "--fault", word, "--fault", "expire_link"],
            "login",
        );
        let settings = stored_settings(&sim, folder.path());
        let asked = |arguments: &[&str]| {
            let output = program()
                .env("RUST_LOG", "trace")
                .args(arguments)
                .args(["--settings", &settings])
                .stdin(Stdio::null())
                .output()
                .expect("the program runs");
            let noted = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.success(), noted + &String::from_utf8_lossy(&output.stdout))
        };
        // The listing begins again, and the log says why.
        let (is_read, noted) = asked(&["load", "users"]);
        assert!(is_read && noted.contains("The request was"), "{noted}");
        let header = "eyJ0eXAiOiJKV1QiLCJh";
        assert_eq!(leak(&noted, header), None, "{word}: {noted}");

        crate::cli::write_secret(&folder.path().join("secret"), AWKWARD);
        let (is_read, noted) = asked(&["load", "users"]);
        assert!(!is_read && noted.contains("The request was"), "{noted}");
        assert_eq!(leak(&noted, AWKWARD), None, "{word}: {noted}");
        let server = Running::start(&["serve", "--settings", &settings], "flight");
        let remote = run(&["get", "users", "--server", &server.address("flight")]);
        let (_, noted) = server.stop();
        let told = format!("{noted}{}", String::from_utf8_lossy(&remote.stderr));
        assert!(!remote.status.success() && told.contains("The request was"), "{told}");
        assert_eq!(leak(&told, AWKWARD), None, "{word}: {told}");
    }
}
