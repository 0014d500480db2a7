//! The network itself: against the simulated tenant on a port, and against servers that misbehave
//! byte by byte.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use entra_flight::error::Kind;
use entra_flight::sim::{self, Tenant};
use entra_flight::transport::{Error, Exchange, NewConnection, Settings, Sockets, Transport};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn get(url: &str) -> Exchange {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    Exchange { request, body_bytes_max: 1 << 20, timeout: Duration::from_secs(20) }
}

fn sockets() -> Sockets {
    Sockets::new(&Settings::default()).unwrap()
}

/// A server that sends `answer` to everyone who asks and then closes; gives its address.
async fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4_096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer).await;
        }
    });
    format!("http://{address}/v1.0/users")
}

#[tokio::test]
async fn any_status_is_an_answer_and_redirects_are_not_followed() {
    let cases: [(&[u8], u16, &[u8]); 4] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", 503, b""),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            302,
            b"",
        ),
    ];
    for (answer, status, body) in cases {
        let url = server(answer).await;
        let answer = sockets().exchange(get(&url)).await.unwrap();
        assert_eq!((answer.status().as_u16(), &**answer.body()), (status, body));
        // Room for the decoder's padding, so that a body is not copied.
        assert!(answer.body().capacity() >= body.len() + 64);
    }
}

#[tokio::test]
async fn a_body_is_whole_or_an_error() {
    type Case = (&'static [u8], usize, fn(&Error) -> bool);
    let cases: [Case; 8] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", 99, |error| {
            matches!(error, Error::Cut { bytes: 5, .. })
        }),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n", 99, |error| {
            matches!(error, Error::Cut { bytes: 5, .. })
        }),
        (b"HTTP/1.1 200 OK\r\ncontent-le", 99, |error| matches!(error, Error::Closed { .. })),
        (b"", 99, |error| matches!(error, Error::Closed { .. })),
        (b"not http at all\r\n\r\n", 99, |error| matches!(error, Error::Closed { .. })),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", 99, |error| {
            matches!(error, Error::Cut { bytes: 0, .. })
        }),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nlong long", 8, |error| {
            matches!(error, Error::TooLong { body_bytes_max: 8, .. })
        }),
        (b"HTTP/1.1 200 OK\r\n\r\nlong long", 8, |error| {
            matches!(error, Error::TooLong { body_bytes_max: 8, .. })
        }),
    ];
    for (number, (answer, body_bytes_max, expected)) in cases.into_iter().enumerate() {
        let url = server(answer).await;
        let exchange = Exchange { body_bytes_max, ..get(&url) };
        let error = sockets().exchange(exchange).await.unwrap_err();
        assert!(expected(&error), "case {number}: {error:?}");
    }
}

#[tokio::test]
async fn silence_and_absence_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timeout = Duration::from_millis(50);
    let silent = Exchange { timeout, ..get(&format!("http://{address}/")) };
    let error = sockets().exchange(silent).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no whole answer from `{address}` within 50 ms"));
    drop(listener);
    let error = sockets().exchange(get(&format!("http://{address}/"))).await.unwrap_err();
    assert_eq!(error.to_string(), format!("could not connect to `{address}`"));
    assert_eq!(error.kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_file_of_authorities_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let open = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Sockets::new(&Settings { ca_file: Some(file.clone()) }).map(drop)
    };
    assert_eq!(open("no certificate").unwrap_err().kind(), Kind::Invalid);
    std::fs::remove_file(&file).unwrap();
    let missing = Sockets::new(&Settings { ca_file: Some(file.clone()) }).unwrap_err();
    assert!(missing.to_string().contains("ca.pem"));
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let tls = sim::Tls::new(&file, &[]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1.0/users", listener.local_addr().unwrap());
    let (tenant, stop) = (Arc::new(Tenant::seed(7).users(50).start()), CancellationToken::new());
    let serving = tokio::spawn(sim::socket::serve(tenant, listener, Some(tls), stop.clone()));
    let stranger = sockets().exchange(get(&url)).await.unwrap_err();
    assert!(matches!(stranger, Error::Connect { .. }), "{stranger:?}");
    let friend = Sockets::new(&Settings { ca_file: Some(file) }).unwrap();
    assert_eq!(friend.exchange(get(&url)).await.unwrap().status().as_u16(), 401);
    drop(friend);
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_tenant_answers_on_a_port_over_kept_and_new_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tenant, stop) = (Arc::new(Tenant::seed(7).users(50).start()), CancellationToken::new());
    let serving = tokio::spawn(sim::socket::serve(tenant, listener, None, stop.clone()));
    let sockets = sockets();
    for new in [false, false, true] {
        let mut exchange = get(&format!("http://{address}/v1.0/users"));
        if new {
            exchange.request.extensions_mut().insert(NewConnection);
        }
        let answer = sockets.exchange(exchange).await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
    }
    drop(sockets);
    stop.cancel();
    serving.await.unwrap().unwrap();
}
