//! What is asked of a table, before anything is known of it.

/// A read of one table, as its asker put it.
///
/// Nothing in it has been checked: names become a table and columns in
/// [`Engine::plan`](super::Engine::plan).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Request {
    /// Which tenant; may be left out where there is only one.
    pub connection: Option<String>,
    /// Such as `group_members`.
    pub table: String,
    /// The columns in the order wanted; `None` is all that the table gives by default.
    pub columns: Option<Vec<String>>,
    /// At most this many rows; which ones is Graph's choice.
    pub limit: Option<u64>,
}

impl Request {
    /// All rows and columns of `table`.
    pub fn table(table: impl Into<String>) -> Self {
        Request { table: table.into(), ..Request::default() }
    }
}
