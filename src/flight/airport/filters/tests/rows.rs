//! No row that a filter means is lost, whatever parts of it are not understood.

use super::*;

/// Filters over three booleans and a fourth that is not understood, with what they mean.
enum Tree {
    Known(usize),
    Unknown,
    Not(Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

impl Tree {
    /// One of many, each as likely to come again for the same `seed`.
    fn grown(seed: &mut u64, deep: usize) -> Tree {
        let mut next = |below: u64| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (*seed >> 33) % below
        };
        let kind = if deep == 0 { next(4) } else { next(8) };
        let count = 1 + next(3);
        let mut parts = || (0..count).map(|_| Tree::grown(seed, deep - 1)).collect();
        match kind {
            0 => Tree::Unknown,
            at @ 1..=3 => Tree::Known(usize::try_from(at - 1).unwrap()),
            4 => Tree::Not(Box::new(Tree::grown(seed, deep - 1))),
            5 | 6 => Tree::All(parts()),
            _ => Tree::Any(parts()),
        }
    }

    fn json(&self) -> Value {
        let all = |parts: &[Tree]| parts.iter().map(Tree::json).collect::<Vec<_>>();
        match self {
            Tree::Known(at) => {
                let mut column = column(*at);
                column["return_type"] = ty("BOOLEAN");
                column
            }
            Tree::Unknown => unknown(),
            Tree::Not(part) => not(part.json()),
            Tree::All(parts) => and(&all(parts)),
            Tree::Any(parts) => or(&all(parts)),
        }
    }

    fn holds(&self, row: [bool; 4]) -> bool {
        match self {
            Tree::Known(at) => row[*at],
            Tree::Unknown => row[3],
            Tree::Not(part) => !part.holds(row),
            Tree::All(parts) => parts.iter().all(|part| part.holds(row)),
            Tree::Any(parts) => parts.iter().any(|part| part.holds(row)),
        }
    }
}

/// Whether SQL of columns, `AND`, `OR`, `NOT` and parentheses holds for a row.
fn holds(sql: &str, row: [bool; 4]) -> bool {
    let mut text = sql.to_owned();
    for (name, value) in NAMES.iter().zip(row) {
        text = text.replace(&format!("\"{name}\""), if value { "T" } else { "F" });
    }
    while text.len() > 1 {
        let before = text.clone();
        for (from, to) in [("NOT (T)", "F"), ("NOT (F)", "T"), ("(T)", "T"), ("(F)", "F")] {
            text = text.replace(from, to);
        }
        for (from, to) in [("T AND T", "T"), ("T AND F", "F"), ("F AND T", "F"), ("F AND F", "F")] {
            text = text.replace(from, to);
        }
        // No `AND` is beside an `OR` without parentheses between them.
        for (from, to) in [("T OR T", "T"), ("T OR F", "T"), ("F OR T", "T"), ("F OR F", "F")] {
            text = text.replace(from, to);
        }
        assert_ne!(text, before, "{sql}");
    }
    text == "T"
}

#[test]
fn no_row_is_lost_to_what_is_not_understood() {
    let (mut seed, mut said) = (7, 0);
    for _ in 0..3_000 {
        let tree = Tree::grown(&mut seed, 4);
        let Some(sql) = sql(&filters(&[tree.json()])) else { continue };
        said += 1;
        for bits in 0..16_u8 {
            let row = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            assert!(!tree.holds(row) || holds(&sql, row), "{row:?} is lost to {sql}");
        }
    }
    assert!(said > 1_000, "only {said} said anything");
}
