//! JSON rows in, Arrow batches out.
//!
//! One pass over the bytes of a page, directed by the columns of the table: a value is read where
//! it stands and appended to the buffers of its column, which become Arrow arrays without a copy.
//! There is no tree in between. The layer does no IO, reads no clock and knows nothing of OData's
//! envelope: [`Decoder::push`] is told where the list of rows begins and says where it ended.
//!
//! What carries the speed: the order of keys is predicted, so that a key costs one comparison
//! with a whole block of the page; strings are copied a block at a time while the same registers
//! look for their end; UTF-8 is validated once a page; zero bytes behind the page take the place
//! of bounds checks. The pass is compiled twice, with AVX2 and for any processor, and the choice
//! is made when a decoder is made.
//!
//! What the values of each type may look like:
//!
//! | type | JSON |
//! |---|---|
//! | `Text` | a string; half a surrogate pair becomes U+FFFD |
//! | `Boolean` | `true`, `false` |
//! | `Int32` | a number without fraction and exponent, within 32 bits |
//! | `Int64` | the same within 64 bits, or a string of an optional minus and digits |
//! | `Float64` | a number, rounded correctly, if it is finite; `"INF"`, `"-INF"`, `"NaN"` |
//! | `Timestamp` | `YYYY-MM-DDTHH:MM[:SS[.f…]]` and `Z` or `±HH:MM`, years 0001 to 9999; digits beyond microseconds are cut |
//! | `Date` | `YYYY-MM-DD`, years 0001 to 9999 |
//! | `Time` | `HH:MM[:SS[.f…]]` |
//! | `Binary` | base64 of either alphabet, padded or not |
//! | `Json` | anything; kept as sent, white space included |
//! | `List`, `Struct` | a list, an object |
//!
//! `null` is null for each of them. Anything else is a mismatch, for which [`OnMismatch`] is the
//! rule; what is not JSON at all is an error always.
//!
//! A row that holds more than its columns is read a second time, slowly, for what it holds nested
//! (`mirror`); undeclared members of the row itself are kept on the way.
//!
//! All `unsafe` of the program is here, and rests on three invariants, written down where they
//! are kept: of `Cursor`, of the places of `Members`, and of `Texts`.

#![expect(unsafe_code, reason = "the measured gain of the pass pays for it; see above")]

mod array;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod binary;
mod bits;
mod calendar;
mod column;
mod cursor;
mod decoder;
mod error;
mod extent;
mod fault;
mod isa;
mod members;
mod mirror;
mod number;
mod padded;
mod pass;
mod portable;
mod rest;
mod skip;
mod string;
mod table;
mod texts;
mod token;

use std::str::FromStr;
use std::sync::Arc;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
pub use decoder::Decoder;
pub use error::Error;
pub use extent::Extent;
pub use isa::Instructions;
pub use padded::Padded;
pub use pass::Counts;

/// How a decoder cuts rows into batches, and what it does with values of another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rows of a batch, at most.
    pub batch_rows_max: usize,
    /// Bytes of a batch's Arrow buffers: it ends at the first multiple of 32 rows that has
    /// reached them.
    pub batch_bytes_max: usize,
    /// Rows of the first batch, at most. Each batch after it may have four times the rows of the
    /// one before, up to `batch_rows_max`, so that the first rows leave early.
    pub first_batch_rows: usize,
    /// The rule for values that are not of their column's type.
    pub on_mismatch: OnMismatch,
    /// The names of the columns that tell rows apart: errors show them, and a value of another type
    /// in one of them is an error always.
    pub key: Vec<Arc<str>>,
}

impl Default for Settings {
    /// 8,192 rows and 1 MiB, well below the 4 MiB that Flight clients take in a message and small
    /// enough for a processor's cache; 256 rows first; fail on a mismatch.
    fn default() -> Self {
        Settings {
            batch_rows_max: 8_192,
            batch_bytes_max: 1 << 20,
            first_batch_rows: 256,
            on_mismatch: OnMismatch::Error,
            key: Vec::new(),
        }
    }
}

/// What becomes of a value that is JSON but not of its column's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMismatch {
    /// The scan fails with [`Error::Mismatch`].
    #[default]
    Error,
    /// It stands in the extra column, and the cell is null and counted: [`Decoder::counts`].
    Extra,
}

impl FromStr for OnMismatch {
    type Err = OnMismatchError;

    fn from_str(text: &str) -> Result<Self, OnMismatchError> {
        match text {
            "error" => Ok(OnMismatch::Error),
            "extra" => Ok(OnMismatch::Extra),
            _ => Err(OnMismatchError),
        }
    }
}

/// A word that names no rule for values of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are `error` and `extra`")]
pub struct OnMismatchError;
