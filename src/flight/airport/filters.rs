//! Airport's `json_filters`, as one predicate in SQL.
//!
//! DuckDB hands its own bound expressions over as JSON and filters again whatever comes back, so
//! the predicate may let through more rows than were asked for, and never fewer. Hence a part of
//! an `AND` that is not understood is left out, one of an `OR` takes the whole `OR` with it, and
//! `NOT` stands only before what is understood to the letter. Where DuckDB and DataFusion differ
//! in what a comparison means, it counts as not understood.
//!
//! Pure: no IO, no clock. An expression is read when it is reached, so that one which cannot be
//! read costs no more than itself. `operand` has columns and constants.

mod operand;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::value::RawValue;

use operand::{Constant, Is, Operand, Type};

/// Bytes of JSON that are read.
const JSON_BYTES_MAX: usize = 1 << 20;

/// How deep expressions may nest. Each can take two of the hundred levels at which the parser of
/// statements stops, and there must be some left for what surrounds the predicate.
const DEPTH_MAX: usize = 32;

/// Comparisons of one predicate: the planner recurses over a chain of them.
const TERMS_MAX: usize = 200;

/// Bytes of a predicate, and so at most its words: well below what a statement may have.
const SQL_BYTES_MAX: usize = 64 << 10;

/// The predicate that `json_filters` implies, over quoted names of columns; `None` where nothing
/// of it is understood, and for what is not the JSON expected.
///
/// A name is taken as it stands in `column_binding_names_by_index`: whether the table has such a
/// column is for the caller to know.
pub fn sql(json_filters: &str) -> Option<String> {
    if json_filters.len() > JSON_BYTES_MAX {
        return None;
    }
    let Filters { filters, names } = serde_json::from_str(json_filters).ok()?;
    let reader = Reader { names };
    let parts = filters.iter().map(|filter| reader.predicate(filter, DEPTH_MAX));
    all(parts).map(|said| said.sql)
}

/// The whole text.
#[derive(Deserialize)]
struct Filters<'a> {
    #[serde(borrow)]
    filters: Vec<&'a RawValue>,
    #[serde(rename = "column_binding_names_by_index")]
    names: Vec<String>,
}

/// One expression of any class, with the expressions in it not read yet.
#[derive(Deserialize)]
struct Node<'a> {
    #[serde(rename = "expression_class")]
    class: String,
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    catalog_name: Option<String>,
    /// The name of a function from DuckDB 2.0 on.
    qname: Option<Qualified>,
    #[serde(borrow)]
    left: Option<&'a RawValue>,
    #[serde(borrow)]
    right: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    lower: Option<&'a RawValue>,
    #[serde(borrow)]
    upper: Option<&'a RawValue>,
    lower_inclusive: Option<bool>,
    upper_inclusive: Option<bool>,
    #[serde(borrow)]
    child: Option<&'a RawValue>,
    #[serde(borrow, default)]
    children: Vec<&'a RawValue>,
    #[serde(borrow)]
    value: Option<Constant<'a>>,
    #[serde(borrow)]
    return_type: Option<Type<'a>>,
    binding: Option<Binding>,
    /// How many queries around this one the column is from.
    #[serde(default)]
    depth: u64,
}

impl<'a> Node<'a> {
    /// Both sides of a comparison, which from DuckDB 2.0 on is a function.
    fn sides(&self) -> Option<[&'a RawValue; 2]> {
        match (&*self.class, &*self.children) {
            ("BOUND_COMPARISON", _) => Some([self.left?, self.right?]),
            ("BOUND_FUNCTION", [left, right]) if self.kind.starts_with("COMPARE_") => {
                Some([left, right])
            }
            _ => None,
        }
    }

    /// The name of a function, if it is one of DuckDB's own.
    fn function(&self) -> Option<&str> {
        let (catalog, name) = match &self.qname {
            Some(Qualified { path }) => {
                let (name, above) = path.split_last()?;
                (above.first(), name)
            }
            None => (self.catalog_name.as_ref(), self.name.as_ref()?),
        };
        matches!(catalog.map(String::as_str), None | Some("" | "system")).then_some(name)
    }
}

/// A name with those of its catalog and schema before it, where it has them.
#[derive(Deserialize)]
struct Qualified {
    path: Vec<String>,
}

/// A column, by its place among the names.
#[derive(Deserialize)]
struct Binding {
    column_index: usize,
}

fn node(json: &RawValue) -> Option<Node<'_>> {
    serde_json::from_str(json.get()).ok()
}

/// A predicate, and how many comparisons are in it.
struct Said {
    sql: String,
    terms: usize,
}

impl Said {
    fn term(sql: String) -> Option<Said> {
        (sql.len() <= SQL_BYTES_MAX).then_some(Said { sql, terms: 1 })
    }

    /// Whether there is room for both.
    fn fits(&self, other: &Said) -> bool {
        let bytes = self.sql.len() + " AND ".len() + other.sql.len();
        bytes <= SQL_BYTES_MAX && self.terms + other.terms <= TERMS_MAX
    }

    fn joined(self, word: &str, other: &Said) -> Said {
        let sql = format!("{} {word} {}", self.sql, other.sql);
        Said { sql, terms: self.terms + other.terms }
    }

    /// As a part of something else.
    fn enclosed(self) -> Said {
        match self.terms {
            0 | 1 => self,
            _ => Said { sql: format!("({})", self.sql), ..self },
        }
    }
}

/// Those of the parts that are understood and for which there is room.
fn all(parts: impl Iterator<Item = Option<Said>>) -> Option<Said> {
    parts.flatten().fold(None, |said: Option<Said>, part| match said {
        None => Some(part),
        Some(said) if said.fits(&part) => Some(said.joined("AND", &part)),
        full => full,
    })
}

/// All parts, or nothing.
fn any(mut parts: impl Iterator<Item = Option<Said>>) -> Option<Said> {
    let first = parts.next()??;
    parts.try_fold(first, |said, part| {
        let part = part?;
        said.fits(&part).then(|| said.joined("OR", &part))
    })
}

struct Reader {
    names: Vec<String>,
}

impl Reader {
    /// What an expression that is true or false implies, read `deep` levels down at most.
    fn predicate(&self, json: &RawValue, deep: usize) -> Option<Said> {
        self.implied(&node(json)?, deep.checked_sub(1)?)
    }

    fn implied(&self, node: &Node<'_>, deep: usize) -> Option<Said> {
        if let Some([left, right]) = node.sides() {
            return self.compared(&node.kind, left, right, deep);
        }
        match (&*node.class, &*node.kind) {
            ("BOUND_CONJUNCTION", "CONJUNCTION_AND") => all(self.parts(node, deep)),
            ("BOUND_CONJUNCTION", "CONJUNCTION_OR") => any(self.parts(node, deep)),
            ("BOUND_BETWEEN", "COMPARE_BETWEEN") => self.between(node, deep),
            ("BOUND_OPERATOR", kind) => self.operator(kind, &node.children, deep),
            ("BOUND_FUNCTION", _) => self.function(node, deep),
            ("BOUND_COLUMN_REF" | "BOUND_CONSTANT", _) => {
                let operand = self.operand(node, deep)?;
                operand.is_boolean().then(|| Said::term(operand.sql))?
            }
            _ => None,
        }
        .map(Said::enclosed)
    }

    fn parts(&self, node: &Node<'_>, deep: usize) -> impl Iterator<Item = Option<Said>> {
        node.children.iter().map(move |child| self.predicate(child, deep))
    }

    fn compared(&self, kind: &str, left: &RawValue, right: &RawValue, deep: usize) -> Option<Said> {
        let (left, right) = (self.read(left, deep)?, self.read(right, deep)?);
        let one_column = (left.is == Is::Column) != (right.is == Is::Column);
        if !one_column || left.ty != right.ty {
            return None;
        }
        let (left, right) = (left.sql, right.sql);
        Said::term(match kind {
            "COMPARE_EQUAL" => format!("{left} = {right}"),
            "COMPARE_NOTEQUAL" => format!("{left} <> {right}"),
            "COMPARE_LESSTHAN" => format!("{left} < {right}"),
            "COMPARE_GREATERTHAN" => format!("{left} > {right}"),
            "COMPARE_LESSTHANOREQUALTO" => format!("{left} <= {right}"),
            "COMPARE_GREATERTHANOREQUALTO" => format!("{left} >= {right}"),
            // The parser takes all that follows to be the other side, an `AND` included.
            "COMPARE_DISTINCT_FROM" => format!("({left} IS DISTINCT FROM {right})"),
            "COMPARE_NOT_DISTINCT_FROM" => format!("({left} IS NOT DISTINCT FROM {right})"),
            _ => return None,
        })
    }

    fn between(&self, node: &Node<'_>, deep: usize) -> Option<Said> {
        let input = node.input?;
        // Of a bound that does not say, more is let through if it belongs to the range.
        let low = match node.lower_inclusive {
            Some(false) => "COMPARE_GREATERTHAN",
            _ => "COMPARE_GREATERTHANOREQUALTO",
        };
        let high = match node.upper_inclusive {
            Some(false) => "COMPARE_LESSTHAN",
            _ => "COMPARE_LESSTHANOREQUALTO",
        };
        let low = node.lower.and_then(|bound| self.compared(low, input, bound, deep));
        let high = node.upper.and_then(|bound| self.compared(high, input, bound, deep));
        all([low, high].into_iter())
    }

    fn operator(&self, kind: &str, children: &[&RawValue], deep: usize) -> Option<Said> {
        match (kind, children) {
            ("OPERATOR_IS_NULL", [of]) => self.null(of, "IS NULL", deep),
            ("OPERATOR_IS_NOT_NULL", [of]) => self.null(of, "IS NOT NULL", deep),
            ("OPERATOR_NOT", [of]) => self.not(of, deep),
            ("COMPARE_IN", [of, values @ ..]) => self.listed(of, "IN", values, deep),
            ("COMPARE_NOT_IN", [of, values @ ..]) => self.listed(of, "NOT IN", values, deep),
            _ => None,
        }
    }

    fn null(&self, of: &RawValue, words: &str, deep: usize) -> Option<Said> {
        let of = self.read(of, deep)?;
        (of.is == Is::Column).then(|| Said::term(format!("{} {words}", of.sql)))?
    }

    fn listed(
        &self,
        of: &RawValue,
        words: &str,
        values: &[&RawValue],
        deep: usize,
    ) -> Option<Said> {
        let of = self.read(of, deep)?;
        let value = |json: &&RawValue| {
            let value = self.read(json, deep)?;
            (value.is != Is::Column && value.ty == of.ty).then_some(value.sql)
        };
        let values = values.iter().map(value).collect::<Option<Vec<_>>>()?;
        let says = of.is == Is::Column && !values.is_empty();
        says.then(|| Said::term(format!("{} {words} ({})", of.sql, values.join(", "))))?
    }

    /// Only of what says exactly what DuckDB meant: the opposite of more is less.
    fn not(&self, of: &RawValue, deep: usize) -> Option<Said> {
        let (of, deep) = (node(of)?, deep.checked_sub(1)?);
        let exact = match &*of.class {
            "BOUND_COLUMN_REF" => true,
            "BOUND_OPERATOR" => of.kind != "OPERATOR_NOT",
            _ => of.sides().is_some(),
        };
        let said = exact.then(|| self.implied(&of, deep))??;
        Said::term(format!("NOT ({})", said.sql))
    }

    fn function(&self, node: &Node<'_>, deep: usize) -> Option<Said> {
        let [subject, argument] = node.children.as_slice() else { return None };
        let (subject, argument) = (self.read(subject, deep)?, self.read(argument, deep)?);
        if subject.is != Is::Column || !subject.ty.is_text() || !argument.is_text() {
            return None;
        }
        let (subject, argument) = (subject.sql, argument.sql);
        Said::term(match node.function()? {
            "prefix" | "starts_with" | "^@" => format!("starts_with({subject}, {argument})"),
            "suffix" | "ends_with" => format!("ends_with({subject}, {argument})"),
            "contains" => format!("contains({subject}, {argument})"),
            "~~" => format!("{subject} LIKE {}", operand::pattern(argument)?),
            "~~*" => format!("{subject} ILIKE {}", operand::pattern_in_any_case(argument)?),
            _ => return None,
        })
    }

    fn read<'a>(&self, json: &'a RawValue, deep: usize) -> Option<Operand<'a>> {
        self.operand(&node(json)?, deep.checked_sub(1)?)
    }

    fn operand<'a>(&self, node: &Node<'a>, deep: usize) -> Option<Operand<'a>> {
        match &*node.class {
            "BOUND_COLUMN_REF" if node.depth == 0 => {
                let name = self.names.get(node.binding.as_ref()?.column_index)?;
                Operand::column(name, node.return_type.clone()?)
            }
            "BOUND_CONSTANT" => Operand::constant(node.value.as_ref()?),
            "BOUND_CAST" => self.read(node.child?, deep)?.cast(node.return_type.clone()?),
            _ => None,
        }
    }
}
