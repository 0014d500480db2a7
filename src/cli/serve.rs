//! `serve`

use super::Error;
use super::arguments::Serve;
use super::console::Console;
use crate::flight::Server;
use crate::{app, telemetry};

/// Serves the tenants of the settings until it is told to stop.
pub async fn run(command: Serve, console: &Console) -> Result<(), Error> {
    telemetry::begin(telemetry::Level::Calls);
    let path = &command.settings.settings;
    let mut settings =
        app::settings::Settings::load(path, std::env::vars_os()).map_err(app::Error::from)?;
    if let Some(listen) = command.listen {
        settings.server.listen = listen;
    }
    settings.server.insecure |= command.insecure;
    let engine = app::engine(&settings.connections, settings.store.as_ref())?;
    let server = Server::bind(&settings.server).await?;
    let stop = app::stop_token();
    console.result(&format!("flight: grpc://{}", server.address()))?;
    Ok(server.serve(engine, stop).await?)
}
