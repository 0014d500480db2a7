//! What Flight SQL's metadata commands tell.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{BooleanArray, RecordBatch, StringArray};
use arrow::compute::kernels::comparison::like;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{
    GetCatalogsBuilder, SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfoData,
};
use arrow_flight::sql::{Command, CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};

use super::info;
use super::keys::{self, Named};
use crate::flight::Error;
use crate::query::{Engine, Listed, SCHEMAS, STORED, Stored};

/// The only kind of table there is.
const TABLE: &str = "TABLE";

/// What Flight SQL's field metadata begin with.
const FIELD: &str = "ARROW:FLIGHT:SQL:";

static SQL_INFO: LazyLock<Result<SqlInfoData, FlightError>> = LazyLock::new(info::sql_info);

static TYPES: LazyLock<Result<XdbcTypeInfoData, FlightError>> = LazyLock::new(info::xdbc_type_info);

/// The schema of the answer to a metadata command.
///
/// # Errors
///
/// [`Error::NotServed`] for a command that is none.
pub fn schema(command: &Command) -> Result<SchemaRef, Error> {
    Ok(match command {
        Command::CommandGetCatalogs(_) => GetCatalogsBuilder::new().schema(),
        Command::CommandGetDbSchemas(query) => query.clone().into_builder().schema(),
        Command::CommandGetTables(query) => query.clone().into_builder().schema(),
        Command::CommandGetTableTypes(query) => query.into_builder().schema(),
        Command::CommandGetSqlInfo(_) => Arc::new(SqlInfoDataBuilder::schema().clone()),
        Command::CommandGetXdbcTypeInfo(query) => query.into_builder(types()?).schema(),
        Command::CommandGetPrimaryKeys(_) => keys::primary_schema(),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => keys::foreign_schema(),
        other => return Err(crate::flight::wanted::refused(other)),
    })
}

/// The answer to a metadata command.
///
/// # Errors
///
/// Patterns that cannot be used, what the store meets, and as [`schema`].
pub async fn told(engine: &Engine, command: &Command) -> Result<RecordBatch, Error> {
    let made = match command {
        Command::CommandGetCatalogs(_) => catalogs(engine),
        Command::CommandGetDbSchemas(query) => schemas(engine, query),
        Command::CommandGetTables(query) => tables(engine, query).await?,
        Command::CommandGetTableTypes(_) => {
            let mut builder = CommandGetTableTypes::default().into_builder();
            builder.append(TABLE);
            builder.build().map_err(unflight)
        }
        Command::CommandGetSqlInfo(query) => {
            let infos = SQL_INFO.as_ref().map_err(same)?;
            query.clone().into_builder(infos).build().map_err(unflight)
        }
        Command::CommandGetXdbcTypeInfo(query) => {
            query.into_builder(types()?).build().map_err(unflight)
        }
        other => return keyed(engine, other).await,
    };
    made.map_err(Error::Metadata)
}

fn types() -> Result<&'static XdbcTypeInfoData, Error> {
    TYPES.as_ref().map_err(same)
}

fn same(error: &FlightError) -> Error {
    Error::Metadata(ArrowError::InvalidArgumentError(error.to_string()))
}

fn unflight(error: FlightError) -> ArrowError {
    match error {
        FlightError::Arrow(error) => error,
        other => ArrowError::ExternalError(Box::new(other)),
    }
}

fn catalogs(engine: &Engine) -> Result<RecordBatch, ArrowError> {
    let mut builder = GetCatalogsBuilder::new();
    for connection in engine.namespace().connections() {
        builder.append(&*connection.name);
    }
    builder.build().map_err(unflight)
}

fn schemas(engine: &Engine, query: &CommandGetDbSchemas) -> Result<RecordBatch, ArrowError> {
    let mut builder = query.clone().into_builder();
    for connection in engine.namespace().connections() {
        for schema in SCHEMAS {
            if schema != STORED || connection.store.is_some() {
                builder.append(&*connection.name, schema);
            }
        }
    }
    builder.build().map_err(unflight)
}

async fn tables(
    engine: &Engine,
    query: &CommandGetTables,
) -> Result<Result<RecordBatch, ArrowError>, Error> {
    let all = engine.list(Stored::LookedUp).await?;
    let wanted = fitting(&all, query).map_err(Error::Metadata)?;
    // Schemas are written only of what is asked for: clients ask for one table after another.
    let mut builder = CommandGetTables {
        include_schema: query.include_schema,
        table_types: query.table_types.clone(),
        ..CommandGetTables::default()
    }
    .into_builder();
    for listed in wanted {
        let schema = if query.include_schema { described(listed) } else { Schema::empty() };
        let appended =
            builder.append(&*listed.catalog, listed.schema, &*listed.name, TABLE, &schema);
        appended.map_err(|error| Error::Metadata(unflight(error)))?;
    }
    Ok(builder.build().map_err(unflight))
}

/// The tables whose names fit; an absent catalog is any.
fn fitting<'a>(all: &'a [Listed], query: &CommandGetTables) -> Result<Vec<&'a Listed>, ArrowError> {
    let column =
        |name: fn(&'a Listed) -> &'a str| StringArray::from_iter_values(all.iter().map(name));
    let mut fits = BooleanArray::from(vec![true; all.len()]);
    let patterns = [
        (&query.db_schema_filter_pattern, column(|listed| listed.schema)),
        (&query.table_name_filter_pattern, column(|listed| &listed.name)),
    ];
    for (pattern, names) in patterns {
        let Some(pattern) = pattern.as_deref().filter(|pattern| !pattern.is_empty()) else {
            continue;
        };
        let these = like(&names, &StringArray::new_scalar(pattern))?;
        fits = arrow::compute::and(&fits, &these)?;
    }
    let catalog = query.catalog.as_deref().filter(|catalog| !catalog.is_empty());
    let rows = all.iter().zip(fits.iter()).filter(|(listed, fits)| {
        *fits == Some(true) && catalog.is_none_or(|catalog| catalog == &*listed.catalog)
    });
    Ok(rows.map(|(listed, _)| listed).collect())
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

async fn keyed(engine: &Engine, command: &Command) -> Result<RecordBatch, Error> {
    let all = engine.list(Stored::LeftOut).await?;
    let named = |catalog: &Option<String>, schema: &Option<String>, table: &str| Named {
        catalog: catalog.clone(),
        schema: schema.clone(),
        table: table.to_owned(),
    };
    let made = match command {
        Command::CommandGetPrimaryKeys(of) => {
            keys::primary(&all, &named(&of.catalog, &of.db_schema, &of.table))
        }
        Command::CommandGetExportedKeys(of) => {
            keys::foreign(&all, Some(&named(&of.catalog, &of.db_schema, &of.table)), None)
        }
        Command::CommandGetImportedKeys(of) => {
            keys::foreign(&all, None, Some(&named(&of.catalog, &of.db_schema, &of.table)))
        }
        Command::CommandGetCrossReference(of) => {
            let parent = named(&of.pk_catalog, &of.pk_db_schema, &of.pk_table);
            let child = named(&of.fk_catalog, &of.fk_db_schema, &of.fk_table);
            keys::foreign(&all, Some(&parent), Some(&child))
        }
        other => return Err(crate::flight::wanted::refused(other)),
    };
    made.map_err(Error::Metadata)
}
