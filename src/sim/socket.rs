//! The simulated tenant on a port.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::serve::{Listener, ListenerExt};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::{Answer, Tenant, Tls, limits};
use crate::clock;

/// Answers on a port until `stop`, then lets requests in flight end and returns.
///
/// Speaks HTTP/1.1 and keeps connections alive. With `tls` it speaks nothing but TLS, and links
/// lead to `https`.
///
/// # Errors
///
/// If the port fails as a whole; a connection that fails concerns nobody else.
///
/// # Cancellation
///
/// Dropping the future drops the port; requests in flight go on until they end.
pub async fn serve(
    tenant: Arc<Tenant>,
    listener: TcpListener,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let door = Door { tenant, scheme, address };
    let router = Router::new().fallback(answer).with_state(door);
    let stopping = stop.clone();
    let drained = async move {
        stop.cancelled().await;
        clock::sleep(limits::DRAIN_TIMEOUT).await;
    };
    let asked = async move { stopping.cancelled().await };
    let served = async move {
        match tls {
            Some(tls) => {
                let listener = Handshakes::begin(listener, address, tls);
                axum::serve(listener, router).with_graceful_shutdown(asked).await
            }
            None => {
                let listener = listener.tap_io(|stream| undelayed(stream));
                axum::serve(listener, router).with_graceful_shutdown(asked).await
            }
        }
    };
    tokio::select! {
        served = served => served,
        () = drained => Ok(()),
    }
}

/// Small answers leave at once. A socket that refuses the option is slower, not wrong.
fn undelayed(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not turn off the delay of small packets");
    }
}

/// What every request needs.
#[derive(Clone, Debug)]
struct Door {
    tenant: Arc<Tenant>,
    scheme: &'static str,
    address: SocketAddr,
}

async fn answer(State(door): State<Door>, request: Request<Body>) -> Response<Body> {
    let _in_flight = door.tenant.enter();
    let arrived = clock::now();
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, limits::REQUEST_BYTES_MAX).await else {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let mut request = Request::from_parts(parts, body);
    *request.uri_mut() = door.absolute(&request);
    let tenant = Arc::clone(&door.tenant);
    // A page is megabytes of text: it is written where it holds up no other connection.
    let answered = tokio::task::spawn_blocking(move || {
        let now = clock::unix_now();
        tenant.answer(&request, now)
    });
    let Ok(Answer { response, delay, cut }) = answered.await else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    if !delay.is_zero() {
        clock::sleep_until(arrived + delay).await;
    }
    written(response, cut)
}

impl Door {
    /// The address as the client wrote it, scheme and host included.
    fn absolute(&self, request: &Request<Bytes>) -> Uri {
        let uri = request.uri();
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.map_or_else(|| self.address.to_string(), String::from);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let absolute = Uri::builder().scheme(self.scheme).authority(host).path_and_query(path);
        absolute.build().unwrap_or_else(|_| uri.clone())
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The answer with its body; one that is to be cut promises its whole length and breaks off.
fn written(response: Response<Vec<u8>>, cut: Option<usize>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let Some(cut) = cut else {
        return Response::from_parts(parts, Body::from(body));
    };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let mut body = Bytes::from(body);
    body.truncate(cut);
    let sent = futures::stream::iter([Ok(body)]);
    let broken = futures::stream::once(async {
        // The part that is sent has to leave before the connection ends.
        clock::sleep(CUT_PAUSE).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Response::from_parts(parts, Body::from_stream(futures::StreamExt::chain(sent, broken)))
}

/// How long a connection that is to be cut stays open after its last byte.
const CUT_PAUSE: Duration = Duration::from_millis(5);

/// Connections whose TLS handshake is done. Handshakes run side by side, so that a client that
/// never finishes its own holds up nobody.
#[derive(Debug)]
struct Handshakes {
    done: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    accepting: tokio::task::JoinHandle<Infallible>,
}

impl Handshakes {
    fn begin(listener: TcpListener, address: SocketAddr, tls: Tls) -> Self {
        let (sender, done) = mpsc::channel(limits::HANDSHAKES_WAITING_MAX);
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(tls.config), sender));
        Handshakes { done, address, accepting }
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for Handshakes {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(connection) => connection,
            // The task that accepts never ends before this does.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    done: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) -> Infallible {
    let running = Arc::new(Semaphore::new(limits::HANDSHAKES_MAX));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            clock::sleep(limits::ACCEPT_PAUSE).await;
            continue;
        };
        undelayed(&stream);
        let Ok(turn) = Arc::clone(&running).acquire_owned().await else {
            continue;
        };
        let (acceptor, done) = (acceptor.clone(), done.clone());
        tokio::spawn(async move {
            let handshake =
                tokio::time::timeout(limits::HANDSHAKE_TIMEOUT, acceptor.accept(stream));
            match handshake.await {
                Ok(Ok(stream)) => {
                    // Nobody takes it when the server is stopping.
                    let _ = done.send((stream, peer)).await;
                }
                Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
            }
            drop(turn);
        });
    }
}
