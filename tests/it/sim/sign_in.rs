//! The sign-in service, and what a token is worth.

use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use entra_flight::sim::{self, Tenant};
use expect_test::expect;
use http::{Method, Request};
use serde_json::Value;

use super::{Caller, SIGN_IN, START, heard, text};

fn caller() -> Caller {
    Caller::of(Tenant::seed(7).users(40))
}

#[test]
fn a_token_says_who_and_what_and_until_when() {
    let caller = caller();
    let answer = caller.sign_in_with(sim::TENANT_ID, SIGN_IN).json();
    let life = answer["expires_in"].as_u64().expect("seconds");
    assert!((3_600..=5_400).contains(&life), "{life} s");
    let token = text(&answer, "access_token");
    let claims = token.split('.').nth(1).expect("three parts");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["exp"], START.as_secs() + life);
    assert_eq!(text(&claims, "tid"), sim::TENANT_ID);
    assert_eq!(text(&claims, "appid"), sim::CLIENT_ID);
    assert_eq!(text(&claims, "aud"), "https://graph.microsoft.com");
    let roles: Vec<&str> =
        claims["roles"].as_array().expect("roles").iter().filter_map(Value::as_str).collect();
    assert_eq!(roles, sim::PERMISSIONS);
    let again = caller.sign_in_with(sim::TENANT, SIGN_IN).json();
    assert_ne!(again["access_token"], answer["access_token"]);
    assert_eq!(caller.tenant.counters().tokens, 3);
}

#[test]
fn whoever_may_not_sign_in_learns_why() {
    let caller = caller();
    let cases = [
        ("contoso.example", SIGN_IN.replace("simulated-secret", "wrong")),
        ("contoso.example", SIGN_IN.replace("simulated-secret", "expired-secret")),
        ("contoso.example", SIGN_IN.replace("&client_secret=simulated-secret", "")),
        ("contoso.example", SIGN_IN.replace("000000000001", "000000000002")),
        ("fabrikam.example", SIGN_IN.to_owned()),
        ("common", SIGN_IN.to_owned()),
        ("contoso.example", SIGN_IN.replace("client_credentials", "password")),
        ("contoso.example", SIGN_IN.replace("grant_type", "grant")),
        ("contoso.example", SIGN_IN.replace("scope", "resource")),
        ("contoso.example", SIGN_IN.replace("%2F.default", "%2FUser.Read")),
        ("contoso.example", SIGN_IN.replace("https%3A%2F%2Fgraph.microsoft.com", "api%3A%2F%2Fx")),
        ("contoso.example", SIGN_IN.replace("graph.microsoft.com", "vault.azure.net")),
    ];
    let mut said = String::new();
    for (tenant, form) in cases {
        let heard = caller.sign_in_with(tenant, &form);
        let error = heard.json();
        let description = text(&error, "error_description");
        let (description, _) = description.split_once(" Trace ID:").expect("a trace id");
        said += &format!("{} {} {}\n", heard.status, text(&error, "error"), error["error_codes"]);
        said += &format!("    {description}\n");
    }
    expect![[r#"
        401 invalid_client [7000215]
            AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '00000000-0000-4000-8000-000000000001'.
        401 invalid_client [7000222]
            AADSTS7000222: The provided client secret keys for app '00000000-0000-4000-8000-000000000001' are expired. Create new keys for your app, or consider using certificate credentials for added security.
        401 invalid_client [7000218]
            AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.
        400 unauthorized_client [700016]
            AADSTS700016: Application with identifier '00000000-0000-4000-8000-000000000002' was not found in the directory 'Contoso'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.
        400 invalid_request [90002]
            AADSTS90002: Tenant 'fabrikam.example' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.
        400 invalid_request [9001023]
            AADSTS9001023: The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.
        400 unsupported_grant_type [70003]
            AADSTS70003: The app requested an unsupported grant type 'password'.
        400 invalid_request [900144]
            AADSTS900144: The request body must contain the following parameter: 'grant_type'.
        400 invalid_request [900144]
            AADSTS900144: The request body must contain the following parameter: 'scope'.
        400 invalid_scope [1002012]
            AADSTS1002012: The provided value for scope https://graph.microsoft.com/User.Read is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).
        400 invalid_resource [500011]
            AADSTS500011: The resource principal named api://x was not found in the tenant named Contoso. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.
        400 invalid_resource [500011]
            AADSTS500011: The resource principal named https://vault.azure.net was not found in the tenant named Contoso. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.
    "#]].assert_eq(&said);
    expect![[r#"
        400
        x-ms-request-id: df2e3b10-a72a-48ed-9dd4-3d8c9653d7dc
        cache-control: no-store, no-cache

        {"correlation_id":"df2e3b10-a72a-48ed-9dd4-3d8c9653d7dc","error":"invalid_request","error_codes":[90002],"error_description":"AADSTS90002: Tenant 'fabrikam.example' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant. Trace ID: df2e3b10-a72a-48ed-9dd4-3d8c9653d7dc Correlation ID: df2e3b10-a72a-48ed-9dd4-3d8c9653d7dc Timestamp: 2026-06-30 07:08:09Z","error_uri":"http://login.simulated/error?code=90002","timestamp":"2026-06-30 07:08:09Z","trace_id":"df2e3b10-a72a-48ed-9dd4-3d8c9653d7dc"}
    "#]].assert_eq(&caller.sign_in_with("fabrikam.example", SIGN_IN).whole());
    assert_eq!(caller.tenant.counters().tokens, 1);
}

#[test]
fn a_token_opens_graph_only_if_it_is_for_graph() {
    let caller = caller();
    let ask = |resource: &str| {
        let scope = SIGN_IN.replace("https%3A%2F%2Fgraph.microsoft.com", resource);
        let answer = caller.sign_in_with(sim::TENANT, &scope);
        let bearer = match answer.status {
            200 => format!("Bearer {}", text(&answer.json(), "access_token")),
            _ => return format!("no token, {}\n", text(&answer.json(), "error")),
        };
        let headers = [("authorization", bearer.as_str())];
        let heard = heard(caller.answer(Method::GET, "/v1.0/users?$top=1", &headers, ""));
        if heard.status == 200 { "200\n".to_owned() } else { format!("{}\n", heard.refusal()) }
    };
    let resources = [
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
        "00000003-0000-0000-c000-000000000000",
        "http://graph.simulated",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://localhost:8443",
        "https://vault.azure.net",
        "https://graph.microsoft.com.evil.example",
        "https://graph.microsoft.com/v1.0",
        "ftp://graph.microsoft.com",
        "http://login.simulated",
    ];
    let said: Vec<String> =
        resources.iter().map(|resource| format!("{resource}: {}", ask(resource))).collect();
    expect![[r#"
        https://graph.microsoft.com: 200
        https://graph.microsoft.com/: 200
        https://graph.microsoft.us: 200
        https://dod-graph.microsoft.us: 200
        https://microsoftgraph.chinacloudapi.cn: 200
        00000003-0000-0000-c000-000000000000: 200
        http://graph.simulated: 200
        http://127.0.0.1:8080: 200
        http://[::1]:8080: 200
        https://localhost:8443: 200
        https://vault.azure.net: no token, invalid_resource
        https://graph.microsoft.com.evil.example: no token, invalid_resource
        https://graph.microsoft.com/v1.0: no token, invalid_resource
        ftp://graph.microsoft.com: no token, invalid_resource
        http://login.simulated: 401 InvalidAuthenticationToken: Access token validation failure. Invalid audience.
    "#]].assert_eq(&said.concat());
}

#[test]
fn the_secret_may_come_in_a_header() {
    let caller = caller();
    let form = "grant_type=client_credentials&scope=https://graph.microsoft.com/.default";
    let ask = |secret: &str| {
        let basic = BASE64_STANDARD.encode(format!("{}:{secret}", sim::CLIENT_ID));
        let request = Request::post("http://login.simulated/contoso.example/oauth2/v2.0/token")
            .header("authorization", format!("Basic {basic}"))
            .body(Bytes::from_static(form.as_bytes()));
        heard(caller.tenant.answer(&request.expect("a request"), START)).status
    };
    assert_eq!((ask("simulated-secret"), ask("wrong")), (200, 401));
}

#[test]
fn a_token_is_good_until_it_ends() {
    let caller = caller();
    let answer = caller.sign_in_with(sim::TENANT, SIGN_IN).json();
    let life = Duration::from_secs(answer["expires_in"].as_u64().expect("seconds"));
    let bearer = format!("Bearer {}", text(&answer, "access_token"));
    let ask = |authorization: &str| {
        let headers = [("authorization", authorization)];
        heard(caller.answer(Method::GET, "/v1.0/organization", &headers, ""))
    };
    caller.wait(life - Duration::from_secs(1));
    assert_eq!(ask(&bearer).status, 200);
    caller.wait(Duration::from_secs(1));
    expect![[r#"
        401
        request-id: fdf5def7-4001-4e5f-8831-683711b21e33
        client-request-id: fdf5def7-4001-4e5f-8831-683711b21e33
        www-authenticate: Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"

        {"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired.","innerError":{"date":"2026-06-30T08:09:38","request-id":"fdf5def7-4001-4e5f-8831-683711b21e33","client-request-id":"fdf5def7-4001-4e5f-8831-683711b21e33"}}}
    "#]].assert_eq(&ask(&bearer).whole());
    let altered = bearer.replacen('.', ".A", 1);
    let refused: Vec<String> = ["", "Basic eDp5", "Bearer ", "Bearer abc", &altered]
        .map(|given| format!("{}\n", ask(given).refusal()))
        .to_vec();
    expect![[r#"
        401 InvalidAuthenticationToken: Access token is empty.
        401 InvalidAuthenticationToken: Access token is empty.
        401 InvalidAuthenticationToken: Access token is empty.
        401 InvalidAuthenticationToken: IDX14100: JWT is not well formed, there are no dots (.).
        401 InvalidAuthenticationToken: Invalid access token. Signature validation failed.
    "#]]
    .assert_eq(&refused.concat());
}

#[test]
fn revoked_tokens_are_worthless() {
    let mut caller = caller();
    assert_eq!(caller.get("/v1.0/organization").status, 200);
    caller.tenant.revoke_tokens();
    assert_eq!(caller.get("/v1.0/organization").status, 401);
    caller.sign_in();
    assert_eq!(caller.get("/v1.0/organization").status, 200);
}

#[test]
fn a_missing_permission_closes_what_it_opened() {
    let without = |names: &[&str]| {
        let granted = sim::PERMISSIONS.into_iter().filter(|name| !names.contains(name));
        Caller::of(Tenant::seed(7).users(40).permissions(granted))
    };
    let caller = without(&["User.Read.All"]);
    assert_eq!(caller.get("/v1.0/users").status, 200, "Directory.Read.All is enough");
    let caller = without(&["User.Read.All", "Directory.Read.All"]);
    let refused = caller.get("/v1.0/users").refusal();
    assert_eq!(
        refused,
        "403 Authorization_RequestDenied: Insufficient privileges to complete the operation."
    );
    assert_eq!(caller.get("/v1.0/groups").status, 200);
    assert_eq!(caller.get("/v1.0/oauth2PermissionGrants").status, 403);
    for (permission, path) in [
        ("User.ReadBasic.All", "users"),
        ("Directory.ReadWrite.All", "users"),
        ("GroupMember.ReadBasic.All", "groups/00000000-0000-4000-8000-000000000000/members"),
        ("Application.ReadWrite.OwnedBy", "servicePrincipals"),
        ("DelegatedPermissionGrant.ReadWrite.All", "oauth2PermissionGrants"),
    ] {
        let caller = Caller::of(Tenant::seed(7).users(40).permissions([permission]));
        assert_ne!(caller.get(&format!("/v1.0/{path}")).status, 403, "{permission}");
        assert_eq!(caller.get("/v1.0/auditLogs/signIns").status, 403, "{permission}");
    }
    let caller = without(&["AuditLog.Read.All"]);
    assert_eq!(caller.get("/v1.0/auditLogs/signIns").status, 403);
    assert_eq!(caller.get("/v1.0/users?$select=signInActivity").status, 403);
}

#[test]
fn a_free_tenant_has_no_sign_ins() {
    let caller = Caller::of(Tenant::seed(7).users(40).free());
    let refused = caller.get("/v1.0/auditLogs/signIns").refusal();
    assert!(
        refused.starts_with("403 Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
        "{refused}"
    );
    assert_eq!(caller.get("/v1.0/users?$select=id,signInActivity").status, 403);
    assert_eq!(caller.get("/v1.0/auditLogs/directoryAudits").status, 200);
}

#[test]
fn clients_find_the_endpoints() {
    let caller = caller();
    let get = |path: &str| {
        let request =
            Request::get(format!("https://login.simulated:8443{path}")).body(Bytes::new());
        heard(caller.tenant.answer(&request.expect("a request"), START)).json()
    };
    let known = get("/contoso.example/v2.0/.well-known/openid-configuration");
    let token = format!("https://login.simulated:8443/{}/oauth2/v2.0/token", sim::TENANT_ID);
    assert_eq!(text(&known, "token_endpoint"), token);
    let any = get("/organizations/v2.0/.well-known/openid-configuration");
    assert_eq!(text(&any, "issuer"), "https://login.simulated:8443/{tenantid}/v2.0");
    let instance = get("/common/discovery/instance?api-version=1.1&authorization_endpoint=x");
    assert_eq!(instance["metadata"][0]["aliases"][0], "login.simulated:8443");
}
