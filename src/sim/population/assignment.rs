//! App role assignments and permission grants.
//!
//! Assignments are numbered by principal: users, then groups, then service principals, each with
//! a count from a repeating pattern. Their resources go round in a circle, so that both sides of
//! an assignment can be listed without a search.

use super::chance::{below, pick};
use super::json::{DAY, NOW, fields, moment_fine, put, text};
use super::{Kind, Object, Population, application, group, service_principal, user};

/// How many assignments the principals of a kind have, over and over.
struct Pattern(&'static [u64]);

const OF_USERS: Pattern = Pattern(&[0, 1, 2, 3, 0, 1, 1]);
const OF_GROUPS: Pattern = Pattern(&[0, 0, 1, 0, 2]);
const OF_SERVICES: Pattern = Pattern(&[3, 1, 0, 5]);

impl Pattern {
    fn round(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many assignments the principals before this one have.
    fn before(&self, principal: u64) -> u64 {
        let length = self.0.len() as u64;
        let within = (principal % length) as usize;
        principal / length * self.round() + self.0.iter().take(within).sum::<u64>()
    }

    fn of(&self, principal: u64) -> u64 {
        self.0[(principal % self.0.len() as u64) as usize]
    }

    /// Whose assignment this is.
    fn principal(&self, assignment: u64) -> u64 {
        let mut rest = assignment % self.round();
        let mut within = 0;
        for &count in self.0 {
            if rest < count {
                break;
            }
            rest -= count;
            within += 1;
        }
        assignment / self.round() * self.0.len() as u64 + within
    }
}

/// Where the assignments of users end, of groups, and of all.
fn ends(population: &Population) -> (u64, u64, u64) {
    let users = OF_USERS.before(population.count(Kind::User));
    let groups = users + OF_GROUPS.before(population.count(Kind::Group));
    (users, groups, groups + OF_SERVICES.before(population.count(Kind::ServicePrincipal)))
}

pub(super) fn total(population: &Population) -> u64 {
    ends(population).2
}

/// The first assignment of a principal and how many follow each other.
pub(super) fn of_principal(population: &Population, of: Object) -> (u64, u64) {
    let (users, groups, _) = ends(population);
    match of.kind {
        Kind::User => (OF_USERS.before(of.index), OF_USERS.of(of.index)),
        Kind::Group => (users + OF_GROUPS.before(of.index), OF_GROUPS.of(of.index)),
        Kind::ServicePrincipal => (groups + OF_SERVICES.before(of.index), OF_SERVICES.of(of.index)),
        _ => (0, 0),
    }
}

/// The assignments of a resource: every `step`-th from the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Assigned {
    pub(super) first: u64,
    pub(super) step: u64,
    pub(super) count: u64,
}

/// A few resources, one in 16, take half of all assignments.
const POPULAR_ONE_IN: u64 = 16;

fn popular(population: &Population) -> u64 {
    population.count(Kind::ServicePrincipal) / POPULAR_ONE_IN + 1
}

/// Swaps Microsoft Graph with the first service, so that Graph is among the popular ones.
fn rank(population: &Population, service: u64) -> u64 {
    let graph = service_principal::graph(population);
    match service {
        0 => graph,
        _ if service == graph => 0,
        _ => service,
    }
}

pub(super) fn of_resource(population: &Population, of: Object) -> Assigned {
    if of.kind != Kind::ServicePrincipal {
        return Assigned::default();
    }
    let (all, popular) = (total(population), popular(population));
    let others = population.count(Kind::ServicePrincipal) - popular;
    let rank = rank(population, of.index);
    let (first, step, end) = if rank < popular {
        (rank, popular, all / 2)
    } else {
        (all / 2 + rank - popular, others, all)
    };
    let count = if step == 0 { 0 } else { end.saturating_sub(first).div_ceil(step) };
    Assigned { first, step, count }
}

fn resource(population: &Population, assignment: u64) -> u64 {
    let (all, popular) = (total(population), popular(population));
    let others = population.count(Kind::ServicePrincipal) - popular;
    let place = if assignment < all / 2 {
        assignment % popular
    } else {
        popular + (assignment - all / 2).checked_rem(others).unwrap_or(0)
    };
    rank(population, place)
}

pub(super) fn principal(population: &Population, assignment: u64) -> Object {
    let (users, groups, _) = ends(population);
    if assignment < users {
        Object { kind: Kind::User, index: OF_USERS.principal(assignment) }
    } else if assignment < groups {
        Object { kind: Kind::Group, index: OF_GROUPS.principal(assignment - users) }
    } else {
        Object { kind: Kind::ServicePrincipal, index: OF_SERVICES.principal(assignment - groups) }
    }
}

fields! {
    Id "id" "Edm.String" default
    DeletedDateTime "deletedDateTime" "Edm.DateTimeOffset" default
    AppRoleId "appRoleId" "Edm.Guid" default
    CreatedDateTime "createdDateTime" "Edm.DateTimeOffset" default
    PrincipalDisplayName "principalDisplayName" "Edm.String" default
    PrincipalId "principalId" "Edm.Guid" default
    PrincipalType "principalType" "Edm.String" default
    ResourceDisplayName "resourceDisplayName" "Edm.String" default
    ResourceId "resourceId" "Edm.Guid" default
}

pub(super) struct Row<'a> {
    population: &'a Population,
    index: u64,
    principal: Object,
    resource: u64,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let (principal, resource) = (principal(population, index), resource(population, index));
        Self { population, index, principal, resource }
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let population = self.population;
        let dice = population.dice(Kind::AppRoleAssignment, self.index);
        let roll = dice.roll(field as u64);
        match field {
            Field::Id => {
                out.push(b'"');
                population
                    .write_id(Object { kind: Kind::AppRoleAssignment, index: self.index }, out);
                out.push(b'"');
            }
            Field::DeletedDateTime => put!(out, "null"),
            Field::AppRoleId => {
                text(out, service_principal::role_id(population, self.resource, roll));
            }
            Field::CreatedDateTime => {
                moment_fine(out, NOW - below(roll, 2_000 * DAY as u64) as i64, roll % 10_000_000);
            }
            Field::PrincipalDisplayName => match self.principal.kind {
                Kind::User => user::write_display_name(population, self.principal.index, out),
                Kind::Group => group::write_display_name(population, self.principal.index, out),
                _ => application::write_display_name(population, self.principal.index, out),
            },
            Field::PrincipalId => {
                text(out, population.id(self.principal.kind, self.principal.index))
            }
            Field::PrincipalType => text(
                out,
                match self.principal.kind {
                    Kind::User => "User",
                    Kind::Group => "Group",
                    _ => "ServicePrincipal",
                },
            ),
            Field::ResourceDisplayName => {
                application::write_display_name(population, self.resource, out);
            }
            Field::ResourceId => text(out, population.id(Kind::ServicePrincipal, self.resource)),
        }
    }
}

pub(super) mod grant {
    //! Delegated permissions granted to a client, for one user or for all.

    use super::*;

    fields! {
        Id "id" "Edm.String" default
        ClientId "clientId" "Edm.String" default
        ConsentType "consentType" "Edm.String" default
        PrincipalId "principalId" "Edm.String" default
        ResourceId "resourceId" "Edm.String" default
        Scope "scope" "Edm.String" default
    }

    /// A scope text begins with a blank where consent was given step by step.
    const SCOPES: &[&str] = &[
        "User.Read",
        "openid profile offline_access User.Read",
        " User.Read User.ReadBasic.All Group.Read.All",
        "Mail.Read Calendars.Read",
        " Directory.Read.All",
        "Files.Read.All Sites.Read.All offline_access",
        "user_impersonation",
        "email openid profile",
    ];

    pub(in super::super) struct Row<'a> {
        population: &'a Population,
        index: u64,
    }

    impl<'a> Row<'a> {
        pub(in super::super) fn new(population: &'a Population, index: u64) -> Self {
            Self { population, index }
        }

        fn put(&self, field: Field, out: &mut Vec<u8>) {
            let population = self.population;
            let services = population.count(Kind::ServicePrincipal);
            let dice = population.dice(Kind::OAuth2PermissionGrant, self.index);
            let roll = dice.roll(field as u64);
            let for_all = self.index < 2 * services || population.count(Kind::User) == 0;
            match field {
                Field::Id => {
                    out.push(b'"');
                    let kind = Kind::OAuth2PermissionGrant;
                    population.write_id(Object { kind, index: self.index }, out);
                    out.push(b'"');
                }
                Field::ClientId => {
                    text(out, population.id(Kind::ServicePrincipal, self.index % services))
                }
                Field::ConsentType => {
                    text(out, if for_all { "AllPrincipals" } else { "Principal" })
                }
                Field::PrincipalId if for_all => put!(out, "null"),
                Field::PrincipalId => {
                    text(out, population.id(Kind::User, below(roll, population.count(Kind::User))));
                }
                Field::ResourceId => {
                    // Two of three go to Microsoft Graph.
                    let graph = service_principal::graph(population);
                    let resource = if roll % 3 < 2 { graph } else { below(roll, services) };
                    text(out, population.id(Kind::ServicePrincipal, resource));
                }
                Field::Scope => text(out, pick(roll, SCOPES)),
            }
        }
    }
}
