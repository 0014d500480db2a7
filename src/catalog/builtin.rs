//! The data files that come with the program.

/// Each table's name with the text of its file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("administrative_unit_members", include_str!("tables/administrative_unit_members.toml")),
    ("administrative_units", include_str!("tables/administrative_units.toml")),
    ("application_owners", include_str!("tables/application_owners.toml")),
    ("applications", include_str!("tables/applications.toml")),
    ("device_registered_owners", include_str!("tables/device_registered_owners.toml")),
    ("devices", include_str!("tables/devices.toml")),
    ("directory_audits", include_str!("tables/directory_audits.toml")),
    ("directory_role_members", include_str!("tables/directory_role_members.toml")),
    ("directory_roles", include_str!("tables/directory_roles.toml")),
    ("domains", include_str!("tables/domains.toml")),
    ("group_app_role_assignments", include_str!("tables/group_app_role_assignments.toml")),
    ("group_members", include_str!("tables/group_members.toml")),
    ("group_owners", include_str!("tables/group_owners.toml")),
    ("groups", include_str!("tables/groups.toml")),
    ("oauth2_permission_grants", include_str!("tables/oauth2_permission_grants.toml")),
    ("organization", include_str!("tables/organization.toml")),
    (
        "service_principal_app_role_assigned_to",
        include_str!("tables/service_principal_app_role_assigned_to.toml"),
    ),
    ("service_principal_owners", include_str!("tables/service_principal_owners.toml")),
    ("service_principals", include_str!("tables/service_principals.toml")),
    ("sign_ins", include_str!("tables/sign_ins.toml")),
    ("subscribed_skus", include_str!("tables/subscribed_skus.toml")),
    ("user_app_role_assignments", include_str!("tables/user_app_role_assignments.toml")),
    ("user_managers", include_str!("tables/user_managers.toml")),
    ("users", include_str!("tables/users.toml")),
];
