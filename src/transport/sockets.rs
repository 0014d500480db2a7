//! The network: one pool of connections, HTTP/1.1 and HTTP/2, TLS by rustls.

use std::path::PathBuf;
use std::sync::Mutex;

use futures::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use reqwest::{Certificate, Client, ClientBuilder, Response, redirect};

use super::{Error, Exchange, NewConnection, Transport, Watch};
use crate::clock::{self, Instant};
use crate::limits::transport as limits;
use crate::spare::Spare;

/// What the network needs to know.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Certificate authorities (PEM) to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// [`Transport`] over sockets.
///
/// The system's certificate authorities are trusted, and those of [`Settings::ca_file`]. The
/// usual proxy variables (`HTTPS_PROXY`, `NO_PROXY` …) are obeyed, except towards this machine
/// itself: a simulated tenant on a loopback port is never reached through a proxy.
#[derive(Debug)]
pub struct Sockets {
    authorities: Vec<Certificate>,
    pool: Mutex<Pool>,
}

#[derive(Clone, Debug)]
struct Pool {
    /// Through the proxy of the environment, when there is one.
    outward: Client,
    /// To this machine.
    loopback: Client,
    made: Instant,
}

impl Sockets {
    /// Reads the certificate authorities and makes the pool; connects to nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::error::Kind::Invalid) if the file of authorities cannot be read,
    /// [`Kind::Internal`](crate::error::Kind::Internal) if the system gives no way to check a
    /// certificate.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        // The process may have a provider already, which then stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = authorities(settings)?;
        let pool = Mutex::new(Pool::new(&authorities)?);
        Ok(Sockets { authorities, pool })
    }

    /// The client for a request: the common one, or one of a new pool.
    fn client(&self, exchange: &Exchange) -> Client {
        let mut pool = self.pool.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let wants_new = exchange.request.extensions().get::<NewConnection>().is_some();
        if wants_new && clock::now() >= pool.made + limits::NEW_POOL_INTERVAL {
            match Pool::new(&self.authorities) {
                Ok(new) => *pool = new,
                Err(error) => tracing::warn!(%error, "could not make a new connection pool"),
            }
        }
        match exchange.request.uri().host() {
            Some(host) if is_loopback(host) => pool.loopback.clone(),
            _ => pool.outward.clone(),
        }
    }
}

impl Transport for Sockets {
    fn exchange(
        &self,
        exchange: Exchange,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, Error>> {
        let client = self.client(&exchange);
        Box::pin(async move {
            let host = host(&exchange);
            let timeout = exchange.timeout;
            match tokio::time::timeout(timeout, carry(client, exchange, &host)).await {
                Ok(answer) => answer,
                Err(_) => Err(Error::TimedOut { host, timeout }),
            }
        })
    }
}

impl Pool {
    fn new(authorities: &[Certificate]) -> Result<Self, Error> {
        let build = |builder: ClientBuilder| {
            builder.build().map_err(|source| Error::Tls { source: Box::new(source) })
        };
        Ok(Pool {
            outward: build(client_builder(authorities))?,
            loopback: build(client_builder(authorities).no_proxy())?,
            made: clock::now(),
        })
    }
}

fn client_builder(authorities: &[Certificate]) -> ClientBuilder {
    Client::builder()
        .tls_certs_merge(authorities.iter().cloned())
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .pool_idle_timeout(limits::POOL_IDLE_TIMEOUT)
}

fn authorities(settings: &Settings) -> Result<Vec<Certificate>, Error> {
    let Some(path) = &settings.ca_file else { return Ok(Vec::new()) };
    let file = path.display().to_string();
    let pem = std::fs::read(path)
        .map_err(|source| Error::CaFile { file: file.clone(), source: Box::new(source) })?;
    let found = Certificate::from_pem_bundle(&pem)
        .map_err(|source| Error::CaFile { file: file.clone(), source: Box::new(source) })?;
    if found.is_empty() {
        return Err(Error::CaFile { file, source: "there is no PEM certificate in it".into() });
    }
    Ok(found)
}

async fn carry(
    client: Client,
    exchange: Exchange,
    host: &str,
) -> Result<http::Response<Vec<u8>>, Error> {
    let watch = exchange.request.extensions().get::<Watch>().cloned();
    let memory = exchange.request.extensions().get::<Spare>().map(Spare::take).unwrap_or_default();
    let request = reqwest::Request::try_from(exchange.request).map_err(|source| {
        Error::Unsendable { host: host.to_owned(), source: Box::new(source.without_url()) }
    })?;
    let answer = client.execute(request).await.map_err(|source| unanswered(source, host))?;
    collect(answer, memory, exchange.body_bytes_max, watch, host).await
}

/// The body in one piece, with room behind it for what the decoder wants there.
async fn collect(
    mut answer: Response,
    memory: Vec<u8>,
    body_bytes_max: usize,
    mut watch: Option<Watch>,
    host: &str,
) -> Result<http::Response<Vec<u8>>, Error> {
    let too_long = || Error::TooLong { host: host.to_owned(), body_bytes_max };
    let told = content_length(&answer);
    if told.is_some_and(|bytes| bytes > body_bytes_max as u64) {
        return Err(too_long());
    }
    let expected = told.map_or(limits::BODY_FIRST_BYTES, |bytes| bytes as usize);
    let mut body = memory;
    body.reserve(expected + limits::BODY_SPARE_BYTES);
    loop {
        let cut = |bytes| Error::Cut { host: host.to_owned(), bytes };
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > body_bytes_max => return Err(too_long()),
            Ok(Some(chunk)) => {
                body.extend_from_slice(&chunk);
                watch = watch.filter(|it| it.look(answer.status(), answer.headers(), &body));
            }
            Ok(None) if told.is_some_and(|bytes| bytes != body.len() as u64) => {
                return Err(cut(body.len()));
            }
            Ok(None) => break,
            Err(_) => return Err(cut(body.len())),
        }
    }
    let mut whole = http::Response::new(body);
    *whole.status_mut() = answer.status();
    *whole.version_mut() = answer.version();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(whole)
}

fn content_length(answer: &Response) -> Option<u64> {
    answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Why no head of an answer came. Whatever is neither a failed connection nor a request that
/// cannot be put on the wire is a connection that ended too early.
fn unanswered(source: reqwest::Error, host: &str) -> Error {
    let host = host.to_owned();
    if source.is_connect() || source.is_timeout() {
        Error::Connect { host, source: Box::new(source.without_url()) }
    } else if source.is_builder() {
        Error::Unsendable { host, source: Box::new(source.without_url()) }
    } else {
        Error::Closed { host, source: Box::new(source.without_url()) }
    }
}

fn host(exchange: &Exchange) -> String {
    let authority = exchange.request.uri().authority();
    authority.map_or_else(String::new, |authority| authority.as_str().to_owned())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
