//! Devices: joined, registered and hybrid, of four operating systems.

use super::chance::{Dice, below, one_in, pick};
use super::ids::tag;
use super::json::{
    DAY, NEVER, NOW, boolean, digits, fields, moment, moment_fine, number, put, text,
};
use super::{Kind, Population};

fields! {
    Id "id" "Edm.String" default
    DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
    AccountEnabled "accountEnabled" "Edm.Boolean" default
    AlternativeSecurityIds "alternativeSecurityIds" "Collection(alternativeSecurityId)" default
    ApproximateLastSignInDateTime "approximateLastSignInDateTime" "Edm.DateTimeOffset" default
    ComplianceExpirationDateTime "complianceExpirationDateTime" "Edm.DateTimeOffset" default
    DeviceCategory "deviceCategory" "Edm.String" default
    DeviceId "deviceId" "Edm.String" default
    DeviceMetadata "deviceMetadata" "Edm.String" default
    DeviceOwnership "deviceOwnership" "Edm.String" default
    DeviceVersion "deviceVersion" "Edm.Int32" default
    DisplayName "displayName" "Edm.String" default
    EnrollmentProfileName "enrollmentProfileName" "Edm.String" default
    EnrollmentType "enrollmentType" "Edm.String" default
    IsCompliant "isCompliant" "Edm.Boolean" default
    IsManaged "isManaged" "Edm.Boolean" default
    IsManagementRestricted "isManagementRestricted" "Edm.Boolean" default
    IsRooted "isRooted" "Edm.Boolean" default
    ManagementType "managementType" "Edm.String" default
    Manufacturer "manufacturer" "Edm.String" default
    MdmAppId "mdmAppId" "Edm.String" default
    Model "model" "Edm.String" default
    OnPremisesLastSyncDateTime "onPremisesLastSyncDateTime" "Edm.DateTimeOffset" default
    OnPremisesSecurityIdentifier "onPremisesSecurityIdentifier" "Edm.String" default
    OnPremisesSyncEnabled "onPremisesSyncEnabled" "Edm.Boolean" default
    OperatingSystem "operatingSystem" "Edm.String" default
    OperatingSystemVersion "operatingSystemVersion" "Edm.String" default
    PhysicalIds "physicalIds" "Collection(Edm.String)" default
    ProfileType "profileType" "Edm.String" default
    RegistrationDateTime "registrationDateTime" "Edm.DateTimeOffset" default
    SystemLabels "systemLabels" "Collection(Edm.String)" default
    TrustType "trustType" "Edm.String" default
}

/// A make of device: system, versions, maker, model, prefix of names.
#[derive(Debug)]
struct Make {
    system: &'static str,
    versions: &'static [&'static str],
    maker: &'static str,
    model: &'static str,
    prefix: &'static str,
}

const MAKES: &[Make] = &[
    Make {
        system: "Windows",
        versions: &["10.0.26100.4351", "10.0.22631.5472"],
        maker: "LENOVO",
        model: "21HMS0XA00",
        prefix: "DESKTOP-",
    },
    Make {
        system: "Windows",
        versions: &["10.0.19045.5965"],
        maker: "Dell Inc.",
        model: "Latitude 7440",
        prefix: "LAP-",
    },
    Make {
        system: "Windows",
        versions: &["10.0.26100.4202"],
        maker: "Microsoft Corporation",
        model: "Surface Laptop 7 15\\\"",
        prefix: "SURF-",
    },
    Make {
        system: "iOS",
        versions: &["18.5", "17.7.2"],
        maker: "Apple",
        model: "iPhone 15 Pro",
        prefix: "iPhone von ",
    },
    Make {
        system: "Android",
        versions: &["15", "14"],
        maker: "samsung",
        model: "SM-S921B",
        prefix: "Galaxy \\u2014 ",
    },
    Make {
        system: "MacMDM",
        versions: &["15.5.0 (24F74)"],
        maker: "Apple",
        model: "MacBook Pro 14\\u2033",
        prefix: "MacBook’",
    },
];

/// Question that concerns several properties.
const MAKE: u64 = 1_200;

/// A device.
pub(super) struct Row<'a> {
    population: &'a Population,
    index: u64,
    dice: Dice,
    make: &'static Make,
    /// Whether its life is managed, and whether it is also joined to the local directory.
    managed: bool,
    hybrid: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let dice = population.dice(Kind::Device, index);
        let roll = dice.roll(MAKE);
        let make = pick(roll, MAKES);
        let hybrid = make.system == "Windows" && one_in(roll, 4);
        Self { population, index, dice, make, managed: !one_in(roll, 5), hybrid }
    }

    fn roll(&self, field: Field) -> u64 {
        self.dice.roll(field as u64)
    }

    fn registered(&self) -> i64 {
        NOW - 35 * DAY - below(self.roll(Field::RegistrationDateTime), 1_500 * DAY as u64) as i64
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        let make = self.make;
        match field {
            Field::Id => text(out, self.population.id(Kind::Device, self.index)),
            Field::AccountEnabled => boolean(out, !one_in(roll, 25)),
            Field::AlternativeSecurityIds | Field::PhysicalIds | Field::SystemLabels => {
                self.put_lists(field, out);
            }
            Field::ApproximateLastSignInDateTime if one_in(roll, 40) => put!(out, NEVER),
            Field::ApproximateLastSignInDateTime => {
                moment(out, NOW - below(roll, 35 * DAY as u64) as i64);
            }
            Field::ComplianceExpirationDateTime if self.managed => {
                moment_fine(out, NOW + below(roll, 30 * DAY as u64) as i64, roll & 0x7f_ffff);
            }
            Field::DeviceCategory if one_in(roll, 30) => text(out, "Kiosk"),
            Field::DeviceId => text(out, self.population.guid(tag::DEVICE, self.index)),
            Field::DeviceOwnership if self.managed => {
                text(out, if one_in(roll, 5) { "Personal" } else { "Company" });
            }
            Field::DeviceVersion => put!(out, "2"),
            Field::DisplayName => {
                put!(out, "\"", make.prefix);
                digits(out, self.index, 7);
                put!(out, "\"");
            }
            Field::EnrollmentProfileName if one_in(roll, 9) => text(out, "Autopilot – Standard"),
            Field::EnrollmentType if self.managed => text(out, "AzureDomainJoined"),
            Field::IsCompliant if self.managed => boolean(out, !one_in(roll, 12)),
            Field::IsManaged if self.managed || one_in(roll, 2) => boolean(out, self.managed),
            Field::IsRooted if matches!(make.system, "iOS" | "Android") => {
                boolean(out, one_in(roll, 200));
            }
            Field::ManagementType if self.managed => text(out, "MDM"),
            Field::Manufacturer => text(out, make.maker),
            Field::MdmAppId if self.managed => text(out, "0000000a-0000-0000-c000-000000000000"),
            Field::Model => text(out, make.model),
            Field::OnPremisesLastSyncDateTime if self.hybrid => {
                moment(out, NOW - below(roll, 1_800) as i64);
            }
            Field::OnPremisesSecurityIdentifier if self.hybrid => {
                put!(out, "\"S-1-5-21-3623811015-3361044348-30300820-");
                number(out, 5_000_000_000 + self.index);
                put!(out, "\"");
            }
            Field::OnPremisesSyncEnabled if self.hybrid => put!(out, "true"),
            Field::OperatingSystem => text(out, make.system),
            Field::OperatingSystemVersion => text(out, pick(roll, make.versions)),
            Field::ProfileType => text(out, "RegisteredDevice"),
            Field::RegistrationDateTime => moment(out, self.registered()),
            Field::TrustType if self.hybrid => text(out, "ServerAd"),
            Field::TrustType => text(out, if self.managed { "AzureAd" } else { "Workplace" }),
            _ => put!(out, "null"),
        }
    }

    fn put_lists(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        match field {
            Field::AlternativeSecurityIds => {
                put!(
                    out,
                    "[{\"type\":2,\"identityProvider\":null,\"key\":\"WAA1ADAAOQA6ADwAUwBIAEEAMQ"
                );
                digits(out, roll, 14);
                put!(out, "\"}]");
            }
            Field::PhysicalIds => {
                let id = self.population.guid(tag::DEVICE, self.index);
                put!(out, "[\"[USER-GID]:", id, ":");
                number(out, 6_755_399_441_055_744 + roll % 1_000);
                put!(out, "\",\"[GID]:g:");
                number(out, 6_755_399_441_055_744 + roll % 1_000);
                put!(out, "\",\"[USER-HWID]:", id, ":");
                number(out, 6_825_768_185_233_408 + roll % 1_000);
                put!(out, "\",\"[HWID]:h:6825768185233408\"");
                if self.managed && one_in(roll, 3) {
                    put!(out, ",\"[ZTDID]:", self.population.guid(tag::KEY, self.index), "\"");
                }
                put!(out, "]");
            }
            _ if one_in(roll, 20) => put!(out, "[\"M365Managed\"]"),
            _ => put!(out, "[]"),
        }
    }
}
