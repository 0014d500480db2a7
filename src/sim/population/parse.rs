//! Reading back what the population wrote, so that a filter sees exactly what an answer shows.

use super::Value;

/// Members of structures, so that a name read back is the constant it was written from. Sorted.
#[rustfmt::skip]
const MEMBERS: &[&str] = &[
    "@odata.type", "Certification", "CostCenter", "CostCenter@odata.type", "Engineering",
    "Project", "Project@odata.type", "acceptMappedClaims", "accessToken", "addedDateTime",
    "additionalDetails", "additionalProperties", "adminConsentDescription",
    "adminConsentDisplayName", "allProperties", "allowedMemberTypes", "allowedWeakAlgorithms",
    "altitude", "app", "appId", "appVersion", "appliesTo", "archiveFolder", "assignedByGroup",
    "assignedDateTime", "automaticRepliesSetting", "blockAzureADGraphAccess", "browser",
    "capabilities", "capabilityStatus", "category", "certificateUserIds",
    "certificationDetailsUrl", "certificationExpirationDateTime", "city", "clientApp",
    "contactEmail", "costCenter", "countriesBlockedForMinors", "countryOrRegion",
    "createdDateTime", "credentialsWithUsageSign", "credentialsWithUsageVerify",
    "customKeyIdentifier", "dateFormat", "dateTime", "daysOfWeek",
    "delegateMeetingMessageDeliveryOptions", "description", "deviceId", "disabledPlans",
    "displayName", "division", "enableAccessTokenIssuance", "enableIdTokenIssuance", "enabled",
    "endDateTime", "endTime", "enforcedGrantControls", "enforcedSessionControls", "error",
    "errorCode", "errorDetail", "essential", "extensionAttribute1", "extensionAttribute10",
    "extensionAttribute11", "extensionAttribute12", "extensionAttribute13",
    "extensionAttribute14", "extensionAttribute15", "extensionAttribute2", "extensionAttribute3",
    "extensionAttribute4", "extensionAttribute5", "extensionAttribute6", "extensionAttribute7",
    "extensionAttribute8", "extensionAttribute9", "externalAudience", "externalReplyMessage",
    "failureReason", "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa",
    "geoCoordinates", "groupType", "hint", "homePageUrl", "id", "idToken", "identityProvider",
    "implicitGrantSettings", "index", "internalReplyMessage", "ipAddress",
    "isCertifiedByMicrosoft", "isCompliant", "isDefault", "isEnabled", "isInitial", "isManaged",
    "isPublisherAttested", "isResolved", "isSignedRequestRequired", "issuer", "issuerAssignedId",
    "key", "keyId", "knownClientApplications", "labelId", "language", "lastActionDateTime",
    "lastCertificationDateTime", "lastNonInteractiveSignInDateTime",
    "lastNonInteractiveSignInRequestId", "lastSignInDateTime", "lastSignInRequestId",
    "lastSuccessfulSignInDateTime", "lastSuccessfulSignInRequestId", "lastUpdatedDateTime",
    "latitude", "legalAgeGroupRule", "locale", "lockedOut", "logoUrl", "logoutUrl", "longitude",
    "marketingUrl", "modifiedProperties", "name", "newValue", "oauth2PermissionScopes",
    "occurredDateTime", "oldValue", "operatingSystem", "operation", "origin", "password",
    "preAuthorizedApplications", "privacyStatementUrl", "properties", "propertyCausingError",
    "provisioningStatus", "redirectUriSettings", "redirectUris", "relayState",
    "removeUnverifiedEmailClaim", "requestedAccessTokenVersion", "requireClientServicePrincipal",
    "resourceAccess", "resourceAppId", "result", "saml2Token", "scheduledEndDateTime",
    "scheduledStartDateTime", "secretText", "service", "serviceInstance", "servicePlanId",
    "servicePlanName", "servicePrincipalId", "servicePrincipalName", "signInType", "skuId",
    "source", "startDateTime", "startTime", "state", "statementUrl", "status", "supportUrl",
    "suspended", "termsOfServiceUrl", "timeFormat", "timeZone", "tokenEncryptionKeyId",
    "trustType", "type", "uri", "usage", "user", "userConsentDescription",
    "userConsentDisplayName", "userPrincipalName", "userPurpose", "value", "verifiedPublisherId",
    "warning", "workingHours",
];

/// The value of a property from the JSON that was written for it; nothing written is null.
pub(super) fn value(name: &str, json: &[u8]) -> Value {
    Reader { json, at: 0 }.value(name).unwrap_or(Value::Null)
}

struct Reader<'a> {
    json: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn value(&mut self, name: &str) -> Option<Value> {
        Some(match self.peek()? {
            b'"' => {
                let text = self.text()?;
                match is_moment(name).then(|| moment(&text)).flatten() {
                    Some(moment) => Value::Timestamp(moment),
                    None => Value::Text(text),
                }
            }
            b'[' => self.list(name)?,
            b'{' => self.members()?,
            b't' => self.word(4, Value::Boolean(true)),
            b'f' => self.word(5, Value::Boolean(false)),
            b'n' => self.word(4, Value::Null),
            _ => self.number()?,
        })
    }

    fn word(&mut self, length: usize, means: Value) -> Value {
        self.at += length;
        means
    }

    fn list(&mut self, name: &str) -> Option<Value> {
        let mut items = Vec::new();
        self.at += 1;
        while self.peek()? != b']' {
            items.push(self.value(name)?);
            self.at += usize::from(self.peek()? == b',');
        }
        self.at += 1;
        Some(Value::List(items))
    }

    fn members(&mut self) -> Option<Value> {
        let mut members = Vec::new();
        self.at += 1;
        while self.peek()? != b'}' {
            let name = self.text()?;
            let name = MEMBERS[MEMBERS.binary_search(&name.as_str()).ok()?];
            self.at += 1;
            members.push((name, self.value(name)?));
            self.at += usize::from(self.peek()? == b',');
        }
        self.at += 1;
        Some(Value::Struct(members))
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.json.get(self.at..)?;
        let length = rest.iter().position(|byte| b",]}".contains(byte)).unwrap_or(rest.len());
        self.at += length;
        let shown = std::str::from_utf8(rest.get(..length)?).ok()?;
        match shown.parse() {
            Ok(integer) => Some(Value::Integer(integer)),
            Err(_) => shown.parse().ok().map(Value::Double),
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            self.at += 1;
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut text)?;
                }
                byte => text.push(byte),
            }
        }
        self.at += 1;
        String::from_utf8(text).ok()
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        text.push(match self.peek()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let mut unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) {
                    self.at += 2;
                    unit = 0x10000 + ((unit - 0xd800) << 10) + self.unit()?.checked_sub(0xdc00)?;
                }
                let mut encoded = [0; 4];
                text.extend_from_slice(char::from_u32(unit)?.encode_utf8(&mut encoded).as_bytes());
                return Some(());
            }
            itself => itself,
        });
        Some(())
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.json.get(self.at + 1..self.at + 5)?;
        self.at += 4;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }
}

/// Whether a property or member of this name holds a moment.
fn is_moment(name: &str) -> bool {
    name.ends_with("DateTime") || matches!(name, "birthday" | "employeeHireDate" | "hireDate")
}

/// Microseconds since 1970 of `2026-06-30T00:00:00.0000000Z`, with or without a fraction; the
/// seventh digit is dropped.
fn moment(text: &str) -> Option<i64> {
    let field = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let fraction = text.get(19..)?.strip_suffix('Z')?;
    let micros = match fraction.strip_prefix('.') {
        Some(shown) => {
            let six: String = shown.chars().chain("000000".chars()).take(6).collect();
            six.parse().ok()?
        }
        None => 0,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

/// Days since 1970, by counting in years that begin in March.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_reach_both_ends_of_time() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
            ("2000-02-29T00:00:00.1234567Z", 951_782_400_123_456),
        ] {
            assert_eq!(moment(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn escapes_are_undone() {
        let json = br#""O\u0027Brien \ud83e\udd8a \\ \" \/ \t \u0001""#;
        assert_eq!(value("displayName", json), Value::Text("O'Brien 🦊 \\ \" / \t \u{1}".into()));
    }

    #[test]
    fn members_can_be_searched() {
        assert!(MEMBERS.is_sorted());
    }
}
