//! What basic queries may say of single properties.
//!
//! A property that is not named here is taken as it comes: what Graph offers of it is not known.
//!
//! <https://learn.microsoft.com/graph/aad-advanced-queries>

use super::filter::Expr;
use super::population::Kind;

/// Properties of a kind, by the operators that a basic query has for them.
type Offered = (Kind, &'static [(&'static [&'static str], &'static [&'static str])]);

/// The first property with an operator that only an advanced query has for it.
pub(super) fn beyond<'a>(kinds: &[Kind], filter: &'a Expr) -> Option<&'a str> {
    let [kind] = kinds else { return None };
    let (_, offered) = OFFERED.iter().find(|(of, _)| of == kind)?;
    filter.uses().into_iter().find_map(|(property, operator)| {
        let (operators, _) = offered.iter().find(|(_, names)| names.contains(&property))?;
        (!operators.contains(&operator)).then_some(property)
    })
}

const OFFERED: &[Offered] = &[
    (Kind::AdministrativeUnit, &[(&[], &["displayName", "description"])]),
    (
        Kind::Application,
        &[
            (
                &["eq"],
                &["appId", "applicationTemplateId", "disabledByMicrosoftStatus", "signInAudience"],
            ),
            (&["eq", "ge", "le"], &["createdDateTime"]),
            (&[], &["description", "identifierUris", "tags"]),
            (&["eq", "in", "startsWith"], &["displayName"]),
            (&["eq", "startsWith"], &["publisherDomain"]),
        ],
    ),
    (
        Kind::Device,
        &[
            (&["eq", "in"], &["accountEnabled", "onPremisesSyncEnabled"]),
            (&["eq", "ge", "le"], &["approximateLastSignInDateTime", "onPremisesLastSyncDateTime"]),
            (&["eq"], &["deviceId", "isCompliant", "isManaged", "mdmAppId"]),
            (&["eq", "in", "startsWith"], &["displayName"]),
            (
                &[],
                &[
                    "onPremisesSecurityIdentifier",
                    "registrationDateTime",
                    "trustType",
                    "physicalIds",
                ],
            ),
            (&["eq", "startsWith"], &["operatingSystem", "operatingSystemVersion"]),
        ],
    ),
    (
        Kind::Group,
        &[
            (&["eq", "startsWith"], &["classification", "membershipRule"]),
            (
                &[],
                &[
                    "description",
                    "expirationDateTime",
                    "membershipRuleProcessingState",
                    "onPremisesSamAccountName",
                    "onPremisesSecurityIdentifier",
                    "preferredLanguage",
                    "proxyAddresses",
                ],
            ),
            (&["eq", "in", "startsWith"], &["displayName", "mail", "mailNickname"]),
            (&["any"], &["groupTypes"]),
            (&["eq"], &["isAssignableToRole", "mailEnabled"]),
            (&["eq", "ge", "le"], &["onPremisesLastSyncDateTime", "renewedDateTime"]),
            (&["eq", "in"], &["onPremisesSyncEnabled", "securityEnabled"]),
        ],
    ),
    (
        Kind::OAuth2PermissionGrant,
        &[(&["eq"], &["clientId", "resourceId"]), (&[], &["principalId", "consentType"])],
    ),
    (
        Kind::ServicePrincipal,
        &[
            (&["eq", "in"], &["accountEnabled", "appId"]),
            (&["eq"], &["applicationTemplateId"]),
            (
                &[],
                &[
                    "appOwnerOrganizationId",
                    "appRoleAssignmentRequired",
                    "description",
                    "disabledByMicrosoftStatus",
                    "alternativeNames",
                    "servicePrincipalNames",
                    "tags",
                ],
            ),
            (&["eq", "in", "startsWith"], &["displayName"]),
        ],
    ),
    (
        Kind::User,
        &[
            (
                &["eq", "in"],
                &[
                    "id",
                    "accountEnabled",
                    "ageGroup",
                    "consentProvidedForMinor",
                    "creationType",
                    "externalUserState",
                    "employeeId",
                    "onPremisesSyncEnabled",
                    "userType",
                ],
            ),
            (
                &["eq", "in", "startsWith"],
                &[
                    "city",
                    "country",
                    "department",
                    "displayName",
                    "givenName",
                    "jobTitle",
                    "mailNickname",
                    "state",
                    "surname",
                    "usageLocation",
                    "mail",
                    "userPrincipalName",
                ],
            ),
            (
                &[],
                &[
                    "companyName",
                    "faxNumber",
                    "mobilePhone",
                    "officeLocation",
                    "postalCode",
                    "preferredLanguage",
                    "streetAddress",
                    "createdDateTime",
                    "employeeHireDate",
                    "employeeLeaveDateTime",
                    "onPremisesLastSyncDateTime",
                    "employeeType",
                    "onPremisesImmutableId",
                    "onPremisesSamAccountName",
                    "onPremisesSecurityIdentifier",
                    "onPremisesUserPrincipalName",
                    "passwordPolicies",
                    "securityIdentifier",
                ],
            ),
            (&["eq"], &["externalUserStateChangeDateTime"]),
            (&["any"], &["imAddresses", "proxyAddresses", "otherMails"]),
        ],
    ),
];
