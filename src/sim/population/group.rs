//! Groups: Microsoft 365, security, mail-enabled, distribution; assigned and dynamic.

use super::chance::{Dice, below, one_in, pick};
use super::directory::DEFAULT_DOMAIN;
use super::ids::tag;
use super::json::{DAY, NOW, boolean, fields, moment, moment_fine, number, put, text};
use super::user::premises;
use super::words::{DEPARTMENTS, DIVISIONS, PLACES, TOPICS};
use super::{Kind, Population, TENANT_ID, plans};

fields! {
    Id "id" "Edm.String" default
    DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
    AccessType "accessType" "groupAccessType" select
    AllowExternalSenders "allowExternalSenders" "Edm.Boolean" single
    AssignedLabels "assignedLabels" "Collection(assignedLabel)" select
    AssignedLicenses "assignedLicenses" "Collection(assignedLicense)" select
    AutoSubscribeNewMembers "autoSubscribeNewMembers" "Edm.Boolean" single
    Classification "classification" "Edm.String" default
    CreatedDateTime "createdDateTime" "Edm.DateTimeOffset" default
    Description "description" "Edm.String" default
    DisplayName "displayName" "Edm.String" default
    ExpirationDateTime "expirationDateTime" "Edm.DateTimeOffset" default
    GroupTypes "groupTypes" "Collection(Edm.String)" default
    HasMembersWithLicenseErrors "hasMembersWithLicenseErrors" "Edm.Boolean" select
    HideFromAddressLists "hideFromAddressLists" "Edm.Boolean" single
    HideFromOutlookClients "hideFromOutlookClients" "Edm.Boolean" single
    InfoCatalogs "infoCatalogs" "Collection(Edm.String)" select
    IsArchived "isArchived" "Edm.Boolean" select
    IsAssignableToRole "isAssignableToRole" "Edm.Boolean" default
    IsFavorite "isFavorite" "Edm.Boolean" select
    IsManagementRestricted "isManagementRestricted" "Edm.Boolean" select
    IsSubscribedByMail "isSubscribedByMail" "Edm.Boolean" single
    LicenseProcessingState "licenseProcessingState" "licenseProcessingState" select
    Mail "mail" "Edm.String" default
    MailEnabled "mailEnabled" "Edm.Boolean" default
    MailNickname "mailNickname" "Edm.String" default
    MembershipRule "membershipRule" "Edm.String" default
    MembershipRuleProcessingState "membershipRuleProcessingState" "Edm.String" default
    OnPremisesDomainName "onPremisesDomainName" "Edm.String" default
    OnPremisesExtensionAttributes "onPremisesExtensionAttributes" "onPremisesExtensionAttributes" select
    OnPremisesLastSyncDateTime "onPremisesLastSyncDateTime" "Edm.DateTimeOffset" default
    OnPremisesNetBiosName "onPremisesNetBiosName" "Edm.String" default
    OnPremisesProvisioningErrors "onPremisesProvisioningErrors" "Collection(onPremisesProvisioningError)" default
    OnPremisesSamAccountName "onPremisesSamAccountName" "Edm.String" default
    OnPremisesSecurityIdentifier "onPremisesSecurityIdentifier" "Edm.String" default
    OnPremisesSyncEnabled "onPremisesSyncEnabled" "Edm.Boolean" default
    OrganizationId "organizationId" "Edm.String" select
    PreferredDataLocation "preferredDataLocation" "Edm.String" default
    PreferredLanguage "preferredLanguage" "Edm.String" default
    ProxyAddresses "proxyAddresses" "Collection(Edm.String)" default
    RenewedDateTime "renewedDateTime" "Edm.DateTimeOffset" default
    ResourceBehaviorOptions "resourceBehaviorOptions" "Collection(Edm.String)" default
    ResourceProvisioningOptions "resourceProvisioningOptions" "Collection(Edm.String)" default
    SecurityEnabled "securityEnabled" "Edm.Boolean" default
    SecurityIdentifier "securityIdentifier" "Edm.String" default
    ServiceProvisioningErrors "serviceProvisioningErrors" "Collection(serviceProvisioningError)" default
    Theme "theme" "Edm.String" default
    UniqueName "uniqueName" "Edm.String" default
    UnseenConversationsCount "unseenConversationsCount" "Edm.Int32" select
    UnseenCount "unseenCount" "Edm.Int32" single
    UnseenMessagesCount "unseenMessagesCount" "Edm.Int32" select
    Visibility "visibility" "Edm.String" default
    WelcomeMessageEnabled "welcomeMessageEnabled" "Edm.Boolean" select
}

/// Questions that concern several properties.
const SORT: u64 = 1_200;
const DYNAMIC: u64 = 1_201;
const CREATED: u64 = 1_202;

/// What a group is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Unified,
    Security,
    MailSecurity,
    Distribution,
}

/// A group, worked out as far as most properties need it.
pub(super) struct Row<'a> {
    population: &'a Population,
    index: u64,
    dice: Dice,
    sort: Sort,
    dynamic: bool,
    synced: bool,
}

/// Appends the display name of a group, with quotes.
pub(super) fn write_display_name(population: &Population, index: u64, out: &mut Vec<u8>) {
    Row::new(population, index).put(Field::DisplayName, out);
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let dice = population.dice(Kind::Group, index);
        let sort = match below(dice.roll(SORT), 100) {
            0..45 => Sort::Unified,
            45..88 => Sort::Security,
            88..93 => Sort::MailSecurity,
            _ => Sort::Distribution,
        };
        let cloud = matches!(sort, Sort::Unified | Sort::Security);
        let dynamic = cloud && dice.per_mille(DYNAMIC, 120);
        let synced = sort != Sort::Unified && !dynamic && one_in(dice.roll(DYNAMIC), 3);
        Self { population, index, dice, sort, dynamic, synced }
    }

    fn roll(&self, field: Field) -> u64 {
        self.dice.roll(field as u64)
    }

    fn created(&self) -> i64 {
        NOW - 40 * DAY - below(self.dice.roll(CREATED), 2_500 * DAY as u64) as i64
    }

    fn mailed(&self) -> bool {
        self.sort != Sort::Security
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        match field {
            Field::Id => text(out, self.population.id(Kind::Group, self.index)),
            Field::DisplayName => {
                put!(out, "\"", pick(self.roll(field), TOPICS), " ");
                number(out, self.index);
                put!(out, "\"");
            }
            Field::Mail
            | Field::MailEnabled
            | Field::MailNickname
            | Field::ProxyAddresses
            | Field::OnPremisesDomainName
            | Field::OnPremisesExtensionAttributes
            | Field::OnPremisesLastSyncDateTime
            | Field::OnPremisesNetBiosName
            | Field::OnPremisesProvisioningErrors
            | Field::OnPremisesSamAccountName
            | Field::OnPremisesSecurityIdentifier
            | Field::OnPremisesSyncEnabled => self.put_addresses(field, out),
            Field::AssignedLabels
            | Field::AssignedLicenses
            | Field::HasMembersWithLicenseErrors
            | Field::LicenseProcessingState
            | Field::InfoCatalogs
            | Field::ResourceBehaviorOptions
            | Field::ResourceProvisioningOptions
            | Field::ServiceProvisioningErrors
            | Field::GroupTypes => self.put_lists(field, out),
            _ => self.put_rest(field, out),
        }
    }

    fn put_nickname(&self, out: &mut Vec<u8>) {
        put!(out, "group");
        number(out, self.index);
    }

    fn put_addresses(&self, field: Field, out: &mut Vec<u8>) {
        match field {
            Field::Mail if self.mailed() => {
                put!(out, "\"");
                self.put_nickname(out);
                put!(out, "@", DEFAULT_DOMAIN, "\"");
            }
            Field::MailEnabled => boolean(out, self.mailed()),
            Field::MailNickname => {
                put!(out, "\"");
                self.put_nickname(out);
                put!(out, "\"");
            }
            Field::ProxyAddresses if self.mailed() => {
                put!(out, "[\"SMTP:");
                self.put_nickname(out);
                put!(out, "@", DEFAULT_DOMAIN, "\"");
                if self.sort == Sort::Unified {
                    put!(out, ",\"SPO:SPO_", self.population.guid(tag::LABEL, self.index));
                    put!(out, "@SPO_", TENANT_ID, "\"");
                }
                put!(out, "]");
            }
            Field::OnPremisesProvisioningErrors if one_in(self.roll(field), 250) => {
                put!(out, "[{\"category\":\"PropertyConflict\",\"occurredDateTime\":");
                moment_fine(out, self.created() + DAY, self.roll(field) % 10_000_000);
                put!(out, ",\"propertyCausingError\":\"ProxyAddresses\",\"value\":null}]");
            }
            Field::ProxyAddresses | Field::OnPremisesProvisioningErrors => put!(out, "[]"),
            Field::OnPremisesExtensionAttributes if self.synced => {
                put!(out, "{\"extensionAttribute1\":\"", pick(self.roll(field), DIVISIONS), "\"");
                put!(out, premises::EXTENSION_ATTRIBUTES_NONE, premises::EXTENSION_ATTRIBUTES_REST);
            }
            Field::OnPremisesDomainName if self.synced => text(out, DEFAULT_DOMAIN),
            Field::OnPremisesLastSyncDateTime if self.synced => {
                moment(out, NOW - below(self.roll(field), 1_800) as i64);
            }
            Field::OnPremisesNetBiosName if self.synced => text(out, "CONTOSO"),
            Field::OnPremisesSamAccountName if self.synced => {
                put!(out, "\"CONTOSO\\\\");
                self.put_nickname(out);
                put!(out, "\"");
            }
            Field::OnPremisesSecurityIdentifier if self.synced => {
                put!(out, "\"S-1-5-21-3623811015-3361044348-30300820-");
                number(out, 3_000_000_000 + self.index);
                put!(out, "\"");
            }
            Field::OnPremisesSyncEnabled if self.synced => put!(out, "true"),
            _ => put!(out, "null"),
        }
    }

    fn put_lists(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        let licensed =
            self.sort == Sort::Security && one_in(self.roll(Field::AssignedLicenses), 25);
        match field {
            Field::GroupTypes => put!(
                out,
                match (self.sort, self.dynamic) {
                    (Sort::Unified, true) => "[\"Unified\",\"DynamicMembership\"]",
                    (Sort::Unified, false) => "[\"Unified\"]",
                    (_, true) => "[\"DynamicMembership\"]",
                    (_, false) => "[]",
                }
            ),
            Field::AssignedLabels if self.sort == Sort::Unified && one_in(roll, 6) => {
                put!(out, "[{\"labelId\":\"", self.population.guid(tag::LABEL, roll % 4));
                put!(out, "\",\"displayName\":\"Confidential \\\\ Internal\"}]");
            }
            Field::AssignedLicenses if licensed => {
                let number = usize::from(plans::PROFILE_OF[(roll >> 32 & 63) as usize]);
                put!(out, self.population.plans.profile(number).licences);
            }
            Field::HasMembersWithLicenseErrors if licensed => boolean(out, one_in(roll, 4)),
            Field::HasMembersWithLicenseErrors => put!(out, "null"),
            Field::LicenseProcessingState if licensed => {
                put!(out, "{\"state\":\"ProcessingComplete\"}");
            }
            Field::LicenseProcessingState => put!(out, "null"),
            Field::ResourceBehaviorOptions if self.sort == Sort::Unified && one_in(roll, 3) => {
                put!(out, "[\"WelcomeEmailDisabled\",\"HideGroupInOutlook\"]");
            }
            Field::ResourceProvisioningOptions if self.sort == Sort::Unified && one_in(roll, 2) => {
                put!(out, "[\"Team\"]");
            }
            Field::ServiceProvisioningErrors if one_in(roll, 300) => {
                put!(out, "[{\"createdDateTime\":");
                moment_fine(out, self.created(), roll % 10_000_000);
                put!(out, ",\"isResolved\":true,\"serviceInstance\":\"SharePoint\\/AMER-0001\"}]");
            }
            _ => put!(out, "[]"),
        }
    }

    fn put_rest(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        let unified = self.sort == Sort::Unified;
        match field {
            Field::Classification if one_in(roll, 10) => text(out, "Internal"),
            Field::CreatedDateTime => moment(out, self.created()),
            Field::RenewedDateTime if one_in(roll, 9) => {
                moment_fine(out, self.created() + DAY, roll >> 8 & 0x7f_ffff);
            }
            Field::RenewedDateTime => moment(out, self.created()),
            Field::ExpirationDateTime if unified && one_in(roll, 4) => {
                moment(out, NOW + below(roll, 180) as i64 * DAY);
            }
            Field::Description if !one_in(roll, 4) => {
                put!(out, "\"", pick(roll, DEPARTMENTS), ": ", pick(roll << 20, TOPICS));
                put!(out, if roll % 16 == 1 { "\\r\\n- line two\\t(tab)\"" } else { "\"" });
            }
            Field::IsAssignableToRole if self.sort == Sort::Security && one_in(roll, 60) => {
                put!(out, "true");
            }
            Field::IsAssignableToRole if one_in(roll, 2) => put!(out, "false"),
            Field::MembershipRule if self.dynamic => {
                put!(out, "\"(user.department -eq \\\"", pick(roll, DEPARTMENTS));
                put!(out, "\\\") and (user.usageLocation -eq \\\"");
                put!(out, pick(roll << 20, PLACES).code, "\\\")\"");
            }
            Field::MembershipRuleProcessingState if self.dynamic => {
                text(out, if one_in(roll, 12) { "Paused" } else { "On" });
            }
            Field::OrganizationId => text(out, TENANT_ID),
            Field::PreferredDataLocation if one_in(roll, 50) => text(out, "EUR"),
            Field::PreferredLanguage if one_in(roll, 30) => text(out, "fr-FR"),
            Field::AccessType if unified && one_in(roll, 3) => text(out, "private"),
            Field::IsArchived if unified && one_in(roll, 4) => boolean(out, one_in(roll, 40)),
            Field::IsManagementRestricted if one_in(roll, 25) => boolean(out, one_in(roll, 2)),
            Field::SecurityEnabled => {
                boolean(out, matches!(self.sort, Sort::Security | Sort::MailSecurity));
            }
            Field::SecurityIdentifier => {
                put!(out, "\"S-1-12-1");
                for part in [roll >> 32, roll & 0xffff_ffff, roll >> 16 & 0xffff_ffff, self.index] {
                    put!(out, "-");
                    number(out, part);
                }
                put!(out, "\"");
            }
            Field::Theme if unified && one_in(roll, 20) => text(out, "Teal"),
            Field::UniqueName if one_in(roll, 40) => {
                put!(out, "\"unique-");
                self.put_nickname(out);
                put!(out, "\"");
            }
            Field::Visibility if unified => {
                text(
                    out,
                    ["Private", "Public", "Private", "HiddenMembership"][(roll & 3) as usize],
                );
            }
            Field::UnseenCount => number(out, roll % 40),
            Field::AllowExternalSenders
            | Field::AutoSubscribeNewMembers
            | Field::HideFromAddressLists
            | Field::HideFromOutlookClients
            | Field::IsSubscribedByMail
                if unified =>
            {
                boolean(out, one_in(roll, 3));
            }
            _ => put!(out, "null"),
        }
    }
}
