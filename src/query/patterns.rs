//! `LIKE … ESCAPE` and `SIMILAR TO`, as SQL means them.
//!
//! DataFusion 55 takes no mark but the backslash (<https://github.com/apache/datafusion/pull/13312>),
//! and matches a pattern of `SIMILAR TO` as a regular expression that may begin and end anywhere,
//! without `%` and `_` (<https://github.com/apache/datafusion/issues/22263>). Parameters have their
//! values by now. `tests/it/sql/upstream.rs` tells when this rule can go.

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Result, ScalarValue, not_impl_err, plan_err};
use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, binary_expr, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Writes patterns in the way that DataFusion matches.
#[derive(Debug)]
pub struct Patterns;

impl OptimizerRule for Patterns {
    fn name(&self) -> &str {
        "patterns"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(expr.transform_up(matched)?.update_data(|expr| name.restore(expr)))
        })
    }
}

fn matched(expr: Expr) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Like(like) if like.escape_char.is_some_and(|mark| mark != '\\') => {
            let (Some(text), Some(mark)) = (literal(&like.pattern), like.escape_char) else {
                return not_impl_err!("LIKE … ESCAPE with a pattern that is no literal");
            };
            let Some(same) = text.as_ref().map(|text| with_backslash(text, Some(mark))) else {
                return Ok(Transformed::yes(lit(ScalarValue::Boolean(None))));
            };
            let Some(same) = same else {
                return plan_err!("a pattern of LIKE ends with the mark of its ESCAPE");
            };
            let pattern = Box::new(lit(same));
            Ok(Transformed::yes(Expr::Like(Like { pattern, escape_char: None, ..like })))
        }
        Expr::SimilarTo(like) => {
            let Some(text) = literal(&like.pattern) else {
                return not_impl_err!("SIMILAR TO with a pattern that is no literal");
            };
            let Some(text) = text else {
                return Ok(Transformed::yes(lit(ScalarValue::Boolean(None))));
            };
            let Some(pattern) = regular(&text, like.escape_char.unwrap_or('\\')) else {
                return plan_err!("a pattern of SIMILAR TO ends with the mark of its ESCAPE");
            };
            let how = if like.negated { Operator::RegexNotMatch } else { Operator::RegexMatch };
            Ok(Transformed::yes(binary_expr(*like.expr, how, lit(pattern))))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// The text of a literal, which may be null; `None` where it is none.
fn literal(expr: &Expr) -> Option<Option<String>> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text),
            _,
        ) => Some(text.clone()),
        Expr::Literal(ScalarValue::Null, _) => Some(None),
        Expr::Cast(cast) => literal(&cast.expr),
        _ => None,
    }
}

/// The same pattern of `LIKE` with the backslash as its mark, in place of `mark` or of none; `None`
/// where nothing comes behind a mark.
pub fn with_backslash(pattern: &str, mark: Option<char>) -> Option<String> {
    let mut same = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let literal = if Some(letter) == mark { letters.next()? } else { letter };
        let is_marked = Some(letter) == mark;
        if literal == '\\' || is_marked && matches!(literal, '%' | '_') {
            same.push('\\');
        }
        same.push(literal);
    }
    Some(same)
}

/// A pattern of `SIMILAR TO` as a regular expression; `None` where nothing comes behind a mark.
fn regular(pattern: &str, mark: char) -> Option<String> {
    let mut out = String::from("(?s)^(?:");
    let mut letters = pattern.chars();
    let mut in_brackets = false;
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter == mark => literally(letters.next()?, &mut out),
            '[' => {
                in_brackets = true;
                out.push('[');
            }
            ']' => {
                in_brackets = false;
                out.push(']');
            }
            // `[^…]`, ranges and classes mean the same in both.
            '^' | '-' | ':' if in_brackets => out.push(letter),
            _ if in_brackets => literally(letter, &mut out),
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' => out.push(letter),
            other => literally(other, &mut out),
        }
    }
    out.push_str(")$");
    Some(out)
}

fn literally(letter: char, out: &mut String) {
    if letter.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(letter);
}

#[cfg(test)]
mod tests {
    use super::{regular, with_backslash};

    #[test]
    fn patterns_are_said_with_the_backslash() {
        let cases = [
            ("a!%b", Some('!'), Some(r"a\%b")),
            ("a!!b", Some('!'), Some("a!b")),
            (r"a\b_", Some('!'), Some(r"a\\b_")),
            ("aé_é", Some('é'), None),
            ("aé_", Some('é'), Some(r"a\_")),
            ("%%%", Some('%'), None),
            ("%%_", Some('%'), Some(r"\%_")),
            (r"a\%", None, Some(r"a\\%")),
        ];
        for (pattern, mark, same) in cases {
            assert_eq!(with_backslash(pattern, mark).as_deref(), same, "{pattern}");
        }
    }

    #[test]
    fn similar_patterns_are_regular_expressions() {
        let cases = [
            ("%b%", Some("(?s)^(?:.*b.*)$")),
            ("a.c", Some(r"(?s)^(?:a\.c)$")),
            ("(a|b)+_{2}", Some("(?s)^(?:(a|b)+.{2})$")),
            (r"100\%", Some(r"(?s)^(?:100\%)$")),
            ("[^a-c%]", Some(r"(?s)^(?:[^a-c\%])$")),
            (r"a\", None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(regular(pattern, '\\').as_deref(), expected, "{pattern}");
        }
    }
}
