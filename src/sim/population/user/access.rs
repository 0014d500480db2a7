//! How a user signs in, and what Graph answers only for one user at a time.

use super::super::chance::{below, one_in};
use super::super::ids::tag;
use super::super::json::{
    DAY, NEVER, NOW, boolean, moment, moment_fine, number, put, text, text_or_null,
};
use super::{Field, Row};

const MAILBOX_SETTINGS: &str = "{\"archiveFolder\":null,\"timeZone\":\"Pacific Standard Time\",\
    \"delegateMeetingMessageDeliveryOptions\":\"sendToDelegateOnly\",\"dateFormat\":\"M/d/yyyy\",\
    \"timeFormat\":\"h:mm tt\",\"automaticRepliesSetting\":{\"status\":\"disabled\",\
    \"externalAudience\":\"all\",\"internalReplyMessage\":\"\",\"externalReplyMessage\":\"\",\
    \"scheduledStartDateTime\":{\"dateTime\":\"2026-06-01T08:00:00.0000000\",\"timeZone\":\"UTC\"},\
    \"scheduledEndDateTime\":{\"dateTime\":\"2026-06-02T08:00:00.0000000\",\"timeZone\":\"UTC\"}},\
    \"language\":{\"locale\":\"en-US\",\"displayName\":\"English (United States)\"},\
    \"workingHours\":{\"daysOfWeek\":[\"monday\",\"tuesday\",\"wednesday\",\"thursday\",\"friday\"],\
    \"startTime\":\"08:00:00.0000000\",\"endTime\":\"17:00:00.0000000\",\
    \"timeZone\":{\"name\":\"Pacific Standard Time\"}},\"userPurpose\":\"user\"}";

impl Row<'_> {
    pub(super) fn put_sign_in(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        let guest = self.account.guest;
        match field {
            // Enabled are 95 of 100, and the first user, so that someone can sign in.
            Field::AccountEnabled => boolean(out, self.account.index == 0 || !one_in(roll, 20)),
            Field::AgeGroup => text_or_null(out, ["", "", "", "Adult"][(roll & 3) as usize]),
            Field::AuthorizationInfo if one_in(roll, 32) => {
                put!(out, "{\"certificateUserIds\":[\"X509:<PN>");
                self.account.write_upn(out);
                put!(out, "\"]}");
            }
            Field::AuthorizationInfo => put!(out, "{\"certificateUserIds\":[]}"),
            Field::ConsentProvidedForMinor if one_in(roll, 90) => text(out, "NotRequired"),
            Field::LegalAgeGroupClassification if one_in(roll, 90) => text(out, "Adult"),
            Field::IsManagementRestricted if one_in(roll, 25) => boolean(out, one_in(roll, 2)),
            Field::CreatedDateTime => moment(out, self.created()),
            Field::CreationType => text_or_null(out, if guest { "Invitation" } else { "" }),
            Field::DeviceEnrollmentLimit => put!(out, if one_in(roll, 9) { "1000" } else { "5" }),
            Field::ExternalUserState if guest => {
                text(out, if one_in(roll, 5) { "PendingAcceptance" } else { "Accepted" });
            }
            Field::ExternalUserStateChangeDateTime if guest => {
                moment(out, self.created() + 3_600);
            }
            Field::IsResourceAccount if one_in(roll, 100) => put!(out, "true"),
            Field::LastPasswordChangeDateTime | Field::SignInSessionsValidFromDateTime => {
                let shared = self.since_created(Field::LastPasswordChangeDateTime);
                if one_in(roll, 8) {
                    moment_fine(out, shared, roll >> 8 & 0x7f_ffff);
                } else {
                    moment(out, shared);
                }
            }
            Field::PasswordPolicies if one_in(roll, 4) => text(out, "DisablePasswordExpiration"),
            Field::PasswordProfile if !self.synced => {
                put!(out, "{\"password\":null,\"forceChangePasswordNextSignIn\":");
                boolean(out, one_in(roll, 16));
                put!(out, ",\"forceChangePasswordNextSignInWithMfa\":false}");
            }
            Field::SecurityIdentifier => self.put_sid(roll, out),
            Field::ShowInAddressList if one_in(roll, 6) => boolean(out, roll & 64 == 0),
            // Someone who never signed in has no activity, and the answer does not name it.
            Field::SignInActivity if one_in(roll, 7) => {}
            Field::SignInActivity => self.put_activity(roll, out),
            Field::UserType => text(out, if guest { "Guest" } else { "Member" }),
            _ => put!(out, "null"),
        }
    }

    fn put_sid(&self, roll: u64, out: &mut Vec<u8>) {
        put!(out, "\"S-1-12-1");
        for part in [roll >> 32, roll & 0xffff_ffff, roll >> 16 & 0xffff_ffff, self.account.index] {
            put!(out, "-");
            number(out, part);
        }
        put!(out, "\"");
    }

    fn put_activity(&self, roll: u64, out: &mut Vec<u8>) {
        let at = self.since_created(Field::SignInActivity);
        let request = |n: u64| self.population.guid(tag::REQUEST, self.account.index * 4 + n);
        put!(out, "{\"lastSignInDateTime\":");
        moment(out, at);
        put!(out, ",\"lastSignInRequestId\":\"", request(0));
        put!(out, "\",\"lastNonInteractiveSignInDateTime\":");
        if one_in(roll, 11) {
            put!(out, NEVER)
        } else {
            moment(out, (at + 7_200).min(NOW))
        }
        put!(out, ",\"lastNonInteractiveSignInRequestId\":\"", request(1));
        put!(out, "\",\"lastSuccessfulSignInDateTime\":");
        moment(out, at);
        put!(out, ",\"lastSuccessfulSignInRequestId\":\"", request(2), "\"}");
    }

    /// Properties kept outside the directory, answered one user at a time.
    pub(super) fn put_single(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        match field {
            Field::AboutMe if one_in(roll, 3) => {
                put!(out, "\"Ask me about\\r\\n\\\"Arrow\\\" \u{1f3f9}\"")
            }
            Field::AboutMe => put!(out, "null"),
            Field::Birthday | Field::HireDate if !one_in(roll, 3) => put!(out, NEVER),
            Field::Birthday | Field::HireDate => moment(out, below(roll, 12_000) as i64 * DAY),
            Field::MailboxSettings => put!(out, MAILBOX_SETTINGS),
            Field::MySite => {
                put!(
                    out,
                    "\"https://contoso-my.sharepoint.example/personal/",
                    self.account.local,
                    "/\""
                );
            }
            Field::PreferredName => text(out, self.account.person.given.0),
            Field::Skills | Field::Interests if one_in(roll, 2) => {
                put!(out, "[\"arrows\",\"flight\"]")
            }
            _ => put!(out, "[]"),
        }
    }
}
