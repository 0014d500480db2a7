//! The single values of a settings file and of the environment, each with the place it was set.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Error, Fault};

/// What every variable that overrides a setting begins with.
const PREFIX: &str = "ENTRA_FLIGHT__";

/// The table that holds a table for each connection.
const CONNECTIONS: &str = "connections";

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// As text: what a string holds, or how a number or boolean is written. `None` for a value
    /// that no setting can be, such as a list or a variable that is not UTF-8.
    pub text: Option<String>,
    /// The file and line, or the environment variable.
    pub place: String,
    /// Set in the environment, where secrets may be.
    pub from_environment: bool,
}

/// All values by their dotted keys.
#[derive(Clone, Debug, Default)]
pub struct Leaves {
    by_key: BTreeMap<String, Leaf>,
    /// What is wrong with the keys themselves.
    faults: Vec<Fault>,
    /// Every variable of the environment, for `{ env = "…" }`.
    environment: BTreeMap<OsString, OsString>,
}

/// Whether the environment alone says how to reach a tenant.
pub fn names_connection(environment: &[(OsString, OsString)]) -> bool {
    let prefix = format!("{PREFIX}CONNECTIONS__");
    environment.iter().any(|(name, _)| name.to_string_lossy().starts_with(&prefix))
}

impl Leaves {
    /// Takes the file's values and lets the environment's win.
    ///
    /// # Errors
    ///
    /// [`Error::NotToml`].
    pub fn gather(
        path: &Path,
        text: &str,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self, Error> {
        let mut leaves = Leaves::default();
        let table = DeTable::parse(text).map_err(|error| not_toml(path, text, &error))?;
        leaves.add_table(path, text, "", table.get_ref());
        for (name, value) in &environment {
            // A name that is not UTF-8 becomes a key that no setting has.
            let name = name.to_string_lossy();
            if let Some(key) = name.strip_prefix(PREFIX) {
                let leaf = Leaf {
                    text: value.to_str().map(str::to_owned),
                    place: format!("environment variable {name}"),
                    from_environment: true,
                };
                leaves.add_variable(&key.to_ascii_lowercase().replace("__", "."), leaf);
            }
        }
        leaves.environment = environment.into_iter().collect();
        Ok(leaves)
    }

    fn add_table(&mut self, path: &Path, text: &str, above: &str, table: &DeTable<'_>) {
        for (spanned, value) in table {
            let name = spanned.get_ref().as_ref();
            // A dot in a name is not one between two names.
            let shown = if name.contains('.') { format!("{name:?}") } else { name.to_owned() };
            let key = if above.is_empty() { shown } else { format!("{above}.{shown}") };
            if above == CONNECTIONS && !is_connection_name(name) {
                self.refuse_name(key, place(path, text, spanned.span().start));
                continue;
            }
            match value.get_ref() {
                DeValue::Table(inner) => self.add_table(path, text, &key, inner),
                _ => {
                    let leaf = leaf(path, text, value);
                    self.by_key.insert(key, leaf);
                }
            }
        }
    }

    /// Variables are written in capitals, so a connection is meant however the file writes it.
    fn add_variable(&mut self, key: &str, leaf: Leaf) {
        let mut key = key.to_owned();
        let after = key.strip_prefix(CONNECTIONS).and_then(|rest| rest.strip_prefix('.'));
        if let Some((name, last)) = after.map(|rest| rest.split_once('.').unwrap_or((rest, ""))) {
            if !is_connection_name(name) {
                return self.refuse_name(format!("{CONNECTIONS}.{name}"), leaf.place);
            }
            let in_file = self.names_below(CONNECTIONS);
            let in_file = in_file.iter().find(|it| it.eq_ignore_ascii_case(name));
            if let Some(in_file) = in_file {
                key = format!("{CONNECTIONS}.{in_file}.{last}");
            }
        }
        self.by_key.insert(key, leaf);
    }

    fn refuse_name(&mut self, key: String, place: String) {
        let rule = "is no name for a connection: use letters, digits, `_` and `-`".to_owned();
        self.faults.push(Fault { key, rule, place: Some(place) });
    }

    /// Removes and returns what is wrong with the keys themselves.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// Removes and returns the value at `key`.
    pub fn take(&mut self, key: &str) -> Option<Leaf> {
        self.by_key.remove(key)
    }

    /// The different names that follow `above.` in the keys left.
    pub fn names_below(&self, above: &str) -> Vec<String> {
        let prefix = format!("{above}.");
        let mut names: Vec<String> = self
            .by_key
            .keys()
            .filter_map(|key| key.strip_prefix(&prefix)?.split('.').next().map(str::to_owned))
            .collect();
        names.dedup();
        names
    }

    /// What nobody has taken.
    pub fn rest(self) -> impl Iterator<Item = (String, Leaf)> {
        self.by_key.into_iter()
    }

    /// The value of an environment variable.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.get(OsStr::new(name)).map(OsString::as_os_str)
    }
}

fn is_connection_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it))
}

fn leaf(path: &Path, text: &str, value: &Spanned<DeValue<'_>>) -> Leaf {
    let place = place(path, text, value.span().start);
    let text = match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(value) => Some(value.to_string()),
        DeValue::Float(value) => Some(value.to_string()),
        _ => None,
    };
    Leaf { text, place, from_environment: false }
}

fn place(path: &Path, text: &str, at: usize) -> String {
    format!("{} line {}", path.display(), line_and_column(text, at).0)
}

fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
    Error::NotToml { path: path.to_owned(), line, column, message: error.message().to_owned() }
}

/// Both counted from one, the column in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(begin..).unwrap_or_default().chars().count();
    (1 + before.matches('\n').count(), 1 + column)
}
