//! The tenant itself and what it has few of: roles, administrative units, the organization,
//! its domains.

use super::chance::{below, one_in, pick};
use super::json::{DAY, NEVER, NOW, boolean, fields, moment, number, put, text, text_or_null};
use super::plans::DATES;
use super::words::{DEPARTMENTS, PLACES};
use super::{Kind, Population, TENANT_ID};

/// The domain of most user principal names.
pub(super) const DEFAULT_DOMAIN: &str = "contoso.example";

/// The domain that the tenant was born with.
pub(super) const INITIAL_DOMAIN: &str = "contoso.onmicrosoft.com";

pub(super) const DOMAINS: [&str; 4] =
    [DEFAULT_DOMAIN, INITIAL_DOMAIN, "eu.contoso.example", "fabrikam.example"];

/// The activated roles: name, template, description.
pub(super) const ROLES: &[(&str, &str, &str)] = &[
    (
        "Global Administrator",
        "62e90394-69f5-4237-9190-012177145e10",
        "Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft Entra identities.",
    ),
    (
        "Global Reader",
        "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
        "Can read everything that a Global Administrator can, but not update anything.",
    ),
    (
        "User Administrator",
        "fe930be7-5e62-47db-91af-98c3a49a38b1",
        "Can manage all aspects of users and groups, including resetting passwords for limited admins.",
    ),
    (
        "Helpdesk Administrator",
        "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        "Can reset passwords for non-administrators and Helpdesk Administrators.",
    ),
    (
        "Application Administrator",
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "Can create and manage all aspects of app registrations and enterprise apps.",
    ),
    (
        "Cloud Application Administrator",
        "158c047a-c907-4556-b7ef-446551a6b5f7",
        "Can create and manage all aspects of app registrations and enterprise apps except App Proxy.",
    ),
    (
        "Conditional Access Administrator",
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        "Can manage Conditional Access capabilities.",
    ),
    (
        "Security Administrator",
        "194ae4cb-b126-40b2-bd5b-6091b380977d",
        "Can read security information and reports, and manage configuration in Microsoft Entra ID and Office 365.",
    ),
    (
        "Security Reader",
        "5d6b6bb7-de71-4623-b4af-96380a352509",
        "Can read security information and reports in Microsoft Entra ID and Office 365.",
    ),
    (
        "Privileged Role Administrator",
        "e8611ab8-c189-46e8-94e1-60213ab1f814",
        "Can manage role assignments in Microsoft Entra ID, and all aspects of Privileged Identity Management.",
    ),
    (
        "Groups Administrator",
        "fdd7a751-b60b-444a-984c-02652fe8fa1c",
        "Can manage all aspects of groups and group settings like naming and expiration policies.",
    ),
    (
        "License Administrator",
        "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
        "Can manage product licenses on users and groups.",
    ),
    (
        "Exchange Administrator",
        "29232cdf-9323-42fd-ade2-1d097af3e4de",
        "Can manage all aspects of the Exchange product.",
    ),
    (
        "SharePoint Administrator",
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
        "Can manage all aspects of the SharePoint service.",
    ),
    (
        "Teams Administrator",
        "69091246-20e8-4a56-aa4d-066075b2a7a8",
        "Can manage the Microsoft Teams service.",
    ),
    (
        "Intune Administrator",
        "3a2c62db-5318-420d-8d74-23affee5d9d5",
        "Can manage all aspects of the Intune product.",
    ),
];

pub(super) mod role {
    //! Directory roles.

    use super::*;

    fields! {
        Id "id" "Edm.String" default
        DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
        Description "description" "Edm.String" default
        DisplayName "displayName" "Edm.String" default
        RoleTemplateId "roleTemplateId" "Edm.String" default
    }

    pub(in super::super) struct Row<'a> {
        population: &'a Population,
        index: u64,
    }

    impl<'a> Row<'a> {
        pub(in super::super) fn new(population: &'a Population, index: u64) -> Self {
            Self { population, index }
        }

        fn put(&self, field: Field, out: &mut Vec<u8>) {
            let role = ROLES.get(self.index as usize).copied().unwrap_or_default();
            match field {
                Field::Id => text(out, self.population.id(Kind::DirectoryRole, self.index)),
                Field::DeletedDateTime => put!(out, "null"),
                Field::Description => text(out, role.2),
                Field::DisplayName => text(out, role.0),
                Field::RoleTemplateId => text(out, role.1),
            }
        }
    }
}

pub(super) mod unit {
    //! Administrative units.

    use super::*;

    fields! {
        Id "id" "Edm.String" default
        DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
        Description "description" "Edm.String" default
        DisplayName "displayName" "Edm.String" default
        IsMemberManagementRestricted "isMemberManagementRestricted" "Edm.Boolean" default
        MembershipRule "membershipRule" "Edm.String" default
        MembershipRuleProcessingState "membershipRuleProcessingState" "Edm.String" default
        MembershipType "membershipType" "Edm.String" default
        Visibility "visibility" "Edm.String" default
    }

    pub(in super::super) struct Row<'a> {
        population: &'a Population,
        index: u64,
    }

    impl<'a> Row<'a> {
        pub(in super::super) fn new(population: &'a Population, index: u64) -> Self {
            Self { population, index }
        }

        fn put(&self, field: Field, out: &mut Vec<u8>) {
            let dice = self.population.dice(Kind::AdministrativeUnit, self.index);
            let roll = dice.roll(field as u64);
            let place = pick(dice.roll(Field::DisplayName as u64), PLACES);
            let dynamic = dice.per_mille(Field::MembershipRule as u64, 200);
            match field {
                Field::Id => text(out, self.population.id(Kind::AdministrativeUnit, self.index)),
                Field::Description if !one_in(roll, 3) => {
                    put!(out, "\"", pick(roll, DEPARTMENTS), " in ", place.country, "\"");
                }
                Field::DisplayName => {
                    put!(out, "\"", place.city, " ");
                    number(out, self.index);
                    put!(out, "\"");
                }
                Field::IsMemberManagementRestricted if one_in(roll, 3) => {
                    boolean(out, one_in(roll, 9))
                }
                Field::MembershipRule if dynamic => {
                    put!(out, "\"(user.country -eq \\\"", place.country, "\\\")\"");
                }
                Field::MembershipRuleProcessingState if dynamic => text(out, "On"),
                Field::MembershipType => text_or_null(out, if dynamic { "Dynamic" } else { "" }),
                Field::Visibility if one_in(roll, 7) => text(out, "HiddenMembership"),
                _ => put!(out, "null"),
            }
        }
    }
}

pub(super) mod organization {
    //! The organization: one.

    use super::*;

    fields! {
        Id "id" "Edm.String" default
        DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
        AssignedPlans "assignedPlans" "Collection(assignedPlan)" default
        BusinessPhones "businessPhones" "Collection(Edm.String)" default
        City "city" "Edm.String" default
        Country "country" "Edm.String" default
        CountryLetterCode "countryLetterCode" "Edm.String" default
        CreatedDateTime "createdDateTime" "Edm.DateTimeOffset" default
        DefaultUsageLocation "defaultUsageLocation" "Edm.String" default
        DisplayName "displayName" "Edm.String" default
        MarketingNotificationEmails "marketingNotificationEmails" "Collection(Edm.String)" default
        MobileDeviceManagementAuthority "mobileDeviceManagementAuthority" "mdmAuthority" default
        OnPremisesLastSyncDateTime "onPremisesLastSyncDateTime" "Edm.DateTimeOffset" default
        OnPremisesSyncEnabled "onPremisesSyncEnabled" "Edm.Boolean" default
        PartnerTenantType "partnerTenantType" "partnerTenantType" default
        PostalCode "postalCode" "Edm.String" default
        PreferredLanguage "preferredLanguage" "Edm.String" default
        PrivacyProfile "privacyProfile" "privacyProfile" default
        ProvisionedPlans "provisionedPlans" "Collection(provisionedPlan)" default
        SecurityComplianceNotificationMails "securityComplianceNotificationMails" "Collection(Edm.String)" default
        SecurityComplianceNotificationPhones "securityComplianceNotificationPhones" "Collection(Edm.String)" default
        State "state" "Edm.String" default
        Street "street" "Edm.String" default
        TechnicalNotificationMails "technicalNotificationMails" "Collection(Edm.String)" default
        TenantType "tenantType" "Edm.String" default
        VerifiedDomains "verifiedDomains" "Collection(verifiedDomain)" default
    }

    pub(in super::super) struct Row<'a> {
        population: &'a Population,
    }

    impl<'a> Row<'a> {
        pub(in super::super) fn new(population: &'a Population, _index: u64) -> Self {
            Self { population }
        }

        fn put(&self, field: Field, out: &mut Vec<u8>) {
            let dice = self.population.dice(Kind::Organization, 0);
            let roll = dice.roll(field as u64);
            let place = &PLACES[0];
            // The organization has every plan that the largest combination of licences has.
            let plans = self.population.plans.profile(6);
            match field {
                Field::Id => text(out, TENANT_ID),
                Field::AssignedPlans => put!(out, plans.assigned[roll as usize % DATES]),
                Field::ProvisionedPlans => put!(out, plans.provisioned),
                Field::BusinessPhones => put!(out, "[\"", place.dial, "0100\"]"),
                Field::City => text(out, place.city),
                Field::Country | Field::CountryLetterCode => text(out, place.code),
                Field::CreatedDateTime => moment(out, NOW - 3_100 * DAY),
                Field::DisplayName => text(out, "Contoso"),
                Field::MobileDeviceManagementAuthority => text(out, "intune"),
                Field::OnPremisesLastSyncDateTime => moment(out, NOW - below(roll, 1_800) as i64),
                Field::OnPremisesSyncEnabled => put!(out, "true"),
                Field::PostalCode => text(out, place.postal),
                Field::PreferredLanguage => text(out, "en"),
                Field::PrivacyProfile => {
                    put!(out, "{\"contactEmail\":\"privacy@contoso.example\",");
                    put!(out, "\"statementUrl\":\"https:\\/\\/contoso.example\\/privacy\"}");
                }
                Field::State => text(out, place.state),
                Field::Street => text(out, place.street),
                Field::TechnicalNotificationMails => put!(out, "[\"it@contoso.example\"]"),
                Field::MarketingNotificationEmails
                | Field::SecurityComplianceNotificationMails
                | Field::SecurityComplianceNotificationPhones => put!(out, "[]"),
                Field::TenantType => text(out, "AAD"),
                Field::VerifiedDomains => put_domains(out),
                Field::DefaultUsageLocation | Field::PartnerTenantType | Field::DeletedDateTime => {
                    put!(out, "null");
                }
            }
        }
    }

    fn put_domains(out: &mut Vec<u8>) {
        for (n, name) in DOMAINS.iter().enumerate() {
            put!(out, if n == 0 { "[" } else { "," });
            put!(out, "{\"capabilities\":\"Email, OfficeCommunicationsOnline\",\"isDefault\":");
            boolean(out, n == 0);
            put!(out, ",\"isInitial\":");
            boolean(out, *name == INITIAL_DOMAIN);
            put!(out, ",\"name\":\"", name, "\",\"type\":\"Managed\"}");
        }
        put!(out, "]");
    }
}

pub(super) mod domain {
    //! Domains, whose ids are their names.

    use super::*;

    fields! {
        Id "id" "Edm.String" default
        AuthenticationType "authenticationType" "Edm.String" default
        AvailabilityStatus "availabilityStatus" "Edm.String" default
        IsAdminManaged "isAdminManaged" "Edm.Boolean" default
        IsDefault "isDefault" "Edm.Boolean" default
        IsInitial "isInitial" "Edm.Boolean" default
        IsRoot "isRoot" "Edm.Boolean" default
        IsVerified "isVerified" "Edm.Boolean" default
        Manufacturer "manufacturer" "Edm.String" default
        Model "model" "Edm.String" default
        PasswordNotificationWindowInDays "passwordNotificationWindowInDays" "Edm.Int32" default
        PasswordValidityPeriodInDays "passwordValidityPeriodInDays" "Edm.Int32" default
        State "state" "domainState" default
        SupportedServices "supportedServices" "Collection(Edm.String)" default
    }

    pub(in super::super) struct Row<'a> {
        index: u64,
        name: &'static str,
        population: &'a Population,
    }

    impl<'a> Row<'a> {
        pub(in super::super) fn new(population: &'a Population, index: u64) -> Self {
            let name = DOMAINS.get(index as usize).copied().unwrap_or_default();
            Self { index, name, population }
        }

        fn put(&self, field: Field, out: &mut Vec<u8>) {
            let roll = self.population.dice(Kind::Domain, self.index).roll(field as u64);
            match field {
                Field::Id => text(out, self.name),
                Field::AuthenticationType => {
                    text(out, if self.index == 3 { "Federated" } else { "Managed" });
                }
                Field::IsDefault => boolean(out, self.index == 0),
                Field::IsInitial => boolean(out, self.name == INITIAL_DOMAIN),
                Field::IsRoot => boolean(out, !self.name.starts_with("eu.")),
                Field::IsAdminManaged | Field::IsVerified => put!(out, "true"),
                Field::PasswordNotificationWindowInDays if self.index != 3 => put!(out, "14"),
                // What Entra writes for passwords that do not expire.
                Field::PasswordValidityPeriodInDays if self.index != 3 => put!(out, "2147483647"),
                Field::State if self.index == 3 => {
                    put!(out, "{\"lastActionDateTime\":");
                    if one_in(roll, 2) {
                        put!(out, NEVER)
                    } else {
                        moment(out, NOW - 90 * DAY)
                    }
                    put!(out, ",\"operation\":\"ForceDelete\",\"status\":\"Failed\"}");
                }
                Field::SupportedServices => {
                    put!(out, "[\"Email\",\"OfficeCommunicationsOnline\"]");
                }
                _ => put!(out, "null"),
            }
        }
    }
}
