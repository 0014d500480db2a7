//! Signing in, against the simulated tenant and against a sign-in service that answers by script.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entra_flight::auth::{Credential, Settings, Tokens};
use entra_flight::clock;
use entra_flight::error::Report;
use entra_flight::secret::Secret;
use entra_flight::sim::{self, Tenant};
use entra_flight::transport::{Error, Exchange, Transport};
use expect_test::expect;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

const SECRET: &str = "this must not be seen";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn settings() -> Settings {
    Settings {
        login_url: "https://login.example/".parse().unwrap(),
        tenant: sim::TENANT.to_owned(),
        client_id: sim::CLIENT_ID.to_owned(),
        scope: "https://graph.example/.default".to_owned(),
        credential: Credential::Secret(Secret::new(sim::CLIENT_SECRET)),
    }
}

/// Answers in turn; the last answer stays. Each takes 100 ms.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, &'static str, String)>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    fn new<const N: usize>(answers: [(u16, &'static str, &str); N]) -> Arc<Self> {
        let answers = answers.map(|(status, wait, body)| (status, wait, body.to_owned()));
        Arc::new(Script { answers: Mutex::new(answers.into()), asked: Mutex::default() })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn tokens(self: &Arc<Self>) -> Tokens {
        let credential = Credential::Secret(Secret::new(SECRET));
        Tokens::new(self.clone(), Settings { credential, ..settings() }).unwrap()
    }
}

impl Transport for Script {
    fn exchange(
        &self,
        exchange: Exchange,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, Error>> {
        let body = String::from_utf8(exchange.request.body().to_vec()).unwrap();
        self.asked.lock().unwrap().push(format!("{} {body}", exchange.request.uri()));
        let mut answers = self.answers.lock().unwrap();
        let (status, wait, body) = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        };
        async move {
            clock::sleep(Duration::from_millis(100)).await;
            if status == 0 {
                return Err(Error::Connect { host: "login.example".into(), source: "down".into() });
            }
            let mut answer = http::Response::builder().status(status);
            if !wait.is_empty() {
                answer = answer.header("retry-after", wait);
            }
            Ok(answer.header("content-type", "application/json").body(body.into_bytes()).unwrap())
        }
        .boxed()
    }
}

fn token(name: &str, life: u64) -> String {
    format!(r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"{name}"}}"#)
}

#[tokio::test(start_paused = true)]
async fn one_token_is_fetched_however_many_wait() {
    let script = Script::new([(200, "", &token("a", 3600)), (200, "", &token("b", 3600))]);
    let tokens = script.tokens();
    let first = join_all((0..50).map(|_| tokens.token())).await;
    assert!(first.iter().all(|token| token.as_ref().unwrap().secret().expose() == "a"));
    assert_eq!(script.asked(), 1);
    // Ten that are refused together get one new one together.
    let refused = first[0].as_ref().unwrap();
    let fresh = join_all((0..10).map(|_| tokens.fresh(refused, None))).await;
    assert!(fresh.iter().all(|token| token.as_ref().unwrap().secret().expose() == "b"));
    assert_eq!(tokens.fresh(refused, None).await.unwrap().secret().expose(), "b");
    assert_eq!(script.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_spoils_nothing_for_the_others() {
    let script = Script::new([(200, "", &token("a", 3600))]);
    let tokens = script.tokens();
    let mut impatient = Box::pin(tokens.token());
    assert!(futures::poll!(&mut impatient).is_pending());
    drop(impatient);
    assert_eq!(tokens.token().await.unwrap().secret().expose(), "a");
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_a_client_credentials_grant() {
    let script = Script::new([(200, "", &token("a", 3600))]);
    let claims = "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==";
    let tokens = script.tokens();
    let first = tokens.token().await.unwrap();
    tokens.fresh(&first, Some(claims)).await.unwrap();
    let asked = script.asked.lock().unwrap().join("\n");
    expect![[r#"
        https://login.example/contoso.example/oauth2/v2.0/token grant_type=client_credentials&scope=https%3A%2F%2Fgraph.example%2F.default&client_id=00000000-0000-4000-8000-000000000001&client_secret=this+must+not+be+seen
        https://login.example/contoso.example/oauth2/v2.0/token grant_type=client_credentials&scope=https%3A%2F%2Fgraph.example%2F.default&client_id=00000000-0000-4000-8000-000000000001&client_secret=this+must+not+be+seen&claims=%7B%22access_token%22%3A%7B%7D%7D"#]].assert_eq(&asked);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends_and_used_while_that_fails() {
    let script = Script::new([
        (200, "", &token("a", 3600)),
        (503, "", "busy"),
        (400, "", r#"{"error":"server_error"}"#),
        (200, "", &token("b", 3600)),
    ]);
    let tokens = script.tokens();
    tokens.token().await.unwrap();
    clock::sleep(secs(2_900)).await;
    assert_eq!(tokens.token().await.unwrap().secret().expose(), "a");
    assert_eq!(script.asked(), 1);
    clock::sleep(secs(150)).await;
    let start = clock::now();
    assert_eq!(tokens.token().await.unwrap().secret().expose(), "a");
    assert_eq!(clock::now(), start, "nobody waits for an early renewal");
    // It is under way; when it is tried again is a matter of chance.
    clock::sleep(Duration::from_millis(50)).await;
    assert_eq!(script.asked(), 2);
    assert_eq!(tokens.token().await.unwrap().secret().expose(), "a");
    clock::sleep(secs(60)).await;
    assert_eq!(tokens.token().await.unwrap().secret().expose(), "b");
    assert_eq!(script.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_is_not_used() {
    let script = Script::new([(200, "", &token("a", 100)), (200, "", &token("b", 100))]);
    let tokens = script.tokens();
    tokens.token().await.unwrap();
    clock::sleep(secs(96)).await;
    assert_eq!(tokens.token().await.unwrap().secret().expose(), "b");
}

#[tokio::test(start_paused = true)]
async fn trouble_is_retried_as_told_and_refusals_are_not() {
    let unknown = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1"}"#;
    let cases: [(&str, Arc<Script>); 8] = [
        ("network", Script::new([(0, "", "")])),
        ("outage", Script::new([(503, "", "busy")])),
        ("named wait", Script::new([(429, "7", "{}"), (200, "", &token("a", 60))])),
        ("long wait", Script::new([(429, "4000", "{}")])),
        (
            "temporarily",
            Script::new([
                (400, "", r#"{"error":"temporarily_unavailable"}"#),
                (200, "", &token("a", 60)),
            ]),
        ),
        ("refused", Script::new([(401, "", unknown)])),
        ("a web page", Script::new([(200, "", "<html>")])),
        ("redirect", Script::new([(302, "", "")])),
    ];
    let mut told = String::new();
    for (name, script) in cases {
        let start = clock::now();
        let ended = match script.tokens().token().await {
            Ok(token) => format!("{token:?}").split(',').next().unwrap().to_owned(),
            Err(error) => {
                let error = &*error;
                format!("{:?}: {}", error.kind(), Report::new(error, error.hint()))
            }
        };
        assert!(!ended.contains(SECRET));
        let took = (clock::now() - start).as_secs();
        let took = if name == "named wait" { format!(" in {took} s") } else { String::new() };
        let _ = writeln!(told, "{name}: asked {}{took}, {ended}", script.asked());
    }
    expect![[r#"
        network: asked 8, Unavailable: could not sign in to tenant `contoso.example` in 8 tries
          caused by: could not connect to `login.example`
          caused by: down
          hint: check the network, the proxy and `login_url`, then try again
        outage: asked 8, Unavailable: could not sign in to tenant `contoso.example` in 8 tries
          caused by: Entra answered 503
          hint: try again in some minutes
        named wait: asked 2 in 7 s, Token { secret: Secret(…)
        long wait: asked 1, Throttled: Entra asks to wait 4000 s before signing in to tenant `contoso.example`
          hint: try again in 4000 s
        temporarily: asked 2, Token { secret: Secret(…)
        refused: asked 1, Refused: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_client`: AADSTS7000215: Invalid client secret provided
          hint: set `client_secret` to the secret's value, not to its id, and check that it belongs to the application `00000000-0000-4000-8000-000000000001`
        a web page: asked 1, Corrupt: the answer of `login.example` to a sign-in cannot be read
          hint: check that `login_url` is a login host of Entra, not a web page
        redirect: asked 1, Corrupt: the answer of `login.example` to a sign-in cannot be read
          hint: check that `login_url` is a login host of Entra, not a web page
    "#]].assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn the_tenant_s_refusals_say_what_to_do() {
    let tenant = Arc::new(Tenant::seed(7).users(100).start());
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        Tokens::new(tenant.clone(), settings)
    };
    let cases = [
        with(&|_| {}),
        with(&|s| s.credential = Credential::Secret(Secret::new("wrong"))),
        with(&|s| s.credential = Credential::Secret(Secret::new(sim::EXPIRED_SECRET))),
        with(&|s| s.tenant = "fabrikam.example".to_owned()),
        with(&|s| s.client_id = "00000000-0000-4000-8000-00000000dead".to_owned()),
        with(&|s| s.scope = "User.Read".to_owned()),
        with(&|s| s.tenant = "..".to_owned()),
        with(&|s| s.login_url = "data:text/plain,x".parse().unwrap()),
    ];
    let mut told = String::new();
    for tokens in cases {
        let ended = match tokens {
            Ok(tokens) => match tokens.granted().await {
                Ok(granted) => format!("{} permissions", granted.unwrap().permissions.len()),
                Err(error) => format!("{:?}: {}", error.kind(), Report::new(&*error, error.hint())),
            },
            Err(error) => format!("{:?}: {}", error.kind(), Report::new(&error, error.hint())),
        };
        let _ = writeln!(told, "{ended}");
    }
    expect![[r#"
        13 permissions
        Refused: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_client`: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '00000000-0000-4000-8000-000000000001'
          hint: set `client_secret` to the secret's value, not to its id, and check that it belongs to the application `00000000-0000-4000-8000-000000000001`
        Refused: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_client`: AADSTS7000222: The provided client secret keys for app '00000000-0000-4000-8000-000000000001' are expired. Create new keys for your app, or consider using certificate credentials for added security
          hint: the client secret has expired: make a new one under the application's "Certificates & secrets" and set `client_secret` of `00000000-0000-4000-8000-000000000001`
        Refused: could not sign in to tenant `fabrikam.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_request`: AADSTS90002: Tenant 'fabrikam.example' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant
          hint: check `tenant`: no directory has the id or domain `fabrikam.example` on this login host
        Refused: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-00000000dead`
          caused by: Entra answered `unauthorized_client`: AADSTS700016: Application with identifier '00000000-0000-4000-8000-00000000dead' was not found in the directory 'Contoso'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant
          hint: check `client_id` and `tenant`: register the application `00000000-0000-4000-8000-00000000dead` in `contoso.example`, or grant it admin consent there
        Refused: could not sign in to tenant `contoso.example` as application `00000000-0000-4000-8000-000000000001`
          caused by: Entra answered `invalid_scope`: AADSTS1002012: The provided value for scope User.Read is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)
          hint: check `graph_base_url`: the token is asked for its host
        Invalid: `https://login.example/` and tenant `..` make no sign-in address
          hint: set `tenant` to a directory's id or domain, and `login_url` to a host such as `https://login.microsoftonline.com`
        Invalid: `data:text/plain,x` and tenant `contoso.example` make no sign-in address
          hint: set `tenant` to a directory's id or domain, and `login_url` to a host such as `https://login.microsoftonline.com`
    "#]].assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn a_life_is_a_number_however_it_is_written() {
    let cases = [
        ("3599", 3_599),
        (r#""3599""#, 3_599),
        (r#"" 3599 ""#, 3_599),
        ("3599.9", 3_599),
        (r#""3599.9""#, 3_599),
        ("3.6e3", 3_600),
        // What is no number is as good as nothing.
        (r#""soon""#, 600),
        (r#""NaN""#, 600),
        ("-1", 600),
        ("null", 600),
        ("[1]", 600),
    ];
    for mark in ["", "\u{feff}"] {
        for (life, seconds) in cases {
            let body = format!(
                r#"{mark}{{"token_type":"Bearer","expires_in":{life},"access_token":"a"}}"#
            );
            let script = Script::new([(200, "", &body), (200, "", &token("b", 3600))]);
            let tokens = script.tokens();
            assert_eq!(tokens.token().await.expect(life).secret().expose(), "a");
            // A twentieth of a life is not used, a minute at most.
            let used = seconds - (seconds / 20).min(60);
            clock::sleep(secs(used - 1)).await;
            assert_eq!(tokens.token().await.expect(life).secret().expose(), "a", "{life}");
            clock::sleep(secs(2)).await;
            assert_eq!(tokens.token().await.expect(life).secret().expose(), "b", "{life}");
        }
    }
    for life in [u64::MAX.to_string(), "1e300".to_owned(), "\"1e300\"".to_owned()] {
        let body = format!(r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"a"}}"#);
        assert!(Script::new([(200, "", &body)]).tokens().token().await.is_ok(), "{life}");
    }
}

#[tokio::test(start_paused = true)]
async fn marks_and_texts_of_the_sign_in_service_do_not_matter() {
    let words = ["byte_order_mark", "expires_as_text"];
    let tenant = words.into_iter().fold(Tenant::seed(7).users(40), |tenant, word| {
        tenant.fault(word.parse::<sim::Fault>().expect(word))
    });
    let tenant = Arc::new(tenant.start());
    let tokens = Tokens::new(tenant.clone(), settings()).expect("an address");
    assert!(tokens.granted().await.expect("a token").is_some());
    let credential = Credential::Secret(Secret::new(sim::EXPIRED_SECRET));
    let expired = Tokens::new(tenant, Settings { credential, ..settings() }).expect("an address");
    let error = expired.token().await.expect_err("an expired secret");
    assert!(error.to_string().starts_with("could not sign in"), "{error}");
    assert!(error.hint().expect("a hint").contains("has expired"));
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_printed() {
    let script = Script::new([(200, "", &token("the-token", 60))]);
    let tokens = script.tokens();
    let token = tokens.token().await.unwrap();
    let settings = Settings { credential: Credential::Secret(Secret::new(SECRET)), ..settings() };
    let printed = format!("{tokens:?} {token:?} {settings:?}");
    assert!(!printed.contains(SECRET) && !printed.contains("the-token"), "{printed}");
    assert_eq!(token.granted(), None);
}
