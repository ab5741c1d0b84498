//! Compiles rules into a plan: each predicate once, alternatives of one field as one, literals into the indexes.

use super::Brief;
use super::How;
use super::IndexBuilders;
use super::Indexes;
use super::Level;
use super::NO_SLOT;
use super::Node;
use super::Plan;
use super::PlanPredicate;
use super::PlanRule;
use super::Source;
use super::VIRTUAL;
use crate::detect::engine::index::FieldIndexBuilder;
use crate::detect::engine::index::GRAM;
use crate::detect::engine::index::LONG;
use crate::detect::engine::index::Output;
use crate::detect::engine::index::STRIDE_MAX;
use crate::detect::engine::index::required;
use crate::detect::engine::predicates::PredicateId;
use crate::detect::engine::predicates::Predicates;
use crate::detect::engine::predicates::Tree;
use crate::detect::engine::trigger::Trigger;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;
use crate::detect::sigma::value::folded;
use crate::model::Field;
use hashbrown::HashMap;
use hashbrown::HashSet;

pub(super) struct Builder<'p> {
    predicates: &'p Predicates,
    rules: Vec<PlanRule>,
    nodes: Vec<Node>,
    local: HashMap<PredicateId, u32>,
    entries: Vec<PlanPredicate>,
    groups: HashMap<Box<[PredicateId]>, u32>,
    /// The groups that predicates of the rule at hand are in.
    group_of: HashMap<PredicateId, u32>,
    triggered: Vec<Vec<u32>>,
    always: Vec<u32>,
    triggering: HashSet<PredicateId>,
    fields: Vec<IndexBuilders>,
    keywords: IndexBuilders,
    /// The pseudo-predicate "the field is there", by slot.
    presence: HashMap<u16, u32>,
    slots: HashMap<Box<str>, u16, foldhash::fast::FixedState>,
    names: Vec<Box<str>>,
}

impl<'p> Builder<'p> {
    pub(super) fn new(predicates: &'p Predicates) -> Builder<'p> {
        Builder {
            predicates,
            rules: Vec::new(),
            nodes: Vec::new(),
            local: HashMap::new(),
            entries: Vec::new(),
            groups: HashMap::new(),
            group_of: HashMap::new(),
            triggered: Vec::new(),
            always: Vec::new(),
            fields: Vec::new(),
            triggering: HashSet::new(),
            keywords: IndexBuilders::default(),
            presence: HashMap::new(),
            slots: HashMap::default(),
            names: Vec::new(),
        }
    }

    fn add(&mut self, source: &Source<'_>) {
        let local_rule = self.rules.len() as u32;
        self.group_of.clear();
        let root = self.nodes.len() as u32;
        self.nodes.push(Node::Test(0));
        self.place(root, source.tree);
        self.rules.push(PlanRule { rule: source.rule, root });
        let Some(triggers) = source.triggers else {
            self.always.push(local_rule);
            return;
        };
        for trigger in &triggers.any_of {
            let predicate = match trigger {
                Trigger::Met(id) => self.group_of.get(id).copied().or_else(|| self.predicate(*id)),
                Trigger::Present(id) => self.presence_of(*id),
            };
            match predicate.and_then(|predicate| self.triggered.get_mut(predicate as usize)) {
                Some(rules) if rules.last() != Some(&local_rule) => rules.push(local_rule),
                Some(_) => {}
                None => self.always.push(local_rule),
            }
        }
    }

    /// Fills the node at `at`, laying its children out behind everything placed so far.
    fn place(&mut self, at: u32, tree: &Tree) {
        let node = match tree {
            Tree::Test(id) => Node::Test(self.predicate(*id).unwrap_or(u32::MAX)),
            Tree::Not(inner) => {
                let child = self.reserve(1);
                self.place(child, inner);
                Node::Not(child)
            }
            Tree::All(parts) => {
                let (first, count) = self.place_children(&[], parts.iter().collect());
                Node::All { first, count }
            }
            Tree::Any(parts) => {
                let (groups, others) = self.grouped(parts);
                match groups.as_slice() {
                    [group] if others.is_empty() => Node::Test(self.group(group).unwrap_or(u32::MAX)),
                    groups => {
                        let (first, count) = self.place_children(groups, others);
                        Node::Any { first, count }
                    }
                }
            }
        };
        if let Some(slot) = self.nodes.get_mut(at as usize) {
            *slot = node;
        }
    }

    /// Places groups and parts side by side; returns where they begin and how many there are.
    fn place_children(&mut self, groups: &[Vec<PredicateId>], mut parts: Vec<&Tree>) -> (u32, u32) {
        // What is cheap to test comes first, so that what is dear is often not reached.
        parts.sort_by_key(|part| self.weight(part));
        let count = groups.len() + parts.len();
        let first = self.reserve(count);
        for (child, group) in (first..).zip(groups) {
            let node = Node::Test(self.group(group).unwrap_or(u32::MAX));
            if let Some(place) = self.nodes.get_mut(child as usize) {
                *place = node;
            }
        }
        for (child, part) in (first + groups.len() as u32..).zip(parts) {
            self.place(child, part);
        }
        (first, count as u32)
    }

    /// How dear a part is to evaluate, for ordering.
    fn weight(&self, tree: &Tree) -> u32 {
        let sum = |parts: &[Tree]| parts.iter().map(|part| self.weight(part)).fold(1, u32::saturating_add);
        match tree {
            // Known before any rule is looked at.
            Tree::Test(id) if self.triggering.contains(id) => 0,
            Tree::Test(id) => match self.predicates.get(*id).test {
                Test::Exists | Test::Never => 0,
                Test::Regex(_) => 1000,
                Test::Text { .. } | Test::Cidr(_) => 4,
                _ => 10,
            },
            Tree::Not(inner) => self.weight(inner),
            // Where one part is known and mostly false, the others are mostly not reached.
            Tree::All(parts) if parts.iter().any(|part| self.weight(part) == 0) => 1,
            Tree::Any(parts) if parts.iter().all(|part| self.groupable(part).is_some()) => 5,
            Tree::All(parts) | Tree::Any(parts) => sum(parts),
        }
    }

    fn reserve(&mut self, count: usize) -> u32 {
        let first = self.nodes.len() as u32;
        self.nodes.resize(self.nodes.len() + count, Node::Test(u32::MAX));
        first
    }

    fn slot_of(&mut self, name: &str) -> u16 {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = u16::try_from(self.fields.len()).unwrap_or(NO_SLOT);
        // 65,535 distinct fields in one plan: past that, rules on further fields never match.
        if slot != NO_SLOT {
            self.slots.insert(name.into(), slot);
            self.fields.push(IndexBuilders::default());
            self.names.push(name.into());
        }
        slot
    }

    fn new_predicate(&mut self, (id, slot): (PredicateId, u16), how: How, level: Level) -> u32 {
        let (folded, others) = (Vec::new(), Box::default());
        let entry = PlanPredicate { id, slot, how, level, folded, others, is_searched: true, step: 0 };
        let local = self.entries.len() as u32;
        self.entries.push(entry);
        self.triggered.push(Vec::new());
        local
    }

    fn presence_of(&mut self, id: PredicateId) -> Option<u32> {
        let name = self.predicates.get(id).field.as_deref()?;
        let slot = self.slot_of(name);
        if let Some(local) = self.presence.get(&slot) {
            return Some(*local);
        }
        let local = self.new_predicate((id, slot), How::Indexed, Level::First);
        if let Some(entry) = self.entries.get_mut(local as usize) {
            entry.is_searched = false;
        }
        self.fields
            .get_mut(usize::from(slot))?
            .of(Level::First)
            .present
            .push(Output { predicate: local, decided: true });
        self.presence.insert(slot, local);
        Some(local)
    }

    /// Enters a predicate into the plan and its literals into the index of its field.
    fn predicate(&mut self, id: PredicateId) -> Option<u32> {
        if let Some(local) = self.local.get(&id) {
            return Some(*local);
        }
        let predicate = self.predicates.get(id);
        let slot = match predicate.field.as_deref() {
            Some(name) => self.slot_of(name),
            None => NO_SLOT,
        };
        if let Test::Field { other, .. } = &predicate.test {
            self.slot_of(other);
        }
        // Presence costs nothing to know, so it always belongs to the first index.
        let level = self.level_of(id);
        let local = self.new_predicate((id, slot), How::Asked, level);
        self.local.insert(id, local);
        self.enter(id, local, slot, level);
        Some(local)
    }

    fn level_of(&self, id: PredicateId) -> Level {
        match &self.predicates.get(id).test {
            _ if self.triggering.contains(&id) => Level::First,
            Test::Exists => Level::First,
            test if is_scrap(test) => Level::Scraps,
            _ => Level::Rest,
        }
    }

    /// Enters the literals of a predicate into the index of its field, for the entry at `local`.
    fn enter(&mut self, id: PredicateId, local: u32, slot: u16, level: Level) {
        let indexes = if slot == NO_SLOT { Some(&mut self.keywords) } else { self.fields.get_mut(usize::from(slot)) };
        let Some(indexes) = indexes else { return };
        let test = &self.predicates.get(id).test;
        let (how, folded) = enter(test, indexes.of(level), local);
        if let Some(entry) = self.entries.get_mut(local as usize) {
            entry.how = how;
            entry.is_searched &= !matches!(test, Test::Exists);
            let step = step_of(test);
            entry.step = if entry.step == 0 || step == 0 { entry.step.max(step) } else { entry.step.min(step) };
            entry.folded.extend(folded);
        }
    }

    /// Makes one predicate of alternatives that the index of one field decides: a list of 500 names is then one test.
    fn group(&mut self, ids: &[PredicateId]) -> Option<u32> {
        let id = *ids.first()?;
        let slot = self.predicates.get(id).field.as_deref().map_or(NO_SLOT, |name| self.slot_of(name));
        let local = match self.groups.get(ids) {
            Some(local) => *local,
            None => {
                let level = self.level_of(id);
                let local = self.new_predicate((id, slot), How::Indexed, level);
                ids.iter().for_each(|id| self.enter(*id, local, slot, level));
                if let Some(entry) = self.entries.get_mut(local as usize) {
                    entry.others = ids.get(1..).unwrap_or_default().into();
                }
                self.groups.insert(ids.into(), local);
                local
            }
        };
        self.group_of.extend(ids.iter().map(|id| (*id, local)));
        Some(local)
    }

    /// Parts alternatives into groups that one predicate stands for, and what is left.
    fn grouped<'t>(&self, parts: &'t [Tree]) -> (Vec<Vec<PredicateId>>, Vec<&'t Tree>) {
        let mut groups: Vec<(Option<&str>, Level, Vec<PredicateId>)> = Vec::new();
        let mut others = Vec::new();
        for part in parts {
            let Some((id, field)) = self.groupable(part) else {
                others.push(part);
                continue;
            };
            let level = self.level_of(id);
            match groups.iter_mut().find(|(have, have_level, _)| *have == field && *have_level == level) {
                Some((_, _, ids)) => ids.push(id),
                None => groups.push((field, level, vec![id])),
            }
        }
        let mut groups: Vec<Vec<PredicateId>> = groups.into_iter().map(|(_, _, ids)| ids).collect();
        groups.iter_mut().for_each(|ids| {
            ids.sort_unstable();
            ids.dedup();
        });
        (groups, others)
    }

    fn groupable(&self, tree: &Tree) -> Option<(PredicateId, Option<&'p str>)> {
        let Tree::Test(id) = tree else { return None };
        let predicate = self.predicates.get(*id);
        match &predicate.test {
            Test::Text { pattern, cased: false } if pattern.shape() != Shape::Glob => {}
            _ => return None,
        }
        Some((*id, predicate.field.as_deref()))
    }

    /// Compiles the rules together.
    pub(super) fn build(mut self, sources: &[Source<'_>]) -> Plan {
        for trigger in sources.iter().filter_map(|source| source.triggers).flat_map(|triggers| &triggers.any_of) {
            if let Trigger::Met(id) = trigger {
                self.triggering.insert(*id);
            }
        }
        sources.iter().for_each(|source| self.add(source));
        self.finish()
    }

    fn finish(self) -> Plan {
        let mut known = vec![NO_SLOT; Field::count()];
        let mut other: HashMap<Box<str>, u16, foldhash::fast::FixedState> = HashMap::default();
        let mut virtuals = Vec::new();
        for (name, slot) in self.slots {
            match Field::from_name(&name) {
                Some(field) => {
                    known[field.index()] = slot;
                    if VIRTUAL.contains(&field) {
                        virtuals.push((field, slot));
                    }
                }
                None => drop(other.insert(name, slot)),
            }
        }
        virtuals.sort_unstable();
        let fields: Vec<Indexes> = self.fields.into_iter().map(IndexBuilders::build).collect();
        Plan {
            briefs: fields.iter().map(Brief::new).collect(),
            rules: self.rules,
            nodes: self.nodes,
            predicates: self.entries,
            fields,
            keywords: self.keywords.build(),
            always: self.always,
            virtuals,
            triggered: self.triggered,
            known,
            other,
            names: self.names,
        }
    }
}

/// Says whether a test is about a short literal that may stand anywhere.
fn is_scrap(test: &Test) -> bool {
    shortest_anywhere(test).is_some_and(|length| length < LONG)
}

/// Returns how long the steps of a search for the test's literals can be; 0 when none is searched for.
fn step_of(test: &Test) -> u8 {
    shortest_anywhere(test).map_or(0, |length| (length + 1).saturating_sub(GRAM).clamp(1, STRIDE_MAX) as u8)
}

/// Returns the length of the shortest literal of a test that may stand anywhere.
fn shortest_anywhere(test: &Test) -> Option<usize> {
    match test {
        Test::Text { pattern, cased } => match pattern.shape() {
            Shape::Contains(_) | Shape::Glob => pattern.longest_literal().map(str::len),
            _ if *cased => pattern.longest_literal().map(str::len),
            _ => None,
        },
        Test::Regex(spec) => required(spec)?.iter().map(String::len).min(),
        _ => None,
    }
}

/// Enters the literals of a test into an index; says how the test is then decided.
fn enter(test: &Test, index: &mut FieldIndexBuilder, predicate: u32) -> (How, Option<Pattern>) {
    let met = Output { predicate, decided: true };
    let seen = Output { predicate, decided: false };
    match test {
        Test::Text { pattern, cased: false } => {
            let pattern = pattern.folded();
            match pattern.shape() {
                Shape::Exact(text) => index.add_exact(text, met),
                Shape::Prefix(text) => index.add_prefix(text, met),
                Shape::Suffix(text) => index.add_suffix(text, met),
                Shape::Contains(text) => index.add_anywhere(text, met),
                Shape::Glob => {
                    let Some(literal) = pattern.longest_literal() else { return (How::Asked, Some(pattern)) };
                    index.add_anywhere(literal, seen);
                    return (How::Gated, Some(pattern));
                }
            }
            (How::Indexed, Some(pattern))
        }
        Test::Text { pattern, cased: true } => match pattern.longest_literal() {
            Some(literal) => {
                index.add_anywhere(&folded(literal), seen);
                (How::Gated, None)
            }
            None => (How::Asked, None),
        },
        Test::Regex(spec) => match required(spec) {
            Some(literals) => {
                literals.iter().for_each(|literal| index.add_anywhere(literal, seen));
                (How::Gated, None)
            }
            None => (How::Asked, None),
        },
        Test::Cidr(network) => {
            index.add_network(*network, met);
            (How::Indexed, None)
        }
        Test::Exists => {
            index.present.push(met);
            (How::Indexed, None)
        }
        Test::Never => (How::Indexed, None),
        _ => (How::Asked, None),
    }
}
