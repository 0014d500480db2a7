//! What a person types.
//!
//! A file a command. What a command gives goes to standard output, so that it can be piped;
//! everything said along the way goes to standard error. A failure is printed with its causes and
//! the next step, and its kind is the exit code.

mod arguments;
mod check;
mod compare;
mod console;
mod demo;
mod demo_store;
mod expire;
mod fsck;
mod get;
mod load;
mod names;
mod output;
mod preview;
mod progress;
mod prompt;
mod query;
mod reader;
mod report;
mod serve;
mod sim;
mod snapshots;
mod tables;

use std::process::ExitCode;

use clap::Parser as _;

use crate::error::{Kind, Report};
use crate::snapshot::{self, export};
use crate::{app, catalog, flight, limits, ops, sim as simulated, telemetry};
use arguments::{Arguments, Command};
use console::Console;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings, or what is built from them.
    #[error(transparent)]
    App(#[from] app::Error),
    /// Our own server.
    #[error(transparent)]
    Flight(#[from] flight::Error),
    /// Somebody's server.
    #[error(transparent)]
    Client(#[from] flight::ClientError),
    /// A table or column.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A read.
    #[error(transparent)]
    Query(#[from] crate::query::Error),
    /// An operation.
    #[error(transparent)]
    Ops(#[from] ops::Error),
    /// The store.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// Some tables were not loaded; each was told of.
    #[error("{failed} of {tables} tables could not be loaded")]
    Loads {
        /// How many failed.
        failed: usize,
        /// How many there were.
        tables: usize,
        /// What the first of them asks for.
        kind: Kind,
    },
    /// Tables lack what belongs to parents that could not be read; each was told of.
    #[error("{tables} {} what belongs to rows that could not be read for", if *.tables == 1 { "table lacks" } else { "tables lack" })]
    Lacking {
        /// How many.
        tables: usize,
    },
    /// Stored tables are not as they should be; each was told of.
    #[error("{tables} stored {} not sound", if *.tables == 1 { "table is" } else { "tables are" })]
    Unsound {
        /// How many.
        tables: usize,
    },
    /// A file.
    #[error(transparent)]
    Export(#[from] export::Error),
    /// The simulated tenant.
    #[error(transparent)]
    Sim(#[from] simulated::Error),
    /// The simulated tenant's port cannot be had.
    #[error("could not listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A demo has no place for its store.
    #[error("could not make the folder `{}`", path.display())]
    Folder {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The port stopped working.
    #[error("the simulated tenant could not go on")]
    Serve(#[source] std::io::Error),
    /// Standard output takes no more, and not because its reader left.
    #[error("could not write the result to standard output")]
    Output(#[source] std::io::Error),
    /// Batches could not be drawn.
    #[error("could not print the rows")]
    Print(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The terminal cannot be read.
    #[error("could not read what is typed")]
    Prompt(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The runtime could not be started.
    #[error("could not start")]
    Start(#[source] std::io::Error),
    /// Interrupted by its user.
    #[error("stopped before the end")]
    Interrupted,
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::App(error) => error.kind(),
            Error::Flight(error) => error.kind(),
            Error::Client(error) => error.kind(),
            Error::Catalog(error) => error.kind(),
            Error::Query(error) => error.kind(),
            Error::Ops(error) => error.kind(),
            Error::Snapshot(error) => error.kind(),
            Error::Loads { kind, .. } => *kind,
            Error::Unsound { .. } | Error::Lacking { .. } => Kind::Corrupt,
            Error::Export(error) => error.kind(),
            Error::Sim(error) => error.kind(),
            Error::Folder { .. } => Kind::Unavailable,
            Error::Listen { .. } | Error::Output(_) | Error::Prompt(_) => Kind::Unavailable,
            Error::Serve(_) | Error::Print(_) | Error::Start(_) => Kind::Internal,
            Error::Interrupted => Kind::Cancelled,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::App(error) => error.hint(),
            Error::Flight(error) => error.hint(),
            Error::Client(error) => error.hint(),
            Error::Catalog(error) => error.hint(),
            Error::Query(error) => error.hint(),
            Error::Ops(error) => error.hint(),
            Error::Snapshot(error) => error.hint(),
            Error::Export(error) => error.hint(),
            Error::Sim(error) => error.hint(),
            Error::Lacking { .. } => Some(
                "the log names them; set `on_parent_error` to `error` to have none of it"
                    .to_owned(),
            ),
            Error::Output(_) => Some("check that there is room where it goes".to_owned()),
            Error::Listen { .. } => Some("choose another port, or stop what uses it".to_owned()),
            _ => None,
        }
    }
}

/// Parses the command line, runs the command, and gives its exit code.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explained(&error),
    };
    let console = Console::new();
    let ended = std::thread::scope(|scope| {
        // Statements are also planned in this process, by code that recurses.
        let main = std::thread::Builder::new().stack_size(limits::query::STACK_BYTES);
        let work = main.spawn_scoped(scope, || started(arguments, &console));
        match work.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(ended)) => ended,
            Ok(Err(panicked)) => std::panic::resume_unwind(panicked),
            Err(source) => Err(Error::Start(source)),
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.note(&format!("error: {}", Report::new(&error, error.hint())));
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn started(arguments: Arguments, console: &Console) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(limits::query::STACK_BYTES)
        .enable_all()
        .build();
    let runtime = runtime.map_err(Error::Start)?;
    let ended = runtime.block_on(run(arguments, console));
    // What is still busy has been told to end, and not all of it can be.
    runtime.shutdown_timeout(limits::cli::LINGER);
    ended
}

/// Prints what clap has to say: help and version, which are results, or what is wrong, which is
/// invalid input like any other.
fn explained(error: &clap::Error) -> ExitCode {
    match error.print() {
        _ if error.use_stderr() => ExitCode::from(Kind::Invalid.exit_code()),
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            ExitCode::from(Kind::Unavailable.exit_code())
        }
        _ => ExitCode::SUCCESS,
    }
}

async fn run(arguments: Arguments, console: &Console) -> Result<(), Error> {
    telemetry::begin(match arguments.command {
        Command::Serve(_) | Command::Sim(_) => telemetry::Level::Calls,
        _ => telemetry::Level::Quiet,
    });
    match arguments.command {
        Command::Demo(command) => demo::run(command, console).await,
        Command::Serve(command) => serve::run(command, console).await,
        Command::Sim(command) => sim::run(command, console).await,
        Command::Tables(command) => tables::list(command, console).await,
        Command::Describe(command) => tables::describe(command, console).await,
        Command::Get(command) => get::run(command, console).await,
        Command::Query(command) => query::run(command, console).await,
        Command::Check(command) => check::run(command, console).await,
        Command::Load(command) => load::run(command, console).await,
        Command::Expire(command) => expire::run(command, console).await,
        Command::Fsck(command) => fsck::run(command, console).await,
        Command::Snapshots(command) => snapshots::run(command, console).await,
        Command::Compare(command) => compare::run(command, console).await,
    }
}
