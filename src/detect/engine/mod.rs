//! The matcher: all rules of a log source at once, at a cost that hardly depends on how many there are.
//!
//! Rules that apply to one log source are compiled into a plan. An event's values are looked up in the plan's field
//! indexes; what they meet marks predicates, and only rules with a marked trigger are evaluated.
//! Nothing is allocated when nothing matches.

mod evaluate;
mod explain;
mod index;
mod look_up;
mod memory;
mod plan;
mod predicates;
mod survey;
mod trigger;

pub use explain::MatchedPart;

pub(in crate::detect) use evaluate::first_text;
pub(in crate::detect) use explain::explain;
pub(in crate::detect) use predicates::Predicates;
pub(in crate::detect) use predicates::Tree;
pub(in crate::detect) use trigger::Triggers;
pub(in crate::detect) use trigger::choose;

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use self::evaluate::Ctx;
use self::memory::Names;
use self::memory::Scratch;
use self::memory::Table;
use self::plan::LEVELS;
use self::plan::Plan;
use self::plan::Source;
use self::survey::Chosen;
use self::survey::Survey;
use self::survey::rechoose;
use crate::detect::limits::Meter;
use crate::detect::limits::Turn;
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

/// A plan, and what was learned while running it.
#[derive(Debug)]
struct Loaded {
    plan: Plan,
    names: Names,
    /// Apart for events with a raw line and without: keywords are looked for elsewhere.
    memo: [Vec<Table>; 2],
    survey: Survey,
}

/// Matches events against a rule set; one per thread.
#[derive(Debug)]
pub struct Engine {
    ruleset: Arc<RuleSet>,
    loaded: Vec<Loaded>,
    by_logsource: HashMap<LogSource, usize, FixedState>,
    /// The log sources seen, each with its plan.
    sources: Vec<(LogSource, usize)>,
    /// The source of the last event: the next one mostly comes from there too, and comparing is cheaper than hashing.
    last: usize,
    /// Plans by the set of rules in them: log sources that admit the same rules share one.
    by_rules: HashMap<Vec<u32>, usize>,
    /// The plan of all rules, for events whose log source is not known.
    all_rules: Option<usize>,
    /// Bytes of all memos.
    memo_bytes: usize,
    scratch: Scratch,
    matches: Vec<Match>,
    /// Slows down rules that take too long; without it, every rule is asked always.
    meter: Option<Box<Meter>>,
}

impl Engine {
    /// Starts an engine for a rule set.
    pub fn new(ruleset: Arc<RuleSet>) -> Engine {
        Engine {
            ruleset,
            loaded: Vec::new(),
            by_logsource: HashMap::default(),
            sources: Vec::new(),
            last: 0,
            by_rules: HashMap::new(),
            all_rules: None,
            memo_bytes: 0,
            scratch: Scratch::default(),
            matches: Vec::new(),
            meter: None,
        }
    }

    /// Has rules that take too long asked less often.
    pub(in crate::detect) fn meter(&mut self, meter: Meter) {
        self.meter = Some(Box::new(meter));
    }

    /// Goes through the rules that are or were slowed down: place, events skipped, of how many it is asked for one.
    pub(in crate::detect) fn slowed(&self) -> impl Iterator<Item = (usize, u64, u32)> {
        self.meter.iter().flat_map(|meter| meter.slowed())
    }

    /// Returns the rule set the engine runs.
    pub fn ruleset(&self) -> &Arc<RuleSet> {
        &self.ruleset
    }

    /// Swaps the rule set in, and builds the plans of every log source seen so far before the next event needs them.
    pub fn swap(&mut self, ruleset: Arc<RuleSet>) {
        let seen: Vec<LogSource> = self.sources.drain(..).map(|(logsource, _)| logsource).collect();
        self.forget_plans();
        if let Some(meter) = &mut self.meter {
            meter.restart();
        }
        self.ruleset = ruleset;
        for logsource in &seen {
            self.warm(logsource);
        }
    }

    /// Compiles what a log source needs before its first event does; without it, that event waits for it.
    pub fn warm(&mut self, logsource: &LogSource) {
        self.plan_of(logsource);
    }

    /// Returns the rules that match the event, in the order of the rule set.
    pub fn matches(&mut self, event: &Event<'_>) -> &[Match] {
        let plan = self.plan_of(&event.logsource);
        self.run(plan, event)
    }

    /// Returns the rules that match an event whose log source nobody knows: none is left out for it.
    pub fn matches_any_source(&mut self, event: &Event<'_>) -> &[Match] {
        let plan = match self.all_rules {
            Some(plan) => plan,
            None => {
                let plan = self.load((0..self.ruleset.len() as u32).collect());
                self.all_rules = Some(plan);
                plan
            }
        };
        self.run(plan, event)
    }

    fn run(&mut self, at: usize, event: &Event<'_>) -> &[Match] {
        self.matches.clear();
        let Some(Loaded { plan, names, memo, survey }) = self.loaded.get_mut(at) else { return &self.matches };
        if plan.rules.is_empty() {
            return &self.matches;
        }
        let scratch = &mut self.scratch;
        let memo = &mut memo[usize::from(event.raw.is_empty())];
        if memo.is_empty() {
            memo.resize_with(plan.fields.len() * LEVELS, Table::default);
        }
        std::mem::swap(&mut scratch.memo, memo);
        scratch.marks.prepare(plan.predicates.len(), plan.rules.len(), plan.fields.len());
        look_up::eagerly(plan, names, event, scratch);
        scratch.marks.add_candidates(&plan.always);
        if !scratch.marks.candidates.is_empty() {
            let ctx = Ctx {
                plan,
                predicates: self.ruleset.predicates(),
                event,
                utc_offset_seconds: self.ruleset.utc_offset_seconds(),
            };
            match &mut self.meter {
                None => judge(ctx, scratch, &mut self.matches),
                Some(meter) => judge_metered(ctx, scratch, meter, &mut self.matches),
            }
        }
        if let Some(meter) = &mut self.meter {
            meter.event();
        }
        std::mem::swap(&mut scratch.memo, memo);
        if survey.wants() && survey.sample(plan, names, event) {
            self.judge_plan(at);
        }
        if self.scratch.memo_growth > 0 {
            self.memo_bytes += std::mem::take(&mut self.scratch.memo_growth);
            self.bound_memos();
        }
        &self.matches
    }

    /// Builds a plan anew if its rules would be set off less often by other triggers.
    #[cold]
    fn judge_plan(&mut self, at: usize) {
        let Some(loaded) = self.loaded.get_mut(at) else { return };
        if let Some(chosen) = rechoose(&loaded.plan, self.ruleset.predicates(), &loaded.survey) {
            let rules: Vec<u32> = loaded.plan.rules.iter().map(|rule| rule.rule).collect();
            loaded.plan = build(&self.ruleset, &rules, Some(&chosen));
            // Both speak of the places in the old plan.
            loaded.names = Names::default();
            loaded.memo = [Vec::new(), Vec::new()];
        }
        loaded.survey.restart();
    }

    /// Forgets what was remembered of values once it takes too much memory.
    fn bound_memos(&mut self) {
        if self.memo_bytes > memory::BYTES_MAX {
            let memos = self.loaded.iter_mut().flat_map(|loaded| &mut loaded.memo);
            memos.flatten().for_each(|table| *table = Table::default());
            self.memo_bytes = 0;
        }
    }

    #[inline]
    fn plan_of(&mut self, logsource: &LogSource) -> usize {
        if let Some((have, plan)) = self.sources.get(self.last)
            && have == logsource
        {
            return *plan;
        }
        self.last = match self.by_logsource.get(logsource) {
            Some(source) => *source,
            None => self.meet_source(logsource),
        };
        self.sources.get(self.last).map_or(usize::MAX, |(_, plan)| *plan)
    }

    #[cold]
    fn meet_source(&mut self, logsource: &LogSource) -> usize {
        if self.sources.len() >= PLANS_MAX {
            self.forget_plans();
        }
        let plan = self.load(self.ruleset.rules_for(logsource));
        let source = self.sources.len();
        self.sources.push((logsource.clone(), plan));
        self.by_logsource.insert(logsource.clone(), source);
        source
    }

    fn load(&mut self, rules: Vec<u32>) -> usize {
        if let Some(plan) = self.by_rules.get(&rules) {
            return *plan;
        }
        let plan = build(&self.ruleset, &rules, None);
        let place = self.loaded.len();
        let (names, survey) = (Names::default(), Survey::default());
        self.loaded.push(Loaded { plan, names, memo: [Vec::new(), Vec::new()], survey });
        self.by_rules.insert(rules, place);
        place
    }

    fn forget_plans(&mut self) {
        self.loaded.clear();
        self.by_logsource.clear();
        self.sources.clear();
        self.by_rules.clear();
        self.all_rules = None;
        self.memo_bytes = 0;
    }
}

/// Evaluates the rules that were set off.
fn judge(ctx: Ctx<'_>, scratch: &mut Scratch, matches: &mut Vec<Match>) {
    let candidates = std::mem::take(&mut scratch.marks.candidates);
    for candidate in &candidates {
        let Some(rule) = ctx.plan.rules.get(*candidate as usize) else { continue };
        if evaluate::holds(ctx, scratch, rule.root) {
            matches.push(Match { rule: rule.rule as usize });
        }
    }
    scratch.marks.candidates = candidates;
    matches.sort_unstable();
}

/// Evaluates the rules that were set off, but for those that take too long.
fn judge_metered(ctx: Ctx<'_>, scratch: &mut Scratch, meter: &mut Meter, matches: &mut Vec<Match>) {
    let candidates = std::mem::take(&mut scratch.marks.candidates);
    for candidate in &candidates {
        let Some(rule) = ctx.plan.rules.get(*candidate as usize) else { continue };
        let place = rule.rule as usize;
        let turn = meter.turn(place);
        if turn == Turn::Skip {
            continue;
        }
        if evaluate::holds(ctx, scratch, rule.root) {
            matches.push(Match { rule: place });
        }
        if let Turn::Time(began) = turn {
            meter.took(place, began);
        }
    }
    scratch.marks.candidates = candidates;
    matches.sort_unstable();
}

/// Compiles rules into a plan, with the triggers guessed when they were read, or with others.
fn build(ruleset: &RuleSet, rules: &[u32], chosen: Option<&Chosen>) -> Plan {
    let sources = rules.iter().enumerate().filter_map(|(at, rule)| {
        let program = ruleset.program(*rule as usize)?;
        let chosen = chosen.and_then(|chosen| chosen.get(at)).map(Option::as_ref);
        Some(Source { rule: *rule, tree: &program.tree, triggers: chosen.unwrap_or(program.triggers.as_ref()) })
    });
    Plan::new(sources, ruleset.predicates())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::path::PathBuf;

    use super::*;
    use crate::detect::ruleset::Options;
    use crate::detect::ruleset::RuleFile;
    use crate::model::Name;
    use crate::model::Timestamp;
    use crate::model::Value;

    fn event(action: &'static str, target: String) -> Event<'static> {
        let mut event = Event::new("", Timestamp(0));
        event.logsource = Cow::Owned(LogSource { product: Some("x".to_owned()), ..LogSource::default() });
        event.push(Name::new("Action"), Value::from(action));
        event.push(Name::new("Target"), Value::from(target));
        event
    }

    /// How many rules a plan looks at for an event.
    fn candidates(engine: &mut Engine, event: &Event<'_>) -> usize {
        engine.matches(event);
        engine.scratch.marks.candidates.len()
    }

    #[test]
    fn a_rule_comes_to_wait_for_what_is_rare_in_the_events_that_come() {
        // As written, `Action` looks rarer: an exact word against a part of a path.
        let text = "title: T\nid: t\nlogsource: {product: x}\ndetection:\n  a:\n    Action: SetValueOfKey\n    \
                    Target|contains: '\\seldom\\seen'\n  condition: a\n";
        let file = RuleFile { path: PathBuf::from("t.yml"), text: text.to_owned() };
        let (set, problems) = RuleSet::compile(&[file], &Options::default());
        assert!(problems.is_empty());
        let mut engine = Engine::new(Arc::new(set));
        let often = |number: u32| event("SetValueOfKey", format!(r"HKLM\software\run\{number}"));
        let seldom = event("setvalueofkey", r"HKLM\Seldom\Seen\x".to_owned());
        assert_eq!(candidates(&mut engine, &often(0)), 1, "as guessed");
        for number in 0..4000 {
            assert!(engine.matches(&often(number)).is_empty());
            if number % 500 == 0 {
                assert_eq!(engine.matches(&seldom), [Match { rule: 0 }]);
            }
        }
        assert_eq!(candidates(&mut engine, &often(1)), 0, "as counted");
        assert_eq!(engine.matches(&seldom), [Match { rule: 0 }]);
        assert!(engine.matches(&event("other", r"HKLM\Seldom\Seen\x".to_owned())).is_empty());
    }
}
