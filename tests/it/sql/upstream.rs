//! Faults of DataFusion that are worked around, each without the workaround: once one of these
//! fails, the fault is mended, and the workaround that its comment names can go.

use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use datafusion::prelude::{SessionConfig, SessionContext};

/// The answer of DataFusion as it comes, rows as lines; or its error.
async fn answer(text: &str) -> Result<Vec<String>, String> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let frame = context.sql(text).await.map_err(|error| error.to_string())?;
    let batches: Vec<RecordBatch> = frame.collect().await.map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|cells| array_value_to_string(cells, row));
            lines.push(cells.collect::<Result<Vec<_>, _>>().expect("cells").join("|"));
        }
    }
    lines.sort();
    Ok(lines)
}

const TABLES: &str = "WITH o(x, k) AS (VALUES (1, 1), (2, 1), (NULL, 1), (4, 2)), \
                      i(y, k) AS (VALUES (1, 1), (NULL, 2), (5, 3)) ";

async fn wrong(text: &str, right: &[&str]) {
    let found = answer(&format!("{TABLES}{text}")).await;
    assert_ne!(found, Ok(right.iter().map(|it| (*it).to_owned()).collect()), "mended: {text}");
}

/// `query/membership.rs`.
#[tokio::test]
async fn not_in_takes_unknown_for_false() {
    // https://github.com/apache/datafusion/issues/21309
    wrong("SELECT x FROM o WHERE x = 4 OR x NOT IN (SELECT y FROM i)", &["4"]).await;
    // https://github.com/apache/datafusion/issues/25340
    wrong("SELECT x FROM o WHERE 3 NOT IN (SELECT y FROM i)", &[]).await;
    // https://github.com/apache/datafusion/issues/25347
    let text = "SELECT x FROM o WHERE 3 NOT IN (SELECT y FROM i WHERE i.k = o.k)";
    wrong(text, &["", "1", "2"]).await;
    // https://github.com/apache/datafusion/issues/25480
    let text = "SELECT x FROM o WHERE x NOT IN (SELECT y FROM i WHERE i.y = o.x)";
    wrong(text, &["", "2", "4"]).await;
}

/// `query/correlation.rs`.
#[tokio::test]
async fn steps_of_a_subquery_are_done_for_all_outer_rows_at_once() {
    wrong(
        "SELECT x FROM o WHERE EXISTS (SELECT count(*) FROM i WHERE i.y = o.x)",
        &["", "1", "2", "4"],
    )
    .await;
    let text = "SELECT x FROM o WHERE 1 IN \
                (SELECT row_number() OVER (ORDER BY y) FROM i WHERE i.k = o.k AND i.k > 1)";
    wrong(text, &["4"]).await;
    let text = "SELECT x FROM o WHERE EXISTS (SELECT y FROM i WHERE i.k = o.k LIMIT 1 OFFSET 1)";
    wrong(text, &[]).await;
}

/// `unambiguous` in `query/correlation.rs`.
#[tokio::test]
async fn columns_that_a_subquery_depends_on_are_told_apart_by_name_alone() {
    let text = "SELECT x FROM o WHERE EXISTS (SELECT 1 FROM i AS l JOIN i AS r ON l.k + 1 = r.k \
                WHERE l.y = o.x AND r.y IS DISTINCT FROM o.k)";
    wrong(text, &["1"]).await;
}

/// `query/projections.rs`: <https://github.com/apache/datafusion/pull/24686>.
#[tokio::test]
async fn projections_of_the_same_expressions_are_taken_for_one() {
    let text = "SELECT x + 1 AS x FROM (SELECT x + 1 AS x FROM (SELECT 1 AS x))";
    wrong(text, &["3"]).await;
}

/// `skip_physical_aggregate_schema_check` in `query/session.rs`:
/// <https://github.com/apache/datafusion/pull/23844>.
#[tokio::test]
async fn what_a_case_may_be_null_of_is_reckoned_in_two_ways() {
    let text = "SELECT DISTINCT CASE WHEN length(s) >= length(r) THEN length(s) ELSE 36 END \
                FROM (VALUES ('a', 'b'), (NULL, 'b')) AS t(s, r)";
    wrong(text, &["1", "36"]).await;
}

/// `without_bounds` in `query/lineage.rs`: <https://github.com/apache/datafusion/issues/24937>.
#[tokio::test]
async fn lists_of_structs_have_no_least() {
    let text = "SELECT min(l) = [struct(1, 'a')] FROM (VALUES ([struct(1, 'a')]), \
                ([struct(2, 'b')])) AS t(l)";
    wrong(text, &["true"]).await;
}

/// `query/multisets.rs`: <https://github.com/apache/datafusion/issues/12956> and
/// <https://github.com/apache/datafusion/issues/12955>.
#[tokio::test]
async fn set_operations_of_all_do_not_count_copies() {
    let twice = "SELECT 1 AS x UNION ALL SELECT 1";
    wrong(&format!("({twice}) EXCEPT ALL SELECT 1"), &["1"]).await;
    wrong(&format!("({twice}) INTERSECT ALL SELECT 1"), &["1"]).await;
}

/// `query/rewrites.rs`: <https://github.com/apache/datafusion-sqlparser-rs/pull/2436>.
#[tokio::test]
async fn is_distinct_from_takes_what_is_behind_it() {
    wrong("SELECT true IS DISTINCT FROM true OR true", &["true"]).await;
    wrong("SELECT false IS NOT DISTINCT FROM true AND false", &["false"]).await;
}

/// `query/outer.rs`.
#[tokio::test]
async fn a_column_that_one_side_of_an_outer_join_has_once_is_taken_for_the_same_in_all_rows() {
    let text = "SELECT x, row_number() OVER (ORDER BY z NULLS FIRST, x NULLS FIRST) FROM o \
                LEFT JOIN (SELECT k AS j, y AS z FROM i WHERE y = 1) AS s ON x = j";
    wrong(text, &["1|4", "2|2", "4|3", "|1"]).await;
}

/// `query/ambiguity.rs`: <https://github.com/apache/datafusion/pull/25259>.
#[tokio::test]
async fn filters_are_pushed_down_to_the_first_column_of_a_name() {
    let text = "SELECT count(*) FROM (SELECT r.x AS x FROM o AS l FULL JOIN o AS r ON l.k = r.k \
                WHERE l.x = r.x OR r.k <> r.k) WHERE (SELECT count(*) FROM i WHERE y < y) < x";
    wrong(text, &["3"]).await;
}

/// `query/totals.rs`.
#[tokio::test]
async fn the_row_of_an_aggregate_outlives_a_filter_without_columns() {
    wrong("SELECT n FROM (SELECT count(*) AS n FROM o) WHERE (SELECT max(y) FROM i) > 9", &[])
        .await;
}

/// `query/columnless.rs`.
#[tokio::test]
async fn rows_without_columns_are_not_dealt_out() {
    let text = "SELECT count(*) OVER (PARTITION BY (SELECT max(y) FROM i)) FROM o";
    wrong(text, &["4", "4", "4", "4"]).await;
}

/// The names in `query/membership.rs`.
#[tokio::test]
async fn a_subquery_in_a_condition_may_not_name_a_column_twice() {
    wrong("SELECT x FROM o WHERE x IN (SELECT DISTINCT 1 FROM i) OR x = 4", &["1", "4"]).await;
}

/// `is_unsigned` in `query/rewrites.rs`.
#[tokio::test]
async fn places_in_an_order_have_no_sign() {
    let text = "SELECT rank() OVER (ORDER BY y) - rank() OVER (ORDER BY y DESC) FROM i WHERE y > 0";
    wrong(text, &["-1", "1"]).await;
}

/// `query/patterns.rs`: <https://github.com/apache/datafusion/issues/22263> and
/// <https://github.com/apache/datafusion/pull/13312>.
#[tokio::test]
async fn patterns_are_not_those_of_sql() {
    wrong("SELECT 'abc' SIMILAR TO 'b'", &["false"]).await;
    wrong("SELECT 'abc' SIMILAR TO '%b%'", &["true"]).await;
    wrong("SELECT 'a%' LIKE 'a!%' ESCAPE '!'", &["true"]).await;
}

/// `query/clauses.rs`: clauses that are read and dropped.
#[tokio::test]
async fn clauses_are_dropped() {
    for text in [
        "SELECT count(*) FROM o PREWHERE x = 1",
        "SELECT count(*) FROM o TABLESAMPLE BERNOULLI (0)",
        "SELECT count(*) FROM o PARTITION (p)",
        "SELECT count(*) FROM o CONNECT BY PRIOR x = k",
        "SELECT count(*) FROM o FOR UPDATE",
    ] {
        let found = answer(&format!("{TABLES}{text}")).await;
        assert_eq!(found, Ok(vec!["4".to_owned()]), "no longer dropped: {text}");
    }
}
