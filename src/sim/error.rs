//! Why a simulated tenant could not be set up or served.

use std::path::PathBuf;

use crate::error::Kind;

/// Why a simulated tenant could not be set up or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A fault's first word is not one of them.
    #[error("there is no fault `{word}`, only {}", super::fault::forms())]
    UnknownFault {
        /// What stood before the first colon.
        word: String,
    },
    /// A fault's word is known and what follows it cannot be read.
    #[error("the fault `{given}` is not of the form `{form}`")]
    FaultForm {
        /// The whole of what was given.
        given: String,
        /// How this fault is written.
        form: &'static str,
    },
    /// The permission that a fault is to drop opens nothing here.
    #[error("the permission `{name}` opens no list, so dropping it changes nothing")]
    UnknownPermission {
        /// What was given.
        name: String,
    },
    /// Neither `on` nor `off`.
    #[error("throttling is `on` or `off`, not `{word}`")]
    Throttle {
        /// What was given.
        word: String,
    },
    /// The certificate authority or the server's certificate could not be made.
    #[error("could not make a certificate for the simulated tenant")]
    Certificate {
        /// What the maker of certificates said.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refused the certificate just made.
    #[error("could not set up TLS for the simulated tenant")]
    Tls {
        /// What it said.
        #[source]
        source: rustls::Error,
    },
    /// The authority's certificate could not be written.
    #[error("could not write the certificate authority to `{}`", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::UnknownFault { .. }
            | Error::FaultForm { .. }
            | Error::UnknownPermission { .. }
            | Error::Throttle { .. }
            | Error::Write { .. } => Kind::Invalid,
            Error::Certificate { .. } | Error::Tls { .. } => Kind::Internal,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::UnknownPermission { .. } => {
                Some("name one such as `User.Read.All`, or none to drop all".to_owned())
            }
            Error::FaultForm { .. } => {
                Some("waits are written like `30s`, `2128ms` or `2m`, numbers as digits".to_owned())
            }
            Error::UnknownFault { .. }
            | Error::Throttle { .. }
            | Error::Certificate { .. }
            | Error::Tls { .. } => None,
            Error::Write { .. } => Some("name a file in a folder that can be written".to_owned()),
        }
    }
}
