//! `$search`: words that a property's words begin with.
//!
//! <https://learn.microsoft.com/graph/search-query-parameter>

use super::filter::{fold, unknown_property};
use super::population::{Object, Population, Value};
use super::reply::Refusal;

/// Terms joined by `OR`, each of terms joined by `AND`.
#[derive(Clone, Debug)]
pub(super) struct Search {
    any_of: Vec<Vec<Term>>,
}

#[derive(Clone, Debug)]
struct Term {
    property: String,
    words: Vec<String>,
}

impl Search {
    /// Reads `"displayName:anna" OR "mail:anna"`.
    ///
    /// # Errors
    ///
    /// Graph's 400 for anything else.
    pub(super) fn read(text: &str) -> Result<Search, Refusal> {
        let wrong =
            || Refusal::bad("Unrecognized $search clause: terms have the form \"property:value\".");
        let mut any_of = vec![Vec::new()];
        let mut rest = text.trim();
        loop {
            let after = rest.strip_prefix('"').ok_or_else(wrong)?;
            let (term, after) = after.split_once('"').ok_or_else(wrong)?;
            let (property, value) = term.split_once(':').ok_or_else(wrong)?;
            let words: Vec<String> = words(value).collect();
            if words.is_empty() {
                return Err(wrong());
            }
            if let Some(all_of) = any_of.last_mut() {
                all_of.push(Term { property: property.trim().to_owned(), words });
            }
            let after = after.trim();
            rest = match after.split_once(char::is_whitespace) {
                _ if after.is_empty() => return Ok(Search { any_of }),
                Some(("AND", next)) => next.trim(),
                Some(("OR", next)) => {
                    any_of.push(Vec::new());
                    next.trim()
                }
                _ => return Err(wrong()),
            };
        }
    }

    /// # Errors
    ///
    /// Graph's 400 for a property that is not searched in.
    pub(super) fn check(&self, searched: &[&str], noun: &str) -> Result<(), Refusal> {
        let mut terms = self.any_of.iter().flatten();
        match terms.find(|term| !searched.contains(&term.property.as_str())) {
            Some(term) => Err(unknown_property(&term.property, noun)),
            None => Ok(()),
        }
    }

    pub(super) fn holds(&self, population: &Population, object: Object) -> bool {
        let properties = Population::properties(object.kind);
        let found = |term: &Term| {
            let place = properties.iter().position(|property| property.name == term.property);
            match place.map(|place| population.value(object, place as u16)) {
                Some(Value::Text(text)) => {
                    let there: Vec<String> = words(&text).collect();
                    term.words.iter().all(|word| there.iter().any(|one| one.starts_with(word)))
                }
                _ => false,
            }
        };
        self.any_of.iter().any(|all_of| all_of.iter().all(found))
    }
}

/// The words of a text, without case.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold)
}
