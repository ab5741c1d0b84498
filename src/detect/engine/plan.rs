//! The rules that apply to one log source, compiled together.

use hashbrown::HashMap;
use hashbrown::HashSet;

use super::index::FieldIndex;
use super::index::FieldIndexBuilder;
use super::index::Output;
use super::index::required;
use super::look_up::SEPARATOR;
use super::predicates::PredicateId;
use super::predicates::Predicates;
use super::predicates::Tree;
use super::trigger::Trigger;
use super::trigger::Triggers;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;
use crate::detect::sigma::value::folded;
use crate::model::Field;
use crate::model::Name;
use crate::model::ecs;

/// Fields of the event that are not in its list.
pub(super) const VIRTUAL: [Field; 5] =
    [ecs::TIMESTAMP, ecs::EVENT_INGESTED, ecs::EVENT_ORIGINAL, ecs::LONGAN_PARSER, ecs::LONGAN_PARSE_ERROR];

/// A slot no field has.
pub(super) const NO_SLOT: u16 = u16::MAX;

/// How a predicate is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// By the index alone: unmet means false.
    Indexed,
    /// By working it out, but only when its literals were seen.
    Gated,
    /// By working it out when asked.
    Asked,
}

/// A predicate of the plan.
#[derive(Debug)]
pub(super) struct PlanPredicate {
    pub(super) id: PredicateId,
    /// The slot of the field; `NO_SLOT` for keywords.
    pub(super) slot: u16,
    pub(super) how: How,
    /// It sets rules off, so that it is decided once the event's values were looked up.
    pub(super) first: bool,
    /// The case-folded pattern of a text test that the index does not decide.
    pub(super) folded: Option<Pattern>,
}

/// The two indexes of a field.
#[derive(Debug)]
pub(super) struct Indexes {
    /// What sets rules off: looked up for every event.
    pub(super) first: FieldIndex,
    /// Everything else: looked up when a rule that was set off asks for it, which for most events never happens.
    pub(super) rest: FieldIndex,
}

#[derive(Debug, Default)]
struct IndexBuilders {
    first: FieldIndexBuilder,
    rest: FieldIndexBuilder,
}

impl IndexBuilders {
    fn build(self) -> Indexes {
        Indexes { first: self.first.build(), rest: self.rest.build() }
    }
}

/// A node of a condition; children stand back to back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    Test(u32),
    All { first: u32, count: u32 },
    Any { first: u32, count: u32 },
    Not(u32),
}

/// A rule of the plan: its place in the rule set, and the root of its condition.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanRule {
    pub(super) rule: u32,
    pub(super) root: u32,
}

/// Everything needed to match an event of one log source.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) rules: Vec<PlanRule>,
    pub(super) nodes: Vec<Node>,
    pub(super) predicates: Vec<PlanPredicate>,
    pub(super) fields: Vec<Indexes>,
    pub(super) keywords: Indexes,
    /// Keywords may be looked for in all values joined into one text.
    pub(super) keywords_joined: bool,
    /// Rules that must be evaluated for every event.
    pub(super) always: Vec<u32>,
    pub(super) virtuals: Vec<(Field, u16)>,
    triggered: Vec<Vec<u32>>,
    known: Vec<u16>,
    other: HashMap<Box<str>, u16, foldhash::fast::FixedState>,
    names: Vec<Box<str>>,
}

/// A rule as the plan needs it.
pub(super) struct Source<'r> {
    pub(super) rule: u32,
    pub(super) tree: &'r Tree,
    pub(super) triggers: Option<&'r Triggers>,
}

impl Plan {
    /// Compiles the rules together.
    pub(super) fn new<'r>(sources: impl Iterator<Item = Source<'r>>, predicates: &Predicates) -> Plan {
        let sources: Vec<Source<'r>> = sources.collect();
        let mut builder = Builder::new(predicates);
        for trigger in sources.iter().filter_map(|source| source.triggers).flat_map(|triggers| &triggers.any_of) {
            if let Trigger::Met(id) = trigger {
                builder.triggering.insert(*id);
            }
        }
        for source in &sources {
            builder.add(source);
        }
        builder.build()
    }

    /// Returns the slot of a field name.
    #[inline]
    pub(super) fn slot(&self, name: &Name<'_>) -> Option<u16> {
        match name {
            Name::Known(field) => self.known.get(field.index()).copied().filter(|slot| *slot != NO_SLOT),
            Name::Other(name) => self.other.get(name.as_ref()).copied(),
        }
    }

    /// Returns the name of a slot's field.
    pub(super) fn field_name(&self, slot: u16) -> &str {
        self.names.get(usize::from(slot)).map_or("", |name| name)
    }

    /// Returns the rules a predicate sets off.
    #[inline]
    pub(super) fn triggered_by(&self, predicate: u32) -> &[u32] {
        self.triggered.get(predicate as usize).map_or(&[], Vec::as_slice)
    }
}

struct Builder<'p> {
    predicates: &'p Predicates,
    rules: Vec<PlanRule>,
    nodes: Vec<Node>,
    local: HashMap<PredicateId, u32>,
    entries: Vec<PlanPredicate>,
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
    fn new(predicates: &'p Predicates) -> Builder<'p> {
        Builder {
            predicates,
            rules: Vec::new(),
            nodes: Vec::new(),
            local: HashMap::new(),
            entries: Vec::new(),
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
                Trigger::Met(id) => self.predicate(*id),
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
            Tree::All(parts) | Tree::Any(parts) => {
                let first = self.reserve(parts.len());
                // What is cheap to test comes first, so that what is dear is often not reached.
                let mut order: Vec<&Tree> = parts.iter().collect();
                order.sort_by_key(|part| weight(part, self.predicates));
                for (child, part) in (first..).zip(order) {
                    self.place(child, part);
                }
                let count = parts.len() as u32;
                if matches!(tree, Tree::All(_)) { Node::All { first, count } } else { Node::Any { first, count } }
            }
        };
        if let Some(slot) = self.nodes.get_mut(at as usize) {
            *slot = node;
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

    fn new_predicate(&mut self, entry: PlanPredicate) -> u32 {
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
        let local = self.new_predicate(PlanPredicate { id, slot, how: How::Indexed, first: true, folded: None });
        self.fields.get_mut(usize::from(slot))?.first.present.push(Output { predicate: local, decided: true });
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
        let first = self.triggering.contains(&id) || predicate.test == Test::Exists;
        let local = self.new_predicate(PlanPredicate { id, slot, how: How::Asked, first, folded: None });
        self.local.insert(id, local);
        let indexes = match predicate.field {
            Some(_) => self.fields.get_mut(usize::from(slot))?,
            None => &mut self.keywords,
        };
        let index = if first { &mut indexes.first } else { &mut indexes.rest };
        let (how, folded) = enter(&predicate.test, index, local);
        if let Some(entry) = self.entries.get_mut(local as usize) {
            entry.how = how;
            entry.folded = folded;
        }
        Some(local)
    }

    fn build(self) -> Plan {
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
        let joined = |builder: &FieldIndexBuilder| builder.only_anywhere_without(SEPARATOR);
        let keywords_joined = joined(&self.keywords.first) && joined(&self.keywords.rest);
        Plan {
            rules: self.rules,
            nodes: self.nodes,
            predicates: self.entries,
            fields: self.fields.into_iter().map(IndexBuilders::build).collect(),
            keywords: self.keywords.build(),
            keywords_joined,
            always: self.always,
            virtuals,
            triggered: self.triggered,
            known,
            other,
            names: self.names,
        }
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
            (How::Indexed, None)
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

/// How dear a part is to evaluate, for ordering.
fn weight(tree: &Tree, predicates: &Predicates) -> u32 {
    match tree {
        Tree::Test(id) => match predicates.get(*id).test {
            Test::Regex(_) => 1000,
            Test::Text { .. } | Test::Exists | Test::Cidr(_) | Test::Never => 1,
            _ => 10,
        },
        Tree::Not(inner) => weight(inner, predicates),
        Tree::All(parts) | Tree::Any(parts) => {
            parts.iter().map(|part| weight(part, predicates)).sum::<u32>().saturating_add(1)
        }
    }
}
