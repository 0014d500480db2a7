//! The complex types and enumerations that properties are of, as Graph's own schema declares them.
//!
//! A type's name stands without `microsoft.graph.`, a list of it as `Collection(…)`, and a name
//! that begins with `Edm.` is a type of OData itself.
//!
//! <https://graph.microsoft.com/v1.0/$metadata>

use super::reply::Refusal;

/// A structure within a property.
#[derive(Debug)]
pub(super) struct Complex {
    pub(super) name: &'static str,
    pub(super) base: Option<&'static str>,
    /// Whether values may have members that are not declared.
    pub(super) open: bool,
    /// Whether values are always of a type derived from it.
    pub(super) is_abstract: bool,
    /// Names and types, without those of the base.
    pub(super) members: &'static [(&'static str, &'static str)],
}

/// A closed set of words.
#[derive(Debug)]
pub(super) struct Enumeration {
    pub(super) name: &'static str,
    pub(super) flags: bool,
    /// Names and values.
    pub(super) members: &'static [(&'static str, u32)],
}

const fn complex(name: &'static str, members: &'static [(&'static str, &'static str)]) -> Complex {
    Complex { name, base: None, open: false, is_abstract: false, members }
}

impl Complex {
    const fn of(self, base: &'static str) -> Self {
        Complex { base: Some(base), ..self }
    }

    const fn open(self) -> Self {
        Complex { open: true, ..self }
    }

    const fn only_base(self) -> Self {
        Complex { is_abstract: true, ..self }
    }

    /// The type of a member, of those of the base too.
    fn member(&self, name: &str) -> Option<&'static str> {
        let own = self.members.iter().find(|(member, _)| *member == name).map(|(_, of)| *of);
        own.or_else(|| self.base.and_then(find).and_then(|base| base.member(name)))
    }
}

fn find(name: &str) -> Option<&'static Complex> {
    COMPLEX.iter().find(|complex| complex.name == name)
}

/// The type of the items of a list; of anything else, its own.
pub(super) fn item(of: &'static str) -> &'static str {
    list(of).unwrap_or(of)
}

fn list(of: &'static str) -> Option<&'static str> {
    of.strip_prefix("Collection(").and_then(|of| of.strip_suffix(')'))
}

/// A type's name in full.
pub(super) fn full_name(of: &'static str) -> String {
    match list(of) {
        Some(item) => format!("Collection({})", full_name(item)),
        None if of.starts_with("Edm.") => of.to_owned(),
        None => format!("microsoft.graph.{of}"),
    }
}

/// The type of what `names` lead to from a value of the type `of`.
///
/// # Errors
///
/// Graph's 400 for a name that a type does not have.
pub(super) fn within(of: &'static str, names: &[String]) -> Result<&'static str, Refusal> {
    let mut at = of;
    for name in names {
        let complex = find(at);
        match complex.and_then(|complex| complex.member(name)) {
            Some(member) => at = member,
            // Whatever an open type's undeclared members hold is not known before it is there.
            None if complex.is_some_and(|complex| complex.open) => return Ok(UNTYPED),
            None if at == UNTYPED => return Ok(UNTYPED),
            None => {
                return Err(Refusal::bad(format!(
                    "Could not find a property named '{name}' on type '{}'.",
                    full_name(at)
                )));
            }
        }
    }
    Ok(at)
}

/// What may be anything.
pub(super) const UNTYPED: &str = "Edm.Untyped";

/// Every complex type that a property is of, and those that these are made of.
#[rustfmt::skip]
pub(super) const COMPLEX: &[Complex] = &[
    complex("addIn", &[("id", "Edm.Guid"), ("properties", "Collection(keyValue)"),
    ("type", "Edm.String")]),
    complex("alternativeSecurityId", &[("identityProvider", "Edm.String"), ("key", "Edm.Binary"),
    ("type", "Edm.Int32")]),
    complex("apiApplication", &[("acceptMappedClaims", "Edm.Boolean"),
    ("knownClientApplications", "Collection(Edm.Guid)"),
    ("oauth2PermissionScopes", "Collection(permissionScope)"),
    ("preAuthorizedApplications", "Collection(preAuthorizedApplication)"),
    ("requestedAccessTokenVersion", "Edm.Int32")]),
    complex("appIdentity", &[("appId", "Edm.String"), ("displayName", "Edm.String"),
    ("servicePrincipalId", "Edm.String"), ("servicePrincipalName", "Edm.String")]),
    complex("appRole", &[("allowedMemberTypes", "Collection(Edm.String)"),
    ("description", "Edm.String"), ("displayName", "Edm.String"), ("id", "Edm.Guid"),
    ("isEnabled", "Edm.Boolean"), ("origin", "Edm.String"), ("value", "Edm.String")]),
    complex("appliedConditionalAccessPolicy", &[("displayName", "Edm.String"),
    ("enforcedGrantControls", "Collection(Edm.String)"),
    ("enforcedSessionControls", "Collection(Edm.String)"), ("id", "Edm.String"),
    ("result", "appliedConditionalAccessPolicyResult")]),
    complex("assignedLabel", &[("displayName", "Edm.String"), ("labelId", "Edm.String")]),
    complex("assignedLicense", &[("disabledPlans", "Collection(Edm.Guid)"),
    ("skuId", "Edm.Guid")]),
    complex("assignedPlan", &[("assignedDateTime", "Edm.DateTimeOffset"),
    ("capabilityStatus", "Edm.String"), ("service", "Edm.String"),
    ("servicePlanId", "Edm.Guid")]),
    complex("auditActivityInitiator", &[("app", "appIdentity"), ("user", "userIdentity")]),
    complex("authenticationAppDeviceDetails", &[("appVersion", "Edm.String"),
    ("clientApp", "Edm.String"), ("deviceId", "Edm.String"), ("operatingSystem", "Edm.String")]),
    complex("authenticationBehaviors", &[("blockAzureADGraphAccess", "Edm.Boolean"),
    ("removeUnverifiedEmailClaim", "Edm.Boolean"),
    ("requireClientServicePrincipal", "Edm.Boolean")]),
    complex("authorizationInfo", &[("certificateUserIds", "Collection(Edm.String)")]),
    complex("automaticRepliesSetting", &[("externalAudience", "externalAudienceScope"),
    ("externalReplyMessage", "Edm.String"), ("internalReplyMessage", "Edm.String"),
    ("scheduledEndDateTime", "dateTimeTimeZone"), ("scheduledStartDateTime", "dateTimeTimeZone"),
    ("status", "automaticRepliesStatus")]),
    complex("certification", &[("certificationDetailsUrl", "Edm.String"),
    ("certificationExpirationDateTime", "Edm.DateTimeOffset"),
    ("isCertifiedByMicrosoft", "Edm.Boolean"), ("isPublisherAttested", "Edm.Boolean"),
    ("lastCertificationDateTime", "Edm.DateTimeOffset")]),
    complex("customSecurityAttributeValue", &[]).open(),
    complex("dateTimeTimeZone", &[("dateTime", "Edm.String"), ("timeZone", "Edm.String")]),
    complex("deviceDetail", &[("browser", "Edm.String"), ("deviceId", "Edm.String"),
    ("displayName", "Edm.String"), ("isCompliant", "Edm.Boolean"), ("isManaged", "Edm.Boolean"),
    ("operatingSystem", "Edm.String"), ("trustType", "Edm.String")]),
    complex("domainState", &[("lastActionDateTime", "Edm.DateTimeOffset"),
    ("operation", "Edm.String"), ("status", "Edm.String")]),
    complex("employeeOrgData", &[("costCenter", "Edm.String"), ("division", "Edm.String")]),
    complex("geoCoordinates", &[("altitude", "Edm.Double"), ("latitude", "Edm.Double"),
    ("longitude", "Edm.Double")]),
    complex("identity", &[("displayName", "Edm.String"), ("id", "Edm.String")]).open(),
    complex("implicitGrantSettings", &[("enableAccessTokenIssuance", "Edm.Boolean"),
    ("enableIdTokenIssuance", "Edm.Boolean")]),
    complex("informationalUrl", &[("logoUrl", "Edm.String"), ("marketingUrl", "Edm.String"),
    ("privacyStatementUrl", "Edm.String"), ("supportUrl", "Edm.String"),
    ("termsOfServiceUrl", "Edm.String")]),
    complex("keyCredential", &[("customKeyIdentifier", "Edm.Binary"),
    ("displayName", "Edm.String"), ("endDateTime", "Edm.DateTimeOffset"), ("key", "Edm.Binary"),
    ("keyId", "Edm.Guid"), ("startDateTime", "Edm.DateTimeOffset"), ("type", "Edm.String"),
    ("usage", "Edm.String")]),
    complex("keyValue", &[("key", "Edm.String"), ("value", "Edm.String")]),
    complex("licenseAssignmentState", &[("assignedByGroup", "Edm.String"),
    ("disabledPlans", "Collection(Edm.Guid)"), ("error", "Edm.String"),
    ("lastUpdatedDateTime", "Edm.DateTimeOffset"), ("skuId", "Edm.Guid"),
    ("state", "Edm.String")]),
    complex("licenseProcessingState", &[("state", "Edm.String")]),
    complex("licenseUnitsDetail", &[("enabled", "Edm.Int32"), ("lockedOut", "Edm.Int32"),
    ("suspended", "Edm.Int32"), ("warning", "Edm.Int32")]),
    complex("localeInfo", &[("displayName", "Edm.String"), ("locale", "Edm.String")]),
    complex("mailboxSettings", &[("archiveFolder", "Edm.String"),
    ("automaticRepliesSetting", "automaticRepliesSetting"), ("dateFormat", "Edm.String"),
    ("delegateMeetingMessageDeliveryOptions", "delegateMeetingMessageDeliveryOptions"),
    ("language", "localeInfo"), ("timeFormat", "Edm.String"), ("timeZone", "Edm.String"),
    ("userPurpose", "userPurpose"), ("workingHours", "workingHours")]),
    complex("modifiedProperty", &[("displayName", "Edm.String"), ("newValue", "Edm.String"),
    ("oldValue", "Edm.String")]),
    complex("objectIdentity", &[("issuer", "Edm.String"), ("issuerAssignedId", "Edm.String"),
    ("signInType", "Edm.String")]),
    complex("onPremisesExtensionAttributes", &[("extensionAttribute1", "Edm.String"),
    ("extensionAttribute10", "Edm.String"), ("extensionAttribute11", "Edm.String"),
    ("extensionAttribute12", "Edm.String"), ("extensionAttribute13", "Edm.String"),
    ("extensionAttribute14", "Edm.String"), ("extensionAttribute15", "Edm.String"),
    ("extensionAttribute2", "Edm.String"), ("extensionAttribute3", "Edm.String"),
    ("extensionAttribute4", "Edm.String"), ("extensionAttribute5", "Edm.String"),
    ("extensionAttribute6", "Edm.String"), ("extensionAttribute7", "Edm.String"),
    ("extensionAttribute8", "Edm.String"), ("extensionAttribute9", "Edm.String")]),
    complex("onPremisesProvisioningError", &[("category", "Edm.String"),
    ("occurredDateTime", "Edm.DateTimeOffset"), ("propertyCausingError", "Edm.String"),
    ("value", "Edm.String")]),
    complex("optionalClaim", &[("additionalProperties", "Collection(Edm.String)"),
    ("essential", "Edm.Boolean"), ("name", "Edm.String"), ("source", "Edm.String")]),
    complex("optionalClaims", &[("accessToken", "Collection(optionalClaim)"),
    ("idToken", "Collection(optionalClaim)"), ("saml2Token", "Collection(optionalClaim)")]),
    complex("parentalControlSettings", &[("countriesBlockedForMinors", "Collection(Edm.String)"),
    ("legalAgeGroupRule", "Edm.String")]),
    complex("passwordCredential", &[("customKeyIdentifier", "Edm.Binary"),
    ("displayName", "Edm.String"), ("endDateTime", "Edm.DateTimeOffset"), ("hint", "Edm.String"),
    ("keyId", "Edm.Guid"), ("secretText", "Edm.String"),
    ("startDateTime", "Edm.DateTimeOffset")]),
    complex("passwordProfile", &[("forceChangePasswordNextSignIn", "Edm.Boolean"),
    ("forceChangePasswordNextSignInWithMfa", "Edm.Boolean"), ("password", "Edm.String")]),
    complex("permissionScope", &[("adminConsentDescription", "Edm.String"),
    ("adminConsentDisplayName", "Edm.String"), ("id", "Edm.Guid"), ("isEnabled", "Edm.Boolean"),
    ("origin", "Edm.String"), ("type", "Edm.String"), ("userConsentDescription", "Edm.String"),
    ("userConsentDisplayName", "Edm.String"), ("value", "Edm.String")]),
    complex("preAuthorizedApplication", &[("appId", "Edm.String"),
    ("delegatedPermissionIds", "Collection(Edm.String)")]),
    complex("privacyProfile", &[("contactEmail", "Edm.String"), ("statementUrl", "Edm.String")]),
    complex("provisionedPlan", &[("capabilityStatus", "Edm.String"),
    ("provisioningStatus", "Edm.String"), ("service", "Edm.String")]),
    complex("publicClientApplication", &[("redirectUris", "Collection(Edm.String)")]),
    complex("redirectUriSettings", &[("index", "Edm.Int32"), ("uri", "Edm.String")]),
    complex("requestSignatureVerification", &[("allowedWeakAlgorithms", "weakAlgorithms"),
    ("isSignedRequestRequired", "Edm.Boolean")]),
    complex("requiredResourceAccess", &[("resourceAccess", "Collection(resourceAccess)"),
    ("resourceAppId", "Edm.String")]),
    complex("resourceAccess", &[("id", "Edm.Guid"), ("type", "Edm.String")]),
    complex("resourceSpecificPermission", &[("description", "Edm.String"),
    ("displayName", "Edm.String"), ("id", "Edm.Guid"), ("isEnabled", "Edm.Boolean"),
    ("value", "Edm.String")]),
    complex("samlSingleSignOnSettings", &[("relayState", "Edm.String")]),
    complex("servicePlanInfo", &[("appliesTo", "Edm.String"),
    ("provisioningStatus", "Edm.String"), ("servicePlanId", "Edm.Guid"),
    ("servicePlanName", "Edm.String")]),
    complex("servicePrincipalLockConfiguration", &[("allProperties", "Edm.Boolean"),
    ("credentialsWithUsageSign", "Edm.Boolean"), ("credentialsWithUsageVerify", "Edm.Boolean"),
    ("isEnabled", "Edm.Boolean"), ("tokenEncryptionKeyId", "Edm.Boolean")]),
    complex("serviceProvisioningError", &[("createdDateTime", "Edm.DateTimeOffset"),
    ("isResolved", "Edm.Boolean"), ("serviceInstance", "Edm.String")]).only_base(),
    complex("serviceProvisioningXmlError",
    &[("errorDetail", "Edm.String")]).of("serviceProvisioningError"),
    complex("signInActivity", &[("lastNonInteractiveSignInDateTime", "Edm.DateTimeOffset"),
    ("lastNonInteractiveSignInRequestId", "Edm.String"),
    ("lastSignInDateTime", "Edm.DateTimeOffset"), ("lastSignInRequestId", "Edm.String"),
    ("lastSuccessfulSignInDateTime", "Edm.DateTimeOffset"),
    ("lastSuccessfulSignInRequestId", "Edm.String")]),
    complex("signInLocation", &[("city", "Edm.String"), ("countryOrRegion", "Edm.String"),
    ("geoCoordinates", "geoCoordinates"), ("state", "Edm.String")]),
    complex("signInStatus", &[("additionalDetails", "Edm.String"), ("errorCode", "Edm.Int32"),
    ("failureReason", "Edm.String")]),
    complex("spaApplication", &[("redirectUris", "Collection(Edm.String)")]),
    complex("targetResource", &[("displayName", "Edm.String"), ("groupType", "groupType"),
    ("id", "Edm.String"), ("modifiedProperties", "Collection(modifiedProperty)"),
    ("type", "Edm.String"), ("userPrincipalName", "Edm.String")]),
    complex("timeZoneBase", &[("name", "Edm.String")]),
    complex("userIdentity", &[("ipAddress", "Edm.String"),
    ("userPrincipalName", "Edm.String")]).of("identity").open(),
    complex("userPrint", &[]),
    complex("verifiedDomain", &[("capabilities", "Edm.String"), ("isDefault", "Edm.Boolean"),
    ("isInitial", "Edm.Boolean"), ("name", "Edm.String"), ("type", "Edm.String")]),
    complex("verifiedPublisher", &[("addedDateTime", "Edm.DateTimeOffset"),
    ("displayName", "Edm.String"), ("verifiedPublisherId", "Edm.String")]),
    complex("webApplication", &[("homePageUrl", "Edm.String"),
    ("implicitGrantSettings", "implicitGrantSettings"), ("logoutUrl", "Edm.String"),
    ("redirectUris", "Collection(Edm.String)"),
    ("redirectUriSettings", "Collection(redirectUriSettings)")]),
    complex("workingHours", &[("daysOfWeek", "Collection(dayOfWeek)"),
    ("endTime", "Edm.TimeOfDay"), ("startTime", "Edm.TimeOfDay"), ("timeZone", "timeZoneBase")]),
];

/// Every enumeration that a property, or a member of one, is of.
#[rustfmt::skip]
pub(super) const ENUMERATIONS: &[Enumeration] = &[
    Enumeration { name: "appliedConditionalAccessPolicyResult", flags: false, members:
    &[("success", 0), ("failure", 1), ("notApplied", 2), ("notEnabled", 3), ("unknown", 4),
    ("unknownFutureValue", 5), ("reportOnlySuccess", 6), ("reportOnlyFailure", 7),
    ("reportOnlyNotApplied", 8), ("reportOnlyInterrupted", 9)] },
    Enumeration { name: "automaticRepliesStatus", flags: false, members: &[("disabled", 0),
    ("alwaysEnabled", 1), ("scheduled", 2)] },
    Enumeration { name: "conditionalAccessStatus", flags: false, members: &[("success", 0),
    ("failure", 1), ("notApplied", 2), ("unknownFutureValue", 3)] },
    Enumeration { name: "dayOfWeek", flags: false, members: &[("sunday", 0), ("monday", 1),
    ("tuesday", 2), ("wednesday", 3), ("thursday", 4), ("friday", 5), ("saturday", 6)] },
    Enumeration { name: "delegateMeetingMessageDeliveryOptions", flags: false, members:
    &[("sendToDelegateAndInformationToPrincipal", 0), ("sendToDelegateAndPrincipal", 1),
    ("sendToDelegateOnly", 2)] },
    Enumeration { name: "externalAudienceScope", flags: false, members: &[("none", 0),
    ("contactsOnly", 1), ("all", 2)] },
    Enumeration { name: "groupAccessType", flags: false, members: &[("none", 0), ("private", 1),
    ("secret", 2), ("public", 3), ("unknownFutureValue", 4)] },
    Enumeration { name: "groupType", flags: false, members: &[("unifiedGroups", 0),
    ("azureAD", 1), ("unknownFutureValue", 2)] },
    Enumeration { name: "mdmAuthority", flags: false, members: &[("unknown", 0), ("intune", 1),
    ("sccm", 2), ("office365", 3)] },
    Enumeration { name: "nativeAuthenticationApisEnabled", flags: true, members: &[("none", 0),
    ("all", 1), ("unknownFutureValue", 2)] },
    Enumeration { name: "operationResult", flags: false, members: &[("success", 0),
    ("failure", 1), ("timeout", 2), ("unknownFutureValue", 3)] },
    Enumeration { name: "partnerTenantType", flags: false, members: &[("microsoftSupport", 1),
    ("syndicatePartner", 2), ("breadthPartner", 3), ("breadthPartnerDelegatedAdmin", 4),
    ("resellerPartnerDelegatedAdmin", 5), ("valueAddedResellerPartnerDelegatedAdmin", 6),
    ("unknownFutureValue", 7)] },
    Enumeration { name: "riskDetail", flags: false, members: &[("none", 0),
    ("adminGeneratedTemporaryPassword", 1), ("userPerformedSecuredPasswordChange", 2),
    ("userPerformedSecuredPasswordReset", 3), ("adminConfirmedSigninSafe", 4),
    ("aiConfirmedSigninSafe", 5), ("userPassedMFADrivenByRiskBasedPolicy", 6),
    ("adminDismissedAllRiskForUser", 7), ("adminConfirmedSigninCompromised", 8), ("hidden", 9),
    ("adminConfirmedUserCompromised", 10), ("unknownFutureValue", 11),
    ("m365DAdminDismissedDetection", 12), ("adminConfirmedServicePrincipalCompromised", 13),
    ("adminDismissedAllRiskForServicePrincipal", 14), ("userChangedPasswordOnPremises", 15),
    ("adminDismissedRiskForSignIn", 16), ("adminConfirmedAccountSafe", 17),
    ("microsoftRevokedSessions", 18)] },
    Enumeration { name: "riskEventType", flags: false, members: &[("unlikelyTravel", 0),
    ("anonymizedIPAddress", 1), ("maliciousIPAddress", 2), ("unfamiliarFeatures", 3),
    ("malwareInfectedIPAddress", 4), ("suspiciousIPAddress", 5), ("leakedCredentials", 6),
    ("investigationsThreatIntelligence", 7), ("generic", 8), ("adminConfirmedUserCompromised", 9),
    ("mcasImpossibleTravel", 10), ("mcasSuspiciousInboxManipulationRules", 11),
    ("investigationsThreatIntelligenceSigninLinked", 12),
    ("maliciousIPAddressValidCredentialsBlockedIP", 13), ("unknownFutureValue", 14)] },
    Enumeration { name: "riskLevel", flags: false, members: &[("low", 0), ("medium", 1),
    ("high", 2), ("hidden", 3), ("none", 4), ("unknownFutureValue", 5)] },
    Enumeration { name: "riskState", flags: false, members: &[("none", 0), ("confirmedSafe", 1),
    ("remediated", 2), ("dismissed", 3), ("atRisk", 4), ("confirmedCompromised", 5),
    ("unknownFutureValue", 6)] },
    Enumeration { name: "userPurpose", flags: false, members: &[("user", 1), ("linked", 2),
    ("shared", 3), ("room", 4), ("equipment", 5), ("others", 6), ("unknownFutureValue", 7)] },
    Enumeration { name: "weakAlgorithms", flags: true, members: &[("rsaSha1", 1),
    ("unknownFutureValue", 2)] },
];

#[cfg(test)]
mod tests {
    use super::super::population::{Kind, Population};
    use super::*;

    #[test]
    fn every_type_that_is_named_is_declared() {
        let declared = |of: &'static str| {
            let of = item(of);
            of.starts_with("Edm.")
                || find(of).is_some()
                || ENUMERATIONS.iter().any(|known| known.name == of)
        };
        for complex in COMPLEX {
            assert!(complex.base.is_none_or(|base| find(base).is_some()), "{complex:?}");
            assert!(complex.members.iter().all(|(_, of)| declared(of)), "{complex:?}");
        }
        for kind in [Kind::User, Kind::Application, Kind::SignIn] {
            assert!(Population::properties(kind).iter().all(|property| declared(property.of)));
        }
    }

    #[test]
    fn names_lead_through_structures_as_far_as_they_are_declared() {
        let lead = |of, path: &str| {
            let names: Vec<String> = path.split('/').map(String::from).collect();
            within(of, &names).map_err(|refusal| refusal.message)
        };
        let wrong = "Could not find a property named 'errorcode' on type \
                     'microsoft.graph.signInStatus'.";
        assert_eq!(lead("signInLocation", "geoCoordinates/latitude"), Ok("Edm.Double"));
        assert_eq!(lead("userIdentity", "displayName"), Ok("Edm.String"), "of the base");
        assert_eq!(lead("identity", "tenantId"), Ok(UNTYPED), "the type is open");
        assert_eq!(lead("signInStatus", "errorcode"), Err(wrong.to_owned()));
        assert!(lead("Edm.String", "length").is_err());
    }
}
