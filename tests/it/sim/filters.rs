//! `$filter` and `$search`, against the plainest evaluation of the same words over all rows.

use std::collections::BTreeSet;

use entra_flight::sim::Tenant;
use proptest::prelude::*;
use serde_json::Value;

use super::{Caller, text};

fn caller() -> Caller {
    Caller::of(Tenant::seed(11).users(400).unthrottled())
}

fn lower(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

/// Asks with the filter and compares with all rows for which `holds` does.
fn check(caller: &Caller, list: &str, filter: &str, holds: impl Fn(&Value) -> bool) {
    let select = "$select=id,displayName,mail,accountEnabled,userType,createdDateTime,department,\
                  assignedLicenses,businessPhones,onPremisesExtensionAttributes,companyName";
    let all = caller.rows(&format!("/v1.0/{list}?{select}"));
    let expected: BTreeSet<&str> =
        all.iter().filter(|row| holds(row)).map(|row| text(row, "id")).collect();
    assert!(!expected.is_empty() && expected.len() < all.len(), "{filter} tells nothing apart");
    let target = format!("/v1.0/{list}?$select=id&$count=true&$top=25&$filter={filter}");
    let pages = caller.pages(&target);
    let rows: Vec<&Value> =
        pages.iter().flat_map(|page| page["value"].as_array().expect("rows")).collect();
    let found: BTreeSet<&str> = rows.iter().map(|row| text(row, "id")).collect();
    assert_eq!(found, expected, "{filter}");
    assert_eq!(rows.len(), expected.len(), "{filter} gave a row twice");
    assert_eq!(pages[0]["@odata.count"], expected.len(), "{filter}");
}

#[test]
fn filters_mean_what_they_say() {
    let caller = caller();
    let users =
        |filter: &str, holds: &dyn Fn(&Value) -> bool| check(&caller, "users", filter, holds);
    users("accountEnabled eq true", &|row| row["accountEnabled"] == true);
    users("accountEnabled ne true", &|row| row["accountEnabled"] != true);
    users("not(accountEnabled eq true)", &|row| row["accountEnabled"] != true);
    users("userType eq 'GUEST'", &|row| lower(&row["userType"]).as_deref() == Some("guest"));
    users("department eq null", &|row| row["department"].is_null());
    users("department ne null", &|row| !row["department"].is_null());
    users("startsWith(displayName,'m')", &|row| {
        lower(&row["displayName"]).is_some_and(|name| name.starts_with('m'))
    });
    users("startswith(displayName,'M') or startswith(displayName,'a')", &|row| {
        lower(&row["displayName"]).is_some_and(|name| name.starts_with(['m', 'a']))
    });
    users("endsWith(mail,'7@contoso.example')", &|row| {
        lower(&row["mail"]).is_some_and(|mail| mail.ends_with("7@contoso.example"))
    });
    users("displayName ge 'n'", &|row| lower(&row["displayName"]).is_some_and(|n| *n >= *"n"));
    users("displayName lt 'n'", &|row| lower(&row["displayName"]).is_some_and(|n| *n < *"n"));
    users("createdDateTime ge 2024-01-01T00:00:00Z", &|row| {
        row["createdDateTime"].as_str().is_some_and(|at| at >= "2024-01-01")
    });
    users("createdDateTime lt 2024-01-01 and accountEnabled eq true", &|row| {
        row["createdDateTime"].as_str().is_some_and(|at| at < "2024-01-01")
            && row["accountEnabled"] == true
    });
    users("assignedLicenses/$count eq 0", &|row| {
        row["assignedLicenses"].as_array().is_none_or(Vec::is_empty)
    });
    users("businessPhones/any()", &|row| {
        row["businessPhones"].as_array().is_some_and(|phones| !phones.is_empty())
    });
    users("businessPhones/any(p:startsWith(p,'+1'))", &|row| {
        row["businessPhones"].as_array().is_some_and(|phones| {
            phones.iter().any(|phone| phone.as_str().is_some_and(|phone| phone.starts_with("+1")))
        })
    });
}

#[test]
fn filters_reach_into_lists_and_structures() {
    let caller = caller();
    let licensed = caller.rows("/v1.0/users?$select=id,assignedLicenses");
    let sku = licensed
        .iter()
        .find_map(|row| row["assignedLicenses"].get(0).map(|licence| text(licence, "skuId")))
        .expect("a licence");
    for literal in [sku.to_owned(), format!("'{}'", sku.to_uppercase())] {
        let filter = format!("assignedLicenses/any(x:x/skuId eq {literal})");
        check(&caller, "users", &filter, |row| {
            row["assignedLicenses"]
                .as_array()
                .is_some_and(|licences| licences.iter().any(|licence| licence["skuId"] == sku))
        });
    }
    let attribute = "onPremisesExtensionAttributes";
    let filter = format!("{attribute}/extensionAttribute1 ne null");
    check(&caller, "users", &filter, |row| row[attribute]["extensionAttribute1"].is_string());
}

#[test]
fn fifteen_alternatives_pass_without_an_advanced_query_and_sixteen_with_one() {
    let caller = caller();
    let either = |count: usize| {
        let clauses: Vec<String> = (0..count).map(|n| format!("department eq 'x{n}'")).collect();
        format!("/v1.0/users?$filter={}", clauses.join(" or "))
    };
    assert_eq!(caller.get(&either(15)).status, 200);
    let refused = caller.get(&either(16)).refusal();
    assert_eq!(
        refused,
        "400 Request_UnsupportedQuery: Too many child clauses specified in search filter \
         expression containing 'OR' operators: 16. Max allowed: 15."
    );
    assert_eq!(caller.eventual(&format!("{}&$count=true", either(16))).status, 200);
}

#[test]
fn a_count_without_the_header_is_not_counted() {
    let caller = caller();
    let target = "/v1.0/users?$select=id&$count=true";
    let plain = caller.get(target);
    assert_eq!((plain.status, plain.json().get("@odata.count")), (200, None));
    assert_eq!(caller.eventual(target).json()["@odata.count"], 400);
}

#[test]
fn a_filter_on_sign_in_activity_is_a_report() {
    let filter = "/v1.0/users?$select=id&$filter=signInActivity/lastSignInDateTime le 2030-01-01";
    let caller = Caller::of(Tenant::seed(7).users(40));
    let statuses: Vec<u16> = (0..6).map(|_| caller.get(filter).status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    assert_eq!(Caller::of(Tenant::seed(7).users(40).free()).get(filter).status, 403);
    let without = Tenant::seed(7).users(40).without("AuditLog.Read.All");
    assert_eq!(Caller::of(without).get(filter).status, 403);
}

#[test]
fn logs_and_grants_are_filtered_without_the_index() {
    let caller = caller();
    let failed = caller.get("/v1.0/auditLogs/signIns?$filter=status/errorCode eq 0").json();
    assert!(
        failed["value"]
            .as_array()
            .expect("rows")
            .iter()
            .all(|row| { row["status"]["errorCode"] == 0 })
    );
    let grants = caller.rows("/v1.0/oauth2PermissionGrants");
    let client = text(&grants[0], "clientId");
    let of_client = format!("/v1.0/oauth2PermissionGrants?$filter=clientId eq '{client}'");
    let expected = grants.iter().filter(|grant| grant["clientId"] == client).count();
    assert_eq!(caller.rows(&of_client).len(), expected);
    for list in ["oauth2PermissionGrants", "auditLogs/directoryAudits", "devices", "domains"] {
        let id = caller.ids(&format!("/v1.0/{list}")).pop().expect("a row");
        assert_eq!(caller.ids(&format!("/v1.0/{list}?$filter=id eq '{id}'")), [id], "{list}");
    }
    let two = &caller.ids("/v1.0/users?$select=id")[..2];
    let both = format!("/v1.0/users?$select=id&$top=1&$filter=id in ('{}','{}')", two[1], two[0]);
    let first = caller.get(&both).json();
    assert_eq!(first["value"].as_array().map(Vec::len), Some(1), "$top holds");
    assert_eq!(caller.ids(&both), two);
}

#[test]
fn pages_under_a_filter_may_be_empty() {
    let caller = Caller::of(Tenant::seed(7).users(3_000).unthrottled());
    let pages = caller.pages("/v1.0/users?$select=id&$top=10&$filter=accountEnabled eq true");
    let empty = |page: &&Value| page["value"].as_array().is_some_and(Vec::is_empty);
    let before_the_last = pages.split_last().map_or(&[][..], |(_, before)| before);
    assert!(before_the_last.iter().filter(empty).count() > 5);
}

#[test]
fn a_search_finds_words_that_begin_so() {
    let caller = caller();
    let all = caller.rows("/v1.0/users?$select=id,displayName,mail");
    let name = text(&all[3], "displayName").to_lowercase();
    let word = name.split(' ').next_back().expect("a word");
    let begins = |row: &&Value, property: &str, word: &str| {
        lower(&row[property]).is_some_and(|text| {
            text.split(|c: char| !c.is_alphanumeric()).any(|one| one.starts_with(word))
        })
    };
    let found = caller.ids(&format!("/v1.0/users?$select=id&$search=\"displayName:{word}\""));
    let expected = all.iter().filter(|row| begins(row, "displayName", word)).count();
    assert_eq!((found.len(), expected > 0), (expected, true));
    let either = format!(
        "/v1.0/users?$select=id&$search=\"displayName:{word}\" OR \"mail:{}\"",
        text(&all[5], "mail").split('@').next().expect("a name")
    );
    assert!(caller.ids(&either).len() > expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is asked, the answer is JSON with rows or with an error.
    #[test]
    fn no_filter_breaks_the_tenant(filter in "[a-z/()' :,$0-9.-]{0,40}|[ -~]{0,30}") {
        let caller = Caller::of(Tenant::seed(7).users(5).unthrottled());
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", &filter)
            .finish();
        let heard = caller.get(&format!("/v1.0/users?{query}"));
        let json = heard.json();
        prop_assert_eq!(heard.status == 200, json["value"].is_array());
        prop_assert_eq!(heard.status == 400, json["error"]["code"].is_string());
    }

    #[test]
    fn no_path_breaks_the_tenant(path in "(/(v1[.]0|beta|users|groups|%[0-9a-f]{2}|\\$count|[a-z'()~!]{1,6})){0,5}") {
        let caller = Caller::of(Tenant::seed(7).users(5).unthrottled());
        let heard = caller.get(&format!("http://graph.simulated{path}"));
        prop_assert!(matches!(heard.status, 200 | 400 | 401 | 404), "{} {}", path, heard.status);
    }
}
