//! DataFusion as this server uses it.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::ambiguity::Unambiguous;
use super::catalogs::Catalogs;
use super::columnless::Columnless;
use super::correlation::Correlation;
use super::count::Count;
use super::fair::Fair;
use super::few::Few;
use super::lineage::Lineage;
use super::membership::Membership;
use super::multisets::Multisets;
use super::outer::Outer;
use super::patterns::Patterns;
use super::projections::Projections;
use super::sanity::Sane;
use super::threads::Serving;
use super::totals::Totals;
use super::windows::Windows;
use super::{bounded, plan_size};
use crate::clock::Instant;
use crate::graph::Meter;
use crate::limits::query as limits;

/// What one call has to spend, and what it has used: an extension of the session that its plan
/// runs in.
#[derive(Debug)]
pub struct Spent {
    /// When it has to be over.
    pub deadline: Instant,
    /// What its reads ask of Graph.
    pub meter: Arc<Meter>,
    /// Who reads tables for it, where its own threads do not.
    pub serving: Option<Serving>,
}

/// What all statements have in common: functions, rules, and memory.
pub fn base() -> Result<SessionState> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits::MEMORY_BYTES_MAX)))
        .build_arc()?;
    let mut state = SessionStateBuilder::new_with_default_features()
        .with_config(config())
        .with_runtime_env(runtime)
        .with_analyzer_rule(Arc::new(Correlation))
        .with_analyzer_rule(Arc::new(Multisets))
        .with_optimizer_rules(rules())
        .with_physical_optimizer_rules(physical_rules())
        .build();
    datafusion_functions_json::register_all(&mut state)?;
    bounded::bound(&mut state)?;
    plan_size::bound(&mut state)?;
    Ok(state)
}

/// DataFusion's rules, and in front of those that are at fault the ones that keep them from it.
fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![Arc::new(Patterns)];
    for rule in Optimizer::new().rules {
        match rule.name() {
            "decorrelate_predicate_subquery" => rules.extend([Arc::new(Membership) as _, rule]),
            "optimize_projections" => rules.extend([Arc::new(Projections) as _, rule]),
            "push_down_filter" => rules.push(Arc::new(Totals(rule))),
            _ => rules.push(rule),
        }
    }
    rules.push(Arc::new(Count));
    rules
}

/// The same for steps, and ours behind them.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = Vec::new();
    for rule in PhysicalOptimizer::new().rules {
        match rule.name() {
            "EnsureRequirements" => {
                rules.extend([Arc::new(Outer) as _, Arc::new(Columnless) as _, rule]);
            }
            "SanityCheckPlan" => rules.push(Arc::new(Sane(rule))),
            "FilterPushdown" | "FilterPushdown(Post)" => rules.push(Arc::new(Unambiguous(rule))),
            _ => rules.push(rule),
        }
    }
    rules.extend([Arc::new(Lineage) as _, Arc::new(Few) as _, Arc::new(Fair) as _]);
    rules.push(Arc::new(Windows));
    rules
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false)
        .with_target_partitions(limits::PARTITIONS)
        .with_batch_size(limits::BATCH_ROWS);
    let options = config.options_mut();
    // Names come spelt as the tables spell them.
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.collect_spans = true;
    // Every client reads Utf8; views carry their whole buffers in each slice.
    options.sql_parser.map_string_types_to_utf8view = false;
    // What a CASE may be null of is reckoned twice, and not always alike
    // (<https://github.com/apache/datafusion/pull/23844>). Answers say of all columns that they may.
    options.execution.skip_physical_aggregate_schema_check = true;
    let optimizer = &mut options.optimizer;
    // Dealing pages out to the cores would ask for pages ahead of whoever stops early.
    optimizer.enable_round_robin_repartition = false;
    // A join's other side is asked for by what the first has found.
    optimizer.hash_join_inlist_pushdown_max_size = limits::DYNAMIC_VALUES_BYTES_MAX;
    optimizer.hash_join_inlist_pushdown_max_distinct_values = limits::DYNAMIC_VALUES_MAX;
    config
}

/// The state that one statement is planned in.
pub fn of(base: &SessionState, catalogs: Catalogs) -> SessionState {
    let mut config = base.config().clone();
    let names = &mut config.options_mut().catalog;
    names.default_catalog = catalogs.default_catalog().to_owned();
    names.default_schema = catalogs.default_schema().to_owned();
    let mut state = SessionStateBuilder::new_from_existing(base.clone())
        .with_config(config)
        .with_catalog_list(Arc::new(catalogs))
        .build();
    // What `now()` means.
    state.mark_start_execution();
    state
}
