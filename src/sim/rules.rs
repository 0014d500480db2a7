//! Graph's rules for a request that can be read: what it costs, who may make it, and which
//! combinations of query options are refused.
//!
//! <https://learn.microsoft.com/graph/aad-advanced-queries>

use super::filter::{Expr, Path, unknown_property};
use super::filterable;
use super::limits;
use super::options::Options;
use super::population::{Kind, Population, Property};
use super::quota::Family;
use super::reply::Refusal;
use super::route::Node;
use super::surface::{ACTIVITY_PAGE_MAX, Beyond, Filtering, Paging, Takes, noun};

/// The property that drags a request for users over to the limits and licences of reports.
const SIGN_IN_ACTIVITY: &str = "signInActivity";

/// Pages of fewer rows than this cost a unit less.
const SMALL_PAGE: u64 = 20;

/// What a request counts against, and how many resource units it takes.
pub(super) fn cost(node: &Node, options: &Options) -> (Family, u64) {
    let activity = options.speaks_of(SIGN_IN_ACTIVITY);
    let (family, base) = match node {
        Node::Metadata | Node::Batch => (Family::Free, 0),
        Node::List { of, .. } if of.kind == Kind::User && activity => (Family::Reports, 0),
        Node::One { of, .. } if of.kind == Kind::User && activity => (Family::SignInActivity, 0),
        Node::List { of, .. } => (of.family, of.units),
        Node::One { of, .. } if of.kind == Kind::OAuth2PermissionGrant => (of.family, 2),
        Node::One { of, .. } => (of.family, 1),
        Node::Related { of, link, .. } => (of.family, link.units),
    };
    let less = u64::from(options.select.is_some())
        + u64::from(options.top.is_some_and(|top| top < SMALL_PAGE));
    let more = u64::from(options.expand.is_some());
    (family, (base + more).saturating_sub(less).max(1))
}

/// The permissions any one of which opens what is asked for.
pub(super) fn permissions(node: &Node) -> &'static [&'static str] {
    match node {
        Node::Metadata | Node::Batch => &[],
        Node::List { of, .. } | Node::One { of, .. } => of.permissions,
        Node::Related { link, .. } => link.permissions,
    }
}

/// # Errors
///
/// Graph's 403 unless the roles open what is asked for.
pub(super) fn permit(node: &Node, options: &Options, roles: &[String]) -> Result<(), Refusal> {
    let opening = permissions(node);
    let activity = options.speaks_of(SIGN_IN_ACTIVITY);
    let allowed = (opening.is_empty() || any(opening, roles))
        && (!activity || any(&["AuditLog.Read.All"], roles));
    if allowed { Ok(()) } else { Err(Refusal::denied()) }
}

/// Whether members of what hides them are shown.
pub(super) fn shows_hidden(roles: &[String]) -> bool {
    any(&["Member.Read.Hidden"], roles)
}

/// Whether one of the roles is among those that open something.
pub(super) fn any(opening: &[&str], roles: &[String]) -> bool {
    roles.iter().any(|role| opening.contains(&role.as_str()))
}

/// Whether a tenant without premium licences is refused this.
pub(super) fn premium(node: &Node, options: &Options) -> bool {
    match node {
        Node::List { of, .. } | Node::One { of, .. } => {
            of.kind == Kind::SignIn || options.speaks_of(SIGN_IN_ACTIVITY)
        }
        _ => false,
    }
}

/// How many rows a page has; `None` where all come at once.
///
/// # Errors
///
/// Graph's 400 for a `$top` that is not taken.
pub(super) fn page_rows(
    paging: Option<Paging>,
    kind: Kind,
    options: &Options,
) -> Result<Option<u64>, Refusal> {
    let Some(paging) = paging else {
        return match options.top {
            None => Ok(None),
            Some(_) => Err(Refusal::unsupported("'$top' is not supported by the service.")),
        };
    };
    let activity = kind == Kind::User && options.speaks_of(SIGN_IN_ACTIVITY);
    let max = if activity { ACTIVITY_PAGE_MAX } else { paging.max };
    match options.top {
        None => Ok(Some(paging.default.min(max))),
        Some(top) if (1..=max).contains(&top) => Ok(Some(top)),
        Some(top) if top > max && paging.beyond == Beyond::Clamp => Ok(Some(max)),
        Some(top) => Err(Refusal::unsupported(format!(
            "Invalid page size specified: '{top}'. Must be between 1 and {max} inclusive."
        ))),
    }
}

/// What a list is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) takes: &'a Takes,
    /// What rows may be; more than one is Graph's `directoryObject`.
    pub(super) kinds: &'a [Kind],
    /// Whether the path names a type or ends with `$count`.
    pub(super) cast: bool,
    pub(super) count_only: bool,
    pub(super) eventual: bool,
}

impl Judged<'_> {
    fn noun(&self) -> &'static str {
        match self.kinds {
            [kind] => noun(*kind),
            _ => "DirectoryObject",
        }
    }

    /// Judges the query options of a list.
    ///
    /// # Errors
    ///
    /// Graph's 400: for what the list does not offer, and for an advanced query that does not say
    /// that it is one.
    pub(super) fn judge(&self, options: &Options) -> Result<(), Refusal> {
        if options.skip.is_some() && !self.takes.skip {
            return Err(Refusal::bad("'$skip' is not supported by the service."));
        }
        if !self.takes.advanced {
            return self.judge_plain(options);
        }
        if let Some(search) = &options.search {
            search.check(self.takes.search, self.noun())?;
        }
        for order in &options.order {
            self.known(&order.path)?;
        }
        // `$count=true` without the header is not refused: it counts nothing.
        let header_needed = options.search.is_some() || self.count_only;
        if header_needed && !self.eventual {
            return Err(Refusal::bad(
                "This request needs the header ConsistencyLevel: eventual for $count and $search.",
            ));
        }
        let advanced =
            options.search.is_some() || self.eventual && (options.count || self.count_only);
        if advanced && options.expand.is_some() {
            let message = "The query option '$expand' is not supported with advanced queries.";
            return Err(Refusal::unsupported(message));
        }
        if let Some(filter) = &options.filter {
            judge_activity(filter)?;
            let alternatives = filter.alternatives();
            if !advanced && alternatives > limits::FILTER_ALTERNATIVES_MAX {
                return Err(Refusal::unsupported(format!(
                    "Too many child clauses specified in search filter expression containing \
                     'OR' operators: {alternatives}. Max allowed: {}.",
                    limits::FILTER_ALTERNATIVES_MAX
                )));
            }
        }
        match self.needs_index(options) {
            Some(message) if !advanced => Err(Refusal::unsupported(message)),
            _ => Ok(()),
        }
    }

    /// What, if anything, only the index can answer.
    fn needs_index(&self, options: &Options) -> Option<String> {
        let noun = self.noun();
        let unsupported = |clause: &str, property: &str| {
            format!(
                "Unsupported or invalid query {clause} clause specified for property '{property}' \
                 of resource '{noun}'."
            )
        };
        if let Some(filter) = &options.filter {
            let any = filter.property().unwrap_or_default();
            let related = self.takes.filter == Filtering::Advanced;
            let sorted = !options.order.is_empty();
            let property = filter
                .advanced()
                .or_else(|| filter.strict_order())
                .or_else(|| filterable::beyond(self.kinds, filter))
                .or((related || sorted).then_some(any));
            if let Some(property) = property {
                return Some(unsupported("filter", property));
            }
        }
        let mut orders = options.order.iter().map(|order| &order.path);
        if let Some(path) = orders.find(|path| !self.takes.order.contains(&path.first())) {
            return Some(unsupported("orderby", path.first()));
        }
        let other = options.select.is_some() || options.top.is_some() || options.expand.is_some();
        (self.cast && other).then(|| {
            "The specified OData cast is not supported with other query options.".to_owned()
        })
    }

    /// Lists without an index: little is offered, and no header changes that.
    fn judge_plain(&self, options: &Options) -> Result<(), Refusal> {
        if options.search.is_some() {
            return Err(Refusal::unsupported("'$search' is not supported by the service."));
        }
        if let Some(filter) = &options.filter {
            if self.takes.filter == Filtering::None {
                return Err(Refusal::unsupported("'$filter' is not supported by the service."));
            }
            if let Some(property) = filter.advanced() {
                return Err(Refusal::unsupported(format!(
                    "Unsupported or invalid query filter clause specified for property \
                     '{property}' of resource '{}'.",
                    self.noun()
                )));
            }
        }
        let mut orders = options.order.iter().map(|order| &order.path);
        match orders.find(|path| !self.takes.order.contains(&path.first())) {
            Some(path) => Err(Refusal::unsupported(format!(
                "Unsupported or invalid query orderby clause specified for property '{}' of \
                 resource '{}'.",
                path.first(),
                self.noun()
            ))),
            None => Ok(()),
        }
    }

    fn known(&self, path: &Path) -> Result<(), Refusal> {
        let known = |kind: &Kind| named(Population::properties(*kind), path.first());
        if self.kinds.iter().any(known) {
            return Ok(());
        }
        Err(unknown_property(path.first(), self.noun()))
    }
}

/// Sign-in activity comes from another service than the rest of a user.
///
/// <https://learn.microsoft.com/graph/api/user-list>
fn judge_activity(filter: &Expr) -> Result<(), Refusal> {
    let mixed = filter.speaks_of(|name| name == SIGN_IN_ACTIVITY)
        && filter.speaks_of(|name| name != SIGN_IN_ACTIVITY);
    if !mixed {
        return Ok(());
    }
    Err(Refusal::unsupported(format!(
        "Filtering on '{SIGN_IN_ACTIVITY}' is not supported together with other properties."
    )))
}

/// Whether one of the properties has this name.
pub(super) fn named(properties: &[Property], name: &str) -> bool {
    properties.iter().any(|property| property.name == name)
}
