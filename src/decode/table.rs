//! The growing columns of a table.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::catalog::{self, Origin, Type};
use crate::limits::decode as limits;

use super::column::{Column, Values};
use super::cursor::Cursor;
use super::error::Error;
use super::members::Members;
use super::mirror::{self, Mirror};
use super::pass::Step;
use super::rest::Rest;

/// The columns of a table, wherever their values come from.
pub(super) struct Table {
    pub schema: SchemaRef,
    /// What the rows themselves hold.
    pub members: Members,
    /// The parent's key, filled even where no column wants it: it then counts the rows.
    parent: Column,
    /// Where each column of the schema is found.
    sources: Vec<Source>,
    /// The columns of the key: the name of each, and the member it reads, none for the parent's.
    key: Vec<(Arc<str>, Option<Arc<str>>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The next of the members.
    Member,
    Parent,
    Rest,
}

impl Table {
    /// Empty columns; `key` names those that tell the rows apart.
    pub fn new(columns: &[catalog::Column], key: &[Arc<str>]) -> Result<Self, Error> {
        let sources = sources(columns)?;
        let parts = columns.iter().filter_map(|column| match &column.origin {
            Origin::Property(name) => Some((name.clone(), &column.ty)),
            Origin::Parent | Origin::Extra | Origin::Comparison => None,
        });
        let mut members = Members::new(parts.collect())?;
        if sources.contains(&Source::Rest) {
            members.rest = Some(Box::new(Rest::new()?));
        }
        let in_key = columns.iter().filter(|column| key.contains(&column.name));
        let key = in_key.map(|column| match &column.origin {
            Origin::Property(member) => (column.name.clone(), Some(member.clone())),
            _ => (column.name.clone(), None),
        });
        let key: Vec<_> = key.collect();
        for member in key.iter().filter_map(|(_, member)| member.as_ref()) {
            if let Some(place) = members.place(member.as_bytes()) {
                members.column(place).in_key = true;
            }
        }
        let fields = columns.iter().map(|column| column.ty.field(&column.name));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Table { schema, members, parent: Column::new(&Type::Text)?, sources, key })
    }

    /// Ends a row whose members were read.
    #[inline(always)]
    pub fn close_row(&mut self, parent: Option<&str>) {
        if let Some(rest) = &mut self.members.rest {
            rest.close();
        }
        match (&mut self.parent.values, parent) {
            (Values::Text(texts), Some(key)) => {
                texts.bytes.extend_from_slice(key.as_bytes());
                texts.close();
                self.parent.valid.push(true);
            }
            _ => self.parent.push_null(),
        }
    }

    /// At a row that is known to be sound: keeps what its nested values hold beyond their columns.
    /// Returns how many bytes that is at most.
    #[cold]
    #[inline(never)]
    pub fn mirror(&mut self, row: Cursor<'_>, mismatched: &[usize]) -> Step<usize> {
        Mirror::row(row, mismatched, &mut self.members)?;
        Ok(self.members.rest.as_ref().map_or(0, |rest| rest.members.bytes()))
    }

    /// The key of the row that begins at `row`, its columns by name.
    #[cold]
    pub fn key(&self, row: Cursor<'_>, parent: Option<&str>) -> Option<String> {
        let names: Vec<_> = self.key.iter().filter_map(|(_, member)| member.clone()).collect();
        let mut texts = mirror::scalars(row, &names).into_iter();
        let parts = self.key.iter().filter_map(|(column, member)| {
            let text = match member {
                Some(_) => texts.next().flatten()?,
                None => format!("{:?}", catalog::shown(parent?)),
            };
            Some(format!("`{column}` {text}"))
        });
        Some(parts.collect::<Vec<_>>().join(", ")).filter(|key| !key.is_empty())
    }

    /// Takes off whatever is behind the first `rows` rows, also of a row that was begun.
    pub fn cut(&mut self, rows: usize) {
        self.members.cut(rows);
        self.parent.cut(rows);
    }

    /// Whether any value of a column of the schema is null.
    pub fn holds_null(&self, column: usize) -> bool {
        let members = self.sources.iter().take(column).filter(|it| **it == Source::Member).count();
        let column = match self.sources.get(column) {
            Some(Source::Member) => self.members.columns.get(members),
            Some(Source::Parent) => Some(&self.parent),
            Some(Source::Rest) => self.members.rest.as_ref().map(|rest| &rest.column),
            None => None,
        };
        column.is_some_and(|column| !column.valid.all_set())
    }

    /// Bytes of all columns as Arrow buffers.
    pub fn size(&self) -> usize {
        let parent = if self.sources.contains(&Source::Parent) { self.parent.size() } else { 0 };
        self.members.size() + parent
    }

    /// All rows as a batch; none are left.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let parent = self.parent.take()?;
        let rest = self.members.rest.as_mut().map(|rest| rest.column.take()).transpose()?;
        let mut members = self.members.take()?.into_iter();
        let arrays = self.sources.iter().filter_map(|source| match source {
            Source::Member => members.next(),
            Source::Parent => Some(parent.clone()),
            Source::Rest => rest.clone(),
        });
        // A scan may want no column at all, and then only the number of rows tells.
        let options = RecordBatchOptions::new().with_row_count(Some(parent.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays.collect(), &options)
    }

    /// Sets for each column of the schema how many values were of another type.
    pub fn set_mismatches(&mut self, counts: &[u64]) {
        let mut members = self.members.columns.iter_mut();
        for (source, count) in self.sources.iter().zip(counts) {
            if *source == Source::Member
                && let Some(column) = members.next()
            {
                column.set_mismatches(*count);
            }
        }
    }

    /// For each column of the schema, how many values were of another type.
    pub fn mismatches(&self) -> Vec<u64> {
        let mut members = self.members.columns.iter();
        let counts = self.sources.iter().map(|source| match source {
            Source::Member => members.next().map_or(0, Column::mismatches),
            Source::Parent | Source::Rest => 0,
        });
        counts.collect()
    }
}

fn sources(columns: &[catalog::Column]) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        if depth(&column.ty) >= limits::NESTING_MAX {
            return Err(Error::TypeTooDeep(column.name.clone()));
        }
        let (source, right) = match column.origin {
            Origin::Property(_) => (Source::Member, true),
            Origin::Parent => (Source::Parent, column.ty == Type::Text),
            Origin::Extra => (Source::Rest, matches!(column.ty, Type::Text | Type::Json)),
            Origin::Comparison => return Err(Error::NotFromGraph(column.name.clone())),
        };
        if !right {
            return Err(Error::NotText(column.name.clone()));
        }
        let named = columns[..at].iter().any(|other| other.name == column.name);
        if named || (source != Source::Member && sources.contains(&source)) {
            return Err(Error::ColumnTwice(column.name.clone()));
        }
        sources.push(source);
    }
    Ok(sources)
}

/// Brackets that a value of the type opens at most.
fn depth(ty: &Type) -> usize {
    match ty {
        Type::List(item) => 1 + depth(item),
        Type::Struct(parts) => 1 + parts.iter().map(|part| depth(&part.ty)).max().unwrap_or(0),
        _ => 0,
    }
}
