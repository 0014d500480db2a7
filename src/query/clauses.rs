//! Clauses that the parser reads and the planner would drop.
//!
//! DataFusion's planner takes from a parsed node what it knows and says nothing of the rest: a
//! `PREWHERE` was read, and its condition was not applied. So each node of a statement is taken apart
//! here, member by member and never with `..` where it is let through: a clause that a later parser
//! has does not compile until somebody has said what becomes of it.

use std::ops::ControlFlow::{self, Break, Continue};

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{
    Cte, Expr, ExprWithAliasAndOrderBy, Fetch, ForClause, GroupByExpr, GroupByWithModifier, Join,
    JoinConstraint, JoinOperator, LimitClause, LockType, NamedWindowDefinition, NamedWindowExpr,
    OrderBy, OrderByExpr, OrderByKind, OrderByOptions, PipeOperator, Query, Select, SelectItem,
    SetExpr, Statement, TableAlias, TableFactor, TableFunctionArgs, TableVersion, TableWithJoins,
    Values, Visit, Visitor, WildcardAdditionalOptions, With,
};

mod exprs;

/// The name of the first clause in what was parsed that would be dropped.
pub fn dropped(parsed: &impl Visit, functions: &SessionState) -> Option<&'static str> {
    parsed.visit(&mut Clauses { functions }).break_value()
}

/// Goes on, or ends with the name of a clause.
type Flow = ControlFlow<&'static str>;

/// Looks at each node of a statement.
struct Clauses<'a> {
    functions: &'a SessionState,
}

/// Ends with the name of the first clause that is there.
fn none<const N: usize>(clauses: [(bool, &'static str); N]) -> Flow {
    match clauses.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, name)) => Break(name),
        None => Continue(()),
    }
}

impl Visitor for Clauses<'_> {
    type Break = &'static str;

    fn pre_visit_statement(&mut self, statement: &Statement) -> Flow {
        match statement {
            Statement::Explain {
                describe_alias: _,
                analyze: _,
                verbose: _,
                query_plan,
                estimate,
                statement: _,
                format: _,
                options,
            } => none([
                (*query_plan, "QUERY PLAN"),
                (*estimate, "ESTIMATE"),
                (options.is_some(), "EXPLAIN with options in parentheses"),
            ]),
            Statement::ExplainTable {
                describe_alias: _,
                hive_format,
                has_table_keyword: _,
                table_name: _,
            } => none([(hive_format.is_some(), "EXTENDED or FORMATTED")]),
            // The others have been refused, or are taken apart by the planner.
            _ => Continue(()),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> Flow {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        let Fetch { with_ties, percent, quantity: _ } =
            fetch.clone().unwrap_or(Fetch { with_ties: false, percent: false, quantity: None });
        let locked = locks.first().map(|lock| &lock.lock_type);
        none([
            (with_ties, "WITH TIES"),
            (percent, "PERCENT"),
            (fetch.is_some(), "FETCH"),
            (locked == Some(&LockType::Update), "FOR UPDATE"),
            (locked == Some(&LockType::Share), "FOR SHARE"),
            (matches!(for_clause, Some(ForClause::Browse)), "FOR BROWSE"),
            (matches!(for_clause, Some(ForClause::Json { .. })), "FOR JSON"),
            (for_clause.is_some(), "FOR XML"),
            (settings.is_some(), "SETTINGS"),
            (format_clause.is_some(), "FORMAT"),
        ])?;
        if let Some(With { with_token: _, recursive: _, cte_tables }) = with {
            for Cte { alias, query: _, from, materialized: _, closing_paren_token: _ } in cte_tables
            {
                none([(from.is_some(), "FROM")])?;
                table_alias(Some(alias))?;
            }
        }
        if let Some(order_by) = order_by {
            ordered(order_by, body)?;
        }
        match limit_clause {
            Some(LimitClause::LimitOffset { limit: _, offset: _, limit_by }) => {
                none([(!limit_by.is_empty(), "LIMIT … BY")])?;
            }
            Some(LimitClause::OffsetCommaLimit { offset: _, limit: _ }) | None => {}
        }
        set_expr(body)?;
        pipe_operators.iter().try_for_each(piped)
    }

    fn pre_visit_select(&mut self, select: &Select) -> Flow {
        let Select {
            select_token: _,
            // Comments, to a server that has no such hints.
            optimizer_hints: _,
            distinct: _,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection: _,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having: _,
            named_window,
            qualify: _,
            window_before_qualify: _,
            value_table_mode,
            flavor: _,
        } = select;
        none([
            (select_modifiers.as_ref().is_some_and(|it| it.is_any_set()), "a modifier of SELECT"),
            (top.is_some(), "TOP"),
            (exclude.is_some(), "EXCLUDE"),
            (into.is_some(), "INTO"),
            (!lateral_views.is_empty(), "LATERAL VIEW"),
            (prewhere.is_some(), "PREWHERE"),
            (!connect_by.is_empty(), "CONNECT BY"),
            (!cluster_by.is_empty(), "CLUSTER BY"),
            (!distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!sort_by.is_empty(), "SORT BY"),
            (value_table_mode.is_some(), "SELECT AS"),
        ])?;
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = group_by;
        if let Some(modifier) = modifiers.first() {
            return Break(match modifier {
                GroupByWithModifier::Rollup => "WITH ROLLUP",
                GroupByWithModifier::Cube => "WITH CUBE",
                GroupByWithModifier::Totals => "WITH TOTALS",
                GroupByWithModifier::GroupingSets(_) => "GROUPING SETS behind GROUP BY",
            });
        }
        projection.iter().try_for_each(selected)?;
        for NamedWindowDefinition(_, window) in named_window {
            match window {
                NamedWindowExpr::NamedWindow(_) => {}
                NamedWindowExpr::WindowSpec(spec) => exprs::window(spec)?,
            }
        }
        exprs::named_windows(select)?;
        from.iter().try_for_each(joined)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Flow {
        table(factor)
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Flow {
        exprs::expr(expr, self.functions)
    }
}

fn set_expr(body: &SetExpr) -> Flow {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) => Continue(()),
        SetExpr::SetOperation { left, op: _, set_quantifier: _, right } => {
            set_expr(left)?;
            set_expr(right)
        }
        SetExpr::Values(Values { explicit_row: _, value_keyword: _, rows: _ }) => Continue(()),
        SetExpr::Table(_) => Break("TABLE"),
        SetExpr::Insert(_) => Break("INSERT"),
        SetExpr::Update(_) => Break("UPDATE"),
        SetExpr::Delete(_) => Break("DELETE"),
        SetExpr::Merge(_) => Break("MERGE"),
    }
}

fn ordered(order_by: &OrderBy, body: &SetExpr) -> Flow {
    let OrderBy { kind, interpolate } = order_by;
    none([(interpolate.is_some(), "INTERPOLATE")])?;
    match kind {
        OrderByKind::All(OrderByOptions { asc: _, nulls_first: _ }) => {
            none([(!matches!(body, SetExpr::Select(_)), "ORDER BY ALL")])
        }
        OrderByKind::Expressions(exprs) => exprs.iter().try_for_each(order),
    }
}

/// One expression of an `ORDER BY`.
fn order(by: &OrderByExpr) -> Flow {
    let OrderByExpr { expr: _, options: OrderByOptions { asc: _, nulls_first: _ }, with_fill } = by;
    none([(with_fill.is_some(), "WITH FILL")])
}

fn selected(item: &SelectItem) -> Flow {
    match item {
        SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { expr: _, alias: _ } => {
            Continue(())
        }
        SelectItem::ExprWithAliases { .. } => Break("AS with several names"),
        SelectItem::QualifiedWildcard(_, options) | SelectItem::Wildcard(options) => {
            wildcard(options)
        }
    }
}

fn wildcard(options: &WildcardAdditionalOptions) -> Flow {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude: _,
        opt_except: _,
        opt_replace: _,
        opt_rename,
        opt_alias,
    } = options;
    none([
        (opt_ilike.is_some(), "* ILIKE"),
        (opt_rename.is_some(), "* RENAME"),
        (opt_alias.is_some(), "* AS"),
    ])
}

fn joined(from: &TableWithJoins) -> Flow {
    let TableWithJoins { relation: _, joins } = from;
    joins.iter().try_for_each(join)
}

fn join(join: &Join) -> Flow {
    let Join { relation: _, global, join_operator } = join;
    none([(*global, "GLOBAL")])?;
    match join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => match constraint {
            JoinConstraint::On(_)
            | JoinConstraint::Using(_)
            | JoinConstraint::Natural
            | JoinConstraint::None => Continue(()),
        },
        JoinOperator::CrossJoin(JoinConstraint::None) => Continue(()),
        JoinOperator::CrossJoin(_) => Break("CROSS JOIN with a condition"),
        JoinOperator::Semi(_) => Break("SEMI JOIN without LEFT or RIGHT"),
        JoinOperator::Anti(_) => Break("ANTI JOIN without LEFT or RIGHT"),
        JoinOperator::CrossApply => Break("CROSS APPLY"),
        JoinOperator::OuterApply => Break("OUTER APPLY"),
        JoinOperator::AsOf { .. } => Break("ASOF"),
        JoinOperator::StraightJoin(_) => Break("STRAIGHT_JOIN"),
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
            Break("ARRAY JOIN")
        }
    }
}

fn table(factor: &TableFactor) -> Flow {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            none([
                (sample.is_some(), "TABLESAMPLE"),
                (!partitions.is_empty(), "PARTITION"),
                (*with_ordinality, "WITH ORDINALITY"),
                (!with_hints.is_empty(), "WITH"),
                (!index_hints.is_empty(), "INDEX"),
                (json_path.is_some(), "a path behind a table"),
                (args.is_some() && name.0.len() > 1, "a table function with a qualified name"),
            ])?;
            if let Some(TableFunctionArgs { args: _, settings }) = args {
                none([(settings.is_some(), "SETTINGS")])?;
            }
            match version {
                None => {}
                Some(TableVersion::ForSystemTimeAsOf(_)) => return Break("FOR SYSTEM_TIME"),
                Some(TableVersion::TimestampAsOf(_)) => return Break("TIMESTAMP AS OF"),
                Some(TableVersion::VersionAsOf(_)) => return Break("VERSION AS OF"),
                Some(TableVersion::Function(_)) => return Break("AT or BEFORE"),
                Some(TableVersion::Changes { .. }) => return Break("CHANGES"),
            }
            table_alias(alias.as_ref())
        }
        TableFactor::Derived { lateral: _, subquery: _, alias, sample } => {
            none([(sample.is_some(), "TABLESAMPLE")])?;
            table_alias(alias.as_ref())
        }
        TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
            none([
                (*with_ordinality, "WITH ORDINALITY"),
                (name.0.len() > 1, "a table function with a qualified name"),
                (args.iter().any(exprs::is_named), "a named argument"),
            ])?;
            table_alias(alias.as_ref())
        }
        TableFactor::UNNEST {
            alias,
            array_exprs: _,
            with_offset,
            with_offset_alias: _,
            with_ordinality,
        } => {
            none([(*with_offset, "WITH OFFSET"), (*with_ordinality, "WITH ORDINALITY")])?;
            table_alias(alias.as_ref())
        }
        TableFactor::NestedJoin { table_with_joins, alias } => {
            joined(table_with_joins)?;
            table_alias(alias.as_ref())
        }
        TableFactor::TableFunction { .. } => Break("TABLE"),
        TableFactor::JsonTable { .. } => Break("JSON_TABLE"),
        TableFactor::OpenJsonTable { .. } => Break("OPENJSON"),
        TableFactor::Pivot { .. } => Break("PIVOT"),
        TableFactor::Unpivot { .. } => Break("UNPIVOT"),
        TableFactor::MatchRecognize { .. } => Break("MATCH_RECOGNIZE"),
        TableFactor::XmlTable { .. } => Break("XMLTABLE"),
        TableFactor::SemanticView { .. } => Break("SEMANTIC_VIEW"),
    }
}

fn table_alias(alias: Option<&TableAlias>) -> Flow {
    let Some(TableAlias { explicit: _, name: _, columns, at }) = alias else {
        return Continue(());
    };
    let typed = columns.iter().any(|column| column.data_type.is_some());
    none([(typed, "types behind the names of columns"), (at.is_some(), "AT")])
}

fn piped(operator: &PipeOperator) -> Flow {
    let sorted = |by: &ExprWithAliasAndOrderBy| {
        let ExprWithAliasAndOrderBy { expr: _, order_by: OrderByOptions { asc, nulls_first } } = by;
        none([(asc.is_some() || nulls_first.is_some(), "an order of AGGREGATE")])
    };
    match operator {
        PipeOperator::Limit { expr: _, offset: _ }
        | PipeOperator::Where { expr: _ }
        | PipeOperator::As { alias: _ }
        | PipeOperator::Union { set_quantifier: _, queries: _ }
        | PipeOperator::Intersect { set_quantifier: _, queries: _ }
        | PipeOperator::Except { set_quantifier: _, queries: _ } => Continue(()),
        PipeOperator::OrderBy { exprs } => exprs.iter().try_for_each(order),
        PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } => {
            exprs.iter().try_for_each(selected)
        }
        PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
            full_table_exprs.iter().chain(group_by_expr).try_for_each(sorted)
        }
        PipeOperator::Join(one) => join(one),
        PipeOperator::Set { .. } => Break("|> SET"),
        PipeOperator::Drop { .. } => Break("|> DROP"),
        PipeOperator::TableSample { .. } => Break("|> TABLESAMPLE"),
        PipeOperator::Rename { .. } => Break("|> RENAME"),
        PipeOperator::Call { .. } => Break("|> CALL"),
        PipeOperator::Pivot { .. } => Break("|> PIVOT"),
        PipeOperator::Unpivot { .. } => Break("|> UNPIVOT"),
    }
}
