//! The tenant as a function of a request and the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use super::counters::{InFlight, Served, Tally, add};
use super::options::Options;
use super::population::Population;
use super::quota::{Family, LIMIT_PERCENTAGE, Quota};
use super::reply::{Asked, Refusal, Reply};
use super::route::{self, Node, Route};
use super::scramble::{guid, mix};
use super::trouble::Trouble;
use super::{
    Builder, CLIENT_ID, Churn, Counters, Licence, Settings, TENANT_ID, limits, moment, rules,
    sign_in, token,
};

/// A simulated tenant: one directory, one application that may sign in to it, one account of what
/// it has used. A clone is the same tenant.
///
/// The path alone tells what is asked: `/v1.0/…` and `/beta/…` are Graph, `/{tenant}/oauth2/…`
/// and the like are the sign-in service, whatever the host. Links lead back to the host that was
/// asked.
#[derive(Clone, Debug)]
pub struct Tenant {
    state: Arc<State>,
}

/// What there is once of a tenant, however often it is cloned.
#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) population: Population,
    pub(super) trouble: Trouble,
    pub(super) quota: Quota,
    pub(super) tally: Tally,
    pub(super) revocations: AtomicU64,
    /// What tokens and links are sealed with.
    pub(super) key: u64,
    serial: AtomicU64,
}

/// What a tenant says, and how.
#[derive(Debug)]
pub struct Answer {
    /// The whole answer.
    pub response: Response<Vec<u8>>,
    /// How long it takes from when the request came.
    pub delay: Duration,
    /// Where in the body the connection ends, if a fault says that it does.
    pub cut: Option<usize>,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Graph,
    SignIn,
    /// Something on the way to Graph.
    Proxy,
}

impl Tenant {
    /// A tenant as the settings describe it. Takes no time and next to no memory, however many
    /// users it has.
    pub fn new(settings: Settings) -> Tenant {
        let population = Population::new(settings.seed, settings.users);
        population.go_on(settings.rounds);
        let state = State {
            population,
            trouble: Trouble::new(settings.faults.clone()),
            quota: Quota::new(settings.throttle, settings.users),
            tally: Tally::default(),
            revocations: AtomicU64::new(0),
            key: mix(settings.seed ^ 0x5eed_0f7e_4a47),
            serial: AtomicU64::new(0),
            settings,
        };
        Tenant { state: Arc::new(state) }
    }

    /// Begins to describe a tenant in a chain that ends with [`Builder::start`].
    pub fn seed(seed: u64) -> Builder {
        Builder::new(seed)
    }

    /// What was asked so far.
    pub fn counters(&self) -> Counters {
        self.state.tally.read()
    }

    /// The newest requests to Graph, oldest first; those within a `$batch` stand before the batch
    /// itself. Older ones than 4,096 requests are forgotten.
    pub fn served(&self) -> Vec<Served> {
        self.state.tally.served()
    }

    /// Makes every token issued so far worthless, as an administrator does who ends an
    /// application's sessions: Graph answers 401 until a new one is fetched.
    pub fn revoke_tokens(&self) {
        add(&self.state.revocations, 1);
    }

    /// Lets a round of changes happen, as they do between two reads, and tells them: the same ones
    /// for each tenant of this seed, number of users and round. Takes as long as looking at all
    /// users and memberships.
    pub fn churn(&self) -> Churn {
        Churn::next(&self.state.population)
    }

    /// Answers one request that came at `now`, counted from 1970.
    ///
    /// The same tenant asked the same things at the same times gives the same answers. It never
    /// fails: whatever is wrong with a request is in the answer.
    pub fn answer(&self, request: &Request<Bytes>, now: Duration) -> Answer {
        self.state.answer(request, now)
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(super) fn enter(&self) -> InFlight<'_> {
        self.state.tally.enter()
    }
}

impl State {
    fn answer(&self, request: &Request<Bytes>, now: Duration) -> Answer {
        let origin = origin(request);
        let path = request.uri().path();
        let request_id = self.next_id();
        let asked = Asked {
            method: request.method(),
            origin: &origin,
            path,
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            body: request.body(),
            now,
            request_id: &request_id,
            batched: false,
        };
        let (reply, service) = if sign_in::owns(path) {
            add(&self.tally.sign_in_requests, 1);
            (self.sign_in(&asked), Service::SignIn)
        } else {
            add(&self.tally.requests, 1);
            match self.trouble.proxy() {
                Some(reply) => (reply, Service::Proxy),
                None => (self.graph(&asked), Service::Graph),
            }
        };
        self.send(&asked, reply, service)
    }

    /// A request id that was not given out before.
    pub(super) fn next_id(&self) -> String {
        guid(self.key, add(&self.serial, 1))
    }

    /// Answers one request to Graph, or a part of a `$batch`.
    pub(super) fn graph(&self, asked: &Asked<'_>) -> Reply {
        let mut told = Vec::new();
        let decided = self.decide(asked, &mut told);
        let mut reply = decided.unwrap_or_else(|mut refusal| {
            if let Some(echo) = self.trouble.echo(asked) {
                refusal.message = format!("The request was {echo} . {}", refusal.message);
            }
            refusal.reply(asked)
        });
        reply.headers.extend(told);
        if reply.status.as_u16() >= 400 {
            add(&self.tally.refused, 1);
        }
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            add(&self.tally.throttled, 1);
            let scope = format!("Tenant_Application/Read/{CLIENT_ID}/{TENANT_ID}");
            reply.headers.push((HeaderName::from_static("x-ms-throttle-scope"), scope));
        }
        let query = if asked.query.is_empty() { "" } else { "?" };
        self.tally.remember(Served {
            at: asked.now,
            method: asked.method.to_string(),
            target: format!("{}{query}{}", asked.path, asked.query),
            status: reply.status.as_u16(),
            batched: asked.batched,
        });
        reply
    }

    fn decide(
        &self,
        asked: &Asked<'_>,
        told: &mut Vec<(HeaderName, String)>,
    ) -> Result<Reply, Refusal> {
        let route = route::read(asked.path);
        let batch = matches!(&route, Ok(Route { node: Node::Batch, .. }));
        if !asked.batched {
            self.trouble.outage(asked.now).map_or(Ok(()), Err)?;
        }
        if !batch {
            self.trouble.throttle(asked.now).map_or(Ok(()), Err)?;
        }
        if matches!(&route, Ok(Route { node: Node::Metadata, .. })) && asked.method == Method::GET {
            return Ok(self.metadata());
        }
        let roles = self.authenticate(asked)?;
        if !asked.batched {
            self.trouble.refuses_token().map_or(Ok(()), Err)?;
        }
        let route = route?;
        if batch {
            return self.batch(asked, route.version);
        }
        if asked.method != Method::GET {
            let message = "Specified HTTP method is not allowed for the request target.";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refusal::new(status, "Request_BadRequest", message));
        }
        let options = Options::read(asked.query)?;
        let (family, units) = rules::cost(&route.node, &options);
        if family == Family::Directory {
            add(&self.tally.resource_units, units);
            told.push((HeaderName::from_static("x-ms-resource-unit"), units.to_string()));
        }
        if let Some(share) = self.quota.charge(family, units, asked.now)? {
            told.push((LIMIT_PERCENTAGE, share));
        }
        rules::permit(&route.node, &options, &roles)?;
        if self.settings.licence == Licence::Free && rules::premium(&route.node, &options) {
            return Err(unlicensed());
        }
        self.trouble.refuses_filter(&options).map_or(Ok(()), Err)?;
        if let Node::List { count: true, .. } | Node::Related { count: true, .. } = &route.node {
            self.trouble.refuses_count().map_or(Ok(()), Err)?;
        }
        if let Node::Related { key, .. } = &route.node {
            self.trouble.fails_parent(key).map_or(Ok(()), Err)?;
        }
        match &route.node {
            Node::Metadata => Ok(self.metadata()),
            Node::Batch => Err(Refusal::bad("Nested batch requests are not supported.")),
            Node::List { .. } => self.list(asked, &route, &options, &roles),
            Node::Related { link, .. } if !link.single => {
                self.list(asked, &route, &options, &roles)
            }
            Node::One { .. } | Node::Related { .. } => self.one(asked, &route, &options, &roles),
        }
    }

    /// The permissions of the token that came along.
    fn authenticate(&self, asked: &Asked<'_>) -> Result<Vec<String>, Refusal> {
        let given = asked.header(header::AUTHORIZATION.as_str()).unwrap_or_default();
        let token = match given.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => "",
        };
        if token.is_empty() {
            return Err(Refusal::unauthenticated("Access token is empty."));
        }
        token::read(token, self.key, self.revocations.load(Relaxed), asked.origin, asked.now)
            .map(|claims| claims.roles)
            .map_err(Refusal::unauthenticated)
    }

    /// Puts a reply into the form in which it leaves.
    fn send(&self, asked: &Asked<'_>, reply: Reply, service: Service) -> Answer {
        add(&self.tally.body_bytes, reply.body.len() as u64);
        let json = reply.content_type.starts_with("application/json");
        let body = match json && self.trouble.marks_byte_order() {
            true => [b"\xef\xbb\xbf", reply.body.as_slice()].concat(),
            false => reply.body,
        };
        let (body, encoding) = self.compress(asked, body);
        add(&self.tally.sent_bytes, body.len() as u64);
        let (late, cut) = match service {
            Service::Graph => (self.trouble.delay(), self.trouble.cut(body.len())),
            Service::SignIn | Service::Proxy => (Duration::ZERO, None),
        };
        let mut response = Response::new(body);
        *response.status_mut() = reply.status;
        let headers = response.headers_mut();
        let mut put = |name: HeaderName, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        put(header::CONTENT_TYPE, reply.content_type);
        put(header::DATE, &moment::http(asked.now));
        if let Some(encoding) = encoding {
            put(header::CONTENT_ENCODING, encoding);
            put(header::VARY, "Accept-Encoding");
        }
        if service == Service::Graph {
            for (name, value) in envelope_headers(asked) {
                put(name, &value);
            }
        }
        for (name, value) in reply.headers {
            put(name, &value);
        }
        Answer { response, delay: self.settings.latency + late, cut }
    }

    fn compress(&self, asked: &Asked<'_>, body: Vec<u8>) -> (Vec<u8>, Option<&'static str>) {
        let accepted = asked.header(header::ACCEPT_ENCODING.as_str()).unwrap_or_default();
        if !self.settings.compress
            || !takes_gzip(accepted)
            || body.len() <= limits::COMPRESS_BYTES_MIN
        {
            return (body, None);
        }
        match gzipped(&body) {
            Some(small) => (small, Some("gzip")),
            None => (body, None),
        }
    }
}

/// Whether an `Accept-Encoding` lets gzip pass: by its name in any case, or else by `*`, and not
/// with a weight of nought.
fn takes_gzip(accepted: &str) -> bool {
    let weight = |wanted: &str| {
        accepted.split(',').find_map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next().filter(|name| name.eq_ignore_ascii_case(wanted))?;
            let weight = parts.find_map(|part| part.strip_prefix(['q', 'Q'])?.strip_prefix('='));
            Some(weight.map_or(Some(1.0), |weight| weight.trim().parse().ok()).unwrap_or(0.0))
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight: f64| weight > 0.0)
}

/// The headers on every answer of Graph, and on every part of a `$batch`.
pub(super) fn envelope_headers(asked: &Asked<'_>) -> [(HeaderName, String); 4] {
    let diagnostic = r#"{"ServerInfo":{"DataCenter":"Simulation","Slice":"E","Ring":"5","ScaleUnit":"001","RoleInstance":"SM1PEPF00000001"}}"#;
    [
        (HeaderName::from_static("request-id"), asked.request_id.to_owned()),
        (HeaderName::from_static("client-request-id"), asked.client_request_id().to_owned()),
        (HeaderName::from_static("x-ms-ags-diagnostic"), diagnostic.to_owned()),
        (HeaderName::from_static("odata-version"), "4.0".to_owned()),
    ]
}

fn unlicensed() -> Refusal {
    let message = "Neither tenant is B2C or tenant doesn't have premium license";
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}

/// Scheme and authority of the request, from its URI or else its `Host`.
fn origin(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    let host = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => format!("http://{}", host().unwrap_or("graph.microsoft.com")),
    }
}

/// The fastest level that compresses: what matters is not to be slower than what reads it.
fn gzipped(body: &[u8]) -> Option<Vec<u8>> {
    let level = libdeflater::CompressionLvl::new(1).ok()?;
    let mut compressor = libdeflater::Compressor::new(level);
    let mut small = vec![0; compressor.gzip_compress_bound(body.len())];
    let length = compressor.gzip_compress(body, &mut small).ok()?;
    small.truncate(length);
    Some(small)
}
