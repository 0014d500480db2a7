//! Which rows a scan has given, so that a listing that begins again repeats none.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Seek as _, Write as _};

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray};

use crate::limits::source as limits;

/// The keys of rows given so far, eight bytes each.
///
/// Memory stays the same however many rows there are: beyond [`limits::SEEN_IN_MEMORY`] they go to
/// a temporary file that has no name. They are read back only when a listing begins again, which
/// is rare.
#[derive(Debug, Default)]
pub struct Seen {
    noted: Vec<u64>,
    file: Option<File>,
    /// Why rows could not be noted any more. It matters only if a listing begins again.
    lost: Option<io::Error>,
    rows: u64,
    /// Rows of late.
    recent: Recent,
    /// Set once a listing has begun again.
    known: Option<HashSet<u64>>,
}

/// The keys of the last rows, most of them: each has one place, which the next key of that place
/// takes.
///
/// A directory that changes while it is read can show a row on two pages that follow each other.
#[derive(Debug, Default)]
struct Recent {
    places: Vec<u64>,
}

impl Recent {
    /// Whether a key is not known, which it is from now on.
    fn add(&mut self, row: u64) -> bool {
        if self.places.is_empty() {
            // What stands in a place at first belongs into another.
            self.places = (0..limits::SEEN_RECENT).map(|place| !place).collect();
        }
        let place = (row % limits::SEEN_RECENT) as usize;
        let before = self.places.get_mut(place).map(|known| std::mem::replace(known, row));
        before != Some(row)
    }
}

/// Why rows cannot be noted.
#[derive(Debug)]
pub enum Trouble {
    /// The disk refused.
    Disk(io::Error),
    /// More than [`limits::SEEN_MAX`].
    TooMany,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Disk(error)
    }
}

/// One number for the key of each row.
///
/// Two keys in a tenant of a hundred million rows share a number with a chance of one in four
/// thousand, and that matters only if one of them is read after a listing began again.
pub fn fingerprints(key: &[ArrayRef], rows: usize) -> Vec<u64> {
    let texts: Vec<_> = key.iter().filter_map(|column| column.as_string_opt::<i32>()).collect();
    (0..rows)
        .map(|row| {
            let mut hasher = DefaultHasher::new();
            for text in &texts {
                text.is_valid(row).then(|| text.value(row)).hash(&mut hasher);
            }
            hasher.finish()
        })
        .collect()
}

impl Seen {
    /// Says which rows are new, and notes those that may come again.
    ///
    /// `may_repeat` says so of each row. Without a restart every row is new but one that was there
    /// shortly before.
    pub fn sift(
        &mut self,
        rows: &[u64],
        may_repeat: impl Iterator<Item = bool>,
    ) -> Result<BooleanArray, Trouble> {
        let mut new = Vec::with_capacity(rows.len());
        for (row, may_repeat) in rows.iter().zip(may_repeat) {
            let fresh = match &mut self.known {
                Some(known) if known.len() as u64 > limits::SEEN_MAX => {
                    return Err(Trouble::TooMany);
                }
                Some(known) => known.insert(*row),
                None => !may_repeat || self.recent.add(*row),
            };
            if fresh && may_repeat {
                self.note(*row);
            }
            new.push(fresh);
        }
        Ok(BooleanArray::from(new))
    }

    /// A listing begins again: from now on rows that were noted are known.
    pub fn restart(&mut self) -> Result<(), Trouble> {
        if self.known.is_some() {
            return Ok(());
        }
        if self.rows > limits::SEEN_MAX {
            return Err(Trouble::TooMany);
        }
        if let Some(error) = self.lost.take() {
            return Err(Trouble::Disk(error));
        }
        let mut known: HashSet<u64> = self.noted.iter().copied().collect();
        if let Some(file) = &mut self.file {
            file.rewind()?;
            let mut chunk = Vec::new();
            while io::Read::by_ref(file).take(limits::SEEN_READ_BYTES).read_to_end(&mut chunk)? > 0
            {
                let (numbers, _) = chunk.as_chunks();
                known.extend(numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)));
                chunk.clear();
            }
        }
        self.known = Some(known);
        Ok(())
    }

    fn note(&mut self, row: u64) {
        if self.known.is_some() || self.lost.is_some() {
            return;
        }
        self.rows += 1;
        self.noted.push(row);
        if self.noted.len() >= limits::SEEN_IN_MEMORY {
            if let Err(error) = self.spill() {
                tracing::warn!(%error, "rows cannot be noted; a listing that begins again will fail");
                self.lost = Some(error);
            }
            self.noted.clear();
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        let bytes: Vec<u8> = self.noted.iter().flat_map(|row| row.to_le_bytes()).collect();
        file.write_all(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(seen: &mut Seen, rows: &[u64]) -> Vec<bool> {
        let new = seen.sift(rows, std::iter::repeat(true)).expect("memory");
        (0..new.len()).map(|row| new.value(row)).collect()
    }

    #[test]
    fn a_row_is_known_shortly_after_and_after_a_restart_for_ever() {
        let mut seen = Seen::default();
        assert_eq!(new(&mut seen, &[0, 1, u64::MAX, 1, 0]), [true, true, true, false, false]);
        let others: Vec<u64> = (2..2 + limits::SEEN_RECENT).collect();
        assert!(new(&mut seen, &others).into_iter().all(|new| new));
        assert_eq!(new(&mut seen, &[1]), [true]);
        seen.restart().expect("memory");
        assert_eq!(new(&mut seen, &[1, 2, 3, 99_999]), [false, false, false, true]);
    }
}
