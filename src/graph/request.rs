//! The first URL of a listing.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use http::Uri;
use url::Url;

use super::{Error, filter};
use crate::catalog::{Column, Filter, Origin, Read, Scan, Table, Version};
use crate::limits::graph as limits;

/// The version that [`Settings::base_url`](super::Settings::base_url) names.
const V1: &str = "/v1.0";

/// Bytes of a percent-encoded key, for the bound of a URL: three GUIDs and a little.
const KEY_BYTES: usize = 128;

/// The roots of Graph's two versions, and whose links may be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    v1: String,
    beta: String,
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Roots {
    /// From the address of version 1.0; beta is its sibling.
    ///
    /// # Errors
    ///
    /// [`Error::BaseUrl`] if it is not `http` or `https`, has no host, carries a password, or does
    /// not end in `/v1.0`.
    pub fn new(base_url: &Url) -> Result<Self, Error> {
        let wrong = || Error::BaseUrl { url: redacted(base_url) };
        let v1 = base_url.as_str().trim_end_matches('/').to_owned();
        let root = v1.strip_suffix(V1).ok_or_else(wrong)?;
        let plain = matches!(base_url.scheme(), "http" | "https")
            && base_url.username().is_empty()
            && base_url.password().is_none()
            && base_url.query().is_none();
        let host = base_url.host_str().filter(|_| plain).ok_or_else(wrong)?;
        Ok(Roots {
            beta: format!("{root}/beta"),
            scheme: base_url.scheme().to_owned(),
            host: host.to_owned(),
            port: base_url.port_or_known_default(),
            v1,
        })
    }

    /// The root of a version, without a slash at its end.
    pub fn root(&self, version: Version) -> &str {
        match version {
            Version::V1 => &self.v1,
            Version::Beta => &self.beta,
        }
    }

    /// Scheme, host and port: what a token is for.
    pub fn resource(&self) -> String {
        let rest = self.v1.get(self.scheme.len() + 3..).unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        format!("{}://{authority}", self.scheme)
    }

    /// Whether a link leads to the connection's own scheme, host and port, so that a token may
    /// ride on it.
    pub fn own(&self, link: &Uri) -> bool {
        let scheme = link.scheme_str().unwrap_or_default();
        let port = link.port_u16().or(match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        });
        let authority = link.authority().map(|authority| authority.as_str()).unwrap_or_default();
        scheme.eq_ignore_ascii_case(&self.scheme)
            && link.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.host))
            && port == self.port
            && !authority.contains('@')
    }
}

/// What is asked of a nested row of which nothing else is wanted.
pub const NESTED_ID: &str = "id";

/// The URLs of a scan, below the version's root and before the parent's key is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Such as `/groups/{id}/members`.
    path: String,
    /// `$select` and `$expand`, without `?`.
    shape: String,
    /// `$top`, where the endpoint takes one.
    pub page_rows: Option<u32>,
    /// See [`Table::top_may_limit`].
    pub top_may_limit: bool,
    /// `$filter`, not yet encoded; empty where there is none.
    filter: String,
    /// Whether that may be left out because whoever asked filters again, and the `$top` then.
    droppable: Option<Droppable>,
    /// Whether it is an advanced query, which an index answers that lags behind.
    pub advanced: bool,
}

/// A condition that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Droppable {
    /// Rows of a page of the listing without it.
    page_rows: Option<u32>,
}

/// What a scan reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// These listings, one after another.
    Listings(Vec<Listing>),
    /// Of a fan-out, the listing of each row of this parent.
    EachOf(Arc<str>, Listing),
    /// Of a fan-out, the listing of each of these parents.
    Parents(Vec<Arc<str>>, Listing),
}

impl Asked {
    /// What answers `scan`, leaving out what its filter allows to be left out; with advanced
    /// queries only where they are `allowed`.
    ///
    /// # Errors
    ///
    /// Those of [`Listing::new`].
    pub fn new(scan: &Scan, allowed: bool) -> Result<Self, Error> {
        let table = &*scan.table;
        let whole = Listing::new(scan)?;
        let ids = scan.filter.as_ref().and_then(|filter| ids(table, filter));
        Ok(match (&table.read, ids) {
            (Read::FanOut { .. }, Some(ids)) => Asked::Parents(ids, whole),
            (Read::FanOut { parent }, None) => Asked::EachOf(parent.clone(), whole),
            (_, Some(ids)) => {
                let chunks = ids.chunks(limits::FILTER_ALTERNATIVES_MAX);
                let some = |ids: &[_]| Listing { filter: filter::ids(ids), ..whole.clone() };
                Asked::Listings(chunks.map(some).collect())
            }
            (_, None) => Asked::Listings(vec![match &scan.filter {
                Some(filter) => whole.filtered(table, filter, allowed),
                None => whole,
            }]),
        })
    }
}

/// The only rows of the listing, or the only parents of a fan-out, that the filter lets through,
/// where they are better read one by one.
fn ids(table: &Table, filter: &Filter) -> Option<Vec<Arc<str>>> {
    let (key, ids_max) = match &table.read {
        Read::Collection if !table.read_by_id() => return None,
        Read::Collection => ("id", limits::FILTER_IDS_MAX),
        Read::Expand { .. } => (&*table.columns.first()?.name, limits::FILTER_IDS_MAX),
        Read::FanOut { .. } => (&*table.columns.first()?.name, limits::FILTER_PARENTS_MAX),
    };
    let ids = filter.texts(key)?;
    // Another spelling of a GUID would stand in the answer, and Graph refuses what is none.
    let readable = ids.len() <= ids_max && ids.iter().all(|id| filter::is_guid(id));
    readable.then(|| ids.into_iter().collect())
}

impl Listing {
    /// Whether rows are left out.
    pub fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    /// The listing that answers `scan`: exactly the columns needed, those of the key always
    /// included, and pages as large as the endpoint gives them, or as large as a limit that counts
    /// what they hold.
    ///
    /// # Errors
    ///
    /// [`Error::UrlTooLong`] if the columns do not fit into a URL. Leaving `$select` out would not
    /// do: Graph would then send its few default properties, and the rest would read as null.
    pub fn new(scan: &Scan) -> Result<Self, Error> {
        let table = &*scan.table;
        let select = select(table, &scan.columns);
        let shape = match &table.read {
            Read::Expand { navigation, .. } if !table.takes_select => {
                format!("$select=id&$expand={navigation}")
            }
            // Without a name, Graph would send its default properties.
            Read::Expand { navigation, .. } if select.is_empty() => {
                format!("$select=id&$expand={navigation}($select={NESTED_ID})")
            }
            Read::Expand { navigation, .. } => {
                format!("$select=id&$expand={navigation}($select={select})")
            }
            _ if select.is_empty() => String::new(),
            _ => format!("$select={select}"),
        };
        // A limit counts rows, and most parents may have none: those pages stay full.
        let limit = scan.limit.filter(|_| !matches!(table.read, Read::Expand { .. }));
        let limit = limit.map(|limit| u32::try_from(limit.max(1)).unwrap_or(u32::MAX));
        let few = scan.enough.map(|rows| rows.saturating_mul(4).max(limits::FEW_ROWS_MIN));
        let few = few.and_then(|rows| u32::try_from(rows).ok());
        let top_may_limit = table.top_may_limit;
        let wanted = [limit, few].into_iter().flatten().min().filter(|_| !top_may_limit);
        let page_rows = table.page_rows.map(|rows| wanted.map_or(rows, |few| rows.min(few)));
        let path = table.path.to_string();
        let (filter, advanced) = (String::new(), false);
        let droppable = None;
        let listing =
            Listing { path, shape, page_rows, top_may_limit, filter, droppable, advanced };
        let bytes = listing.below_root(None, listing.page_rows).len() + KEY_BYTES;
        if bytes > limits::URL_BYTES_MAX {
            let table = table.name.clone();
            return Err(Error::UrlTooLong { table, bytes, bytes_max: limits::URL_BYTES_MAX });
        }
        Ok(listing)
    }

    /// The listing of nothing but the ids of a table's rows.
    pub fn ids(table: &Table) -> Self {
        let shape = if table.takes_select { "$select=id".to_owned() } else { String::new() };
        let (path, page_rows) = (table.path.to_string(), table.page_rows);
        let (filter, advanced, top_may_limit) = (String::new(), false, table.top_may_limit);
        let droppable = None;
        Listing { path, shape, page_rows, top_may_limit, filter, droppable, advanced }
    }

    /// The same without what `filter` allows to be left out, as far as that can be said.
    fn filtered(self, table: &Table, filter: &Filter, allowed: bool) -> Self {
        if table.read != Read::Collection {
            return self;
        }
        let Some(clause) = filter::clause(table, filter, allowed) else { return self };
        let droppable = Some(Droppable { page_rows: table.page_rows });
        let (filter, advanced) = (clause.text, clause.advanced);
        let filtered = Listing { filter, droppable, advanced, ..self.clone() };
        // Too much to say is not said.
        let bytes = filtered.below_root(None, filtered.page_rows).len() + KEY_BYTES;
        let bytes_max =
            if clause.advanced { limits::ADVANCED_URL_BYTES_MAX } else { limits::URL_BYTES_MAX };
        if bytes > bytes_max { self } else { filtered }
    }

    /// The condition that may be left out, and the same listing without it; its pages are full, since
    /// most of their rows may not be wanted.
    pub fn unfiltered(&self) -> Option<(&str, Listing)> {
        let Droppable { page_rows } = self.droppable?;
        let (filter, droppable, advanced) = (String::new(), None, false);
        let without = Listing { filter, droppable, page_rows, advanced, ..self.clone() };
        Some((&*self.filter, without))
    }

    /// Whether it names columns.
    pub fn names_columns(&self) -> bool {
        self.shape.contains("$select=")
    }

    /// The URL below the version's root, as a `$batch` wants it, of `parent`'s rows and with this
    /// `$top`.
    pub fn below_root(&self, parent: Option<&str>, top: Option<u32>) -> String {
        let mut url = match parent {
            Some(key) => self.path.replace("{id}", &encoded(key)),
            None => self.path.clone(),
        };
        let mut mark = '?';
        if !self.shape.is_empty() {
            url.push(mark);
            url.push_str(&self.shape);
            mark = '&';
        }
        if !self.filter.is_empty() {
            let _ = write!(url, "{mark}$filter={}", encoded(&self.filter));
            mark = '&';
        }
        if self.advanced {
            let _ = write!(url, "{mark}$count=true");
            mark = '&';
        }
        if let Some(rows) = top {
            // Writing to a String cannot fail.
            let _ = write!(url, "{mark}$top={rows}");
        }
        url
    }
}

impl fmt::Display for Listing {
    /// As a person reads it: nothing is encoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        let top = self.page_rows.map(|rows| format!("$top={rows}"));
        let filter = (!self.filter.is_empty()).then(|| format!("$filter={}", self.filter));
        let count = self.advanced.then(|| "$count=true".to_owned());
        let shape = Some(self.shape.clone()).filter(|shape| !shape.is_empty());
        let parts = [shape, filter, count, top].into_iter().flatten();
        let mut mark = '?';
        for part in parts {
            write!(f, "{mark}{part}")?;
            mark = '&';
        }
        Ok(())
    }
}

/// The names for `$select`; empty if the table takes none.
fn select(table: &Table, columns: &[Column]) -> String {
    if !table.takes_select {
        return String::new();
    }
    let key = table.key.iter().filter_map(|name| table.column(name));
    let mut names: Vec<&str> = Vec::new();
    for column in key.chain(columns) {
        if let Origin::Property(name) = &column.origin
            && !name.starts_with('@')
            && !names.contains(&&**name)
        {
            names.push(name);
        }
    }
    names.iter().map(|name| encoded(name)).collect::<Vec<_>>().join(",")
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A URL without what may be a password.
fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(url: &str) -> Result<Roots, Error> {
        Roots::new(&Url::parse(url).unwrap())
    }

    #[test]
    fn beta_is_the_sibling_of_v1() {
        let cases = [
            ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/beta"),
            ("https://graph.microsoft.com/v1.0/", "https://graph.microsoft.com/beta"),
            ("http://127.0.0.1:40123/v1.0", "http://127.0.0.1:40123/beta"),
            ("https://gate.example/graph/v1.0", "https://gate.example/graph/beta"),
        ];
        for (url, beta) in cases {
            assert_eq!(roots(url).unwrap().root(Version::Beta), beta);
        }
        let gate = roots("https://gate.example:444/graph/v1.0").unwrap();
        assert_eq!(gate.resource(), "https://gate.example:444");
        for url in [
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/beta",
            "https://u:secret@graph.microsoft.com/v1.0",
            "ftp://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com/v1.0?x=/v1.0",
        ] {
            let error = roots(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn only_links_of_the_own_host_are_followed() {
        let own = roots("https://graph.microsoft.com/v1.0").unwrap();
        let cases = [
            ("https://graph.microsoft.com/v1.0/users?$skiptoken=x", true),
            ("https://graph.microsoft.com/beta/other", true),
            ("https://GRAPH.microsoft.com:443/x", true),
            ("http://graph.microsoft.com/v1.0/users", false),
            ("https://graph.microsoft.com:8443/v1.0/users", false),
            ("https://graph.microsoft.com.example.org/v1.0/users", false),
            ("https://graph.microsoft.com@example.org/v1.0/users", false),
            ("https://x:y@graph.microsoft.com/v1.0/users", false),
            ("/v1.0/users", false),
        ];
        for (link, expected) in cases {
            assert_eq!(own.own(&link.parse().unwrap()), expected, "{link}");
        }
        let port = roots("http://127.0.0.1:40123/v1.0").unwrap();
        assert!(port.own(&"http://127.0.0.1:40123/v1.0/x".parse().unwrap()));
        assert!(!port.own(&"http://127.0.0.1/v1.0/x".parse().unwrap()));
    }

    #[test]
    fn a_key_cannot_leave_its_segment() {
        let listing = Listing {
            path: "/groups/{id}/members".to_owned(),
            shape: "$select=id".to_owned(),
            page_rows: Some(999),
            droppable: None,
            top_may_limit: false,
            filter: String::new(),
            advanced: false,
        };
        assert_eq!(
            listing.below_root(Some("a/../b?c&d%2f é"), Some(50)),
            "/groups/a%2F..%2Fb%3Fc%26d%252f%20%C3%A9/members?$select=id&$top=50"
        );
    }

    #[test]
    fn too_many_columns_for_a_url_are_refused() {
        let catalog = crate::catalog::Catalog::builtin().unwrap();
        let mut scan = Scan::new(catalog.table("users").unwrap().clone(), None, None).unwrap();
        let Some(column) = scan.columns.last().cloned() else { panic!("users has columns") };
        scan.columns.extend((0..900).map(|n| Column {
            origin: Origin::Property(Arc::from(format!("property{n}"))),
            ..column.clone()
        }));
        let error = Listing::new(&scan).unwrap_err();
        assert!(error.to_string().starts_with("the columns asked of `users` make a request of"));
        assert_eq!(error.kind(), crate::error::Kind::Invalid);
    }
}
