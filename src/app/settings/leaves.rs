//! The single values of a settings file and of the environment, each with the place it was set.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What every variable that overrides a setting begins with.
const PREFIX: &str = "ENTRA_FLIGHT__";

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// As text: what a string holds, or how a number or boolean is written. `None` for a value
    /// that no setting can be, such as a list.
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
    /// Every variable of the environment, for `{ env = "…" }`.
    environment: BTreeMap<String, String>,
}

/// Whether the environment alone says how to reach a tenant.
pub fn names_connection(environment: &[(String, String)]) -> bool {
    environment.iter().any(|(name, _)| name.starts_with("ENTRA_FLIGHT__CONNECTIONS__"))
}

impl Leaves {
    /// Takes the file's values and lets the environment's win.
    pub fn gather(
        path: &Path,
        text: &str,
        environment: Vec<(String, String)>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut leaves = Leaves::default();
        let table = DeTable::parse(text)?;
        leaves.add_table(path, text, "", table.get_ref());
        for (name, value) in &environment {
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key = key.to_ascii_lowercase().replace("__", ".");
                let place = format!("environment variable {name}");
                let text = Some(value.clone());
                leaves.by_key.insert(key, Leaf { text, place, from_environment: true });
            }
        }
        leaves.environment = environment.into_iter().collect();
        Ok(leaves)
    }

    fn add_table(&mut self, path: &Path, text: &str, above: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let name = name.get_ref();
            let key = if above.is_empty() { name.to_string() } else { format!("{above}.{name}") };
            match value.get_ref() {
                DeValue::Table(inner) => self.add_table(path, text, &key, inner),
                _ => {
                    let leaf = leaf(path, text, value);
                    self.by_key.insert(key, leaf);
                }
            }
        }
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
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }
}

fn leaf(path: &Path, text: &str, value: &Spanned<DeValue<'_>>) -> Leaf {
    let line = 1 + text.bytes().take(value.span().start).filter(|byte| *byte == b'\n').count();
    let text = match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(value) => Some(value.to_string()),
        _ => None,
    };
    Leaf { text, place: format!("{} line {line}", path.display()), from_environment: false }
}
