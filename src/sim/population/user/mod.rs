//! Users: every property that Graph's v1.0 documents, and four directory extensions.

use super::account::Account;
use super::chance::{below, one_in};
use super::directory::INITIAL_DOMAIN;
use super::json::{DAY, NOW, fields, put, text};
use super::plans::{DATES, PROFILE_OF, Profile};
use super::{Kind, Population};

mod access;
pub(super) mod premises;
mod work;

pub(super) use super::account::{find, is_guest, manager, write_display_name};

fields! {
    Id "id" "Edm.String" default
    DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" select
    AboutMe "aboutMe" "Edm.String" single
    AccountEnabled "accountEnabled" "Edm.Boolean" select
    AgeGroup "ageGroup" "Edm.String" select
    AssignedLicenses "assignedLicenses" "Collection(assignedLicense)" select
    AssignedPlans "assignedPlans" "Collection(assignedPlan)" select
    AuthorizationInfo "authorizationInfo" "authorizationInfo" select
    Birthday "birthday" "Edm.DateTimeOffset" single
    BusinessPhones "businessPhones" "Collection(Edm.String)" default
    City "city" "Edm.String" select
    CompanyName "companyName" "Edm.String" select
    ConsentProvidedForMinor "consentProvidedForMinor" "Edm.String" select
    Country "country" "Edm.String" select
    CreatedDateTime "createdDateTime" "Edm.DateTimeOffset" select
    CreationType "creationType" "Edm.String" select
    CustomSecurityAttributes "customSecurityAttributes" "customSecurityAttributeValue" select
    Department "department" "Edm.String" select
    // Intune keeps it, but Graph does not name it among what only a single user has: lists give it.
    DeviceEnrollmentLimit "deviceEnrollmentLimit" "Edm.Int32" select
    DisplayName "displayName" "Edm.String" default
    EmployeeHireDate "employeeHireDate" "Edm.DateTimeOffset" select
    EmployeeId "employeeId" "Edm.String" select
    EmployeeLeaveDateTime "employeeLeaveDateTime" "Edm.DateTimeOffset" select
    EmployeeOrgData "employeeOrgData" "employeeOrgData" select
    EmployeeType "employeeType" "Edm.String" select
    ExternalUserState "externalUserState" "Edm.String" select
    ExternalUserStateChangeDateTime "externalUserStateChangeDateTime" "Edm.DateTimeOffset" select
    FaxNumber "faxNumber" "Edm.String" select
    GivenName "givenName" "Edm.String" default
    HireDate "hireDate" "Edm.DateTimeOffset" single
    Identities "identities" "Collection(objectIdentity)" select
    IdentityParentId "identityParentId" "Edm.String" select
    ImAddresses "imAddresses" "Collection(Edm.String)" select
    Interests "interests" "Collection(Edm.String)" single
    IsManagementRestricted "isManagementRestricted" "Edm.Boolean" select
    IsResourceAccount "isResourceAccount" "Edm.Boolean" select
    JobTitle "jobTitle" "Edm.String" default
    LastPasswordChangeDateTime "lastPasswordChangeDateTime" "Edm.DateTimeOffset" select
    LegalAgeGroupClassification "legalAgeGroupClassification" "Edm.String" select
    LicenseAssignmentStates "licenseAssignmentStates" "Collection(licenseAssignmentState)" select
    Mail "mail" "Edm.String" default
    MailboxSettings "mailboxSettings" "mailboxSettings" single
    MailNickname "mailNickname" "Edm.String" select
    MobilePhone "mobilePhone" "Edm.String" default
    MySite "mySite" "Edm.String" single
    OfficeLocation "officeLocation" "Edm.String" default
    OnPremisesDistinguishedName "onPremisesDistinguishedName" "Edm.String" select
    OnPremisesDomainName "onPremisesDomainName" "Edm.String" select
    OnPremisesExtensionAttributes "onPremisesExtensionAttributes" "onPremisesExtensionAttributes" select
    OnPremisesImmutableId "onPremisesImmutableId" "Edm.String" select
    OnPremisesLastSyncDateTime "onPremisesLastSyncDateTime" "Edm.DateTimeOffset" select
    OnPremisesProvisioningErrors "onPremisesProvisioningErrors" "Collection(onPremisesProvisioningError)" select
    OnPremisesSamAccountName "onPremisesSamAccountName" "Edm.String" select
    OnPremisesSecurityIdentifier "onPremisesSecurityIdentifier" "Edm.String" select
    OnPremisesSyncEnabled "onPremisesSyncEnabled" "Edm.Boolean" select
    OnPremisesUserPrincipalName "onPremisesUserPrincipalName" "Edm.String" select
    OtherMails "otherMails" "Collection(Edm.String)" select
    PasswordPolicies "passwordPolicies" "Edm.String" select
    PasswordProfile "passwordProfile" "passwordProfile" select
    PastProjects "pastProjects" "Collection(Edm.String)" single
    PostalCode "postalCode" "Edm.String" select
    PreferredDataLocation "preferredDataLocation" "Edm.String" select
    PreferredLanguage "preferredLanguage" "Edm.String" default
    PreferredName "preferredName" "Edm.String" single
    Print "print" "userPrint" select
    ProvisionedPlans "provisionedPlans" "Collection(provisionedPlan)" select
    ProxyAddresses "proxyAddresses" "Collection(Edm.String)" select
    Responsibilities "responsibilities" "Collection(Edm.String)" single
    Schools "schools" "Collection(Edm.String)" single
    SecurityIdentifier "securityIdentifier" "Edm.String" select
    ServiceProvisioningErrors "serviceProvisioningErrors" "Collection(serviceProvisioningError)" select
    ShowInAddressList "showInAddressList" "Edm.Boolean" select
    SignInActivity "signInActivity" "signInActivity" select
    SignInSessionsValidFromDateTime "signInSessionsValidFromDateTime" "Edm.DateTimeOffset" select
    Skills "skills" "Collection(Edm.String)" single
    State "state" "Edm.String" select
    StreetAddress "streetAddress" "Edm.String" select
    Surname "surname" "Edm.String" default
    UsageLocation "usageLocation" "Edm.String" select
    UserPrincipalName "userPrincipalName" "Edm.String" default
    UserType "userType" "Edm.String" select
    ExtensionCostCentre "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_costCentre" "Edm.String" extension
    ExtensionBadge "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_badgeNumber" "Edm.Int32" extension
    ExtensionOnCall "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_onCall" "Edm.Boolean" extension
    ExtensionSkills "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_skillCodes" "Collection(Edm.String)" extension
}

/// Questions that concern several properties.
const PROFILE: u64 = 1_200;
const SYNCED: u64 = 1_201;
const CREATED: u64 = 1_202;

/// A user, worked out as far as most properties need it.
pub(super) struct Row<'a> {
    population: &'a Population,
    account: Account,
    profile: &'a Profile,
    date: usize,
    synced: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let account = Account::new(population, index);
        let roll = account.dice.roll(PROFILE);
        let none = account.guest && !one_in(roll, 10);
        let number = if none { 0 } else { usize::from(PROFILE_OF[(roll >> 32 & 63) as usize]) };
        Self {
            population,
            profile: population.plans.profile(number),
            date: (roll >> 40) as usize % DATES,
            synced: !account.guest && account.dice.per_mille(SYNCED, 600),
            account,
        }
    }

    fn roll(&self, field: Field) -> u64 {
        self.account.dice.roll(field as u64)
    }

    fn per_mille(&self, field: Field, parts: u64) -> bool {
        self.account.dice.per_mille(field as u64, parts)
    }

    fn created(&self) -> i64 {
        NOW - 40 * DAY - below(self.account.dice.roll(CREATED), 3_000 * DAY as u64) as i64
    }

    /// Some moment after the user was created.
    fn since_created(&self, field: Field) -> i64 {
        let created = self.created();
        created + below(self.roll(field), (NOW - created) as u64) as i64
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        match field {
            Field::Id => text(out, self.population.id(Kind::User, self.account.index)),
            Field::DisplayName => self.account.write_display_name(out),
            Field::GivenName => text(out, self.account.person.given.0),
            Field::Surname => text(out, self.account.person.family.0),
            Field::UserPrincipalName => self.put_upn(out),
            Field::AssignedLicenses => put!(out, self.profile.licences),
            Field::AssignedPlans => put!(out, self.profile.assigned[self.date]),
            Field::ProvisionedPlans => put!(out, self.profile.provisioned),
            Field::LicenseAssignmentStates => put!(out, self.profile.states[self.date]),
            Field::OnPremisesDistinguishedName
            | Field::OnPremisesDomainName
            | Field::OnPremisesExtensionAttributes
            | Field::OnPremisesImmutableId
            | Field::OnPremisesLastSyncDateTime
            | Field::OnPremisesSamAccountName
            | Field::OnPremisesSecurityIdentifier
            | Field::OnPremisesSyncEnabled
            | Field::OnPremisesUserPrincipalName
            | Field::OnPremisesProvisioningErrors
            | Field::ServiceProvisioningErrors => self.put_on_premises(field, out),
            Field::AboutMe
            | Field::Birthday
            | Field::HireDate
            | Field::Interests
            | Field::MailboxSettings
            | Field::MySite
            | Field::PastProjects
            | Field::PreferredName
            | Field::Responsibilities
            | Field::Schools
            | Field::Skills => self.put_single(field, out),
            Field::BusinessPhones
            | Field::City
            | Field::Country
            | Field::FaxNumber
            | Field::MobilePhone
            | Field::OfficeLocation
            | Field::PostalCode
            | Field::PreferredDataLocation
            | Field::PreferredLanguage
            | Field::State
            | Field::StreetAddress
            | Field::UsageLocation => self.put_place(field, out),
            Field::CompanyName
            | Field::Department
            | Field::EmployeeHireDate
            | Field::EmployeeId
            | Field::EmployeeLeaveDateTime
            | Field::EmployeeOrgData
            | Field::EmployeeType
            | Field::JobTitle
            | Field::ExtensionCostCentre
            | Field::ExtensionBadge
            | Field::ExtensionOnCall
            | Field::ExtensionSkills
            | Field::CustomSecurityAttributes => self.put_work(field, out),
            Field::Identities
            | Field::ImAddresses
            | Field::Mail
            | Field::MailNickname
            | Field::OtherMails
            | Field::ProxyAddresses => self.put_addresses(field, out),
            _ => self.put_sign_in(field, out),
        }
    }

    fn put_upn(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        self.account.write_upn(out);
        out.push(b'"');
    }

    /// Whether the user has a mailbox here.
    fn mailed(&self) -> bool {
        !self.account.guest && self.per_mille(Field::Mail, 850)
    }

    fn put_addresses(&self, field: Field, out: &mut Vec<u8>) {
        let account = &self.account;
        match field {
            Field::Mail if self.mailed() || account.guest => {
                put!(out, "\"", account.local, "@", account.domain, "\"");
            }
            Field::Mail => put!(out, "null"),
            Field::MailNickname if account.guest => {
                put!(out, "\"", account.local, "_", account.domain, "#EXT#\"");
            }
            Field::MailNickname => text(out, account.local),
            Field::Identities => {
                put!(out, "[{\"signInType\":\"userPrincipalName\",\"issuer\":\"", INITIAL_DOMAIN);
                put!(out, "\",\"issuerAssignedId\":\"");
                account.write_upn(out);
                put!(out, "\"}");
                if account.guest {
                    put!(out, ",{\"signInType\":\"federated\",\"issuer\":\"ExternalAzureAD\"");
                    put!(out, ",\"issuerAssignedId\":null}");
                }
                put!(out, "]");
            }
            Field::ImAddresses if self.mailed() => {
                put!(out, "[\"", account.local, "@", account.domain, "\"]");
            }
            Field::OtherMails if account.guest || self.per_mille(field, 100) => {
                put!(out, "[\"", account.local, "@mail.example\"]");
            }
            Field::ProxyAddresses if self.mailed() || account.guest => {
                put!(out, "[\"SMTP:", account.local, "@", account.domain, "\"");
                if !account.guest {
                    put!(out, ",\"smtp:", account.local, "@", INITIAL_DOMAIN, "\"");
                }
                put!(out, "]");
            }
            _ => put!(out, "[]"),
        }
    }
}
