//! Which rows make a page.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::filter::{self, Expr};
use super::limits;
use super::options::Order;
use super::page_token::Cursor;
use super::population::{Kind, Object, Population, Relation, Value};
use super::reply::Refusal;
use super::scramble::mix;
use super::search::Search;

/// Of so many pages under a filter one is empty although more rows follow, as happens with Graph.
const EMPTY_PAGE_EVERY: u64 = 4;

/// Rows without which a page cannot lose one, repeat one and gain one.
const CHANGING_ROWS_MIN: usize = 3;

/// A list before it is divided.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) population: &'a Population,
    pub(super) source: Source,
    /// Whether the list looks empty to whoever asks.
    pub(super) hidden: bool,
    /// What rows may be; others are passed over.
    pub(super) kinds: Vec<Kind>,
    /// How many of the first places are passed over.
    pub(super) skip: u64,
    /// Bound to each of the kinds.
    pub(super) filters: Vec<(Kind, Expr)>,
    pub(super) search: Option<Search>,
    pub(super) orders: Vec<(Kind, Vec<Order>)>,
    /// Whether rows come, go and move between pages.
    pub(super) changing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    All(Kind),
    Related(Object, Relation),
}

/// The rows of one page, and where the next begins.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    pub(super) next: Option<Cursor>,
}

impl Rows<'_> {
    fn len(&self) -> u64 {
        match self.source {
            _ if self.hidden => 0,
            Source::All(kind) => self.population.ever(kind),
            Source::Related(object, relation) => self.population.related_count(object, relation),
        }
    }

    fn at(&self, place: u64) -> Option<Object> {
        match self.source {
            Source::All(kind) => {
                Some(Object { kind, index: place }).filter(|object| self.population.has(*object))
            }
            Source::Related(object, relation) => self.population.related(object, relation, place),
        }
    }

    fn filtered(&self) -> bool {
        !self.filters.is_empty() || self.search.is_some()
    }

    /// The object at a place, if it belongs into the list.
    fn row(&self, place: u64) -> Result<Option<Object>, Refusal> {
        let Some(object) = self.at(place).filter(|object| self.kinds.contains(&object.kind)) else {
            return Ok(None);
        };
        Ok(self.fits(object)?.then_some(object))
    }

    /// Whether the filter and the search let an object through.
    fn fits(&self, object: Object) -> Result<bool, Refusal> {
        if let Some((_, filter)) = self.filters.iter().find(|(kind, _)| *kind == object.kind)
            && !filter.holds(self.population, object)?
        {
            return Ok(false);
        }
        Ok(self.search.as_ref().is_none_or(|search| search.holds(self.population, object)))
    }

    /// An object that was not there when the list began, if there is soon one that fits.
    fn newcomer(&self, kind: Kind, page: u32) -> Result<Option<Object>, Refusal> {
        let first = self.len() + u64::from(page) * limits::NEWCOMERS_TRIED_MAX;
        for index in first..first + limits::NEWCOMERS_TRIED_MAX {
            let object = Object { kind, index };
            if self.fits(object)? {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    /// How many rows the list has.
    ///
    /// # Errors
    ///
    /// Graph's 400 when the filter cannot be applied.
    pub(super) fn count(&self) -> Result<u64, Refusal> {
        let still = self.population.round() == 0;
        let whole = still && matches!(self.source, Source::All(_)) && !self.filtered();
        if whole {
            return Ok(self.len());
        }
        let mut rows = 0;
        for place in 0..self.len() {
            rows += u64::from(self.row(place)?.is_some());
        }
        Ok(rows)
    }

    /// The page that begins at `cursor`, of at most `most` rows.
    ///
    /// # Errors
    ///
    /// Graph's 400 when the filter cannot be applied.
    pub(super) fn page(&self, cursor: Cursor, most: usize, key: u64) -> Result<Page, Refusal> {
        if let Some(objects) = self.named().filter(|objects| objects.len() <= most) {
            return self.page_of(&objects);
        }
        let rest = cursor.page > 0 && self.filtered() && !cursor.rested;
        if rest && mix(key ^ cursor.position ^ cursor.after).is_multiple_of(EMPTY_PAGE_EVERY) {
            let next = Cursor { page: cursor.page + 1, rested: true, ..cursor };
            return Ok(Page { objects: Vec::new(), next: Some(next) });
        }
        if self.orders.is_empty() {
            self.in_place(cursor, most)
        } else {
            self.in_order(cursor, most)
        }
    }

    /// The objects that a filter names by their ids, when it does and ids go without case.
    fn named(&self) -> Option<Vec<Object>> {
        let Source::All(kind) = self.source else {
            return None;
        };
        if matches!(kind, Kind::OAuth2PermissionGrant | Kind::DirectoryAudit) {
            return None;
        }
        let (_, filter) = self.filters.first()?;
        let mut objects: Vec<Object> = filter
            .ids()?
            .into_iter()
            .filter_map(|id| self.population.find(id))
            .filter(|object| object.kind == kind)
            .collect();
        objects.sort_by_key(|object| object.index);
        objects.dedup();
        Some(objects)
    }

    fn page_of(&self, objects: &[Object]) -> Result<Page, Refusal> {
        let mut kept = Vec::with_capacity(objects.len());
        for object in objects {
            kept.extend(self.row(object.index)?);
        }
        Ok(Page { objects: kept, next: None })
    }

    fn in_place(&self, cursor: Cursor, most: usize) -> Result<Page, Refusal> {
        let length = self.len();
        let mut objects = Vec::with_capacity(most.min(length as usize));
        let mut next = Cursor { page: cursor.page + 1, rested: false, ..cursor };
        next.position = next.position.max(self.skip);
        let changing = self.changing && cursor.page > 0 && most >= CHANGING_ROWS_MIN;
        let mut vanishing = changing;
        let mut room = most;
        if changing {
            room -= 1;
            objects.extend(cursor.after.checked_sub(1).and_then(|place| self.at(place)));
        }
        let end = if self.filtered() { cursor.position + limits::FILTER_SCAN_MAX } else { length };
        while next.position < length.min(end) && objects.len() < room {
            let place = next.position;
            next.position += 1;
            let Some(object) = self.row(place)? else {
                continue;
            };
            if std::mem::take(&mut vanishing) {
                continue;
            }
            objects.push(object);
            next.after = place + 1;
        }
        if changing && let Source::All(kind) = self.source {
            objects.extend(self.newcomer(kind, cursor.page)?);
        }
        Ok(Page { objects, next: (next.position < length).then_some(next) })
    }

    /// Goes through the whole list for each page and keeps the best that come after the last row
    /// served, so that memory stays within a page however long the list is.
    fn in_order(&self, cursor: Cursor, most: usize) -> Result<Page, Refusal> {
        let last = match cursor.after.checked_sub(1) {
            Some(place) => self.at(place).map(|object| self.ranked(place, object)),
            None => None,
        };
        let mut best: BinaryHeap<Ranked> = BinaryHeap::with_capacity(most + 1);
        let mut beyond = false;
        for place in 0..self.len() {
            let Some(object) = self.row(place)? else {
                continue;
            };
            let ranked = self.ranked(place, object);
            if last.as_ref().is_some_and(|last| ranked <= *last) {
                continue;
            }
            if best.len() == most {
                beyond = true;
                if best.peek().is_some_and(|worst| ranked > *worst) {
                    continue;
                }
                best.pop();
            }
            best.push(ranked);
        }
        let best = best.into_sorted_vec();
        let after = best.last().map_or(cursor.after, |ranked| ranked.place + 1);
        let next = Cursor { page: cursor.page + 1, after, rested: false, ..cursor };
        let objects = best.into_iter().map(|ranked| ranked.object).collect();
        Ok(Page { objects, next: beyond.then_some(next) })
    }

    fn ranked(&self, place: u64, object: Object) -> Ranked {
        let orders = self.orders.iter().find(|(kind, _)| *kind == object.kind);
        let value = |order: &Order| {
            let value = match order.path.property {
                Some(property) => self.population.value(object, property),
                None => Value::Null,
            };
            (value, order.descending)
        };
        let values = orders.map_or(Vec::new(), |(_, orders)| orders.iter().map(value).collect());
        Ranked { values, place, object }
    }
}

/// An object among others in order.
#[derive(Debug)]
struct Ranked {
    values: Vec<(Value, bool)>,
    place: u64,
    object: Object,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.values.iter().zip(&other.values);
        let by_values = pairs.map(|((left, descending), (right, _))| {
            let ordering = filter::order(left, right);
            if *descending { ordering.reverse() } else { ordering }
        });
        let first = by_values.into_iter().find(|ordering| ordering.is_ne());
        first.unwrap_or_else(|| self.place.cmp(&other.place))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}
