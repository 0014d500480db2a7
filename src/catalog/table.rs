//! One table: what it is called, where Graph keeps it, and what it holds.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::Deserialize;

use super::near;
use super::{Column, Error, Operator};

/// A Graph resource or relationship as a table.
#[derive(Clone, Debug)]
pub struct Table {
    /// snake_case, such as `group_members`.
    pub name: Arc<str>,
    /// One sentence.
    pub description: Arc<str>,
    /// Below the API version's root, such as `/groups/{id}/members`; `{id}` is a parent's key. Of a
    /// table read by [`Read::Expand`] it is the parent's listing.
    pub path: Arc<str>,
    /// Which of Graph's two versions is read.
    pub version: Version,
    /// How its rows are come by.
    pub read: Read,
    /// The columns that together tell one row from every other.
    pub key: Vec<Arc<str>>,
    /// The columns that name a row to people, the best first; a row is called by the first that it
    /// fills.
    pub named_by: Vec<Arc<str>>,
    /// `$top` to ask for; `None` where the endpoint takes none.
    pub page_rows: Option<u32>,
    /// Whether `$top` may bound the whole answer and not a page: such a table is never asked for
    /// fewer rows than a full page has.
    pub top_may_limit: bool,
    /// Whether it takes `$select`; where it does not, it sends all it has.
    pub takes_select: bool,
    /// Whether Graph says how many rows it has, from an index that lags behind.
    ///
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub counted: bool,
    /// What reading it counts against.
    pub family: Family,
    /// Resource units of one request as we send it: with `$select` where it is taken, and with the
    /// `$expand` of [`Read::Expand`]. One for a family that counts requests.
    pub resource_units: u32,
    /// Application permissions, any one of which is enough; the least privileged first.
    pub permissions: Vec<Arc<str>>,
    /// The licence it needs beyond Entra ID Free, such as `Entra ID P1 or P2`.
    pub licence: Option<Licence>,
    /// The further permission without which Graph leaves rows out and does not say so, such as members
    /// of groups that hide them.
    pub hidden_without: Option<Arc<str>>,
    /// In the order of the schema.
    pub columns: Vec<Column>,
    /// The Arrow schema of all columns, with the metadata of table and fields.
    pub schema: SchemaRef,
}

/// Graph's API versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Version {
    /// `/v1.0`.
    #[serde(rename = "v1.0")]
    V1,
    /// `/beta`, where v1.0 leaves rows out.
    #[serde(rename = "beta")]
    Beta,
}

/// How the rows of a table are come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// One listing, page after page.
    Collection,
    /// One listing for each row of the table `parent`, whose `id` takes the place of `{id}` in the
    /// path and becomes the [`Origin::Parent`](super::Origin::Parent) column.
    FanOut {
        /// The table whose rows are the parents.
        parent: Arc<str>,
    },
    /// One listing of `parent`'s collection with `$expand=navigation`; each parent whose
    /// `navigation` is set gives one row.
    Expand {
        /// The table whose listing is read.
        parent: Arc<str>,
        /// The navigation property, such as `manager`.
        navigation: Arc<str>,
    },
}

/// Graph's throttling families.
///
/// <https://learn.microsoft.com/graph/throttling-limits>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Identity and access: a bucket of resource units.
    Directory,
    /// Identity and access reports: 5 requests in 10 s for one application and tenant.
    Reports,
    /// Identity protection and conditional access: 1 request a second for the whole tenant.
    Protection,
}

/// A licence that a table needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Licence {
    /// Entra ID P1 or P2.
    P1,
    /// Entra ID P2.
    P2,
}

impl Table {
    /// The column of exactly this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// The columns named, in that order; without names, all but those that are
    /// [`on_request`](Column::on_request), in the order of the schema.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownColumn`] with the nearest names, [`Error::RepeatedColumn`], and
    /// [`Error::NoColumns`] for an empty list.
    pub fn select(&self, names: Option<&[String]>) -> Result<Vec<Column>, Error> {
        let Some(names) = names else {
            return Ok(self.columns.iter().filter(|column| !column.on_request).cloned().collect());
        };
        if names.is_empty() {
            return Err(Error::NoColumns { table: self.name.to_string() });
        }
        let mut columns: Vec<Column> = Vec::new();
        for name in names {
            let column = self.column(name).ok_or_else(|| self.unknown(name))?;
            if columns.iter().any(|before| before.name == column.name) {
                return Err(Error::RepeatedColumn {
                    table: self.name.to_string(),
                    column: column.name.to_string(),
                });
            }
            columns.push(column.clone());
        }
        Ok(columns)
    }

    /// Whether Graph can be asked for rows of its listing by their `id`.
    pub fn read_by_id(&self) -> bool {
        self.column("id").is_some_and(|id| id.filters.basic.has(Operator::In))
    }

    fn unknown(&self, asked: &str) -> Error {
        Error::UnknownColumn {
            table: self.name.to_string(),
            asked: near::shown(asked),
            near: near::nearest(asked, self.columns.iter().map(|column| &*column.name)),
        }
    }
}

impl Read {
    /// The table that this one is read from, if any.
    pub fn parent(&self) -> Option<&str> {
        match self {
            Read::Collection => None,
            Read::FanOut { parent } | Read::Expand { parent, .. } => Some(parent),
        }
    }
}

impl fmt::Display for Version {
    /// As in a URL: `v1.0` or `beta`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1 => "v1.0",
            Version::Beta => "beta",
        })
    }
}

impl fmt::Display for Licence {
    /// As Microsoft names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Licence::P1 => "Entra ID P1 or P2",
            Licence::P2 => "Entra ID P2",
        })
    }
}
