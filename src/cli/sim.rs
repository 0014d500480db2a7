//! `sim`

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::Error;
use super::arguments;
use super::console::Console;
use crate::sim::{self, Licence, Settings, Tenant, Throttle, Tls, socket};
use crate::{app, limits};

/// A simulated tenant that has its port.
pub struct Bound {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Its port.
    pub listener: TcpListener,
    /// Scheme, host and port.
    pub root: String,
}

/// Starts a tenant and takes its port.
pub async fn bind(
    tenant: &arguments::Tenant,
    listen: SocketAddr,
    scheme: &str,
) -> Result<Bound, Error> {
    let refused = |source| Error::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let settings = Settings {
        seed: tenant.seed,
        users: tenant.users,
        rounds: tenant.churn,
        latency: tenant.latency,
        faults: tenant.faults.clone(),
        throttle: if tenant.throttle == "off" { Throttle::Off } else { Throttle::On },
        compress: tenant.gzip == "on",
        licence: if tenant.licence == "free" { Licence::Free } else { Licence::Premium },
        ..granting(&tenant.permissions)
    };
    let tenant = Arc::new(Tenant::new(settings));
    Ok(Bound { tenant, listener, root: format!("{scheme}://{address}") })
}

/// The usual tenant, granting these permissions; all of them if none is named.
fn granting(permissions: &[String]) -> Settings {
    let usual = Settings::default();
    match permissions {
        [] => usual,
        some => Settings { permissions: some.to_vec(), ..usual },
    }
}

/// Prints where the tenant is and what signs in to it.
pub fn announce(root: &str, console: &Console) -> Result<(), Error> {
    console.result(&format!("graph: {root}/v1.0"))?;
    console.result(&format!("login: {root}"))?;
    console.note(&format!(
        "tenant {}, client id {}, secret {}",
        sim::TENANT,
        sim::CLIENT_ID,
        sim::CLIENT_SECRET
    ));
    Ok(())
}

/// Runs a simulated tenant until it is told to stop.
pub async fn run(command: arguments::Sim, console: &Console) -> Result<(), Error> {
    let tls = match command.tls {
        true => Some(Tls::new(&command.ca, &[command.listen.ip().to_string()])?),
        false => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let bound = bind(&command.tenant, command.listen, scheme).await?;
    let stop = app::stop_token(limits::flight::DRAIN);
    announce(&bound.root, console)?;
    let served = socket::serve(bound.tenant.clone(), bound.listener, tls, stop).await;
    console.note(&bound.tenant.counters().to_string());
    served.map_err(Error::Serve)
}
