//! Audits: what was done to the directory, by whom, to what, from which value to which.

use super::account::Account;
use super::application::App;
use super::chance::{Dice, below, one_in, pick};
use super::ids::tag;
use super::json::{digits, fields, moment_fine, number, put, text};
use super::sign_in::written_at;
use super::words::{AGENTS, DEPARTMENTS};
use super::{Kind, Population, group};

fields! {
    Id "id" "Edm.String" default
    ActivityDateTime "activityDateTime" "Edm.DateTimeOffset" default
    ActivityDisplayName "activityDisplayName" "Edm.String" default
    AdditionalDetails "additionalDetails" "Collection(keyValue)" default
    Category "category" "Edm.String" default
    CorrelationId "correlationId" "Edm.String" default
    InitiatedBy "initiatedBy" "auditActivityInitiator" default
    LoggedByService "loggedByService" "Edm.String" default
    OperationType "operationType" "Edm.String" default
    Result "result" "operationResult" default
    ResultReason "resultReason" "Edm.String" default
    TargetResources "targetResources" "Collection(targetResource)" default
}

/// What ids of audits begin with; a GUID follows, then two numbers.
pub(super) const ID_PREFIX: &str = "Directory_";

/// Questions that concern several properties.
const ACTIVITY: u64 = 1_200;
const ACTOR: u64 = 1_201;
const SUFFIX: u64 = 1_202;

/// What is done: name, category, operation, service, and to what.
type Activity = (&'static str, &'static str, &'static str, &'static str, Target);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    User,
    Group,
    /// A user who joins or leaves a group: two targets.
    Membership,
    Service,
}

const ACTIVITIES: &[Activity] = &[
    ("Update user", "UserManagement", "Update", "Core Directory", Target::User),
    ("Add user", "UserManagement", "Add", "Core Directory", Target::User),
    ("Delete user", "UserManagement", "Delete", "Core Directory", Target::User),
    (
        "Reset password (self-service)",
        "UserManagement",
        "Update",
        "Self-service Password Management",
        Target::User,
    ),
    ("Change user license", "UserManagement", "Update", "Core Directory", Target::User),
    ("Add member to group", "GroupManagement", "Assign", "Core Directory", Target::Membership),
    (
        "Remove member from group",
        "GroupManagement",
        "Unassign",
        "Core Directory",
        Target::Membership,
    ),
    ("Update group", "GroupManagement", "Update", "Core Directory", Target::Group),
    ("Add service principal", "ApplicationManagement", "Add", "Core Directory", Target::Service),
    (
        "Consent to application",
        "ApplicationManagement",
        "Assign",
        "Core Directory",
        Target::Service,
    ),
    (
        "Update application – Certificates and secrets management ",
        "ApplicationManagement",
        "Update",
        "Core Directory",
        Target::Service,
    ),
];

pub(super) fn write_id(population: &Population, index: u64, out: &mut Vec<u8>) {
    let roll = population.dice(Kind::DirectoryAudit, index).roll(SUFFIX);
    put!(out, ID_PREFIX, population.id(Kind::DirectoryAudit, index), "_");
    digits(out, roll >> 40, 5);
    put!(out, "_");
    digits(out, roll & 0xffff_ffff, 8);
}

/// An audit, worked out as far as most properties need it.
pub(super) struct Row<'a> {
    population: &'a Population,
    index: u64,
    dice: Dice,
    activity: &'static Activity,
    failed: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let dice = population.dice(Kind::DirectoryAudit, index);
        let roll = dice.roll(ACTIVITY);
        Self { population, index, dice, activity: pick(roll, ACTIVITIES), failed: one_in(roll, 25) }
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.dice.roll(field as u64);
        match field {
            Field::Id => {
                put!(out, "\"");
                write_id(self.population, self.index, out);
                put!(out, "\"");
            }
            Field::ActivityDateTime => {
                let count = self.population.count(Kind::DirectoryAudit);
                let (seconds, ticks) = written_at(self.index, count, roll);
                moment_fine(out, seconds, ticks);
            }
            Field::ActivityDisplayName => text(out, self.activity.0),
            Field::AdditionalDetails => self.put_details(roll, out),
            Field::Category => text(out, self.activity.1),
            Field::CorrelationId => {
                text(
                    out,
                    self.population.guid(tag::CORRELATION, u64::from(u32::MAX) * 4 + self.index),
                );
            }
            Field::InitiatedBy => self.put_initiator(roll, out),
            Field::LoggedByService => text(out, self.activity.3),
            Field::OperationType => text(out, self.activity.2),
            Field::Result => text(out, if self.failed { "failure" } else { "success" }),
            Field::ResultReason if self.failed => {
                put!(
                    out,
                    "\"Microsoft.Online.Workflows.UserNotFoundException: \\u0027not found\\u0027\\r\\n\""
                );
            }
            Field::ResultReason => put!(out, if one_in(roll, 3) { "null" } else { "\"\"" }),
            Field::TargetResources => self.put_targets(roll, out),
        }
    }

    fn put_details(&self, roll: u64, out: &mut Vec<u8>) {
        put!(out, "[");
        if !one_in(roll, 3) {
            put!(out, "{\"key\":\"User-Agent\",\"value\":\"", pick(roll, AGENTS), "\"}");
            if roll % 3 == 1 {
                put!(out, ",{\"key\":\"DeviceId\",\"value\":null}");
            }
        }
        put!(out, "]");
    }

    /// A user, or an application: always the latter where there are no users.
    fn put_initiator(&self, roll: u64, out: &mut Vec<u8>) {
        let users = self.population.count(Kind::User);
        if users == 0 || one_in(roll, 4) {
            let services = self.population.count(Kind::ServicePrincipal);
            let service = below(self.dice.roll(ACTOR), services);
            put!(out, "{\"user\":null,\"app\":{\"appId\":null,\"displayName\":");
            App::new(self.population, service).put_display_name(out);
            put!(
                out,
                ",\"servicePrincipalId\":\"",
                self.population.id(Kind::ServicePrincipal, service)
            );
            put!(out, "\",\"servicePrincipalName\":null}}");
            return;
        }
        // Few people administer.
        let user = below(self.dice.roll(ACTOR), users.min(40));
        put!(out, "{\"app\":null,\"user\":{\"id\":\"", self.population.id(Kind::User, user));
        put!(out, "\",\"displayName\":null,\"userPrincipalName\":\"");
        Account::new(self.population, user).write_upn(out);
        put!(out, "\",\"ipAddress\":");
        if one_in(roll, 5) {
            put!(out, "\"\"}}");
        } else {
            put!(out, "\"192.0.2.");
            number(out, roll >> 20 & 255);
            put!(out, "\"}}");
        }
    }

    fn put_targets(&self, roll: u64, out: &mut Vec<u8>) {
        let population = self.population;
        let services = population.count(Kind::ServicePrincipal);
        put!(out, "[");
        match self.activity.4 {
            Target::Group => self.put_group(below(roll, population.count(Kind::Group)), out),
            Target::Service => {
                let service = below(roll, services);
                put!(
                    out,
                    "{\"id\":\"",
                    population.id(Kind::ServicePrincipal, service),
                    "\",\"displayName\":"
                );
                App::new(population, service).put_display_name(out);
                put!(
                    out,
                    ",\"type\":\"ServicePrincipal\",\"userPrincipalName\":null,\"groupType\":null"
                );
                self.put_changes(roll, out);
            }
            Target::User | Target::Membership => {
                self.put_user(roll, out);
                if self.activity.4 == Target::Membership {
                    put!(out, ",");
                    self.put_group(below(roll, population.count(Kind::Group)), out);
                }
            }
        }
        put!(out, "]");
    }

    fn put_user(&self, roll: u64, out: &mut Vec<u8>) {
        let users = self.population.count(Kind::User);
        let user = below(roll, users);
        // Without users the entry tells of one who has long gone.
        let kind = if users == 0 { tag::ACCOUNT } else { Kind::User as u64 };
        put!(
            out,
            "{\"id\":\"",
            self.population.guid(kind, user),
            "\",\"displayName\":null,\"type\":\"User\""
        );
        put!(out, ",\"userPrincipalName\":\"");
        Account::new(self.population, user).write_upn(out);
        put!(out, "\",\"groupType\":null");
        self.put_changes(roll, out);
    }

    fn put_group(&self, group: u64, out: &mut Vec<u8>) {
        put!(out, "{\"id\":\"", self.population.id(Kind::Group, group), "\",\"displayName\":");
        group::write_display_name(self.population, group, out);
        put!(out, ",\"type\":\"Group\",\"userPrincipalName\":null,\"groupType\":");
        put!(out, if one_in(group, 2) { "\"unifiedGroups\"" } else { "\"azureAD\"" });
        put!(out, ",\"modifiedProperties\":[]}");
    }

    /// The changes end a target. Values are JSON within JSON, as Entra writes them.
    fn put_changes(&self, roll: u64, out: &mut Vec<u8>) {
        put!(out, ",\"modifiedProperties\":[");
        if self.activity.2 == "Update" {
            put!(out, "{\"displayName\":\"Department\",\"oldValue\":\"[\\\"");
            put!(out, pick(roll, DEPARTMENTS), "\\\"]\",\"newValue\":\"[\\\"");
            put!(out, pick(roll << 24, DEPARTMENTS), "\\\"]\"},");
            put!(
                out,
                "{\"displayName\":\"AccountEnabled\",\"oldValue\":null,\"newValue\":\"[true]\"},"
            );
        }
        put!(out, "{\"displayName\":\"Included Updated Properties\",\"oldValue\":null,");
        put!(out, "\"newValue\":\"\\\"Department, AccountEnabled\\\"\"}]}");
    }
}
