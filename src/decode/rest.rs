//! What a row holds and its table does not declare.

use crate::catalog::Type;

use super::column::{Column, Values};
use super::error::Error;

/// The undeclared members of the row being read, and the column of those of all rows.
pub(super) struct Rest {
    members: Vec<Member>,
    pub column: Column,
}

struct Member {
    /// The name without escapes.
    name: Vec<u8>,
    /// Name in quotes, colon and value, as Graph sent them.
    text: Vec<u8>,
}

impl Rest {
    /// No members, no rows.
    pub fn new() -> Result<Self, Error> {
        Ok(Rest { members: Vec::new(), column: Column::new(&Type::Json)? })
    }

    /// Keeps a member of the row being read: its name without escapes, then name in quotes and
    /// value as they stand in the page.
    pub fn keep(&mut self, name: &[u8], quoted: &[u8], value: &[u8]) {
        let text = [quoted, b":", value].concat();
        self.members.push(Member { name: name.to_vec(), text });
    }

    /// Ends the row: one object of its undeclared members, or a null where there are none.
    ///
    /// The members are ordered by name, so that Graph's order makes no difference; of a name that
    /// came twice the last is kept.
    #[inline(always)]
    pub fn close(&mut self) {
        if self.members.is_empty() {
            self.column.push_null();
        } else {
            self.write();
        }
    }

    /// Takes off whatever is behind the first `rows` rows, also of a row that was begun.
    #[cold]
    pub fn cut(&mut self, rows: usize) {
        self.members.clear();
        self.column.cut(rows);
    }

    #[inline(never)]
    fn write(&mut self) {
        let Values::Json(texts) = &mut self.column.values else { return };
        self.members.sort_by(|a, b| a.name.cmp(&b.name));
        let mut before = b'{';
        for (at, member) in self.members.iter().enumerate() {
            if self.members.get(at + 1).is_some_and(|next| next.name == member.name) {
                continue;
            }
            texts.bytes.push(before);
            texts.bytes.extend_from_slice(&member.text);
            before = b',';
        }
        texts.bytes.push(b'}');
        texts.close();
        self.column.valid.push(true);
        self.members.clear();
    }
}
