//! `serve`

use super::Error;
use super::arguments::Serve;
use super::console::Console;
use crate::flight::Server;
use crate::{app, ops};

/// Serves the tenants of the settings until it is told to stop.
pub async fn run(command: Serve, console: &Console) -> Result<(), Error> {
    let path = &command.settings.settings;
    let mut settings =
        app::settings::Settings::load(path, std::env::vars_os()).map_err(app::Error::from)?;
    if let Some(listen) = command.listen {
        settings.server.listen = listen;
    }
    settings.server.insecure |= command.insecure;
    let engine = app::engine(&settings.connections, settings.store.as_ref())?;
    let jobs = app::schedule(&settings.schedule, &engine)?;
    let server = Server::bind(&settings.server).await?;
    let stop = app::stop_token(settings.server.drain);
    console.result(&format!("flight: grpc://{}", server.address()))?;
    let schedule = ops::run_schedule(jobs, stop.clone());
    let (served, ()) = tokio::join!(server.serve(engine, stop), schedule);
    Ok(served?)
}
