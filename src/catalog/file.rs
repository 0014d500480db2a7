//! The form of a data file, and the way from it to a [`Table`].
//!
//! ```toml
//! description = "Who is in which group"
//! path = "/groups/{id}/members"
//! version = "beta"                  # "v1.0" unless said
//! parent = "groups"                 # a fan-out; with `expand = "manager"`, an expansion
//! key = ["group_id", "id"]
//! named_by = ["displayName"]        # what people call a row: the first that it has
//! page_rows = 999                   # no `$top` unless said
//! top_may_limit = true              # where `$top` may bound all rows, not a page
//! select = false                    # where `$select` is not taken
//! counted = true                    # where `/$count` is answered
//! family = "directory"              # "reports", "protection"
//! resource_units = 2
//! permissions = ["GroupMember.Read.All"]
//! licence = "P1"
//! hidden_without = "Member.Read.Hidden"   # where Graph leaves rows out without it
//! columns = [
//!   { name = "group_id", from = "{id}", type = "text" },
//!   { name = "id", type = "text", description = "The member" },
//!   { name = "odata_type", from = "@odata.type", type = "text" },
//!   { name = "skuId", type = "text", graph = "Edm.Guid" },
//! ]
//! [filter]                          # what basic queries may say of properties
//! "eq, in" = ["id", "skuId"]
//! [advanced_filter]                 # what only advanced ones may
//! "endsWith" = ["mail"]
//! ```
//! `type` is in the notation of [`Type`], and `graph` is Graph's own type where the first does not
//! tell it. `unordered` says that Graph does not keep the order of a list's elements. `from` is the JSON member when it is not the name; `{id}` there is the parent's key.
//! `_extra` is not declared: every table gets it at its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use serde::Deserialize;

use super::schema::schema;
use super::{
    Column, Family, Fault, Filters, Licence, Operators, Origin, Read, Table, Type, Version,
};

/// What stands for the parent's key, in a path and as a column's `from`.
const PARENT_KEY: &str = "{id}";

/// What a row is called where its table does not say.
const USUAL_NAMES: [&str; 2] = ["displayName", "userPrincipalName"];

/// The name of the last column of every table.
const EXTRA: &str = "_extra";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: Arc<str>,
    path: Arc<str>,
    #[serde(default = "v1")]
    version: Version,
    parent: Option<Arc<str>>,
    expand: Option<Arc<str>>,
    key: Vec<Arc<str>>,
    named_by: Option<Vec<Arc<str>>>,
    page_rows: Option<u32>,
    #[serde(default)]
    top_may_limit: bool,
    #[serde(default = "yes")]
    select: bool,
    #[serde(default)]
    counted: bool,
    family: Family,
    resource_units: u32,
    permissions: Vec<Arc<str>>,
    licence: Option<Licence>,
    hidden_without: Option<Arc<str>>,
    columns: Vec<Entry>,
    #[serde(default)]
    filter: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    advanced_filter: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Arc<str>,
    from: Option<Arc<str>>,
    #[serde(rename = "type")]
    ty: String,
    graph: Option<Arc<str>>,
    description: Option<Arc<str>>,
    permission: Option<Arc<str>>,
    #[serde(default)]
    on_request: bool,
    #[serde(default)]
    unordered: bool,
}

fn v1() -> Version {
    Version::V1
}

fn yes() -> bool {
    true
}

/// Reads the data file `text` of the table `name`.
pub(super) fn parse(name: &str, text: &str) -> Result<Table, Fault> {
    let file: File = toml::from_str(text).map_err(|error| Fault::Form(Box::new(error)))?;
    let mut columns = Vec::with_capacity(file.columns.len() + 1);
    for entry in file.columns {
        columns.push(column(entry)?);
    }
    filters(&mut columns, file.filter, |filters| &mut filters.basic)?;
    filters(&mut columns, file.advanced_filter, |filters| &mut filters.advanced)?;
    let unordered = columns.iter().any(|column| column.unordered);
    columns.push(extra(unordered));
    let mut table = Table {
        name: name.into(),
        description: file.description,
        path: file.path,
        version: file.version,
        read: read(file.parent, file.expand)?,
        key: file.key,
        named_by: file.named_by.unwrap_or_default(),
        page_rows: file.page_rows,
        top_may_limit: file.top_may_limit,
        takes_select: file.select,
        counted: file.counted,
        family: file.family,
        resource_units: file.resource_units,
        permissions: file.permissions,
        licence: file.licence,
        hidden_without: file.hidden_without,
        columns,
        schema: Arc::new(Schema::empty()),
    };
    check(&table)?;
    if table.named_by.is_empty() {
        let usual = USUAL_NAMES.iter().filter(|name| table.column(name).is_some());
        table.named_by = usual.map(|name| (*name).into()).collect();
    }
    table.schema = schema(&table);
    Ok(table)
}

/// Notes what Graph can be asked of which columns.
fn filters(
    columns: &mut [Column],
    declared: BTreeMap<String, Vec<String>>,
    which: impl Fn(&mut Filters) -> &mut Operators,
) -> Result<(), Fault> {
    for (operators, names) in declared {
        let operators = Operators::parse(&operators).map_err(Fault::Operator)?;
        for name in names {
            let column = columns.iter_mut().find(|column| *column.name == *name);
            let column = column.ok_or(Fault::Filtered(name))?;
            *which(&mut column.filters) = operators;
        }
    }
    Ok(())
}

fn column(entry: Entry) -> Result<Column, Fault> {
    let ty = match entry.ty.parse::<Type>() {
        Ok(ty) => ty,
        Err(source) => return Err(Fault::Type { column: entry.name.to_string(), source }),
    };
    let graph_type = match entry.graph {
        Some(graph) => graph,
        None => {
            usual_graph_type(&ty).ok_or_else(|| Fault::GraphType(entry.name.to_string()))?.into()
        }
    };
    let origin = match entry.from {
        Some(from) if &*from == PARENT_KEY => Origin::Parent,
        Some(from) => Origin::Property(from),
        None => Origin::Property(entry.name.clone()),
    };
    Ok(Column {
        name: entry.name,
        origin,
        ty,
        graph_type,
        description: entry.description,
        permission: entry.permission,
        on_request: entry.on_request,
        unordered: entry.unordered,
        filters: Filters::default(),
    })
}

/// Graph's type that nearly every column of this type has.
fn usual_graph_type(ty: &Type) -> Option<String> {
    let name = match ty {
        Type::Text => "Edm.String",
        Type::Boolean => "Edm.Boolean",
        Type::Int32 => "Edm.Int32",
        Type::Int64 => "Edm.Int64",
        Type::Float64 => "Edm.Double",
        Type::Timestamp => "Edm.DateTimeOffset",
        Type::Date => "Edm.Date",
        Type::Time => "Edm.TimeOfDay",
        Type::Binary => "Edm.Binary",
        Type::List(item) => return Some(format!("Collection({})", usual_graph_type(item)?)),
        Type::Json | Type::Struct(_) => return None,
    };
    Some(name.to_owned())
}

/// The column of what is undeclared. Lists in it mirror those of the other columns, so that where the
/// order of one of them is not kept, that of its lists is not either.
fn extra(unordered: bool) -> Column {
    Column {
        name: EXTRA.into(),
        origin: Origin::Extra,
        ty: Type::Json,
        graph_type: "Edm.Untyped".into(),
        description: Some("Whatever else Graph sent, as JSON; null when there is nothing".into()),
        permission: None,
        on_request: false,
        unordered,
        filters: Filters::default(),
    }
}

fn read(parent: Option<Arc<str>>, expand: Option<Arc<str>>) -> Result<Read, Fault> {
    match (parent, expand) {
        (None, None) => Ok(Read::Collection),
        (Some(parent), None) => Ok(Read::FanOut { parent }),
        (Some(parent), Some(navigation)) => Ok(Read::Expand { parent, navigation }),
        (None, Some(_)) => Err(Fault::Expand),
    }
}

fn check(table: &Table) -> Result<(), Fault> {
    for (at, column) in table.columns.iter().enumerate() {
        if column.origin != Origin::Extra && &*column.name == EXTRA {
            return Err(Fault::Extra);
        }
        if table.columns.iter().take(at).any(|before| before.name == column.name) {
            return Err(Fault::Repeated(column.name.to_string()));
        }
        let parent_here = at == 0 && table.read != Read::Collection;
        if parent_here != (column.origin == Origin::Parent) {
            return Err(Fault::Parent);
        }
    }
    if table.key.is_empty() {
        return Err(Fault::NoKey);
    }
    if let Some(name) = table.key.iter().find(|name| table.column(name).is_none()) {
        return Err(Fault::Key(name.to_string()));
    }
    if let Some(name) = table.named_by.iter().find(|name| table.column(name).is_none()) {
        return Err(Fault::NamedBy(name.to_string()));
    }
    let fans_out = matches!(table.read, Read::FanOut { .. });
    if !table.path.starts_with('/')
        || table.path.matches(PARENT_KEY).count() != usize::from(fans_out)
    {
        return Err(Fault::Path(table.path.to_string()));
    }
    if table.permissions.is_empty() {
        return Err(Fault::NoPermission);
    }
    Ok(())
}
