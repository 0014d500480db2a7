//! The simulated tenant, asked as a Graph client asks: over a held clock and without sockets,
//! but for `port`.

mod answers;
mod batches;
mod churn;
mod faults;
mod filters;
mod limits;
mod lists;
mod port;
mod sign_in;

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use entra_flight::sim::{self, Answer, Builder, Tenant};
use http::{HeaderMap, Method, Request};
use serde_json::Value;

/// When every test begins: 2026-06-30T07:08:09Z.
pub const START: Duration = Duration::from_secs(1_782_803_289);

/// Whoever asks a tenant, with a token and a clock.
pub struct Caller {
    pub tenant: Tenant,
    pub now: Cell<Duration>,
    token: String,
}

/// What a caller hears.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// What is sent to sign in.
pub const SIGN_IN: &str = "grant_type=client_credentials\
    &client_id=00000000-0000-4000-8000-000000000001&client_secret=simulated-secret\
    &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";

impl Caller {
    /// Starts a tenant and signs in to it.
    pub fn of(builder: Builder) -> Caller {
        let tenant = builder.start();
        let mut caller = Caller { tenant, now: Cell::new(START), token: String::new() };
        caller.sign_in();
        caller
    }

    /// Fetches a new token.
    pub fn sign_in(&mut self) {
        let heard = self.sign_in_with(sim::TENANT, SIGN_IN);
        let token = heard.json()["access_token"].as_str().expect("a token").to_owned();
        self.token = token;
    }

    /// What the sign-in service says to this form.
    pub fn sign_in_with(&self, tenant: &str, form: &str) -> Heard {
        let target = format!("http://login.simulated/{tenant}/oauth2/v2.0/token");
        let request = Request::post(target).body(Bytes::from(form.to_owned())).expect("a request");
        heard(self.tenant.answer(&request, self.now.get()))
    }

    pub fn wait(&self, time: Duration) {
        self.now.set(self.now.get() + time);
    }

    /// Asks for a path below the host, or for a whole link.
    pub fn answer(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let target = match target.starts_with('/') {
            true => format!("http://graph.simulated{}", written(target)),
            false => target.to_owned(),
        };
        let mut request = Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.to_owned())).expect("a request");
        self.tenant.answer(&request, self.now.get())
    }

    pub fn get(&self, target: &str) -> Heard {
        heard(self.answer(Method::GET, target, &[], ""))
    }

    /// Asks the index, which lags.
    pub fn eventual(&self, target: &str) -> Heard {
        heard(self.answer(Method::GET, target, &[("ConsistencyLevel", "eventual")], ""))
    }

    /// All pages of a list. Fails on anything but pages, and on a list without an end.
    pub fn pages(&self, target: &str) -> Vec<Value> {
        let mut pages = Vec::new();
        let mut next = Some(target.to_owned());
        while let Some(target) = next {
            let heard = self.eventual(&target);
            assert_eq!(heard.status, 200, "{target}: {}", heard.body);
            let page = heard.json();
            next = page["@odata.nextLink"].as_str().map(String::from);
            pages.push(page);
            assert!(pages.len() < 10_000, "{target} does not end");
        }
        pages
    }

    /// All rows of a list.
    pub fn rows(&self, target: &str) -> Vec<Value> {
        let pages = self.pages(target);
        pages.iter().flat_map(|page| page["value"].as_array().expect("rows")).cloned().collect()
    }

    /// The ids of all rows, in order.
    pub fn ids(&self, target: &str) -> Vec<String> {
        self.rows(target).iter().map(|row| text(row, "id").to_owned()).collect()
    }
}

/// A target with what may not stand in a URL written as it must be.
fn written(target: &str) -> String {
    target.replace(' ', "%20").replace('"', "%22").replace('+', "%2B")
}

/// What an answer says, once it has come.
pub fn heard(answer: Answer) -> Heard {
    let (parts, body) = answer.response.into_parts();
    let body = String::from_utf8(body).expect("text");
    Heard { status: parts.status.as_u16(), headers: parts.headers, body }
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The status, and the code and message of an error.
    pub fn refusal(&self) -> String {
        let error = &self.json()["error"];
        format!("{} {}: {}", self.status, text(error, "code"), text(error, "message"))
    }

    /// Everything that changes from answer to answer, for a snapshot.
    pub fn whole(&self) -> String {
        const SAME: [&str; 4] = ["date", "x-ms-ags-diagnostic", "odata-version", "content-type"];
        let mut said = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            if !SAME.contains(&name.as_str()) {
                said += &format!("{name}: {}\n", value.to_str().expect("text"));
            }
        }
        format!("{said}\n{}\n", self.body)
    }
}

/// A member that is text.
pub fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {of}"))
}
