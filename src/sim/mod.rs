//! A simulated Microsoft Entra tenant: Graph and the sign-in service as one function.
//!
//! [`Tenant::answer`] takes a request and the time, and gives the answer: no sockets, no clock,
//! no sleeping. Tests plug a tenant in as a [`Transport`](crate::transport::Transport) and hold
//! its clock; [`socket::serve`] puts the same answers on a port, with TLS if asked.
//!
//! The directory behind it is computed from a seed and never stored (`population`), so a tenant
//! of millions starts at once. What Graph does with it is written down here a second time, on
//! purpose apart from the code that reads Graph: neither shares a line with the other, so that a
//! mistake on one side shows.
//!
//! One request goes through these files, in this order:
//!
//! | file | what it decides |
//! |---|---|
//! | `tenant` | Graph or sign-in; counts; what the faults do to the answer |
//! | `sign_in`, `token` | who may ask |
//! | `trouble`, `fault` | what goes wrong on purpose |
//! | `route`, `surface` | which list or object is meant, and what may be asked of it |
//! | `quota` | 429 |
//! | `options`, `rules`, `filter/`, `search` | the query options, and 400 |
//! | `page`, `page_token` | which rows make this page, and how the next one is found |
//! | `shape`, `listing`, `single` | the answer's text |
//! | `batch`, `metadata`, `complex` | the two endpoints of another form |
//! | `churn` | what becomes of the directory between two reads |
//!
//! <https://learn.microsoft.com/graph/overview>

mod batch;
mod builder;
mod churn;
mod complex;
mod counters;
mod echo;
mod error;
mod fault;
mod filter;
mod filterable;
mod in_process;
mod listing;
mod metadata;
mod moment;
mod options;
mod page;
mod page_token;
mod population;
mod quota;
mod reply;
mod route;
mod rules;
mod scramble;
mod search;
mod shape;
mod sign_in;
mod single;
pub mod socket;
mod surface;
mod surprise;
mod tenant;
mod tls;
mod token;
mod trouble;

use std::time::Duration;

use crate::limits::sim as limits;

pub use builder::Builder;
pub use churn::Churn;
pub use counters::{Counters, Served};
pub use echo::Echo;
pub use error::Error;
pub use fault::{
    Breakage, Fault, ThrottleFault, break_page, change_between_pages, cut_body, downtime,
    drop_permission, endless_throttle, expire_link, expire_token, fail_parent, foreign_link,
    outage, proxy_refusal, refuse_count, refuse_filter, refuse_token, repeat_link, slow, throttle,
    top_is_limit,
};
pub use tenant::{Answer, Tenant};
pub use tls::Tls;

/// The tenant's name, as a client gives it to sign in.
pub const TENANT: &str = "contoso.example";

/// The tenant's id, whatever its seed; to sign in it may be given in place of its name.
pub const TENANT_ID: &str = "5a1e6c0d-7b42-4f19-9c3e-2d8f40b7a611";

/// The id of the one application that may sign in.
pub const CLIENT_ID: &str = "00000000-0000-4000-8000-000000000001";

/// The application's secret. It opens nothing but a simulation.
pub const CLIENT_SECRET: &str = "simulated-secret";

/// A secret that the application once had: the sign-in service says that it has expired.
pub const EXPIRED_SECRET: &str = "expired-secret";

/// The application permissions that a tenant grants unless told otherwise: those that read
/// everything it serves.
pub const PERMISSIONS: [&str; 13] = [
    "AdministrativeUnit.Read.All",
    "Application.Read.All",
    "AuditLog.Read.All",
    "Device.Read.All",
    "Directory.Read.All",
    "Domain.Read.All",
    "Group.Read.All",
    "GroupMember.Read.All",
    "LicenseAssignment.Read.All",
    "Member.Read.Hidden",
    "Organization.Read.All",
    "RoleManagement.Read.Directory",
    "User.Read.All",
];

/// What a simulated tenant is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names the tenant: the same seed and number of users give the same tenant for ever.
    pub seed: u64,
    /// How many users it has; everything else grows with them.
    pub users: u64,
    /// How many rounds of changes are behind it; [`Tenant::churn`] adds one.
    pub rounds: u64,
    /// How long each answer takes.
    pub latency: Duration,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
    /// Whether requests beyond Graph's limits are refused.
    pub throttle: Throttle,
    /// What licences the tenant owns.
    pub licence: Licence,
    /// The application permissions that are granted.
    pub permissions: Vec<String>,
    /// How long a page token is good for.
    pub page_token_life: Duration,
    /// Whether bodies of more than a kilobyte are compressed for clients that ask for gzip. Graph
    /// does; a bench that shares the processor with the simulator may not want it.
    pub compress: bool,
}

impl Default for Settings {
    /// Seed 7, 10,000 users, premium licences, no latency, no faults, Graph's limits kept.
    fn default() -> Self {
        Settings {
            seed: 7,
            users: 10_000,
            rounds: 0,
            latency: Duration::ZERO,
            faults: Vec::new(),
            throttle: Throttle::On,
            licence: Licence::Premium,
            permissions: PERMISSIONS.map(String::from).to_vec(),
            page_token_life: limits::PAGE_TOKEN_LIFE,
            compress: true,
        }
    }
}

/// Whether requests beyond Graph's limits are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// As Graph does it: 429 with `Retry-After`.
    On,
    /// Costs are told and counted, nothing is refused.
    Off,
}

impl std::str::FromStr for Throttle {
    type Err = Error;

    /// Reads `on` or `off`.
    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "on" => Ok(Throttle::On),
            "off" => Ok(Throttle::Off),
            _ => Err(Error::Throttle { word: word.to_owned() }),
        }
    }
}

/// What licences the tenant owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Licence {
    /// Entra ID P1 and above: sign-ins can be read.
    Premium,
    /// Entra ID Free: reading sign-ins answers 403.
    Free,
}
