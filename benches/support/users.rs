//! Users as Graph lists them, with all their columns.

use entra_flight::catalog::{Column, Origin, Property, Type};

/// The columns of a user.
pub fn columns() -> Vec<Column> {
    let mut columns: Vec<_> = PROPERTIES.iter().map(|(name, ty)| property(name, ty)).collect();
    columns.push(Column { origin: Origin::Extra, ..property("_extra", "json") });
    columns
}

/// The columns of a group's member.
pub fn member_columns() -> Vec<Column> {
    let mut columns = vec![Column { origin: Origin::Parent, ..property("group_id", "text") }];
    columns.push(property("id", "text"));
    columns.push(Column { name: "odata_type".into(), ..property("@odata.type", "text") });
    columns.push(property("displayName", "text"));
    columns
}

/// A list of `rows` users, about 3.3 KB each, and nothing around it.
pub fn page(rows: usize) -> Vec<u8> {
    list(rows, user)
}

/// A list of `rows` members, about 116 bytes each.
pub fn member_page(rows: usize) -> Vec<u8> {
    list(rows, |n| {
        let (id, name) = (id(n, 1), NAMES[n % NAMES.len()]);
        format!(
            r##"{{"@odata.type":"#microsoft.graph.user","id":"{id}","displayName":"{name} {n}"}}"##
        )
    })
}

fn list(rows: usize, row: impl Fn(usize) -> String) -> Vec<u8> {
    let rows: Vec<_> = (0..rows).map(row).collect();
    format!("[{}]", rows.join(",")).into_bytes()
}

const NAMES: [&str; 8] = [
    "Ada Lovelace",
    "Grace Hopper",
    "Zoë Ångström",
    "李小龍",
    "Müller Jürgen",
    "Ольга Иванова",
    "John Smith",
    "María José García",
];

const SERVICES: [&str; 6] =
    ["exchange", "SharePoint", "MicrosoftOffice", "TeamspaceAPI", "RMSOnline", "Adallom"];

const PROPERTIES: [(&str, &str); 67] = [
    ("id", "text"),
    ("accountEnabled", "boolean"),
    ("ageGroup", "text"),
    ("assignedLicenses", "list disabledPlans:texts skuId:text"),
    (
        "assignedPlans",
        "list assignedDateTime:timestamp capabilityStatus:text service:text servicePlanId:text",
    ),
    ("authorizationInfo", "struct certificateUserIds:texts"),
    ("businessPhones", "texts"),
    ("city", "text"),
    ("companyName", "text"),
    ("consentProvidedForMinor", "text"),
    ("country", "text"),
    ("createdDateTime", "timestamp"),
    ("creationType", "text"),
    ("customSecurityAttributes", "json"),
    ("deletedDateTime", "timestamp"),
    ("department", "text"),
    ("displayName", "text"),
    ("employeeHireDate", "timestamp"),
    ("employeeId", "text"),
    ("employeeLeaveDateTime", "timestamp"),
    ("employeeOrgData", "struct division:text costCenter:text"),
    ("employeeType", "text"),
    ("externalUserState", "text"),
    ("externalUserStateChangeDateTime", "timestamp"),
    ("faxNumber", "text"),
    ("givenName", "text"),
    ("identities", "list signInType:text issuer:text issuerAssignedId:text"),
    ("imAddresses", "texts"),
    ("infoCatalogs", "texts"),
    ("isManagementRestricted", "boolean"),
    ("isResourceAccount", "boolean"),
    ("jobTitle", "text"),
    ("lastPasswordChangeDateTime", "timestamp"),
    ("legalAgeGroupClassification", "text"),
    (
        "licenseAssignmentStates",
        "list skuId:text state:text error:text lastUpdatedDateTime:timestamp",
    ),
    ("mail", "text"),
    ("mailNickname", "text"),
    ("mobilePhone", "text"),
    ("officeLocation", "text"),
    ("onPremisesDistinguishedName", "text"),
    ("onPremisesDomainName", "text"),
    (
        "onPremisesExtensionAttributes",
        "struct extensionAttribute1:text extensionAttribute2:text extensionAttribute3:text \
         extensionAttribute4:text extensionAttribute5:text extensionAttribute6:text \
         extensionAttribute7:text extensionAttribute8:text extensionAttribute9:text \
         extensionAttribute10:text extensionAttribute11:text extensionAttribute12:text \
         extensionAttribute13:text extensionAttribute14:text extensionAttribute15:text",
    ),
    ("onPremisesImmutableId", "text"),
    ("onPremisesLastSyncDateTime", "timestamp"),
    ("onPremisesProvisioningErrors", "list category:text value:text occurredDateTime:timestamp"),
    ("onPremisesSamAccountName", "text"),
    ("onPremisesSecurityIdentifier", "text"),
    ("onPremisesSyncEnabled", "boolean"),
    ("onPremisesUserPrincipalName", "text"),
    ("otherMails", "texts"),
    ("passwordPolicies", "text"),
    (
        "passwordProfile",
        "struct forceChangePasswordNextSignIn:boolean \
         forceChangePasswordNextSignInWithMfa:boolean password:text",
    ),
    ("postalCode", "text"),
    ("preferredLanguage", "text"),
    ("provisionedPlans", "list capabilityStatus:text provisioningStatus:text service:text"),
    ("proxyAddresses", "texts"),
    ("refreshTokensValidFromDateTime", "timestamp"),
    ("securityIdentifier", "text"),
    ("serviceProvisioningErrors", "list isResolved:boolean serviceInstance:text"),
    ("showInAddressList", "boolean"),
    ("signInSessionsValidFromDateTime", "timestamp"),
    ("state", "text"),
    ("streetAddress", "text"),
    ("surname", "text"),
    ("usageLocation", "text"),
    ("userPrincipalName", "text"),
    ("userType", "text"),
];

fn property(name: &str, ty: &str) -> Column {
    Column {
        name: name.into(),
        origin: Origin::Property(name.into()),
        ty: parse(ty),
        graph_type: "".into(),
        description: None,
        permission: None,
        on_request: false,
        unordered: false,
        filters: Default::default(),
    }
}

/// `text`, `boolean`, `timestamp`, `json`, `texts`, or `struct` or `list` (of structs) with parts.
fn parse(ty: &str) -> Type {
    let (kind, parts) = ty.split_once(' ').unwrap_or((ty, ""));
    let parts = || {
        let parts = parts.split_whitespace().filter_map(|part| part.split_once(':'));
        Type::Struct(
            parts.map(|(name, ty)| Property { name: name.into(), ty: parse(ty) }).collect(),
        )
    };
    match kind {
        "boolean" => Type::Boolean,
        "timestamp" => Type::Timestamp,
        "json" => Type::Json,
        "texts" => Type::List(Type::Text.into()),
        "struct" => parts(),
        "list" => Type::List(parts().into()),
        _ => Type::Text,
    }
}

/// A number that looks drawn, the same for the same arguments.
fn draw(n: usize, salt: u64) -> u64 {
    let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ salt.wrapping_mul(0xd134_2543_de82_ef95);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn id(n: usize, salt: u64) -> String {
    let (a, b) = (draw(n, salt), draw(n, salt + 100));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a as u16,
        (a >> 16) & 0xfff,
        (b >> 48) & 0xfff,
        b & 0xffff_ffff_ffff
    )
}

fn moment(n: usize, salt: u64) -> String {
    let drawn = draw(n, salt);
    let (day, second) = (drawn % 31 + 1, drawn >> 8);
    let month = [1, 3, 5, 7, 8, 10, 12][(drawn >> 40) as usize % 7];
    format!(
        "20{:02}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        drawn % 25,
        second % 24,
        second / 24 % 60,
        second / 1440 % 60
    )
}

fn user(n: usize) -> String {
    let values = PROPERTIES.iter().map(|(name, ty)| format!("\"{name}\":{}", value(n, name, ty)));
    format!("{{{}}}", values.collect::<Vec<_>>().join(","))
}

#[expect(clippy::too_many_lines, reason = "a case a property")]
fn value(n: usize, name: &str, ty: &str) -> String {
    let full = NAMES[n % NAMES.len()];
    let upn = format!("user.{n:06}@contoso.example");
    let synced = n.is_multiple_of(3);
    match name {
        "id" => quoted(&id(n, 1)),
        "accountEnabled" => (!n.is_multiple_of(17)).to_string(),
        "assignedLicenses" => {
            let plans = format!("\"{}\"", id(n % 5, 2));
            format!(
                r#"[{{"disabledPlans":[{plans}],"skuId":"{}"}},{{"disabledPlans":[],"skuId":"{}"}}]"#,
                id(n % 3, 3),
                id(n % 7, 4)
            )
        }
        "assignedPlans" => items(4, |k| {
            format!(
                r#"{{"assignedDateTime":"{}","capabilityStatus":"Enabled","service":"{}","servicePlanId":"{}"}}"#,
                moment(n, k as u64),
                SERVICES[(n + k) % 6],
                id(k, 5)
            )
        }),
        "provisionedPlans" => items(1, |k| {
            format!(
                r#"{{"capabilityStatus":"Enabled","provisioningStatus":"Success","service":"{}"}}"#,
                SERVICES[(n + k) % 6]
            )
        }),
        "licenseAssignmentStates" if n.is_multiple_of(4) => items(1, |_| {
            format!(
                r#"{{"skuId":"{}","state":"Active","error":"None","lastUpdatedDateTime":"{}"}}"#,
                id(n % 3, 3),
                moment(n, 9)
            )
        }),
        "authorizationInfo" => r#"{"certificateUserIds":[]}"#.to_owned(),
        "businessPhones" => items(n % 2, |_| format!("\"+1 425 555 {:04}\"", n % 10_000)),
        "createdDateTime"
        | "signInSessionsValidFromDateTime"
        | "refreshTokensValidFromDateTime"
        | "lastPasswordChangeDateTime" => quoted(&moment(n, name.len() as u64)),
        "employeeHireDate" if n.is_multiple_of(9) => quoted("0001-01-01T00:00:00Z"),
        "displayName" => quoted(full),
        "givenName" => quoted(full.split(' ').next().unwrap_or(full)),
        "surname" => quoted(full.split(' ').next_back().unwrap_or(full)),
        "identities" => items(1, |_| {
            format!(
                r#"{{"signInType":"userPrincipalName","issuer":"contoso.example","issuerAssignedId":"{upn}"}}"#
            )
        }),
        "mail" | "userPrincipalName" => quoted(&upn),
        "mailNickname" => quoted(&format!("user.{n:06}")),
        "proxyAddresses" => format!(r#"["SMTP:{upn}","smtp:{n}@contoso.example"]"#),
        "onPremisesDistinguishedName" if synced => {
            quoted(&format!("CN=User {n},OU=Staff\\\\EU,DC=contoso,DC=example"))
        }
        "onPremisesSyncEnabled" if synced => "true".to_owned(),
        "onPremisesLastSyncDateTime" if synced => quoted("2024-05-31T10:20:30.1234567Z"),
        "onPremisesExtensionAttributes" => {
            let part = |k| {
                format!(
                    r#""extensionAttribute{k}":{}"#,
                    if k == n % 16 { "\"Team\"" } else { "null" }
                )
            };
            format!("{{{}}}", (1..=15).map(part).collect::<Vec<_>>().join(","))
        }
        "city" | "officeLocation" | "state" => {
            quoted(["Zürich", "Redmond", "東京", "Lyon"][n / 2 % 4])
        }
        "companyName" => quoted("Contoso"),
        "country" | "usageLocation" => quoted(["CH", "US", "JP", "FR"][n / 2 % 4]),
        "department" | "jobTitle" => {
            quoted(["Engineering", "Sales", "Human \\\"R\\\"", "Finance"][n % 4])
        }
        "employeeId" => quoted(&n.to_string()),
        "mobilePhone" => quoted(&format!("+41 79 555 {:04}", n % 10_000)),
        "postalCode" => quoted(&(n % 9_000 + 1_000).to_string()),
        "preferredLanguage" => quoted("en-US"),
        "securityIdentifier" => {
            quoted(&format!("S-1-12-1-{}-{}", draw(n, 6) >> 32, draw(n, 7) >> 32))
        }
        "streetAddress" => quoted(&format!("{n} Main Street")),
        "userType" => quoted(if n.is_multiple_of(20) { "Guest" } else { "Member" }),
        "passwordPolicies" => quoted("DisablePasswordExpiration"),
        _ if ty == "texts" || ty.starts_with("list") => "[]".to_owned(),
        _ => "null".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn items(count: usize, item: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(","))
}
