//! Whether a filter holds, and how two values are ordered.

use std::cmp::Ordering;

use crate::sim::population::{Object, Population, Value};
use crate::sim::reply::Refusal;

use super::{End, Expr, Literal, Operator, Path};

/// What paths are looked up in: an object, or an item of one of its lists.
#[derive(Clone, Copy, Debug)]
enum Subject<'a> {
    Object(&'a Population, Object),
    Item(&'a Value),
}

impl Expr {
    /// Whether the object meets the filter, which must be bound to the object's kind.
    ///
    /// # Errors
    ///
    /// Graph's 400 when a value and a literal cannot be compared.
    pub(in crate::sim) fn holds(
        &self,
        population: &Population,
        object: Object,
    ) -> Result<bool, Refusal> {
        holds(self, Subject::Object(population, object))
    }
}

fn holds(expr: &Expr, subject: Subject<'_>) -> Result<bool, Refusal> {
    match expr {
        Expr::And(parts) => {
            for part in parts {
                if !holds(part, subject)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Expr::Or(parts) => {
            for part in parts {
                if holds(part, subject)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Expr::Not(part) => Ok(!holds(part, subject)?),
        Expr::Compare { path, operator, literal } => {
            with(subject, path, |value| compare(value, *operator, literal))
        }
        Expr::In { path, literals } => with(subject, path, |value| {
            for literal in literals {
                if compare(value, Operator::Equal, literal)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }),
        Expr::Text { path, end, text } => with(subject, path, |value| match value {
            Value::Null => Ok(false),
            Value::Text(given) => Ok(match end {
                End::Start => fold(given).starts_with(text.as_str()),
                End::End => fold(given).ends_with(text.as_str()),
            }),
            other => Err(incompatible(other, "Edm.String", "a function")),
        }),
        Expr::Any { path, body } => with(subject, path, |value| any(value, body.as_deref())),
        Expr::Size { path, operator, number } => with(subject, path, |value| match value {
            Value::List(items) => Ok(ordered(*operator, (items.len() as f64).total_cmp(number))),
            Value::Null => Ok(ordered(*operator, 0f64.total_cmp(number))),
            other => Err(incompatible(other, "Collection", "$count")),
        }),
    }
}

fn any(value: &Value, body: Option<&Expr>) -> Result<bool, Refusal> {
    match (value, body) {
        (Value::Null, _) => Ok(false),
        (Value::List(items), None) => Ok(!items.is_empty()),
        (Value::List(items), Some(body)) => {
            for item in items {
                if holds(body, Subject::Item(item))? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (other, _) => Err(incompatible(other, "Collection", "any")),
    }
}

/// Looks a path up and lets `judge` see what is there; what is not there is null.
fn with<T>(subject: Subject<'_>, path: &Path, judge: impl FnOnce(&Value) -> T) -> T {
    match subject {
        Subject::Object(population, object) => {
            let value = match path.property {
                Some(property) => population.value(object, property),
                None => Value::Null,
            };
            judge(within(&value, path.names.get(1..).unwrap_or_default()))
        }
        Subject::Item(item) => judge(within(item, &path.names)),
    }
}

fn within<'a>(value: &'a Value, names: &[String]) -> &'a Value {
    names.iter().fold(value, |value, name| match value {
        Value::Struct(members) => members
            .iter()
            .find(|(member, _)| member == name)
            .map_or(&Value::Null, |(_, value)| value),
        _ => &Value::Null,
    })
}

fn compare(value: &Value, operator: Operator, literal: &Literal) -> Result<bool, Refusal> {
    let ordering = match (value, literal) {
        (Value::Null, Literal::Null) => Ordering::Equal,
        (Value::Null, _) | (_, Literal::Null) => return Ok(operator == Operator::NotEqual),
        (Value::Boolean(value), Literal::Boolean(literal)) => value.cmp(literal),
        (Value::Integer(value), Literal::Number(literal)) => (*value as f64).total_cmp(literal),
        (Value::Double(value), Literal::Number(literal)) => value.total_cmp(literal),
        (Value::Text(value), Literal::Text(literal)) => fold(value).as_str().cmp(literal),
        (Value::Timestamp(value), Literal::Moment(literal)) => value.cmp(literal),
        (value, literal) => return Err(incompatible(value, type_of(literal), "a comparison")),
    };
    Ok(ordered(operator, ordering))
}

fn ordered(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
    }
}

fn incompatible(value: &Value, wanted: &str, place: &str) -> Refusal {
    let found = match value {
        Value::Null => "null",
        Value::Boolean(_) => "Edm.Boolean",
        Value::Integer(_) => "Edm.Int64",
        Value::Double(_) => "Edm.Double",
        Value::Text(_) => "Edm.String",
        Value::Timestamp(_) => "Edm.DateTimeOffset",
        Value::List(_) => "Collection",
        Value::Struct(_) => "ComplexType",
    };
    Refusal::bad(format!(
        "A binary operator with incompatible types was detected. Found operand types '{found}' \
         and '{wanted}' for {place}."
    ))
}

fn type_of(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "null",
        Literal::Boolean(_) => "Edm.Boolean",
        Literal::Number(_) => "Edm.Decimal",
        Literal::Text(_) => "Edm.String",
        Literal::Moment(_) => "Edm.DateTimeOffset",
    }
}

/// A text as it is compared: without case.
pub(in crate::sim) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Orders two values of one property: null first, texts without case.
pub(in crate::sim) fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Double(left), Value::Double(right)) => left.total_cmp(right),
        (Value::Text(left), Value::Text(right)) => fold(left).cmp(&fold(right)),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        _ => Ordering::Equal,
    }
}
