//! Versions that are no longer wanted.

use uuid::Uuid;

use super::{Error, now};
use crate::catalog::Table;
use crate::error::Report;
use crate::query::Connection;
use crate::snapshot::{self, Expired, Keep, Stored, Turn};

/// Removes the versions of `table` that `keep` does not keep.
///
/// # Errors
///
/// [`snapshot::Error::NotStored`] if there are none, [`snapshot::Error::UnderWay`] while it is
/// loaded, and what the store meets.
pub async fn expire(connection: &Connection, table: &Table, keep: &Keep) -> Result<Expired, Error> {
    let place = connection.stored(table)?;
    if place.versions().await?.is_empty() {
        return Err(snapshot::Error::NotStored { table: place.name().to_owned() }.into());
    }
    let turn = place.begin(&Uuid::now_v7().to_string()).await?;
    Ok(place.expire(&turn, keep, now()).await?)
}

/// What the settings want done after each load. Its failure is not the load's.
pub(super) async fn after_load(connection: &Connection, place: &Stored, turn: &Turn) {
    let Some(keep) = &connection.keep else { return };
    match place.expire(turn, keep, now()).await {
        Ok(expired) if expired.versions.is_empty() => {}
        Ok(Expired { versions, files, bytes, .. }) => {
            tracing::info!(table = place.name(), ?versions, files, bytes, "expired");
        }
        Err(error) => {
            let error = Report::new(&error, error.hint());
            tracing::warn!(table = place.name(), %error, "nothing was expired");
        }
    }
}
