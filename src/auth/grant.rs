//! One question to the token endpoint.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicRequestTokenError};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, Scope,
    TokenResponse, TokenUrl,
};
use url::Url;

use super::{Credential, Error, KnownSecrets, Refusal, Settings, Trouble};
use crate::clock;
use crate::limits::auth as limits;
use crate::secret::Secret;
use crate::transport::{Exchange, Transport, retry_after};

type Client =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The token endpoint of one tenant, as seen by one application.
pub(super) struct Grant {
    carrier: Carrier,
    client: Client,
    scope: Scope,
    pub tenant: String,
    pub client_id: String,
    host: String,
    /// What must not come back in an error.
    pub known: KnownSecrets,
}

/// How one try ended.
pub(super) enum Outcome {
    /// A token and its life.
    Token(Secret, Duration),
    /// It may work if tried again.
    Trouble(Trouble),
    /// It will not.
    Failed(Error),
}

impl Grant {
    pub(super) fn new(transport: Arc<dyn Transport>, settings: Settings) -> Result<Self, Error> {
        let url = token_url(&settings)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let Credential::Secret(secret) = &settings.credential;
        let known = KnownSecrets::default();
        known.add_credential(&settings.client_id, secret);
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
            .set_token_uri(TokenUrl::from_url(url))
            .set_auth_type(AuthType::RequestBody);
        let scope = Scope::new(settings.scope);
        let Settings { tenant, client_id, .. } = settings;
        let carrier = Carrier { transport, known: known.clone() };
        Ok(Grant { carrier, client, scope, tenant, client_id, host, known })
    }

    /// Asks once. `claims` is what a refused token lacked, as Graph's challenge said it.
    pub(super) async fn ask(&self, claims: Option<&str>) -> Outcome {
        let mut question = self.client.exchange_client_credentials().add_scope(self.scope.clone());
        if let Some(claims) = claims {
            question = question.add_extra_param("claims", claims.to_owned());
        }
        match question.request_async(&self.carrier).await {
            Ok(answer) => {
                let token = Secret::new(answer.access_token().secret().as_str());
                self.known.add_token(&token);
                Outcome::Token(token, answer.expires_in().unwrap_or(limits::LIFE_UNTOLD))
            }
            Err(error) => self.judge(error),
        }
    }

    /// React to `error` only, never to Entra's number.
    fn judge(&self, error: BasicRequestTokenError<Trouble>) -> Outcome {
        match error {
            BasicRequestTokenError::Request(trouble) => Outcome::Trouble(trouble),
            BasicRequestTokenError::ServerResponse(answer) => {
                let code = match answer.error() {
                    BasicErrorResponseType::Extension(code) => code.as_str(),
                    known => known.as_ref(),
                };
                let description = answer.error_description().map(|text| self.known.hide(text));
                let refusal = Refusal::new(&self.known.hide(code), description.as_deref());
                Outcome::Failed(Error::Refused {
                    tenant: self.tenant.clone(),
                    client_id: self.client_id.clone(),
                    refusal,
                })
            }
            BasicRequestTokenError::Parse(..) | BasicRequestTokenError::Other(_) => {
                Outcome::Failed(Error::Unreadable { host: self.host.clone() })
            }
        }
    }
}

/// The HTTP of `oauth2`.
struct Carrier {
    transport: Arc<dyn Transport>,
    known: KnownSecrets,
}

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Trouble;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse, Trouble>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        self.carry(request).boxed()
    }
}

impl Carrier {
    /// One exchange; answers that ask for patience are told apart here, because their headers are
    /// gone afterwards.
    async fn carry(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, Trouble> {
        let exchange = Exchange {
            request: request.map(Bytes::from),
            body_bytes_max: limits::TOKEN_BYTES_MAX,
            timeout: limits::TOKEN_TIMEOUT,
        };
        let answer = self.transport.exchange(exchange).await.map_err(Trouble::Network)?;
        let answer = answer.map(standard);
        let status = answer.status();
        let error = self.oauth_error(answer.body());
        let asks_for_patience = status.is_server_error()
            || status.as_u16() == 429
            || matches!(error.as_deref(), Some("temporarily_unavailable" | "server_error"));
        if asks_for_patience {
            let retry_after = retry_after(answer.headers(), clock::unix_now());
            return Err(Trouble::Answer { status: status.as_u16(), error, retry_after });
        }
        Ok(answer)
    }

    fn oauth_error(&self, body: &[u8]) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        let error = self.known.hide(body.get("error")?.as_str()?);
        Some(error.chars().take(60).collect())
    }
}

/// An answer as the standard wants it: without a byte order mark, and with a life in whole seconds.
/// Some services in Entra's place write it as text or with a fraction, as Entra's older endpoint did.
///
/// <https://learn.microsoft.com/entra/identity-platform/v1-protocols-oauth-code>
fn standard(body: Vec<u8>) -> Vec<u8> {
    let plain = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
    let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(plain) else { return body };
    match json.get_mut("expires_in") {
        Some(life) if !life.is_u64() => *life = seconds(life).into(),
        _ if plain.len() == body.len() => return body,
        _ => {}
    }
    serde_json::to_vec(&json).unwrap_or(body)
}

/// A number of seconds, however it is written; `None` is no number that a life could have.
fn seconds(life: &serde_json::Value) -> Option<u64> {
    let number = match life {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    // Whole seconds, rounded down: a token that is thought to live longer than it does is refused.
    number.filter(|number: &f64| number.is_finite() && *number >= 0.0).map(|number| number as u64)
}

/// `{login_url}/{tenant}/oauth2/v2.0/token`.
fn token_url(settings: &Settings) -> Result<Url, Error> {
    let mut url = settings.login_url.clone();
    let tenant = settings.tenant.trim();
    let named = !tenant.is_empty() && tenant != "." && tenant != "..";
    let built = named
        && url.has_host()
        && url
            .path_segments_mut()
            .map(|mut path| {
                path.pop_if_empty().push(tenant).extend(["oauth2", "v2.0", "token"]);
            })
            .is_ok();
    if built {
        Ok(url)
    } else {
        Err(Error::Address {
            login_url: settings.login_url.to_string(),
            tenant: settings.tenant.clone(),
        })
    }
}
