//! A body as a page.

use std::ops::Range;

use super::answer::Answer;
use super::envelope::{self, Check, Envelope};
use super::error::Cause;
use crate::auth::KnownSecrets;
use crate::decode::Padded;

/// A body as a page.
pub(super) fn read_page(
    body: &Padded,
    check: Check,
    known: &KnownSecrets,
) -> Result<Envelope, Cause> {
    read_part(body, 0..body.len(), check, known)
}

/// A part of a body as a page. `known` is what must not come back in an error.
pub(super) fn read_part(
    body: &Padded,
    at: Range<usize>,
    check: Check,
    known: &KnownSecrets,
) -> Result<Envelope, Cause> {
    let start = at.start;
    envelope::split(body, at, check).map_err(|error| {
        // A decoder counts from the beginning of the body.
        let from = if matches!(error, envelope::Error::Rows(_)) { 0 } else { start };
        match Answer::within(body.as_slice(), from + error.at(), known) {
            Some(said) => Cause::ErrorInside(Box::new(said)),
            None => Cause::Envelope(error),
        }
    })
}
