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

pub(super) use super::account::{find, manager, write_display_name};

fields! {
    Id "id" default
    DeletedDateTime "deletedDateTime" select
    AboutMe "aboutMe" single
    AccountEnabled "accountEnabled" select
    AgeGroup "ageGroup" select
    AssignedLicenses "assignedLicenses" select
    AssignedPlans "assignedPlans" select
    AuthorizationInfo "authorizationInfo" select
    Birthday "birthday" single
    BusinessPhones "businessPhones" default
    City "city" select
    CompanyName "companyName" select
    ConsentProvidedForMinor "consentProvidedForMinor" select
    Country "country" select
    CreatedDateTime "createdDateTime" select
    CreationType "creationType" select
    CustomSecurityAttributes "customSecurityAttributes" select
    Department "department" select
    DeviceEnrollmentLimit "deviceEnrollmentLimit" select
    DisplayName "displayName" default
    EmployeeHireDate "employeeHireDate" select
    EmployeeId "employeeId" select
    EmployeeLeaveDateTime "employeeLeaveDateTime" select
    EmployeeOrgData "employeeOrgData" select
    EmployeeType "employeeType" select
    ExternalUserState "externalUserState" select
    ExternalUserStateChangeDateTime "externalUserStateChangeDateTime" select
    FaxNumber "faxNumber" select
    GivenName "givenName" default
    HireDate "hireDate" single
    Identities "identities" select
    IdentityParentId "identityParentId" select
    ImAddresses "imAddresses" select
    Interests "interests" single
    IsManagementRestricted "isManagementRestricted" select
    IsResourceAccount "isResourceAccount" select
    JobTitle "jobTitle" default
    LastPasswordChangeDateTime "lastPasswordChangeDateTime" select
    LegalAgeGroupClassification "legalAgeGroupClassification" select
    LicenseAssignmentStates "licenseAssignmentStates" select
    Mail "mail" default
    MailboxSettings "mailboxSettings" single
    MailNickname "mailNickname" select
    MobilePhone "mobilePhone" default
    MySite "mySite" single
    OfficeLocation "officeLocation" default
    OnPremisesDistinguishedName "onPremisesDistinguishedName" select
    OnPremisesDomainName "onPremisesDomainName" select
    OnPremisesExtensionAttributes "onPremisesExtensionAttributes" select
    OnPremisesImmutableId "onPremisesImmutableId" select
    OnPremisesLastSyncDateTime "onPremisesLastSyncDateTime" select
    OnPremisesProvisioningErrors "onPremisesProvisioningErrors" select
    OnPremisesSamAccountName "onPremisesSamAccountName" select
    OnPremisesSecurityIdentifier "onPremisesSecurityIdentifier" select
    OnPremisesSyncEnabled "onPremisesSyncEnabled" select
    OnPremisesUserPrincipalName "onPremisesUserPrincipalName" select
    OtherMails "otherMails" select
    PasswordPolicies "passwordPolicies" select
    PasswordProfile "passwordProfile" select
    PastProjects "pastProjects" single
    PostalCode "postalCode" select
    PreferredDataLocation "preferredDataLocation" select
    PreferredLanguage "preferredLanguage" default
    PreferredName "preferredName" single
    Print "print" select
    ProvisionedPlans "provisionedPlans" select
    ProxyAddresses "proxyAddresses" select
    Responsibilities "responsibilities" single
    Schools "schools" single
    SecurityIdentifier "securityIdentifier" select
    ServiceProvisioningErrors "serviceProvisioningErrors" select
    ShowInAddressList "showInAddressList" select
    SignInActivity "signInActivity" select
    SignInSessionsValidFromDateTime "signInSessionsValidFromDateTime" select
    Skills "skills" single
    State "state" select
    StreetAddress "streetAddress" select
    Surname "surname" default
    UsageLocation "usageLocation" select
    UserPrincipalName "userPrincipalName" default
    UserType "userType" select
    ExtensionCostCentre "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_costCentre" select
    ExtensionBadge "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_badgeNumber" select
    ExtensionOnCall "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_onCall" select
    ExtensionSkills "extension_6f1c2d3e4b5a49788c7d6e5f4a3b2c1d_skillCodes" select
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
