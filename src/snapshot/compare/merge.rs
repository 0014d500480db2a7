//! Two tables in the order of one key, walked side by side. No IO, no clock.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray as _, BinaryArray, RecordBatch, StringArray};

/// What happened to one row, by its positions in the older and in the newer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its key is new.
    Insert(u64),
    /// Its key is gone.
    Delete(u64),
    /// Its key stayed and its values did not.
    Update {
        /// Its position in the older table.
        old: u64,
        /// Its position in the newer.
        new: u64,
        /// What is to be added to its hash in the older to have that in the newer.
        difference: u128,
    },
}

/// What the walk waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The next batch of the older table, or word that there is none.
    Old,
    /// The same of the newer.
    New,
    /// Room: as many changes were found as were asked for.
    Room,
    /// Nothing: both tables are at their end.
    Nothing,
}

/// Where the walk stands in one table.
#[derive(Default)]
pub struct Side {
    keys: Vec<StringArray>,
    hashes: Option<BinaryArray>,
    at: usize,
    rows: usize,
    /// Rows of the batches before.
    before: u64,
    ended: bool,
}

/// A batch that has no text keys and hashes, or rows out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsorted;

impl Side {
    /// Takes the next batch: the columns of the key, all text, and then the hashes.
    ///
    /// # Errors
    ///
    /// [`Unsorted`] if the columns are others, or a key is not greater than the one before.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), Unsorted> {
        let (hashes, keys) = batch.columns().split_last().ok_or(Unsorted)?;
        let keys: Option<Vec<StringArray>> =
            keys.iter().map(|key| key.as_string_opt::<i32>().cloned()).collect();
        let next = Side {
            keys: keys.ok_or(Unsorted)?,
            hashes: Some(hashes.as_binary_opt::<i32>().cloned().ok_or(Unsorted)?),
            at: 0,
            rows: batch.num_rows(),
            before: self.before + self.rows as u64,
            ended: false,
        };
        let rises = |(a, b): (usize, usize)| next.compare(a, &next, b) == Ordering::Less;
        let follows = self.rows == 0
            || next.rows == 0
            || self.compare(self.rows - 1, &next, 0) == Ordering::Less;
        if !follows || !(1..next.rows).map(|row| (row - 1, row)).all(rises) {
            return Err(Unsorted);
        }
        *self = next;
        Ok(())
    }

    /// Notes that there are no more batches.
    pub fn end(&mut self) {
        self.ended = true;
    }

    fn is_empty(&self) -> bool {
        self.at == self.rows
    }

    fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    fn compare(&self, row: usize, other: &Side, other_row: usize) -> Ordering {
        for (mine, theirs) in self.keys.iter().zip(&other.keys) {
            let order = cell(mine, row).cmp(&cell(theirs, other_row));
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    /// The hash of the row it is at; 0 for one that is not of 16 bytes.
    fn hash(&self) -> u128 {
        let bytes = self.hashes.as_ref().map(|hashes| hashes.value(self.at));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u128::from_le_bytes)
    }
}

/// Nulls are smaller than every text.
fn cell(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// Walks on until a batch or room is needed; changes are appended in the order of the key.
///
/// Gives what is needed and how many rows were found unchanged.
pub fn walk(
    old: &mut Side,
    new: &mut Side,
    changes: &mut Vec<Change>,
    changes_max: usize,
) -> (Need, u64) {
    let mut unchanged = 0;
    loop {
        let need = match (old.is_empty(), new.is_empty()) {
            (true, _) if !old.ended => Some(Need::Old),
            (_, true) if !new.ended => Some(Need::New),
            (true, true) => Some(Need::Nothing),
            _ if changes.len() >= changes_max => Some(Need::Room),
            _ => None,
        };
        if let Some(need) = need {
            return (need, unchanged);
        }
        let order = match (old.is_empty(), new.is_empty()) {
            (true, _) => Ordering::Greater,
            (_, true) => Ordering::Less,
            _ => old.compare(old.at, new, new.at),
        };
        match order {
            Ordering::Less => changes.push(Change::Delete(old.position())),
            Ordering::Greater => changes.push(Change::Insert(new.position())),
            Ordering::Equal => match new.hash().wrapping_sub(old.hash()) {
                0 => unchanged += 1,
                difference => changes.push(Change::Update {
                    old: old.position(),
                    new: new.position(),
                    difference,
                }),
            },
        }
        old.at += usize::from(order != Ordering::Greater);
        new.at += usize::from(order != Ordering::Less);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
    use proptest::prelude::*;

    use super::{Change, Need, Side, Unsorted, walk};

    type Table = BTreeMap<(String, String), u8>;

    fn batch(rows: &[(&(String, String), &u8)]) -> RecordBatch {
        let first = StringArray::from_iter_values(rows.iter().map(|(key, _)| &key.0));
        let second = StringArray::from_iter_values(rows.iter().map(|(key, _)| &key.1));
        let hashes = rows.iter().map(|(_, value)| u128::from(**value).to_le_bytes());
        let columns: [(_, ArrayRef); 3] = [
            ("a", Arc::new(first)),
            ("b", Arc::new(second)),
            ("hash", Arc::new(BinaryArray::from_iter_values(hashes))),
        ];
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    fn batches(table: &Table, rows: usize) -> std::vec::IntoIter<RecordBatch> {
        let all: Vec<_> = table.iter().collect();
        all.chunks(rows).map(batch).collect::<Vec<_>>().into_iter()
    }

    fn feed(side: &mut Side, batches: &mut impl Iterator<Item = RecordBatch>) {
        match batches.next() {
            Some(batch) => side.push(&batch).expect("in order"),
            None => side.end(),
        }
    }

    fn table() -> impl Strategy<Value = Table> {
        prop::collection::btree_map(("[ab]{0,2}", "[ab]{0,2}"), 0_u8..3, 0..30)
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_a_naive_comparison_finds(
            old in table(),
            new in table(),
            sizes in (1_usize..8, 1_usize..8, 1_usize..5),
        ) {
            let (mut older, mut newer) = (batches(&old, sizes.0), batches(&new, sizes.1));
            let (mut a, mut b) = (Side::default(), Side::default());
            let (mut found, mut unchanged) = (Vec::new(), 0);
            loop {
                let mut changes = Vec::new();
                let (need, same) = walk(&mut a, &mut b, &mut changes, sizes.2);
                unchanged += same;
                found.append(&mut changes);
                match need {
                    Need::Old => feed(&mut a, &mut older),
                    Need::New => feed(&mut b, &mut newer),
                    Need::Room => {}
                    Need::Nothing => break,
                }
            }
            let at = |table: &Table, key| table.keys().position(|it| it == key).expect("a key") as u64;
            let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
            let mut expected = Vec::new();
            let mut same = 0;
            for key in keys {
                match (old.get(key), new.get(key)) {
                    (Some(_), None) => expected.push(Change::Delete(at(&old, key))),
                    (None, _) => expected.push(Change::Insert(at(&new, key))),
                    (before, after) if before == after => same += 1,
                    (Some(before), Some(after)) => expected.push(Change::Update {
                        old: at(&old, key),
                        new: at(&new, key),
                        difference: u128::from(*after).wrapping_sub(u128::from(*before)),
                    }),
                }
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(unchanged, same);
        }
    }

    #[test]
    fn rows_out_of_order_are_noticed() {
        let key = |text: &str| (text.to_owned(), String::new());
        let (a, b) = (key("a"), key("b"));
        for rows in [[(&b, &1), (&a, &1)], [(&a, &1), (&a, &2)]] {
            assert_eq!(Side::default().push(&batch(&rows)), Err(Unsorted));
        }
        let mut side = Side::default();
        assert_eq!(side.push(&batch(&[(&b, &1)])), Ok(()));
        assert_eq!(side.push(&batch(&[(&a, &1)])), Err(Unsorted));
    }
}
