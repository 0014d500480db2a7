//! From single values to settings, gathering every fault on the way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use url::{Host, Url};

use super::leaves::{Leaf, Leaves};
use super::listen::listen_address;
use super::{Connection, Fault, GRAPH, LOGIN, Settings, secret_file};
use crate::catalog::ByTable;
use crate::limits::cli as limits;
use crate::secret::Secret;
use crate::{catalog, flight};

/// The keys of `[server]`.
const SERVER: [&str; 4] = ["listen", "insecure", "drain", "cache"];

/// The keys of `[connections.NAME]`.
const CONNECTION: [&str; 15] = [
    "tenant",
    "client_id",
    "client_secret",
    "client_secret.env",
    "client_secret.file",
    "graph_base_url",
    "login_url",
    "ca_file",
    "deadline",
    "outage_share_max",
    "on_parent_error",
    "on_parent_error_of",
    "advanced_queries",
    "mismatch",
    "mismatch_of",
];

/// The keys of `[store]`.
const STORE: [&str; 7] = [
    "url",
    "max_age",
    "max_age_of",
    "lost_share_max",
    "options",
    "expire.older_than",
    "expire.keep",
];

/// The keys of `[schedule.NAME]`.
const SCHEDULE: [&str; 5] = ["cron", "tables", "method", "connection", "jitter"];

/// The rule that a variable breaks which is not UTF-8.
const NOT_TEXT: &str = "must be UTF-8 text";

/// Reads all settings, or says all that is wrong with them.
pub fn settings(leaves: Leaves) -> Result<Settings, Vec<Fault>> {
    let mut leaves = leaves;
    let mut reader = Reader { faults: leaves.take_faults(), leaves };
    let server = reader.server();
    let store = reader.store();
    let names = reader.leaves.names_below("connections");
    reader.refuse_twins(&names);
    let mut connections = BTreeMap::new();
    for name in names {
        if let Some(connection) = reader.connection(&name) {
            connections.insert(name, connection);
        }
    }
    let schedule = reader.schedule(store.is_some(), &connections);
    let mut faults = reader.finish();
    if connections.is_empty() && faults.is_empty() {
        faults.push(fault("connections", "is empty: name one tenant under `[connections.NAME]`"));
    }
    if faults.is_empty() {
        Ok(Settings { server, connections, store, schedule })
    } else {
        Err(faults)
    }
}

fn fault(key: &str, rule: &str) -> Fault {
    Fault { key: key.to_owned(), rule: rule.to_owned(), place: None }
}

pub struct Reader {
    pub(super) leaves: Leaves,
    faults: Vec<Fault>,
}

impl Reader {
    fn server(&mut self) -> flight::Settings {
        let default = flight::Settings::default();
        let listen = self.listen("server.listen");
        let insecure = self.parsed("server.insecure", "must be `true` or `false`");
        let cache = self.parsed::<ByteSize>(
            "server.cache",
            "must be a number of bytes with its unit, such as `2GiB`, or `0` for none",
        );
        flight::Settings {
            listen: listen.unwrap_or(default.listen),
            insecure: insecure.unwrap_or(default.insecure),
            drain: self
                .duration("server.drain", Duration::ZERO, limits::DRAIN_MAX)
                .unwrap_or(default.drain),
            cache: cache.map_or(default.cache, |size| size.as_u64()),
        }
    }

    /// Where to listen, of which a name is looked up.
    fn listen(&mut self, key: &str) -> Option<SocketAddr> {
        let (text, place) = self.taken(key)?;
        let address = listen_address(&text);
        if address.is_err() {
            let rule =
                "must be an address and a port, such as `127.0.0.1:8815` or `localhost:8815`";
            self.refuse(key, rule, Some(place));
        }
        address.ok()
    }

    /// `None` where something is missing or wrong, which is then among the faults.
    fn connection(&mut self, name: &str) -> Option<Connection> {
        let key = |last: &str| format!("connections.{name}.{last}");
        let tenant = self.required(&key("tenant"), "is missing: a domain or the id of the tenant");
        let client_id =
            self.required(&key("client_id"), "is missing: the application's (client) id");
        let client_secret = self.secret(&key("client_secret"));
        let graph_base_url = self.url(&key("graph_base_url"), GRAPH, |url| {
            let ends = url.path().trim_end_matches('/').ends_with("/v1.0");
            (!ends).then_some("must end in the version, `/v1.0`")
        });
        let login_url = self.url(&key("login_url"), LOGIN, |_| None);
        let ca_file = self.taken(&key("ca_file")).map(|(text, _)| PathBuf::from(text));
        let deadline =
            self.duration(&key("deadline"), Duration::from_millis(1), limits::DEADLINE_MAX);
        let outage_share = self.share(&key("outage_share_max"));
        let on_parent_error = self.by_table(&key("on_parent_error"), |reader, key| {
            reader.parsed(key, "must be `error` or `skip`")
        });
        let advanced = self.parsed(&key("advanced_queries"), "must be `true` or `false`");
        let mismatch = self.by_table(&key("mismatch"), |reader, key| {
            reader.parsed(key, "must be `error` or `extra`")
        });
        Some(Connection {
            mismatch,
            tenant: tenant?,
            client_id: client_id?,
            client_secret: client_secret?,
            graph_base_url: graph_base_url?,
            login_url: login_url?,
            ca_file,
            deadline,
            outage_share_max: outage_share.unwrap_or(crate::limits::graph::OUTAGE_SHARE_MAX),
            on_parent_error,
            advanced_queries: advanced.unwrap_or(false),
        })
    }

    /// The rule at `key`, and those of single tables below `key` and `_of`, where something is said.
    pub(super) fn by_table<T: Copy + Default>(
        &mut self,
        key: &str,
        read: impl Fn(&mut Self, &str) -> Option<T>,
    ) -> ByTable<T> {
        let default = read(self, key).unwrap_or_default();
        let names = self.leaves.names_below(&format!("{key}_of"));
        let rules =
            names.into_iter().map(|table| (read(self, &format!("{key}_of.{table}")), table));
        ByTable {
            default,
            tables: rules.filter_map(|(rule, table)| Some((table, rule?))).collect(),
        }
    }

    fn secret(&mut self, key: &str) -> Option<Secret> {
        let plain = self.leaves.take(key);
        let variable = self.taken(&format!("{key}.env"));
        let file = self.taken(&format!("{key}.file"));
        match (plain, variable, file) {
            (Some(Leaf { text: Some(text), from_environment: true, place }), _, _) => {
                self.not_empty(key, &text, "is empty", place)
            }
            (Some(Leaf { from_environment: true, place, .. }), _, _) => {
                self.refuse(key, NOT_TEXT, Some(place));
                None
            }
            (Some(leaf), _, _) => {
                let rule = "must not stand in the file: say `{ env = \"NAME\" }` or `{ file = \
                            \"PATH\" }`";
                self.refuse(key, rule, Some(leaf.place));
                None
            }
            (None, Some((name, place)), None) => self.secret_in_variable(key, &name, place),
            (None, None, Some((path, place))) => self.secret_in_file(key, &path, place),
            (None, Some((_, place)), Some(_)) => {
                self.refuse(key, "names both a variable and a file", Some(place));
                None
            }
            (None, None, None) => {
                let rule = "is missing: say `{ env = \"NAME\" }` or `{ file = \"PATH\" }`";
                self.refuse(key, rule, None);
                None
            }
        }
    }

    fn secret_in_variable(&mut self, key: &str, name: &str, place: String) -> Option<Secret> {
        let value = self.leaves.variable(name).map(|value| value.to_str().map(str::to_owned));
        let state = match value {
            Some(Some(text)) => {
                let rule = format!("names the environment variable `{name}`, which is empty");
                return self.not_empty(key, &text, &rule, place);
            }
            Some(None) => "is not UTF-8 text",
            None => "is not set",
        };
        let rule = format!("names the environment variable `{name}`, which {state}");
        self.refuse(key, &rule, Some(place));
        None
    }

    fn secret_in_file(&mut self, key: &str, path: &str, place: String) -> Option<Secret> {
        match secret_file::read(path.as_ref()) {
            Ok(text) => {
                let rule = format!("names the file `{path}`, which is empty");
                self.not_empty(key, &text, &rule, place)
            }
            Err(unusable) => {
                let rule = format!("names the file `{path}`, which {unusable}");
                self.refuse(key, &rule, Some(place));
                None
            }
        }
    }

    fn not_empty(&mut self, key: &str, text: &str, rule: &str, place: String) -> Option<Secret> {
        if text.trim().is_empty() {
            self.refuse(key, rule, Some(place));
            return None;
        }
        Some(Secret::new(text))
    }

    /// A whole URL over which a secret may be sent, and that breaks no rule of `broken`.
    fn url(
        &mut self,
        key: &str,
        default: &str,
        broken: impl Fn(&Url) -> Option<&'static str>,
    ) -> Option<Url> {
        let (text, place) = match self.taken(key) {
            Some((text, place)) => (text, Some(place)),
            None => (default.to_owned(), None),
        };
        let url = Url::parse(&text).ok().filter(Url::has_host);
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let rule = match &url {
            None => Some("must be a whole URL that begins with `https://`"),
            Some(url) if url.scheme() == "http" && !is_loopback(url) => Some(
                "must begin with `https://`: only to this machine itself may a secret go \
                 unencrypted",
            ),
            Some(url) => broken(url),
        };
        match rule {
            None => url,
            Some(rule) => {
                self.refuse(key, rule, place);
                None
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        key: &str,
        least: Duration,
        most: Duration,
    ) -> Option<Duration> {
        let (text, place) = self.taken(key)?;
        match super::duration(&text) {
            Some(duration) if (least..=most).contains(&duration) => Some(duration),
            Some(duration) => {
                let most = humantime::format_duration(most);
                let rule = match duration < least {
                    true => "must be longer than nothing".to_owned(),
                    false => format!("must be at most {most}"),
                };
                self.refuse(key, &rule, Some(place));
                None
            }
            None => {
                let rule = "must be a time with its unit, such as `30s` or `2h`";
                self.refuse(key, rule, Some(place));
                None
            }
        }
    }

    /// Two names that differ only in case could not be told apart in a variable.
    fn refuse_twins(&mut self, names: &[String]) {
        for (at, name) in names.iter().enumerate() {
            let twin = names.iter().take(at).find(|it| it.eq_ignore_ascii_case(name));
            if let Some(twin) = twin {
                let rule = format!("differs from `connections.{twin}` only in case");
                self.refuse(&format!("connections.{name}"), &rule, None);
            }
        }
    }

    pub(super) fn required(&mut self, key: &str, rule: &str) -> Option<String> {
        match self.taken(key) {
            Some((text, _)) if !text.trim().is_empty() => Some(text),
            Some((_, place)) => {
                self.refuse(key, "is empty", Some(place));
                None
            }
            None => {
                self.refuse(key, rule, None);
                None
            }
        }
    }

    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, rule: &str) -> Option<T> {
        let (text, place) = self.taken(key)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(key, rule, Some(place));
        }
        value
    }

    pub(super) fn taken(&mut self, key: &str) -> Option<(String, String)> {
        let Leaf { text, place, from_environment } = self.leaves.take(key)?;
        if text.is_none() {
            let rule = match from_environment {
                true => NOT_TEXT,
                false => "must be a text, a number, `true` or `false`",
            };
            self.refuse(key, rule, Some(place.clone()));
        }
        Some((text?, place))
    }

    pub(super) fn refuse(&mut self, key: &str, rule: &str, place: Option<String>) {
        self.faults.push(Fault { key: key.to_owned(), rule: rule.to_owned(), place });
    }

    /// What nobody asked for is a fault too: a misspelt key must not pass for a default.
    fn finish(self) -> Vec<Fault> {
        let Reader { leaves, mut faults } = self;
        for (key, leaf) in leaves.rest() {
            let rule = match catalog::nearest(&key, known(&key).iter().map(String::as_str)).first()
            {
                Some(near) => format!("is not a setting; the nearest is `{near}`"),
                None => "is not a setting".to_owned(),
            };
            faults.push(Fault { key, rule, place: Some(leaf.place) });
        }
        faults.sort();
        faults
    }
}

/// Whether the host is this machine by its name or address, whatever a name server says.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn known(key: &str) -> Vec<String> {
    let parts: Vec<&str> = key.split('.').collect();
    match parts.as_slice() {
        ["connections", name, ..] => {
            CONNECTION.iter().map(|last| format!("connections.{name}.{last}")).collect()
        }
        ["schedule", name, ..] => {
            SCHEDULE.iter().map(|last| format!("schedule.{name}.{last}")).collect()
        }
        ["store", ..] => STORE.iter().map(|last| format!("store.{last}")).collect(),
        _ => SERVER.iter().map(|last| format!("server.{last}")).collect(),
    }
}
