//! Tokens for Graph.
//!
//! [`Tokens`] is the door: it holds the token of one connection, fetches it once however many
//! wait, renews it before it ends, and replaces one that Graph has refused. What is sent to Entra
//! is in `grant.rs`, why it failed in `error.rs`; what others say passes `known.rs`, which takes the
//! secrets out of it.

mod error;
mod grant;
mod known;
mod spelling;
mod token;
mod tokens;

use url::Url;

use crate::secret::Secret;

pub use error::{Description, Error, Refusal, Trouble};
pub use known::KnownSecrets;
pub use token::{Granted, Token};
pub use tokens::Tokens;

/// Who signs in, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The login host, such as `https://login.microsoftonline.com`.
    pub login_url: Url,
    /// The directory's id or one of its domains.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// What the token is for: `{graph root}/.default`.
    pub scope: String,
    /// How it proves who it is.
    pub credential: Credential,
}

/// How the application proves who it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// A client secret.
    Secret(Secret),
}
