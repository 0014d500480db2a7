//! Where the rows of a page end, without reading them out.

use crate::limits::decode as limits;

use super::OnMismatch;
use super::cursor::Cursor;
use super::decoder::valid_up_to;
use super::error::Error;
use super::isa::{Instructions, Isa};
use super::padded::Padded;
use super::pass::{Broken, Pass, Step};
use super::portable::Portable;

/// The list of rows in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Just behind the closing `]`.
    pub end: usize,
    /// How many rows there are.
    pub rows: u64,
}

impl Extent {
    /// Steps over the rows whose `[` stands at `at`, which are checked to be objects of JSON as
    /// strictly as those that are decoded.
    ///
    /// An object that begins with a member `error` is none of Graph's rows: it is what a server
    /// writes that fails when it has begun to answer.
    ///
    /// # Errors
    ///
    /// [`Kind::Corrupt`](crate::error::Kind::Corrupt), as of
    /// [`Decoder::push`](super::Decoder::push).
    pub fn of(page: &Padded, at: usize) -> Result<Self, Error> {
        let cursor = Cursor::new(page, at).ok_or(Error::NoRows(at))?;
        if !page.is_utf8() {
            return Err(Error::NotUtf8(valid_up_to(page)));
        }
        match Instructions::detect() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(avx2) => measured(avx2, cursor),
            Instructions::Portable => measured(Portable, cursor),
        }
    }
}

fn measured<I: Isa>(isa: I, cursor: Cursor<'_>) -> Result<Extent, Error> {
    let mut pass = Pass::new(isa, cursor, OnMismatch::Extra);
    pass.cursor.space();
    if !pass.cursor.eat::<b'['>() {
        return Err(Error::NoRows(pass.cursor.offset()));
    }
    pass.cursor.space();
    let mut rows = 0;
    let mut more = !pass.cursor.eat::<b']'>();
    while more {
        more = row(&mut pass).map_err(|Broken(fault)| fault.at_row(rows, || None))?;
        rows += 1;
        if rows > limits::PAGE_ROWS_MAX {
            return Err(Error::TooManyRows);
        }
    }
    Ok(Extent { end: pass.cursor.offset(), rows })
}

/// At a row: moves to the next one; whether there is one.
#[inline(always)]
fn row<I: Isa>(pass: &mut Pass<'_, I>) -> Step<bool> {
    let mut inside = pass.cursor;
    if !inside.eat::<b'{'>() {
        return pass.malformed("a row has to be an object");
    }
    inside.space();
    if inside.window().starts_with(b"\"error\"") {
        return pass.malformed("an error stands in its place");
    }
    I::skip(pass)?;
    pass.next_row()
}
