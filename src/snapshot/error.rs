//! Why a stored table cannot be read or written.

use std::error::Error as _;
use std::fmt;

use arrow::error::ArrowError;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;
use parquet::errors::ParquetError;

use crate::error::Kind;

/// The action of [`Error::Log`] without which no version goes.
pub const CHECKPOINT: &str = "write a checkpoint of";

/// Who loads a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// This process.
    ThisProcess,
    /// Another one, here or on another machine.
    AnotherProcess,
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loader::ThisProcess => "this process",
            Loader::AnotherProcess => "another process",
        })
    }
}

/// Why a stored table cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store's address cannot be used.
    #[error("the store `{url}` cannot be used")]
    Url {
        /// As it was given.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store did not do what it was asked.
    #[error("could not {action} `{path}` in the store")]
    Store {
        /// Such as `read` or `write`.
        action: &'static str,
        /// Relative to the store or the table.
        path: String,
        /// What it said.
        #[source]
        source: object_store::Error,
    },
    /// The table's log cannot be read or written.
    #[error("could not {action} the log of `{table}`")]
    Log {
        /// Such as `read` or `commit to`.
        action: &'static str,
        /// `connection/table`.
        table: String,
        /// Why.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// A file of rows cannot be written or read.
    #[error("could not {action} the rows of `{path}`")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: ParquetError,
    },
    /// Rows could not be put aside on the disk of this machine.
    #[error("could not keep rows in the folder for temporary files")]
    Scratch(#[source] std::io::Error),
    /// Rows could not be brought into shape: a fault of ours.
    #[error("could not {action}")]
    Shape {
        /// Such as `sort rows`.
        action: &'static str,
        /// Why.
        #[source]
        source: ArrowError,
    },
    /// The file that says whose turn it is cannot be had.
    #[error("could not take the lock of the table")]
    Lock(#[source] std::io::Error),
    /// The file system of the store has no locks.
    #[error("the folder of the store has no locks, by which loads of a table are kept apart")]
    NoLocks(#[source] std::io::Error),
    /// The file system of the store has no hard links.
    #[error("the folder of the store has no hard links, by which versions are committed")]
    NoLinks(#[source] object_store::Error),
    /// Somebody else is loading it.
    #[error("`{table}` is being loaded, or its versions expire, by {by} already")]
    UnderWay {
        /// `connection/table`.
        table: String,
        /// Who.
        by: Loader,
    },
    /// The version is being removed.
    #[error("version {version} of `{table}` is being removed because it expired")]
    Expiring {
        /// `connection/table`.
        table: String,
        /// Which.
        version: u64,
    },
    /// A task that sorted or merged died: a fault of ours.
    #[error("the work on stored rows ended before its time")]
    Died(#[source] tokio::task::JoinError),
    /// A thread that sorted panicked: a fault of ours.
    #[error("the sort ended before its time")]
    Panicked,
    /// Nothing was loaded yet.
    #[error("`{table}` is not stored")]
    NotStored {
        /// `connection/table`.
        table: String,
    },
    /// There is no such version, or no more.
    #[error("`{table}` has no version {asked}; it has {oldest} to {newest}")]
    NoVersion {
        /// `connection/table`.
        table: String,
        /// As it was asked for.
        asked: String,
        /// The oldest that can be read.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
    /// Somebody else committed first.
    #[error("`{table}` was changed by another load while this one was under way")]
    Raced {
        /// `connection/table`.
        table: String,
    },
    /// A column changed its type in a way that stored rows cannot follow.
    #[error("column `{column}` of `{table}` is stored as {stored} and is now {now}")]
    TypeChanged {
        /// `connection/table`.
        table: String,
        /// Which.
        column: String,
        /// Its stored type.
        stored: String,
        /// Its new type.
        now: String,
    },
    /// Rows of two versions are told apart by different columns.
    #[error("the rows of `{table}` are told apart by {new}, and were by {old}")]
    KeyChanged {
        /// Which table.
        table: String,
        /// The key of the older version.
        old: String,
        /// That of the newer.
        new: String,
    },
    /// Another engine has turned something on that this program cannot write.
    #[error(
        "another engine has turned on `{feature}` for `{table}`, which this program does not write"
    )]
    Unwritable {
        /// `connection/table`.
        table: String,
        /// Delta's name of it.
        feature: &'static str,
    },
    /// What was written is not what was read.
    #[error("{written} rows of `{table}` were written and {found} are there")]
    Miscounted {
        /// `connection/table`.
        table: String,
        /// Rows handed to the writer.
        written: u64,
        /// Rows found in the files.
        found: u64,
    },
    /// Rows are not in the order of their key.
    #[error("the rows of `{path}` are not in the order of their key")]
    Unsorted {
        /// Which file.
        path: String,
    },
    /// A log entry is half written, as after a loss of power.
    #[error("the log entry of version {version} of `{table}` is not whole")]
    Torn {
        /// `connection/table`.
        table: String,
        /// Which.
        version: u64,
    },
    /// The files of a version have other rows than its load says.
    #[error(
        "the files of version {version} of `{table}` hold {found} rows, and its load said {rows}"
    )]
    OtherRows {
        /// `connection/table`.
        table: String,
        /// Which.
        version: u64,
        /// Rows as the load said.
        rows: u64,
        /// Rows that its files have.
        found: u64,
    },
    /// The log says something else of a version than its load did.
    #[error(
        "the log names other columns or files for version {version} of `{table}` than its load wrote"
    )]
    Unsealed {
        /// `connection/table`.
        table: String,
        /// Which.
        version: u64,
    },
    /// The commit holds a record that this version cannot read.
    #[error("version {version} of `{table}` says nothing readable of its load")]
    Record {
        /// `connection/table`.
        table: String,
        /// Which.
        version: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    pub(super) fn unsortable(source: ArrowError) -> Self {
        Error::Shape { action: "sort rows", source }
    }

    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Url { .. }
            | Error::NoLocks(_)
            | Error::NoLinks(_)
            | Error::TypeChanged { .. }
            | Error::KeyChanged { .. }
            | Error::Unwritable { .. } => Kind::Invalid,
            Error::Store { source, .. } => of_store(source),
            Error::Log { source, .. } => of_log(source),
            Error::File { source, .. } => of_file(source),
            Error::Scratch(_) | Error::Lock(_) | Error::UnderWay { .. } | Error::Raced { .. } => {
                Kind::Unavailable
            }
            Error::Shape { .. } | Error::Died(_) | Error::Panicked => Kind::Internal,
            Error::NotStored { .. } | Error::NoVersion { .. } | Error::Expiring { .. } => {
                Kind::NotFound
            }
            Error::Miscounted { .. }
            | Error::Unsorted { .. }
            | Error::Torn { .. }
            | Error::OtherRows { .. }
            | Error::Unsealed { .. }
            | Error::Record { .. } => Kind::Corrupt,
        }
    }

    /// Whether the store has not what the log names.
    fn names_a_missing_file(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(object_store::Error::NotFound { .. }) = error.downcast_ref() {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Error::Url { .. } => {
                    "use a folder, or a URL with `file://`, `s3://`, `az://`, `abfss://` or `gs://`"
                }
                Error::NoLocks(_) | Error::NoLinks(_) => {
                    "keep the store on a disk of this machine, on a network file system that has hard \
                     links and locks, such as NFS with its lock service, or in a bucket by its own URL \
                     in place of a mount"
                }
                Error::Log { action: CHECKPOINT, .. } if self.kind() == Kind::Unavailable => {
                    "check that the store can be reached, and make a little room: before versions can \
                     go, the list of the files that stay is written once"
                }
                Error::Store { .. } | Error::Log { .. } | Error::File { .. }
                    if self.kind() == Kind::Unavailable =>
                {
                    "check that the store can be reached and has room"
                }
                Error::Scratch(_) => "make room in the folder for temporary files",
                Error::NotStored { .. } => "load it first, with `entra-flight load`",
                Error::Store { .. } | Error::File { .. } if self.names_a_missing_file() => {
                    "a file of this version is gone, as after a VACUUM by another engine: read a newer \
                     version, or load the table anew with the method `reload`"
                }
                Error::Unsorted { .. } => {
                    "another engine may have written it: load the table, which writes its rows anew"
                }
                Error::Unwritable { .. } => {
                    "turn it off there, or move the folder of the table aside and load it anew"
                }
                Error::Torn { .. } => {
                    "power may have failed: the next load clears it away, and until then the version \
                     before can be read by its number"
                }
                Error::OtherRows { .. } | Error::Unsealed { .. } => {
                    "a log entry may be lost or damaged: load the table anew with the method \
                     `reload`, and prove versions with `entra-flight fsck`"
                }
                Error::Raced { .. } => "load it again",
                Error::UnderWay { .. } => "wait until that load has ended",
                Error::TypeChanged { .. } => {
                    "load it with the method `full_load`, which replaces the stored schema"
                }
                Error::KeyChanged { .. } => {
                    "load it with the method `full_load`, and compare versions since then"
                }
                _ => return None,
            }
            .to_owned(),
        )
    }
}

/// A file that a version names and the store has not is a hole; everything else may pass.
fn of_store(error: &object_store::Error) -> Kind {
    match error {
        object_store::Error::NotFound { .. } => Kind::Corrupt,
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => Kind::Refused,
        object_store::Error::InvalidPath { .. } => Kind::Invalid,
        _ => Kind::Unavailable,
    }
}

/// What a store said is wrapped by whoever reads and writes the log.
fn of_log(error: &DeltaTableError) -> Kind {
    match error {
        DeltaTableError::ObjectStore { source }
        | DeltaTableError::Transaction { source: TransactionError::ObjectStore { source } } => {
            of_store(source)
        }
        DeltaTableError::KernelError(error) => of_kernel(error),
        other => of_cause(other.source()),
    }
}

fn of_kernel(error: &delta_kernel::Error) -> Kind {
    match error {
        delta_kernel::Error::Backtraced { source, .. } => of_kernel(source),
        delta_kernel::Error::ObjectStore(source) => of_store(source),
        delta_kernel::Error::IOError(_) => Kind::Unavailable,
        delta_kernel::Error::GenericError { source } => of_cause(Some(&**source)),
        other => of_cause(other.source()),
    }
}

/// The same of the reader and writer of Parquet.
fn of_file(error: &ParquetError) -> Kind {
    match error {
        ParquetError::External(source) => of_cause(Some(&**source)),
        _ => Kind::Corrupt,
    }
}

/// What the store said or the disk, wherever it is among these causes.
fn of_cause(mut cause: Option<&(dyn std::error::Error + 'static)>) -> Kind {
    while let Some(error) = cause {
        if let Some(store) = error.downcast_ref::<object_store::Error>() {
            return of_store(store);
        }
        if let Some(kernel) = error.downcast_ref::<delta_kernel::Error>() {
            return of_kernel(kernel);
        }
        if error.is::<std::io::Error>() {
            return Kind::Unavailable;
        }
        cause = error.source();
    }
    Kind::Corrupt
}
