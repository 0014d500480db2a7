//! The same tenant on a port, and as a transport.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use entra_flight::sim::{Builder, Tenant, Throttle, Tls, cut_body, slow, socket};
use entra_flight::transport::{Error, Exchange, Transport};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::SIGN_IN;

/// A tenant on a free port of this machine.
struct Port {
    tenant: Arc<Tenant>,
    address: String,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Port {
    async fn of(builder: Builder) -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (tenant, stop) = (Arc::new(builder.start()), CancellationToken::new());
        let serving = tokio::spawn(socket::serve(tenant.clone(), listener, None, stop.clone()));
        Port { tenant, address, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.expect("a connection")
    }

    /// Signs in over the port.
    async fn token(&self) -> String {
        let mut stream = self.connect().await;
        let request = format!(
            "POST /contoso.example/oauth2/v2.0/token HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{SIGN_IN}",
            self.address,
            SIGN_IN.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let (_, body) = answer(&mut stream).await;
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        super::text(&answer, "access_token").to_owned()
    }

    async fn ask(&self, stream: &mut TcpStream, token: &str, target: &str) {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
    }
}

/// Head and body of one answer, as far as they came.
async fn answer(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
            if bytes.len() - end - 4 >= length(&head) {
                return (head, bytes[end + 4..].to_vec());
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
            let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

fn length(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.expect("a length").parse().expect("a number")
}

#[tokio::test]
async fn a_connection_is_kept_and_links_lead_back_to_it() {
    let port = Port::of(Tenant::seed(7).users(300)).await;
    let token = port.token().await;
    let mut stream = port.connect().await;
    let mut target = "/v1.0/users?$select=id&$top=100".to_owned();
    let mut rows = 0;
    loop {
        port.ask(&mut stream, &token, &target).await;
        let (head, body) = answer(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let page: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        rows += page["value"].as_array().expect("rows").len();
        let Some(link) = page["@odata.nextLink"].as_str() else { break };
        let below = link.strip_prefix(&format!("http://{}", port.address));
        target = below.expect("the same host").to_owned();
    }
    assert_eq!((rows, port.tenant.counters().pages), (300, 3));
    assert!(port.tenant.counters().in_flight_max >= 1);
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_it_says() {
    let port = Port::of(Tenant::seed(7).users(300).fault(cut_body(5_000))).await;
    let token = port.token().await;
    let mut stream = port.connect().await;
    port.ask(&mut stream, &token, "/v1.0/users").await;
    let (head, body) = answer(&mut stream).await;
    assert!(length(&head) > 20_000, "{head}");
    assert_eq!(body.len(), 5_000);
    let mut stream = port.connect().await;
    port.ask(&mut stream, &token, "/v1.0/users").await;
    let (head, body) = answer(&mut stream).await;
    assert_eq!(length(&head), body.len(), "the next is whole");
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_end() {
    let port = Port::of(Tenant::seed(7).users(300).latency(Duration::from_millis(200))).await;
    let token = port.token().await;
    let mut stream = port.connect().await;
    port.ask(&mut stream, &token, "/v1.0/organization").await;
    while port.tenant.counters().requests == 0 {
        tokio::task::yield_now().await;
    }
    port.stop.cancel();
    let (head, body) = answer(&mut stream).await;
    assert_eq!(length(&head), body.len());
    port.serving.await.expect("no panic").expect("a clean end");
    assert!(TcpStream::connect(&port.address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn the_authority_is_written_where_told_or_the_error_says_where_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    Tls::new(&path, &["graph.simulated".to_owned()]).expect("certificates");
    let written = std::fs::read_to_string(&path).expect("the file");
    assert!(written.starts_with("-----BEGIN CERTIFICATE-----"));
    let error = Tls::new(folder.path().join("no/ca.pem"), &[]).expect_err("no such folder");
    assert!(error.to_string().contains("no/ca.pem"), "{error}");
}

fn exchange(target: &str, headers: &[(&str, &str)], timeout: Duration) -> Exchange {
    let mut request = Request::get(format!("http://graph.simulated{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::new()).expect("a request");
    Exchange { request, body_bytes_max: 1 << 20, timeout }
}

async fn signed_in(tenant: &Tenant) -> String {
    let request = Request::post("http://login.simulated/contoso.example/oauth2/v2.0/token")
        .body(Bytes::from_static(SIGN_IN.as_bytes()))
        .expect("a request");
    let timeout = Duration::from_secs(60);
    let answer = tenant.exchange(Exchange { request, body_bytes_max: 1 << 20, timeout }).await;
    let answer: serde_json::Value =
        serde_json::from_slice(answer.expect("an answer").body()).expect("JSON");
    format!("Bearer {}", super::text(&answer, "access_token"))
}

#[tokio::test(start_paused = true)]
async fn as_a_transport_it_keeps_time_and_bounds() {
    let tenant = Tenant::seed(7).users(300).latency(Duration::from_millis(50));
    let tenant = tenant.fault(slow(Duration::from_secs(40))).fault(cut_body(100_000)).start();
    let token = signed_in(&tenant).await;
    let headers = [("authorization", token.as_str())];
    let patience = Duration::from_secs(30);
    let ask = |target: &str| tenant.exchange(exchange(target, &headers, patience));

    let begun = entra_flight::clock::now();
    let late = ask("/v1.0/organization").await.expect_err("the first is slow");
    assert!(matches!(late, Error::TimedOut { .. }), "{late}");
    assert_eq!(begun.elapsed(), patience);

    let begun = entra_flight::clock::now();
    assert_eq!(ask("/v1.0/organization").await.expect("an answer").status(), 200);
    assert_eq!(begun.elapsed(), Duration::from_millis(50));

    let cut = ask("/v1.0/users?$top=999").await.expect_err("a long body is cut");
    assert!(matches!(cut, Error::Cut { bytes: 100_000, .. }), "{cut}");

    let mut small = exchange("/v1.0/users?$top=999", &headers, patience);
    small.body_bytes_max = 1_000;
    let long = tenant.exchange(small).await.expect_err("longer than asked for");
    assert!(matches!(long, Error::TooLong { body_bytes_max: 1_000, .. }), "{long}");
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_counted() {
    let tenant = Tenant::seed(7).users(300).latency(Duration::from_millis(50)).start();
    let token = signed_in(&tenant).await;
    let headers = [("authorization", token.as_str())];
    let target = "/v1.0/organization";
    let timeout = Duration::from_secs(1);
    let asked = (0..16).map(|_| tenant.exchange(exchange(target, &headers, timeout)));
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(tenant.counters().in_flight_max, 16);
}

#[tokio::test(start_paused = true)]
async fn bodies_are_compressed_for_those_who_ask() {
    let tenant = Tenant::seed(7).users(300).start();
    let token = signed_in(&tenant).await;
    let target = "/v1.0/users?$top=300";
    let timeout = Duration::from_secs(1);
    let plain = [("authorization", token.as_str())];
    let plain = tenant.exchange(exchange(target, &plain, timeout)).await.expect("an answer");
    assert!(plain.headers().get("content-encoding").is_none());
    let zipped = [("authorization", token.as_str()), ("accept-encoding", "gzip, deflate")];
    let zipped = tenant.exchange(exchange(target, &zipped, timeout)).await.expect("an answer");
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let mut whole = vec![0; plain.body().len()];
    let length =
        libdeflater::Decompressor::new().gzip_decompress(zipped.body(), &mut whole).expect("gzip");
    assert_eq!((length, &whole), (plain.body().len(), plain.body()));
    for (accepted, encoding) in [
        ("gzip;q=0", None),
        ("gzip;q=0, *", None),
        ("identity", None),
        ("*;q=0", None),
        ("GZIP", Some("gzip")),
        ("br, *;q=0.1", Some("gzip")),
        ("deflate, gzip;q=0.5", Some("gzip")),
    ] {
        let headers = [("authorization", token.as_str()), ("accept-encoding", accepted)];
        let answer = tenant.exchange(exchange(target, &headers, timeout)).await.expect("an answer");
        let given = answer.headers().get("content-encoding").map(|value| value.as_bytes());
        assert_eq!(given, encoding.map(str::as_bytes), "{accepted}");
    }
    let counters = tenant.counters();
    assert!(zipped.body().len() * 3 < whole.len());
    assert!(counters.sent_bytes < counters.body_bytes);
}

#[test]
fn throttling_is_on_or_off() {
    assert_eq!("on".parse::<Throttle>().expect("a word"), Throttle::On);
    assert_eq!("off".parse::<Throttle>().expect("a word"), Throttle::Off);
    let error = "maybe".parse::<Throttle>().expect_err("neither");
    assert_eq!(error.to_string(), "throttling is `on` or `off`, not `maybe`");
}
