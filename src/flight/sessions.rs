//! What clients have chosen for their calls: the catalog and schema of names without one.
//!
//! A client that keeps cookies is known by one; another by the connection that it calls on, for as
//! long as that lasts. What is chosen stands in every ticket, so that a ticket means the same wherever it is redeemed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::metadata::MetadataMap;
use uuid::Uuid;

use super::Error;
use super::connection::Connection;
use crate::limits::flight as limits;

/// The cookie that names a session.
const COOKIE: &str = "arrow_flight_session_id";

/// What a session has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The connection.
    pub catalog: Option<String>,
    /// The schema.
    pub schema: Option<String>,
}

/// By what a session is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// Its cookie.
    Cookie(String),
    /// The connection that it calls on.
    Connection(Connection),
}

/// The sessions of a server.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    all: Arc<Mutex<All>>,
}

#[derive(Debug, Default)]
struct All {
    chosen: HashMap<Known, Chosen>,
    /// The oldest first.
    order: VecDeque<Known>,
}

/// Who calls, as far as sessions know them.
pub fn known(metadata: &MetadataMap, connection: Option<Connection>) -> Vec<Known> {
    let cookies = metadata.get_all("cookie").into_iter().filter_map(|line| line.to_str().ok());
    let named = cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        let value = value.trim_matches('"');
        // What is not of our making is no session that was lost.
        let is_ours = name == COOKIE && Uuid::try_parse(value).is_ok();
        is_ours.then(|| Known::Cookie(value.to_owned()))
    });
    named.into_iter().chain(connection.map(Known::Connection)).collect()
}

impl Sessions {
    /// What the caller has chosen; nothing if it has no session.
    ///
    /// # Errors
    ///
    /// [`Error::SessionUnknown`] for a cookie of a session that is over: what it had chosen is not
    /// known any more, and names would mean something else without a word.
    pub fn get(&self, caller: &[Known]) -> Result<Chosen, Error> {
        let all = self.locked();
        let cookie = caller.iter().find(|known| matches!(known, Known::Cookie(_)));
        match cookie {
            Some(cookie) => all.chosen.get(cookie).cloned().ok_or(Error::SessionUnknown),
            None => {
                let chosen = caller.iter().find_map(|known| all.chosen.get(known)).cloned();
                Ok(chosen.unwrap_or_default())
            }
        }
    }

    /// Remembers what the caller has chosen, and gives the cookie that it is known by from now on.
    pub fn set(&self, caller: &[Known], chosen: &Chosen) -> String {
        let cookie = caller.iter().find_map(|known| match known {
            Known::Cookie(value) if self.locked().chosen.contains_key(known) => Some(value.clone()),
            _ => None,
        });
        let cookie = cookie.unwrap_or_else(|| Uuid::new_v4().to_string());
        let connection = caller.iter().find(|known| matches!(known, Known::Connection(_))).cloned();
        let mut all = self.locked();
        for known in [Some(Known::Cookie(cookie.clone())), connection].into_iter().flatten() {
            all.put(known, chosen.clone());
        }
        format!("{COOKIE}={cookie}")
    }

    /// Forgets what the caller has chosen, and gives what makes it forget its cookie.
    pub fn close(&self, caller: &[Known]) -> String {
        let mut all = self.locked();
        let mut any = false;
        for known in caller {
            any |= all.chosen.remove(known).is_some();
        }
        if any {
            all.order.retain(|known| !caller.contains(known));
        }
        format!("{COOKIE}=; Max-Age=0")
    }

    fn locked(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn put(&mut self, known: Known, chosen: Chosen) {
        if self.chosen.insert(known.clone(), chosen).is_none() {
            self.order.push_back(known);
        }
        while self.order.len() > limits::SESSIONS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.chosen.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_session_is_known_by_its_cookie_or_its_connection() {
        let sessions = Sessions::default();
        let (one, other) = (Connection::next(), Connection::next());
        let by = |connection| [Known::Connection(connection)];
        let live = Chosen { schema: Some("live".to_owned()), catalog: None };
        let line = sessions.set(&by(one), &live);
        let mut metadata = MetadataMap::new();
        let cookies = format!("other=1; {line}");
        metadata.insert("cookie", cookies.parse().expect("a header"));
        let get = |caller: &[Known]| sessions.get(caller).expect("a session, or none");
        assert_eq!(get(&by(one)), live);
        assert_eq!(get(&known(&metadata, Some(other))), live);
        assert_eq!(get(&by(other)), Chosen::default());
        sessions.close(&known(&metadata, Some(one)));
        assert_eq!(get(&by(one)), Chosen::default());
        // What it had chosen is not known any more, and nothing else is meant in its place.
        let over = sessions.get(&known(&metadata, Some(one))).expect_err("the session is over");
        assert_eq!(over.kind(), Kind::Refused);
    }

    #[test]
    fn there_is_an_end_of_sessions() {
        let sessions = Sessions::default();
        let first = [Known::Connection(Connection::next())];
        let chosen = |schema: String| Chosen { schema: Some(schema), catalog: None };
        sessions.set(&first, &chosen("live".to_owned()));
        for number in 0..limits::SESSIONS_MAX {
            let next = [Known::Connection(Connection::next())];
            sessions.set(&next, &chosen(number.to_string()));
        }
        assert_eq!(sessions.locked().chosen.len(), limits::SESSIONS_MAX);
        assert_eq!(sessions.get(&first).expect("none"), Chosen::default());
    }
}
