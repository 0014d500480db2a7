//! The sign-in service: tokens for client credentials, and the documents that clients read
//! before they ask.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{Method, StatusCode, header};
use serde_json::json;

use super::counters::add;
use super::reply::{Asked, Reply};
use super::tenant::State;
use super::token;
use super::{CLIENT_ID, CLIENT_SECRET, EXPIRED_SECRET, TENANT, TENANT_ID, moment};

const JSON: &str = "application/json; charset=utf-8";

/// What stands in place of a tenant when a client does not name one.
const NO_TENANT: [&str; 3] = ["common", "organizations", "consumers"];

/// An error of the sign-in service.
#[derive(Debug)]
struct Denial {
    status: StatusCode,
    error: &'static str,
    number: u32,
    text: String,
}

impl Denial {
    fn new(error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Denial { status: StatusCode::BAD_REQUEST, error, number, text: text.into() }
    }

    fn unauthorized(self) -> Self {
        Denial { status: StatusCode::UNAUTHORIZED, ..self }
    }

    fn reply(self, asked: &Asked<'_>) -> Reply {
        let trace = asked.request_id;
        let correlation = asked.client_request_id();
        let timestamp = moment::sign_in(asked.now);
        let number = self.number;
        let description = format!(
            "AADSTS{number}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: \
             {timestamp}",
            self.text
        );
        let body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={number}", asked.origin),
        });
        Reply { status: self.status, ..Reply::text(JSON, body.to_string()) }
    }
}

/// Whether a path is one of the sign-in service's, whatever it makes of it.
pub(super) fn owns(path: &str) -> bool {
    let mut segments = path.split('/').skip(2);
    matches!(
        (segments.next(), segments.next()),
        (Some("oauth2" | "discovery" | ".well-known"), _) | (Some("v2.0"), Some(".well-known"))
    )
}

impl State {
    /// Answers one request to the sign-in service.
    pub(super) fn sign_in(&self, asked: &Asked<'_>) -> Reply {
        let segments: Vec<&str> = asked.path.split('/').skip(1).collect();
        let reply = match (asked.method, segments.as_slice()) {
            (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => self.token(tenant, asked),
            (_, [_, "oauth2", "v2.0", "token"]) => Err(Denial::new(
                "invalid_request",
                900_561,
                "The endpoint only accepts POST requests.",
            )),
            (&Method::GET, [_, "discovery", "instance"]) => Ok(instance(asked)),
            (&Method::GET, [_, "discovery", "v2.0", "keys"]) => {
                Ok(Reply::text(JSON, json!({"keys": []}).to_string()))
            }
            (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"])
            | (&Method::GET, [tenant, ".well-known", "openid-configuration"]) => {
                configuration(tenant, asked)
            }
            _ => Err(Denial {
                status: StatusCode::NOT_FOUND,
                ..Denial::new("invalid_request", 90_014, "There is no such endpoint.")
            }),
        };
        let reply = reply.unwrap_or_else(|mut denial| {
            if let Some(echo) = self.trouble.echo(asked) {
                denial.text = format!("The request was {echo} . {}", denial.text);
            }
            denial.reply(asked)
        });
        reply.with("x-ms-request-id", asked.request_id).with("cache-control", "no-store, no-cache")
    }

    fn token(&self, tenant: &str, asked: &Asked<'_>) -> Result<Reply, Denial> {
        check_tenant(tenant)?;
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(asked.body).into_owned().collect();
        let text = |name: &str| form.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let grant = text("grant_type").ok_or_else(|| missing("grant_type"))?;
        if grant != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(Denial::new("unsupported_grant_type", 70_003, text));
        }
        if NO_TENANT.contains(&tenant) {
            let text = "The grant type is not supported over the /common or /consumers endpoints. \
                        Please use the /organizations or tenant-specific endpoint.";
            return Err(Denial::new("invalid_request", 9_001_023, text));
        }
        let basic = basic(asked);
        let (client, secret) = match &basic {
            Some((client, secret)) => (Some(client.as_str()), Some(secret.as_str())),
            None => (text("client_id"), text("client_secret")),
        };
        check_client(client.ok_or_else(|| missing("client_id"))?, secret)?;
        let scope = text("scope").ok_or_else(|| missing("scope"))?;
        let audience = audience(scope, asked.origin)?;
        let serial = add(&self.tally.tokens, 1);
        let (token, life) = token::issue(&token::Issue {
            key: self.key,
            serial,
            revocations: self.revocations.load(Relaxed),
            audience,
            roles: &self.settings.permissions,
            life: self.trouble.token_life(),
            now: asked.now,
        });
        let life = match self.trouble.tells_life_as_text() {
            true => json!(life.to_string()),
            false => json!(life),
        };
        let body = json!({
            "token_type": "Bearer",
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": token,
        });
        Ok(Reply::text(JSON, body.to_string()))
    }
}

fn missing(parameter: &str) -> Denial {
    let text = format!("The request body must contain the following parameter: '{parameter}'.");
    Denial::new("invalid_request", 900_144, text)
}

fn check_client(client: &str, secret: Option<&str>) -> Result<(), Denial> {
    if !client.eq_ignore_ascii_case(CLIENT_ID) {
        let text = format!(
            "Application with identifier '{client}' was not found in the directory 'Contoso'. This \
             can happen if the application has not been installed by the administrator of the \
             tenant or consented to by any user in the tenant."
        );
        return Err(Denial::new("unauthorized_client", 700_016, text));
    }
    match secret {
        Some(CLIENT_SECRET) => Ok(()),
        Some(EXPIRED_SECRET) => {
            let text = format!(
                "The provided client secret keys for app '{client}' are expired. Create new keys \
                 for your app, or consider using certificate credentials for added security."
            );
            Err(Denial::new("invalid_client", 7_000_222, text).unauthorized())
        }
        Some(_) => {
            let text = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is \
                 the client secret value, not the client secret ID, for a secret added to app \
                 '{client}'."
            );
            Err(Denial::new("invalid_client", 7_000_215, text).unauthorized())
        }
        None => {
            let text = "The request body must contain the following parameter: \
                        'client_assertion' or 'client_secret'.";
            Err(Denial::new("invalid_client", 7_000_218, text).unauthorized())
        }
    }
}

/// Client id and secret of a Basic header, each of them form-encoded.
fn basic(asked: &Asked<'_>) -> Option<(String, String)> {
    let (scheme, encoded) = asked.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (client, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        url::form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned())
    };
    scheme.eq_ignore_ascii_case("basic").then_some((plain(client)?, plain(secret)?))
}

/// The resource of a scope such as `https://graph.microsoft.com/.default`. The tenant knows no
/// other resource than Graph.
fn audience<'a>(scope: &'a str, origin: &str) -> Result<&'a str, Denial> {
    let mut resources = scope.split_whitespace();
    let (Some(first), None) = (resources.next(), resources.next()) else {
        let text = format!(
            "The provided value for the input parameter 'scope' is not valid. The \
                            scope '{scope}' asks for more than one resource."
        );
        return Err(Denial::new("invalid_scope", 70_011, text));
    };
    let resource = first.strip_suffix("/.default").ok_or_else(|| {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have \
             a scope value with /.default suffixed to the resource identifier (application ID URI)."
        );
        Denial::new("invalid_scope", 1_002_012, text)
    })?;
    if token::is_graph(resource, origin) {
        return Ok(resource);
    }
    let text = format!(
        "The resource principal named {resource} was not found in the tenant named Contoso. This \
         can happen if the application has not been installed by the administrator of the tenant \
         or consented to by any user in the tenant."
    );
    Err(Denial::new("invalid_resource", 500_011, text))
}

fn check_tenant(tenant: &str) -> Result<(), Denial> {
    let known = tenant.eq_ignore_ascii_case(TENANT)
        || tenant.eq_ignore_ascii_case(TENANT_ID)
        || NO_TENANT.contains(&tenant);
    if known {
        return Ok(());
    }
    let text = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and \
         are signing into the correct cloud. Check with your subscription administrator, this \
         may happen if there are no active subscriptions for the tenant."
    );
    Err(Denial::new("invalid_request", 90_002, text))
}

/// Where clients learn that this host may be trusted.
fn instance(asked: &Asked<'_>) -> Reply {
    let origin = asked.origin;
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let discovery = format!("{origin}/{TENANT_ID}/v2.0/.well-known/openid-configuration");
    let body = json!({
        "tenant_discovery_endpoint": discovery,
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    });
    Reply::text(JSON, body.to_string())
}

fn configuration(tenant: &str, asked: &Asked<'_>) -> Result<Reply, Denial> {
    check_tenant(tenant)?;
    let origin = asked.origin;
    let named = !NO_TENANT.contains(&tenant);
    let id = if named { TENANT_ID } else { tenant };
    let issuer = if named { id } else { "{tenantid}" };
    let body = json!({
        "token_endpoint": format!("{origin}/{id}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": format!("{origin}/{id}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": format!("{origin}/{issuer}/v2.0"),
        "authorization_endpoint": format!("{origin}/{id}/oauth2/v2.0/authorize"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": "graph.microsoft.com",
    });
    Ok(Reply::text(JSON, body.to_string()))
}
