//! The same rows with help from the source and without.

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::util::display::array_value_to_string;
use entra_flight::error::Report;
use entra_flight::query::{Engine, Error, Statement};
use entra_flight::sim::Tenant;
use entra_flight::snapshot::Method;
use futures::TryStreamExt as _;

use crate::dice::Dice;
use crate::house::House;
use crate::store::loads::Loader;

/// The rows of a statement as sorted lines.
pub(super) async fn rows(engine: &Engine, text: &str) -> Vec<String> {
    let mut lines = answer(engine, Statement::new(text)).await;
    lines.sort();
    lines
}

/// The rows of a statement as lines.
pub(super) async fn answer(engine: &Engine, statement: Statement) -> Vec<String> {
    let text = statement.text.clone();
    let told = |error: &Error| format!("{text}: {}", Report::new(error, None));
    let plan = engine.plan(statement).await.map_err(|error| told(&error)).expect("a plan");
    let read: Result<Vec<RecordBatch>, _> = engine.run(plan, None).batches.try_collect().await;
    let batches = read.map_err(|error| told(&error)).expect("rows");
    let cell = |column: &ArrayRef, row| match column.is_null(row) {
        true => "∅".to_owned(),
        false => array_value_to_string(column, row).expect("a cell"),
    };
    let mut lines = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = batch.columns().iter().map(|column| cell(column, row)).collect();
            lines.push(cells.join("|"));
        }
    }
    lines
}

/// Values that columns of users hold, and some that they do not.
pub(super) struct Values {
    texts: Vec<(&'static str, Vec<String>)>,
    ids: Vec<String>,
}

const TEXTS: [&str; 10] = [
    "department",
    "displayName",
    "givenName",
    "surname",
    "jobTitle",
    "city",
    "country",
    "userType",
    "mail",
    "companyName",
];

impl Values {
    pub(super) async fn of(engine: &Engine) -> Self {
        let mut texts = Vec::new();
        for column in TEXTS {
            let text = format!(
                "select distinct {column} from users where {column} is not null order by 1 limit 12"
            );
            texts.push((column, rows(&engine.clone().without_pushdown(), &text).await));
        }
        let ids = rows(engine, "select id from users order by id limit 40").await;
        Values { texts, ids }
    }

    fn text(&self, dice: &mut Dice, column: &str) -> String {
        let (_, known) = self.texts.iter().find(|(name, _)| *name == column).expect("a column");
        let value = known.get(dice.below(known.len().max(1))).cloned().unwrap_or_default();
        let value = match dice.below(6) {
            0 => value.to_uppercase(),
            1 => value.to_lowercase(),
            2 => "O'Brien & 100% #+?".to_owned(),
            _ => value,
        };
        value.replace('\'', "''")
    }
}

pub(super) fn condition(dice: &mut Dice, values: &Values, depth: usize) -> String {
    if depth > 0 && dice.below(3) > 0 {
        let word = dice.of(&["and", "or", "and"]);
        let (one, other) = (condition(dice, values, depth - 1), condition(dice, values, depth - 1));
        return match dice.below(8) {
            0 => format!("not ({one} {word} {other})"),
            _ => format!("({one} {word} {other})"),
        };
    }
    let column = TEXTS[dice.below(TEXTS.len())];
    let mut text = || values.text(dice, column);
    let (one, two, three) = (text(), text(), text());
    let start: String = one.replace("''", "").chars().take(2).collect();
    let end: String =
        one.replace("''", "").chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    match dice.below(16) {
        0 | 1 => format!("{column} = '{one}'"),
        2 => format!("{column} <> '{one}'"),
        3 => format!("{column} in ('{one}', '{two}', '{three}')"),
        4 => format!("{column} not in ('{one}', '{two}')"),
        5 => format!("{column} is null"),
        6 => format!("{column} is not null"),
        7 => format!("{column} like '{}%'", start.replace(['%', '_'], "")),
        8 => format!("{column} like '%{}'", end.replace(['%', '_'], "")),
        9 => format!("{column} >= '{one}'"),
        10 => format!("{column} between '{one}' and '{two}'"),
        11 => dice
            .of(&[
                "accountEnabled",
                "not accountEnabled",
                "accountEnabled = false",
                "accountEnabled is null",
                "onPremisesSyncEnabled is not true",
            ])
            .to_owned(),
        12 => {
            let at = dice.of(&[
                "2019-05-01T00:00:00Z",
                "2023-02-03T04:05:06.789Z",
                "1999-12-31T23:59:59.999999Z",
            ]);
            let how = dice.of(&["<", "<=", ">", ">=", "="]);
            let column =
                dice.of(&["createdDateTime", "employeeHireDate", "lastPasswordChangeDateTime"]);
            format!("{column} {how} timestamp '{at}'")
        }
        13 => {
            let count = 1 + dice.below(20);
            let ids: Vec<String> = (0..count)
                .map(|_| format!("'{}'", values.ids[dice.below(values.ids.len())]))
                .collect();
            format!("id in ({})", ids.join(", "))
        }
        14 => format!("array_has(proxyAddresses, 'SMTP:{one}')"),
        _ => format!("lower({column}) = lower('{one}')"),
    }
}

async fn agree(seed: u64, advanced: bool, statements: usize) {
    let house = House::advanced(Tenant::seed(seed).users(250).start(), advanced);
    let values = Values::of(&house.engine).await;
    let alone = house.engine.clone().without_pushdown();
    let mut dice = Dice(seed);
    let (mut narrowed, mut any) = (0, 0);
    for number in 0..statements {
        let depth = dice.below(3);
        let text = format!(
            "select id, displayName, department from users where {}",
            condition(&mut dice, &values, depth)
        );
        let before = house.tenant.counters().rows;
        let helped = rows(&house.engine, &text).await;
        let read = house.tenant.counters().rows - before;
        let whole = rows(&alone, &text).await;
        assert_eq!(helped, whole, "statement {number} of seed {seed}: {text}");
        narrowed += usize::from(read < 250);
        any += usize::from(!whole.is_empty());
    }
    assert!(narrowed * 4 > statements, "Graph helped with {narrowed} of {statements}");
    assert!(any * 4 > statements, "{any} of {statements} had rows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_give_the_same_rows_wherever_they_are_applied() {
    agree(7, false, 120).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn advanced_queries_give_the_same_rows() {
    agree(11, true, 120).await;
}

/// Joins of tables with columns of one name, of which a filter that a join has found must not be
/// said of the wrong one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_of_columns_with_one_name_find_the_same_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let loader = Loader::of(Tenant::seed(7).users(400).start(), &folder);
    for table in ["users", "user_managers", "sign_ins", "groups", "group_members"] {
        loader.load(table, Method::FullLoad).await.expect("a load");
    }
    let engine = &loader.house.engine;
    let alone = engine.clone().without_pushdown();
    let one = async |text: &str| rows(engine, text).await.swap_remove(0).replace('\'', "''");
    let boss = one("select b.displayName from stored.users b join stored.user_managers m \
                    on m.id = b.id where b.displayName not in \
                    (select displayName from stored.users group by 1 having count(*) > 1) \
                    group by 1 order by count(*) desc, 1 limit 1")
    .await;
    let group = one("select g.displayName from stored.groups g join stored.group_members m \
                     on m.group_id = g.id group by 1 having count(*) < 20 order by 1 limit 1")
    .await;
    let joins = [
        format!(
            "select u.displayName, b.displayName, s.createdDateTime from users u \
             join user_managers m on m.user_id = u.id join sign_ins s on s.userId = u.id \
             join users b on b.id = m.id where b.displayName = '{boss}'"
        ),
        format!(
            "select u.id, m.id from users u join user_managers m on m.user_id = u.id \
             join users b on b.id = m.id where b.displayName = '{boss}'"
        ),
        format!(
            "select id, name from (select u.id, m.id as boss, u.displayName as name from users u \
             join user_managers m on m.user_id = u.id) t where boss in \
             (select id from users where displayName = '{boss}')"
        ),
        format!(
            "select u.id from users u where exists (select 1 from user_managers m \
             where m.user_id = u.id and m.id <> u.id) and u.displayName <> '{boss}'"
        ),
        format!(
            "select g.displayName, u.displayName from groups g \
             join group_members m on m.group_id = g.id join users u on u.id = m.id \
             where g.displayName = '{group}'"
        ),
        format!(
            "select m.id, count(*) from group_members m join groups g on g.id = m.group_id \
             join user_managers b on b.user_id = m.id where g.displayName = '{group}' group by 1"
        ),
        format!(
            "select x.id, y.id from (select distinct id, displayName from users) x \
             join user_managers y on y.user_id = x.id \
             join users b on b.id = y.id and b.displayName = '{boss}'"
        ),
    ];
    let mut found = 0;
    for join in &joins {
        for schema in ["live", "stored"] {
            let within = |mut text: String| {
                for table in ["users", "user_managers", "sign_ins", "groups", "group_members"] {
                    for word in ["from", "join"] {
                        let (from, to) =
                            (format!("{word} {table} "), format!("{word} {schema}.{table} "));
                        text = text.replace(&from, &to);
                    }
                }
                text
            };
            let text = within(join.clone());
            let expected = rows(&alone, &text).await;
            assert_eq!(rows(engine, &text).await, expected, "{text}");
            found += expected.len();
        }
    }
    assert!(found > 20, "{found} rows");
}
