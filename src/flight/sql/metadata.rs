//! What Flight SQL's metadata commands tell.

use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{
    GetCatalogsBuilder, SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfoData,
};
use arrow_flight::sql::{Command, CommandGetDbSchemas, CommandGetTableTypes};

use super::info;
use super::keys::{self, Named};
use super::tables::{self, TABLE, Written};
use crate::flight::Error;
use crate::query::{Engine, SCHEMAS, STORED};

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
pub async fn told(
    engine: &Engine,
    written: &Written,
    command: &Command,
) -> Result<RecordBatch, Error> {
    let made = match command {
        Command::CommandGetCatalogs(_) => catalogs(engine),
        Command::CommandGetDbSchemas(query) => schemas(engine, query),
        Command::CommandGetTables(query) => {
            let wanted = tables::fitting(engine.names(), query).map_err(Error::Metadata)?;
            tables::told(&engine.list(|name| wanted.contains(name)).await?, written, query)
        }
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
    // As in GetTables: tools send an empty text where they choose nothing.
    let chosen = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let query = CommandGetDbSchemas {
        catalog: chosen(&query.catalog),
        db_schema_filter_pattern: chosen(&query.db_schema_filter_pattern),
    };
    let mut builder = query.into_builder();
    for connection in engine.namespace().connections() {
        for schema in SCHEMAS {
            if schema != STORED || connection.store.is_some() {
                builder.append(&*connection.name, schema);
            }
        }
    }
    builder.build().map_err(unflight)
}

async fn keyed(engine: &Engine, command: &Command) -> Result<RecordBatch, Error> {
    let all = engine.list(|name| name.schema != STORED).await?;
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
