//! Who and what is in the simulated directory, computed and never stored.
//!
//! Everything is a function of (seed, kind, index): an object is named by its [`Kind`] and index,
//! its id is a reversible scrambling of both, and its properties and relations are worked out
//! when they are asked for. A tenant of millions therefore starts at once and takes no memory.

mod account;
mod application;
mod assignment;
mod audit;
mod chance;
mod churn;
mod device;
mod directory;
mod group;
mod ids;
mod json;
mod names;
mod parse;
mod plans;
mod relations;
mod service_principal;
mod sign_in;
mod user;
mod words;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::TENANT_ID;
use chance::Dice;
pub(in crate::sim) use churn::{Happened, happenings, memberships};
use ids::{Guid, Scramble, tag};
use plans::Plans;

/// The most users a tenant has: keeps every product of two counts within 64 bits.
pub(in crate::sim) const USERS_MAX: u64 = 1 << 31;

/// The most rounds of changes: what became of a user is rolled for each of them.
pub(in crate::sim) const ROUNDS_MAX: u64 = 10_000;

/// Of so many users, and of so many service principals, one is an agent's.
const AGENT_USER_EVERY: u64 = 2_000;
const AGENT_IDENTITY_EVERY: u64 = 100;

/// The kinds of object that Graph lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::sim) enum Kind {
    User,
    Group,
    Device,
    Application,
    ServicePrincipal,
    DirectoryRole,
    AdministrativeUnit,
    Organization,
    Domain,
    SubscribedSku,
    AppRoleAssignment,
    OAuth2PermissionGrant,
    SignIn,
    DirectoryAudit,
}

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::sim) struct Object {
    pub(in crate::sim) kind: Kind,
    pub(in crate::sim) index: u64,
}

/// A relation from one object to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::sim) enum Relation {
    /// Of groups, directory roles and administrative units.
    Members,
    /// Of groups, applications and service principals; of devices it is `registeredOwners`.
    Owners,
    /// Of users: at most one.
    Manager,
    /// Of users, groups and service principals (as the resource: see `AppRoleAssignedTo`).
    AppRoleAssignments,
    /// Of service principals, as the resource.
    AppRoleAssignedTo,
}

/// One property of a kind, as the engine needs to know it.
#[derive(Debug)]
pub(in crate::sim) struct Property {
    /// Graph's name.
    pub(in crate::sim) name: &'static str,
    /// Its type: `Edm.…`, or one of `complex`, or a `Collection(…)` of these.
    pub(in crate::sim) of: &'static str,
    /// A directory extension, which the schema does not declare.
    pub(in crate::sim) extension: bool,
    /// Returned when there is no `$select`.
    pub(in crate::sim) default: bool,
    /// Answered with 501 when a list selects it.
    pub(in crate::sim) single_only: bool,
}

/// A value as a filter sees it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    /// Text, identifiers, enumerations; compared without case.
    Text(String),
    /// Microseconds since 1970.
    Timestamp(i64),
    List(Vec<Value>),
    Struct(Vec<(&'static str, Value)>),
}

/// The simulated directory.
#[derive(Debug)]
pub(in crate::sim) struct Population {
    seed: u64,
    counts: [u64; KINDS.len()],
    scramble: Scramble,
    plans: Plans,
    /// How often things have changed since the beginning.
    round: AtomicU64,
}

/// Every kind, in the order of its tag in ids.
const KINDS: [Kind; 14] = [
    Kind::User,
    Kind::Group,
    Kind::Device,
    Kind::Application,
    Kind::ServicePrincipal,
    Kind::DirectoryRole,
    Kind::AdministrativeUnit,
    Kind::Organization,
    Kind::Domain,
    Kind::SubscribedSku,
    Kind::AppRoleAssignment,
    Kind::OAuth2PermissionGrant,
    Kind::SignIn,
    Kind::DirectoryAudit,
];

/// Makes the row of an object and does one thing with it, whatever its kind.
macro_rules! each_row {
    ($population:expr, $object:expr, $row:ident => $action:expr) => {{
        let index = $object.index;
        match $object.kind {
            Kind::User => {
                let $row = user::Row::new($population, index);
                $action
            }
            Kind::Group => {
                let $row = group::Row::new($population, index);
                $action
            }
            Kind::Device => {
                let $row = device::Row::new($population, index);
                $action
            }
            Kind::Application => {
                let $row = application::Row::new($population, index);
                $action
            }
            Kind::ServicePrincipal => {
                let $row = service_principal::Row::new($population, index);
                $action
            }
            Kind::DirectoryRole => {
                let $row = directory::role::Row::new($population, index);
                $action
            }
            Kind::AdministrativeUnit => {
                let $row = directory::unit::Row::new($population, index);
                $action
            }
            Kind::Organization => {
                let $row = directory::organization::Row::new($population, index);
                $action
            }
            Kind::Domain => {
                let $row = directory::domain::Row::new($population, index);
                $action
            }
            Kind::SubscribedSku => {
                let $row = plans::Row::new($population, index);
                $action
            }
            Kind::AppRoleAssignment => {
                let $row = assignment::Row::new($population, index);
                $action
            }
            Kind::OAuth2PermissionGrant => {
                let $row = assignment::grant::Row::new($population, index);
                $action
            }
            Kind::SignIn => {
                let $row = sign_in::Row::new($population, index);
                $action
            }
            Kind::DirectoryAudit => {
                let $row = audit::Row::new($population, index);
                $action
            }
        }
    }};
}
impl Population {
    /// The tenant of a seed with this many users, at most [`USERS_MAX`].
    pub(in crate::sim) fn new(seed: u64, users: u64) -> Self {
        let users = users.min(USERS_MAX);
        let scramble = Scramble::new(seed);
        let mut population = Self {
            seed,
            counts: [0; KINDS.len()],
            plans: Plans::new(seed, &scramble),
            scramble,
            round: AtomicU64::new(0),
        };
        for kind in KINDS {
            population.counts[kind as usize] = population.count_for(kind, users);
        }
        population
    }

    /// How many objects of a kind there were in the beginning, which relations are made of.
    #[inline]
    pub(in crate::sim) fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// How many objects of a kind there were ever: some may be gone.
    pub(in crate::sim) fn ever(&self, kind: Kind) -> u64 {
        match kind {
            Kind::User => churn::ever(self, self.round()),
            _ => self.count(kind),
        }
    }

    /// Whether an object is there now.
    pub(in crate::sim) fn has(&self, object: Object) -> bool {
        let Object { kind, index } = object;
        match kind {
            _ if self.round() == 0 => index < self.count(kind),
            Kind::User => churn::life(self, index, self.round()).present,
            // With a user go its assignments.
            Kind::AppRoleAssignment => {
                let principal = assignment::principal(self, index);
                principal.kind != Kind::User || self.has(principal)
            }
            _ => index < self.count(kind),
        }
    }

    /// How often things have changed since the beginning.
    #[inline]
    pub(in crate::sim) fn round(&self) -> u64 {
        self.round.load(Relaxed)
    }

    /// Lets things happen for so many rounds more, up to [`ROUNDS_MAX`].
    pub(in crate::sim) fn go_on(&self, rounds: u64) {
        let round = self.round().saturating_add(rounds).min(ROUNDS_MAX);
        self.round.store(round, Relaxed);
    }

    fn count_for(&self, kind: Kind, users: u64) -> u64 {
        match kind {
            Kind::User => users,
            Kind::Group => users / 5 + 5,
            Kind::Device => users * 4 / 5,
            Kind::Application => users / 50 + 10,
            Kind::ServicePrincipal => users / 20 + 30,
            Kind::DirectoryRole => directory::ROLES.len() as u64,
            Kind::AdministrativeUnit => users / 500 + 3,
            Kind::Organization => 1,
            Kind::Domain => directory::DOMAINS.len() as u64,
            Kind::SubscribedSku => plans::SKUS.len() as u64,
            Kind::AppRoleAssignment => assignment::total(self),
            Kind::OAuth2PermissionGrant => (users / 20 + 30) * 2 + users / 20,
            Kind::SignIn => users * 3,
            Kind::DirectoryAudit => users / 2 + 20,
        }
    }

    /// The object with this id, in time that does not depend on the tenant's size.
    pub(in crate::sim) fn find(&self, id: &str) -> Option<Object> {
        if let Some(name) =
            directory::DOMAINS.iter().position(|known| known.eq_ignore_ascii_case(id))
        {
            return Some(Object { kind: Kind::Domain, index: name as u64 });
        }
        let coded = match id.len() {
            36 if id.eq_ignore_ascii_case(TENANT_ID) => {
                return Some(Object { kind: Kind::Organization, index: 0 });
            }
            36 => ids::read(id.as_bytes()),
            43 => ids::read_pair(id.as_bytes()),
            73 => return plans::find(id),
            _ => id
                .strip_prefix(audit::ID_PREFIX)?
                .get(..36)
                .and_then(|guid| ids::read(guid.as_bytes())),
        };
        let (tag, index) = self.scramble.decode(coded?)?;
        let kind = *KINDS.get(usize::try_from(tag).ok()?)?;
        let object = Object { kind, index };
        let mut written = Vec::with_capacity(id.len());
        self.write_id(object, &mut written);
        let same = match kind {
            Kind::AppRoleAssignment | Kind::OAuth2PermissionGrant => written == id.as_bytes(),
            _ => written.eq_ignore_ascii_case(id.as_bytes()),
        };
        (same && self.has(object)).then_some(object)
    }

    /// The user with this user principal name, in any case.
    pub(in crate::sim) fn find_user(&self, upn: &str) -> Option<Object> {
        user::find(self, upn)
    }

    /// Appends the id, without quotes.
    pub(in crate::sim) fn write_id(&self, object: Object, out: &mut Vec<u8>) {
        let Object { kind, index } = object;
        match kind {
            Kind::Domain => {
                let name = directory::DOMAINS.get(index as usize).copied().unwrap_or_default();
                out.extend_from_slice(name.as_bytes());
            }
            Kind::SubscribedSku => plans::write_id(index, out),
            Kind::Organization => out.extend_from_slice(TENANT_ID.as_bytes()),
            Kind::AppRoleAssignment | Kind::OAuth2PermissionGrant => {
                let first = self.scramble.encode(kind as u64, index);
                let second = self.scramble.encode(tag::SECOND_HALF, index);
                out.extend_from_slice(&ids::show_pair(first, second));
            }
            Kind::DirectoryAudit => audit::write_id(self, index, out),
            _ => out.extend_from_slice(&self.scramble.guid(kind as u64, index)),
        }
    }

    /// All properties of a kind in the order of Graph's schema.
    pub(in crate::sim) fn properties(kind: Kind) -> &'static [Property] {
        match kind {
            Kind::User => user::PROPERTIES,
            Kind::Group => group::PROPERTIES,
            Kind::Device => device::PROPERTIES,
            Kind::Application => application::PROPERTIES,
            Kind::ServicePrincipal => service_principal::PROPERTIES,
            Kind::DirectoryRole => directory::role::PROPERTIES,
            Kind::AdministrativeUnit => directory::unit::PROPERTIES,
            Kind::Organization => directory::organization::PROPERTIES,
            Kind::Domain => directory::domain::PROPERTIES,
            Kind::SubscribedSku => plans::PROPERTIES,
            Kind::AppRoleAssignment => assignment::PROPERTIES,
            Kind::OAuth2PermissionGrant => assignment::grant::PROPERTIES,
            Kind::SignIn => sign_in::PROPERTIES,
            Kind::DirectoryAudit => audit::PROPERTIES,
        }
    }

    /// How many objects are related, those that are gone among them; nearly constant time.
    pub(in crate::sim) fn related_count(&self, of: Object, relation: Relation) -> u64 {
        relations::count(self, of, relation)
    }

    /// The n-th related object, a different one for each `n` below the count; `None` if it is gone.
    pub(in crate::sim) fn related(&self, of: Object, relation: Relation, n: u64) -> Option<Object> {
        relations::nth(self, of, relation, n).filter(|object| self.has(*object))
    }

    /// Appends `"name":value,"name":value` (no braces) for the chosen properties, in the order
    /// given. A property without a value that Graph leaves out (a directory extension, the
    /// sign-in activity of someone who never came) is left out here too. This is the hot path.
    pub(in crate::sim) fn write(&self, object: Object, selection: &[u16], out: &mut Vec<u8>) {
        each_row!(self, object, row => row.write(selection, out));
    }

    /// The same for an object that was asked for alone, and by these properties' names: Graph then
    /// gives what it keeps back in lists.
    pub(in crate::sim) fn write_alone(&self, object: Object, selection: &[u16], out: &mut Vec<u8>) {
        match object.kind {
            Kind::Application => {
                application::Row::new(self, object.index).alone().write(selection, out);
            }
            Kind::ServicePrincipal => {
                service_principal::Row::new(self, object.index).alone().write(selection, out);
            }
            _ => self.write(object, selection, out),
        }
    }

    /// One property's value, for filters and orderings; null for one that is left out.
    pub(in crate::sim) fn value(&self, object: Object, property: u16) -> Value {
        let Some(described) = Self::properties(object.kind).get(usize::from(property)) else {
            return Value::Null;
        };
        let mut written = Vec::with_capacity(256);
        each_row!(self, object, row => row.write_value(property, &mut written));
        parse::value(described.name, &written)
    }

    /// `#microsoft.graph.user` and so on.
    pub(in crate::sim) fn odata_type(kind: Kind) -> &'static str {
        match kind {
            Kind::User => "#microsoft.graph.user",
            Kind::Group => "#microsoft.graph.group",
            Kind::Device => "#microsoft.graph.device",
            Kind::Application => "#microsoft.graph.application",
            Kind::ServicePrincipal => "#microsoft.graph.servicePrincipal",
            Kind::DirectoryRole => "#microsoft.graph.directoryRole",
            Kind::AdministrativeUnit => "#microsoft.graph.administrativeUnit",
            Kind::Organization => "#microsoft.graph.organization",
            Kind::Domain => "#microsoft.graph.domain",
            Kind::SubscribedSku => "#microsoft.graph.subscribedSku",
            Kind::AppRoleAssignment => "#microsoft.graph.appRoleAssignment",
            Kind::OAuth2PermissionGrant => "#microsoft.graph.oAuth2PermissionGrant",
            Kind::SignIn => "#microsoft.graph.signIn",
            Kind::DirectoryAudit => "#microsoft.graph.directoryAudit",
        }
    }

    /// The type of one object. A few of a list are of a type derived from the one it is of.
    #[inline]
    pub(in crate::sim) fn odata_type_of(object: Object) -> &'static str {
        match object.kind {
            Kind::User if object.index % AGENT_USER_EVERY == AGENT_USER_EVERY - 1 => {
                "#microsoft.graph.agentUser"
            }
            Kind::ServicePrincipal
                if object.index % AGENT_IDENTITY_EVERY == AGENT_IDENTITY_EVERY - 1 =>
            {
                "#microsoft.graph.agentIdentity"
            }
            kind => Self::odata_type(kind),
        }
    }

    /// Whether the members of an object are shown only to those who may see hidden ones.
    pub(in crate::sim) fn hides_members(&self, object: Object) -> bool {
        if !matches!(object.kind, Kind::Group | Kind::AdministrativeUnit) {
            return false;
        }
        let mut properties = Self::properties(object.kind).iter();
        let place = properties.position(|property| property.name == "visibility");
        let visibility = place.map(|place| self.value(object, place as u16));
        visibility == Some(Value::Text("HiddenMembership".to_owned()))
    }

    #[inline]
    fn dice(&self, kind: Kind, index: u64) -> Dice {
        Dice::new(self.seed ^ (kind as u64 + 1) << 56, index)
    }

    #[inline]
    fn guid(&self, tag: u64, index: u64) -> Guid {
        self.scramble.guid(tag, index)
    }

    #[inline]
    fn id(&self, kind: Kind, index: u64) -> Guid {
        self.scramble.guid(kind as u64, index)
    }
}

#[cfg(test)]
mod tests;
