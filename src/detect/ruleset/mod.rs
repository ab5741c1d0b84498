//! The rules in force: read, compiled, immutable. A change makes a new set, swapped in whole.

mod arrival;
mod builder;
mod files;
mod load;

pub use files::RuleFile;
pub use files::read_folder;
pub use load::Content;

use std::sync::Arc;

use hashbrown::HashMap;

use crate::detect::engine::MatchedPart;
use crate::detect::engine::Predicates;
use crate::detect::engine::Tree;
use crate::detect::engine::Triggers;
use crate::detect::engine::explain;
use crate::detect::mapping::Mapping;
use crate::detect::sigma::correlation::Correlation;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::rule::RuleMeta;
use crate::diag::Located;
use crate::model::Event;
use crate::model::LogSource;

/// A compiled condition.
#[derive(Debug)]
pub(in crate::detect) struct Program {
    pub(in crate::detect) tree: Tree,
    /// What must be met before the rule is looked at; `None` when it must be evaluated for every event.
    pub(in crate::detect) triggers: Option<Triggers>,
}

/// A correlation whose rules were found and whose fields were mapped.
#[derive(Debug)]
pub(in crate::detect) struct CompiledCorrelation {
    pub(in crate::detect) source: Correlation,
    pub(in crate::detect) meta: Arc<RuleMeta>,
    /// For each group-by name its field in each of the rules.
    pub(in crate::detect) group_fields: Vec<Vec<String>>,
    /// For each field measured its name in each of the rules.
    pub(in crate::detect) value_fields: Vec<Vec<String>>,
    /// Over the correlation and all it refers to.
    pub(in crate::detect) state_hash: u64,
}

/// How rules are compiled.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// East of UTC, for the parts of times (`|hour`).
    pub utc_offset_seconds: i32,
    /// What stands for placeholders (`%name%`).
    pub lists: HashMap<String, Vec<String>>,
    /// From the rules' field names to the events'.
    pub mapping: Mapping,
}

/// Which correlations look at a rule, and as which of their rules.
type Watchers = Vec<Vec<(usize, u16)>>;

/// Rules, compiled together.
#[derive(Debug, Default)]
pub struct RuleSet {
    metas: Vec<Arc<RuleMeta>>,
    programs: Vec<Program>,
    predicates: Predicates,
    /// Rules by the log source they name.
    by_logsource: Vec<(RuleLogSource, Vec<u32>)>,
    correlations: Vec<Arc<CompiledCorrelation>>,
    rule_watchers: Watchers,
    correlation_watchers: Watchers,
    utc_offset_seconds: i32,
}

impl RuleSet {
    /// Compiles files of rules. What is broken is reported and left out; the rest runs.
    pub fn compile(files: &[RuleFile], options: &Options) -> (RuleSet, Vec<Located<RuleError>>) {
        builder::compile(files, options)
    }

    /// Returns how many rules are in the set, correlations not counted.
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    /// Says whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty() && self.correlations.is_empty()
    }

    /// Returns what a rule says about itself.
    pub fn rule(&self, index: usize) -> Option<&Arc<RuleMeta>> {
        self.metas.get(index)
    }

    /// Goes through the rules in their order, then the correlations.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
        self.metas.iter().chain(self.correlations.iter().map(|correlation| &correlation.meta))
    }

    /// Returns how many correlations are in the set.
    pub fn correlation_count(&self) -> usize {
        self.correlations.len()
    }

    /// Returns how many distinct predicates the rules come to.
    pub fn predicate_count(&self) -> usize {
        self.predicates.len()
    }

    /// Goes through the rules that must be evaluated for every event of their log source.
    pub fn untriggered(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
        self.metas.iter().zip(&self.programs).filter(|(_, program)| program.triggers.is_none()).map(|(meta, _)| meta)
    }

    /// Says why a rule matched an event; empty when it does not.
    pub fn explain(&self, rule: usize, event: &Event<'_>) -> Vec<MatchedPart> {
        self.program(rule)
            .map_or_else(Vec::new, |program| explain(&program.tree, &self.predicates, event, self.utc_offset_seconds))
    }

    /// Returns the rules that can apply to a log source, in their order.
    pub(in crate::detect) fn rules_for(&self, logsource: &LogSource) -> Vec<u32> {
        let admitted = |rule: &RuleLogSource| {
            logsource.admits(rule.product.as_deref(), rule.service.as_deref(), rule.category.as_deref())
        };
        let groups = self.by_logsource.iter().filter(|(rule, _)| admitted(rule));
        let mut rules: Vec<u32> = groups.flat_map(|(_, rules)| rules.iter().copied()).collect();
        rules.sort_unstable();
        rules
    }

    pub(in crate::detect) fn program(&self, rule: usize) -> Option<&Program> {
        self.programs.get(rule)
    }

    pub(in crate::detect) fn predicates(&self) -> &Predicates {
        &self.predicates
    }

    pub(in crate::detect) fn utc_offset_seconds(&self) -> i32 {
        self.utc_offset_seconds
    }

    pub(in crate::detect) fn correlations(&self) -> &[Arc<CompiledCorrelation>] {
        &self.correlations
    }

    pub(in crate::detect) fn correlations_of_rule(&self, rule: usize) -> &[(usize, u16)] {
        self.rule_watchers.get(rule).map_or(&[], Vec::as_slice)
    }

    pub(in crate::detect) fn correlations_of_correlation(&self, correlation: usize) -> &[(usize, u16)] {
        self.correlation_watchers.get(correlation).map_or(&[], Vec::as_slice)
    }
}
