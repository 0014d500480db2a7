//! The one pass over a page.

use std::sync::Arc;

use crate::limits::decode as limits;

use super::OnMismatch;
use super::calendar;
use super::column::{Column, Values};
use super::cursor::Cursor;
use super::fault::{Fault, Problem};
use super::isa::Isa;
use super::members::{Members, Place};
use super::mirror::is_kept;
use super::rest::Declared;
use super::skip::{LIST_GOES_ON, OBJECT_GOES_ON};

/// Goes on, or is broken by a fault; boxed, so that the way on stays cheap.
pub(super) type Step<T = ()> = Result<T, Broken>;

/// The pass found a fault and cannot go on.
pub(super) struct Broken(pub Box<Fault>);

pub(super) const NULL: u32 = u32::from_le_bytes(*b"null");
pub(super) const TRUE: u32 = u32::from_le_bytes(*b"true");
pub(super) const FALSE_TAIL: u32 = u32::from_le_bytes(*b"alse");

/// A pass over one page, directed by the columns: each value is read once and appended where it
/// belongs; nothing stands in between.
///
/// The page must be UTF-8: texts are appended without another look.
pub(super) struct Pass<'p, I> {
    pub isa: I,
    pub cursor: Cursor<'p>,
    /// Brackets of the row that are open here.
    pub depth: usize,
    on_mismatch: OnMismatch,
    /// Values that objects of this page have left out.
    absent: usize,
    /// What the row being read holds beyond its columns.
    pub surprise: Surprise,
    /// Of this page, so far.
    pub counts: Counts,
    /// Texts that are needed without their escapes and then thrown away.
    scratch: Vec<u8>,
}

/// What a row holds beyond its columns, besides undeclared members of its own.
#[derive(Default)]
pub(super) struct Surprise {
    /// Whether anybody wants to know.
    pub wanted: bool,
    /// Whether there is anything.
    pub found: bool,
    /// Where in the page values of another type stand, in their order.
    pub mismatched: Vec<usize>,
}

/// What was counted while rows were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cells, or values within cells, that became null because they are not of their column's
    /// type.
    pub put_aside: u64,
    /// Members left out because a later one of the same object has their name.
    pub duplicate_members: u64,
}

impl<'p, I: Isa> Pass<'p, I> {
    /// A pass that starts at the cursor.
    pub fn new(isa: I, cursor: Cursor<'p>, on_mismatch: OnMismatch) -> Self {
        Pass {
            isa,
            cursor,
            depth: 0,
            on_mismatch,
            absent: 0,
            surprise: Surprise::default(),
            counts: Counts::default(),
            scratch: Vec::new(),
        }
    }

    /// At a row: reads it into the columns of `members`.
    #[inline(always)]
    pub fn row(&mut self, members: &mut Members) -> Step {
        if !self.cursor.eat::<b'{'>() {
            return self.malformed("a row has to be an object");
        }
        I::object(self, members)
    }

    /// Behind a row: moves to the next one; whether there is one.
    #[inline(always)]
    pub fn next_row(&mut self) -> Step<bool> {
        self.cursor.space();
        if self.cursor.eat::<b','>() {
            self.cursor.space();
            return Ok(true);
        }
        if self.cursor.eat::<b']'>() { Ok(false) } else { self.malformed(LIST_GOES_ON) }
    }

    /// Behind `{`: reads the members of an object into their columns.
    ///
    /// Of a key that comes again the last value is kept.
    #[inline(always)]
    pub fn object(&mut self, members: &mut Members) -> Step {
        self.depth += 1;
        let mut missing = members.columns.len();
        let mut last = members.start();
        self.cursor.space();
        if !self.cursor.eat::<b'}'>() {
            loop {
                if let Some(place) = self.key(members, last)? {
                    let len = members.len();
                    let column = members.column(place);
                    if column.valid.len() == len {
                        missing -= 1;
                    } else {
                        column.pop();
                        self.counts.duplicate_members += 1;
                    }
                    if let Err(broken) = self.value(column) {
                        return Err(broken.within(members.name(place)));
                    }
                    last = place;
                }
                if self.cursor.eat::<b','>() {
                    continue;
                }
                self.cursor.space();
                if self.cursor.eat::<b'}'>() {
                    break;
                }
                if !self.cursor.eat::<b','>() {
                    return self.malformed(OBJECT_GOES_ON);
                }
            }
        }
        members.close(missing);
        self.depth -= 1;
        self.absent += missing;
        if self.absent > limits::PAGE_ABSENT_MAX {
            return self.malformed("the page leaves out too many values");
        }
        Ok(())
    }

    /// Behind `[`: appends the items of one list.
    #[inline(always)]
    pub fn list(&mut self, item: &mut Column) -> Step {
        self.depth += 1;
        self.cursor.space();
        if !self.cursor.eat::<b']'>() {
            loop {
                self.value(item)?;
                self.cursor.space();
                if self.cursor.eat::<b']'>() {
                    break;
                }
                if !self.cursor.eat::<b','>() {
                    return self.malformed(LIST_GOES_ON);
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// At a key or at space before one: moves behind its colon and returns its place; a member
    /// that is not declared is moved over with its value, and has none.
    #[inline(always)]
    fn key(&mut self, members: &mut Members, last: Place) -> Step<Option<Place>> {
        let (place, token) = members.follower(last);
        self.cursor.space();
        if self.isa.starts_with(self.cursor.window(), token) {
            // SAFETY: the token is here, and no byte of a token is zero.
            unsafe { self.cursor.advance(token.len) };
            return Ok(Some(place));
        }
        self.key_by_name(members, last)
    }

    #[cold]
    #[inline(never)]
    fn key_by_name(&mut self, members: &mut Members, last: Place) -> Step<Option<Place>> {
        let start = self.cursor;
        if !self.cursor.eat::<b'"'>() {
            return self.malformed("a key was expected");
        }
        let name = self.scratched_string()?;
        let quoted = self.cursor.since(start);
        self.cursor.space();
        if !self.cursor.eat::<b':'>() {
            return self.malformed("a `:` was expected");
        }
        let place = members.find(last, &name);
        if place.is_none() {
            self.cursor.space();
            let value = self.cursor;
            I::skip(self)?;
            match &mut members.rest {
                // A key with an `@` is an annotation of OData or Graph, no property.
                Some(rest) if !name.contains(&b'@') => {
                    let value = self.cursor.since(value);
                    rest.members.keep(&name, quoted, value, Declared::No);
                }
                Some(_) => {}
                None => self.surprise.found |= self.surprise.wanted && is_kept(&name),
            }
        }
        self.scratch = name;
        Ok(place)
    }

    /// At a value or at space before one: appends it to the column.
    #[inline(always)]
    fn value(&mut self, column: &mut Column) -> Step {
        self.cursor.space();
        if self.cursor.eat4::<NULL>() {
            column.push_null();
            return Ok(());
        }
        let start = self.cursor;
        match &mut column.values {
            Values::Text(texts) if self.cursor.eat::<b'"'>() => {
                self.string(&mut texts.bytes)?;
                texts.close();
            }
            Values::Timestamp(micros) => {
                let Some((value, len)) = calendar::quoted_timestamp(self.cursor.window()) else {
                    return self.scalar(column);
                };
                // SAFETY: the `len` bytes here were read as a timestamp, which has no zero byte.
                unsafe { self.cursor.advance(len) };
                micros.push(value);
            }
            Values::Boolean(bits) => match self.boolean() {
                Some(value) => bits.push(value),
                None => return self.mismatch(column, start),
            },
            Values::List(list) if self.cursor.eat::<b'['>() => {
                // Graph has many empty lists: they are not worth a call.
                if !self.cursor.eat::<b']'>() {
                    I::list(self, &mut list.item)?;
                }
                list.close();
            }
            Values::Struct(members) if self.cursor.eat::<b'{'>() => I::object(self, members)?,
            Values::Text(_) | Values::List(_) | Values::Struct(_) => {
                return self.mismatch(column, start);
            }
            Values::Json(texts) => {
                I::skip(self)?;
                texts.bytes.extend_from_slice(self.cursor.since(start));
                texts.close();
            }
            _ => return self.scalar(column),
        }
        column.valid.push(true);
        Ok(())
    }

    /// Moves over `true` or `false`; `None`, and not moved over a whole value, for anything else.
    #[inline(always)]
    fn boolean(&mut self) -> Option<bool> {
        if self.cursor.eat4::<TRUE>() {
            return Some(true);
        }
        (self.cursor.eat::<b'f'>() && self.cursor.eat4::<FALSE_TAIL>()).then_some(false)
    }

    /// At a number, or at a string that stands for something else: appends what it stands for.
    #[inline(never)]
    fn scalar(&mut self, column: &mut Column) -> Step {
        let start = self.cursor;
        let read = match self.cursor.peek() {
            b'"' => {
                self.cursor.eat::<b'"'>();
                let text = self.scratched_string()?;
                let read = column.push_string(&text);
                self.scratch = text;
                read
            }
            b'-' | b'0'..=b'9' => column.push_number(self.number()?),
            _ => None,
        };
        if read.is_some() { Ok(()) } else { self.mismatch(column, start) }
    }

    /// Behind an opening quote: the text, in the scratch vector, which is to be given back.
    fn scratched_string(&mut self) -> Step<Vec<u8>> {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        self.string(&mut text)?;
        Ok(text)
    }

    /// The value at `start` is not of the column's type: put aside and counted, or a fault, once it
    /// is known to be JSON.
    #[cold]
    #[inline(never)]
    fn mismatch(&mut self, column: &mut Column, start: Cursor<'p>) -> Step {
        self.cursor = start;
        I::skip(self)?;
        if self.on_mismatch == OnMismatch::Error || column.in_key {
            let problem = Problem::Expected { expected: column.expected(), in_key: column.in_key };
            return Err(Broken(Box::new(Fault::new(start.offset(), problem))));
        }
        column.mismatches += 1;
        self.counts.put_aside += 1;
        column.push_null();
        if self.surprise.wanted {
            self.surprise.found = true;
            self.surprise.mismatched.push(start.offset());
        }
        Ok(())
    }

    /// Breaks the pass here.
    #[cold]
    #[inline(never)]
    pub fn malformed<T>(&self, problem: &'static str) -> Step<T> {
        Err(Broken(Box::new(Fault::new(self.cursor.offset(), Problem::Malformed(problem)))))
    }
}

impl Broken {
    /// The same, and it came up within the member of this name.
    #[cold]
    #[inline(never)]
    fn within(mut self, name: Option<&Arc<str>>) -> Self {
        self.0.path.extend(name.cloned());
        self
    }
}
