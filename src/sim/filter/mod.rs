//! `$filter`: what it says (`parse`), and whether it holds for an object (`holds`).
//!
//! <https://learn.microsoft.com/graph/filter-query-parameter>

mod holds;
mod parse;

use super::complex;
use super::population::Property;
use super::reply::Refusal;

pub(super) use holds::{fold, order};
pub(super) use parse::read;

/// A filter, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Compare {
        path: Path,
        operator: Operator,
        literal: Literal,
    },
    In {
        path: Path,
        literals: Vec<Literal>,
    },
    /// `startsWith` and `endsWith`; the text is folded.
    Text {
        path: Path,
        end: End,
        text: String,
    },
    /// `any` over a list; without a body it asks whether the list has items.
    Any {
        path: Path,
        body: Option<Box<Expr>>,
    },
    /// `…/$count`, compared with a number.
    Size {
        path: Path,
        operator: Operator,
        number: f64,
    },
}

/// A property, or one within it. Within `any` the names are those below the item.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Path {
    pub(super) names: Vec<String>,
    /// Where the first name stands among a kind's properties, once that is known.
    pub(super) property: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// As it is written; a comparison with null is another.
    fn word(self, literal: &Literal) -> &'static str {
        match self {
            Operator::Equal if *literal == Literal::Null => "null",
            Operator::Equal => "eq",
            Operator::NotEqual => "ne",
            Operator::Less => "lt",
            Operator::LessOrEqual => "le",
            Operator::Greater => "gt",
            Operator::GreaterOrEqual => "ge",
        }
    }
}

/// Which end of a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Start,
    End,
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Number(f64),
    /// Folded; comparisons go without case.
    Text(String),
    /// Microseconds since 1970.
    Moment(i64),
}

impl Path {
    pub(super) fn new(text: &str) -> Path {
        Path { names: text.split('/').map(String::from).collect(), property: None }
    }

    /// The property's name, without what lies within it.
    pub(super) fn first(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Looks the property up, and what lies within it. The answer is the type found there.
    ///
    /// # Errors
    ///
    /// Graph's 400 for a property that `noun` does not have, or a member that its type does not.
    pub(super) fn bind(
        &mut self,
        properties: &'static [Property],
        noun: &str,
    ) -> Result<&'static str, Refusal> {
        let mut known = properties.iter().enumerate();
        let found = known.find(|(_, property)| property.name == self.first());
        let (place, property) = found.ok_or_else(|| unknown_property(self.first(), noun))?;
        self.property = Some(place as u16);
        complex::within(property.of, self.names.get(1..).unwrap_or_default())
    }
}

/// 400 for a property that a type, such as `User`, does not have.
pub(super) fn unknown_property(name: &str, noun: &str) -> Refusal {
    let mut letters = noun.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let of: String = first.into_iter().chain(letters).collect();
    Refusal::bad(format!(
        "Could not find a property named '{name}' on type 'microsoft.graph.{of}'."
    ))
}

impl Expr {
    /// Looks up every property of the object, and within `any` every member of the item.
    ///
    /// # Errors
    ///
    /// Graph's 400 for a property that `noun` does not have, or a member that its type does not.
    pub(super) fn bind(
        &mut self,
        properties: &'static [Property],
        noun: &str,
    ) -> Result<(), Refusal> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => {
                parts.iter_mut().try_for_each(|part| part.bind(properties, noun))
            }
            Expr::Not(part) => part.bind(properties, noun),
            Expr::Any { path, body } => {
                let item = complex::item(path.bind(properties, noun)?);
                body.as_ref().map_or(Ok(()), |body| body.check_item(item))
            }
            Expr::Compare { path, .. }
            | Expr::In { path, .. }
            | Expr::Text { path, .. }
            | Expr::Size { path, .. } => path.bind(properties, noun).map(|_| ()),
        }
    }

    /// Looks up every member of a list's item.
    fn check_item(&self, item: &'static str) -> Result<(), Refusal> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => {
                parts.iter().try_for_each(|part| part.check_item(item))
            }
            Expr::Not(part) => part.check_item(item),
            Expr::Compare { path, .. }
            | Expr::In { path, .. }
            | Expr::Text { path, .. }
            | Expr::Any { path, .. }
            | Expr::Size { path, .. } => complex::within(item, &path.names).map(|_| ()),
        }
    }

    /// The first property in a clause that only the index can answer.
    pub(super) fn advanced(&self) -> Option<&str> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(Expr::advanced),
            Expr::Not(part) => part.advanced().or_else(|| part.property()),
            Expr::Compare { path, operator: Operator::NotEqual, .. }
            | Expr::Text { path, end: End::End, .. }
            | Expr::Size { path, .. } => Some(path.first()),
            Expr::Any { path, body: Some(body) } => body.advanced().map(|_| path.first()),
            Expr::Any { path, body: None } => Some(path.first()),
            Expr::Compare { .. } | Expr::In { .. } | Expr::Text { .. } => None,
        }
    }

    /// The first property that is compared by what lies strictly above or below: `ge` and `le`
    /// are what the directory offers without its index.
    pub(super) fn strict_order(&self) -> Option<&str> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(Expr::strict_order),
            Expr::Not(part) => part.strict_order(),
            Expr::Compare { path, operator: Operator::Less | Operator::Greater, .. } => {
                Some(path.first())
            }
            Expr::Any { path, body: Some(body) } => body.strict_order().map(|_| path.first()),
            _ => None,
        }
    }

    /// Each property that it speaks of, with the operator that it is compared by.
    pub(super) fn uses(&self) -> Vec<(&str, &'static str)> {
        let of = |path: &'_ Path| path.names.len() == 1;
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().flat_map(Expr::uses).collect(),
            Expr::Not(part) => part.uses(),
            Expr::Compare { path, operator, literal } if of(path) => {
                vec![(path.first(), operator.word(literal))]
            }
            Expr::In { path, .. } if of(path) => vec![(path.first(), "in")],
            Expr::Text { path, end, .. } if of(path) => match end {
                End::Start => vec![(path.first(), "startsWith")],
                End::End => vec![(path.first(), "endsWith")],
            },
            Expr::Any { path, .. } if of(path) => vec![(path.first(), "any")],
            _ => Vec::new(),
        }
    }

    /// Whether it speaks of a property for which `is` holds.
    pub(super) fn speaks_of(&self, is: impl Fn(&str) -> bool + Copy) -> bool {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| part.speaks_of(is)),
            Expr::Not(part) => part.speaks_of(is),
            Expr::Compare { path, .. }
            | Expr::In { path, .. }
            | Expr::Text { path, .. }
            | Expr::Any { path, .. }
            | Expr::Size { path, .. } => is(path.first()),
        }
    }

    /// How many clauses stand side by side in the longest alternative; `in` is one for each of
    /// its values.
    pub(super) fn alternatives(&self) -> usize {
        match self {
            Expr::And(parts) => parts.iter().map(Expr::alternatives).max().unwrap_or_default(),
            Expr::Or(parts) => parts.iter().map(Expr::alternatives).sum(),
            Expr::Not(part) => part.alternatives(),
            Expr::In { literals, .. } => literals.len(),
            Expr::Any { body: Some(body), .. } => body.alternatives(),
            _ => 1,
        }
    }

    /// The first property that it speaks of.
    pub(super) fn property(&self) -> Option<&str> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(Expr::property),
            Expr::Not(part) => part.property(),
            Expr::Compare { path, .. }
            | Expr::In { path, .. }
            | Expr::Text { path, .. }
            | Expr::Any { path, .. }
            | Expr::Size { path, .. } => Some(path.first()),
        }
    }

    /// The only ids that the filter lets through, when it says so at its top.
    pub(super) fn ids(&self) -> Option<Vec<&str>> {
        match self {
            Expr::And(parts) => parts.iter().find_map(Expr::ids),
            Expr::Compare { path, operator: Operator::Equal, literal: Literal::Text(id) }
                if path.names == ["id"] =>
            {
                Some(vec![id])
            }
            Expr::In { path, literals } if path.names == ["id"] => literals
                .iter()
                .map(|literal| match literal {
                    Literal::Text(id) => Some(id.as_str()),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }
}
