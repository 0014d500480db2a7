//! Access tokens: JSON Web Tokens in Entra's shape, with a seal of our own in place of its
//! signature. A client cannot tell: Graph's tokens are not for clients to validate.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use serde_json::json;
use url::{Host, Url};

use super::scramble::{guid, mix, seal};
use super::{CLIENT_ID, TENANT_ID};

/// The application id of Microsoft Graph itself.
pub(super) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Where Graph is in Microsoft's clouds, and the made-up names under which tests ask a tenant that
/// has no address.
///
/// <https://learn.microsoft.com/graph/deployments>
const HOSTS: [&str; 7] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
    "graph.simulated",
    "graph.example",
    "localhost",
];

/// Whether a resource means Graph to whoever was asked at `origin`: its application id, an origin
/// where it may be found, or the very one that was asked.
pub(super) fn is_graph(resource: &str, origin: &str) -> bool {
    if resource.eq_ignore_ascii_case(GRAPH) {
        return true;
    }
    let Ok(url) = Url::parse(resource) else {
        return false;
    };
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare || !matches!(url.scheme(), "http" | "https") {
        return false;
    }
    let asked = Url::parse(origin).is_ok_and(|origin| origin.origin() == url.origin());
    asked
        || match url.host() {
            Some(Host::Domain(host)) => HOSTS.contains(&host),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

const LIFE_MIN: u64 = 60 * 60;

/// Entra gives tokens between 60 and 90 minutes, at random.
const LIFE_SPREAD: u64 = 30 * 60;

/// What a token must still say when it comes back.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    aud: String,
    exp: u64,
    /// How many times all tokens had been revoked when this one was issued.
    #[serde(rename = "xms_rev")]
    revocations: u64,
    /// The permissions that the application was granted.
    pub(super) roles: Vec<String>,
}

/// What is to be put into a token.
#[derive(Debug)]
pub(super) struct Issue<'a> {
    pub(super) key: u64,
    /// How many were issued before.
    pub(super) serial: u64,
    pub(super) revocations: u64,
    pub(super) audience: &'a str,
    pub(super) roles: &'a [String],
    pub(super) life: Option<Duration>,
    pub(super) now: Duration,
}

/// A new token and the seconds it lives.
pub(super) fn issue(issue: &Issue<'_>) -> (String, u64) {
    let chance = mix(issue.key ^ mix(issue.serial));
    let life = issue.life.map_or(LIFE_MIN + chance % LIFE_SPREAD, |life| life.as_secs().max(1));
    let now = issue.now.as_secs();
    let object = guid(!issue.key, 0);
    let claims = json!({
        "aud": issue.audience,
        "iss": format!("https://sts.windows.net/{TENANT_ID}/"),
        "iat": now,
        "nbf": now,
        "exp": now + life,
        "app_displayname": "entra-flight",
        "appid": CLIENT_ID,
        "appidacr": "1",
        "idp": format!("https://sts.windows.net/{TENANT_ID}/"),
        "idtyp": "app",
        "oid": object,
        "roles": issue.roles,
        "sub": object,
        "tenant_region_scope": "EU",
        "tid": TENANT_ID,
        "uti": BASE64.encode(chance.to_le_bytes()),
        "ver": "1.0",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
        "xms_rev": issue.revocations,
    });
    let head = json!({"typ": "JWT", "alg": "RS256", "kid": guid(!issue.key, 1)});
    let signed =
        format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
    let signature = signature(issue.key, &signed);
    (format!("{signed}.{signature}"), life)
}

/// Reads a token that comes back to Graph at `origin`.
///
/// # Errors
///
/// What Graph says of a bad token.
pub(super) fn read(
    token: &str,
    key: u64,
    revocations: u64,
    origin: &str,
    now: Duration,
) -> Result<Claims, &'static str> {
    let malformed = "IDX14100: JWT is not well formed, there are no dots (.).";
    let (signed, given) = token.rsplit_once('.').ok_or(malformed)?;
    if signature(key, signed) != given {
        return Err("Invalid access token. Signature validation failed.");
    }
    let claims: Option<Claims> = signed
        .split_once('.')
        .and_then(|(_, claims)| BASE64.decode(claims).ok())
        .and_then(|claims| serde_json::from_slice(&claims).ok());
    let claims = claims.ok_or(malformed)?;
    if !is_graph(&claims.aud, origin) {
        return Err("Access token validation failure. Invalid audience.");
    }
    if claims.exp <= now.as_secs() {
        return Err("Lifetime validation failed, the token is expired.");
    }
    if claims.revocations != revocations {
        return Err("Continuous access evaluation resulted in challenge: the token was revoked.");
    }
    Ok(claims)
}

fn signature(key: u64, signed: &str) -> String {
    let bytes: Vec<u8> =
        (0..4).flat_map(|n| seal(key ^ mix(n), signed.as_bytes()).to_le_bytes()).collect();
    BASE64.encode(bytes)
}
