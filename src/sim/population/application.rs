//! Applications, and what they share with their service principals: names, roles, scopes, keys.

use super::chance::{Dice, below, one_in, pick};
use super::directory::DEFAULT_DOMAIN;
use super::ids::{Guid, tag};
use super::json::{DAY, NOW, boolean, digits, fields, moment, moment_fine, number, put, text};
use super::service_principal::{FIRST_PARTY, GRAPH_APP_ID, GRAPH_ROLES};
use super::words::APPS;
use super::{Kind, Population};

fields! {
    Id "id" "Edm.String" default
    DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
    AddIns "addIns" "Collection(addIn)" default
    Api "api" "apiApplication" default
    AppId "appId" "Edm.String" default
    ApplicationTemplateId "applicationTemplateId" "Edm.String" default
    AppRoles "appRoles" "Collection(appRole)" default
    AuthenticationBehaviors "authenticationBehaviors" "authenticationBehaviors" select
    Certification "certification" "certification" default
    CreatedByAppId "createdByAppId" "Edm.String" default
    CreatedDateTime "createdDateTime" "Edm.DateTimeOffset" default
    DefaultRedirectUri "defaultRedirectUri" "Edm.String" default
    Description "description" "Edm.String" default
    DisabledByMicrosoftStatus "disabledByMicrosoftStatus" "Edm.String" default
    DisplayName "displayName" "Edm.String" default
    GroupMembershipClaims "groupMembershipClaims" "Edm.String" default
    IdentifierUris "identifierUris" "Collection(Edm.String)" default
    Info "info" "informationalUrl" default
    IsDeviceOnlyAuthSupported "isDeviceOnlyAuthSupported" "Edm.Boolean" default
    IsDisabled "isDisabled" "Edm.Boolean" default
    IsFallbackPublicClient "isFallbackPublicClient" "Edm.Boolean" default
    KeyCredentials "keyCredentials" "Collection(keyCredential)" default
    ManagerApplications "managerApplications" "Collection(Edm.Guid)" default
    NativeAuthenticationApisEnabled "nativeAuthenticationApisEnabled" "nativeAuthenticationApisEnabled" default
    Notes "notes" "Edm.String" default
    Oauth2RequirePostResponse "oauth2RequirePostResponse" "Edm.Boolean" default
    OptionalClaims "optionalClaims" "optionalClaims" default
    ParentalControlSettings "parentalControlSettings" "parentalControlSettings" default
    PasswordCredentials "passwordCredentials" "Collection(passwordCredential)" default
    PublicClient "publicClient" "publicClientApplication" default
    PublisherDomain "publisherDomain" "Edm.String" default
    RequestSignatureVerification "requestSignatureVerification" "requestSignatureVerification" default
    RequiredResourceAccess "requiredResourceAccess" "Collection(requiredResourceAccess)" default
    SamlMetadataUrl "samlMetadataUrl" "Edm.String" default
    ServiceManagementReference "serviceManagementReference" "Edm.String" default
    ServicePrincipalLockConfiguration "servicePrincipalLockConfiguration" "servicePrincipalLockConfiguration" default
    SignInAudience "signInAudience" "Edm.String" default
    Spa "spa" "spaApplication" default
    Tags "tags" "Collection(Edm.String)" default
    TokenEncryptionKeyId "tokenEncryptionKeyId" "Edm.Guid" default
    UniqueName "uniqueName" "Edm.String" default
    VerifiedPublisher "verifiedPublisher" "verifiedPublisher" default
    Web "web" "webApplication" default
}

/// The application that owns the directory extensions of users, and so names them.
const EXTENSIONS_APP_ID: &Guid = b"6f1c2d3e-4b5a-4978-8c7d-6e5f4a3b2c1d";

/// Each application has room for so many roles and scopes of its own.
const GRANTS_MAX: u64 = 8;

/// Questions that concern both an application and its service principal.
const ROLES: u64 = 1_300;
const SCOPES: u64 = 1_301;
const CERTIFICATES: u64 = 1_302;
const SECRETS: u64 = 1_303;
const CREATED: u64 = 1_304;
const NAME: u64 = 1_305;

/// An application, or the shared half of a service principal: numbers beyond the tenant's own
/// applications are Microsoft's and other companies'.
pub(super) struct App<'a> {
    pub(super) population: &'a Population,
    pub(super) index: u64,
    pub(super) dice: Dice,
    /// Whether keys are shown.
    pub(super) alone: bool,
}

/// Appends the display name of an application or service principal, with quotes.
pub(super) fn write_display_name(population: &Population, index: u64, out: &mut Vec<u8>) {
    App::new(population, index).put_display_name(out);
}

impl<'a> App<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        Self { population, index, dice: population.dice(Kind::Application, index), alone: false }
    }

    /// Which of Microsoft's own services this is: its name and application id.
    pub(super) fn first_party(&self) -> Option<&'static (&'static str, &'static str)> {
        let beyond = self.index.checked_sub(self.population.count(Kind::Application))?;
        FIRST_PARTY.get(usize::try_from(beyond).ok()?)
    }

    pub(super) fn put_app_id(&self, out: &mut Vec<u8>) {
        match self.first_party() {
            Some((_, id)) => text(out, id),
            None if self.index == 0 => text(out, EXTENSIONS_APP_ID),
            None => text(out, self.population.guid(tag::APP, self.index)),
        }
    }

    pub(super) fn put_display_name(&self, out: &mut Vec<u8>) {
        match self.first_party() {
            Some((name, _)) => text(out, name),
            None if self.index == 0 => text(out, "Tenant Schema Extension App"),
            None => {
                put!(out, "\"", pick(self.dice.roll(NAME), APPS), " ");
                number(out, self.index);
                put!(out, "\"");
            }
        }
    }

    pub(super) fn created(&self) -> i64 {
        NOW - 10 * DAY - below(self.dice.roll(CREATED), 2_800 * DAY as u64) as i64
    }

    pub(super) fn role_count(&self) -> u64 {
        below(self.dice.roll(ROLES), 10).saturating_sub(5)
    }

    pub(super) fn role(&self, n: u64) -> Guid {
        self.population.guid(tag::ROLE, self.index * GRANTS_MAX + n)
    }

    pub(super) fn put_roles(&self, out: &mut Vec<u8>) {
        put!(out, "[");
        for n in 0..self.role_count() {
            put!(out, if n == 0 { "{" } else { ",{" }, "\"allowedMemberTypes\":[");
            put!(out, if one_in(n, 2) { "\"User\"" } else { "\"User\",\"Application\"" });
            put!(out, "],\"description\":\"Role of \\\"", ROLE_NAMES[n as usize % 4], "\\\"\"");
            put!(
                out,
                ",\"displayName\":\"",
                ROLE_NAMES[n as usize % 4],
                "\",\"id\":\"",
                self.role(n)
            );
            put!(out, "\",\"isEnabled\":", if n == 3 { "false" } else { "true" });
            put!(out, ",\"origin\":\"Application\",\"value\":");
            if n == 2 {
                put!(out, "null}")
            } else {
                put!(out, "\"", ROLE_NAMES[n as usize % 4], "\"}")
            }
        }
        put!(out, "]");
    }

    fn scope_count(&self) -> u64 {
        below(self.dice.roll(SCOPES), 8).saturating_sub(4)
    }

    pub(super) fn put_scopes(&self, out: &mut Vec<u8>) {
        put!(out, "[");
        for n in 0..self.scope_count() {
            let name = SCOPE_NAMES[n as usize % 4];
            put!(out, if n == 0 { "{" } else { ",{" });
            put!(out, "\"adminConsentDescription\":\"Allows the app to ", name, " for the user.\"");
            put!(out, ",\"adminConsentDisplayName\":\"", name, "\",\"id\":\"");
            put!(out, self.population.guid(tag::SCOPE, self.index * GRANTS_MAX + n));
            put!(out, "\",\"isEnabled\":true,\"type\":\"", if n == 1 { "Admin" } else { "User" });
            put!(out, "\",\"userConsentDescription\":null,\"userConsentDisplayName\":null");
            put!(out, ",\"value\":\"", name, "\"}");
        }
        put!(out, "]");
    }

    /// Certificates; lists give null for the key itself.
    pub(super) fn put_keys(&self, out: &mut Vec<u8>) {
        let roll = self.dice.roll(CERTIFICATES);
        put!(out, "[");
        for n in 0..below(roll, 8).saturating_sub(5) {
            let start = self.created() + (n * 300) as i64 * DAY;
            put!(out, if n == 0 { "{" } else { ",{" }, "\"customKeyIdentifier\":\"");
            digits(out, roll, 20);
            put!(out, "AAECAwQ=\",\"displayName\":\"CN=app");
            number(out, self.index);
            put!(out, ".contoso.example\",\"endDateTime\":");
            moment(out, start + 365 * DAY);
            put!(out, ",\"key\":");
            if self.alone {
                put!(out, "\"MIICxDCCAaygAwIBAgIE");
                digits(out, roll ^ n, 20);
                put!(out, "\"");
            } else {
                put!(out, "null");
            }
            put!(out, ",\"keyId\":\"");
            put!(out, self.population.guid(tag::KEY, self.index * 4 + n), "\",\"startDateTime\":");
            moment(out, start);
            put!(out, ",\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\"}");
        }
        put!(out, "]");
    }

    pub(super) fn put_secrets(&self, out: &mut Vec<u8>) {
        let roll = self.dice.roll(SECRETS);
        put!(out, "[");
        for n in 0..below(roll, 6).saturating_sub(3) {
            let start = self.created() + (n * 180) as i64 * DAY;
            put!(
                out,
                if n == 0 { "{" } else { ",{" },
                "\"customKeyIdentifier\":null,\"displayName\":"
            );
            if n == 0 {
                put!(out, "\"rotated \\\"by hand\\\"\"")
            } else {
                put!(out, "null")
            }
            put!(out, ",\"endDateTime\":");
            if one_in(roll, 5) {
                put!(out, "\"2299-12-31T05:00:00Z\"");
            } else {
                moment_fine(out, start + 180 * DAY, roll % 10_000_000);
            }
            put!(out, ",\"hint\":\"Zx~\",\"keyId\":\"");
            put!(out, self.population.guid(tag::KEY, self.index * 4 + 2 + n));
            put!(out, "\",\"secretText\":null,\"startDateTime\":");
            moment_fine(out, start, roll % 10_000_000);
            put!(out, "}");
        }
        put!(out, "]");
    }

    pub(super) fn put_info(&self, out: &mut Vec<u8>) {
        put!(out, "{\"logoUrl\":null,\"marketingUrl\":");
        if one_in(self.dice.roll(NAME), 3) {
            put!(out, "\"https:\\/\\/app");
            number(out, self.index);
            put!(out, ".contoso.example\\/?a=1\\u0026b=2\"");
        } else {
            put!(out, "null");
        }
        put!(out, ",\"privacyStatementUrl\":null,\"supportUrl\":null,\"termsOfServiceUrl\":null}");
    }

    pub(super) fn put_publisher(&self, out: &mut Vec<u8>) {
        if one_in(self.dice.roll(NAME), 12) {
            put!(out, "{\"displayName\":\"Contoso, Ltd.\",\"verifiedPublisherId\":\"4711001\"");
            put!(out, ",\"addedDateTime\":");
            moment_fine(out, self.created() + DAY, self.index % 10_000_000);
            put!(out, "}");
        } else {
            put!(out, "{\"displayName\":null,\"verifiedPublisherId\":null,\"addedDateTime\":null}");
        }
    }

    /// A list with the one address where the application receives answers, or none.
    pub(super) fn put_reply_urls(&self, out: &mut Vec<u8>) {
        if one_in(self.dice.roll(NAME), 4) {
            return put!(out, "[]");
        }
        put!(out, "[\"https:\\/\\/app");
        number(out, self.index);
        put!(out, ".contoso.example\\/signin-oidc\",\"http://localhost:8400/\"]");
    }

    /// The tags, of the same form for both halves.
    pub(super) fn put_tags(&self, out: &mut Vec<u8>) {
        put!(
            out,
            match self.dice.roll(NAME) % 4 {
                0 => "[]",
                1 => "[\"HideApp\"]",
                _ => "[\"WindowsAzureActiveDirectoryIntegratedApp\"]",
            }
        );
    }
}

const ROLE_NAMES: [&str; 4] = ["Reader", "Writer", "Task.Approve", "Legacy.Role"];

const SCOPE_NAMES: [&str; 4] = ["user_impersonation", "Data.Read", "Data.ReadWrite", "Jobs.Run"];

/// An application.
pub(super) struct Row<'a> {
    app: App<'a>,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        Self { app: App::new(population, index) }
    }

    /// The same, with its keys.
    pub(super) fn alone(self) -> Self {
        Self { app: App { alone: true, ..self.app } }
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let app = &self.app;
        let roll = app.dice.roll(field as u64);
        match field {
            Field::Id => text(out, app.population.id(Kind::Application, app.index)),
            Field::AppId => app.put_app_id(out),
            Field::AppRoles => app.put_roles(out),
            Field::CreatedDateTime => moment(out, app.created()),
            Field::Description if one_in(roll, 5) => {
                put!(out, "\"Owned by \\u003cteam\\u003e\\r\\n\\tsee C:\\\\apps\\\\readme.md\"");
            }
            Field::DisplayName => app.put_display_name(out),
            Field::ApplicationTemplateId | Field::CreatedByAppId if one_in(roll, 8) => {
                text(out, app.population.guid(tag::TEMPLATE, roll % 64));
            }
            Field::DefaultRedirectUri if one_in(roll, 20) => text(out, "http://localhost:8400/"),
            Field::GroupMembershipClaims if one_in(roll, 6) => text(out, "SecurityGroup"),
            Field::Info => app.put_info(out),
            Field::IsDeviceOnlyAuthSupported if one_in(roll, 10) => put!(out, "false"),
            Field::IsFallbackPublicClient if one_in(roll, 3) => boolean(out, one_in(roll, 2)),
            Field::KeyCredentials => app.put_keys(out),
            Field::Notes if one_in(roll, 15) => text(out, "do not delete 🙏"),
            Field::Oauth2RequirePostResponse => put!(out, "false"),
            Field::PasswordCredentials => app.put_secrets(out),
            Field::PublisherDomain => text(out, DEFAULT_DOMAIN),
            Field::ServiceManagementReference if one_in(roll, 25) => text(out, "SVC-0042"),
            Field::SignInAudience => {
                text(out, if one_in(roll, 6) { "AzureADMultipleOrgs" } else { "AzureADMyOrg" });
            }
            Field::Tags => app.put_tags(out),
            Field::TokenEncryptionKeyId if one_in(roll, 30) => {
                text(out, app.population.guid(tag::KEY, app.index * 4));
            }
            Field::UniqueName if one_in(roll, 30) => {
                put!(out, "\"app-");
                number(out, app.index);
                put!(out, "\"");
            }
            Field::VerifiedPublisher => app.put_publisher(out),
            Field::AddIns | Field::IdentifierUris | Field::ManagerApplications => {
                self.put_lists(field, out);
            }
            _ => self.put_settings(field, out),
        }
    }

    fn put_lists(&self, field: Field, out: &mut Vec<u8>) {
        let app = &self.app;
        let roll = app.dice.roll(field as u64);
        match field {
            Field::AddIns if one_in(roll, 40) => {
                put!(out, "[{\"id\":\"", app.population.guid(tag::KEY, app.index * 4 + 3));
                put!(out, "\",\"type\":\"FileHandler\",\"properties\":[{\"key\":\"version\",");
                put!(out, "\"value\":\"2\"},{\"key\":\"actionMenu\",\"value\":null}]}]");
            }
            Field::IdentifierUris if one_in(roll, 3) => {
                put!(out, "[\"api://");
                let quoted = out.len();
                app.put_app_id(out);
                out.remove(quoted);
                put!(out, "]");
            }
            Field::ManagerApplications if one_in(roll, 40) => {
                put!(out, "[\"", app.population.guid(tag::APP, roll % 8), "\"]");
            }
            _ => put!(out, "[]"),
        }
    }

    fn put_settings(&self, field: Field, out: &mut Vec<u8>) {
        let app = &self.app;
        let roll = app.dice.roll(field as u64);
        match field {
            Field::Api => {
                put!(out, "{\"acceptMappedClaims\":null,\"knownClientApplications\":[],");
                put!(out, "\"requestedAccessTokenVersion\":");
                put!(out, ["null", "2", "1", "2"][(roll & 3) as usize]);
                put!(out, ",\"oauth2PermissionScopes\":");
                app.put_scopes(out);
                put!(out, ",\"preAuthorizedApplications\":[]}");
            }
            Field::AuthenticationBehaviors if one_in(roll, 8) => {
                put!(
                    out,
                    "{\"blockAzureADGraphAccess\":false,\"removeUnverifiedEmailClaim\":true,"
                );
                put!(out, "\"requireClientServicePrincipal\":false}");
            }
            Field::OptionalClaims if one_in(roll, 7) => {
                put!(out, "{\"accessToken\":[{\"additionalProperties\":[],\"essential\":false,");
                put!(
                    out,
                    "\"name\":\"ipaddr\",\"source\":null}],\"idToken\":[],\"saml2Token\":[]}"
                );
            }
            Field::ParentalControlSettings => {
                put!(out, "{\"countriesBlockedForMinors\":[],\"legalAgeGroupRule\":\"Allow\"}");
            }
            Field::PublicClient => {
                put!(out, "{\"redirectUris\":");
                put!(out, if one_in(roll, 5) { "[\"http://localhost\"]}" } else { "[]}" });
            }
            Field::RequestSignatureVerification if one_in(roll, 50) => {
                put!(
                    out,
                    "{\"allowedWeakAlgorithms\":\"rsaSha1\",\"isSignedRequestRequired\":true}"
                );
            }
            Field::RequiredResourceAccess => self.put_required(roll, out),
            Field::ServicePrincipalLockConfiguration if !one_in(roll, 3) => {
                put!(out, "{\"isEnabled\":true,\"allProperties\":true,");
                put!(out, "\"credentialsWithUsageVerify\":true,\"credentialsWithUsageSign\":true,");
                put!(out, "\"tokenEncryptionKeyId\":true}");
            }
            Field::IsDisabled if one_in(roll, 20) => put!(out, "false"),
            Field::NativeAuthenticationApisEnabled if one_in(roll, 30) => text(out, "all"),
            Field::SamlMetadataUrl if one_in(roll, 30) => {
                text(out, "https://sso.contoso.example/FederationMetadata.xml?a=1\\u0026b=2");
            }
            Field::DisabledByMicrosoftStatus if one_in(roll, 300) => text(out, "NotDisabled"),
            Field::Spa => put!(out, "{\"redirectUris\":[]}"),
            Field::Web => {
                put!(out, "{\"homePageUrl\":null,\"logoutUrl\":null,\"redirectUris\":");
                app.put_reply_urls(out);
                put!(out, ",\"implicitGrantSettings\":{\"enableAccessTokenIssuance\":false,");
                put!(out, "\"enableIdTokenIssuance\":");
                boolean(out, one_in(roll, 3));
                put!(
                    out,
                    "},\"redirectUriSettings\":[{\"index\":null,\"uri\":\"http://localhost\"}]}"
                );
            }
            Field::Certification if one_in(roll, 45) => {
                put!(out, "{\"certificationDetailsUrl\":\"https://certified.example/4711\",");
                put!(out, "\"certificationExpirationDateTime\":\"9999-12-31T23:59:59.9999999Z\",");
                put!(out, "\"isCertifiedByMicrosoft\":true,\"isPublisherAttested\":true,");
                put!(out, "\"lastCertificationDateTime\":\"0001-01-01T00:00:00Z\"}");
            }
            _ => put!(out, "null"),
        }
    }

    fn put_required(&self, roll: u64, out: &mut Vec<u8>) {
        if one_in(roll, 6) {
            return put!(out, "[]");
        }
        put!(out, "[{\"resourceAppId\":\"", GRAPH_APP_ID, "\",\"resourceAccess\":[");
        put!(out, "{\"id\":\"e1fe6dd8-ba31-4d61-89e7-88639da4683d\",\"type\":\"Scope\"}");
        for n in 0..roll >> 8 & 3 {
            let role = GRAPH_ROLES[((roll >> 16) + n) as usize % GRAPH_ROLES.len()];
            put!(out, ",{\"id\":\"", role.1, "\",\"type\":\"Role\"}");
        }
        put!(out, "]}]");
    }
}
