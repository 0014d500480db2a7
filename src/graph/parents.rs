//! The keys of the rows that a fan-out goes through.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use futures::StreamExt;

use super::error::{Cause, Error};
use super::pages::{Failure, Page, Pages};
use crate::catalog::{Column, Table};
use crate::decode::{self, Decoder};
use crate::limits::graph as limits;

/// The parents, a page of them at a time, each once.
pub(super) struct Parents {
    /// Where others come from; `None` once there are none.
    rest: Option<Listed>,
    /// Those whose turn has not come.
    pub waiting: VecDeque<Arc<str>>,
}

/// The listing of a table's ids.
struct Listed {
    table: Arc<Table>,
    pages: Pages,
    decoder: Decoder,
    seen: Seen,
}

/// The parents that were there before. A directory that changes between two pages can give a
/// parent twice, and a listing begun again gives all of them twice.
///
/// An id is nearly always a GUID and kept whole, in 16 bytes; of others two hashes make as many.
#[derive(Default)]
struct Seen {
    ids: HashSet<u128>,
    first: RandomState,
    second: RandomState,
}

impl Parents {
    /// These and no others, each once.
    pub fn given(ids: Vec<Arc<str>>) -> Self {
        Parents { rest: None, waiting: ids.into() }
    }

    /// `pages` are those of `table` with nothing but the `id` column.
    pub fn listed(table: Arc<Table>, id: &Column, pages: Pages) -> Result<Self, Cause> {
        let settings = decode::Settings::default();
        let decoder = Decoder::new(std::slice::from_ref(id), settings)
            .map_err(|source| Cause::ParentKeys { table: table.name.clone(), source })?;
        let listed = Listed { table, pages, decoder, seen: Seen::default() };
        Ok(Parents { rest: Some(listed), waiting: VecDeque::new() })
    }

    /// Whether there are no others.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_none() && self.waiting.is_empty()
    }

    /// Whether the next page of them is to be fetched.
    pub fn are_wanted(&self) -> bool {
        self.rest.is_some() && self.waiting.is_empty()
    }

    /// Fetches the next page of them. May be dropped and called again.
    pub async fn more(&mut self) -> Result<(), Failure> {
        let Some(listed) = &mut self.rest else { return Ok(()) };
        match listed.pages.next().await {
            Some(page) => listed.take(&page.map_err(Failure::Whole)?, &mut self.waiting),
            None => {
                self.rest = None;
                Ok(())
            }
        }
    }
}

impl Listed {
    fn take(&mut self, page: &Page, waiting: &mut VecDeque<Arc<str>>) -> Result<(), Failure> {
        let wrong = |cause| Failure::Whole(Error::page(&self.table, page.number, cause));
        let unreadable =
            |source| wrong(Cause::ParentKeys { table: self.table.name.clone(), source });
        let mut batches = Vec::new();
        let before = self.decoder.rows();
        let end =
            self.decoder.push(&page.body, page.rows_at, None, &mut batches).map_err(unreadable)?;
        let closed = page.close(end, self.decoder.rows() - before);
        closed.map_err(|flaw| Failure::Whole(page.flawed(flaw)))?;
        batches.extend(self.decoder.flush().map_err(unreadable)?);
        for id in batches.iter().flat_map(ids) {
            let name = || self.table.name.clone();
            let Some(id) = id else { return Err(wrong(Cause::NoParentKey { table: name() })) };
            match self.seen.add(id, limits::FAN_OUT_PARENTS_MAX) {
                Some(true) => waiting.push_back(id.into()),
                Some(false) => {}
                None => {
                    let parents_max = limits::FAN_OUT_PARENTS_MAX;
                    return Err(wrong(Cause::TooManyParents { table: name(), parents_max }));
                }
            }
        }
        Ok(())
    }
}

/// The only column, which is text.
fn ids(batch: &RecordBatch) -> impl Iterator<Item = Option<&str>> {
    let column = batch.columns().first().and_then(|column| column.as_string_opt::<i32>());
    column
        .into_iter()
        .flat_map(|ids| (0..ids.len()).map(|row| ids.is_valid(row).then(|| ids.value(row))))
}

impl Seen {
    /// Whether it was not there before; `None` if it is one more than `max`.
    fn add(&mut self, id: &str, max: usize) -> Option<bool> {
        let id = match uuid::Uuid::try_parse(id) {
            Ok(guid) => guid.as_u128(),
            Err(_) => {
                u128::from(self.first.hash_one(id)) << 64 | u128::from(self.second.hash_one(id))
            }
        };
        let known = self.ids.contains(&id);
        if !known && self.ids.len() >= max {
            return None;
        }
        Some(self.ids.insert(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parent_is_new_once_and_there_is_an_end_of_them() {
        let mut seen = Seen::default();
        let guid = "00000000-0000-4000-8000-000000000001";
        let added = [guid, "a key", guid, "a key", "another", guid].map(|id| seen.add(id, 2));
        let expected = [Some(true), Some(true), Some(false), Some(false), None, Some(false)];
        assert_eq!(added, expected);
    }
}
