//! What a scan will ask, before it asks.

use std::fmt;

use super::Error;
use super::request::Asked;
use crate::catalog::{Scan, Table};

/// The requests that a scan makes, as far as that is known before the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    asked: Asked,
    units: u32,
}

impl Explained {
    pub(super) fn new(asked: Asked, table: &Table) -> Self {
        Explained { asked, units: table.resource_units }
    }

    /// How many requests there are at least; `None` where that depends on another table.
    pub fn requests_min(&self) -> Option<usize> {
        match &self.asked {
            Asked::Listings(listings) => Some(listings.len()),
            Asked::Parents(parents, _) => Some(parents.len()),
            Asked::EachOf(..) => None,
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.units;
        let each = |f: &mut fmt::Formatter<'_>, requests: usize| {
            let units = requests as u64 * u64::from(units);
            write!(f, ", requests>={requests}, resource_units>={units}")
        };
        match &self.asked {
            Asked::Listings(listings) => {
                match listings.first() {
                    Some(first) => write!(f, "GET {first}")?,
                    None => f.write_str("nothing is asked")?,
                }
                if listings.len() > 1 {
                    write!(f, " and {} more", listings.len() - 1)?;
                }
                each(f, listings.len())
            }
            Asked::Parents(parents, listing) => {
                write!(f, "GET {listing} of {} parents", parents.len())?;
                each(f, parents.len())
            }
            Asked::EachOf(parent, listing) => {
                write!(f, "GET {listing} of each row of {parent}, requests>=1 a parent")?;
                write!(f, ", resource_units>={units} a parent")
            }
        }
    }
}

/// What `scan` would ask.
pub(super) fn explain(scan: &Scan, advanced: bool) -> Result<Explained, Error> {
    Ok(Explained::new(Asked::new(scan, advanced)?, &scan.table))
}
