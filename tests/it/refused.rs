//! Conditions that Graph refuses: all rows are read, and filtered here.

use entra_flight::query::Request;
use entra_flight::sim::{Tenant, proxy_refusal, refuse_filter};

use crate::house::{House, report, texts};

fn tenant() -> entra_flight::sim::Builder {
    Tenant::seed(7).users(2_500)
}

// Plans are made on threads of their own, which a clock that stands still does not wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_condition_is_left_out_and_told() {
    let calm = House::of(tenant().start());
    let house = House::of(tenant().fault(refuse_filter("accountEnabled")).start());
    for limit in [None, Some(3)] {
        let request = Request {
            filter: Some("\"accountEnabled\" = false".to_owned()),
            columns: Some(vec!["id".to_owned()]),
            limit,
            ..Request::table("users")
        };
        let expected = texts(&calm.read(&request).await.expect("rows"), "id");
        assert!(!expected.is_empty() && expected.len() < 2_500);
        let rows = house.read(&request).await.unwrap_or_else(|error| panic!("{}", report(&error)));
        assert_eq!(texts(&rows, "id"), expected);
    }
    let statuses: Vec<u16> = house.tenant.served().iter().map(|served| served.status).collect();
    // It is said once, and not again for an hour.
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_is_told_from_graph() {
    for status in [403, 407] {
        let house = House::of(tenant().fault(proxy_refusal(status)).start());
        let told = report(&house.table("users").await.expect_err("refused"));
        assert!(told.contains("the answer of a proxy and not of Graph"), "{told}");
    }
}
