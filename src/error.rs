//! What a failure means to whoever has to react to it.
//!
//! Every layer has one `Error` enum with a variant for each decision or message. A caller never
//! matches on those: it asks [`Kind`], which is small, stable, and maps one to one onto a gRPC
//! code (`flight/status.rs`) and an exit code ([`Kind::exit_code`]). A person reads the chain
//! that [`Report`] prints: the failure, its causes, and one sentence that says what to do.

use std::error::Error;
use std::fmt;

/// The reaction that a failure asks for.
///
/// Our own failure to sign in at Entra is [`Kind::Refused`], never [`Kind::Unauthenticated`]:
/// the latter speaks of who called us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request or a setting is wrong; the same request will fail again.
    Invalid,
    /// The thing named does not exist.
    NotFound,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// The server does not do this, and says so by name.
    Unsupported,
    /// Entra or Graph refused our credential, permission or licence.
    Refused,
    /// Graph asked for a longer wait than the request allows.
    Throttled,
    /// Graph or a network on the way does not answer; trying again may help.
    Unavailable,
    /// The deadline passed.
    TimedOut,
    /// What Graph sent cannot be read, or is not whole.
    Corrupt,
    /// Whoever asked went away, or the server is stopping.
    Cancelled,
    /// A fault of our own.
    Internal,
}

impl Kind {
    /// The exit code of the command line, after `sysexits.h`; 130 is what a shell reports for an
    /// interrupted command.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Invalid | Kind::Unsupported => 64,
            Kind::Corrupt => 65,
            Kind::NotFound => 66,
            Kind::Unavailable => 69,
            Kind::Internal => 70,
            Kind::Throttled | Kind::TimedOut => 75,
            Kind::Unauthenticated | Kind::Forbidden => 77,
            Kind::Refused => 78,
            Kind::Cancelled => 130,
        }
    }
}

/// A failure as a person reads it: itself, then on a line each cause that was not told with the one
/// before, then the hint.
///
/// ```text
/// could not fetch page 7 of `users`
///   caused by: Graph answered 403 Authorization_RequestDenied (request-id 5f0c…)
///   hint: grant the application permission `User.Read.All` and consent to it
/// ```
pub struct Report<'a> {
    error: &'a (dyn Error + 'static),
    hint: Option<String>,
}

impl<'a> Report<'a> {
    /// Reports `error`, with the next step as `hint` when there is one.
    pub fn new(error: &'a (dyn Error + 'static), hint: Option<String>) -> Self {
        Report { error, hint }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.error.to_string();
        f.write_str(&said)?;
        let mut cause = self.error.source();
        while let Some(error) = cause {
            // Some libraries repeat their cause: it is told once.
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, "\n  caused by: {text}")?;
                said = text;
            }
            cause = error.source();
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
