//! Faults of every kind at once: the whole truth or an error, never fewer rows, never a row twice,
//! never a value that Graph did not send.
//!
//! A hundred seeds, or as many as `FAULT_SEEDS` says, from `FAULT_SEED_FIRST` on. Time is paused.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::json::LineDelimitedWriter;
use entra_flight::error::Kind;
use entra_flight::query::Request;
use entra_flight::sim::{Builder, Fault, Tenant};

use crate::house::{House, report, rows, texts};

/// Two pages of users.
const USERS: u64 = 1_100;

/// A collection, an expansion, fan-outs over one, two and undivided lists of parents, two that
/// `$top` may bound, two logs, and lists without pages.
const TABLES: [&str; 11] = [
    "users",
    "user_managers",
    "group_members",
    "group_owners",
    "directory_role_members",
    "user_app_role_assignments",
    "service_principal_app_role_assigned_to",
    "sign_ins",
    "directory_audits",
    "subscribed_skus",
    "directory_roles",
];

/// Each row's key with all of the row.
type Rows = BTreeMap<String, String>;

/// A generator that gives the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }

    fn fault(&mut self) -> String {
        let times = 1 + self.roll(4);
        match self.roll(24) {
            0 => format!("throttle:{}:{}s", 1 + self.roll(30), 1 + self.roll(60)),
            1 => format!("outage:{}", 1 + self.roll(8)),
            2 => format!("slow:{}s", 1 + self.roll(200)),
            3 => format!("cut_body:{}", self.roll(60_000)),
            4 => "repeat_link".to_owned(),
            5 => "foreign_link".to_owned(),
            6 => "expire_link".to_owned(),
            7 => "expire_link:reporting".to_owned(),
            8 => format!("expire_token:{}s", 2 + self.roll(20)),
            9 => "drop_permission".to_owned(),
            10 | 11 => "change_between_pages".to_owned(),
            12 => "top_is_limit".to_owned(),
            13 => "top_is_limit:/users".to_owned(),
            14 => "top_is_limit:ppRoleAssignedTo".to_owned(),
            15 => "lose_link".to_owned(),
            16 => "odd_link".to_owned(),
            17 => format!("break_page:splice:{times}"),
            18 => format!("break_page:row:{times}"),
            19 => format!("break_page:member:{times}"),
            20 => format!("break_page:end:{times}"),
            21 => "byte_order_mark".to_owned(),
            22 => format!("swell:{}", 1 + self.roll(50)),
            _ => format!("swell:{}", 90_000 + self.roll(50_000)),
        }
    }
}

/// The key's columns and a few others.
fn request(house: &House, table: &str) -> (Request, Vec<String>) {
    let connections: Vec<_> = house.engine.namespace().connections().cloned().collect();
    let table = connections[0].catalog.table(table).expect("a table");
    let key: Vec<String> = table.key.iter().map(ToString::to_string).collect();
    let usual = table.select(None).expect("columns");
    let mut names = key.clone();
    for column in usual.iter().rev().take(2).chain(usual.iter().take(5)) {
        if !names.iter().any(|name| *name == *column.name) {
            names.push(column.name.to_string());
        }
    }
    (Request { columns: Some(names), ..Request::table(&*table.name) }, key)
}

async fn read(house: &House, table: &str) -> Result<Rows, entra_flight::query::Error> {
    let (request, key) = request(house, table);
    let batches = house.read(&request).await?;
    let columns: Vec<_> = key.iter().map(|column| texts(&batches, column)).collect();
    let mut lines = LineDelimitedWriter::new(Vec::new());
    batches.iter().for_each(|batch| lines.write(batch).expect("JSON"));
    lines.finish().expect("JSON");
    let text = String::from_utf8(lines.into_inner()).expect("text");
    let key = |row: usize| {
        let parts = columns.iter().map(|cells| cells[row].as_deref().expect("a key"));
        parts.collect::<Vec<_>>().join("/")
    };
    let read: Rows = text.lines().enumerate().map(|(at, row)| (key(at), row.to_owned())).collect();
    assert_eq!(read.len(), rows(&batches), "a row came twice");
    Ok(read)
}

/// What is wrong with what came of a seed, if anything is.
fn judged(read: &Rows, calm: &Rows, changes: bool) -> Option<String> {
    let missing = calm.keys().filter(|key| !read.contains_key(*key)).count();
    let new = read.keys().filter(|key| !calm.contains_key(*key)).count();
    let other = read.iter().filter(|(key, row)| calm.get(*key).is_some_and(|calm| calm != *row));
    let other = other.count();
    // A row vanishes and one appears between two pages of a list.
    let allowed = if changes { 4 + calm.len() / 200 } else { 0 };
    let right = missing <= allowed && new <= allowed && other == 0;
    (!right).then(|| format!("{missing} rows missing, {new} new, {other} others"))
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn tenant() -> Builder {
    Tenant::seed(7).users(USERS)
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_it_is_the_whole_truth_or_an_error() {
    let first = number("FAULT_SEED_FIRST", 0);
    let mut calm: BTreeMap<&str, Rows> = BTreeMap::new();
    let (mut whole, mut failed, mut wrong) = (0, 0, Vec::new());
    for seed in first..first + number("FAULT_SEEDS", 100) {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let table = TABLES[dice.roll(TABLES.len() as u64) as usize];
        let words: Vec<String> = (0..=dice.roll(3)).map(|_| dice.fault()).collect();
        // So long a way that parents are asked for in a `$batch`.
        let latency = Duration::from_millis(dice.roll(2) * 900);
        let mut tenant = tenant().latency(latency);
        if dice.roll(2) == 0 {
            tenant = tenant.uncompressed();
        }
        for word in &words {
            tenant = tenant.fault(word.parse::<Fault>().expect(word));
        }
        if !calm.contains_key(table) {
            let rows = read(&House::of(self::tenant().start()), table).await;
            calm.insert(table, rows.expect("nothing goes wrong"));
        }
        let changes = words.iter().any(|word| word == "change_between_pages");
        let fault = match read(&House::of(tenant.start()), table).await {
            Ok(rows) => {
                whole += 1;
                judged(&rows, &calm[table], changes)
            }
            Err(error) => {
                failed += 1;
                (error.kind() == Kind::Internal).then(|| report(&error))
            }
        };
        wrong.extend(fault.map(|fault| format!("seed {seed}, {table}, {words:?}: {fault}")));
    }
    println!("{whole} whole, {failed} errors");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(whole > failed / 2, "{whole} whole, {failed} errors");
}
