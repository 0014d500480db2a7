//! The listening server.

use std::net::SocketAddr;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use futures::TryStreamExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Door};
use super::cache::Cache;
use super::connection::Connection;
use super::edge::Edge;
use super::service::Service;
use super::uncopied::Uncopied;
use super::upload::UploadMemory;
use super::{Error, proto};
use crate::limits;
use crate::query::Engine;

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address and port; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Listen where others can reach it, although callers are not asked who they are.
    pub insecure: bool,
    /// How long running streams may go on after the server was told to stop.
    pub drain: Duration,
    /// Bytes of answers that are kept on this machine's disk to be sent again; 0 keeps none.
    pub cache: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8815)),
            insecure: false,
            drain: limits::flight::DRAIN,
            cache: limits::flight::CACHE_BYTES,
        }
    }
}

/// A server that has its port and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    drain: Duration,
    cache: Cache,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if it cannot be had, [`Error::Exposed`] if others can reach it and
    /// [`Settings::insecure`] was not said.
    pub async fn bind(settings: &Settings) -> Result<Self, Error> {
        let address = settings.listen;
        if !address.ip().is_loopback() && !settings.insecure {
            return Err(Error::Exposed { address });
        }
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| Error::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
        let cache = Cache::new(settings.cache);
        Ok(Server { listener, address, drain: settings.drain, cache })
    }

    /// Where it listens, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers calls until `stop`, then takes no new ones and lets running streams end within
    /// [`Settings::drain`].
    ///
    /// # Errors
    ///
    /// [`Error::Serve`] if the server ends by itself.
    pub async fn serve(self, engine: Engine, stop: CancellationToken) -> Result<(), Error> {
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_serving::<FlightServiceServer<Service>>().await;
        let told = {
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                health.set_not_serving::<FlightServiceServer<Service>>().await;
                // The whole server, which is what most probes ask about.
                health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
            }
        };
        let flight = Uncopied::new(Service::new(engine, self.cache));
        let uploads = UploadMemory::new(limits::flight::UPLOADS_BYTES_MAX);
        let incoming = accept::incoming(self.listener, Door::of_process())
            .map_ok(|(stream, place)| Connection::new(stream, place));
        let serving = tonic::transport::Server::builder()
            .max_concurrent_streams(limits::flight::STREAMS_MAX)
            .http2_max_header_list_size(limits::flight::HEADER_BYTES_MAX)
            .http2_keepalive_interval(Some(limits::flight::KEEPALIVE))
            .add_service(Edge::new(flight, &uploads))
            .add_service(Edge::new(health_service, &uploads))
            .add_service(Edge::new(reflection().build_v1().map_err(unbuilt)?, &uploads))
            .add_service(Edge::new(reflection().build_v1alpha().map_err(unbuilt)?, &uploads))
            .serve_with_incoming_shutdown(incoming, told);
        let drain = async {
            stop.cancelled().await;
            crate::clock::sleep(self.drain).await;
        };
        tokio::select! {
            ended = serving => ended.map_err(|source| Error::Serve(source.into())),
            () = drain => {
                tracing::warn!("streams still ran after the time to drain and were cut");
                Ok(())
            }
        }
    }
}

/// The services as reflection shows them, for both of its versions: many tools know only the older.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn unbuilt(source: tonic_reflection::server::Error) -> Error {
    Error::Serve(source.into())
}
