//! What can be wrong with a name, or with a data file.

use super::near::clause;
use super::notation::NotationError;
use crate::error::Kind;

/// Why the catalogue has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No table has this name.
    #[error("table `{asked}` does not exist{}", clause(near))]
    UnknownTable {
        /// The name asked for, shortened.
        asked: String,
        /// Names like it, best first.
        near: Vec<String>,
    },
    /// The table has no such column.
    #[error("column `{asked}` is not in `{table}`{}", clause(near))]
    UnknownColumn {
        /// The table.
        table: String,
        /// The name asked for, shortened.
        asked: String,
        /// Names like it, best first.
        near: Vec<String>,
    },
    /// A column was asked for twice.
    #[error("column `{column}` of `{table}` is asked for twice")]
    RepeatedColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A list of columns with nothing in it.
    #[error("no column of `{table}` is asked for")]
    NoColumns {
        /// The table.
        table: String,
    },
    /// A data file of the catalogue cannot be used.
    #[error("the catalogue's file of `{table}` cannot be used")]
    Malformed {
        /// The table whose file it is.
        table: String,
        /// What is wrong with it.
        source: Fault,
    },
}

/// What is wrong with a data file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is not TOML, or not of the form of a table.
    #[error("it is not a table's description")]
    Form(#[source] Box<toml::de::Error>),
    /// A column's type cannot be read.
    #[error("the type of column `{column}` cannot be read")]
    Type {
        /// The column.
        column: String,
        /// Why.
        source: NotationError,
    },
    /// The type is one of many of Graph's, so `graph` must say which.
    #[error("column `{0}` needs `graph`")]
    GraphType(String),
    /// Two columns, or two tables, have one name.
    #[error("the name `{0}` stands twice")]
    Repeated(String),
    /// `_extra` is added to every table and cannot be declared.
    #[error("the column `_extra` is declared")]
    Extra,
    /// The key names a column that there is not.
    #[error("the key column `{0}` is not declared")]
    Key(String),
    /// A column that is said to name rows is not declared.
    #[error("the naming column `{0}` is not declared")]
    NamedBy(String),
    /// There is no key.
    #[error("there is no key")]
    NoKey,
    /// A table with a parent has exactly one parent column, its first; another has none.
    #[error("the parent column is missing, not the first, or has no parent")]
    Parent,
    /// `expand` says how a table is read from its parent, so there must be one.
    #[error("`expand` is set without `parent`")]
    Expand,
    /// The parent is not in the catalogue.
    #[error("the parent `{0}` is not in the catalogue")]
    UnknownParent(String),
    /// `{id}` stands in the path of every table that is read once a parent, and of no other.
    #[error("the path `{0}` does not fit how the table is read")]
    Path(String),
    /// A word that is no operator of `$filter`.
    #[error("`{0}` is not an operator of `$filter`")]
    Operator(String),
    /// A column that is said to be filtered is not declared.
    #[error("the filtered column `{0}` is not declared")]
    Filtered(String),
    /// Nobody could ever read it.
    #[error("no permission is named")]
    NoPermission,
}

impl Error {
    /// The reaction that this asks for.
    pub fn kind(&self) -> Kind {
        match self {
            Error::UnknownTable { .. } | Error::UnknownColumn { .. } => Kind::NotFound,
            Error::RepeatedColumn { .. } | Error::NoColumns { .. } => Kind::Invalid,
            Error::Malformed { .. } => Kind::Internal,
        }
    }

    /// One sentence with the next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::UnknownTable { .. } => {
                Some("list the tables with `entra-flight tables`".to_owned())
            }
            Error::UnknownColumn { table, .. } => {
                Some(format!("list the columns with `entra-flight describe {table}`"))
            }
            Error::RepeatedColumn { .. } => Some("name each column once".to_owned()),
            Error::NoColumns { .. } => {
                Some("name at least one column, or leave the list out to get all".to_owned())
            }
            Error::Malformed { .. } => None,
        }
    }
}
