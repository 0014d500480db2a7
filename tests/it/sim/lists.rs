//! Lists: every row once, however it is divided, ordered or expanded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entra_flight::sim::Tenant;
use serde_json::Value;

use super::{Caller, text};

fn caller() -> Caller {
    Caller::of(Tenant::seed(7).users(300).unthrottled())
}

fn set(ids: Vec<String>) -> BTreeSet<String> {
    let count = ids.len();
    let set: BTreeSet<String> = ids.into_iter().collect();
    assert_eq!(set.len(), count, "a row came twice");
    set
}

#[test]
fn every_list_has_as_many_rows_as_it_counts_and_each_once() {
    let caller = caller();
    for list in [
        "users",
        "groups",
        "devices",
        "applications",
        "servicePrincipals",
        "directory/administrativeUnits",
        "auditLogs/signIns",
        "auditLogs/directoryAudits",
    ] {
        let counted = caller.eventual(&format!("/v1.0/{list}/$count")).body;
        let rows = set(caller.ids(&format!("/v1.0/{list}")));
        assert_eq!(rows.len().to_string(), counted, "{list}");
        assert!(!rows.is_empty(), "{list} is empty");
    }
}

#[test]
fn the_rows_are_the_same_however_they_are_divided() {
    let caller = caller();
    let whole = caller.ids("/v1.0/users?$select=id&$top=999");
    for top in [1, 7, 100, 299, 300] {
        let pages = caller.pages(&format!("/v1.0/users?$select=id&$top={top}"));
        assert_eq!(pages.len(), 300usize.div_ceil(top), "$top={top}");
        assert_eq!(caller.ids(&format!("/v1.0/users?$select=id&$top={top}")), whole);
    }
    assert_eq!(caller.pages("/v1.0/users").len(), 3, "a page has 100 rows unless told");
    assert_eq!(caller.pages("/v1.0/auditLogs/signIns?$top=9999").len(), 1, "logs clamp $top");
}

#[test]
fn a_tenant_is_the_same_for_ever() {
    let (one, other) = (caller(), caller());
    let target = "/v1.0/users?$top=50";
    assert_eq!(one.get(target).body, other.get(target).body);
    let third = Caller::of(Tenant::seed(8).users(300));
    assert_ne!(one.ids(target), third.ids(target));
}

#[test]
fn only_selected_properties_come() {
    let caller = caller();
    for row in caller.rows("/v1.0/users?$select=mail,id,accountEnabled") {
        let names: Vec<&str> = row.as_object().expect("a row").keys().map(String::as_str).collect();
        assert_eq!(names, ["accountEnabled", "id", "mail"]);
    }
}

#[test]
fn an_order_holds_over_all_pages() {
    let caller = caller();
    for (property, descending) in [
        ("displayName", false),
        ("displayName", true),
        ("createdDateTime", true),
        ("department", false),
    ] {
        let direction = if descending { "desc" } else { "asc" };
        let target = format!(
            "/v1.0/users?$select=id,{property}&$orderby={property} {direction}&$top=37&$count=true"
        );
        let rows = caller.rows(&target);
        let values: Vec<String> = rows
            .iter()
            .map(|row| row[property].as_str().unwrap_or_default().to_lowercase())
            .collect();
        let sorted = if descending {
            values.is_sorted_by(|left, right| left >= right)
        } else {
            values.is_sorted()
        };
        assert!(sorted, "{target}: {values:?}");
        let ids = rows.iter().map(|row| text(row, "id").to_owned()).collect();
        assert_eq!(set(ids).len(), 300, "{target}");
    }
}

#[test]
fn sign_ins_come_newest_first() {
    let rows = caller().rows("/v1.0/auditLogs/signIns");
    let moments: Vec<&str> = rows.iter().map(|row| text(row, "createdDateTime")).collect();
    assert!(moments.is_sorted_by(|newer, older| newer >= older));
}

#[test]
fn a_page_token_has_an_age() {
    let caller = Caller::of(Tenant::seed(7).users(300).page_token_life(Duration::from_secs(60)));
    let first = caller.get("/v1.0/users?$top=100").json();
    let link = text(&first, "@odata.nextLink");
    caller.wait(Duration::from_secs(60));
    assert_eq!(caller.get(link).status, 200);
    caller.wait(Duration::from_millis(1));
    let late = caller.get(link);
    assert!(late.refusal().starts_with("400 Directory_ExpiredPageToken"), "{}", late.refusal());
}

#[test]
fn a_page_token_is_good_for_its_list_only() {
    let caller = caller();
    let first = caller.get("/v1.0/users?$top=100").json();
    let link = text(&first, "@odata.nextLink").to_owned();
    for other in [
        link.replace("/users", "/groups"),
        link.replace("$top=100", "$top=50"),
        format!("{link}A"),
        format!("{link}&$filter=accountEnabled%20eq%20true"),
    ] {
        assert!(caller.get(&other).refusal().starts_with("400 Request_BadRequest"), "{other}");
    }
    // The same link written another way is the same link.
    let written = link.replace("$skiptoken", "%24skiptoken").replace("$top", "%24top");
    assert_eq!(caller.get(&written).status, 200);
}

#[test]
fn a_link_does_not_carry_the_header() {
    let caller = caller();
    let target = "/v1.0/users?$count=true&$filter=endsWith(mail,'.example')&$top=10";
    let first = caller.eventual(target).json();
    let link = text(&first, "@odata.nextLink");
    assert_eq!(caller.get(link).status, 400);
    let second = caller.eventual(link);
    assert_eq!((second.status, second.json().get("@odata.count").is_some()), (200, false));
}

#[test]
fn members_name_their_type_and_v1_leaves_service_principals_out() {
    let caller = caller();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut left_out = 0;
    for group in caller.ids("/v1.0/groups?$select=id") {
        let stable = caller.rows(&format!("/v1.0/groups/{group}/members?$select=id&$top=9"));
        let beta = caller.rows(&format!("/beta/groups/{group}/members?$select=id"));
        let principals = |rows: &[Value]| {
            rows.iter().filter(|row| text(row, "@odata.type").ends_with("servicePrincipal")).count()
        };
        assert_eq!(principals(&stable), 0);
        assert_eq!(stable.len() + principals(&beta), beta.len());
        left_out += principals(&beta);
        for row in &beta {
            *kinds.entry(text(row, "@odata.type").to_owned()).or_default() += 1;
        }
        let counted = caller.eventual(&format!("/v1.0/groups/{group}/members/$count"));
        assert_eq!(counted.body, stable.len().to_string());
        let users =
            format!("/v1.0/groups/{group}/members/microsoft.graph.user?$select=id&$count=true");
        let of_users = stable.iter().filter(|row| text(row, "@odata.type").ends_with(".user"));
        assert_eq!(caller.rows(&users).len(), of_users.count());
    }
    assert!(left_out > 0, "no service principal is a member");
    assert_eq!(
        kinds.keys().collect::<Vec<_>>(),
        [
            "#microsoft.graph.device",
            "#microsoft.graph.group",
            "#microsoft.graph.servicePrincipal",
            "#microsoft.graph.user"
        ]
    );
}

#[test]
fn rows_of_a_derived_type_say_so_and_no_others() {
    let caller = Caller::of(Tenant::seed(7).users(2_000).unthrottled());
    for (list, of, count) in
        [("users", "agentUser", 1), ("servicePrincipals", "agentIdentity", 1), ("groups", "", 0)]
    {
        for target in [format!("/v1.0/{list}"), format!("/v1.0/{list}?$select=id&$top=999")] {
            let rows = caller.rows(&target);
            let derived: Vec<&Value> =
                rows.iter().filter(|row| row.get("@odata.type").is_some()).collect();
            assert_eq!(derived.len(), count, "{target}");
            for row in derived {
                assert_eq!(text(row, "@odata.type"), format!("#microsoft.graph.{of}"));
                let alone = caller.get(&format!("/v1.0/{list}/{}", text(row, "id"))).json();
                assert_eq!(alone["@odata.type"], row["@odata.type"]);
            }
        }
    }
}

#[test]
fn hidden_memberships_are_shown_to_those_who_may_see_them() {
    let tenant = || Tenant::seed(7).users(300).unthrottled();
    let all = Caller::of(tenant());
    let some = Caller::of(tenant().without("Member.Read.Hidden"));
    let mut hidden = 0;
    for group in all.rows("/v1.0/groups?$select=id,visibility&$expand=members($select=id)") {
        let id = text(&group, "id");
        let members = format!("/beta/groups/{id}/members?$select=id");
        let there = all.ids(&members);
        let one = format!("/v1.0/groups/{id}?$select=id&$expand=members($select=id)");
        let (shown, expanded) = (some.ids(&members), some.get(&one).json());
        let expanded = expanded["members"].as_array().expect("members");
        if group["visibility"] == "HiddenMembership" {
            assert!(shown.is_empty() && expanded.is_empty());
            let counted = some.eventual(&format!("/v1.0/groups/{id}/members/$count"));
            assert_eq!((counted.status, counted.body.as_str()), (200, "0"));
            hidden += there.len();
        } else {
            assert_eq!(shown, there);
            assert_eq!(expanded, group["members"].as_array().expect("members"));
        }
    }
    assert!(hidden > 0, "nothing was hidden");
}

#[test]
fn keys_are_given_for_one_application_that_is_asked_for_them() {
    let caller = caller();
    for list in ["applications", "servicePrincipals"] {
        let rows = caller.rows(&format!("/v1.0/{list}?$select=id,keyCredentials"));
        let keys = |row: &Value| -> Vec<Value> {
            let credentials = row["keyCredentials"].as_array().expect("a list");
            credentials.iter().map(|one| one["key"].clone()).collect()
        };
        let row = rows.iter().find(|row| !keys(row).is_empty()).expect("one with a key");
        assert!(keys(row).iter().all(Value::is_null), "{row}");
        let one = format!("/v1.0/{list}/{}", text(row, "id"));
        let asked = caller.get(&format!("{one}?$select=keyCredentials")).json();
        assert!(keys(&asked).iter().all(Value::is_string), "{asked}");
        assert!(keys(&caller.get(&one).json()).iter().all(Value::is_null));
    }
}

#[test]
fn relations_lead_to_objects_that_exist() {
    let caller = Caller::of(Tenant::seed(7).users(120).unthrottled());
    let mut reached = BTreeMap::new();
    for (list, link) in [
        ("groups", "owners"),
        ("applications", "owners"),
        ("servicePrincipals", "owners"),
        ("devices", "registeredOwners"),
        ("directoryRoles", "members"),
        ("directory/administrativeUnits", "members"),
    ] {
        let mut found = 0;
        for id in caller.ids(&format!("/v1.0/{list}")) {
            let rows = caller.rows(&format!("/v1.0/{list}/{id}/{link}"));
            let ids = rows.iter().map(|row| text(row, "id").to_owned()).collect();
            found += set(ids).len();
            for row in rows {
                let kind = text(&row, "@odata.type").trim_start_matches("#microsoft.graph.");
                let other = caller.get(&format!("/v1.0/{kind}s/{}", text(&row, "id")));
                assert_eq!(other.status, 200, "{row}");
            }
        }
        reached.insert((list, link), found);
    }
    assert!(reached.values().all(|found| *found > 0), "{reached:?}");
}

#[test]
fn assignments_are_seen_from_both_ends() {
    let caller = Caller::of(Tenant::seed(7).users(120).unthrottled());
    let mut from_resources = BTreeSet::new();
    for id in caller.ids("/v1.0/servicePrincipals?$select=id") {
        let rows = caller.rows(&format!("/v1.0/servicePrincipals/{id}/appRoleAssignedTo"));
        assert!(rows.iter().all(|row| text(row, "resourceId") == id));
        assert!(rows.iter().all(|row| row.get("@odata.type").is_none()));
        from_resources.extend(rows.iter().map(|row| text(row, "id").to_owned()));
    }
    let mut from_principals = BTreeSet::new();
    for list in ["users", "groups", "servicePrincipals"] {
        for id in caller.ids(&format!("/v1.0/{list}?$select=id")) {
            let rows = caller.rows(&format!("/v1.0/{list}/{id}/appRoleAssignments"));
            assert!(rows.iter().all(|row| text(row, "principalId") == id));
            from_principals.extend(rows.iter().map(|row| text(row, "id").to_owned()));
        }
    }
    assert!(!from_resources.is_empty());
    assert_eq!(from_resources, from_principals);
}

#[test]
fn managers_are_the_same_alone_and_expanded() {
    let caller = caller();
    let (mut some, mut none) = (0, 0);
    for user in caller.rows("/v1.0/users?$select=id&$expand=manager($select=id)") {
        let alone = caller.get(&format!("/v1.0/users/{}/manager?$select=id", text(&user, "id")));
        match user.get("manager") {
            Some(manager) => {
                assert_eq!(alone.json()["id"], manager["id"]);
                assert_eq!(alone.json()["@odata.type"], manager["@odata.type"]);
                some += 1;
            }
            None => {
                assert!(alone.refusal().starts_with("404 Request_ResourceNotFound"));
                none += 1;
            }
        }
    }
    assert!(some > 200 && none > 0, "{some} with a manager, {none} without");
}

#[test]
fn expanded_members_end_at_twenty_and_sometimes_before() {
    let caller = Caller::of(Tenant::seed(7).users(2_000).unthrottled());
    let mut seen = BTreeSet::new();
    let mut principals = 0;
    for group in caller.rows("/v1.0/groups?$select=id&$expand=members($select=id)") {
        let expanded = group["members"].as_array().expect("members");
        let target = format!("/beta/groups/{}/members?$select=id&$top=999", text(&group, "id"));
        let all = caller.rows(&target);
        if all.len() <= 20 {
            assert_eq!(expanded, &all);
        } else {
            seen.insert(expanded.len());
            assert_eq!(expanded[..], all[..expanded.len()]);
        }
        let of_programs = |row: &&Value| text(row, "@odata.type").ends_with("servicePrincipal");
        principals += expanded.iter().filter(of_programs).count();
    }
    assert_eq!(seen, BTreeSet::from([13, 20]));
    assert!(principals > 0, "v1.0 gives service principals under $expand");
}

#[test]
fn what_may_not_be_read_is_named_and_no_more() {
    let tenant = Tenant::seed(7).users(300).unthrottled();
    let caller = Caller::of(tenant.permissions(["GroupMember.Read.All", "Device.Read.All"]));
    let mut hidden = 0;
    for group in caller.ids("/v1.0/groups?$select=id") {
        let target = format!("/v1.0/groups/{group}/members?$select=id,displayName");
        for row in caller.rows(&target) {
            let readable = text(&row, "@odata.type").ends_with("device")
                || text(&row, "@odata.type").ends_with("group");
            assert_eq!(row["displayName"].is_string(), readable, "{row}");
            assert!(row["id"].is_string());
            hidden += usize::from(!readable);
        }
    }
    assert!(hidden > 0);
    assert!(caller.get("/v1.0/users").refusal().starts_with("403 Authorization_RequestDenied"));
}

#[test]
fn a_large_tenant_starts_at_once_and_answers_anywhere() {
    let caller = Caller::of(Tenant::seed(7).users(2_000_000));
    assert_eq!(caller.eventual("/v1.0/users/$count").body, "2000000");
    let users = caller.get("/v1.0/users?$select=id&$top=999").json();
    assert_eq!(users["value"].as_array().expect("rows").len(), 999);
    let id = text(&users["value"][998], "id");
    let by_id = caller.ids(&format!("/v1.0/users?$select=id&$filter=id in ('{id}','{id}','x')"));
    assert_eq!(by_id, [id]);
}
