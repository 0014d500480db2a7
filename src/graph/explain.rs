//! What a scan will ask, before it asks.

use std::fmt;

use super::request::Asked;
use crate::catalog::{Catalog, Scan};

/// How many rows there are, as far as somebody has counted them before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Of the table itself, whatever filter is asked for.
    pub rows: Option<u64>,
    /// Of the table for each of whose rows it is read.
    pub parents: Option<u64>,
}

/// The requests that a scan makes, as far as that is known before the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    asked: Asked,
    requests: Requests,
    /// What each takes.
    units: u32,
    /// A condition that is not said because Graph refused it.
    refused: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Requests {
    AtLeast(u64),
    About(u64),
    /// What a filter leaves is not known, only what there is without it.
    UpToAbout(u64),
    /// One for each parent; how many of those there are is not known.
    EachAtLeastOne,
}

/// What `scan` would ask, of a tenant that is as large as `expected`.
pub(super) fn explain(
    scan: &Scan,
    catalog: &Catalog,
    asked: Asked,
    refused: Option<String>,
    expected: Expected,
) -> Explained {
    let requests = match &asked {
        Asked::Listings(listings) => match (&**listings, expected.rows) {
            ([listing], Some(rows)) => {
                let rows = scan.limit.map_or(rows, |limit| rows.min(limit));
                match pages(rows, listing.page_rows) {
                    Some(pages) if listing.is_filtered() => Requests::UpToAbout(pages),
                    Some(pages) => Requests::About(pages),
                    None => Requests::AtLeast(1),
                }
            }
            _ => Requests::AtLeast(listings.len() as u64),
        },
        Asked::Parents(parents, _) => Requests::AtLeast(parents.len() as u64),
        Asked::EachOf(parent, listing) => {
            let page_rows = catalog.table(parent).ok().and_then(|parent| parent.page_rows);
            let more = expected.rows.zip(listing.page_rows);
            let more = more.map_or(0, |(rows, page_rows)| rows / u64::from(page_rows.max(1)));
            // A limit stops reading somewhere among the parents.
            match expected.parents.filter(|_| scan.limit.is_none()) {
                Some(parents) => {
                    Requests::About(pages(parents, page_rows).unwrap_or(1) + parents + more)
                }
                None => Requests::EachAtLeastOne,
            }
        }
    };
    Explained { asked, requests, units: scan.table.resource_units, refused }
}

/// How many pages these rows take, at least 1.
fn pages(rows: u64, page_rows: Option<u32>) -> Option<u64> {
    Some(rows.div_ceil(u64::from(page_rows?.max(1))).max(1))
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.asked {
            Asked::Listings(listings) => {
                match listings.first() {
                    Some(first) => write!(f, "GET {first}")?,
                    None => f.write_str("nothing is asked")?,
                }
                if listings.len() > 1 {
                    write!(f, " and {} more", listings.len() - 1)?;
                }
            }
            Asked::Parents(parents, listing) => {
                write!(f, "GET {listing} of {} parents", parents.len())?;
            }
            Asked::EachOf(parent, listing) => write!(f, "GET {listing} of each row of {parent}")?,
        }
        if let Some(filter) = &self.refused {
            write!(f, ", without $filter={filter}, which Graph refuses")?;
        }
        let units = u64::from(self.units);
        match self.requests {
            Requests::AtLeast(least) => {
                write!(f, ", requests>={least}, resource_units>={}", least * units)
            }
            Requests::About(about) => {
                write!(f, ", requests~{about}, resource_units~{}", about * units)
            }
            Requests::UpToAbout(most) => {
                write!(f, ", requests=1..~{most}, resource_units={units}..~{}", most * units)
            }
            Requests::EachAtLeastOne => {
                write!(f, ", requests>=1 a parent, resource_units>={units} a parent")
            }
        }
    }
}
