//! `[store]` and `[schedule.NAME]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::read::Reader;
use super::{Connection, Kept, Scheduled};
use crate::catalog::ByTable;
use crate::limits::cli as limits;
use crate::{ops, snapshot};

/// The rule for a share.
const SHARE: &str = "must be a number from 0 to 1, such as `0.5`";

/// The rule for a time that comes again.
const CRON: &str = "must be a cron expression of five parts, such as `30 2 * * *`";

impl Reader {
    /// `None` where none is wanted, or something is wrong, which is then among the faults.
    pub(super) fn store(&mut self) -> Option<Kept> {
        let url = self.taken("store.url").map(|(text, _)| text);
        let max_age = self.by_table("store.max_age", |reader, key| {
            reader.duration(key, Duration::ZERO, limits::MAX_AGE_MAX)
        });
        let share = self.share("store.lost_share_max");
        let mut options = BTreeMap::new();
        for name in self.leaves.names_below("store.options") {
            if let Some((text, _)) = self.taken(&format!("store.options.{name}")) {
                options.insert(name.to_ascii_lowercase(), text);
            }
        }
        let keep = self.keep();
        let Some(url) = url else {
            let named = !options.is_empty() || max_age != ByTable::default();
            if share.is_some() || keep.is_some() || named {
                self.refuse("store.url", "is missing: a folder, or the URL of a bucket", None);
            }
            return None;
        };
        Some(Kept {
            place: snapshot::Settings { url, options },
            max_age,
            lost_share_max: share.unwrap_or(crate::limits::ops::LOST_SHARE_MAX),
            keep,
        })
    }

    /// A number from 0 to 1.
    pub(super) fn share(&mut self, key: &str) -> Option<f64> {
        let share = self.parsed::<f64>(key, SHARE)?;
        let fits = (0.0..=1.0).contains(&share);
        if !fits {
            self.refuse(key, SHARE, None);
        }
        fits.then_some(share)
    }

    /// What `[store.expire]` keeps; a part that is not said removes nothing by itself.
    fn keep(&mut self) -> Option<snapshot::Keep> {
        let age = self.duration("store.expire.older_than", Duration::ZERO, limits::MAX_AGE_MAX);
        let newest = self.parsed("store.expire.keep", "must be a number, such as `10`");
        if age.is_none() && newest.is_none() {
            return None;
        }
        Some(snapshot::Keep {
            newer_than: age.unwrap_or(Duration::ZERO),
            newest: newest.unwrap_or(1),
        })
    }

    /// Names of tables; none where all are meant.
    fn tables(&mut self, key: &str) -> Vec<String> {
        let Some((text, place)) = self.taken(key) else { return Vec::new() };
        let separated = |it: char| it == ',' || it.is_whitespace();
        let names = text.split(separated).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        match names.iter().any(|name| name == "*") {
            true if names.len() > 1 => {
                self.refuse(key, "must name tables or be `*`, not both", Some(place));
                Vec::new()
            }
            true => Vec::new(),
            false => names,
        }
    }

    pub(super) fn schedule(
        &mut self,
        stored: bool,
        connections: &BTreeMap<String, Connection>,
    ) -> BTreeMap<String, Scheduled> {
        let mut schedule = BTreeMap::new();
        for name in self.leaves.names_below("schedule") {
            let key = |last: &str| format!("schedule.{name}.{last}");
            let cron = self.required(&key("cron"), CRON);
            let cron = cron.and_then(|text| match text.parse::<ops::Cron>() {
                Ok(cron) => Some(cron),
                Err(error) => {
                    self.refuse(&key("cron"), &format!("{CRON}: {error}"), None);
                    None
                }
            });
            let tables = self.tables(&key("tables"));
            let method = self
                .parsed(&key("method"), "must be `full_load`, `reload` or `reload_and_compare`");
            let connection = self.taken(&key("connection")).map(|(text, _)| text);
            let known = connection.as_ref().is_none_or(|name| connections.contains_key(name));
            if !known || (connection.is_none() && connections.len() > 1) {
                self.refuse(&key("connection"), "must name one of the connections", None);
            }
            let jitter = self.duration(&key("jitter"), Duration::ZERO, limits::MAX_AGE_MAX);
            if !stored {
                self.refuse(&key("cron"), "needs a store: name one under `[store] url`", None);
            }
            let Some(cron) = cron else { continue };
            let scheduled = Scheduled {
                cron,
                tables,
                method: method.unwrap_or(snapshot::Method::ReloadAndCompare),
                connection,
                jitter: jitter.unwrap_or(Duration::ZERO),
            };
            schedule.insert(name, scheduled);
        }
        schedule
    }
}
