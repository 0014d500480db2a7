//! From single values to settings, gathering every fault on the way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use super::leaves::{Leaf, Leaves};
use super::{Connection, Fault, GRAPH, LOGIN, Settings};
use crate::secret::Secret;
use crate::{catalog, flight};

/// The keys of `[server]`.
const SERVER: [&str; 3] = ["listen", "insecure", "drain"];

/// The keys of `[connections.NAME]`.
const CONNECTION: [&str; 9] = [
    "tenant",
    "client_id",
    "client_secret",
    "client_secret.env",
    "client_secret.file",
    "graph_base_url",
    "login_url",
    "ca_file",
    "deadline",
];

/// Reads all settings, or says all that is wrong with them.
pub fn settings(leaves: Leaves) -> Result<Settings, Vec<Fault>> {
    let mut reader = Reader { leaves, faults: Vec::new() };
    let server = reader.server();
    let names = reader.leaves.names_below("connections");
    let mut connections = BTreeMap::new();
    for name in names {
        if let Some(connection) = reader.connection(&name) {
            connections.insert(name, connection);
        }
    }
    let mut faults = reader.finish();
    if connections.is_empty() && faults.is_empty() {
        faults.push(fault("connections", "is empty: name one tenant under `[connections.NAME]`"));
    }
    if faults.is_empty() { Ok(Settings { server, connections }) } else { Err(faults) }
}

fn fault(key: &str, rule: &str) -> Fault {
    Fault { key: key.to_owned(), rule: rule.to_owned(), place: None }
}

struct Reader {
    leaves: Leaves,
    faults: Vec<Fault>,
}

impl Reader {
    fn server(&mut self) -> flight::Settings {
        let default = flight::Settings::default();
        let listen =
            self.parsed("server.listen", "must be an address and a port, such as `127.0.0.1:8815`");
        let insecure = self.parsed("server.insecure", "must be `true` or `false`");
        flight::Settings {
            listen: listen.unwrap_or(default.listen),
            insecure: insecure.unwrap_or(default.insecure),
            drain: self.duration("server.drain").unwrap_or(default.drain),
        }
    }

    /// `None` where something is missing or wrong, which is then among the faults.
    fn connection(&mut self, name: &str) -> Option<Connection> {
        let key = |last: &str| format!("connections.{name}.{last}");
        let tenant = self.required(&key("tenant"), "is missing: a domain or the id of the tenant");
        let client_id =
            self.required(&key("client_id"), "is missing: the application's (client) id");
        let client_secret = self.secret(&key("client_secret"));
        let graph_base_url = self.url(&key("graph_base_url"), GRAPH);
        if let Some(url) = &graph_base_url
            && !url.path().trim_end_matches('/').ends_with("/v1.0")
        {
            self.faults.push(fault(&key("graph_base_url"), "must end in the version, `/v1.0`"));
        }
        let login_url = self.url(&key("login_url"), LOGIN);
        let ca_file = self.taken(&key("ca_file")).map(|(text, _)| PathBuf::from(text));
        let deadline = self.duration(&key("deadline"));
        Some(Connection {
            tenant: tenant?,
            client_id: client_id?,
            client_secret: client_secret?,
            graph_base_url: graph_base_url?,
            login_url: login_url?,
            ca_file,
            deadline,
        })
    }

    fn secret(&mut self, key: &str) -> Option<Secret> {
        let plain = self.leaves.take(key);
        let variable = self.taken(&format!("{key}.env"));
        let file = self.taken(&format!("{key}.file"));
        match (plain, variable, file) {
            (Some(Leaf { text: Some(text), from_environment: true, .. }), _, _) => {
                Some(Secret::new(text))
            }
            (Some(leaf), _, _) => {
                let rule = "must not stand in the file: say `{ env = \"NAME\" }` or `{ file = \
                            \"PATH\" }`";
                self.refuse(key, rule, Some(leaf.place));
                None
            }
            (None, Some((name, place)), None) => match self.leaves.variable(&name) {
                Some(secret) => Some(Secret::new(secret)),
                None => {
                    let rule = format!("names the environment variable `{name}`, which is not set");
                    self.refuse(key, &rule, Some(place));
                    None
                }
            },
            (None, None, Some((path, place))) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
                Err(error) => {
                    let rule = format!("names the file `{path}`, which cannot be read: {error}");
                    self.refuse(key, &rule, Some(place));
                    None
                }
            },
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

    fn url(&mut self, key: &str, default: &str) -> Option<Url> {
        let (text, place) = match self.taken(key) {
            Some((text, place)) => (text, Some(place)),
            None => (default.to_owned(), None),
        };
        match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            _ => {
                self.refuse(key, "must be a whole URL that begins with `https://`", place);
                None
            }
        }
    }

    fn duration(&mut self, key: &str) -> Option<std::time::Duration> {
        let (text, place) = self.taken(key)?;
        let duration = super::duration(&text);
        if duration.is_none() {
            self.refuse(key, "must be a time with its unit, such as `30s` or `2h`", Some(place));
        }
        duration
    }

    fn required(&mut self, key: &str, rule: &str) -> Option<String> {
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

    fn parsed<T: FromStr>(&mut self, key: &str, rule: &str) -> Option<T> {
        let (text, place) = self.taken(key)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(key, rule, Some(place));
        }
        value
    }

    fn taken(&mut self, key: &str) -> Option<(String, String)> {
        let Leaf { text, place, .. } = self.leaves.take(key)?;
        if text.is_none() {
            self.refuse(key, "must be a text, a number, `true` or `false`", Some(place.clone()));
        }
        Some((text?, place))
    }

    fn refuse(&mut self, key: &str, rule: &str, place: Option<String>) {
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

fn known(key: &str) -> Vec<String> {
    let parts: Vec<&str> = key.split('.').collect();
    match parts.as_slice() {
        ["connections", name, ..] => {
            CONNECTION.iter().map(|last| format!("connections.{name}.{last}")).collect()
        }
        _ => SERVER.iter().map(|last| format!("server.{last}")).collect(),
    }
}
