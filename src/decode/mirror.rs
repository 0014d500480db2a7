//! A second look at a row that holds more than its columns.

use std::sync::Arc;

use crate::limits::decode as limits;

use super::column::{Column, Values};
use super::cursor::Cursor;
use super::isa::Isa as _;
use super::members::{Members, Place};
use super::pass::{Pass, Step};
use super::portable::Portable;
use super::rest::{Declared, Leftover};
use super::skip::{LIST_GOES_ON, OBJECT_GOES_ON};

/// The annotation that an object has where it is of a type derived from the declared one: it alone
/// tells a user from a group.
///
/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControlInformationtypeodatatype>
const TYPE: &[u8] = b"@odata.type";

/// Whether a member of this name, that is not declared, is kept within a nested object. A key with
/// an `@` is an annotation of OData or Graph, no property.
pub(super) fn is_kept(name: &[u8]) -> bool {
    !name.contains(&b'@') || name == TYPE
}

/// Gathers what nested values of one row hold beyond their columns, each at its place.
///
/// The pass over a page has no room to note where it is: most rows surprise nobody, and what they
/// would pay for it is more than what the others pay for being read twice.
pub(super) struct Mirror<'p, 'a> {
    pass: Pass<'p, Portable>,
    /// Where in the page values stand that are of another type than their column, in their order.
    mismatched: &'a [usize],
    duplicates: u64,
}

impl<'p, 'a> Mirror<'p, 'a> {
    /// Reads the row that begins at `row` again and adds what it finds to that of the table.
    pub fn row(row: Cursor<'p>, mismatched: &'a [usize], members: &mut Members) -> Step {
        let Some(mut rest) = members.rest.take() else { return Ok(()) };
        let mut mirror = Mirror {
            pass: Pass::new(Portable, row, Default::default()),
            mismatched,
            duplicates: 0,
        };
        mirror.pass.cursor.eat::<b'{'>();
        let read = mirror.object(members, &mut rest.members, Level::Row);
        rest.duplicates += mirror.duplicates;
        let bytes = rest.members.bytes();
        members.rest = Some(rest);
        if bytes > limits::PAGE_BYTES_MAX {
            return mirror.pass.malformed("what the row holds beyond its columns is too large");
        }
        read
    }

    /// Behind `{`: moves behind `}`.
    fn object(&mut self, members: &Members, found: &mut Leftover, level: Level) -> Step {
        let mut partly: Vec<Place> = Vec::new();
        self.pass.cursor.space();
        if self.pass.cursor.eat::<b'}'>() {
            return Ok(());
        }
        loop {
            self.member(members, found, &mut partly, level)?;
            self.pass.cursor.space();
            if self.pass.cursor.eat::<b'}'>() {
                return Ok(());
            }
            if !self.pass.cursor.eat::<b','>() {
                return self.pass.malformed(OBJECT_GOES_ON);
            }
        }
    }

    /// At a key. `partly` are the declared members of which something is left over.
    fn member(
        &mut self,
        members: &Members,
        found: &mut Leftover,
        partly: &mut Vec<Place>,
        level: Level,
    ) -> Step {
        self.pass.cursor.space();
        let start = self.pass.cursor;
        if !self.pass.cursor.eat::<b'"'>() {
            return self.pass.malformed("a key was expected");
        }
        let mut name = Vec::new();
        self.pass.string(&mut name)?;
        let quoted = self.pass.cursor.since(start);
        self.pass.cursor.space();
        if !self.pass.cursor.eat::<b':'>() {
            return self.pass.malformed("a `:` was expected");
        }
        self.pass.cursor.space();
        let place = members.place(&name);
        let Some((place, column)) = place.and_then(|place| Some((place, members.get(place)?)))
        else {
            let value = self.pass.cursor;
            Portable::skip(&mut self.pass)?;
            // The members of the row itself were kept when it was first read.
            if level == Level::Nested && is_kept(&name) {
                found.keep(&name, quoted, self.pass.cursor.since(value), Declared::No);
            }
            return Ok(());
        };
        match self.value(column)? {
            Some(text) => {
                found.keep(&name, quoted, &text, Declared::Yes);
                partly.push(place);
            }
            None if partly.contains(&place) => {
                found.forget(&name);
                partly.retain(|other| *other != place);
            }
            None => {}
        }
        Ok(())
    }

    /// At a value: moves behind it and returns what its column has no room for.
    fn value(&mut self, column: &Column) -> Step<Option<Vec<u8>>> {
        self.pass.cursor.space();
        let start = self.pass.cursor;
        if let [first, others @ ..] = self.mismatched
            && *first == start.offset()
        {
            self.mismatched = others;
            Portable::skip(&mut self.pass)?;
            return Ok(Some(self.pass.cursor.since(start).to_vec()));
        }
        match &column.values {
            Values::Struct(members) if self.pass.cursor.eat::<b'{'>() => {
                let mut found = Leftover::default();
                self.object(members, &mut found, Level::Nested)?;
                let mut text = Vec::new();
                Ok(found.write(&mut text, &mut self.duplicates).then_some(text))
            }
            Values::List(list) if self.pass.cursor.eat::<b'['>() => self.list(&list.item),
            _ => {
                Portable::skip(&mut self.pass)?;
                Ok(None)
            }
        }
    }

    /// Behind `[`: moves behind `]`. Each item has its position, also where nothing of it is left
    /// over.
    fn list(&mut self, item: &Column) -> Step<Option<Vec<u8>>> {
        let mut text = vec![b'['];
        let mut found = false;
        self.pass.cursor.space();
        if self.pass.cursor.eat::<b']'>() {
            return Ok(None);
        }
        loop {
            match self.value(item)? {
                Some(value) => {
                    found = true;
                    text.extend_from_slice(&value);
                }
                None => text.extend_from_slice(b"null"),
            }
            self.pass.cursor.space();
            if self.pass.cursor.eat::<b']'>() {
                text.push(b']');
                return Ok(found.then_some(text));
            }
            if !self.pass.cursor.eat::<b','>() {
                return self.pass.malformed(LIST_GOES_ON);
            }
            text.push(b',');
        }
    }
}

/// Where an object stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Row,
    Nested,
}

/// What the row that begins at `row` holds in these members, as far as it can be read: the texts of
/// short strings and of numbers.
pub(super) fn scalars(row: Cursor<'_>, names: &[Arc<str>]) -> Vec<Option<String>> {
    let mut pass = Pass::new(Portable, row, Default::default());
    let mut texts = vec![None; names.len()];
    // What is behind the fault may be anything; what was found before it is enough.
    let _ = find(&mut pass, names, &mut texts);
    texts
}

fn find(pass: &mut Pass<'_, Portable>, names: &[Arc<str>], texts: &mut [Option<String>]) -> Step {
    pass.cursor.eat::<b'{'>();
    loop {
        pass.cursor.space();
        if !pass.cursor.eat::<b'"'>() {
            return Ok(());
        }
        let mut name = Vec::new();
        pass.string(&mut name)?;
        pass.cursor.space();
        pass.cursor.eat::<b':'>();
        pass.cursor.space();
        let start = pass.cursor;
        Portable::skip(pass)?;
        let value = pass.cursor.since(start);
        let scalar = matches!(value.first(), Some(b'"' | b'-' | b'0'..=b'9'));
        let at = names.iter().position(|wanted| wanted.as_bytes() == name.as_slice());
        if let Some(text) = at.and_then(|at| texts.get_mut(at))
            && scalar
            && value.len() <= limits::KEY_SHOWN_MAX
        {
            *text = Some(String::from_utf8_lossy(value).into_owned());
        }
        pass.cursor.space();
        if !pass.cursor.eat::<b','>() {
            return Ok(());
        }
    }
}
