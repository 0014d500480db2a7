//! The commands and their options.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app;
use crate::query::Version;
use crate::sim::Fault;
use crate::snapshot::{Method, Which};

/// Serves a Microsoft Entra ID tenant as Arrow tables.
#[derive(Debug, Parser)]
#[command(name = "entra-flight", version, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it: a simulated tenant, a server in front of it, and a first table
    Demo(Demo),
    /// Serve the tenants of the settings
    Serve(Serve),
    /// Run a simulated tenant that Graph clients can read
    Sim(Sim),
    /// List the tables
    Tables(Tables),
    /// Show the columns of a table
    Describe(Describe),
    /// Read a table, to the terminal or to a file
    Get(Get),
    /// Answer a statement in SQL, or those typed at a prompt
    Query(Query),
    /// Say which tables the granted permissions and licences allow
    Check(Check),
    /// Read tables whole and keep a version of each in the store
    Load(Load),
    /// List the stored versions of a table
    Snapshots(Snapshots),
    /// Show what changed between two stored versions
    Compare(Compare),
    /// Remove stored versions that are no longer wanted
    Expire(Expire),
    /// Prove that the store holds what it says
    Fsck(Fsck),
}

const FAULTS: &str = "What goes wrong, such as throttle:20:30s; may be repeated. The words are \
    throttle:AFTER:WAIT outage:N slow:WAIT cut_body:BYTES repeat_link foreign_link \
    expire_link[:reporting] expire_token[:LIFE] drop_permission[:NAME] change_between_pages \
    top_is_limit[:LIST] lose_link odd_link break_page:splice|row|member|end[:N] byte_order_mark \
    swell:ROWS endless_throttle:AFTER downtime:AFTER:TIME refuse_token:N fail_parent[:STATUS] \
    refuse_filter[:PROPERTY] refuse_count proxy_refusal:STATUS undeclared_members \
    wrong_type:PROPERTY expires_as_text echo_request[:sent|plain|lower|json|base64]";

/// What the simulated tenant is like.
#[derive(Args, Debug)]
pub struct Tenant {
    /// How many users it has; everything else grows with them
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub users: u64,
    /// The same seed gives the same tenant
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
    /// How many rounds of changes are behind it: in each, 1.5 % of the users join, move, are renamed
    /// or deleted
    #[arg(long, default_value_t = 0, value_name = "ROUNDS")]
    pub churn: u64,
    /// How long each of its answers takes, such as 100ms
    #[arg(long, default_value = "0ms", value_parser = duration, value_name = "TIME")]
    pub latency: Duration,
    /// What goes wrong.
    #[arg(long = "fault", value_name = "WORD:…", help = FAULTS)]
    pub faults: Vec<Fault>,
    /// Whether it compresses what it sends, as Graph does
    #[arg(long, default_value = "off", value_parser = ["on", "off"], value_name = "on|off")]
    pub gzip: String,
    /// Whether it keeps Graph's limits
    #[arg(long, default_value = "on", value_parser = ["on", "off"], value_name = "on|off")]
    pub throttle: String,
    /// What licences it owns; without premium ones sign-ins cannot be read
    #[arg(long, default_value = "premium", value_parser = ["premium", "free"], value_name = "premium|free")]
    pub licence: String,
    /// An application permission that it grants, such as User.Read.All; may be repeated
    /// [default: all that its tables need]
    #[arg(long = "permission", value_name = "NAME")]
    pub permissions: Vec<String>,
}

/// `demo`
#[derive(Args, Debug)]
pub struct Demo {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Where the server listens [default: 127.0.0.1:8815, or a free port if that is taken]
    #[arg(long, value_name = "ADDRESS", value_parser = app::settings::listen_address)]
    pub listen: Option<SocketAddr>,
    /// Where the simulated tenant listens
    #[arg(
        long,
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS",
        value_parser = app::settings::listen_address
    )]
    pub graph_listen: SocketAddr,
    /// Load users, groups and members into this folder, let the tenant change, load them again and
    /// show what is different [default: a temporary folder]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1)]
    pub store: Option<Option<PathBuf>>,
    /// Let the tenant change again and again while it serves, such as every 60s
    #[arg(long, value_parser = interval, value_name = "TIME")]
    pub churn_every: Option<Duration>,
}

/// `serve`
#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub settings: Settings,
    /// Where to listen, in place of what the settings say
    #[arg(long, value_name = "ADDRESS", value_parser = app::settings::listen_address)]
    pub listen: Option<SocketAddr>,
    /// Listen where others can reach it, although callers are not asked who they are
    #[arg(long)]
    pub insecure: bool,
}

/// `sim`
#[derive(Args, Debug)]
pub struct Sim {
    #[command(flatten)]
    pub tenant: Tenant,
    /// Where to listen
    #[arg(
        long,
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS",
        value_parser = app::settings::listen_address
    )]
    pub listen: SocketAddr,
    /// Serve HTTPS, with a certificate authority made now
    #[arg(long)]
    pub tls: bool,
    /// Where to write the certificate of that authority
    #[arg(long, default_value = "entra-flight-sim-ca.pem", value_name = "FILE", requires = "tls")]
    pub ca: PathBuf,
}

/// Where the settings are.
#[derive(Args, Debug)]
pub struct Settings {
    /// The settings file
    #[arg(long, default_value = app::settings::FILE, value_name = "FILE")]
    pub settings: PathBuf,
}

/// Who is asked.
#[derive(Args, Debug)]
pub struct Asked {
    #[command(flatten)]
    pub settings: Settings,
    /// Ask a running server, such as grpc://127.0.0.1:8815, and not the settings' tenants
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<String>,
    /// Which connection, where there are several
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Print JSON, an object a line
    #[arg(long)]
    pub json: bool,
}

/// `tables`
#[derive(Args, Debug)]
pub struct Tables {
    /// Only tables whose name fits, with * and ?
    #[arg(default_value = "*")]
    pub pattern: String,
    #[command(flatten)]
    pub asked: Asked,
}

/// `describe`
#[derive(Args, Debug)]
pub struct Describe {
    /// Such as users
    pub table: String,
    #[command(flatten)]
    pub asked: Asked,
}

/// `get`
#[derive(Args, Debug)]
pub struct Get {
    /// Such as users
    pub table: String,
    /// Only these columns, in this order, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub columns: Option<Vec<String>>,
    /// Only rows for which this holds, in SQL: "department = 'Sales'"
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// At most this many rows
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// A stored version, as a number, a time or `latest`; `live` for Graph
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Write a file; its ending says what: .parquet .arrow .csv .jsonl
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub asked: Asked,
}

/// `query`
#[derive(Args, Debug)]
pub struct Query {
    /// Such as "SELECT displayName FROM users WHERE department = 'Sales'"; without one, a prompt
    pub sql: Option<String>,
    /// What is printed: a table on a terminal and JSON elsewhere, unless said
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<QueryFormat>,
    /// Show what would be asked of Graph, and ask nothing
    #[arg(long, requires = "sql")]
    pub explain: bool,
    /// Write a file; its ending says what: .parquet .arrow .csv .jsonl
    #[arg(short, long, value_name = "FILE", requires = "sql")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub asked: Asked,
}

/// What `query` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// A table
    Table,
    /// A header line and a line a row
    Csv,
    /// An object a line
    Json,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC file
    Arrow,
}

/// `check`
#[derive(Args, Debug)]
pub struct Check {
    /// Only tables whose name fits, with * and ?
    #[arg(default_value = "*")]
    pub pattern: String,
    #[command(flatten)]
    pub asked: Asked,
}

/// `load`
#[derive(Args, Debug)]
pub struct Load {
    /// Which tables, such as users groups group_members
    #[arg(required_unless_present = "all", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// All that the permissions and licences allow
    #[arg(long, conflicts_with = "tables")]
    pub all: bool,
    /// full_load replaces what is stored, schema included; reload keeps the schema;
    /// reload_and_compare also stores what changed
    #[arg(long, default_value = "reload_and_compare", value_name = "METHOD")]
    pub method: Method,
    /// Ask Graph how many rows there are and tell if it says another number; its index lags
    #[arg(long)]
    pub count: bool,
    /// Store it even if it looks as if rows were lost
    #[arg(long)]
    pub accept: bool,
    #[command(flatten)]
    pub kept: Kept,
}

/// Whose stored tables are meant.
#[derive(Args, Debug)]
pub struct Kept {
    #[command(flatten)]
    pub settings: Settings,
    /// Which connection, where there are several
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Print JSON, an object a line
    #[arg(long)]
    pub json: bool,
}

/// `snapshots`
#[derive(Args, Debug)]
pub struct Snapshots {
    /// Such as users
    pub table: String,
    #[command(flatten)]
    pub kept: Kept,
}

/// `compare`
#[derive(Args, Debug)]
pub struct Compare {
    /// Such as users; with --html several, or none for all that have two versions
    #[arg(required_unless_present = "html", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// The older version [default: the one before the newer]
    #[arg(long, value_name = "VERSION")]
    pub from: Option<Which>,
    /// The newer version
    #[arg(long, default_value = "latest", value_name = "VERSION")]
    pub to: Which,
    /// Show how many rows changed, and in which columns, and not the rows
    #[arg(long, conflicts_with = "html")]
    pub summary: bool,
    /// Write a page that shows what changed, by column and over the versions between
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub kept: Kept,
}

/// `expire`
#[derive(Args, Debug)]
pub struct Expire {
    /// Which tables [default: all that are stored]
    #[arg(value_name = "TABLE")]
    pub tables: Vec<String>,
    /// Remove versions that were not the newest within this time, such as 30d
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub older_than: Duration,
    /// But keep at least so many of the newest
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub keep: usize,
    #[command(flatten)]
    pub kept: Kept,
}

/// `fsck`
#[derive(Args, Debug)]
pub struct Fsck {
    /// Which tables [default: all that are stored]
    #[arg(value_name = "TABLE")]
    pub tables: Vec<String>,
    #[command(flatten)]
    pub kept: Kept,
}

fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        interval => Ok(interval),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    app::settings::duration(text)
        .ok_or_else(|| "use a time with its unit, such as 100ms".to_owned())
}
