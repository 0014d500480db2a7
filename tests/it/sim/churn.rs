//! Rounds of changes: what they are said to have done is what a client sees.

use std::collections::{BTreeMap, BTreeSet};

use entra_flight::sim::Tenant;
use serde_json::Value;

use super::Caller;

/// Users by id.
fn users(caller: &Caller) -> BTreeMap<String, Value> {
    let rows = caller.rows("/v1.0/users?$select=id,displayName,surname,department,mail&$top=999");
    rows.into_iter().map(|row| (row["id"].as_str().expect("an id").to_owned(), row)).collect()
}

fn members(caller: &Caller) -> BTreeSet<(String, String)> {
    let mut members = BTreeSet::new();
    for group in caller.rows("/beta/groups?$select=id&$top=999") {
        let group = group["id"].as_str().expect("an id");
        for member in caller.rows(&format!("/beta/groups/{group}/members?$select=id&$top=999")) {
            members.insert((group.to_owned(), member["id"].as_str().expect("an id").to_owned()));
        }
    }
    members
}

fn sorted<T: Ord + Clone>(lists: &[&Vec<T>]) -> BTreeSet<T> {
    lists.iter().flat_map(|list| list.iter().cloned()).collect()
}

#[test]
fn a_round_does_what_it_says_and_nothing_else() {
    let caller = Caller::of(Tenant::seed(7).users(600).unthrottled());
    let (mut before, mut in_groups) = (users(&caller), members(&caller));
    let mut happened = [0; 6];
    for round in 1..=12 {
        let churn = caller.tenant.churn();
        assert_eq!(churn.round, round);
        let after = users(&caller);
        let ids = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
        let (old, new) = (ids(&before), ids(&after));
        let came: BTreeSet<String> = new.difference(&old).cloned().collect();
        let went: BTreeSet<String> = old.difference(&new).cloned().collect();
        assert_eq!(came, sorted(&[&churn.joined, &churn.restored]), "round {round}");
        assert_eq!(went, sorted(&[&churn.deleted]), "round {round}");
        for id in old.intersection(&new) {
            let differs = |name: &str| before[id][name] != after[id][name];
            assert_eq!(differs("department"), churn.moved.contains(id), "{id} in round {round}");
            assert_eq!(differs("surname"), churn.renamed.contains(id), "{id} in round {round}");
        }
        let count = caller.eventual("/v1.0/users/$count").body;
        assert_eq!(count, after.len().to_string(), "round {round}");
        for gone in churn.deleted.iter().chain(&churn.purged) {
            assert_eq!(caller.get(&format!("/v1.0/users/{gone}")).status, 404);
        }
        let now_in_groups = members(&caller);
        let added = now_in_groups.difference(&in_groups).cloned().collect::<BTreeSet<_>>();
        let removed = in_groups.difference(&now_in_groups).cloned().collect::<BTreeSet<_>>();
        assert_eq!(added, sorted(&[&churn.members_added]), "round {round}");
        assert_eq!(removed, sorted(&[&churn.members_removed]), "round {round}");
        let lists = [&churn.joined, &churn.moved, &churn.renamed, &churn.deleted, &churn.restored];
        for (sum, list) in happened.iter_mut().zip(lists.iter().chain([&&churn.purged])) {
            *sum += list.len();
        }
        (before, in_groups) = (after, now_in_groups);
    }
    assert!(happened.iter().all(|sum| *sum > 0), "something never happened: {happened:?}");
    let later = Caller::of(Tenant::seed(7).users(600).rounds(12).unthrottled());
    assert_eq!(users(&later), before, "the same rounds make the same tenant");
}
