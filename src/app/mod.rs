//! Settings in, running server out.

pub mod settings;
mod stop;

pub use stop::{stop_asked, stop_token};

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::catalog::{self, Catalog};
use crate::error::Kind;
use crate::graph::{self, Graph};
use crate::ops::Job;
use crate::query::{self, Connection, Engine, Namespace};
use crate::snapshot::{self, Store};
use crate::source::Live;
use crate::transport::{self, Sockets};
use crate::{auth, limits};

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Statements have nowhere to work.
    #[error("could not prepare to answer statements")]
    Engine(#[source] query::Error),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] settings::Error),
    /// The network cannot be used as they say.
    #[error("could not prepare connection `{connection}`")]
    Transport {
        /// Which.
        connection: String,
        /// Why.
        #[source]
        source: transport::Error,
    },
    /// The sign-in cannot be prepared as they say.
    #[error("could not prepare connection `{connection}`")]
    Auth {
        /// Which.
        connection: String,
        /// Why.
        #[source]
        source: auth::Error,
    },
    /// Graph cannot be reached as they say.
    #[error("could not prepare connection `{connection}`")]
    Graph {
        /// Which.
        connection: String,
        /// Why.
        #[source]
        source: graph::Error,
    },
    /// The store cannot be used as they say.
    #[error(transparent)]
    Store(#[from] snapshot::Error),
    /// A table that the settings of the store name does not exist.
    #[error("could not prepare `store.max_age_of`")]
    MaxAgeOf(#[source] catalog::Error),
    /// A table for which a connection has a rule does not exist.
    #[error("could not prepare `connections.{connection}.{key}`")]
    ByTable {
        /// Which.
        connection: String,
        /// Where the rule stands.
        key: &'static str,
        /// Why.
        #[source]
        source: catalog::Error,
    },
    /// A job of the schedule cannot be run.
    #[error("could not prepare the schedule `{job}`")]
    Schedule {
        /// Which.
        job: String,
        /// Why.
        #[source]
        source: query::Error,
    },
    /// The built-in tables cannot be read, which is a fault of ours.
    #[error("the built-in tables cannot be read")]
    Catalog(#[source] catalog::Error),
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Settings(error) => error.kind(),
            Error::Transport { source, .. } => source.kind(),
            Error::Auth { source, .. } => source.kind(),
            Error::Graph { source, .. } => source.kind(),
            Error::Store(error) => error.kind(),
            Error::MaxAgeOf(source) | Error::ByTable { source, .. } => source.kind(),
            Error::Schedule { source, .. } => source.kind(),
            Error::Engine(source) => source.kind(),
            Error::Catalog(_) => Kind::Internal,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Settings(error) => error.hint(),
            Error::Auth { source, .. } => source.hint(),
            Error::Graph { source, .. } => source.hint(),
            Error::Store(error) => error.hint(),
            Error::MaxAgeOf(source) | Error::ByTable { source, .. } => source.hint(),
            Error::Schedule { source, .. } => source.hint(),
            Error::Engine(source) => source.hint(),
            Error::Transport { .. } | Error::Catalog(_) => None,
        }
    }
}

/// Prepares to read every connection. Nothing is sent: a wrong secret shows at the first read.
///
/// # Errors
///
/// See [`Error`]: addresses and files that cannot be used.
pub fn engine(
    connections: &BTreeMap<String, settings::Connection>,
    kept: Option<&settings::Kept>,
) -> Result<Engine, Error> {
    let store = kept.map(|kept| Store::open(&kept.place)).transpose()?;
    let catalog = Catalog::builtin().map_err(Error::Catalog)?;
    let max_age = kept.map(|kept| kept.max_age.clone()).unwrap_or_default();
    max_age.check(&catalog).map_err(Error::MaxAgeOf)?;
    let loads = Arc::new(Semaphore::new(limits::ops::LOADS_AT_ONCE));
    let prepared = connections.iter().map(|(name, settings)| {
        let live = live(name, settings, &catalog)?;
        Ok(Connection {
            name: name.as_str().into(),
            catalog: Arc::new(catalog.clone()),
            live,
            store: store.clone(),
            lost_share_max: kept.map_or(limits::ops::LOST_SHARE_MAX, |it| it.lost_share_max),
            keep: kept.and_then(|kept| kept.keep),
            max_age: max_age.clone(),
            loads: loads.clone(),
        })
    });
    let prepared: Vec<Connection> = prepared.collect::<Result<_, Error>>()?;
    Engine::new(Namespace::new(prepared)).map_err(Error::Engine)
}

/// The jobs of the schedule, their tables found.
///
/// # Errors
///
/// [`Error::Schedule`] for a table that there is not.
pub fn schedule(
    scheduled: &BTreeMap<String, settings::Scheduled>,
    engine: &Engine,
) -> Result<Vec<Job>, Error> {
    let job = |(name, scheduled): (&String, &settings::Scheduled)| {
        let failed = |source| Error::Schedule { job: name.clone(), source };
        let connection = engine.namespace().connection(scheduled.connection.as_deref());
        let connection = connection.map_err(failed)?.clone();
        let tables =
            scheduled.tables.iter().map(|table| Ok(connection.catalog.table(table)?.clone()));
        let tables = tables.collect::<Result<_, query::Error>>().map_err(failed)?;
        Ok(Job {
            name: name.clone(),
            cron: scheduled.cron.clone(),
            jitter: scheduled.jitter,
            tables,
            connection,
            method: scheduled.method,
        })
    };
    scheduled.iter().map(job).collect()
}

fn live(name: &str, settings: &settings::Connection, catalog: &Catalog) -> Result<Live, Error> {
    let connection = || name.to_owned();
    let named = |key, source| Error::ByTable { connection: connection(), key, source };
    settings.mismatch.check(catalog).map_err(|source| named("mismatch_of", source))?;
    let on_parent_error = &settings.on_parent_error;
    on_parent_error.check(catalog).map_err(|source| named("on_parent_error_of", source))?;
    let network = transport::Settings { ca_file: settings.ca_file.clone() };
    let sockets = Sockets::new(&network)
        .map_err(|source| Error::Transport { connection: connection(), source })?;
    let transport = Arc::new(sockets);
    let scope = graph::Settings::scope(&settings.graph_base_url)
        .map_err(|source| Error::Graph { connection: connection(), source })?;
    let tokens = auth::Tokens::new(transport.clone(), sign_in(settings, scope))
        .map_err(|source| Error::Auth { connection: connection(), source })?;
    let reach = graph::Settings {
        base_url: settings.graph_base_url.clone(),
        catalog: catalog.clone(),
        advanced_queries: settings.advanced_queries,
        outage_share_max: settings.outage_share_max,
        on_parent_error: on_parent_error.clone(),
    };
    let graph = Graph::new(transport, tokens, reach)
        .map_err(|source| Error::Graph { connection: connection(), source })?;
    let live = Live::new(graph, settings.deadline.unwrap_or(limits::source::DEADLINE));
    Ok(live.with_mismatch(settings.mismatch.clone()))
}

fn sign_in(settings: &settings::Connection, scope: String) -> auth::Settings {
    auth::Settings {
        login_url: settings.login_url.clone(),
        tenant: settings.tenant.clone(),
        client_id: settings.client_id.clone(),
        scope,
        credential: auth::Credential::Secret(settings.client_secret.clone()),
    }
}
