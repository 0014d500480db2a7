//! What Graph offers of a directory: its lists, what each takes, costs and demands.
//!
//! <https://learn.microsoft.com/graph/api/overview>

use super::population::{Kind, Relation};
use super::quota::Family;

/// A list of all objects of a kind.
#[derive(Debug)]
pub(super) struct Collection {
    /// The segments that name it, below the version.
    pub(super) path: &'static [&'static str],
    pub(super) kind: Kind,
    /// Resource units of one request for the list.
    pub(super) units: u64,
    pub(super) family: Family,
    pub(super) paging: Option<Paging>,
    pub(super) takes: Takes,
    /// Application permissions, any one of which opens it.
    pub(super) permissions: &'static [&'static str],
    pub(super) links: &'static [Link],
}

/// The way from one object to others.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) relation: Relation,
    /// What may be found there; more than one means that rows name their type.
    pub(super) kinds: &'static [Kind],
    /// Whether there is at most one, which is then answered as an object.
    pub(super) single: bool,
    pub(super) units: u64,
    pub(super) paging: Option<Paging>,
    pub(super) takes: Takes,
    pub(super) permissions: &'static [&'static str],
    /// Whether `$expand` takes it.
    pub(super) expands: bool,
}

/// How a list is divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging {
    pub(super) default: u64,
    pub(super) max: u64,
    pub(super) beyond: Beyond,
}

/// What becomes of a `$top` above the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    Refuse,
    Clamp,
}

/// Which query options a list takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Takes {
    pub(super) filter: Filtering,
    /// Properties that `$orderby` takes without an advanced query.
    pub(super) order: &'static [&'static str],
    /// Properties that `$search` looks into.
    pub(super) search: &'static [&'static str],
    /// Whether there are advanced queries, answered from the index.
    pub(super) advanced: bool,
    pub(super) skip: bool,
}

/// What `$filter` is allowed to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filtering {
    /// Everything, with the rules of advanced queries.
    Directory,
    /// Everything, but only as an advanced query.
    Advanced,
    /// Comparisons and `startsWith`, nothing that needs the index.
    Plain,
    None,
}

const PAGES: Option<Paging> = Some(Paging { default: 100, max: 999, beyond: Beyond::Refuse });
const LOG_PAGES: Option<Paging> =
    Some(Paging { default: 1_000, max: 1_000, beyond: Beyond::Clamp });

/// The largest page of users when their sign-in activity is among what is selected.
pub(super) const ACTIVITY_PAGE_MAX: u64 = 500;

const DIRECTORY: Takes = Takes {
    filter: Filtering::Directory,
    order: &[],
    search: &["displayName"],
    advanced: true,
    skip: false,
};
const NAMED: Takes = Takes { order: &["displayName"], ..DIRECTORY };
const RELATED: Takes = Takes { filter: Filtering::Advanced, ..DIRECTORY };
const PLAIN: Takes =
    Takes { filter: Filtering::Plain, order: &[], search: &[], advanced: false, skip: false };
const NOTHING: Takes = Takes { filter: Filtering::None, ..PLAIN };

use Kind as K;

const PRINCIPALS: &[Kind] = &[K::User, K::Group, K::Device, K::ServicePrincipal];

/// The kinds that are objects of the directory.
pub(super) const DIRECTORY_OBJECTS: &[Kind] = &[
    K::User,
    K::Group,
    K::Device,
    K::Application,
    K::ServicePrincipal,
    K::DirectoryRole,
    K::AdministrativeUnit,
    K::Organization,
];

const LINK: Link = Link {
    name: "",
    relation: Relation::Members,
    kinds: PRINCIPALS,
    single: false,
    units: 1,
    paging: PAGES,
    takes: RELATED,
    permissions: &[],
    expands: false,
};

const OWNERS: Link = Link {
    name: "owners",
    relation: Relation::Owners,
    kinds: &[K::User, K::ServicePrincipal],
    expands: true,
    ..LINK
};

const ASSIGNMENTS: Link = Link {
    name: "appRoleAssignments",
    relation: Relation::AppRoleAssignments,
    kinds: &[K::AppRoleAssignment],
    ..LINK
};

const USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadBasic.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const GROUPS: &[&str] = &[
    "Group.Read.All",
    "Group.ReadBasic.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const GROUP_MEMBERS: &[&str] = &[
    "Group.Read.All",
    "Group.ReadBasic.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
];
const GROUP_OWNERS: &[&str] = &[
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
];
const DEVICES: &[&str] =
    &["Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const APPLICATIONS: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
];
const GRANTS: &[&str] =
    &["DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const ASSIGNED: &[&str] =
    &["AppRoleAssignment.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const ROLES: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const UNITS: &[&str] = &[
    "AdministrativeUnit.Read.All",
    "AdministrativeUnit.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

const COLLECTION: Collection = Collection {
    path: &[],
    kind: K::User,
    units: 1,
    family: Family::Directory,
    paging: PAGES,
    takes: DIRECTORY,
    permissions: &[],
    links: &[],
};

/// Every list.
pub(super) const COLLECTIONS: &[Collection] = &[
    Collection {
        path: &["users"],
        kind: K::User,
        units: 2,
        takes: Takes {
            order: &["displayName", "userPrincipalName", "createdDateTime"],
            search: &["displayName", "mail", "userPrincipalName", "givenName", "surname"],
            ..DIRECTORY
        },
        permissions: USERS,
        links: &[
            Link {
                name: "manager",
                relation: Relation::Manager,
                kinds: &[K::User],
                single: true,
                permissions: USERS,
                expands: true,
                ..LINK
            },
            Link { permissions: ASSIGNED, ..ASSIGNMENTS },
        ],
        ..COLLECTION
    },
    Collection {
        path: &["groups"],
        kind: K::Group,
        takes: Takes { search: &["displayName", "description", "mail"], ..NAMED },
        permissions: GROUPS,
        links: &[
            Link { name: "members", units: 3, permissions: GROUP_MEMBERS, expands: true, ..LINK },
            Link { permissions: GROUP_OWNERS, ..OWNERS },
            Link { permissions: ASSIGNED, ..ASSIGNMENTS },
        ],
        ..COLLECTION
    },
    Collection {
        path: &["devices"],
        kind: K::Device,
        permissions: DEVICES,
        links: &[Link { name: "registeredOwners", permissions: DEVICES, ..OWNERS }],
        ..COLLECTION
    },
    Collection {
        path: &["applications"],
        kind: K::Application,
        units: 2,
        permissions: APPLICATIONS,
        links: &[Link { permissions: APPLICATIONS, ..OWNERS }],
        ..COLLECTION
    },
    Collection {
        path: &["servicePrincipals"],
        kind: K::ServicePrincipal,
        permissions: APPLICATIONS,
        links: &[
            Link { permissions: APPLICATIONS, ..OWNERS },
            Link {
                name: "appRoleAssignedTo",
                relation: Relation::AppRoleAssignedTo,
                permissions: APPLICATIONS,
                ..ASSIGNMENTS
            },
            Link { units: 2, permissions: APPLICATIONS, ..ASSIGNMENTS },
        ],
        ..COLLECTION
    },
    Collection {
        path: &["directoryRoles"],
        kind: K::DirectoryRole,
        paging: None,
        takes: PLAIN,
        permissions: ROLES,
        links: &[Link {
            name: "members",
            kinds: &[K::User, K::Group, K::ServicePrincipal],
            paging: None,
            takes: NOTHING,
            permissions: ROLES,
            expands: true,
            ..LINK
        }],
        ..COLLECTION
    },
    Collection {
        path: &["directory", "administrativeUnits"],
        kind: K::AdministrativeUnit,
        takes: Takes { search: &["displayName", "description"], ..NAMED },
        permissions: UNITS,
        links: &[Link {
            name: "members",
            kinds: &[K::User, K::Group, K::Device],
            permissions: UNITS,
            expands: true,
            ..LINK
        }],
        ..COLLECTION
    },
    Collection {
        path: &["organization"],
        kind: K::Organization,
        takes: PLAIN,
        permissions: &[
            "Organization.Read.All",
            "Organization.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "User.Read.All",
        ],
        ..COLLECTION
    },
    Collection {
        path: &["domains"],
        kind: K::Domain,
        takes: PLAIN,
        permissions: &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"],
        ..COLLECTION
    },
    Collection {
        path: &["subscribedSkus"],
        kind: K::SubscribedSku,
        units: 3,
        paging: None,
        takes: NOTHING,
        permissions: &[
            "LicenseAssignment.Read.All",
            "Organization.Read.All",
            "Organization.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        ..COLLECTION
    },
    Collection {
        path: &["oauth2PermissionGrants"],
        kind: K::OAuth2PermissionGrant,
        units: 2,
        takes: PLAIN,
        permissions: GRANTS,
        ..COLLECTION
    },
    Collection {
        path: &["auditLogs", "signIns"],
        kind: K::SignIn,
        family: Family::Reports,
        paging: LOG_PAGES,
        takes: Takes { order: &["createdDateTime"], skip: true, ..PLAIN },
        permissions: &["AuditLog.Read.All"],
        ..COLLECTION
    },
    Collection {
        path: &["auditLogs", "directoryAudits"],
        kind: K::DirectoryAudit,
        family: Family::Reports,
        paging: LOG_PAGES,
        takes: Takes { order: &["activityDateTime"], skip: true, ..PLAIN },
        permissions: &["AuditLog.Read.All", "Directory.Read.All"],
        ..COLLECTION
    },
];

/// The list of all objects of a kind; app role assignments have none.
pub(super) fn collection_of(kind: Kind) -> Option<&'static Collection> {
    COLLECTIONS.iter().find(|collection| collection.kind == kind)
}

/// Whether a permission opens any list.
pub(super) fn opens_something(permission: &str) -> bool {
    COLLECTIONS.iter().any(|of| {
        let links = of.links.iter().map(|link| link.permissions);
        std::iter::once(of.permissions).chain(links).any(|opening| opening.contains(&permission))
    })
}

/// A kind's name in Graph's messages, such as `User`.
pub(super) fn noun(kind: Kind) -> &'static str {
    match kind {
        K::User => "User",
        K::Group => "Group",
        K::Device => "Device",
        K::Application => "Application",
        K::ServicePrincipal => "ServicePrincipal",
        K::DirectoryRole => "DirectoryRole",
        K::AdministrativeUnit => "AdministrativeUnit",
        K::Organization => "Organization",
        K::Domain => "Domain",
        K::SubscribedSku => "SubscribedSku",
        K::AppRoleAssignment => "AppRoleAssignment",
        K::OAuth2PermissionGrant => "OAuth2PermissionGrant",
        K::SignIn => "SignIn",
        K::DirectoryAudit => "DirectoryAudit",
    }
}
