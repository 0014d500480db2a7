//! What Flight SQL's GetTables tells.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::kernels::comparison::like;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::CommandGetTables;
use arrow_flight::{IpcMessage, SchemaAsIpc};
use bytes::Bytes;

use super::info;
use crate::query::{Listed, Name};

/// The only kind of table there is.
pub const TABLE: &str = "TABLE";

/// What Flight SQL's field metadata begin with.
const FIELD: &str = "ARROW:FLIGHT:SQL:";

/// The schemas of tables as GetTables gives them, each written once for as long as its columns stay
/// the same: clients ask for all of them at every sign-in. It holds one entry a table.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Mutex<HashMap<Name, Entry>>>);

#[derive(Debug)]
struct Entry {
    columns: SchemaRef,
    message: Bytes,
}

impl Written {
    /// The schema of a table as a message of Arrow's IPC.
    fn of(&self, listed: &Listed) -> Result<Bytes, ArrowError> {
        let name = listed.named();
        if let Some(entry) = self.locked().get(&name)
            && entry.columns == listed.columns
        {
            return Ok(entry.message.clone());
        }
        let options = IpcWriteOptions::default();
        let IpcMessage(message) = SchemaAsIpc::new(&described(listed), &options).try_into()?;
        let entry = Entry { columns: listed.columns.clone(), message: message.clone() };
        self.locked().insert(name, entry);
        Ok(message)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Name, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer that these tables are, in their order.
///
/// # Errors
///
/// None that a caller could cause.
pub fn told(
    all: &[Listed],
    written: &Written,
    query: &CommandGetTables,
) -> Result<RecordBatch, ArrowError> {
    let texts = |of: fn(&Listed) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(all.iter().map(of)))
    };
    let mut columns = vec![
        texts(|listed| &listed.catalog),
        texts(|listed| listed.schema),
        texts(|listed| &listed.name),
        texts(|_| TABLE),
    ];
    if query.include_schema {
        let messages = all.iter().map(|listed| written.of(listed));
        let messages: Vec<_> = messages.collect::<Result<_, _>>()?;
        columns.push(Arc::new(BinaryArray::from_iter_values(messages)));
    }
    RecordBatch::try_new(query.clone().into_builder().schema(), columns)
}

/// The names that a client asked for; an absent catalog is any.
///
/// # Errors
///
/// Patterns that cannot be used.
pub fn fitting(names: Vec<Name>, query: &CommandGetTables) -> Result<BTreeSet<Name>, ArrowError> {
    let column = |of: fn(&Name) -> &str| StringArray::from_iter_values(names.iter().map(of));
    let mut fits = BooleanArray::from(vec![true; names.len()]);
    let patterns = [
        (&query.db_schema_filter_pattern, column(|name| name.schema)),
        (&query.table_name_filter_pattern, column(|name| &name.name)),
    ];
    for (pattern, names) in patterns {
        let Some(pattern) = pattern.as_deref().filter(|pattern| !pattern.is_empty()) else {
            continue;
        };
        let these = like(&names, &StringArray::new_scalar(pattern))?;
        fits = arrow::compute::and(&fits, &these)?;
    }
    let catalog = query.catalog.as_deref().filter(|catalog| !catalog.is_empty());
    let types = &query.table_types;
    let tables = types.is_empty() || types.iter().any(|asked| asked == TABLE);
    let fitting = names.into_iter().zip(fits.iter()).filter(|(name, fits)| {
        let here = catalog.is_none_or(|catalog| catalog == &*name.catalog);
        tables && here && *fits == Some(true)
    });
    Ok(fitting.map(|(name, _)| name).collect())
}

/// The columns of a table with what clients show of them.
fn described(listed: &Listed) -> Schema {
    let fields = listed.columns.fields().iter().map(|field| {
        let mut about: HashMap<String, String> = field.metadata().clone();
        let remarks = about.get("entra.description").cloned();
        let mut put =
            |key: &str, value: &str| about.insert(format!("{FIELD}{key}"), value.to_owned());
        put("CATALOG_NAME", &listed.catalog);
        put("SCHEMA_NAME", listed.schema);
        put("TABLE_NAME", &listed.name);
        put("TYPE_NAME", info::type_name(field.data_type()));
        put("IS_AUTO_INCREMENT", "0");
        put("IS_CASE_SENSITIVE", "1");
        put("IS_READ_ONLY", "1");
        put("IS_SEARCHABLE", "1");
        if let Some(remarks) = remarks {
            put("REMARKS", &remarks);
        }
        Field::clone(field).with_metadata(about)
    });
    let metadata = listed.columns.metadata().clone();
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata)
}
