//! What clients have chosen for their calls: the catalog and schema of names without one.
//!
//! A session belongs to its cookie alone: proxies let many clients share one connection. A client that
//! keeps no cookies has none. What is chosen stands in every ticket, so that a ticket means the same
//! wherever it is redeemed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::metadata::MetadataMap;
use uuid::Uuid;

use super::Error;
use crate::limits::flight as limits;

/// The name of the cookie that names a session.
const COOKIE: &str = "arrow_flight_session_id";

/// What a session has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The connection.
    pub catalog: Option<String>,
    /// The schema.
    pub schema: Option<String>,
}

/// The cookie that names a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionCookie(Uuid);

impl SessionCookie {
    /// The one that a call came with.
    pub fn of(metadata: &MetadataMap) -> Option<Self> {
        let lines = metadata.get_all("cookie").into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(';')).find_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            // What is not of our making is no session that was lost.
            let session = Uuid::try_parse(value.trim_matches('"')).ok()?;
            (name == COOKIE).then_some(SessionCookie(session))
        })
    }
}

/// The sessions of a server.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    all: Arc<Mutex<All>>,
}

#[derive(Debug, Default)]
struct All {
    chosen: HashMap<SessionCookie, Chosen>,
    /// The oldest first.
    order: VecDeque<SessionCookie>,
}

impl Sessions {
    /// What the caller has chosen; nothing if it has no session.
    ///
    /// # Errors
    ///
    /// [`Error::SessionUnknown`] for a cookie of a session that is over: what it had chosen is not
    /// known any more, and names would mean something else without a word.
    pub fn get(&self, cookie: Option<&SessionCookie>) -> Result<Chosen, Error> {
        let Some(cookie) = cookie else { return Ok(Chosen::default()) };
        self.locked().chosen.get(cookie).cloned().ok_or(Error::SessionUnknown)
    }

    /// Remembers what the caller has chosen, and gives the cookie that it is known by from now on.
    pub fn set(&self, cookie: Option<&SessionCookie>, chosen: &Chosen) -> String {
        let mut all = self.locked();
        let known = cookie.filter(|cookie| all.chosen.contains_key(cookie)).cloned();
        let cookie = known.unwrap_or_else(|| SessionCookie(Uuid::new_v4()));
        let line = format!("{COOKIE}={}", cookie.0);
        all.put(cookie, chosen.clone());
        line
    }

    /// Forgets what the caller has chosen, and gives what makes it forget its cookie.
    pub fn close(&self, cookie: Option<&SessionCookie>) -> String {
        let mut all = self.locked();
        if let Some(cookie) = cookie.filter(|cookie| all.chosen.remove(cookie).is_some()) {
            all.order.retain(|other| other != cookie);
        }
        format!("{COOKIE}=; Max-Age=0")
    }

    fn locked(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn put(&mut self, cookie: SessionCookie, chosen: Chosen) {
        if self.chosen.insert(cookie.clone(), chosen).is_none() {
            self.order.push_back(cookie);
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

    /// The cookie as the client sends it back, among others.
    fn sent(line: &str) -> SessionCookie {
        let mut metadata = MetadataMap::new();
        metadata.insert("cookie", format!("other=1; {line}").parse().expect("a header"));
        SessionCookie::of(&metadata).expect("a cookie of ours")
    }

    #[test]
    fn a_session_is_known_by_its_cookie_alone() {
        let sessions = Sessions::default();
        let live = Chosen { schema: Some("live".to_owned()), catalog: None };
        let one = sent(&sessions.set(None, &live));
        let other = sent(&sessions.set(None, &Chosen::default()));
        assert_eq!(sessions.get(Some(&one)).expect("a session"), live);
        assert_eq!(sessions.get(Some(&other)).expect("a session"), Chosen::default());
        assert_eq!(sessions.get(None).expect("none"), Chosen::default());
        assert_eq!(sent(&sessions.set(Some(&one), &Chosen::default())), one);
        sessions.close(Some(&one));
        // What it had chosen is not known any more, and nothing else is meant in its place.
        let over = sessions.get(Some(&one)).expect_err("the session is over");
        assert_eq!(over.kind(), Kind::Refused);
        assert_ne!(sent(&sessions.set(Some(&one), &live)), one);
    }

    #[test]
    fn there_is_an_end_of_sessions() {
        let sessions = Sessions::default();
        let first = sent(&sessions.set(None, &Chosen::default()));
        for _ in 0..limits::SESSIONS_MAX {
            sessions.set(None, &Chosen::default());
        }
        assert_eq!(sessions.locked().chosen.len(), limits::SESSIONS_MAX);
        sessions.get(Some(&first)).expect_err("the oldest is forgotten");
    }
}
