//! From a command to a plan, and from a plan to batches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Column as Named;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::sql::sqlparser::ast::ExprWithAlias;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tokio::sync::OnceCell;

use super::catalogs::DIRECTORY;
use super::deadline::{planned_by, timely};
use super::provider::Rows;
use super::statement::Planned;
use super::threads::{Serving, StatementThreads};
use super::words::{Names, Words};
use super::{
    Command, Error, Fixed, Listed, Name, Namespace, Of, Opened, Part, Request, Spent, Statement,
    Version, bind, listing, plan_size, session, shape, statement,
};
use crate::catalog::{Column, Scan};
use crate::clock::{self, Instant};
use crate::graph::Meter;
use crate::snapshot::Which;

/// Answers commands over the connections it was given.
#[derive(Clone)]
pub struct Engine {
    namespace: Arc<Namespace>,
    base: Arc<SessionState>,
    names: Arc<Names>,
    pushdown: bool,
    /// The tables that are the same for as long as the server runs.
    listed: Arc<OnceCell<Vec<Listed>>>,
    /// What was found of those of the store.
    found: listing::Found,
    threads: StatementThreads,
}

/// A command whose names have become tables, columns, and states of those tables.
#[derive(Clone)]
pub struct Plan {
    schema: SchemaRef,
    /// The table that is read, where a table was asked for.
    pub table: Option<Arc<Opened>>,
    /// Plans to run one after another, names and types settled and made better.
    runs: Vec<LogicalPlan>,
    state: SessionState,
    /// The only table that a statement reads, where that is a stored version.
    stored: Option<Arc<Opened>>,
    /// Whether each of its rows gives at most one, in no order.
    divisible: bool,
    /// Whether it runs on threads of its own: whatever a caller wrote in SQL does.
    apart: bool,
    /// How long it may take, whoever waits.
    longest: Duration,
}

/// What a statement is, before its parameters have values.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What its answer looks like.
    pub schema: SchemaRef,
    /// Its parameters, in order: `$1`, `$2` and so on.
    pub parameters: SchemaRef,
}

/// What a stored version tells of itself before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub version: u64,
    /// Its rows.
    pub rows: u64,
    /// Its length in the store.
    pub bytes: u64,
    /// In how many parts it can be read side by side, at least 1.
    pub parts: u32,
}

/// A schema, and the batches that have it.
pub struct Answer {
    /// What every batch of the stream looks like; equal to [`Plan::schema`].
    pub schema: SchemaRef,
    /// The rows. It ends in an error rather than short, and dropping it stops the read.
    pub batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// What the read has asked of Graph so far; it moves while the stream is pulled.
    pub meter: Arc<Meter>,
    /// When it has to be over, whoever is waiting for whom.
    pub deadline: Instant,
}

impl Engine {
    /// An engine over these connections.
    ///
    /// # Errors
    ///
    /// [`Error::Run`] if the folder for temporary files cannot be used.
    pub fn new(namespace: Namespace) -> Result<Self, Error> {
        let base = Arc::new(session::base()?);
        let names = Arc::new(statement::names(&namespace, &base));
        Ok(Engine {
            namespace: Arc::new(namespace),
            base,
            names,
            pushdown: true,
            listed: Arc::default(),
            found: listing::Found::default(),
            threads: StatementThreads::default(),
        })
    }

    /// The same, which reads tables whole and filters them itself, for whoever doubts that a source
    /// helps as it should. The rows are the same.
    pub fn without_pushdown(self) -> Self {
        Engine { pushdown: false, ..self }
    }

    /// The connections.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Finds what the command names. No rows are read and Graph is not asked; the log of a stored
    /// table is, where a stored version may answer.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`](crate::error::Kind) for a connection, table, column or version that does
    /// not exist, with the nearest names; [`Kind::Invalid`](crate::error::Kind) for a statement, a
    /// choice of columns, parameters or parts that make no sense; [`Error::Writes`];
    /// [`Error::NoStore`]; and what the store meets.
    pub async fn plan(&self, command: impl Into<Command>) -> Result<Plan, Error> {
        self.plan_until(command, None).await
    }

    /// The same, given up once `deadline` has come, or after [`PLANNING_MAX`](crate::limits::query::PLANNING_MAX).
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan), and [`Error::PlannedTooLate`]; [`Kind::Throttled`](crate::error::Kind)
    /// where too many statements are under way, or were given up and still run.
    pub async fn plan_until(
        &self,
        command: impl Into<Command>,
        deadline: Option<Instant>,
    ) -> Result<Plan, Error> {
        match command.into() {
            Command::Table(request) => self.plan_table(request, planned_by(deadline)).await,
            Command::Sql(statement) => {
                let (engine, serving) = (self.clone(), Serving::here());
                let plan = async move { engine.plan_statement(&statement, &serving).await };
                self.threads.plan(planned_by(deadline), plan).await
            }
        }
    }

    /// Does what a caller of statements has sent to be done, where statements are planned: it may take
    /// long, and nobody else has to wait for it.
    ///
    /// # Errors
    ///
    /// As [`plan_until`](Self::plan_until).
    pub async fn apart<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.threads.plan(planned_by(deadline), async move { Ok(work()) }).await
    }

    /// How many statements were given up, could not be interrupted, and still run.
    pub fn abandoned(&self) -> usize {
        self.threads.abandoned()
    }

    /// The same, naming what names without a catalog or schema mean by default, so that a choice made
    /// later does not change what it reads.
    pub fn settled(&self, command: Command) -> Command {
        let only = || self.namespace.connection(None).ok().map(|only| only.name.to_string());
        match command {
            Command::Sql(statement) => Command::Sql(Statement {
                catalog: statement.catalog.or_else(only),
                schema: statement.schema.or_else(|| Some(DIRECTORY.to_owned())),
                ..statement
            }),
            Command::Table(request) => {
                Command::Table(Request { connection: request.connection.or_else(only), ..request })
            }
        }
    }

    /// The names of all tables that [`list`](Self::list) may give.
    pub fn names(&self) -> Vec<Name> {
        listing::names(&self.namespace)
    }

    /// The tables that a statement may name by a name that fits, by catalog, schema and name. Of
    /// the store it has those that have a version, and only what fits is looked up.
    ///
    /// # Errors
    ///
    /// What the store meets.
    pub async fn list(&self, fits: impl Fn(&Name) -> bool) -> Result<Vec<Listed>, Error> {
        let fixed = self.listed.get_or_try_init(|| listing::fixed(&self.namespace)).await?;
        let fixed = fixed.iter().filter(|listed| fits(&listed.named()));
        let mut all: Vec<_> = fixed.cloned().collect();
        all.extend(self.found.stored(&self.namespace, &fits).await?);
        all.sort_by_cached_key(Listed::named);
        Ok(all)
    }

    /// Finds what a statement is, whatever its parameters will be.
    ///
    /// # Errors
    ///
    /// As [`plan_until`](Self::plan_until).
    pub async fn prepare(
        &self,
        statement: &Statement,
        deadline: Option<Instant>,
    ) -> Result<Prepared, Error> {
        let (engine, statement, serving) = (self.clone(), statement.clone(), Serving::here());
        let prepared = async move { engine.prepared(&statement, &serving).await };
        self.threads.plan(planned_by(deadline), prepared).await
    }

    async fn prepared(&self, asked: &Statement, serving: &Serving) -> Result<Prepared, Error> {
        let Planned { plan, state, shown, .. } = self.unbound(asked, serving).await?;
        let parameters = shape::announced(&*bind::parameters(&plan)?);
        // Types that only a value settles are not settled here.
        let better = state.optimize(&plan).unwrap_or(plan);
        let schema = shape::announced(&shape::shown(better.schema().as_arrow(), &shown));
        Ok(Prepared { schema, parameters })
    }

    /// Starts the read that was planned; the first request leaves when the stream is first pulled.
    ///
    /// `deadline` bounds the whole of it, and so does the connections' own: the stream ends in
    /// [`Error::TooLate`] when the first of them comes.
    pub fn run(&self, plan: Plan, deadline: Option<Instant>) -> Answer {
        let meter = Arc::new(Meter::default());
        let own = clock::now() + plan.longest;
        let deadline = deadline.map_or(own, |asked| asked.min(own));
        let schema = plan.schema();
        let (apart, of_call) = (plan.apart, meter.clone());
        let begin = move |serving| plan.batches(Spent { deadline, meter: of_call, serving });
        let batches = match apart {
            true => self.threads.run(|serving| begin(Some(serving))),
            false => begin(None),
        };
        Answer { schema, batches: timely(batches, deadline), meter, deadline }
    }

    async fn plan_table(&self, request: Request, deadline: Instant) -> Result<Plan, Error> {
        let connection = self.namespace.connection(request.connection.as_deref())?.clone();
        let named = request.columns.as_deref();
        let filter = request.filter.as_deref();
        let words = filter.map(|text| Words::read(text, &self.names)).transpose()?;
        let mut wanted = named.unwrap_or_default().to_vec();
        if let Some(words) = &words {
            let table = connection.catalog.table(&request.table)?;
            let columns = table.columns.iter().map(|column| column.name.to_string());
            wanted.extend(columns.filter(|name| words.has(name)));
        }
        let opened = Opened::find(connection, &request.table, &request.of, &wanted).await?;
        let opened = Arc::new(opened);
        let Some(words) = words else { return self.plan_rows(&request, opened, None) };
        let engine = self.clone();
        let plan = async move { engine.plan_rows(&request, opened, Some(&words)) };
        self.threads.plan(deadline, plan).await
    }

    /// Plans the rows of what was opened; the words are those of the filter.
    fn plan_rows(
        &self,
        request: &Request,
        opened: Arc<Opened>,
        words: Option<&Words>,
    ) -> Result<Plan, Error> {
        let filter = request.filter.as_deref();
        let scan = Scan {
            columns: opened.select(request.columns.as_deref())?,
            limit: request.limit,
            ..Scan::new(opened.table.clone(), None, None)?
        };
        let has = |column: &&Column| opened.has(&column.name);
        let all = opened.table.columns.iter().filter(has).cloned().collect();
        let rows = Rows::new(opened.clone(), all, request.part, false)?;
        let rows = if self.pushdown { rows } else { rows.alone() };
        let name = &*opened.table.name;
        let mut state = (*self.base).clone();
        // What `now()` means.
        state.mark_start_execution();
        let mut plan = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(rows)), None)?;
        if let (Some(text), Some(words)) = (filter, words) {
            let expr = statement::parse_expr(text, words, &self.base)?;
            let expr = ExprWithAlias { expr, alias: None };
            let failed = |error| Error::planning(text, error);
            let schema = plan.schema().clone();
            let expr = state.create_logical_expr_from_sql_expr(expr, &schema).map_err(failed)?;
            plan = plan.filter(expr).map_err(failed)?;
        }
        let columns = scan.columns.iter().map(|column| Expr::Column(qualified(name, column)));
        let mut plan = plan.project(columns)?;
        if let Some(limit) = request.limit {
            plan = plan.limit(0, Some(usize::try_from(limit).unwrap_or(usize::MAX)))?;
        }
        let text = filter.unwrap_or_default();
        let plan = state.optimize(&plan.build()?).map_err(|error| Error::planning(text, error))?;
        plan_size::constants(&plan)?;
        Ok(Plan {
            schema: scan.schema(),
            longest: opened.connection.live.deadline(),
            table: Some(opened),
            runs: vec![plan],
            state,
            stored: None,
            divisible: false,
            apart: words.is_some(),
        })
    }

    /// A statement whose parameters have no values yet.
    async fn unbound(&self, asked: &Statement, serving: &Serving) -> Result<Planned, Error> {
        let (base, names, pushdown) = (&self.base, &self.names, self.pushdown);
        statement::plan(base, &self.namespace, names, asked, pushdown, serving).await
    }

    async fn plan_statement(&self, asked: &Statement, serving: &Serving) -> Result<Plan, Error> {
        let Planned { plan, state, only, shown } = self.unbound(asked, serving).await?;
        let failed = |error| Error::planning(&asked.text, error);
        let stored = only.filter(|only| only.known().is_some());
        let bound = bind::bound(plan, asked.parameters.as_ref())?;
        let runs: Vec<_> = bound
            .iter()
            .map(|plan| state.optimize(plan))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        runs.iter().try_for_each(plan_size::constants)?;
        let Some(first) = runs.first() else { return Err(Error::NotBound) };
        let longest = self.namespace.connections().map(|it| it.live.deadline()).max();
        Ok(Plan {
            schema: shape::announced(&shape::shown(first.schema().as_arrow(), &shown)),
            table: None,
            divisible: match &*runs {
                [run] if stored.is_some() => reads_once(run)? && divisible(run),
                _ => false,
            },
            stored,
            runs,
            state,
            longest: longest.unwrap_or_default(),
            apart: true,
        })
    }
}

fn qualified(table: &str, column: &Column) -> Named {
    Named::new(Some(table), &*column.name)
}

/// Whether a plan reads one table, subqueries included, whose parts are then parts of the answer.
fn reads_once(plan: &LogicalPlan) -> Result<bool, Error> {
    let mut tables = 0;
    plan.apply_with_subqueries(|step| {
        tables += usize::from(matches!(step, LogicalPlan::TableScan(_)));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(tables == 1)
}

/// Whether a plan's rows can be had side by side from the parts of the table that it reads.
fn divisible(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => divisible(&projection.input),
        LogicalPlan::Filter(filter) if filter.input.inputs().is_empty() => divisible(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => divisible(&alias.input),
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
            source_as_provider(&scan.source).is_ok_and(|table| table.is::<Rows>())
        }
        _ => false,
    }
}

impl Plan {
    /// Its batches, for a call that has this to spend.
    fn batches(self, spent: Spent) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let Plan { schema, runs, mut state, .. } = self;
        state.config_mut().set_extension(Arc::new(spent));
        let state = Arc::new(state);
        let each = stream::iter(runs).then(move |run| {
            let state = state.clone();
            async move {
                let plan = state.query_planner().create_physical_plan(&run, &*state).await?;
                execute_stream(plan, state.task_ctx())
            }
        });
        let batches = each.try_flatten().map(move |batch| match batch {
            Ok(batch) => shape::conform(batch, &schema),
            Err(error) => Err(Error::from(error)),
        });
        batches.boxed()
    }

    /// The schema of the answer.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The schema of all columns that the table gives by default, whether this state of it has them
    /// or not, where a table was asked for.
    pub fn whole(&self) -> Option<SchemaRef> {
        let opened = self.table.as_ref()?;
        Some(Scan::new(opened.table.clone(), None, None).ok()?.schema())
    }

    /// What is known of the table's rows before they are read, where a stored table was asked for.
    pub fn known(&self) -> Option<Known> {
        self.table.as_ref()?.known()
    }

    /// What the answer is, where that never changes.
    pub fn fixed(&self) -> Option<Fixed> {
        match &*self.runs {
            [run] => Fixed::of(run, self.schema.clone()),
            _ => None,
        }
    }

    /// The commands that together read what was planned. Each names the version that it reads, so
    /// that all read the same whatever is loaded meanwhile.
    pub fn parts(&self, command: &Command) -> Vec<Command> {
        match command {
            Command::Table(request) => {
                self.table_parts(request).into_iter().map(Command::Table).collect()
            }
            Command::Sql(statement) => {
                self.statement_parts(statement).into_iter().map(Command::Sql).collect()
            }
        }
    }

    fn statement_parts(&self, statement: &Statement) -> Vec<Statement> {
        let known = self.stored.as_ref().and_then(|stored| stored.known());
        let Some(known) = known else { return vec![statement.clone()] };
        let pinned = Statement { version: Some(known.version), ..statement.clone() };
        if !self.divisible || known.parts == 1 || statement.part.is_some() {
            return vec![pinned];
        }
        let part = |index| Part { index, of: known.parts };
        (0..known.parts)
            .map(|index| Statement { part: Some(part(index)), ..pinned.clone() })
            .collect()
    }

    fn table_parts(&self, request: &Request) -> Vec<Request> {
        let Some(known) = self.known() else { return vec![request.clone()] };
        let of = Of::Rows(Some(Version::Stored(Which::Number(known.version))));
        let pinned = Request { of, ..request.clone() };
        // A limit holds for all parts together, so that one has to keep it.
        if known.parts == 1 || request.part.is_some() || request.limit.is_some() {
            return vec![pinned];
        }
        let part = |index| Part { index, of: known.parts };
        (0..known.parts)
            .map(|index| Request { part: Some(part(index)), ..pinned.clone() })
            .collect()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("schema", &self.schema)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}
