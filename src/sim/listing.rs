//! Lists: a page of rows in Graph's envelope, or their number.

use std::time::Duration;

use super::counters::add;
use super::fault::Breakage;
use super::options::Options;
use super::page::{Page, Rows, Source};
use super::page_token::{Cursor, PageToken};
use super::population::{Kind, Object, Population, Relation};
use super::reply::{Asked, Refusal, Reply};
use super::route::{Node, Route, Version};
use super::rules::{self, Judged};
use super::scramble::seal;
use super::shape::{Shape, Wanted};
use super::surface::{Collection, Paging, Takes, noun};
use super::surprise;
use super::tenant::State;
use super::trouble::{Trouble, expired};

/// Where links lead under the fault that leads them away.
const ELSEWHERE: &str = "https://graph.elsewhere.example";

/// A list as a path names it.
#[derive(Debug)]
struct List<'a> {
    source: Source,
    /// What rows may be, and what of it this version leaves out.
    kinds: Vec<Kind>,
    left_out: Option<Kind>,
    typed: bool,
    cast: bool,
    takes: &'a Takes,
    paging: Option<Paging>,
    /// What may be expanded is what this collection's objects lead to.
    of: Option<&'a Collection>,
    count: bool,
    context: String,
}

impl State {
    /// Answers a request for a list.
    pub(super) fn list(
        &self,
        asked: &Asked<'_>,
        route: &Route,
        options: &Options,
        roles: &[String],
    ) -> Result<Reply, Refusal> {
        let list = self.find_list(route)?;
        let judged = Judged {
            takes: list.takes,
            kinds: &list.kinds,
            cast: list.cast,
            count_only: list.count,
            eventual: asked.eventual(),
        };
        judged.judge(options)?;
        let rows = self.rows(&list, options, roles)?;
        if list.count {
            return Ok(Reply::text("text/plain", rows.count()?.to_string()));
        }
        let wanted = Wanted {
            kinds: &list.kinds,
            typed: list.typed,
            select: options.select.as_deref(),
            listed: true,
            roles,
        };
        let mut shape = Shape::new(&wanted)?;
        if let Some(expand) = &options.expand {
            let of = list.of.ok_or_else(|| Refusal::unsupported("$expand is not supported."))?;
            shape = shape.expanding(of, expand, roles, self.key)?;
        }
        let kind = list.kinds.first().copied().unwrap_or(Kind::User);
        let most = rules::page_rows(list.paging, kind, options)?.unwrap_or(u64::MAX) as usize;
        let cursor = self.cursor(asked, route, options)?;
        let mut page = rows.page(cursor, most, self.key)?;
        if options.top.is_some() && self.trouble.limits_top(asked.path)
            || page.next.is_some() && self.trouble.loses_link()
        {
            page.next = None;
        }
        let counts = (list.takes.advanced && asked.eventual()) || list.takes.skip;
        let counted = options.count && cursor.page == 0 && counts;
        let total = if counted { Some(rows.count()?) } else { None };
        let link = self.link(asked, options, cursor, &page);
        let context = context(asked, route.version, &list.context, options);
        add(&self.tally.pages, 1);
        add(&self.tally.rows, page.objects.len() as u64);
        let body = self.envelope(&context, total, link.as_deref(), &page.objects, &shape);
        Ok(Reply::json(damaged(body, &page.objects, &self.trouble)))
    }

    fn find_list<'a>(&self, route: &'a Route) -> Result<List<'a>, Refusal> {
        match &route.node {
            Node::Related { of, key, link, cast, count } => {
                let object = self.find(of.kind, key)?;
                let left_out = leaves_out(route.version, object, link.relation);
                let kinds = cast.map_or(link.kinds.to_vec(), |kind| vec![kind]);
                let context = match (cast, link.kinds) {
                    (Some(kind), _) => format!("{}s", lower_first(noun(*kind))),
                    (None, [kind]) => format!("{}s", lower_first(noun(*kind))),
                    (None, _) => "directoryObjects".to_owned(),
                };
                Ok(List {
                    source: Source::Related(object, link.relation),
                    typed: kinds.len() > 1,
                    kinds,
                    left_out,
                    cast: cast.is_some(),
                    takes: &link.takes,
                    paging: link.paging,
                    of: None,
                    count: *count,
                    context,
                })
            }
            Node::List { of, count } => Ok(List {
                source: Source::All(of.kind),
                kinds: vec![of.kind],
                left_out: None,
                typed: false,
                cast: false,
                takes: &of.takes,
                paging: of.paging,
                of: Some(of),
                count: *count,
                context: of.path.join("/"),
            }),
            _ => Err(Refusal::bad("This is not a list.")),
        }
    }

    fn rows(
        &self,
        list: &List<'_>,
        options: &Options,
        roles: &[String],
    ) -> Result<Rows<'_>, Refusal> {
        let hidden = match list.source {
            Source::Related(object, Relation::Members) => {
                !rules::shows_hidden(roles) && self.population.hides_members(object)
            }
            _ => false,
        };
        let mut rows = Rows {
            population: &self.population,
            source: list.source,
            hidden,
            kinds: list.kinds.iter().copied().filter(|kind| list.left_out != Some(*kind)).collect(),
            skip: options.skip.unwrap_or_default(),
            filters: Vec::new(),
            search: options.search.clone(),
            orders: Vec::new(),
            changing: self.trouble.changes_between_pages(),
        };
        let noun = match list.kinds.as_slice() {
            [kind] => noun(*kind),
            _ => "directoryObject",
        };
        for kind in &list.kinds {
            let properties = Population::properties(*kind);
            if let Some(mut filter) = options.filter.clone() {
                filter.bind(properties, noun)?;
                rows.filters.push((*kind, filter));
            }
            let mut orders = options.order.clone();
            for order in &mut orders {
                order.path.bind(properties, noun)?;
            }
            if !orders.is_empty() {
                rows.orders.push((*kind, orders));
            }
        }
        Ok(rows)
    }

    /// Where this page begins: at the start, or where its token says.
    fn cursor(
        &self,
        asked: &Asked<'_>,
        route: &Route,
        options: &Options,
    ) -> Result<Cursor, Refusal> {
        let Some(text) = &options.page_token else {
            return Ok(Cursor::default());
        };
        let token = PageToken::read(self.key, text)
            .filter(|token| token.query == self.query(asked, options))
            .ok_or_else(|| Refusal::bad("The specified page token value is invalid."))?;
        let age = asked.now.saturating_sub(Duration::from_millis(token.issued));
        if age > self.settings.page_token_life {
            return Err(expired());
        }
        self.trouble.expired_link().map_or(Ok(()), Err)?;
        if self.trouble.drops_permission(rules::permissions(&route.node)) {
            return Err(Refusal::denied());
        }
        Ok(token.cursor)
    }

    /// What a page token is bound to: the path and every other option.
    fn query(&self, asked: &Asked<'_>, options: &Options) -> u64 {
        seal(self.key, format!("{}?{}", asked.path, options.meant).as_bytes())
    }

    /// The link to the next page, or what a fault makes of it.
    fn link(
        &self,
        asked: &Asked<'_>,
        options: &Options,
        cursor: Cursor,
        page: &Page,
    ) -> Option<String> {
        let token = match (&options.page_token, page.next) {
            (Some(given), _) if cursor.page > 0 && self.trouble.repeats_link() => given.clone(),
            (_, Some(cursor)) => {
                let issued = asked.now.as_millis() as u64;
                PageToken { cursor, issued, query: self.query(asked, options) }.write(self.key)
            }
            (_, None) => return None,
        };
        let origin = if self.trouble.leads_away() { ELSEWHERE } else { asked.origin };
        let kept = match self.trouble.has_odd_links() {
            true => options.kept.replace("%20", " ").replace("%22", "\""),
            false => options.kept.clone(),
        };
        let separator = if options.kept.is_empty() { "" } else { "&" };
        Some(format!("{origin}{}?{}{separator}$skiptoken={token}", asked.path, kept))
    }

    /// Writes the page. The link stands before the rows, as with Graph.
    fn envelope(
        &self,
        context: &str,
        total: Option<u64>,
        link: Option<&str>,
        objects: &[Object],
        shape: &Shape,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_024);
        out.extend_from_slice(b"{\"@odata.context\":");
        quoted(context, &mut out);
        if let Some(total) = total {
            out.extend_from_slice(format!(",\"@odata.count\":{total}").as_bytes());
        }
        if let Some(link) = link {
            let odd = self.trouble.has_odd_links();
            let name: &[u8] = if odd { b",\"@nextLink\":" } else { b",\"@odata.nextLink\":" };
            out.extend_from_slice(name);
            quoted(link, &mut out);
        }
        out.extend_from_slice(b",\"value\":[");
        for (n, object) in objects.iter().enumerate() {
            let before = out.len();
            if n > 0 {
                out.push(b',');
            }
            let row = out.len();
            out.push(b'{');
            shape.write(&self.population, *object, &mut out);
            out.push(b'}');
            surprise::change(&mut out, row, n, &self.trouble);
            if n == 0 {
                // Rows of one list are of one size, more or less: one allocation for the page.
                let row = out.len() - before;
                out.reserve((row + row / 8) * (objects.len() - 1));
            }
        }
        out.extend_from_slice(b"]}");
        out
    }

    /// The object of a kind with a key.
    ///
    /// # Errors
    ///
    /// Graph's 404.
    pub(super) fn find(&self, kind: Kind, key: &str) -> Result<Object, Refusal> {
        let found = self.population.find(key).filter(|object| object.kind == kind);
        let found = match kind {
            Kind::User => found.or_else(|| self.population.find_user(key)),
            _ => found,
        };
        found.ok_or_else(|| Refusal::not_found(key))
    }
}

/// v1.0 does not list service principals among the members of a group; beta does.
///
/// <https://learn.microsoft.com/graph/api/group-list-members>
fn leaves_out(version: Version, object: Object, relation: Relation) -> Option<Kind> {
    let members = object.kind == Kind::Group && relation == Relation::Members;
    (members && version == Version::V1).then_some(Kind::ServicePrincipal)
}

/// `https://…/v1.0/$metadata#users(id,displayName)`.
pub(super) fn context(
    asked: &Asked<'_>,
    version: Version,
    what: &str,
    options: &Options,
) -> String {
    let mut parts = options.select.clone().unwrap_or_default();
    if let Some(expand) = &options.expand {
        let inner = expand.select.as_ref().map(|names| names.join(",")).unwrap_or_default();
        parts.push(format!("{}({inner})", expand.name));
    }
    let chosen = if parts.is_empty() { String::new() } else { format!("({})", parts.join(",")) };
    format!("{}/{}/$metadata#{what}{chosen}", asked.origin, version.segment())
}

fn lower_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// Appends a text as a JSON string.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

/// The page as a fault leaves it.
fn damaged(mut body: Vec<u8>, rows: &[Object], trouble: &Trouble) -> Vec<u8> {
    let error = br#"{"error":{"code":"InternalServerError","message":"The read failed."}}"#;
    let last = rows.len().checked_sub(1).and_then(|_| last_row(&body));
    let (Some(row), Some(how)) = (last, last.and_then(|_| trouble.breakage())) else {
        return swollen(body, trouble);
    };
    let middle = row + (body.len() - row) / 2;
    match how {
        Breakage::Splice => {
            body.truncate(middle);
            body.extend_from_slice(error);
        }
        Breakage::Row => {
            body.truncate(row);
            body.extend_from_slice(error);
            body.extend_from_slice(b"]}");
        }
        Breakage::Member => {
            body.pop();
            body.push(b',');
            body.extend_from_slice(error.get(1..).unwrap_or_default());
        }
        Breakage::End => body.truncate(middle),
    }
    body
}

/// Where the last row begins, by its brackets and strings.
fn last_row(body: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped, mut last) = (0_usize, false, false, None);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth == 3 && *byte == b'{' {
                    last = Some(at);
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    last
}

fn swollen(mut body: Vec<u8>, trouble: &Trouble) -> Vec<u8> {
    let Some(rows) = trouble.swelling() else { return body };
    body.truncate(body.len().saturating_sub(2));
    let first = body.last() == Some(&b'[');
    body.extend_from_slice(if first { b"{}" } else { b",{}" });
    body.extend_from_slice(&b",{}".repeat(rows.saturating_sub(1) as usize));
    body.extend_from_slice(b"]}");
    body
}
