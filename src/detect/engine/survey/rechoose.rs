//! Chooses each rule's triggers anew from what was counted.
//!
//! Two things cost: evaluating rules that were set off, and searching a field that no trigger needs otherwise. First every
//! rule takes what is cheapest as if others shared the search; then a field is given up where that costs its rules less.

use hashbrown::HashMap;
use hashbrown::HashSet;

use super::Survey;
use crate::detect::engine::plan::NO_SLOT;
use crate::detect::engine::plan::Node;
use crate::detect::engine::plan::Plan;
use crate::detect::engine::predicates::Predicates;
use crate::detect::engine::trigger::Trigger;
use crate::detect::engine::trigger::Triggers;
use crate::detect::engine::trigger::of_predicate;

/// Rules that are taken to share the search of a field before it is known how many do.
const SHARED_BY: f64 = 8.0;
/// A plan is built anew when an event then costs so much less, in rules evaluated.
const GAIN_MIN: f64 = 0.05;
/// Searching a field, in rules evaluated: looking the value up, and for each byte of a value not seen before.
const SEARCH: f64 = 0.2;
const SEARCH_BYTE: f64 = 0.001;
const SEARCH_MAX: f64 = 4.0;
/// A search looks at one group of bytes a step, and the shortest literal sets how long the steps are.
const STEP: f64 = 0.024;

/// Triggers by rule of the plan; `None` for those that are evaluated always.
pub(in crate::detect::engine) type Chosen = Vec<Option<Triggers>>;

/// A choice for one condition: predicates of the plan of which one must be met, and the fields they are searched in.
#[derive(Debug, Clone, Default)]
struct Choice {
    any_of: Vec<Trigger>,
    locals: Vec<u32>,
    slots: Vec<u16>,
    cost: f64,
}

/// Returns better triggers, if they are better by enough.
pub(in crate::detect::engine) fn rechoose(plan: &Plan, predicates: &Predicates, survey: &Survey) -> Option<Chosen> {
    let mut chooser = Chooser { plan, predicates, survey, closed: vec![1.0 / SHARED_BY; plan.fields.len()] };
    let first: Vec<Option<Choice>> = plan.rules.iter().map(|rule| chooser.necessary(rule.root, true)).collect();
    let open: HashSet<u16> = first.iter().flatten().flat_map(|choice| choice.slots.iter().copied()).collect();
    for (slot, closed) in (0_u16..).zip(&mut chooser.closed) {
        *closed = if open.contains(&slot) { 0.0 } else { 1.0 };
    }
    let mut choices: Vec<Option<Choice>> = plan.rules.iter().map(|rule| chooser.necessary(rule.root, true)).collect();
    for slot in open {
        chooser.close(slot, &mut choices);
    }
    let after = chooser.cost_of(&choices);
    let before = chooser.cost_now();
    (before - after > GAIN_MIN).then(|| choices.into_iter().map(|choice| Some(triggers(choice?))).collect())
}

fn triggers(choice: Choice) -> Triggers {
    Triggers { cost: choice.cost, any_of: choice.any_of }
}

struct Chooser<'p> {
    plan: &'p Plan,
    predicates: &'p Predicates,
    survey: &'p Survey,
    /// By slot: the share of searching it that a rule bears which needs it. 0 when it is searched anyway.
    closed: Vec<f64>,
}

impl Chooser<'_> {
    fn search_cost(&self, slot: u16) -> f64 {
        let (share, length) = self.survey.field(slot);
        share * (SEARCH + SEARCH_BYTE * length).min(SEARCH_MAX)
    }

    /// Stops searching a field if its rules do nearly as well without.
    fn close(&mut self, slot: u16, choices: &mut [Option<Choice>]) {
        let Some(closed) = self.closed.get_mut(usize::from(slot)) else { return };
        *closed = f64::INFINITY;
        let mut dearer = 0.0;
        let mut others = Vec::new();
        for (at, choice) in choices.iter().enumerate() {
            let Some(choice) = choice.as_ref().filter(|choice| choice.slots.contains(&slot)) else { continue };
            let root = self.plan.rules.get(at).map_or(0, |rule| rule.root);
            let other = self.necessary(root, true).filter(|other| other.cost.is_finite());
            dearer += other.as_ref().map_or(f64::INFINITY, |other| other.cost - choice.cost);
            others.push((at, other));
        }
        if dearer < self.search_cost(slot) {
            for (at, other) in others {
                if let Some(choice) = choices.get_mut(at) {
                    *choice = other;
                }
            }
        } else if let Some(closed) = self.closed.get_mut(usize::from(slot)) {
            *closed = 0.0;
        }
    }

    /// The cheapest choice for a condition to hold (or not to); `None` when it can with nothing met.
    fn necessary(&self, at: u32, positive: bool) -> Option<Choice> {
        let each = |first: u32, count: u32| (first..first.saturating_add(count)).map(|at| self.necessary(at, positive));
        let cheapest = |choices: &mut dyn Iterator<Item = Option<Choice>>| {
            choices.flatten().min_by(|left, right| left.cost.total_cmp(&right.cost))
        };
        let union = |choices: &mut dyn Iterator<Item = Option<Choice>>| {
            let mut joined = Choice::default();
            for choice in choices {
                let choice = choice?;
                joined.cost += choice.cost;
                joined.any_of.extend(choice.any_of);
                joined.locals.extend(choice.locals);
                joined.slots.extend(choice.slots);
            }
            joined.slots.sort_unstable();
            joined.slots.dedup();
            Some(joined)
        };
        match self.plan.nodes.get(at as usize)? {
            Node::Test(predicate) if positive => self.of_predicate(*predicate),
            Node::Test(_) => None,
            Node::Not(inner) => self.necessary(*inner, !positive),
            Node::All { first, count } if positive => cheapest(&mut each(*first, *count)),
            Node::Any { first, count } if !positive => cheapest(&mut each(*first, *count)),
            Node::All { first, count } | Node::Any { first, count } => union(&mut each(*first, *count)),
        }
    }

    fn of_predicate(&self, local: u32) -> Option<Choice> {
        let entry = self.plan.predicates.get(local as usize)?;
        let mut guess = 0.0;
        let mut any_of = Vec::new();
        for id in std::iter::once(entry.id).chain(entry.others.iter().copied()) {
            let triggers = of_predicate(id, self.predicates)?;
            guess += triggers.cost;
            any_of.extend(triggers.any_of);
        }
        if let [Trigger::Present(_)] = any_of.as_slice() {
            let (share, _) = self.survey.field(entry.slot);
            let cost = share.max(guess.min(1.0) * 1e-3);
            return Some(Choice { any_of, locals: vec![local], slots: Vec::new(), cost });
        }
        if any_of.is_empty() {
            return Some(Choice::default());
        }
        let mut cost = self.survey.rate(local, guess);
        let mut slots = Vec::new();
        if entry.slot != NO_SLOT {
            slots.push(entry.slot);
            let (share, length) = self.survey.field(entry.slot);
            if entry.step > 0 {
                cost += share * length * STEP / f64::from(entry.step) / SHARED_BY;
            }
            let closed = self.closed.get(usize::from(entry.slot)).copied().unwrap_or(0.0);
            // What no event had costs nothing to look for; never to be searched is another matter.
            cost += if closed.is_finite() { closed * self.search_cost(entry.slot) } else { closed };
        }
        Some(Choice { any_of, locals: vec![local], slots, cost })
    }

    /// What an event costs when each predicate sets so many rules off.
    fn cost(&self, triggers: impl Iterator<Item = (u32, usize)>, always: usize) -> f64 {
        let mut steps: HashMap<u16, u8> = HashMap::new();
        let mut sum = always as f64;
        for (local, rules) in triggers {
            let Some(entry) = self.plan.predicates.get(local as usize) else { continue };
            if !entry.is_searched {
                sum += self.survey.field(entry.slot).0 * rules as f64;
                continue;
            }
            sum += self.survey.rate(local, 0.0) * rules as f64;
            let step = if entry.step == 0 { u8::MAX } else { entry.step };
            let have = steps.entry(entry.slot).or_insert(step);
            *have = step.min(*have);
        }
        steps.remove(&NO_SLOT);
        let searches = steps.into_iter().map(|(slot, step)| {
            let (share, length) = self.survey.field(slot);
            self.search_cost(slot) + if step == u8::MAX { 0.0 } else { share * length * STEP / f64::from(step) }
        });
        sum + searches.sum::<f64>()
    }

    /// What an event costs with the triggers the plan was built with.
    fn cost_now(&self) -> f64 {
        let triggered = (0_u32..).zip(self.plan.all_triggered().map(<[u32]>::len));
        self.cost(triggered.filter(|(_, rules)| *rules > 0), self.plan.always.len())
    }

    fn cost_of(&self, choices: &[Option<Choice>]) -> f64 {
        let always = choices.iter().filter(|choice| choice.is_none()).count();
        self.cost(choices.iter().flatten().flat_map(|choice| choice.locals.iter().map(|local| (*local, 1))), always)
    }
}
