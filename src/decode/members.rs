//! The members of an object: a row, or a struct within one.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Fields;
use arrow::error::ArrowError;

use crate::catalog::Type;
use crate::limits::decode as limits;

use super::column::Column;
use super::error::Error;
use super::rest::Rest;
use super::token::Token;

/// The declared members of an object, a column each, and in which order they tend to come.
///
/// Graph writes the members of all objects of a listing in one order. So each member remembers
/// which one followed it last time: that key is compared first, with one look at the page, and
/// the way by name is taken only where it differs.
///
/// Invariants: `tokens` and `followers` have one entry more than `columns`, for the place that
/// stands before the first member and that no token matches; no follower is beyond that place.
/// Between objects all columns have `len` values.
pub(super) struct Members {
    tokens: Vec<Token>,
    followers: Vec<Place>,
    pub columns: Vec<Column>,
    names: Vec<Arc<str>>,
    /// The places, ordered by name, for the way by name.
    by_name: Vec<Place>,
    pub fields: Fields,
    len: usize,
    /// Where goes what is not declared; only a row has it, for all that is nested in it too.
    pub rest: Option<Box<Rest>>,
}

/// Which of the members of one [`Members`]; the number of members for none of them.
///
/// Only `Members` makes places, and only of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u16);

impl Members {
    /// Columns for these members, none of which may have the name of another.
    pub fn new(parts: Vec<(Arc<str>, &Type)>) -> Result<Self, Error> {
        if parts.len() > limits::MEMBERS_MAX {
            return Err(Error::TooManyMembers(parts.len()));
        }
        let names: Vec<_> = parts.iter().map(|(name, _)| name.clone()).collect();
        let count = parts.len() as u16;
        let mut by_name: Vec<_> = (0..count).collect();
        by_name.sort_by_key(|at| &names[usize::from(*at)]);
        let twice =
            by_name.windows(2).find(|two| names[usize::from(two[0])] == names[usize::from(two[1])]);
        if let Some(two) = twice {
            return Err(Error::MemberTwice(names[usize::from(two[0])].clone()));
        }
        let never = std::iter::once_with(Token::never);
        let tokens = names.iter().map(|name| Token::new(name)).chain(never).collect();
        let columns = parts.iter().map(|(_, ty)| Column::new(ty)).collect::<Result<_, _>>()?;
        // At first each is followed by the next, the last by none, and none by the first.
        let followers = (1..=count).map(Place).chain([Place(0)]).collect();
        let fields = parts.iter().map(|(name, ty)| ty.field(name)).collect();
        let by_name = by_name.into_iter().map(Place).collect();
        Ok(Members { tokens, followers, columns, names, by_name, fields, len: 0, rest: None })
    }

    /// How many objects there are so far.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The place before the first member.
    #[inline(always)]
    pub fn start(&self) -> Place {
        Place(self.columns.len() as u16)
    }

    /// The place whose member came behind that of `last`, last time; and its token.
    #[inline(always)]
    pub fn follower(&self, last: Place) -> (Place, &Token) {
        debug_assert!(last <= self.start());
        // SAFETY: a place is at most the number of columns, and both vectors have one entry more.
        unsafe {
            let follower = *self.followers.get_unchecked(usize::from(last.0));
            (follower, self.tokens.get_unchecked(usize::from(follower.0)))
        }
    }

    /// The column of a place whose token matched, or that was found by name.
    #[inline(always)]
    pub fn column(&mut self, place: Place) -> &mut Column {
        debug_assert!(place < self.start());
        // SAFETY: the token behind the last column matches nothing and has no name, so the place
        // that matched is one of a column.
        unsafe { self.columns.get_unchecked_mut(usize::from(place.0)) }
    }

    /// The name of a member.
    pub fn name(&self, place: Place) -> Option<&Arc<str>> {
        self.names.get(usize::from(place.0))
    }

    /// The member of this name, which from now on is expected behind `last`.
    pub fn find(&mut self, last: Place, name: &[u8]) -> Option<Place> {
        let place = self.place(name)?;
        self.followers[usize::from(last.0)] = place;
        Some(place)
    }

    /// The member of this name.
    pub fn place(&self, name: &[u8]) -> Option<Place> {
        let names = &self.names;
        let found = self
            .by_name
            .binary_search_by(|place| names[usize::from(place.0)].as_bytes().cmp(name))
            .ok()?;
        self.by_name.get(found).copied()
    }

    /// The column of a member.
    pub fn get(&self, place: Place) -> Option<&Column> {
        self.columns.get(usize::from(place.0))
    }

    /// Ends an object of which `missing` members have no value yet.
    #[inline(always)]
    pub fn close(&mut self, missing: usize) {
        if missing != 0 {
            self.fill();
        }
        self.len += 1;
    }

    #[inline(never)]
    fn fill(&mut self) {
        let len = self.len;
        self.columns
            .iter_mut()
            .filter(|column| column.valid.len() == len)
            .for_each(Column::push_null);
    }

    /// Appends an object whose members are all null, because it is null itself.
    pub fn push_nulls(&mut self) {
        self.columns.iter_mut().for_each(Column::push_null);
        self.len += 1;
    }

    /// Takes the last object off.
    pub fn pop(&mut self) {
        self.columns.iter_mut().for_each(Column::pop);
        self.len = self.len.saturating_sub(1);
    }

    /// Takes off whatever is behind the first `len` objects, also of one that was begun.
    #[cold]
    pub fn cut(&mut self, len: usize) {
        self.columns.iter_mut().for_each(|column| column.cut(len));
        if let Some(rest) = &mut self.rest {
            rest.cut(len);
        }
        self.len = len;
    }

    /// Bytes the columns take as Arrow buffers.
    pub fn size(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.column.size());
        self.columns.iter().map(Column::size).sum::<usize>() + rest
    }

    /// All columns as arrays; no values are left. What is undeclared is not among them.
    pub fn take(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.len = 0;
        self.columns.iter_mut().map(Column::take).collect()
    }
}
