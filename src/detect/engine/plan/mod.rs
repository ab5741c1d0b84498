//! The rules that apply to one log source, compiled together.

mod builder;

use hashbrown::HashMap;

use self::builder::Builder;
use crate::detect::engine::index::FieldIndex;
use crate::detect::engine::index::FieldIndexBuilder;
use crate::detect::engine::predicates::PredicateId;
use crate::detect::engine::predicates::Predicates;
use crate::detect::engine::predicates::Tree;
use crate::detect::engine::trigger::Triggers;
use crate::detect::sigma::value::Pattern;
use crate::model::Field;
use crate::model::ecs;

/// Fields of the event that are not in its list.
pub(in crate::detect::engine) const VIRTUAL: [Field; 5] =
    [ecs::TIMESTAMP, ecs::EVENT_INGESTED, ecs::EVENT_ORIGINAL, ecs::LONGAN_PARSER, ecs::LONGAN_PARSE_ERROR];

/// A slot no field has.
pub(in crate::detect::engine) const NO_SLOT: u16 = u16::MAX;

/// How a predicate is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::engine) enum How {
    /// By the index alone: unmet means false.
    Indexed,
    /// By working it out, but only when its literals were seen.
    Gated,
    /// By working it out when asked.
    Asked,
}

/// A predicate of the plan.
#[derive(Debug)]
pub(in crate::detect::engine) struct PlanPredicate {
    pub(in crate::detect::engine) id: PredicateId,
    /// The slot of the field; `NO_SLOT` for keywords.
    pub(in crate::detect::engine) slot: u16,
    pub(in crate::detect::engine) how: How,
    pub(in crate::detect::engine) level: Level,
    /// The other alternatives it stands for.
    pub(in crate::detect::engine) others: Box<[PredicateId]>,
    /// The values of its field must be searched for it; not so when the field's being there says enough.
    pub(in crate::detect::engine) is_searched: bool,
    /// How long the steps of a search for its literals can be; 0 when none has to be searched for.
    pub(in crate::detect::engine) step: u8,
    /// The case-folded patterns of a text test without case, to test it by itself; one of them must match.
    pub(in crate::detect::engine) folded: Vec<Pattern>,
}

/// How early the literals of a predicate are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::engine) enum Level {
    /// For every event: what sets rules off.
    First,
    /// When a rule that was set off asks for it, which for most events never happens.
    Rest,
    /// Likewise, apart from the rest because short literals are dear to look for.
    Scraps,
}

impl Level {
    /// The levels in their order.
    pub(in crate::detect::engine) const ALL: [Level; LEVELS] = [Level::First, Level::Rest, Level::Scraps];
}

/// How many levels there are.
pub(in crate::detect::engine) const LEVELS: usize = 3;

/// The indexes of a field, one a level.
#[derive(Debug)]
pub(in crate::detect::engine) struct Indexes([FieldIndex; LEVELS]);

impl Indexes {
    /// Returns the index of a level.
    #[inline]
    pub(in crate::detect::engine) fn of(&self, level: Level) -> &FieldIndex {
        &self.0[level as usize]
    }
}

/// What must be known of a field for every event that has it, so that the indexes of most need not be touched.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::engine) struct Brief {
    /// Some predicate holds as soon as the field is there.
    pub(in crate::detect::engine) is_present_asked: bool,
    /// Its values are looked up.
    pub(in crate::detect::engine) reads: bool,
    /// Whole numbers, too.
    pub(in crate::detect::engine) reads_numbers: bool,
}

impl Brief {
    fn new(indexes: &Indexes) -> Brief {
        let index = indexes.of(Level::First);
        Brief { is_present_asked: !index.present.is_empty(), reads: index.reads(), reads_numbers: index.reads_numbers }
    }
}

#[derive(Debug, Default)]
struct IndexBuilders([FieldIndexBuilder; LEVELS]);

impl IndexBuilders {
    fn of(&mut self, level: Level) -> &mut FieldIndexBuilder {
        &mut self.0[level as usize]
    }

    fn build(self) -> Indexes {
        Indexes(self.0.map(FieldIndexBuilder::build))
    }
}

/// A node of a condition; children stand back to back.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::engine) enum Node {
    Test(u32),
    All { first: u32, count: u32 },
    Any { first: u32, count: u32 },
    Not(u32),
}

/// A rule of the plan: its place in the rule set, and the root of its condition.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::engine) struct PlanRule {
    pub(in crate::detect::engine) rule: u32,
    pub(in crate::detect::engine) root: u32,
}

/// Everything needed to match an event of one log source.
#[derive(Debug)]
pub(in crate::detect::engine) struct Plan {
    pub(in crate::detect::engine) rules: Vec<PlanRule>,
    pub(in crate::detect::engine) nodes: Vec<Node>,
    pub(in crate::detect::engine) predicates: Vec<PlanPredicate>,
    pub(in crate::detect::engine) fields: Vec<Indexes>,
    pub(in crate::detect::engine) keywords: Indexes,
    /// Rules that must be evaluated for every event.
    pub(in crate::detect::engine) always: Vec<u32>,
    pub(in crate::detect::engine) virtuals: Vec<(Field, u16)>,
    briefs: Vec<Brief>,
    triggered: Vec<Vec<u32>>,
    known: Vec<u16>,
    other: HashMap<Box<str>, u16, foldhash::fast::FixedState>,
    names: Vec<Box<str>>,
}

/// A rule as the plan needs it.
pub(in crate::detect::engine) struct Source<'r> {
    pub(in crate::detect::engine) rule: u32,
    pub(in crate::detect::engine) tree: &'r Tree,
    pub(in crate::detect::engine) triggers: Option<&'r Triggers>,
}

impl Plan {
    /// Compiles the rules together.
    pub(in crate::detect::engine) fn new<'r>(
        sources: impl Iterator<Item = Source<'r>>,
        predicates: &Predicates,
    ) -> Plan {
        Builder::new(predicates).build(&sources.collect::<Vec<_>>())
    }

    /// Returns the slot of a field, or `NO_SLOT`.
    #[inline]
    pub(in crate::detect::engine) fn known_slot(&self, field: Field) -> u16 {
        self.known.get(field.index()).copied().unwrap_or(NO_SLOT)
    }

    /// Returns what must be known of a field for every event.
    #[inline]
    pub(in crate::detect::engine) fn brief(&self, slot: u16) -> Option<Brief> {
        self.briefs.get(usize::from(slot)).copied()
    }

    /// Returns the slot of a field that is not in the program's own table, or `NO_SLOT`.
    pub(in crate::detect::engine) fn other_slot(&self, name: &str) -> u16 {
        self.other.get(name).copied().unwrap_or(NO_SLOT)
    }

    /// Returns the name of a slot's field.
    pub(in crate::detect::engine) fn field_name(&self, slot: u16) -> &str {
        self.names.get(usize::from(slot)).map_or("", |name| name)
    }

    /// Goes through the predicates with the rules that each sets off.
    pub(in crate::detect::engine) fn all_triggered(&self) -> impl Iterator<Item = &[u32]> {
        self.triggered.iter().map(Vec::as_slice)
    }

    /// Returns the rules a predicate sets off.
    #[inline]
    pub(in crate::detect::engine) fn triggered_by(&self, predicate: u32) -> &[u32] {
        self.triggered.get(predicate as usize).map_or(&[], Vec::as_slice)
    }
}
