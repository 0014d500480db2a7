//! What the log says of a file's columns, by which engines find rows without opening it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, SecondsFormat, Utc};
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::data_type::ByteArray;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};

use super::object::Object;
use super::read::failed;
use crate::limits::snapshot as limits;
use crate::snapshot::{DataFile, Error};

/// Delta's statistics of one file, gathered from those of its row groups in Parquet.
///
/// Every flat column has them but fractions, of which Parquet leaves out what is no number. A file
/// says all of its columns or only how many rows it has: deltalake takes a column that is left out
/// beside others for one without values, and finds nothing in it.
///
/// <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics>
#[derive(Debug)]
pub struct FileStatistics {
    columns: Vec<ColumnStatistics>,
    /// Whether all that was added could be read.
    complete: bool,
}

#[derive(Debug)]
struct ColumnStatistics {
    name: String,
    of: DataType,
    /// Rows that have a value.
    values: u64,
    /// The least and the greatest, or values beyond them.
    bounds: Option<(Bound, Bound)>,
}

/// One end of the values of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl FileStatistics {
    /// Of a file that has no row group yet.
    pub fn new(schema: &Schema) -> Self {
        let flat = schema.fields().iter().filter(|field| is_flat(field.data_type()));
        let column = |field: &Arc<Field>| ColumnStatistics {
            name: field.name().clone(),
            of: field.data_type().clone(),
            values: 0,
            bounds: None,
        };
        FileStatistics { columns: flat.map(column).collect(), complete: true }
    }

    /// Of a file in the store, as its footer tells.
    ///
    /// # Errors
    ///
    /// [`Error::File`] of a file that cannot be read.
    pub async fn load(
        store: &Arc<dyn ObjectStore>,
        file: &DataFile,
        schema: &Schema,
    ) -> Result<Self, Error> {
        let mut object = Object::new(store, file);
        let options = ArrowReaderOptions::new();
        let metadata = ArrowReaderMetadata::load_async(&mut object, options).await;
        let metadata = metadata.map_err(|source| failed(file, source))?;
        let mut statistics = FileStatistics::new(schema);
        for group in metadata.metadata().row_groups() {
            group.columns().iter().for_each(|chunk| statistics.add(chunk));
        }
        Ok(statistics)
    }

    /// Adds one column of one row group; those that are nested are passed over.
    pub fn add(&mut self, chunk: &ColumnChunkMetaData) {
        let [name] = chunk.column_path().parts() else { return };
        let Some(column) = self.columns.iter_mut().find(|column| column.name == *name) else {
            return;
        };
        self.complete &= chunk.statistics().and_then(|said| column.add(chunk, said)).is_some();
    }

    /// The statistics as the log has them, of a file with so many rows.
    pub fn to_json(&self, rows: u64) -> Value {
        self.all(rows).unwrap_or_else(|| json!({ "numRecords": rows }))
    }

    /// `None` where something cannot be said.
    fn all(&self, rows: u64) -> Option<Value> {
        if !self.complete {
            return None;
        }
        let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
        for ColumnStatistics { name, of, values, bounds } in &self.columns {
            nulls.insert(name.clone(), rows.checked_sub(*values)?.into());
            match bounds {
                Some((min, max)) => {
                    least.insert(name.clone(), min.to_json(of, End::Least)?);
                    greatest.insert(name.clone(), max.to_json(of, End::Greatest)?);
                }
                None if *values == 0 || *of == DataType::Binary => {}
                None => return None,
            }
        }
        Some(json!({
            "numRecords": rows,
            "minValues": least,
            "maxValues": greatest,
            "nullCount": nulls,
        }))
    }
}

impl ColumnStatistics {
    /// `None` if the row group says too little, or nothing that this column can have.
    fn add(&mut self, chunk: &ColumnChunkMetaData, said: &Statistics) -> Option<()> {
        let nulls = said.null_count_opt()?;
        let values = u64::try_from(chunk.num_values()).ok()?.checked_sub(nulls)?;
        self.values += values;
        if values == 0 || self.of == DataType::Binary {
            return Some(());
        }
        let (min, max) = self.bounds_of(said)?;
        self.bounds = Some(match self.bounds.take() {
            Some((least, greatest)) => (least.min(min), greatest.max(max)),
            None => (min, max),
        });
        Some(())
    }

    fn bounds_of(&self, said: &Statistics) -> Option<(Bound, Bound)> {
        let text = |it: &ByteArray| {
            let bytes = Some(it.data()).filter(|bytes| bytes.len() <= limits::LOGGED_TEXT_BYTES)?;
            Some(Bound::Text(std::str::from_utf8(bytes).ok()?.to_owned()))
        };
        let (min, max) = match (said, &self.of) {
            (Statistics::Boolean(said), DataType::Boolean) => {
                (said.min_opt().copied().map(Bound::Flag), said.max_opt().copied().map(Bound::Flag))
            }
            (Statistics::Int32(said), DataType::Int32 | DataType::Date32) => {
                let number = |it: &i32| Bound::Number(i64::from(*it));
                (said.min_opt().map(number), said.max_opt().map(number))
            }
            (Statistics::Int64(said), DataType::Int64 | DataType::Timestamp(..)) => {
                let number = |it: &i64| Bound::Number(*it);
                (said.min_opt().map(number), said.max_opt().map(number))
            }
            (Statistics::ByteArray(said), DataType::Utf8) => {
                (said.min_opt().and_then(text), said.max_opt().and_then(text))
            }
            _ => return None,
        };
        Some((min?, max?))
    }
}

/// Which end of the values a bound is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Least,
    Greatest,
}

impl Bound {
    /// The bound as the log has it; `None` for a time that has no notation there.
    fn to_json(&self, of: &DataType, end: End) -> Option<Value> {
        Some(match (self, of) {
            (Bound::Flag(flag), _) => (*flag).into(),
            (Bound::Text(text), _) => text.as_str().into(),
            (Bound::Number(days), DataType::Date32) => {
                let day = NaiveDate::default();
                let apart = Days::new(days.unsigned_abs());
                let day = if *days < 0 {
                    day.checked_sub_days(apart)
                } else {
                    day.checked_add_days(apart)
                };
                day.filter(|day| written(day.year()))?.to_string().into()
            }
            (Bound::Number(micros), DataType::Timestamp(..)) => timestamp(*micros, end)?.into(),
            (Bound::Number(number), _) => (*number).into(),
        })
    }
}

/// A time in milliseconds, as Delta has them, before or after all that it bounds; in microseconds
/// where the next millisecond is in the year 10000.
fn timestamp(micros: i64, end: End) -> Option<String> {
    let cut = micros.div_euclid(1_000) * 1_000;
    let whole = if end == End::Greatest && cut < micros { cut.saturating_add(1_000) } else { cut };
    let there =
        |micros| DateTime::<Utc>::from_timestamp_micros(micros).filter(|it| written(it.year()));
    let millis = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let exact = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    there(whole).map(millis).or_else(|| there(micros).map(exact))
}

/// Whether the notation has years like this.
fn written(year: i32) -> bool {
    (1..=9999).contains(&year)
}

/// Whether statistics are kept of columns of this type.
fn is_flat(of: &DataType) -> bool {
    is_indexed(of) || matches!(of, DataType::Boolean | DataType::Binary)
}

/// Whether engines may be told to look for a column's bounds: Spark takes no others.
fn is_indexed(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Utf8
            | DataType::Int32
            | DataType::Int64
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
    )
}

/// The columns whose bounds every file of these tells, for `delta.dataSkippingStatsColumns`.
pub fn indexed(schema: &Schema) -> String {
    let indexed = schema.fields().iter().filter(|field| is_indexed(field.data_type()));
    let names: Vec<_> = indexed.map(|field| quoted(field.name())).collect();
    names.join(",")
}

/// The name as a list of columns has it.
fn quoted(name: &str) -> String {
    match name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
        true => name.to_owned(),
        false => format!("`{}`", name.replace('`', "``")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch,
        StringArray, TimestampMicrosecondArray,
    };
    use expect_test::expect;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;
    use serde_json::Value;

    use super::{End, FileStatistics, indexed, timestamp};
    use crate::snapshot::rows::Writer;

    fn batch() -> RecordBatch {
        let last = 253_402_300_799_999_999;
        let times = TimestampMicrosecondArray::from(vec![Some(-1), Some(last), None]);
        let long = format!("{}\u{10ffff}z", "ä".repeat(20));
        let columns: [(_, ArrayRef); 8] = [
            ("id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
            ("long", Arc::new(StringArray::from(vec![Some(long.as_str()), None, Some("ä")]))),
            ("none", Arc::new(StringArray::new_null(3))),
            ("enabled", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ("count", Arc::new(Int32Array::from(vec![Some(-7), Some(7), None]))),
            ("day", Arc::new(Date32Array::from(vec![Some(-719_162), Some(0), None]))),
            ("at", Arc::new(times.with_timezone("UTC"))),
            ("hash", Arc::new(BinaryArray::from(vec![&b"x"[..], b"y", b"z"]))),
        ];
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    async fn written(batch: RecordBatch) -> Value {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let schema = batch.schema();
        let mut writer = Writer::new(store.clone(), "load-x".into(), schema.clone());
        writer.write(Arc::new(batch)).await.expect("room");
        let files = writer.finish("users").await.expect("files");
        let said = files[0].stats.as_deref().expect("statistics");
        let said: Value = serde_json::from_str(said).expect("JSON");
        // What is read back of an older file is what is said of a new one.
        let again = FileStatistics::load(&store, &files[0], &schema).await.expect("a footer");
        assert_eq!(again.to_json(files[0].rows), said);
        said
    }

    #[tokio::test]
    async fn each_flat_column_has_bounds_that_hold_all_of_its_values() {
        let said = written(batch()).await;
        expect![[r#"
            {
              "maxValues": {
                "at": "9999-12-31T23:59:59.999999Z",
                "count": 7,
                "day": "1970-01-01",
                "enabled": true,
                "id": "c",
                "long": "äääääääääääå"
              },
              "minValues": {
                "at": "1969-12-31T23:59:59.999Z",
                "count": -7,
                "day": "0001-01-01",
                "enabled": false,
                "id": "a",
                "long": "ä"
              },
              "nullCount": {
                "at": 1,
                "count": 1,
                "day": 1,
                "enabled": 1,
                "hash": 0,
                "id": 0,
                "long": 1,
                "none": 3
              },
              "numRecords": 3
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&said).expect("JSON"));
        assert_eq!(indexed(&batch().schema()), "id,long,none,count,day,at");
    }

    #[tokio::test]
    async fn a_file_says_all_or_only_how_many_rows_it_has() {
        let day = |day: i32| -> RecordBatch {
            let columns: [(_, ArrayRef); 2] = [
                ("day", Arc::new(Date32Array::from(vec![day]))),
                ("fraction", Arc::new(Float64Array::from(vec![f64::NAN]))),
            ];
            RecordBatch::try_from_iter(columns).expect("a batch")
        };
        let said = written(day(0)).await;
        assert_eq!(said["nullCount"], serde_json::json!({ "day": 0 }));
        // A day of the year 10000.
        assert_eq!(written(day(2_932_897)).await, serde_json::json!({ "numRecords": 1 }));
    }

    #[test]
    fn times_are_rounded_outwards() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"),
            (1, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z"),
        ];
        for (micros, least, greatest) in cases {
            assert_eq!(timestamp(micros, End::Least).as_deref(), Some(least));
            assert_eq!(timestamp(micros, End::Greatest).as_deref(), Some(greatest));
        }
        assert_eq!(timestamp(i64::MAX, End::Greatest), None);
    }
}
