//! A statement as words and signs, its names as the tables spell them.
//!
//! Graph's names are camelCase, and nobody should have to quote them: a name without quotes means
//! the table or column that differs from it at most in case. Any other name means the same thing
//! wherever it stands, spelt as where it stands first.

use std::collections::{HashMap, HashSet};

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use super::Error;
use super::fault::Position;
use crate::limits::query as limits;

/// The names of tables and columns, by how they read without case.
#[derive(Clone, Debug, Default)]
pub struct Names {
    spellings: HashMap<String, Vec<String>>,
    /// Those of functions, which are called in lower case.
    functions: HashSet<String>,
    /// Those of `information_schema`, in lower case, which mean something in a statement that names
    /// it.
    information: HashSet<String>,
}

/// The text of a statement without the mark that some editors put in front of it.
pub fn plain(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

impl Names {
    /// Adds a name.
    pub fn add(&mut self, name: &str) {
        let spellings = self.spellings.entry(name.to_lowercase()).or_default();
        if !spellings.iter().any(|known| known == name) {
            spellings.push(name.to_owned());
        }
    }

    /// Adds a function.
    pub fn add_function(&mut self, name: &str) {
        self.functions.insert(name.to_lowercase());
    }

    /// Adds a table or a column of `information_schema`.
    pub fn add_information(&mut self, name: &str) {
        self.information.insert(name.to_lowercase());
    }

    /// The one spelling that `word` can mean.
    fn find(&self, word: &str, lower: &str) -> Option<&str> {
        match self.spellings.get(lower)?.as_slice() {
            [one] => Some(one),
            many => many.iter().map(String::as_str).find(|name| *name == word),
        }
    }

    /// Names that differ only in case, of which one without quotes may mean either.
    #[cfg(test)]
    pub fn twins(&self) -> impl Iterator<Item = &[String]> {
        self.spellings.values().filter(|names| names.len() > 1).map(Vec::as_slice)
    }
}

/// A statement that was read as far as its words.
#[derive(Clone, Debug)]
pub struct Words {
    /// With the places where they stand in the text.
    pub tokens: Vec<TokenWithSpan>,
    /// Every name in it, as it is spelt now.
    names: HashSet<String>,
}

impl Words {
    /// Reads `text`; `?` becomes `$1`, `$2` and so on.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`], and [`Error::Statement`] for what cannot be read.
    pub fn read(text: &str, names: &Names) -> Result<Self, Error> {
        let text = plain(text);
        let long = |what, count, max| Error::TooLong { what, count, max };
        if text.len() > limits::STATEMENT_BYTES_MAX {
            return Err(long("bytes", text.len(), limits::STATEMENT_BYTES_MAX));
        }
        let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
        let mut tokens = tokens.map_err(|error| {
            let at = Position { line: error.location.line, column: error.location.column };
            Error::statement(text, error.message, Some(at))
        })?;
        if tokens.len() > limits::TOKENS_MAX {
            return Err(long("words and values", tokens.len(), limits::TOKENS_MAX));
        }
        let words = tokens.iter().filter(|token| nests(&token.token)).count();
        if words > limits::WORDS_MAX {
            return Err(long("words besides values", words, limits::WORDS_MAX));
        }
        number(text, &mut tokens)?;
        let informs = tokens.iter().any(|token| match &token.token {
            Token::Word(word) => word.value.eq_ignore_ascii_case("information_schema"),
            _ => false,
        });
        let mut spelling =
            Spelling { names, called: called(&tokens), first: HashMap::new(), informs };
        let mut found = HashSet::new();
        for at in 0..tokens.len() {
            let is_call = calls(&tokens, at);
            let Some(TokenWithSpan { token: Token::Word(word), .. }) = tokens.get_mut(at) else {
                continue;
            };
            if word.quote_style.is_none() {
                spelling.spell(word, is_call);
            }
            found.insert(word.value.clone());
        }
        Ok(Words { tokens, names: found })
    }

    /// Whether the statement has this name somewhere.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Where these words stand first, one behind another and without quotes.
    pub fn place(&self, words: &str) -> Option<Position> {
        let written: Vec<_> =
            self.tokens.iter().filter(|it| !matches!(it.token, Token::Whitespace(_))).collect();
        let wanted: Vec<&str> = words.split(' ').collect();
        let is = |token: &&TokenWithSpan, word: &&str| match &token.token {
            Token::Word(it) => it.quote_style.is_none() && it.value.eq_ignore_ascii_case(word),
            other => other.to_string() == **word,
        };
        let found = written
            .windows(wanted.len())
            .find(|them| them.iter().zip(&wanted).all(|(token, word)| is(token, word)));
        let start = found?.first()?.span.start;
        Some(Position { line: start.line, column: start.column })
    }

    /// Whether a plan is asked for.
    pub fn explains(&self) -> bool {
        let mut words = self.tokens.iter().filter_map(|token| match &token.token {
            Token::Word(word) => Some(word.keyword),
            _ => None,
        });
        words.next() == Some(Keyword::EXPLAIN)
    }
}

/// Whether a long row of these can nest as deep as it is long: everything but values and what
/// divides them.
fn nests(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(_)
            | Token::Comma
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::RParen
            | Token::EOF
    )
}

/// Whether the word at `at` is in front of a parenthesis.
fn calls(tokens: &[TokenWithSpan], at: usize) -> bool {
    let mut rest = tokens.iter().skip(at + 1).map(|token| &token.token);
    let next = rest.find(|token| !matches!(token, Token::Whitespace(_)));
    matches!(next, Some(Token::LParen))
}

/// The words that stand in front of a parenthesis somewhere, in lower case.
fn called(tokens: &[TokenWithSpan]) -> HashSet<String> {
    let words = tokens.iter().enumerate().filter_map(|(at, token)| match &token.token {
        Token::Word(word) if word.quote_style.is_none() && calls(tokens, at) => {
            Some(word.value.to_lowercase())
        }
        _ => None,
    });
    words.collect()
}

struct Spelling<'a> {
    names: &'a Names,
    called: HashSet<String>,
    first: HashMap<String, String>,
    /// Whether the statement names `information_schema`.
    informs: bool,
}

impl Spelling<'_> {
    fn spell(&mut self, word: &mut Word, is_call: bool) {
        let lower = word.value.to_lowercase();
        let informs = self.informs && self.names.information.contains(&lower);
        if informs || is_call && self.names.functions.contains(&lower) {
            word.value = lower;
        } else if let Some(name) = self.names.find(&word.value, &lower) {
            word.value = name.to_owned();
        } else if is_call || self.called.contains(&lower) {
            word.value = lower;
        } else if word.keyword == Keyword::NoKeyword || !is_grammar(word.keyword) {
            let first = self.first.entry(lower).or_insert_with(|| word.value.clone());
            word.value.clone_from(first);
        }
    }
}

/// Whether a keyword is never a name.
fn is_grammar(keyword: Keyword) -> bool {
    datafusion::sql::sqlparser::keywords::RESERVED_FOR_COLUMN_ALIAS.contains(&keyword)
}

/// Numbers the parameters that are written `?`.
fn number(text: &str, tokens: &mut [TokenWithSpan]) -> Result<(), Error> {
    let mut count = 0;
    let mut named = false;
    for TokenWithSpan { token, span } in tokens {
        let Token::Placeholder(name) = token else { continue };
        match name.as_str() {
            "?" => {
                count += 1;
                *name = format!("${count}");
            }
            _ => named = true,
        }
        if named && count > 0 {
            let at = Position { line: span.start.line, column: span.start.column };
            let message = "parameters are written either `?` or `$1`, not both".to_owned();
            return Err(Error::statement(text, message, Some(at)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(text: &str) -> String {
        let mut names = Names::default();
        for name in ["users", "displayName", "mail", "appId", "appid", "state", "Sum"] {
            names.add(name);
        }
        names.add_function("sum");
        let words = Words::read(text, &names).expect("words");
        words.tokens.iter().map(|token| token.token.to_string()).collect()
    }

    #[test]
    fn names_are_spelt_as_the_tables_spell_them() {
        let cases = [
            ("select DISPLAYNAME from Users", "select displayName from users"),
            ("select \"displayname\" from users", "select \"displayname\" from users"),
            ("select mail as Total order by TOTAL", "select mail as Total order by Total"),
            ("select appId, APPID", "select appId, APPID"),
            ("select Count(*) as COUNT order by count", "select count(*) as count order by count"),
            ("with Few (a) as (select 1) from FEW", "with few (a) as (select 1) from few"),
            ("with Mail (a) as (select 1) from MAIL", "with mail (a) as (select 1) from mail"),
            ("as DISPLAYNAME(a), displayname.a", "as displayName(a), displayName.a"),
            ("select SUM (SUM), sum", "select sum (Sum), Sum"),
            ("where STATE = 'DisplayName'", "where state = 'DisplayName'"),
            ("where mail = ? and state = ?", "where mail = $1 and state = $2"),
            ("where mail = '?' and state = ?", "where mail = '?' and state = $1"),
            ("where mail = $2 -- ?", "where mail = $2 -- ?"),
        ];
        for (text, expected) in cases {
            assert_eq!(spelt(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_words_is_an_error_with_its_place() {
        let read = |text: &str| Words::read(text, &Names::default()).expect_err("an error");
        assert!(read("select 'open").to_string().contains("line 1, column 8"));
        assert!(read("select $1, ?").to_string().contains("not both"));
        let long = format!("select {}", "1,".repeat(limits::TOKENS_MAX));
        assert!(matches!(read(&long), Error::TooLong { what: "words and values", .. }));
    }
}
