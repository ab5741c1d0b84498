//! The matcher: all rules of a log source at once, at a cost that hardly depends on how many there are.
//!
//! Rules that apply to one log source are compiled into a plan. An event's values are looked up in the plan's field
//! indexes; what they meet marks predicates, and only rules with a marked trigger are evaluated.
//! Nothing is allocated when nothing matches.

mod evaluate;
mod explain;
mod index;
mod look_up;
mod plan;
mod predicates;
mod scratch;
mod trigger;

pub use explain::MatchedPart;

pub(in crate::detect) use evaluate::first_text;
pub(in crate::detect) use explain::explain;
pub(in crate::detect) use predicates::Predicates;
pub(in crate::detect) use predicates::Tree;
pub(in crate::detect) use trigger::Triggers;
pub(in crate::detect) use trigger::choose;

use std::sync::Arc;

use hashbrown::HashMap;

use self::evaluate::Ctx;
use self::plan::Plan;
use self::plan::Source;
use self::scratch::Scratch;
use crate::detect::ruleset::RuleSet;
use crate::model::Event;
use crate::model::LogSource;

/// Log sources for which a plan is kept. Packs name a few dozen; past this the least useful go and are built anew.
const PLANS_MAX: usize = 512;

/// One rule matched the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The place of the rule in its rule set.
    pub rule: usize,
}

/// Matches events against a rule set; one per thread.
#[derive(Debug)]
pub struct Engine {
    ruleset: Arc<RuleSet>,
    plans: HashMap<LogSource, Arc<Plan>>,
    /// The plan of all rules, for events whose log source is not known.
    all_rules: Option<Arc<Plan>>,
    /// Plans by the set of rules in them: log sources that admit the same rules share one.
    by_rules: HashMap<Vec<u32>, Arc<Plan>>,
    scratch: Scratch,
    matches: Vec<Match>,
}

impl Engine {
    /// Starts an engine for a rule set.
    pub fn new(ruleset: Arc<RuleSet>) -> Engine {
        Engine {
            ruleset,
            plans: HashMap::new(),
            all_rules: None,
            by_rules: HashMap::new(),
            scratch: Scratch::default(),
            matches: Vec::new(),
        }
    }

    /// Returns the rule set the engine runs.
    pub fn ruleset(&self) -> &Arc<RuleSet> {
        &self.ruleset
    }

    /// Swaps the rule set in, and builds the plans of every log source seen so far before the next event needs them.
    pub fn swap(&mut self, ruleset: Arc<RuleSet>) {
        let seen: Vec<LogSource> = self.plans.drain().map(|(logsource, _)| logsource).collect();
        self.by_rules.clear();
        self.all_rules = None;
        self.ruleset = ruleset;
        for logsource in &seen {
            self.plan_of(logsource);
        }
    }

    /// Compiles what a log source needs before its first event does; without it, that event waits for it.
    pub fn warm(&mut self, logsource: &LogSource) {
        drop(self.plan_of(logsource));
    }

    /// Returns the rules that match the event, in the order of the rule set.
    pub fn matches(&mut self, event: &Event<'_>) -> &[Match] {
        let plan = self.plan_of(&event.logsource);
        self.run(&plan, event)
    }

    /// Returns the rules that match an event whose log source nobody knows: none is left out for it.
    pub fn matches_any_source(&mut self, event: &Event<'_>) -> &[Match] {
        let plan = match &self.all_rules {
            Some(plan) => Arc::clone(plan),
            None => {
                let rules: Vec<u32> = (0..self.ruleset.len() as u32).collect();
                let plan = Arc::new(build(&self.ruleset, &rules));
                self.all_rules = Some(Arc::clone(&plan));
                plan
            }
        };
        self.run(&plan, event)
    }

    fn run(&mut self, plan: &Plan, event: &Event<'_>) -> &[Match] {
        self.matches.clear();
        if plan.rules.is_empty() {
            return &self.matches;
        }
        self.scratch.prepare(plan.predicates.len(), plan.rules.len(), plan.fields.len());
        look_up::eagerly(plan, event, &mut self.scratch);
        self.scratch.add_candidates(&plan.always);
        let ctx = Ctx {
            plan,
            predicates: self.ruleset.predicates(),
            event,
            utc_offset_seconds: self.ruleset.utc_offset_seconds(),
        };
        let candidates = std::mem::take(&mut self.scratch.candidates);
        for candidate in &candidates {
            let Some(rule) = plan.rules.get(*candidate as usize) else { continue };
            if evaluate::holds(ctx, &mut self.scratch, rule.root) {
                self.matches.push(Match { rule: rule.rule as usize });
            }
        }
        self.scratch.candidates = candidates;
        self.matches.sort_unstable();
        &self.matches
    }

    fn plan_of(&mut self, logsource: &LogSource) -> Arc<Plan> {
        if let Some(plan) = self.plans.get(logsource) {
            return Arc::clone(plan);
        }
        if self.plans.len() >= PLANS_MAX {
            self.plans.clear();
            self.by_rules.clear();
        }
        let rules = self.ruleset.rules_for(logsource);
        let plan = match self.by_rules.get(&rules) {
            Some(plan) => Arc::clone(plan),
            None => {
                let plan = Arc::new(build(&self.ruleset, &rules));
                self.by_rules.insert(rules, Arc::clone(&plan));
                plan
            }
        };
        self.plans.insert(logsource.clone(), Arc::clone(&plan));
        plan
    }
}

fn build(ruleset: &RuleSet, rules: &[u32]) -> Plan {
    let sources = rules.iter().filter_map(|rule| {
        let program = ruleset.program(*rule as usize)?;
        Some(Source { rule: *rule, tree: &program.tree, triggers: program.triggers.as_ref() })
    });
    Plan::new(sources, ruleset.predicates())
}
