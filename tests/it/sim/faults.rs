//! Each fault, by its word.

use std::collections::BTreeSet;
use std::time::Duration;

use entra_flight::sim::{
    Breakage, Echo, Fault, Tenant, break_page, change_between_pages, cut_body, downtime,
    drop_permission, endless_throttle, expire_link, expire_token, fail_parent, foreign_link,
    outage, proxy_refusal, refuse_count, refuse_filter, refuse_token, repeat_link, slow, throttle,
    top_is_limit,
};
use expect_test::expect;
use http::Method;

use super::{Caller, heard, text};

const PAGES: &str = "/v1.0/users?$select=id&$top=100";

fn caller(fault: impl Into<Fault>) -> Caller {
    caller_of(300, fault)
}

fn caller_of(users: u64, fault: impl Into<Fault>) -> Caller {
    Caller::of(Tenant::seed(7).users(users).fault(fault))
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn words_are_read_and_written() {
    let cases: [(&str, Fault); 35] = [
        ("throttle:3:2128ms", throttle().after(3).wait(ms(2_128)).into()),
        ("throttle:20:30s", throttle().after(20).wait(ms(30_000)).into()),
        ("outage:4", outage(4)),
        ("slow:1500ms", slow(ms(1_500))),
        ("cut_body:1000", cut_body(1_000)),
        ("repeat_link", repeat_link()),
        ("foreign_link", foreign_link()),
        ("expire_link", expire_link()),
        ("expire_token:5s", expire_token(ms(5_000))),
        ("drop_permission", Fault::DropPermission { name: None }),
        ("drop_permission:User.Read.All", drop_permission("User.Read.All")),
        ("change_between_pages", change_between_pages()),
        ("expire_link:reporting", Fault::ExpireReportLink),
        ("top_is_limit", Fault::TopIsLimit { list: None }),
        ("top_is_limit:appRoleAssignments", top_is_limit("appRoleAssignments")),
        ("lose_link", Fault::LoseLink),
        ("odd_link", Fault::OddLink),
        ("break_page:splice", break_page(Breakage::Splice, 1)),
        ("break_page:row:3", break_page(Breakage::Row, 3)),
        ("break_page:end:2", break_page(Breakage::End, 2)),
        ("byte_order_mark", Fault::ByteOrderMark),
        ("swell:5000000", Fault::Swell { rows: 5_000_000 }),
        ("endless_throttle:3", endless_throttle(3)),
        ("downtime:3:120s", downtime(3, ms(120_000))),
        ("refuse_token:2", refuse_token(2)),
        ("fail_parent:500", fail_parent(500)),
        ("refuse_filter", Fault::RefuseFilter { property: None }),
        ("refuse_filter:department", refuse_filter("department")),
        ("refuse_count", refuse_count()),
        ("proxy_refusal:407", proxy_refusal(407)),
        ("undeclared_members", Fault::UndeclaredMembers),
        ("wrong_type:mail", Fault::WrongType { property: "mail".to_owned() }),
        ("expires_as_text", Fault::ExpiresAsText),
        ("echo_request", Fault::EchoRequest { echo: Echo::Sent }),
        ("echo_request:base64", Fault::EchoRequest { echo: Echo::Base64 }),
    ];
    for (word, fault) in cases {
        assert_eq!(word.parse::<Fault>().expect(word), fault);
        assert_eq!(fault.to_string(), word);
    }
    assert_eq!("expire_token".parse::<Fault>().expect("a word"), expire_token(ms(5_000)));
    assert_eq!("slow:2m".parse::<Fault>().expect("a word"), slow(ms(120_000)));
    assert_eq!("slow:1.5s".parse::<Fault>().expect("a word"), slow(ms(1_500)));
}

#[test]
fn a_wrong_word_is_told_the_right_form() {
    let words = [
        "throtle:1:1s",
        "throttle",
        "throttle:0:1s",
        "throttle:1:1",
        "throttle:1:1h",
        "outage:x",
        "slow",
        "slow:99999999m",
        "cut_body:-1",
        "repeat_link:1",
        "break_page",
        "break_page:twice",
        "drop_permission:",
        "drop_permission:NoSuch",
        "",
    ];
    let said: Vec<String> = words
        .into_iter()
        .map(|word| {
            let error = word.parse::<Fault>().expect_err(word);
            format!("{error}; {}\n", error.hint().unwrap_or_default())
        })
        .collect();
    expect![[r#"
        there is no fault `throtle`, only `throttle:AFTER:WAIT`, `outage:N`, `slow:WAIT`, `cut_body:BYTES`, `repeat_link`, `foreign_link`, `expire_link[:reporting]`, `expire_token[:LIFE]`, `drop_permission[:NAME]`, `change_between_pages`, `top_is_limit[:LIST]`, `lose_link`, `odd_link`, `break_page:splice|row|member|end[:N]`, `byte_order_mark`, `swell:ROWS`, `endless_throttle:AFTER`, `downtime:AFTER:TIME`, `refuse_token:N`, `fail_parent[:STATUS]`, `refuse_filter[:PROPERTY]`, `refuse_count`, `proxy_refusal:STATUS`, `undeclared_members`, `wrong_type:PROPERTY`, `expires_as_text`, `echo_request[:sent|plain|lower|json|base64]`; 
        the fault `throttle` is not of the form `throttle:AFTER:WAIT`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `throttle:0:1s` is not of the form `throttle:AFTER:WAIT`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `throttle:1:1` is not of the form `throttle:AFTER:WAIT`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `throttle:1:1h` is not of the form `throttle:AFTER:WAIT`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `outage:x` is not of the form `outage:N`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `slow` is not of the form `slow:WAIT`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `slow:99999999m` is not of the form `slow:WAIT`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `cut_body:-1` is not of the form `cut_body:BYTES`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `repeat_link:1` is not of the form `repeat_link`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `break_page` is not of the form `break_page:splice|row|member|end[:N]`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `break_page:twice` is not of the form `break_page:splice|row|member|end[:N]`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the fault `drop_permission:` is not of the form `drop_permission[:NAME]`; waits are written like `30s`, `2128ms` or `2m`, numbers as digits
        the permission `NoSuch` opens no list, so dropping it changes nothing; name one such as `User.Read.All`, or none to drop all
        there is no fault ``, only `throttle:AFTER:WAIT`, `outage:N`, `slow:WAIT`, `cut_body:BYTES`, `repeat_link`, `foreign_link`, `expire_link[:reporting]`, `expire_token[:LIFE]`, `drop_permission[:NAME]`, `change_between_pages`, `top_is_limit[:LIST]`, `lose_link`, `odd_link`, `break_page:splice|row|member|end[:N]`, `byte_order_mark`, `swell:ROWS`, `endless_throttle:AFTER`, `downtime:AFTER:TIME`, `refuse_token:N`, `fail_parent[:STATUS]`, `refuse_filter[:PROPERTY]`, `refuse_count`, `proxy_refusal:STATUS`, `undeclared_members`, `wrong_type:PROPERTY`, `expires_as_text`, `echo_request[:sent|plain|lower|json|base64]`; 
    "#]].assert_eq(&said.concat());
}

#[test]
fn throttle_refuses_until_the_wait_has_passed() {
    let caller = caller(throttle().after(3).wait(ms(2_128)));
    let ask = || caller.get("/v1.0/organization");
    for _ in 0..2 {
        assert_eq!([ask().status, ask().status, ask().status], [200; 3]);
        let refused = ask();
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("2.128")));
        assert_eq!(refused.header("x-ms-throttle-information"), Some("CPULimitExceeded"));
        let scope = refused.header("x-ms-throttle-scope").expect("a scope");
        assert!(scope.starts_with("Tenant_Application/Read/"), "{scope}");
        caller.wait(ms(2_000));
        let again = ask();
        assert_eq!((again.status, again.header("retry-after")), (429, Some("0.128")));
        caller.wait(ms(128));
    }
    assert_eq!(ask().status, 200);
    assert_eq!(caller.tenant.counters().throttled, 4);
}

#[test]
fn outage_lasts_as_many_answers_as_told() {
    let caller = caller(outage(2));
    let statuses = [0; 4].map(|_| caller.get("/v1.0/organization").status);
    assert_eq!(statuses, [503, 503, 200, 200]);
}

#[test]
fn endless_throttle_refuses_once_and_names_ages() {
    let caller = caller(endless_throttle(1));
    let ask = || caller.get("/v1.0/organization");
    assert_eq!(ask().status, 200);
    let refused = ask();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1000000000000")));
    assert_eq!(ask().status, 200);
}

#[test]
fn downtime_lasts_as_long_as_told() {
    let caller = caller(downtime(1, ms(60_000)));
    let ask = || caller.get("/v1.0/organization").status;
    assert_eq!([ask(), ask(), ask()], [200, 503, 503]);
    caller.wait(ms(60_000));
    assert_eq!([ask(), ask()], [200, 200]);
}

#[test]
fn refuse_token_refuses_good_tokens() {
    let caller = caller(refuse_token(2));
    let statuses = [0; 3].map(|_| caller.get("/v1.0/organization").status);
    assert_eq!(statuses, [401, 401, 200]);
}

#[test]
fn fail_parent_fails_what_one_object_leads_to() {
    let caller = caller(fail_parent(500));
    let ids = caller.ids("/v1.0/groups?$select=id");
    let ask = |id: &str| caller.get(&format!("/v1.0/groups/{id}/members")).status;
    assert_eq!([ask(&ids[0]), ask(&ids[1]), ask(&ids[0])], [500, 200, 500]);
}

#[test]
fn conditions_and_counts_are_refused_where_told() {
    let filters = caller(refuse_filter("department"));
    let ask = |filter: &str| filters.get(&format!("/v1.0/users?$filter={filter}")).status;
    assert_eq!([ask("department eq 'IT'"), ask("accountEnabled eq true")], [400, 200]);
    assert_eq!(filters.get("/v1.0/users").status, 200);
    let counts = caller(refuse_count());
    assert_eq!(counts.eventual("/v1.0/users/$count").status, 400);
}

#[test]
fn proxy_refusal_is_a_page() {
    let refused = caller(proxy_refusal(407)).get("/v1.0/users");
    assert_eq!(
        (refused.status, refused.header("content-type")),
        (407, Some("text/html; charset=utf-8"))
    );
    assert!(refused.body.starts_with("<!DOCTYPE html>"));
}

#[test]
fn slow_delays_the_first_answer_and_each_fifth() {
    let tenant = Tenant::seed(7).users(300).latency(ms(10)).fault(slow(ms(500)));
    let caller = Caller::of(tenant);
    let late: Vec<usize> = (0..11)
        .filter(|_| caller.answer(Method::GET, "/v1.0/organization", &[], "").delay > ms(10))
        .collect();
    assert_eq!(late, [0, 5, 10]);
}

#[test]
fn cut_body_cuts_one_answer() {
    let caller = caller(cut_body(2_000));
    let ask = |target: &str| caller.answer(Method::GET, target, &[], "").cut;
    assert_eq!(ask("/v1.0/users?$top=1&$select=id"), None, "it is short");
    assert_eq!(ask("/v1.0/users"), Some(2_000));
    assert_eq!(ask("/v1.0/users"), None);
}

#[test]
fn repeat_link_leads_from_the_second_page_to_itself() {
    let caller = caller(repeat_link());
    let first = caller.get(PAGES).json();
    let second_link = text(&first, "@odata.nextLink").to_owned();
    let second = caller.get(&second_link).json();
    assert_eq!(text(&second, "@odata.nextLink"), second_link);
    assert_ne!(first["value"], second["value"]);
}

#[test]
fn foreign_link_leads_to_another_host() {
    let first = caller(foreign_link()).get(PAGES).json();
    let link = text(&first, "@odata.nextLink");
    assert!(link.starts_with("https://graph.elsewhere.example/v1.0/users?"), "{link}");
}

#[test]
fn expire_link_refuses_one_page_token() {
    let caller = caller(expire_link());
    let first = caller.get(PAGES).json();
    let link = text(&first, "@odata.nextLink");
    let refused = caller.get(link).refusal();
    assert!(refused.starts_with("400 Directory_ExpiredPageToken"), "{refused}");
    assert_eq!(caller.ids(PAGES).len(), 300, "a new start reads everything");
}

#[test]
fn expire_token_lets_tokens_live_as_long_as_told() {
    let mut caller = caller(expire_token(ms(3_000)));
    let answer = caller.sign_in_with("contoso.example", super::SIGN_IN).json();
    assert_eq!(answer["expires_in"], 3);
    caller.wait(ms(2_999));
    assert_eq!(caller.get(PAGES).status, 200);
    caller.wait(ms(1_001));
    assert_eq!(caller.get(PAGES).status, 401);
    caller.sign_in();
    assert_eq!(caller.get(PAGES).status, 200);
}

#[test]
fn drop_permission_strikes_on_the_second_page() {
    for (fault, users, groups) in [
        (Fault::DropPermission { name: None }, 403, 403),
        (drop_permission("User.Read.All"), 403, 200),
        (drop_permission("Device.Read.All"), 200, 200),
    ] {
        let caller = caller(fault.clone());
        let second = |list: &str| {
            let first = caller.get(&format!("/v1.0/{list}?$select=id&$top=20"));
            assert_eq!(first.status, 200);
            caller.get(text(&first.json(), "@odata.nextLink")).status
        };
        assert_eq!((second("users"), second("groups")), (users, groups), "{fault}");
    }
}

#[test]
fn change_between_pages_loses_repeats_and_adds_a_row_a_page() {
    let before = Caller::of(Tenant::seed(7).users(300)).ids(PAGES);
    let after = caller(change_between_pages()).ids(PAGES);
    let distinct: BTreeSet<&String> = after.iter().collect();
    let old: BTreeSet<&String> = before.iter().collect();
    let pages = Caller::of(Tenant::seed(7).users(300).fault(change_between_pages())).pages(PAGES);
    let changes = pages.len() - 1;
    assert!(changes >= 2);
    assert_eq!(after.len() - distinct.len(), changes, "repeated");
    assert_eq!(distinct.difference(&old).count(), changes, "new");
    assert_eq!(old.difference(&distinct).count(), changes, "gone");
}

#[test]
fn a_row_that_comes_between_pages_meets_the_filter() {
    let target = format!("{PAGES}&$filter=accountEnabled eq false and userType eq 'Member'");
    let target = target
        .replace("$top=100", "$top=5")
        .replace("$select=id", "$select=id,accountEnabled,userType");
    let before = Caller::of(Tenant::seed(7).users(2_000)).ids(&target);
    let rows = caller_of(2_000, change_between_pages()).rows(&target);
    assert!(rows.iter().all(|row| row["accountEnabled"] == false && row["userType"] == "Member"));
    let new = rows.iter().filter(|row| !before.iter().any(|id| id == text(row, "id")));
    assert!(new.count() > 3);
}

#[test]
fn links_of_relations_have_the_same_faults() {
    let caller = caller(repeat_link());
    let link = caller.ids("/v1.0/groups?$select=id&$top=999").into_iter().find_map(|group| {
        let first = caller.get(&format!("/v1.0/groups/{group}/members?$select=id&$top=1")).json();
        first["@odata.nextLink"].as_str().map(String::from)
    });
    let link = link.expect("a group of more than one");
    assert_eq!(text(&caller.get(&link).json(), "@odata.nextLink"), link);
}

#[test]
fn a_tenant_remembers_what_was_asked() {
    let caller = caller(outage(1));
    caller.get("/v1.0/organization?$select=id");
    caller.wait(ms(10));
    let answer = caller.answer(Method::GET, "/v1.0/users/x", &[], "");
    assert_eq!(heard(answer).status, 404);
    let served: Vec<String> = caller
        .tenant
        .served()
        .iter()
        .map(|one| {
            let after = one.at - super::START;
            format!("{} ms {} {} {}\n", after.as_millis(), one.method, one.target, one.status)
        })
        .collect();
    let expected = "0 ms GET /v1.0/organization?$select=id 503\n10 ms GET /v1.0/users/x 404\n";
    assert_eq!(served.concat(), expected);
}

#[test]
fn a_page_is_broken_as_told_and_as_often() {
    for how in ["splice", "row", "member", "end"] {
        let caller = caller(format!("break_page:{how}:2").parse::<Fault>().expect(how));
        let bodies = [0; 3].map(|_| caller.get(PAGES).body);
        let json = |body: &String| serde_json::from_str::<serde_json::Value>(body).is_ok();
        let whole = matches!(how, "row" | "member");
        assert_eq!(bodies.each_ref().map(json), [whole, whole, true], "{how}");
        let errs = how != "end";
        let says = |body: &String| body.contains(r#""error":{"code":"InternalServerError""#);
        assert_eq!(bodies.each_ref().map(says), [errs, errs, false], "{how}");
    }
}

#[test]
fn a_bound_list_ends_where_top_says() {
    let caller = caller(top_is_limit("/users"));
    let next = |target: &str| caller.get(target).json()["@odata.nextLink"].is_string();
    assert!(!next("/v1.0/users?$top=7") && next("/v1.0/users"));
    assert!(next("/v1.0/groups?$top=2"));
}
