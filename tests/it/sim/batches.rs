//! `$batch`.

use entra_flight::sim::{Tenant, throttle};
use expect_test::expect;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

use super::{Caller, Heard, heard, text};

fn batch(caller: &Caller, body: &Value) -> Heard {
    heard(caller.answer(Method::POST, "/v1.0/$batch", &[], &body.to_string()))
}

fn get(id: &str, url: &str) -> Value {
    json!({"id": id, "method": "GET", "url": url})
}

/// The parts' answers by id.
fn answers(heard: &Heard) -> Vec<(String, Value)> {
    assert_eq!(heard.status, 200, "{}", heard.body);
    let json = heard.json();
    let responses = json["responses"].as_array().expect("responses");
    let mut answers: Vec<(String, Value)> =
        responses.iter().map(|one| (text(one, "id").to_owned(), one.clone())).collect();
    answers.sort_by(|(left, _), (right, _)| left.cmp(right));
    answers
}

#[test]
fn a_part_answers_as_the_request_alone() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let urls = ["/users?$select=id,displayName&$top=2", "groups?$select=id", "/users/nobody", "/x"];
    let parts: Vec<Value> =
        urls.iter().zip('a'..).map(|(url, id)| get(&id.to_string(), url)).collect();
    let batched = batch(&caller, &json!({"requests": parts}));
    let strip = |mut value: Value| {
        value.as_object_mut().expect("an object").remove("@odata.nextLink");
        if let Some(error) = value["error"].as_object_mut() {
            error.remove("innerError");
        }
        value
    };
    for (url, (_, part)) in urls.iter().zip(answers(&batched)) {
        let alone = caller.get(&format!("/v1.0/{}", url.trim_start_matches('/')));
        assert_eq!(part["status"], alone.status);
        assert_eq!(strip(part["body"].clone()), strip(alone.json()));
        assert_eq!(
            part["headers"]["x-ms-resource-unit"].as_str(),
            alone.header("x-ms-resource-unit")
        );
    }
    let first = &answers(&batched)[0].1;
    let link = text(&first["body"], "@odata.nextLink");
    assert_eq!(caller.get(link).status, 200, "a part's link is followed outside");
    assert_eq!(caller.tenant.counters().batch_parts, 4);
}

#[test]
fn links_of_parts_are_urls_however_the_part_was_written() {
    let caller = Caller::of(Tenant::seed(7).users(300));
    let url = "/users?$select=id&$top=5&$filter=department eq 'a\"é' or accountEnabled eq true";
    let batched = batch(&caller, &json!({"requests": [get("1", url)]}));
    let body = answers(&batched)[0].1["body"].clone();
    let link = text(&body, "@odata.nextLink");
    let query = "$filter=department%20eq%20'a%22%C3%A9'%20or%20accountEnabled%20eq%20true&";
    assert!(link.contains(query), "{link}");
    assert!(link.parse::<http::Uri>().is_ok(), "{link}");
    assert_eq!(caller.get(link).status, 200);
}

#[test]
fn answers_come_in_another_order() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let parts: Vec<Value> =
        (0..20).map(|n| get(&n.to_string(), "/organization?$select=id")).collect();
    let json = batch(&caller, &json!({"requests": parts})).json();
    let ids: Vec<&str> =
        json["responses"].as_array().expect("all").iter().map(|one| text(one, "id")).collect();
    assert_eq!((ids.len(), ids[0]), (20, "19"));
}

#[test]
fn parts_are_throttled_singly() {
    let fault = throttle().after(2).wait(Duration::from_millis(2_128));
    let caller = Caller::of(Tenant::seed(7).users(40).fault(fault));
    let parts: Vec<Value> =
        (0..4).map(|n| get(&n.to_string(), "/organization?$select=id")).collect();
    let said: Vec<String> = answers(&batch(&caller, &json!({"requests": parts})))
        .iter()
        .map(|(id, part)| format!("{id} {} {}\n", part["status"], part["headers"]["Retry-After"]))
        .collect();
    assert_eq!(said.concat(), "0 200 null\n1 200 null\n2 429 \"2.128\"\n3 429 \"2.128\"\n");
    assert_eq!(caller.tenant.counters().throttled, 2);
}

#[test]
fn what_depends_on_a_failure_fails() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let mut second = get("2", "/organization");
    second["dependsOn"] = json!(["1"]);
    let body = json!({"requests": [get("1", "/users/nobody"), second]});
    let statuses: Vec<Value> =
        answers(&batch(&caller, &body)).into_iter().map(|(_, one)| one["status"].clone()).collect();
    assert_eq!(statuses, [404, 424]);
}

#[test]
fn a_bad_batch_is_refused() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let many: Vec<Value> = (0..21).map(|n| get(&n.to_string(), "/users")).collect();
    let mut early = get("1", "/users");
    early["dependsOn"] = json!(["2"]);
    let bodies = [
        json!({"requests": many}),
        json!({"requests": []}),
        json!({"requests": [get("1", "/users"), get("1", "/groups")]}),
        json!({"requests": [{"method": "GET", "url": "/users"}]}),
        json!({"requests": [early, get("2", "/users")]}),
        json!(7),
    ];
    let said: Vec<String> =
        bodies.iter().map(|body| format!("{}\n", batch(&caller, body).refusal())).collect();
    expect![[r#"
        400 BadRequest: Number of batch request steps exceeds the maximum value of '20'.
        400 BadRequest: Invalid batch payload format: there are no requests.
        400 BadRequest: The request id '1' is not unique.
        400 BadRequest: Invalid batch payload format.
        400 BadRequest: The request id '2' of dependsOn is not known.
        400 BadRequest: Invalid batch payload format.
    "#]]
    .assert_eq(&said.concat());
    let nested = json!({"requests": [{"id": "1", "method": "POST", "url": "/$batch", "body": {}}]});
    assert_eq!(answers(&batch(&caller, &nested))[0].1["status"], 400);
    assert_eq!(caller.get("/v1.0/$batch").status, 405);
}
