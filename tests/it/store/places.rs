//! Folders that are no good place for a store, and what is said of them.

use std::fs::File;
use std::time::Duration;

use chrono::Utc;
use entra_flight::error::{Kind, Report};
use entra_flight::ops::{How, UnderWay, load};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::{Keep, Method, Which};

use super::failing::Calls;
use super::{named, put, read, store, users};
use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_without_hard_links_is_found_out_before_graph_is_read() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    calls.unlink();
    let tenant = Tenant::seed(7).users(40).start();
    let house = House::stored(tenant, Some(calls.store(&folder)));
    let connection = house.engine.namespace().connection(None).expect("one").clone();
    let table = connection.catalog.table("users").expect("users").clone();
    let under_way = UnderWay::default();
    let how = How::new(Method::FullLoad);
    let refused = load(&connection, &table, &how, &under_way).await.expect_err("no links");
    assert_eq!(refused.kind(), Kind::Invalid);
    let said = Report::new(&refused, refused.hint()).to_string();
    assert!(said.contains("the folder of the store has no hard links"), "{said}");
    assert!(said.contains("a disk of this machine"), "{said}");
    assert_eq!(under_way.meter.requests(), 0, "Graph was asked");
}

#[tokio::test]
async fn who_loads_already_is_told_rightly() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = store(&folder).table("contoso", "users");
    let turn = place.begin("first").await.expect("a turn");
    // As another connection of the same process would.
    let again = store(&folder).table("contoso", "users");
    let refused = again.begin("second").await.expect_err("it is held").to_string();
    let expected =
        "`contoso/users` is being loaded, or its versions expire, by this process already";
    assert_eq!(refused, expected);
    drop(turn);

    let path = place.folder().expect("a folder").join("_load.lock");
    let other = File::options().read(true).write(true).open(path).expect("the lock's file");
    other.lock().expect("the lock");
    let refused = place.begin("third").await.expect_err("it is held").to_string();
    assert_eq!(refused, expected.replace("this process", "another process"));
    drop(other);
    place.begin("fourth").await.expect("a turn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_makes_room_on_a_full_disk_or_says_what_to_do() {
    let (folder, calls) = (tempfile::tempdir().expect("a folder"), Calls::new());
    let (place, table) = (calls.store(&folder).table("contoso", "users"), users());
    for version in 0..24 {
        put(&place, &table, &named(&version.to_string())).await.expect("a version");
    }
    let newest = |newest| Keep { newer_than: Duration::ZERO, newest };
    let turn = place.begin("expiry").await.expect("a turn");
    calls.fill();
    let expired = place.expire(&turn, &newest(3), Utc::now()).await.expect("an expiry");
    assert_eq!(expired.versions, (0..21).collect::<Vec<_>>());
    assert_eq!(expired.files, 21);

    // Without a checkpoint in between nothing can go first.
    calls.fill();
    let refused = place.expire(&turn, &newest(1), Utc::now()).await.expect_err("no room");
    assert_eq!(refused.kind(), Kind::Unavailable, "{refused:?}");
    assert!(refused.hint().expect("a hint").contains("make a little room"), "{refused}");
    for version in 21..24 {
        let kept = place.snapshot(Which::Number(version)).await.expect("the version");
        let name = version.to_string();
        assert!(read(&kept, &table).await.iter().all(|row| row["displayName"] == *name));
    }
}
