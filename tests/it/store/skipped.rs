//! Loads that leave out what belongs to parents that cannot be read.

use entra_flight::ops::{How, UnderWay, load};
use entra_flight::sim::{Tenant, fail_parent, refuse_count};
use entra_flight::snapshot::Method;

use super::loads::Loader;
use super::store;
use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_read_is_not_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let tenant = || Tenant::seed(7).users(600);
    let whole = Loader::of(tenant().start(), &folder);
    let first = whole.load("group_members", Method::ReloadAndCompare).await.expect("a load");
    assert!(first.record.skipped_parents.is_empty());
    let house = House::skipping(tenant().fault(fail_parent(400)).start(), Some(store(&folder)));
    let connection = house.engine.namespace().connection(None).expect("one").as_ref().clone();
    let lacking = Loader { house, connection };
    for method in [Method::ReloadAndCompare, Method::Reload, Method::FullLoad] {
        let loaded = lacking.load("group_members", method).await.expect("a load");
        assert_eq!(loaded.record.skipped_parents.len(), 1);
        assert_eq!(loaded.record.rows, first.record.rows, "{method:?}");
        let deleted = loaded.record.changes.map(|changes| changes.changed());
        assert_eq!(deleted.unwrap_or_default(), 0);
    }
    let again = whole.load("group_members", Method::ReloadAndCompare).await.expect("a load");
    assert_eq!(again.record.changes.expect("counts").changed(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_count_fails_no_load() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(100).fault(refuse_count()).start(), &folder);
    let how = How { count: true, ..How::new(Method::FullLoad) };
    let users = loader.table("users");
    let loaded = load(&loader.connection, &users, &how, &UnderWay::default()).await;
    let loaded = loaded.expect("a load");
    assert_eq!((loaded.record.rows, loaded.record.counted), (100, None));
}
