//! The settings of a server: one TOML file, each key also as an environment variable.
//!
//! `[server] listen` in the file is `ENTRA_FLIGHT__SERVER__LISTEN` in the environment, which wins.
//! Everything that is wrong is reported at once, each fault with its key, the rule it breaks and
//! where it was set. Secrets are never in the file: it names an environment variable or a file
//! that holds them.

mod leaves;
mod listen;
mod read;
mod secret_file;
mod stored;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::catalog::ByTable;
use crate::decode::OnMismatch;
use crate::error::Kind;
use crate::flight;
use crate::graph::OnParentError;
use crate::ops;
use crate::secret::Secret;
use crate::snapshot;
use leaves::Leaves;

pub use listen::listen_address;

/// Where the settings are looked for when no file is named.
pub const FILE: &str = "entra-flight.toml";

/// Graph of the global cloud.
const GRAPH: &str = "https://graph.microsoft.com/v1.0";

/// Sign-in of the global cloud.
const LOGIN: &str = "https://login.microsoftonline.com";

/// Everything a server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[server]`.
    pub server: flight::Settings,
    /// `[connections.NAME]`, at least one.
    pub connections: BTreeMap<String, Connection>,
    /// `[store]`, if there is one.
    pub store: Option<Kept>,
    /// `[schedule.NAME]`.
    pub schedule: BTreeMap<String, Scheduled>,
}

/// Where versions of tables are kept, and when they answer.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where.
    pub place: snapshot::Settings,
    /// How old a stored version may be that answers in place of Graph.
    pub max_age: ByTable<Duration>,
    /// The share of its rows that a table may lose between two loads without being suspected.
    pub lost_share_max: f64,
    /// Which versions stay after each load; `None` is all.
    pub keep: Option<snapshot::Keep>,
}

/// Loads at set times.
#[derive(Clone, Debug)]
pub struct Scheduled {
    /// When, in UTC.
    pub cron: ops::Cron,
    /// Such as `users`; none is all that the permissions allow.
    pub tables: Vec<String>,
    /// What becomes of what is stored.
    pub method: snapshot::Method,
    /// Which connection; may be left out where there is only one.
    pub connection: Option<String>,
    /// By how much at most a load begins later, by chance, than the schedule says.
    pub jitter: Duration,
}

/// How one tenant is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    /// A domain of the tenant, or its id.
    pub tenant: String,
    /// The application that was registered for this server.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Graph's root, which ends in the version.
    pub graph_base_url: Url,
    /// Scheme and host of the sign-in endpoint.
    pub login_url: Url,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// How long one read may take; `None` for the built-in bound.
    pub deadline: Option<Duration>,
    /// The share of that time for which failures in a row are outlasted.
    pub outage_share_max: f64,
    /// What becomes of values that are not of their column's type.
    pub mismatch: ByTable<OnMismatch>,
    /// What becomes of a read when what belongs to one row of a parent table cannot be read.
    pub on_parent_error: ByTable<OnParentError>,
    /// Whether statements may use what only Graph's advanced queries answer: counts, ends of text
    /// and what is null, from an index that lags behind the directory.
    pub advanced_queries: bool,
}

/// One thing wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Such as `server.listen`.
    pub key: String,
    /// What is expected of it.
    pub rule: String,
    /// The file and line, or the environment variable; `None` where it was not set at all.
    pub place: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.rule)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("could not read the settings file `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    ///
    /// Only what the parser says is kept: its own error shows the line, and a secret that was put
    /// there by mistake would show with it.
    #[error(
        "the settings file `{}` is not TOML at line {line}, column {column}: {message}",
        path.display()
    )]
    NotToml {
        /// Which.
        path: PathBuf,
        /// Where, counted from one.
        line: usize,
        /// In characters, counted from one.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// It can be read, and these settings cannot be used.
    #[error("the settings have {} {}:{}", .0.len(), if .0.len() == 1 { "fault" } else { "faults" }, listed(.0))]
    Faults(Vec<Fault>),
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Kind::NotFound
            }
            _ => Kind::Invalid,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Unreadable { source, .. }
                if source.kind() == std::io::ErrorKind::InvalidData =>
            {
                Some("save it as UTF-8".to_owned())
            }
            Error::Unreadable { .. } => Some(
                "name the file with `--settings`, or try the simulated tenant with `entra-flight \
                 demo`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  - {fault}")).collect()
}

impl Settings {
    /// Reads the file at `path` and what `environment` overrides of it.
    ///
    /// A missing file is an error only if the environment names no connection either. Variables
    /// that are not UTF-8 are faults only where a setting depends on them.
    ///
    /// # Errors
    ///
    /// See [`Error`]; all faults at once.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Error> {
        let environment: Vec<_> = environment.into_iter().collect();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound
                    && leaves::names_connection(&environment) =>
            {
                String::new()
            }
            Err(source) => return Err(Error::Unreadable { path: path.to_owned(), source }),
        };
        let leaves = Leaves::gather(path, &text, environment)?;
        read::settings(leaves).map_err(Error::Faults)
    }
}

/// Reads a time with its unit, such as `100ms`, `30s` or `2h`.
pub fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}
