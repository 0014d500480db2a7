//! What a row holds and its columns have no room for.

use crate::catalog::Type;

use super::column::{Column, Values};
use super::error::Error;

/// The leftover members of the row being read, and the column of those of all rows.
pub(super) struct Rest {
    pub members: Leftover,
    pub column: Column,
    /// Members left out because a later one of the same object has their name.
    pub duplicates: u64,
}

/// The members of one object that its columns have no room for.
#[derive(Default)]
pub(super) struct Leftover(Vec<Member>);

struct Member {
    /// The name without escapes.
    name: Vec<u8>,
    /// Name in quotes, colon and value; empty for a declared member that has nothing left over.
    text: Vec<u8>,
    declared: Declared,
}

/// Whether a member is one of the columns, of which only a part is left over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Yes,
    No,
}

impl Leftover {
    /// Keeps a member: its name without escapes, then name in quotes and value as they are
    /// written.
    pub fn keep(&mut self, name: &[u8], quoted: &[u8], value: &[u8], declared: Declared) {
        let text = [quoted, b":", value].concat();
        self.0.push(Member { name: name.to_vec(), text, declared });
    }

    /// Of the member of this name, which came again, nothing is left over after all.
    pub fn forget(&mut self, name: &[u8]) {
        let declared = Declared::Yes;
        self.0.push(Member { name: name.to_vec(), text: Vec::new(), declared });
    }

    /// Bytes that [`write`](Self::write) appends at most.
    pub fn bytes(&self) -> usize {
        2 + self.0.iter().map(|member| member.text.len() + 1).sum::<usize>()
    }

    /// Appends one object of the members and forgets them; whether there was one to write.
    ///
    /// The members are ordered by name, so that Graph's order makes no difference; of a name that
    /// came twice the last is kept, and the others are counted.
    pub fn write(&mut self, out: &mut Vec<u8>, duplicates: &mut u64) -> bool {
        self.0.sort_by(|a, b| a.name.cmp(&b.name));
        let mut before = b'{';
        for (at, member) in self.0.iter().enumerate() {
            if self.0.get(at + 1).is_some_and(|next| next.name == member.name) {
                // A declared member that came twice was counted when it was read.
                *duplicates += u64::from(member.declared == Declared::No);
                continue;
            }
            if member.text.is_empty() {
                continue;
            }
            out.push(before);
            out.extend_from_slice(&member.text);
            before = b',';
        }
        self.0.clear();
        let written = before == b',';
        if written {
            out.push(b'}');
        }
        written
    }
}

impl Rest {
    /// No members, no rows.
    pub fn new() -> Result<Self, Error> {
        let column = Column::new(&Type::Json)?;
        Ok(Rest { members: Leftover::default(), column, duplicates: 0 })
    }

    /// Ends the row: one object of its leftover members, or a null where there are none.
    #[inline(always)]
    pub fn close(&mut self) {
        if self.members.0.is_empty() || !self.write() {
            self.column.push_null();
        }
    }

    /// Takes off whatever is behind the first `rows` rows, also of a row that was begun.
    #[cold]
    pub fn cut(&mut self, rows: usize) {
        self.members.0.clear();
        self.column.cut(rows);
    }

    #[inline(never)]
    fn write(&mut self) -> bool {
        let Values::Json(texts) = &mut self.column.values else { return false };
        let written = self.members.write(&mut texts.bytes, &mut self.duplicates);
        if written {
            texts.close();
            self.column.valid.push(true);
        }
        written
    }
}
