//! A state of a table, found and ready to be read.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::DataType;

use super::{Connection, Error, Known, Of, Part, Version};
use crate::catalog::{Column, Table};
use crate::clock;
use crate::graph::Expected;
use crate::snapshot::{self, Bounds, Snapshot, Which};
use crate::source::{self, Source};

/// A table of which it is settled which state is read, and so who reads it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Who is asked.
    pub connection: Arc<Connection>,
    /// The table; of changes, the table of changes.
    pub table: Arc<Table>,
    state: State,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum State {
    Live,
    Stored(Snapshot),
    Changes { old: Snapshot, new: Snapshot, of: Arc<Table> },
}

impl Opened {
    /// Finds the state of a table. Graph is not asked; the log of a stored table is, where a
    /// stored version may answer. `wanted` are columns without which a stored version that nobody
    /// named does not do.
    ///
    /// # Errors
    ///
    /// A table or version that does not exist, [`Error::NoStore`], and what the store meets.
    pub async fn find(
        connection: Arc<Connection>,
        table: &str,
        of: &Of,
        wanted: &[String],
    ) -> Result<Self, Error> {
        let table = connection.catalog.table(table)?.clone();
        match of {
            Of::Rows(version) => {
                let stored = stored(&connection, &table, version.as_ref(), wanted).await?;
                let state = stored.map_or(State::Live, State::Stored);
                Ok(Opened { connection, table, state, expected: Expected::default() })
            }
            Of::Changes { from, to } => {
                let place = connection.stored(&table)?;
                let (old, new) = pair(&place, *from, *to).await?;
                let changes = Arc::new(table.changes());
                let state = State::Changes { old, new, of: table };
                let expected = Expected::default();
                Ok(Opened { connection, table: changes, state, expected })
            }
        }
    }

    /// A stored version.
    pub fn stored(connection: Arc<Connection>, table: Arc<Table>, version: Snapshot) -> Self {
        let (state, expected) = (State::Stored(version), Expected::default());
        Opened { connection, table, state, expected }
    }

    /// The same, with what the newest stored versions let expect of a live read.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub async fn expecting(self) -> Result<Self, Error> {
        if !self.is_live() || self.connection.store.is_none() {
            return Ok(self);
        }
        let rows = newest_rows(&self.connection, &self.table).await?;
        let parents = match self.table.read.parent() {
            Some(parent) => {
                newest_rows(&self.connection, self.connection.catalog.table(parent)?).await?
            }
            None => None,
        };
        Ok(Opened { expected: Expected { rows, parents }, ..self })
    }

    /// What is expected of a live read.
    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// What is known of the rows before they are read; `None` of a live table.
    pub fn known(&self) -> Option<Known> {
        match &self.state {
            State::Stored(snapshot) => Some(Known {
                version: snapshot.version(),
                rows: snapshot.rows(),
                bytes: snapshot.bytes(),
                parts: snapshot.parts(),
            }),
            State::Live | State::Changes { .. } => None,
        }
    }

    /// The rows of one of the parts of a stored version, or all of it; `None` of other states.
    pub fn rows_of(&self, part: Option<Part>) -> Option<u64> {
        let State::Stored(snapshot) = &self.state else { return None };
        Some(snapshot.rows_of(part.map(|part| part.index)))
    }

    /// `connection/table` and the files of one of the parts of a stored version, or of all of it;
    /// `None` of other states.
    pub fn files_of(&self, part: Option<Part>) -> Option<(String, Vec<String>)> {
        let State::Stored(snapshot) = &self.state else { return None };
        let files = snapshot.files_of(part.map(|part| part.index));
        let files = files.iter().map(|file| file.path.clone());
        Some((snapshot.table().to_owned(), files.collect()))
    }

    /// What a stored version knows of the values of a column, without reading them; of other
    /// states nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Catalog`] for a column that the table has not, and what the store meets.
    pub async fn bounds(&self, column: &str) -> Result<Bounds, Error> {
        let selected = self.table.select(Some(&[column.to_owned()]))?;
        let field = selected.first().map(|column| column.field());
        let of = field.map_or(DataType::Null, |field| field.data_type().clone());
        match &self.state {
            State::Stored(snapshot) => Ok(snapshot.bounds(column, &of).await?),
            State::Live | State::Changes { .. } => Ok(Bounds::unknown(&of)),
        }
    }

    /// Whether Graph is asked.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live)
    }

    /// The columns named; without names, those that the table gives by default and this state has.
    ///
    /// # Errors
    ///
    /// Those of [`Table::select`], and [`Error::NotStored`].
    pub fn select(&self, names: Option<&[String]>) -> Result<Vec<Column>, Error> {
        let mut columns = self.table.select(names)?;
        let State::Stored(snapshot) = &self.state else { return Ok(columns) };
        match names {
            None => columns.retain(|column| snapshot.has(&column.name)),
            Some(_) => {
                if let Some(column) = columns.iter().find(|column| !snapshot.has(&column.name)) {
                    return Err(Error::NotStored {
                        table: self.table.name.to_string(),
                        column: column.name.to_string(),
                        version: snapshot.version(),
                    });
                }
            }
        }
        Ok(columns)
    }

    /// Whether this state has the column.
    pub fn has(&self, column: &str) -> bool {
        match &self.state {
            State::Stored(snapshot) => snapshot.has(column),
            State::Live | State::Changes { .. } => true,
        }
    }

    /// Checks that the rows are divided like this.
    ///
    /// # Errors
    ///
    /// [`Error::NoPart`].
    pub fn check(&self, part: Option<Part>) -> Result<(), Error> {
        let Some(part) = part else { return Ok(()) };
        let parts = self.known().map(|known| known.parts);
        if parts == Some(part.of) && part.index < part.of {
            return Ok(());
        }
        Err(Error::NoPart { table: self.table.name.to_string(), part })
    }

    /// Who answers scans of it; of a stored version, of one of its parts if one is named.
    pub fn source(&self, part: Option<u32>) -> Arc<dyn Source> {
        match &self.state {
            State::Live => Arc::new(self.connection.live.clone()),
            State::Stored(snapshot) => Arc::new(source::Stored::new(snapshot.clone(), part)),
            State::Changes { old, new, of } => {
                Arc::new(source::Changes::new(old.clone(), new.clone(), of.clone()))
            }
        }
    }
}

/// The stored version that answers, or `None` where Graph does.
async fn stored(
    connection: &Connection,
    table: &Table,
    version: Option<&Version>,
    wanted: &[String],
) -> Result<Option<Snapshot>, Error> {
    match version {
        Some(Version::Live) => Ok(None),
        Some(Version::Stored(which)) => Ok(Some(connection.stored(table)?.snapshot(*which).await?)),
        None => {
            let max_age = connection.max_age(&table.name);
            if max_age.is_zero() || connection.store.is_none() {
                return Ok(None);
            }
            let newest = connection.stored(table)?.try_snapshot(Which::Latest).await?;
            let has_all = |snapshot: &Snapshot| wanted.iter().all(|column| snapshot.has(column));
            Ok(newest.filter(|snapshot| age(snapshot) <= max_age && has_all(snapshot)))
        }
    }
}

/// The rows of the newest version of a table; `None` where there is none.
async fn newest_rows(connection: &Connection, table: &Table) -> Result<Option<u64>, Error> {
    let newest = connection.stored(table)?.try_snapshot(Which::Latest).await?;
    Ok(newest.map(|snapshot| snapshot.rows()))
}

/// How long ago the read behind a version began.
fn age(snapshot: &Snapshot) -> Duration {
    let started = u64::try_from(snapshot.record().started.timestamp_millis()).unwrap_or(0);
    clock::unix_now().saturating_sub(Duration::from_millis(started))
}

/// The two versions to compare; without `from`, the newer and the one before it.
pub async fn pair(
    place: &snapshot::Stored,
    from: Option<Which>,
    to: Which,
) -> Result<(Snapshot, Snapshot), Error> {
    let new = place.snapshot(to).await?;
    let old = match from {
        Some(which) => place.snapshot(which).await?,
        None => place.before(&new).await?,
    };
    Ok((old, new))
}
