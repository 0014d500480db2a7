//! Service principals: one for each application of the tenant, then Microsoft's own, then others'.

use super::application::App;
use super::chance::{below, mix, one_in};
use super::ids::{Guid, tag};
use super::json::{boolean, digits, fields, number, put, text, text_or_null};
use super::{Kind, Population, TENANT_ID};

fields! {
    Id "id" "Edm.String" default
    DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
    AccountEnabled "accountEnabled" "Edm.Boolean" default
    AddIns "addIns" "Collection(addIn)" default
    AlternativeNames "alternativeNames" "Collection(Edm.String)" default
    AppDescription "appDescription" "Edm.String" default
    AppDisplayName "appDisplayName" "Edm.String" default
    AppId "appId" "Edm.String" default
    ApplicationTemplateId "applicationTemplateId" "Edm.String" default
    AppOwnerOrganizationId "appOwnerOrganizationId" "Edm.Guid" default
    AppRoleAssignmentRequired "appRoleAssignmentRequired" "Edm.Boolean" default
    AppRoles "appRoles" "Collection(appRole)" default
    CreatedByAppId "createdByAppId" "Edm.String" default
    CustomSecurityAttributes "customSecurityAttributes" "customSecurityAttributeValue" select
    Description "description" "Edm.String" default
    DisabledByMicrosoftStatus "disabledByMicrosoftStatus" "Edm.String" default
    DisplayName "displayName" "Edm.String" default
    Homepage "homepage" "Edm.String" default
    Info "info" "informationalUrl" default
    IsDisabled "isDisabled" "Edm.Boolean" default
    KeyCredentials "keyCredentials" "Collection(keyCredential)" default
    LoginUrl "loginUrl" "Edm.String" default
    LogoutUrl "logoutUrl" "Edm.String" default
    Notes "notes" "Edm.String" default
    NotificationEmailAddresses "notificationEmailAddresses" "Collection(Edm.String)" default
    Oauth2PermissionScopes "oauth2PermissionScopes" "Collection(permissionScope)" default
    PasswordCredentials "passwordCredentials" "Collection(passwordCredential)" default
    PreferredSingleSignOnMode "preferredSingleSignOnMode" "Edm.String" default
    PreferredTokenSigningKeyThumbprint "preferredTokenSigningKeyThumbprint" "Edm.String" default
    ReplyUrls "replyUrls" "Collection(Edm.String)" default
    ResourceSpecificApplicationPermissions "resourceSpecificApplicationPermissions" "Collection(resourceSpecificPermission)" default
    SamlSingleSignOnSettings "samlSingleSignOnSettings" "samlSingleSignOnSettings" default
    ServicePrincipalNames "servicePrincipalNames" "Collection(Edm.String)" default
    ServicePrincipalType "servicePrincipalType" "Edm.String" default
    SignInAudience "signInAudience" "Edm.String" default
    Tags "tags" "Collection(Edm.String)" default
    TokenEncryptionKeyId "tokenEncryptionKeyId" "Edm.Guid" default
    VerifiedPublisher "verifiedPublisher" "verifiedPublisher" default
}

pub(super) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// Microsoft's own services in every tenant: name and application id. Microsoft Graph is first.
pub(super) const FIRST_PARTY: &[(&str, &str)] = &[
    ("Microsoft Graph", GRAPH_APP_ID),
    ("Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000"),
    ("Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000"),
    ("Windows Azure Active Directory", "00000002-0000-0000-c000-000000000000"),
    ("Windows Azure Service Management API", "797f4846-ba00-4fd7-ba43-dac1f8f63013"),
    ("Microsoft Intune", "0000000a-0000-0000-c000-000000000000"),
    ("Power BI Service", "00000009-0000-0000-c000-000000000000"),
    ("Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264"),
    ("Microsoft Azure CLI", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
    ("Azure Key Vault", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"),
];

/// The tenant where Microsoft's services live.
const MICROSOFT_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// Application permissions of Microsoft Graph: name and id.
pub(super) const GRAPH_ROLES: &[(&str, &str)] = &[
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b"),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
    ("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("Mail.Read", "810c84a8-4a9e-49e6-bf7d-12d183f40d01"),
    ("Device.Read.All", "7438b122-aefc-4978-80ed-43db9fcc7715"),
    ("Sites.Read.All", "332a536c-c7ef-4017-ab91-336970924f0d"),
];

/// What Microsoft Graph has permissions for, besides those above; each with every operation.
const GRAPH_RESOURCES: &[&str] = &[
    "AccessReview",
    "AdministrativeUnit",
    "Agreement",
    "AttackSimulation",
    "Bookings",
    "Calendars",
    "Channel",
    "ChatMessage",
    "CloudPC",
    "ConsentRequest",
    "Contacts",
    "CustomAuthenticationExtension",
    "DelegatedAdminRelationship",
    "Domain",
    "EduRoster",
    "EntitlementManagement",
    "ExternalItem",
    "Files",
    "IdentityProvider",
    "IdentityRiskyUser",
    "InformationProtectionPolicy",
    "Notes",
    "OnlineMeetings",
    "OrgContact",
    "Organization",
    "People",
    "Place",
    "Policy",
    "PrintJob",
    "ProgramControl",
    "Reports",
    "RoleManagement",
    "Schedule",
    "SecurityEvents",
    "ShortNotes",
    "Tasks",
    "TeamSettings",
    "TermStore",
    "ThreatAssessment",
    "WindowsUpdates",
];

const GRAPH_OPERATIONS: [&str; 4] = ["Read", "ReadBasic", "ReadWrite", "Manage"];

/// Where Microsoft Graph stands among the service principals: right after the tenant's own.
pub(super) fn graph(population: &Population) -> u64 {
    population.count(Kind::Application)
}

/// A role of a resource; the empty GUID means access without a role.
pub(super) fn role_id(population: &Population, resource: u64, roll: u64) -> Guid {
    let app = App::new(population, resource);
    let mut id = *b"00000000-0000-0000-0000-000000000000";
    if resource == graph(population) {
        let role = super::chance::pick(roll, GRAPH_ROLES);
        id.copy_from_slice(role.1.as_bytes());
    } else if app.first_party().is_none() && app.role_count() > 0 {
        id = app.role(below(roll, app.role_count()));
    }
    id
}

/// A service principal.
pub(super) struct Row<'a> {
    app: App<'a>,
    sort: Sort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Of an application of this tenant.
    Own,
    Microsoft,
    /// Of an application of another tenant.
    Foreign,
    ManagedIdentity,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let app = App::new(population, index);
        let sort = if index < graph(population) {
            Sort::Own
        } else if app.first_party().is_some() {
            Sort::Microsoft
        } else if one_in(mix(index), 3) {
            Sort::ManagedIdentity
        } else {
            Sort::Foreign
        };
        Self { app, sort }
    }

    /// The same, with its keys.
    pub(super) fn alone(self) -> Self {
        Self { app: App { alone: true, ..self.app }, ..self }
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let (app, population) = (&self.app, self.app.population);
        // Apart from the questions asked for the application of the same number.
        let roll = population.dice(Kind::ServicePrincipal, app.index).roll(field as u64);
        let own = self.sort == Sort::Own;
        match field {
            Field::Id => text(out, population.id(Kind::ServicePrincipal, app.index)),
            Field::AccountEnabled => boolean(out, !one_in(roll, 40)),
            Field::AppId => app.put_app_id(out),
            Field::AppDisplayName | Field::DisplayName => app.put_display_name(out),
            Field::ApplicationTemplateId if self.sort == Sort::Foreign && one_in(roll, 2) => {
                text(out, population.guid(tag::TEMPLATE, roll % 64));
            }
            Field::AppOwnerOrganizationId => self.put_owner(roll, out),
            Field::AppRoleAssignmentRequired => boolean(out, one_in(roll, 6)),
            Field::AppRoles if app.index == graph(population) => put_graph_roles(out),
            Field::AppRoles if own => app.put_roles(out),
            Field::Oauth2PermissionScopes if app.index == graph(population) => {
                put_graph_scopes(out)
            }
            Field::Oauth2PermissionScopes if own => app.put_scopes(out),
            Field::CustomSecurityAttributes if one_in(roll, 25) => {
                put!(out, "{\"Engineering\":{\"@odata.type\":");
                put!(out, "\"#microsoft.graph.customSecurityAttributeValue\",");
                put!(
                    out,
                    "\"Project@odata.type\":\"#Collection(String)\",\"Project\":[\"Baker\"]}}"
                );
            }
            Field::Homepage if own && one_in(roll, 3) => {
                put!(out, "\"https:\\/\\/app");
                number(out, app.index);
                put!(out, ".contoso.example\"");
            }
            Field::Info => app.put_info(out),
            Field::KeyCredentials if own => app.put_keys(out),
            Field::PasswordCredentials if own => app.put_secrets(out),
            Field::ReplyUrls => app.put_reply_urls(out),
            Field::Tags => app.put_tags(out),
            Field::VerifiedPublisher => app.put_publisher(out),
            Field::AlternativeNames | Field::ServicePrincipalNames => self.put_names(field, out),
            Field::NotificationEmailAddresses if one_in(roll, 12) => {
                put!(out, "[\"it@contoso.example\",\"o'brien@contoso.example\"]");
            }
            Field::AddIns
            | Field::AppRoles
            | Field::KeyCredentials
            | Field::NotificationEmailAddresses
            | Field::Oauth2PermissionScopes
            | Field::PasswordCredentials => put!(out, "[]"),
            _ => self.put_rest(field, roll, out),
        }
    }

    fn put_rest(&self, field: Field, roll: u64, out: &mut Vec<u8>) {
        match field {
            Field::AppDescription | Field::Description if one_in(roll, 6) => {
                text(out, "Keeps \\u003cb\\u003etwo\\u003c\\/b\\u003e systems in step – naïvely");
            }
            Field::CreatedByAppId if one_in(roll, 5) => {
                text(out, self.app.population.guid(tag::APP, roll % 8));
            }
            Field::IsDisabled if one_in(roll, 20) => put!(out, "false"),
            Field::Notes if one_in(roll, 30) => text(out, "approved\\r\\nby CISO \\\"verbally\\\""),
            Field::PreferredSingleSignOnMode if one_in(roll, 5) => {
                text(out, ["saml", "oidc", "password", "notSupported"][(roll >> 8 & 3) as usize]);
            }
            Field::PreferredTokenSigningKeyThumbprint if one_in(roll, 5) => {
                put!(out, "\"5F9E");
                digits(out, roll, 20);
                digits(out, roll >> 8, 16);
                put!(out, "\"");
            }
            Field::ResourceSpecificApplicationPermissions if one_in(roll, 50) => {
                put!(
                    out,
                    "[{\"description\":\"Reads this team\",\"displayName\":\"Read team\",\"id\":\""
                );
                put!(
                    out,
                    self.app.population.guid(tag::SCOPE, u64::from(u32::MAX) + self.app.index)
                );
                put!(out, "\",\"isEnabled\":true,\"value\":\"TeamSettings.Read.Group\"}]");
            }
            Field::ResourceSpecificApplicationPermissions => put!(out, "[]"),
            Field::SamlSingleSignOnSettings if one_in(roll, 20) => {
                put!(out, "{\"relayState\":\"\"}")
            }
            Field::ServicePrincipalType => text(
                out,
                match self.sort {
                    Sort::ManagedIdentity => "ManagedIdentity",
                    _ if one_in(roll, 50) => "Legacy",
                    _ => "Application",
                },
            ),
            Field::SignInAudience => text_or_null(
                out,
                match self.sort {
                    Sort::Own => "AzureADMyOrg",
                    Sort::ManagedIdentity => "",
                    _ => "AzureADMultipleOrgs",
                },
            ),
            Field::TokenEncryptionKeyId if one_in(roll, 60) => {
                text(out, self.app.population.guid(tag::KEY, self.app.index * 4));
            }
            Field::LoginUrl | Field::LogoutUrl if one_in(roll, 12) => {
                text(out, "https://sso.contoso.example/start?next=%2F");
            }
            _ => put!(out, "null"),
        }
    }

    fn put_owner(&self, roll: u64, out: &mut Vec<u8>) {
        match self.sort {
            Sort::Own => text(out, TENANT_ID),
            Sort::Microsoft => text(out, MICROSOFT_TENANT),
            Sort::Foreign => text(out, self.app.population.guid(tag::FOREIGN_TENANT, roll % 32)),
            Sort::ManagedIdentity => put!(out, "null"),
        }
    }

    fn put_names(&self, field: Field, out: &mut Vec<u8>) {
        if field == Field::ServicePrincipalNames {
            put!(out, "[");
            self.app.put_app_id(out);
            if self.app.index == graph(self.app.population) {
                put!(out, ",\"https:\\/\\/graph.microsoft.com\"");
            }
            return put!(out, "]");
        }
        if self.sort != Sort::ManagedIdentity {
            return put!(out, "[]");
        }
        put!(out, "[\"isExplicit=True\",\"\\/subscriptions\\/");
        put!(
            out,
            self.app.population.guid(tag::SUBSCRIPTION, 100),
            "\\/resourcegroups\\/rg\\/providers"
        );
        put!(out, "\\/Microsoft.ManagedIdentity\\/userAssignedIdentities\\/id-");
        number(out, self.app.index);
        put!(out, "\"]");
    }
}

/// Every permission of Microsoft Graph that is made from a resource and an operation, with an id
/// that is the same in every tenant.
fn graph_permissions(sort: u64) -> impl Iterator<Item = (&'static str, &'static str, Guid)> {
    GRAPH_RESOURCES.iter().enumerate().flat_map(move |(n, resource)| {
        GRAPH_OPERATIONS.iter().enumerate().map(move |(m, operation)| {
            let number = sort << 32 | (n * GRAPH_OPERATIONS.len() + m) as u64;
            let bits = u128::from(mix(number)) << 64 | u128::from(mix(!number));
            (
                *resource,
                *operation,
                super::ids::show(bits & !(15 << 76 | 3 << 62) | 4 << 76 | 2 << 62),
            )
        })
    })
}

fn put_graph_roles(out: &mut Vec<u8>) {
    for (n, (name, id)) in GRAPH_ROLES.iter().enumerate() {
        put!(out, if n == 0 { "[" } else { "," });
        put!(
            out,
            "{\"allowedMemberTypes\":[\"Application\"],\"description\":\"Allows the app to use "
        );
        put!(
            out,
            name,
            " without a signed-in user.\",\"displayName\":\"",
            name,
            "\",\"id\":\"",
            id
        );
        put!(out, "\",\"isEnabled\":true,\"origin\":\"Application\",\"value\":\"", name, "\"}");
    }
    for (resource, operation, id) in graph_permissions(1) {
        put!(
            out,
            ",{\"allowedMemberTypes\":[\"Application\"],\"description\":\"Allows the app to "
        );
        put!(
            out,
            operation,
            " every ",
            resource,
            " without a signed-in user.\",\"displayName\":\""
        );
        put!(out, operation, " all ", resource, "\",\"id\":\"", id, "\",\"isEnabled\":true,");
        put!(out, "\"origin\":\"Application\",\"value\":\"", resource, ".", operation, ".All\"}");
    }
    put!(out, "]");
}

fn put_graph_scopes(out: &mut Vec<u8>) {
    put!(out, "[{\"adminConsentDescription\":\"Allows users to sign in.\",");
    put!(out, "\"adminConsentDisplayName\":\"Sign in and read user profile\",");
    put!(
        out,
        "\"id\":\"e1fe6dd8-ba31-4d61-89e7-88639da4683d\",\"isEnabled\":true,\"type\":\"User\","
    );
    put!(out, "\"userConsentDescription\":null,\"userConsentDisplayName\":null,");
    put!(out, "\"value\":\"User.Read\"}");
    for (resource, operation, id) in graph_permissions(2) {
        put!(
            out,
            ",{\"adminConsentDescription\":\"Allows the app to ",
            operation,
            " every ",
            resource
        );
        put!(
            out,
            " that the signed-in user may see.\",\"adminConsentDisplayName\":\"",
            operation,
            " "
        );
        put!(out, resource, "\",\"id\":\"", id, "\",\"isEnabled\":true,\"type\":\"Admin\",");
        put!(out, "\"userConsentDescription\":\"Allows the app to ", operation, " your ", resource);
        put!(
            out,
            ".\",\"userConsentDisplayName\":null,\"value\":\"",
            resource,
            ".",
            operation,
            "\"}"
        );
    }
    put!(out, "]");
}
