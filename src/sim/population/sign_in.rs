//! Sign-ins: the newest first, spread over the 30 days that Entra keeps.

use super::account::Account;
use super::application::App;
use super::chance::{Dice, below, one_in, pick};
use super::ids::tag;
use super::json::{
    DAY, NOW, boolean, fields, moment, moment_fine, number, put, text, text_or_null,
};
use super::words::{AGENTS, PLACES, Place};
use super::{Kind, Population, TENANT_ID, service_principal};

fields! {
    Id "id" "Edm.String" default
    AppDisplayName "appDisplayName" "Edm.String" default
    AppId "appId" "Edm.String" default
    AppliedConditionalAccessPolicies "appliedConditionalAccessPolicies" "Collection(appliedConditionalAccessPolicy)" default
    AuthenticationAppDeviceDetails "authenticationAppDeviceDetails" "authenticationAppDeviceDetails" default
    ClientAppUsed "clientAppUsed" "Edm.String" default
    ConditionalAccessStatus "conditionalAccessStatus" "conditionalAccessStatus" default
    CorrelationId "correlationId" "Edm.String" default
    CreatedDateTime "createdDateTime" "Edm.DateTimeOffset" default
    DeviceDetail "deviceDetail" "deviceDetail" default
    HomeTenantId "homeTenantId" "Edm.String" default
    IpAddress "ipAddress" "Edm.String" default
    IsInteractive "isInteractive" "Edm.Boolean" default
    Location "location" "signInLocation" default
    ResourceDisplayName "resourceDisplayName" "Edm.String" default
    ResourceId "resourceId" "Edm.String" default
    ResourceTenantId "resourceTenantId" "Edm.String" default
    RiskDetail "riskDetail" "riskDetail" default
    RiskEventTypes "riskEventTypes" "Collection(riskEventType)" default
    RiskEventTypesV2 "riskEventTypes_v2" "Collection(Edm.String)" default
    RiskLevelAggregated "riskLevelAggregated" "riskLevel" default
    RiskLevelDuringSignIn "riskLevelDuringSignIn" "riskLevel" default
    RiskState "riskState" "riskState" default
    ServicePrincipalId "servicePrincipalId" "Edm.String" default
    ServicePrincipalName "servicePrincipalName" "Edm.String" default
    Status "status" "signInStatus" default
    UserAgent "userAgent" "Edm.String" default
    UserDisplayName "userDisplayName" "Edm.String" default
    UserId "userId" "Edm.String" default
    UserPrincipalName "userPrincipalName" "Edm.String" default
}

/// How long Entra keeps log entries, in seconds.
pub(super) const KEPT: u64 = 30 * DAY as u64;

/// Questions that concern several properties.
const WHO: u64 = 1_200;
const OUTCOME: u64 = 1_201;
const WHERE: u64 = 1_202;

/// When the entry of this number was written: so many of equal steps before the end, and where
/// within its step by a roll, so that a later number is never newer. In ticks of 100 ns.
pub(super) fn written_at(index: u64, count: u64, roll: u64) -> (i64, u64) {
    const TICKS: u128 = 10_000_000;
    let span = u128::from(KEPT) * TICKS / u128::from(count.max(1));
    let back = u128::from(index) * span + ((u128::from(roll) * span) >> 64) + 1;
    let at = NOW as u128 * TICKS - back;
    ((at / TICKS) as i64, (at % TICKS) as u64)
}

/// A sign-in, worked out as far as most properties need it.
pub(super) struct Row<'a> {
    population: &'a Population,
    index: u64,
    dice: Dice,
    account: Account,
    place: &'static Place,
    /// 0 where it succeeded.
    error: u64,
    risky: bool,
}

/// Why sign-ins fail: code and reason.
const FAILURES: &[(u64, &str)] = &[
    (50126, "Error validating credentials due to invalid username or password."),
    (50126, "Error validating credentials due to invalid username or password."),
    (
        50076,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    (
        53003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (
        50053,
        "The account is locked, you\\u0027ve tried to sign in too many times with an incorrect user ID or password.",
    ),
    (
        65001,
        "The user or administrator has not consented to use the application with ID \\u0027{identifier}\\u0027{namePhrase}.",
    ),
];

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let dice = population.dice(Kind::SignIn, index);
        let user = below(dice.roll(WHO), population.count(Kind::User));
        let account = Account::new(population, user);
        let roll = dice.roll(WHERE);
        let place = if one_in(roll, 10) { pick(roll, PLACES) } else { account.place };
        let outcome = dice.roll(OUTCOME);
        let error = if one_in(outcome, 9) { pick(outcome, FAILURES).0 } else { 0 };
        Self { population, index, dice, account, place, error, risky: outcome % 60 == 7 }
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.dice.roll(field as u64);
        let (population, account) = (self.population, &self.account);
        match field {
            Field::Id => text(out, population.id(Kind::SignIn, self.index)),
            Field::AppDisplayName => self.app().put_display_name(out),
            Field::AppId => self.app().put_app_id(out),
            Field::AppliedConditionalAccessPolicies => self.put_policies(roll, out),
            Field::ClientAppUsed => {
                text(
                    out,
                    ["Browser", "Mobile Apps and Desktop clients", "Browser", "IMAP4"]
                        [(roll & 3) as usize],
                );
            }
            Field::ConditionalAccessStatus => {
                text(
                    out,
                    if self.error == 53003 {
                        "failure"
                    } else {
                        ["success", "notApplied"][(roll & 1) as usize]
                    },
                );
            }
            Field::CorrelationId => text(out, population.guid(tag::CORRELATION, self.index)),
            Field::CreatedDateTime => {
                let (seconds, ticks) = written_at(self.index, population.count(Kind::SignIn), roll);
                if one_in(roll, 4) {
                    moment(out, seconds)
                } else {
                    moment_fine(out, seconds, ticks)
                }
            }
            Field::DeviceDetail => self.put_device(roll, out),
            Field::HomeTenantId | Field::ResourceTenantId => text(out, TENANT_ID),
            Field::IpAddress => self.put_address(roll, out),
            Field::IsInteractive => put!(out, "true"),
            Field::Location => self.put_location(out),
            Field::ResourceDisplayName => text(out, "Microsoft Graph"),
            Field::ResourceId => text(out, service_principal::GRAPH_APP_ID),
            Field::RiskEventTypes
            | Field::RiskEventTypesV2
            | Field::RiskDetail
            | Field::RiskLevelAggregated
            | Field::RiskLevelDuringSignIn
            | Field::RiskState => self.put_risk(field, out),
            Field::ServicePrincipalId => text(out, ""),
            Field::Status => self.put_status(out),
            Field::UserAgent => {
                text_or_null(out, if one_in(roll, 9) { "" } else { pick::<&str>(roll, AGENTS) })
            }
            Field::UserDisplayName => account.write_display_name(out),
            Field::UserId => text(out, population.id(Kind::User, account.index)),
            Field::UserPrincipalName => {
                put!(out, "\"");
                account.write_upn(out);
                put!(out, "\"");
            }
            Field::AuthenticationAppDeviceDetails if one_in(roll, 40) => {
                put!(
                    out,
                    "{\"appVersion\":\"6.2505.3\",\"clientApp\":\"Authenticator\",\"deviceId\":null,"
                );
                put!(out, "\"operatingSystem\":\"iOS 18.5\"}");
            }
            Field::AuthenticationAppDeviceDetails | Field::ServicePrincipalName => {
                put!(out, "null")
            }
        }
    }

    fn put_risk(&self, field: Field, out: &mut Vec<u8>) {
        match field {
            Field::RiskEventTypes | Field::RiskEventTypesV2 if self.risky => {
                put!(out, "[\"unfamiliarFeatures\",\"anonymizedIPAddress\"]");
            }
            Field::RiskEventTypes | Field::RiskEventTypesV2 => put!(out, "[]"),
            Field::RiskDetail => text(out, "none"),
            Field::RiskLevelAggregated | Field::RiskLevelDuringSignIn => {
                text(out, if self.risky { "medium" } else { "none" });
            }
            _ => text(out, if self.risky { "atRisk" } else { "none" }),
        }
    }

    fn app(&self) -> App<'a> {
        let roll = self.dice.roll(Field::AppId as u64);
        App::new(self.population, below(roll, self.population.count(Kind::ServicePrincipal)))
    }

    fn put_status(&self, out: &mut Vec<u8>) {
        put!(out, "{\"errorCode\":");
        number(out, self.error);
        let reason = FAILURES.iter().find(|known| known.0 == self.error);
        put!(out, ",\"failureReason\":\"", reason.map_or("Other.", |known| known.1), "\"");
        put!(out, ",\"additionalDetails\":");
        if self.error == 0 {
            put!(out, "\"MFA requirement satisfied by claim in the token\"}");
        } else {
            put!(out, "null}");
        }
    }

    fn put_policies(&self, roll: u64, out: &mut Vec<u8>) {
        put!(out, "[");
        for n in 0..roll % 3 {
            let result = match (self.error, n) {
                (53003, 0) => "failure",
                (_, 0) => "success",
                _ => "reportOnlyNotApplied",
            };
            put!(
                out,
                if n == 0 { "{" } else { ",{" },
                "\"id\":\"",
                self.population.guid(tag::POLICY, n)
            );
            put!(
                out,
                "\",\"displayName\":",
                if n == 0 { "\"CA001: require MFA\"" } else { "\"CA002 – länder\"" }
            );
            put!(out, ",\"enforcedGrantControls\":", if n == 0 { "[\"Mfa\"]" } else { "[]" });
            put!(out, ",\"enforcedSessionControls\":[],\"result\":\"", result, "\"}");
        }
        put!(out, "]");
    }

    fn put_device(&self, roll: u64, out: &mut Vec<u8>) {
        let devices = self.population.count(Kind::Device);
        put!(out, "{\"deviceId\":\"");
        if devices > 0 && one_in(roll, 2) {
            put!(out, self.population.guid(tag::DEVICE, below(roll, devices)));
        }
        put!(out, "\",\"displayName\":", if one_in(roll, 2) { "\"LAP-0042\"" } else { "\"\"" });
        put!(
            out,
            ",\"operatingSystem\":\"Windows10\",\"browser\":\"Edge 137.0.0\",\"isCompliant\":"
        );
        boolean(out, one_in(roll, 2));
        put!(out, ",\"isManaged\":");
        boolean(out, one_in(roll, 4));
        put!(
            out,
            ",\"trustType\":",
            if one_in(roll, 2) { "\"Azure AD joined\"}" } else { "null}" }
        );
    }

    /// Addresses from the ranges set aside for documentation.
    fn put_address(&self, roll: u64, out: &mut Vec<u8>) {
        if one_in(roll, 7) {
            put!(out, "\"2001:db8:");
            number(out, 1 + roll % 9_000);
            put!(out, "::");
            number(out, 1 + (roll >> 20) % 9_000);
        } else {
            put!(out, if one_in(roll, 2) { "\"203.0.113." } else { "\"198.51.100." });
            number(out, roll >> 32 & 255);
        }
        put!(out, "\"");
    }

    fn put_location(&self, out: &mut Vec<u8>) {
        let place = self.place;
        put!(out, "{\"city\":\"", place.city, "\",\"state\":");
        text_or_null(out, place.state);
        put!(
            out,
            ",\"countryOrRegion\":\"",
            place.code,
            "\",\"geoCoordinates\":{\"altitude\":null,"
        );
        put!(out, "\"latitude\":", place.latitude, ",\"longitude\":", place.longitude, "}}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_numbers_are_never_newer_and_all_are_kept() {
        for count in [1, 3, 300, 7_000_000] {
            let mut newer = (NOW, 0);
            for index in (0..count).take(1_000).chain([count - 1]) {
                let at = written_at(index, count, super::super::chance::mix(index));
                assert!(at <= newer && at.0 >= NOW - KEPT as i64, "{index} of {count}");
                newer = at;
            }
        }
    }
}
