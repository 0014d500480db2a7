//! Names close to one that does not exist, for the message that says so.

use crate::limits::catalog as limits;

/// How alike two names must be, from 0 to 1. At 0.6 a name of five letters may have two wrong.
const LIKENESS_MIN: f64 = 0.6;

/// How alike a name and a part of it count: `members` is a fair guess at `group_members`, but a
/// worse one than a slip of the finger.
const LIKENESS_OF_PART: f64 = 0.7;

/// The shortest part that says anything about the whole.
const PART_BYTES_MIN: usize = 4;

/// The names nearest to `asked`, best first, at most [`limits::NEAR_NAMES_MAX`]; case is no
/// difference. None if nothing is like it, or if it is longer than [`limits::NAME_BYTES_MAX`].
pub fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    if asked.len() > limits::NAME_BYTES_MAX {
        return Vec::new();
    }
    let asked = asked.to_lowercase();
    let mut found: Vec<(f64, &str)> = names
        .map(|name| (likeness(&asked, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.into_iter().take(limits::NEAR_NAMES_MAX).map(|(_, name)| name.to_owned()).collect()
}

fn likeness(asked: &str, name: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(asked, name);
    let part = asked.len() >= PART_BYTES_MIN && name.contains(asked);
    if part { whole.max(LIKENESS_OF_PART) } else { whole }
}

/// `asked` as an error repeats it: shortened, and without control characters.
pub fn shown(asked: &str) -> String {
    let mut shown: String =
        asked.chars().filter(|c| !c.is_control()).take(limits::NAME_SHOWN_MAX).collect();
    if shown.len() < asked.len() {
        shown.push('…');
    }
    shown
}

/// "; the nearest is `a`", "; the nearest are `a`, `b`", or nothing.
pub fn clause(near: &[String]) -> String {
    let verb = match near {
        [] => return String::new(),
        [_] => "is",
        _ => "are",
    };
    format!("; the nearest {verb} `{}`", near.join("`, `"))
}
