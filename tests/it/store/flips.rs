//! Bits that flip on the disk, and files that are cut off.

use std::fs;
use std::path::{Path, PathBuf};

use entra_flight::snapshot::{Stored, Which};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use super::{json as rows_as_json, put, read, store, users};
use crate::dice::Dice;

/// How many of each.
const DAMAGES: usize = 120;

const VERSIONS: u64 = 3;

/// Rows that differ between versions, in more than one page.
fn rows(version: u64) -> super::Rows {
    let user = |number: u64| {
        let id = format!("{number:04}");
        let name = format!("{version} of {id} and {}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let user = json!({
            "id": id, "displayName": name, "accountEnabled": number % 3 == version % 3,
            "createdDateTime": format!("2026-01-01T00:{:02}:{:02}Z", number % 60, version),
            "businessPhones": [format!("+1 {number}"), "x"],
        });
        (id, user)
    };
    (0..400).map(user).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// The rows of a version, or `None` where that is refused.
async fn found(place: &Stored, which: Which) -> Option<(u64, Vec<Value>)> {
    let snapshot = place.snapshot(which).await.ok()?;
    let rows = snapshot.read(users().schema.clone(), None, None);
    let rows: Vec<_> = rows.try_collect().await.ok()?;
    Some((snapshot.version(), rows_as_json(&rows)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_damaged_is_refused_or_read_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = store(&folder).table("contoso", "users");
    let mut right = Vec::new();
    for version in 0..VERSIONS {
        put(&place, &users(), &rows(version)).await.expect("a version");
        let snapshot = place.snapshot(Which::Number(version)).await.expect("a version");
        right.push(read(&snapshot, &users()).await);
    }
    assert!(right.iter().all(|rows| rows.len() == 400));
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    all.retain(|path| fs::metadata(path).expect("a file").len() > 0);
    all.sort();
    let number = |name: &str, otherwise| {
        let given = std::env::var(name).ok();
        given.map_or(otherwise, |given| given.parse().expect("a number"))
    };
    let mut dice = Dice(number("DAMAGE_SEED", 7) as u64);
    let mut refused = 0;
    for damage in 0..number("DAMAGES", DAMAGES) {
        let path = &all[dice.below(all.len())];
        let whole = fs::read(path).expect("a file");
        let at = dice.below(whole.len());
        let mut damaged = whole.clone();
        let cut = damage % 4 == 0;
        match cut {
            true => damaged.truncate(at),
            false => damaged[at] ^= 1 << dice.below(8),
        }
        fs::write(path, &damaged).expect("written");
        for which in (0..VERSIONS).map(Which::Number).chain([Which::Latest]) {
            let told = format!("{} {at} cut {cut} {which}", path.display());
            match found(&place, which).await {
                None => refused += 1,
                Some((version, rows)) => assert_eq!(rows, right[version as usize], "{told}"),
            }
        }
        fs::write(path, &whole).expect("written");
    }
    assert!(refused > 0);
    for version in 0..VERSIONS {
        let (_, rows) = found(&place, Which::Number(version)).await.expect("rows");
        assert_eq!(rows, right[version as usize]);
    }
}
