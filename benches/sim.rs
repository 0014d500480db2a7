//! How fast the simulated tenant writes pages: it must never be what a bench of ours measures.
//!
//! Beside it stands a copy of the same bytes in memory, so that a ratio can be read in one run.

#![expect(clippy::expect_used, reason = "a bench that cannot start says why and stops")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use entra_flight::sim::Tenant;
use http::Request;

#[expect(dead_code, reason = "each bench takes what it needs")]
#[path = "support/tenant.rs"]
mod support;

use support::NOW;

/// A user with everything that is nested and long.
const WIDE: &str = "accountEnabled,assignedLicenses,assignedPlans,businessPhones,city,companyName,\
    country,createdDateTime,department,displayName,employeeId,givenName,id,identities,jobTitle,\
    mail,mobilePhone,officeLocation,onPremisesExtensionAttributes,otherMails,passwordProfile,\
    postalCode,provisionedPlans,proxyAddresses,state,streetAddress,surname,usageLocation,\
    userPrincipalName,userType";

fn pages(criterion: &mut Criterion) {
    let tenant = Tenant::seed(7).users(200_000).unthrottled().start();
    let token = support::sign_in(&tenant);
    let mut group = criterion.benchmark_group("sim");
    for (name, path) in [
        ("users, wide", format!("/v1.0/users?$top=999&$select={WIDE}")),
        ("users, default", "/v1.0/users?$top=999".to_owned()),
        ("groups", "/v1.0/groups?$top=999".to_owned()),
    ] {
        for coding in ["identity", "gzip"] {
            let request = |coding: &str| {
                Request::get(format!("http://graph.simulated{path}"))
                    .header("authorization", &token)
                    .header("accept-encoding", coding)
                    .body(Bytes::new())
                    .expect("a request")
            };
            let page = tenant.answer(&request("identity"), NOW).response.into_body();
            group.throughput(Throughput::Bytes(page.len() as u64));
            let asked = request(coding);
            group.bench_function(format!("{name}, {coding}"), |bencher| {
                bencher.iter(|| tenant.answer(black_box(&asked), NOW));
            });
            if coding == "identity" {
                group.bench_function(format!("{name}, a copy"), |bencher| {
                    bencher.iter(|| black_box(&page).clone());
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
