//! Reading a filter.

use crate::limits::sim as limits;
use crate::sim::moment;
use crate::sim::reply::Refusal;

use super::{End, Expr, Literal, Operator, Path, fold};

/// Reads the text of a filter.
///
/// # Errors
///
/// Graph's 400 for what cannot be read or is not offered.
pub(in crate::sim) fn read(text: &str) -> Result<Expr, Refusal> {
    let mut parser = Parser { text, at: 0, depth: 0, clauses: 0, item: None };
    let expr = parser.or()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.error());
    }
    Ok(expr)
}

#[derive(Debug)]
struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    clauses: usize,
    /// The name of the item within `any`.
    item: Option<&'a str>,
}

impl<'a> Parser<'a> {
    fn error(&self) -> Refusal {
        let message = format!("Invalid filter clause: syntax error at position {}.", self.at);
        Refusal::bad(message)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes the longest run of characters that fit.
    fn run(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        self.space();
        let rest = self.rest();
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn word(&mut self) -> &'a str {
        self.run(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '$' | '.' | '-'))
    }

    fn take(&mut self, symbol: char) -> bool {
        self.space();
        let taken = self.rest().starts_with(symbol);
        self.at += if taken { symbol.len_utf8() } else { 0 };
        taken
    }

    fn demand(&mut self, symbol: char) -> Result<(), Refusal> {
        if self.take(symbol) { Ok(()) } else { Err(self.error()) }
    }

    /// Takes a word that stands alone, in any case.
    fn keyword(&mut self, word: &str) -> bool {
        let before = self.at;
        let found = self.run(char::is_alphanumeric).eq_ignore_ascii_case(word);
        if !found {
            self.at = before;
        }
        found
    }

    fn or(&mut self) -> Result<Expr, Refusal> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH_MAX {
            return Err(Refusal::bad("Invalid filter clause: it nests too deep."));
        }
        let mut parts = vec![self.and()?];
        while self.keyword("or") {
            parts.push(self.and()?);
        }
        self.depth -= 1;
        Ok(join(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, Refusal> {
        let mut parts = vec![self.clause()?];
        while self.keyword("and") {
            parts.push(self.clause()?);
        }
        Ok(join(parts, Expr::And))
    }

    fn clause(&mut self) -> Result<Expr, Refusal> {
        self.clauses += 1;
        if self.clauses > limits::FILTER_CLAUSES_MAX {
            return Err(Refusal::bad("Invalid filter clause: too many child clauses specified."));
        }
        if self.take('(') {
            let inner = self.or()?;
            self.demand(')')?;
            return Ok(inner);
        }
        if self.keyword("not") {
            self.depth += 1;
            if self.depth > limits::FILTER_DEPTH_MAX {
                return Err(Refusal::bad("Invalid filter clause: it nests too deep."));
            }
            let inner = self.clause()?;
            self.depth -= 1;
            return Ok(Expr::Not(Box::new(inner)));
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.error());
        }
        if self.take('(') {
            return self.call(word);
        }
        match word.strip_suffix("/$count") {
            Some(list) => {
                let path = self.path(list)?;
                let operator = self.operator()?;
                let Literal::Number(number) = self.literal()? else {
                    return Err(self.error());
                };
                Ok(Expr::Size { path, operator, number })
            }
            None => self.comparison(word),
        }
    }

    fn comparison(&mut self, word: &str) -> Result<Expr, Refusal> {
        let path = self.path(word)?;
        if !self.keyword("in") {
            let operator = self.operator()?;
            return Ok(Expr::Compare { path, operator, literal: self.literal()? });
        }
        self.demand('(')?;
        let mut literals = vec![self.literal()?];
        while self.take(',') {
            literals.push(self.literal()?);
        }
        self.demand(')')?;
        self.clauses += literals.len();
        if self.clauses > limits::FILTER_CLAUSES_MAX {
            return Err(Refusal::bad("Invalid filter clause: too many child clauses specified."));
        }
        Ok(Expr::In { path, literals })
    }

    /// What follows the opening bracket of a function or of `any`.
    fn call(&mut self, word: &'a str) -> Result<Expr, Refusal> {
        if let Some(list) = word.strip_suffix("/any") {
            return self.any(list);
        }
        let end = match word.to_ascii_lowercase().as_str() {
            "startswith" => End::Start,
            "endswith" => End::End,
            _ => {
                let name = word.rsplit('/').next().unwrap_or(word);
                return Err(Refusal::unsupported(format!(
                    "Unsupported Query: the function '{name}' is not supported."
                )));
            }
        };
        let property = self.word();
        let path = self.path(property)?;
        self.demand(',')?;
        let Literal::Text(text) = self.literal()? else {
            return Err(self.error());
        };
        self.demand(')')?;
        Ok(Expr::Text { path, end, text })
    }

    fn any(&mut self, list: &str) -> Result<Expr, Refusal> {
        let path = self.path(list)?;
        if self.take(')') {
            return Ok(Expr::Any { path, body: None });
        }
        if self.item.is_some() {
            return Err(Refusal::unsupported("Unsupported Query: 'any' within 'any'."));
        }
        let item = self.run(char::is_alphanumeric);
        self.demand(':')?;
        self.item = Some(item);
        let body = self.or()?;
        self.item = None;
        self.demand(')')?;
        Ok(Expr::Any { path, body: Some(Box::new(body)) })
    }

    /// A property's path; within `any` it begins with the item, whose name is taken away.
    fn path(&self, word: &str) -> Result<Path, Refusal> {
        let Some(item) = self.item else {
            return Ok(Path::new(word));
        };
        let below = word.strip_prefix(item).ok_or_else(|| self.error())?;
        match below.strip_prefix('/') {
            Some(names) => Ok(Path::new(names)),
            None if below.is_empty() => Ok(Path::default()),
            None => Err(self.error()),
        }
    }

    fn operator(&mut self) -> Result<Operator, Refusal> {
        let before = self.at;
        let operator = match self.run(char::is_alphabetic).to_ascii_lowercase().as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            _ => {
                self.at = before;
                return Err(self.error());
            }
        };
        Ok(operator)
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        if self.take('\'') {
            return self.quoted();
        }
        let before = self.at;
        let word = self.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | ',' | '\''));
        let literal = match word {
            "null" => Some(Literal::Null),
            "true" => Some(Literal::Boolean(true)),
            "false" => Some(Literal::Boolean(false)),
            _ => moment::read(word)
                .map(Literal::Moment)
                .or_else(|| word.parse().ok().filter(|n: &f64| n.is_finite()).map(Literal::Number))
                .or_else(|| uuid::Uuid::try_parse(word).ok().map(|_| Literal::Text(fold(word)))),
        };
        literal.ok_or_else(|| {
            self.at = before;
            self.error()
        })
    }

    /// What follows an opening quote; a quote within is written twice.
    fn quoted(&mut self) -> Result<Literal, Refusal> {
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some((part, after)) = rest.split_once('\'') else {
                return Err(self.error());
            };
            text.push_str(part);
            self.at += part.len() + 1;
            if !after.starts_with('\'') {
                return Ok(Literal::Text(fold(&text)));
            }
            text.push('\'');
            self.at += 1;
        }
    }
}

fn join(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}
