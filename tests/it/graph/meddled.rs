//! What the simulated tenant does not do: answers put in its place, one by one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use entra_flight::clock;
use entra_flight::error::Kind;
use entra_flight::sim::{self, Tenant};
use entra_flight::transport::{Error, Exchange, Transport};
use expect_test::expect;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use http::{Request, Response};

use super::faults::calm;
use super::{House, ms, report, secs, small};

pub(super) type Answer = Result<Response<Vec<u8>>, Error>;

/// A tenant some of whose answers come from elsewhere.
struct Meddled<F> {
    tenant: Tenant,
    meddle: F,
}

impl<F: Fn(&Request<Bytes>) -> Option<Answer> + Send + Sync + 'static> Transport for Meddled<F> {
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Answer> {
        match (self.meddle)(&exchange.request) {
            Some(answer) => futures::future::ready(answer).boxed(),
            None => self.tenant.exchange(exchange),
        }
    }
}

pub(super) fn house(
    meddle: impl Fn(&Request<Bytes>) -> Option<Answer> + Send + Sync + 'static,
) -> House {
    let tenant = small().start();
    let transport = Meddled { tenant: tenant.clone(), meddle };
    House::over(tenant, Arc::new(transport), sim::CLIENT_SECRET)
}

pub(super) fn no(status: u16, body: &str) -> Option<Answer> {
    Some(Ok(Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()))
}

const GONE: &str = r#"{"error":{"code":"Request_ResourceNotFound","message":"It is gone."}}"#;

/// Whether it asks for a later page of what belongs to a group.
fn is_next_of_parent(request: &Request<Bytes>) -> bool {
    request.uri().path().ends_with("/members") && request.uri().to_string().contains("skiptoken")
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_is_gone_behind_its_first_page_is_begun_again() {
    let left = AtomicU32::new(3);
    let house = house(move |request| {
        let take = |left: u32| left.checked_sub(1);
        let meddles = is_next_of_parent(request)
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if meddles { no(404, GONE) } else { None }
    });
    let read = house.read_until(&house.scan("group_members", &["id"], Some(40)), None).await;
    let read = read.unwrap();
    assert!(read.rows == *calm(2).await);
    assert_eq!((read.meter.restarts(), read.unmarked), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn not_found_is_no_rows_only_where_graph_says_so_of_a_first_page() {
    let mut told = String::new();
    let always = house(|request| if is_next_of_parent(request) { no(404, GONE) } else { None });
    let proxy = house(|request| match request.uri().path().ends_with("/members") {
        true => no(404, "<html>Not here</html>"),
        false => None,
    });
    for house in [always, proxy] {
        let scan = house.scan("group_members", &["id"], Some(40));
        told.push_str(&report(&house.read_until(&scan, None).await.unwrap_err()));
        told.push('\n');
    }
    expect![[r#"
        Unavailable: could not fetch page ## of `group_members`, for `#####ee#-###d-#d#e-ad##-##c#db#d##ef` of `groups`
          caused by: the listing had to begin again # times because a later page was gone
          hint: ask for fewer columns, so that a page is read in less time
        NotFound: could not fetch page # of `group_members`, for `#####ee#-###d-#d#e-ad##-##c#db#d##ef` of `groups`
          caused by: Graph answered ### (client-request-id #, # attempt)
          hint: this tenant or cloud does not serve `group_members`
    "#]]
    .assert_eq(&told.replace(char::is_numeric, "#"));
    let empty = house(|request| match request.uri().path().ends_with("/members") {
        true => no(404, GONE),
        false => None,
    });
    assert!(empty.read("group_members").await.unwrap().rows.is_empty());
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_before_an_answer_are_an_outage_and_no_bad_page() {
    for (failures, reads) in [(8, true), (u32::MAX, false)] {
        let left = AtomicU32::new(failures);
        let house = house(move |request| {
            let take = |left: u32| left.checked_sub(1);
            let meddles = request.uri().path().ends_with("/users")
                && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
            let closed = || Error::Closed { host: "graph".to_owned(), source: "reset".into() };
            meddles.then(|| Err(closed()))
        });
        match house.read("users").await {
            Ok(read) => assert!(reads && read.rows == *calm(0).await),
            Err(error) => assert_eq!((error.kind(), reads), (Kind::Unavailable, false)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_no_time_for_a_closed_gate_hears_of_it_before_their_turn() {
    let house = House::new(small().fault(sim::throttle().after(3).wait(secs(300))));
    let patient = house.scan("users", &["id"], None);
    let hurried = house.scan("groups", &["id"], None);
    let reading = house.read_until(&patient, None);
    let asking = async {
        clock::sleep(secs(1)).await;
        let start = clock::now();
        let error = house.read_until(&hurried, Some(start + secs(60))).await.unwrap_err();
        assert_eq!((error.kind(), clock::now() - start), (Kind::Throttled, ms(0)), "{error:?}");
        assert!(error.retry_after().unwrap() > secs(290));
    };
    let (read, ()) = tokio::join!(reading, asking);
    assert_eq!(read.unwrap().rows.len(), 5_100);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_ours_is_not_told_as_a_stop() {
    let house = house(|request| match request.uri().path().ends_with("/users") {
        true => panic!("on purpose"),
        false => None,
    });
    let error = house.read("users").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_does_not_keep_the_scan_alive() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let house = House::new(small());
    for table in ["users", "group_members"] {
        let before = tasks();
        let scan = house.scan(table, &["id"], None);
        let deadline = clock::now() + secs(60);
        let mut pages = house.graph.scan(&scan, Some(deadline), Arc::default()).unwrap();
        assert!(pages.next().await.unwrap().is_ok());
        clock::sleep(secs(59)).await;
        assert!(tasks() > before, "{table}");
        clock::sleep(secs(2)).await;
        assert_eq!(tasks(), before, "{table}");
        let last = pages.map(Result::err).collect::<Vec<_>>().await.pop().flatten();
        assert_eq!(last.unwrap().kind(), Kind::TimedOut);
    }
}

/// A tenant whose pages in a `$batch` have 50 rows.
struct Halting(Tenant);

impl Transport for Halting {
    fn exchange(&self, mut exchange: Exchange) -> BoxFuture<'_, Answer> {
        let body = String::from_utf8(exchange.request.body().to_vec()).unwrap();
        *exchange.request.body_mut() = body.replace("$top=999", "$top=50").into();
        self.0.exchange(exchange)
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_parents_of_a_batch_have_left_is_read_at_once() {
    let latency = ms(900);
    let tenant = small().latency(latency).start();
    let house = House::over(tenant.clone(), Arc::new(Halting(tenant)), sim::CLIENT_SECRET);
    let start = clock::now();
    let scan = house.scan("group_members", &["id"], None);
    let mut pages = house.graph.scan(&scan, None, Arc::default()).unwrap();
    let mut of_parent: BTreeMap<Option<Arc<str>>, u32> = BTreeMap::new();
    while let Some(page) = pages.next().await {
        *of_parent.entry(page.unwrap().parent).or_default() += 1;
    }
    let took = (clock::now() - start).as_millis() / latency.as_millis();
    let longest = u128::from(*of_parent.values().max().unwrap());
    let more: u32 = of_parent.values().map(|pages| pages - 1).sum();
    assert!(house.tenant.counters().batch_parts > 0 && more > longest as u32);
    // 24; one parent of a batch after the other it would be 34.
    assert!(took <= longest + 20, "{took} round trips, {longest} pages of one, {more} in all");
}

/// An answer to a `$batch` each of whose parts says no.
fn parts_say(request: &Request<Bytes>, part: &str) -> Option<Answer> {
    let asked: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let parts = 0..asked["requests"].as_array().unwrap().len();
    let parts: Vec<_> = parts.map(|id| format!(r#"{{"id":"{id}",{part}}}"#)).collect();
    no(200, &format!(r#"{{"responses":[{}]}}"#, parts.join(",")))
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_batch_are_heard_like_single_answers() {
    let denied = r#""body":{"error":{"code":"Authorization_RequestDenied"}}"#;
    let claims = r#"Bearer error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\""#;
    let cases = [
        (0, format!(r#""status":401,"headers":{{"WWW-Authenticate":"{claims}"}}"#), (2, 1, 0)),
        // An old token may lack a new permission.
        (90, format!(r#""status":403,{denied}"#), (2, 0, 0)),
        (0, r#""status":429,"headers":{"Retry-After":"7"}"#.to_owned(), (1, 0, 20)),
    ];
    for (token_age, part, expected) in cases {
        let tenant = small().latency(ms(900)).start();
        let (tokens, claims) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (signed_in, claimed) = (tokens.clone(), claims.clone());
        let (once, of_all) = (AtomicU32::new(0), part.clone());
        let meddle = move |request: &Request<Bytes>| {
            if request.uri().path().ends_with("/token") {
                tokens.fetch_add(1, Ordering::Relaxed);
                let named = String::from_utf8_lossy(request.body()).contains("claims=");
                claims.fetch_add(u32::from(named), Ordering::Relaxed);
            }
            let batch = request.uri().path().ends_with("/$batch");
            let meddles = batch && once.fetch_add(1, Ordering::Relaxed) == 0;
            if meddles { parts_say(request, &of_all) } else { None }
        };
        let transport = Meddled { tenant: tenant.clone(), meddle };
        let house = House::over(tenant, Arc::new(transport), sim::CLIENT_SECRET);
        house.graph.tokens().token().await.unwrap();
        clock::sleep(secs(token_age)).await;
        let read = house.read("group_members").await.unwrap();
        assert!(read.rows == *calm(2).await, "{part}");
        let count = |of: &AtomicU32| of.load(Ordering::Relaxed);
        let told = (count(&signed_in), count(&claimed), read.meter.throttled());
        assert_eq!(told, expected, "{part}");
    }
}
