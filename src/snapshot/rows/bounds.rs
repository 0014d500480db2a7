//! What files say of a column without a look at its values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array, new_null_array};
use arrow::compute::{SortOptions, cast, concat, sort};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::object::Object;
use super::read::{Files, failed};
use crate::limits::snapshot as limits;
use crate::snapshot::{DataFile, Error};

/// What is known of the values of a column. It may be wide of the mark, and never misses a value.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// One value of the column's type: none is less. Null where that is not known, or there are no
    /// values.
    pub least: ArrayRef,
    /// One value of the column's type: none is greater. Null as `least`.
    pub greatest: ArrayRef,
    /// Whether a row may have a value.
    pub may_have_values: bool,
    /// Whether a row may have none.
    pub may_have_nulls: bool,
}

impl Bounds {
    /// Nothing is known.
    pub fn unknown(of: &DataType) -> Self {
        let null = new_null_array(of, 1);
        Bounds { least: null.clone(), greatest: null, may_have_values: true, may_have_nulls: true }
    }

    /// No row.
    fn none(of: &DataType) -> Self {
        Bounds { may_have_values: false, may_have_nulls: false, ..Bounds::unknown(of) }
    }

    /// Of the rows of both.
    fn and(self, other: Bounds) -> Result<Self, ArrowError> {
        let least = || farther([&self, &other], |it| &it.least, false);
        let greatest = || farther([&self, &other], |it| &it.greatest, true);
        Ok(Bounds {
            least: least()?,
            greatest: greatest()?,
            may_have_values: self.may_have_values || other.may_have_values,
            may_have_nulls: self.may_have_nulls || other.may_have_nulls,
        })
    }
}

/// The least or greatest bound of those that have values; null if one of those is not known.
fn farther(
    both: [&Bounds; 2],
    bound: fn(&Bounds) -> &ArrayRef,
    descending: bool,
) -> Result<ArrayRef, ArrowError> {
    let known: Vec<_> = both.iter().filter(|it| it.may_have_values).map(|it| bound(it)).collect();
    let of = bound(both[0]).data_type();
    if known.is_empty() || known.iter().any(|bound| bound.is_null(0)) {
        return Ok(new_null_array(of, 1));
    }
    let all: Vec<&dyn Array> = known.iter().map(|bound| bound.as_ref()).collect();
    let options = SortOptions { descending, nulls_first: false };
    Ok(sort(&concat(&all)?, Some(options))?.slice(0, 1))
}

impl Files {
    /// What the files say of a column that is announced with the type `of`.
    ///
    /// Files that have no such column have nulls in it. Of lists, structs and fractions nothing is
    /// known: their statistics leave out what lies deeper, and values that are no numbers.
    ///
    /// # Errors
    ///
    /// [`Error::File`] of a file that cannot be read.
    pub async fn bounds(&self, column: &str, of: &DataType) -> Result<Bounds, Error> {
        if of.is_nested() || of.is_floating() {
            return Ok(Bounds::unknown(of));
        }
        let each = stream::iter(self.list().to_vec())
            .map(|file| bounds(self.store().clone(), file, column.to_owned(), of.clone()))
            .buffer_unordered(limits::FOOTERS_AT_ONCE);
        each.try_fold(Bounds::none(of), |all, one| async move {
            all.and(one).map_err(|source| Error::Shape { action: "compare bounds of", source })
        })
        .await
    }
}

/// What one file says.
async fn bounds(
    store: Arc<dyn ObjectStore>,
    file: DataFile,
    column: String,
    of: DataType,
) -> Result<Bounds, Error> {
    let mut object = Object::new(&store, &file);
    let metadata = ArrowReaderMetadata::load_async(&mut object, ArrowReaderOptions::new()).await;
    let metadata = metadata.map_err(|source| failed(&file, source))?;
    let Ok(field) = metadata.schema().field_with_name(&column) else {
        return Ok(Bounds { may_have_nulls: file.rows > 0, ..Bounds::none(&of) });
    };
    // Of texts that are numbers now the least need not be the least number.
    let stored = field.data_type();
    if *stored != of && !(stored.is_integer() && of.is_integer()) {
        return Ok(Bounds::unknown(&of));
    }
    // A file whose statistics cannot be read says nothing; the rows will tell what is wrong.
    Ok(told(&metadata, &column, &of).unwrap_or_else(|_| Bounds::unknown(&of)))
}

/// What the row groups of a file say.
fn told(metadata: &ArrowReaderMetadata, column: &str, of: &DataType) -> Result<Bounds, ArrowError> {
    let groups = metadata.metadata().row_groups();
    let told = StatisticsConverter::try_new(column, metadata.schema(), metadata.parquet_schema())?;
    let least = cast(&told.row_group_mins(groups)?, of)?;
    let greatest = cast(&told.row_group_maxes(groups)?, of)?;
    let nulls: UInt64Array = told.row_group_null_counts(groups)?;
    groups.iter().enumerate().try_fold(Bounds::none(of), |all, (at, group)| {
        let rows = u64::try_from(group.num_rows()).unwrap_or(u64::MAX);
        let nulls = nulls.is_valid(at).then(|| nulls.value(at));
        all.and(Bounds {
            least: least.slice(at, 1),
            greatest: greatest.slice(at, 1),
            may_have_values: nulls.is_none_or(|nulls| nulls < rows),
            may_have_nulls: nulls.is_none_or(|nulls| nulls > 0),
        })
    })
}
