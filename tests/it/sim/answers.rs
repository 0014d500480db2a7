//! Whole answers, reviewed.

use entra_flight::sim::Tenant;
use expect_test::{Expect, expect};

use super::{Caller, text};

fn check(target: &str, expected: Expect) {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let heard = match target.strip_prefix("eventual ") {
        Some(target) => caller.eventual(target),
        None => caller.get(target),
    };
    expected.assert_eq(&heard.whole());
}

#[test]
fn a_page_links_to_the_next_before_its_rows() {
    check(
        "/v1.0/users?$select=id,displayName&$top=2",
        expect![[r#"
        200
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        {"@odata.context":"http://graph.simulated/v1.0/$metadata#users(id,displayName)","@odata.nextLink":"http://graph.simulated/v1.0/users?$select=id,displayName&$top=2&$skiptoken=ynrWcLle-spJrQcj7cHWRLU2pSK2G2nVPtfnM9CdDxqYkn5AJeq5hODgdXfq","value":[{"id":"8afa0e98-14be-482e-9aec-653a84c1d8e1","displayName":"James Taylor"},{"id":"c3aa9a27-7666-410a-92dc-84619fc2b851","displayName":"Noah Thomas"}]}
    "#]],
    );
}

#[test]
fn users_come_with_eleven_properties_unless_told() {
    check(
        "/v1.0/users?$top=1",
        expect![[r#"
        200
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        {"@odata.context":"http://graph.simulated/v1.0/$metadata#users","@odata.nextLink":"http://graph.simulated/v1.0/users?$top=1&$skiptoken=0Oscy9dm7SRUr5QKxd7GUTG1OKlI6H0J5PtFvpbc7dX3Bw3QyyGQBF9c87P7","value":[{"id":"8afa0e98-14be-482e-9aec-653a84c1d8e1","businessPhones":["+66 2 555 0968"],"displayName":"James Taylor","givenName":"James","jobTitle":"Nurse","mail":"james.taylor0@contoso.example","mobilePhone":"+66 2 555 0523","officeLocation":"116\/4721","preferredLanguage":"th-TH","surname":"Taylor","userPrincipalName":"james.taylor0@contoso.example"}]}
    "#]],
    );
}

#[test]
fn a_list_without_pages_comes_whole() {
    check(
        "/v1.0/directoryRoles?$select=displayName&$filter=displayName eq 'Global Reader'",
        expect![[r#"
        200
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        {"@odata.context":"http://graph.simulated/v1.0/$metadata#directoryRoles(displayName)","value":[{"displayName":"Global Reader"}]}
    "#]],
    );
}

#[test]
fn a_count_comes_on_the_first_page_of_an_advanced_query() {
    let target = "eventual /v1.0/users?$count=true&$top=1&$select=id&$orderby=displayName desc";
    check(
        target,
        expect![[r#"
        200
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        {"@odata.context":"http://graph.simulated/v1.0/$metadata#users(id)","@odata.count":40,"@odata.nextLink":"http://graph.simulated/v1.0/users?$count=true&$top=1&$select=id&$orderby=displayName%20desc&$skiptoken=1XVCwbmVyq3SCjAlbGA_XsyeNsDBHSHtqvks3IGKrsbtqx3gqIku6Ld-Y5MG","value":[{"id":"eaf30983-4fed-446b-b1c2-efe3faeb71c9"}]}
    "#]],
    );
}

#[test]
fn a_count_alone_is_a_number() {
    check(
        "eventual /v1.0/groups/$count",
        expect![[r#"
        200
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        13
    "#]],
    );
}

#[test]
fn a_beta_answer_says_beta() {
    check(
        "/beta/domains?$select=id",
        expect![[r#"
        200
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        {"@odata.context":"http://graph.simulated/beta/$metadata#domains(id)","value":[{"id":"contoso.example"},{"id":"contoso.onmicrosoft.com"},{"id":"eu.contoso.example"},{"id":"fabrikam.example"}]}
    "#]],
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    check(
        "/v1.0/users/nobody@contoso.example",
        expect![[r#"
        404
        request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        client-request-id: 1821a7f4-7e35-4559-82b7-1ae98217ea24
        x-ms-resource-unit: 1

        {"error":{"code":"Request_ResourceNotFound","message":"Resource 'nobody@contoso.example' does not exist or one of its queried reference-property objects are not present.","innerError":{"date":"2026-06-30T07:08:09","request-id":"1821a7f4-7e35-4559-82b7-1ae98217ea24","client-request-id":"1821a7f4-7e35-4559-82b7-1ae98217ea24"}}}
    "#]],
    );
}

#[test]
fn refusals_say_what_graph_says() {
    let cases = [
        "/v1.0/users?$top=1000",
        "/v1.0/users?$top=0",
        "/v1.0/users?$select=id,signInActivity&$top=501",
        "/v1.0/users?$skip=5",
        "/v1.0/users?$select=nickname",
        "/v1.0/users?$select=aboutMe",
        "/v1.0/users?$filter=nickname eq 'x'",
        "/v1.0/users?$filter=displayName eq",
        "/v1.0/users?$filter=displayName eq 7",
        "/v1.0/users?$filter=contains(displayName,'a')",
        "/v1.0/users?$filter=displayName ne 'a'",
        "/v1.0/users?$filter=endsWith(mail,'a')",
        "/v1.0/users?$filter=not startsWith(mail,'a')",
        "/v1.0/users?$filter=startsWith(mail,'a')&$orderby=displayName",
        "/v1.0/users?$filter=createdDateTime gt 2024-01-01T00:00:00Z",
        "/v1.0/users?$filter=assignedLicenses/any(x:x/skuid eq 'a')",
        "/v1.0/users?$filter=onPremisesExtensionAttributes/extensionAttribute16 eq 'a'",
        "/v1.0/users?$filter=signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z and accountEnabled eq true",
        "/v1.0/users?$filter=signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z&$top=501",
        "/v1.0/users?$filter=id in ('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16')",
        "eventual /v1.0/users?$expand=manager&$count=true",
        "/v1.0/auditLogs/signIns?$filter=status/errorcode eq 0",
        "/v1.0/users?$orderby=department",
        "/v1.0/users?$orderby=nickname",
        "/v1.0/users/$count",
        "/v1.0/users?$search=\"displayName:a\"",
        "eventual /v1.0/users?$search=displayName:a",
        "eventual /v1.0/users?$search=\"city:a\"",
        "/v1.0/users?$expand=manager,directReports",
        "/v1.0/users?$expand=memberOf",
        "/v1.0/users?$apply=x",
        "/v1.0/users?$skiptoken=abc",
        "/v1.0/directoryRoles?$top=5",
        "/v1.0/subscribedSkus?$top=5",
        "/v1.0/subscribedSkus?$filter=skuPartNumber eq 'x'",
        "/v1.0/auditLogs/signIns?$filter=status/errorCode ne 0",
        "/v1.0/people",
        "/v1.0/users/x/memberOf",
        "/v2.0/users",
        "/v1.0/groups/00000000-0000-4000-8000-000000000000/members",
    ];
    let caller = Caller::of(Tenant::seed(7).users(40).unthrottled());
    let said: Vec<String> = cases
        .into_iter()
        .map(|case| {
            let heard = match case.strip_prefix("eventual ") {
                Some(target) => caller.eventual(target),
                None => caller.get(case),
            };
            format!("{case}\n    {}\n", heard.refusal())
        })
        .collect();
    expect![[r#"
        /v1.0/users?$top=1000
            400 Request_UnsupportedQuery: Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.
        /v1.0/users?$top=0
            400 Request_UnsupportedQuery: Invalid page size specified: '0'. Must be between 1 and 999 inclusive.
        /v1.0/users?$select=id,signInActivity&$top=501
            400 Request_UnsupportedQuery: Invalid page size specified: '501'. Must be between 1 and 500 inclusive.
        /v1.0/users?$skip=5
            400 Request_BadRequest: '$skip' is not supported by the service.
        /v1.0/users?$select=nickname
            400 Request_BadRequest: Could not find a property named 'nickname' on type 'microsoft.graph.user'.
        /v1.0/users?$select=aboutMe
            501 NotImplemented: The property 'aboutMe' is only supported on requests for a single User.
        /v1.0/users?$filter=nickname eq 'x'
            400 Request_BadRequest: Could not find a property named 'nickname' on type 'microsoft.graph.user'.
        /v1.0/users?$filter=displayName eq
            400 Request_BadRequest: Invalid filter clause: syntax error at position 14.
        /v1.0/users?$filter=displayName eq 7
            400 Request_BadRequest: A binary operator with incompatible types was detected. Found operand types 'Edm.String' and 'Edm.Decimal' for a comparison.
        /v1.0/users?$filter=contains(displayName,'a')
            400 Request_UnsupportedQuery: Unsupported Query: the function 'contains' is not supported.
        /v1.0/users?$filter=displayName ne 'a'
            400 Request_UnsupportedQuery: Unsupported or invalid query filter clause specified for property 'displayName' of resource 'User'.
        /v1.0/users?$filter=endsWith(mail,'a')
            400 Request_UnsupportedQuery: Unsupported or invalid query filter clause specified for property 'mail' of resource 'User'.
        /v1.0/users?$filter=not startsWith(mail,'a')
            400 Request_UnsupportedQuery: Unsupported or invalid query filter clause specified for property 'mail' of resource 'User'.
        /v1.0/users?$filter=startsWith(mail,'a')&$orderby=displayName
            400 Request_UnsupportedQuery: Unsupported or invalid query filter clause specified for property 'mail' of resource 'User'.
        /v1.0/users?$filter=createdDateTime gt 2024-01-01T00:00:00Z
            400 Request_UnsupportedQuery: Unsupported or invalid query filter clause specified for property 'createdDateTime' of resource 'User'.
        /v1.0/users?$filter=assignedLicenses/any(x:x/skuid eq 'a')
            400 Request_BadRequest: Could not find a property named 'skuid' on type 'microsoft.graph.assignedLicense'.
        /v1.0/users?$filter=onPremisesExtensionAttributes/extensionAttribute16 eq 'a'
            400 Request_BadRequest: Could not find a property named 'extensionAttribute16' on type 'microsoft.graph.onPremisesExtensionAttributes'.
        /v1.0/users?$filter=signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z and accountEnabled eq true
            400 Request_UnsupportedQuery: Filtering on 'signInActivity' is not supported together with other properties.
        /v1.0/users?$filter=signInActivity/lastSignInDateTime le 2024-01-01T00:00:00Z&$top=501
            400 Request_UnsupportedQuery: Invalid page size specified: '501'. Must be between 1 and 500 inclusive.
        /v1.0/users?$filter=id in ('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16')
            400 Request_UnsupportedQuery: Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15.
        eventual /v1.0/users?$expand=manager&$count=true
            400 Request_UnsupportedQuery: The query option '$expand' is not supported with advanced queries.
        /v1.0/auditLogs/signIns?$filter=status/errorcode eq 0
            400 Request_BadRequest: Could not find a property named 'errorcode' on type 'microsoft.graph.signInStatus'.
        /v1.0/users?$orderby=department
            400 Request_UnsupportedQuery: Unsupported or invalid query orderby clause specified for property 'department' of resource 'User'.
        /v1.0/users?$orderby=nickname
            400 Request_BadRequest: Could not find a property named 'nickname' on type 'microsoft.graph.user'.
        /v1.0/users/$count
            400 Request_BadRequest: This request needs the header ConsistencyLevel: eventual for $count and $search.
        /v1.0/users?$search="displayName:a"
            400 Request_BadRequest: This request needs the header ConsistencyLevel: eventual for $count and $search.
        eventual /v1.0/users?$search=displayName:a
            400 Request_BadRequest: Unrecognized $search clause: terms have the form "property:value".
        eventual /v1.0/users?$search="city:a"
            400 Request_BadRequest: Could not find a property named 'city' on type 'microsoft.graph.user'.
        /v1.0/users?$expand=manager,directReports
            400 Request_UnsupportedQuery: Expanding more than one navigation property in a request is not supported.
        /v1.0/users?$expand=memberOf
            400 Request_BadRequest: Could not find a property named 'memberOf' on type 'microsoft.graph.user'.
        /v1.0/users?$apply=x
            400 Request_BadRequest: Unrecognized query option '$apply'.
        /v1.0/users?$skiptoken=abc
            400 Request_BadRequest: The specified page token value is invalid.
        /v1.0/directoryRoles?$top=5
            400 Request_UnsupportedQuery: '$top' is not supported by the service.
        /v1.0/subscribedSkus?$top=5
            400 Request_UnsupportedQuery: '$top' is not supported by the service.
        /v1.0/subscribedSkus?$filter=skuPartNumber eq 'x'
            400 Request_UnsupportedQuery: '$filter' is not supported by the service.
        /v1.0/auditLogs/signIns?$filter=status/errorCode ne 0
            400 Request_UnsupportedQuery: Unsupported or invalid query filter clause specified for property 'status' of resource 'SignIn'.
        /v1.0/people
            400 BadRequest: Resource not found for the segment 'people'.
        /v1.0/users/x/memberOf
            400 BadRequest: Resource not found for the segment 'memberOf'.
        /v2.0/users
            400 BadRequest: Invalid version: v2.0
        /v1.0/groups/00000000-0000-4000-8000-000000000000/members
            404 Request_ResourceNotFound: Resource '00000000-0000-4000-8000-000000000000' does not exist or one of its queried reference-property objects are not present.
    "#]].assert_eq(&said.concat());
}

#[test]
fn nothing_but_reading_is_done() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let said: Vec<String> = ["POST", "PATCH", "DELETE", "PUT"]
        .into_iter()
        .map(|method| {
            let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
            let heard = super::heard(caller.answer(method.clone(), "/v1.0/users", &[], "{}"));
            format!("{method} {}\n", heard.refusal())
        })
        .collect();
    expect![[r#"
        POST 405 Request_BadRequest: Specified HTTP method is not allowed for the request target.
        PATCH 405 Request_BadRequest: Specified HTTP method is not allowed for the request target.
        DELETE 405 Request_BadRequest: Specified HTTP method is not allowed for the request target.
        PUT 405 Request_BadRequest: Specified HTTP method is not allowed for the request target.
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn a_client_finds_its_own_request_id_again() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let own = [("client-request-id", "11111111-2222-4333-8444-555555555555")];
    let answer = caller.answer(http::Method::GET, "/v1.0/users/nobody", &own, "");
    let heard = super::heard(answer);
    assert_eq!(heard.header("client-request-id"), Some(own[0].1));
    let inner = &heard.json()["error"]["innerError"];
    assert_eq!(text(inner, "client-request-id"), own[0].1);
    assert_eq!(Some(text(inner, "request-id")), heard.header("request-id"));
}

#[test]
fn one_object_is_found_by_its_id_and_a_user_by_name() {
    let caller = Caller::of(Tenant::seed(7).users(40).unthrottled());
    for list in [
        "users",
        "groups",
        "devices",
        "applications",
        "servicePrincipals",
        "directoryRoles",
        "directory/administrativeUnits",
        "organization",
        "domains",
        "subscribedSkus",
        "oauth2PermissionGrants",
        "auditLogs/signIns",
        "auditLogs/directoryAudits",
    ] {
        let row = caller.rows(&format!("/v1.0/{list}")).pop().expect("a row");
        for target in [
            format!("/v1.0/{list}/{}", text(&row, "id")),
            format!("/v1.0/{list}('{}')", text(&row, "id")),
        ] {
            let one = caller.get(&target);
            assert_eq!(one.status, 200, "{target}");
            let mut one = one.json();
            let context = one.as_object_mut().expect("an object").remove("@odata.context");
            let expected = format!("http://graph.simulated/v1.0/$metadata#{list}/$entity");
            assert_eq!(context, Some(expected.into()));
            assert_eq!(one, row, "{target}");
        }
    }
    let user = caller.rows("/v1.0/users?$select=id,userPrincipalName").pop().expect("a user");
    let name = text(&user, "userPrincipalName").to_uppercase();
    let found = caller.get(&format!("/v1.0/users/{name}?$select=id")).json();
    assert_eq!(found["id"], user["id"]);
}

#[test]
fn the_schema_names_what_is_served_as_graph_does() {
    let caller = Caller::of(Tenant::seed(7).users(40));
    let nobody = [("authorization", "")];
    let schema = super::heard(caller.answer(http::Method::GET, "/v1.0/$metadata", &nobody, ""));
    assert_eq!((schema.status, schema.header("content-type")), (200, Some("application/xml")));
    for part in [
        "<EntityType Name=\"user\" BaseType=\"microsoft.graph.directoryObject\" OpenType=\"true\">",
        "<EntityType Name=\"signIn\" BaseType=\"microsoft.graph.entity\">",
        "<Property Name=\"accountEnabled\" Type=\"Edm.Boolean\"/>",
        "<Property Name=\"createdDateTime\" Type=\"Edm.DateTimeOffset\"/>",
        "<Property Name=\"appRoleId\" Type=\"Edm.Guid\"/>",
        "<Property Name=\"deviceEnrollmentLimit\" Type=\"Edm.Int32\"/>",
        "<Property Name=\"assignedLicenses\" Type=\"Collection(microsoft.graph.assignedLicense)\"/>",
        "<Property Name=\"passwordProfile\" Type=\"microsoft.graph.passwordProfile\"/>",
        "<ComplexType Name=\"userIdentity\" BaseType=\"microsoft.graph.identity\" OpenType=\"true\">",
        "<ComplexType Name=\"assignedLicense\"><Property Name=\"disabledPlans\" \
         Type=\"Collection(Edm.Guid)\"/><Property Name=\"skuId\" Type=\"Edm.Guid\"/></ComplexType>",
        "<EnumType Name=\"weakAlgorithms\" IsFlags=\"true\"><Member Name=\"rsaSha1\" Value=\"1\"/>",
        "<NavigationProperty Name=\"manager\" Type=\"microsoft.graph.directoryObject\"/>",
        "<EntitySet Name=\"groups\" EntityType=\"microsoft.graph.group\"/>",
        "<Singleton Name=\"auditLogs\" Type=\"microsoft.graph.auditLogRoot\"/>",
        "<NavigationProperty Name=\"administrativeUnits\" \
         Type=\"Collection(microsoft.graph.administrativeUnit)\" ContainsTarget=\"true\"/>",
    ] {
        assert!(schema.body.contains(part), "{part} is not in {}", schema.body);
    }
    for part in ["extension_", "auditLogs_signIns", "user_"] {
        assert!(!schema.body.contains(part), "{part} is in {}", schema.body);
    }
}
