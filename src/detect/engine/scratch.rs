//! What matching one event needs to remember; kept between events so that nothing is allocated.

use super::index::Output;

/// How far a predicate of the plan is decided for the event at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    #[default]
    Unknown,
    /// Its literals were seen; whether it holds is still to be decided.
    Seen,
    True,
    False,
}

/// The memory of one engine.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    states: Vec<State>,
    touched: Vec<u32>,
    is_candidate: Vec<bool>,
    pub(super) candidates: Vec<u32>,
    /// One more than the place of the event's field, by slot; 0 when the event has no such field.
    pub(super) fields: Vec<u32>,
    touched_fields: Vec<u16>,
    /// Of which of the event's fields the rest was looked up.
    looked_up: Vec<bool>,
    keywords_looked_up: bool,
    /// The case-folded value.
    pub(super) folded: String,
    /// The text of a value that is not text.
    pub(super) printed: String,
    /// The value a lazy predicate looks at, case-folded.
    pub(super) lazy_folded: String,
}

impl Scratch {
    /// Forgets the last event and makes room for a plan.
    pub(super) fn prepare(&mut self, predicates: usize, rules: usize, slots: usize) {
        for predicate in self.touched.drain(..) {
            if let Some(state) = self.states.get_mut(predicate as usize) {
                *state = State::Unknown;
            }
        }
        for rule in self.candidates.drain(..) {
            if let Some(flag) = self.is_candidate.get_mut(rule as usize) {
                *flag = false;
            }
        }
        for slot in self.touched_fields.drain(..) {
            if let Some(field) = self.fields.get_mut(usize::from(slot)) {
                *field = 0;
            }
            if let Some(flag) = self.looked_up.get_mut(usize::from(slot)) {
                *flag = false;
            }
        }
        self.keywords_looked_up = false;
        if self.states.len() < predicates {
            self.states.resize(predicates, State::Unknown);
        }
        if self.is_candidate.len() < rules {
            self.is_candidate.resize(rules, false);
        }
        if self.fields.len() < slots {
            self.fields.resize(slots, 0);
            self.looked_up.resize(slots, false);
        }
    }

    #[inline]
    pub(super) fn state(&self, predicate: u32) -> State {
        self.states.get(predicate as usize).copied().unwrap_or_default()
    }

    /// Records what a literal told. Returns whether the predicate was untouched before.
    #[inline]
    pub(super) fn meet(&mut self, output: Output) -> bool {
        let Some(state) = self.states.get_mut(output.predicate as usize) else { return false };
        let before = *state;
        if before == State::True {
            return false;
        }
        *state = if output.decided { State::True } else { State::Seen };
        if before == State::Unknown {
            self.touched.push(output.predicate);
        }
        before == State::Unknown
    }

    /// Records the outcome of a predicate that was worked out on demand.
    pub(super) fn decide(&mut self, predicate: u32, outcome: bool) {
        let Some(state) = self.states.get_mut(predicate as usize) else { return };
        if *state == State::Unknown {
            self.touched.push(predicate);
        }
        *state = if outcome { State::True } else { State::False };
    }

    /// Puts rules on the list of those to evaluate.
    #[inline]
    pub(super) fn add_candidates(&mut self, rules: &[u32]) {
        for rule in rules {
            if let Some(flag) = self.is_candidate.get_mut(*rule as usize)
                && !*flag
            {
                *flag = true;
                self.candidates.push(*rule);
            }
        }
    }

    /// Remembers where the event has the field of a slot; the first one counts.
    #[inline]
    pub(super) fn see_field(&mut self, slot: u16, place: u32) {
        if let Some(field) = self.fields.get_mut(usize::from(slot))
            && *field == 0
        {
            *field = place + 1;
            self.touched_fields.push(slot);
        }
    }

    /// Notes that the rest of a field is being looked up; says whether it is the first time for this event.
    #[inline]
    pub(super) fn begin_look_up(&mut self, slot: u16) -> bool {
        let flag = self.looked_up.get_mut(usize::from(slot));
        flag.is_some_and(|flag| !std::mem::replace(flag, true))
    }

    /// Notes that the rest of the keywords is being looked up; says whether it is the first time for this event.
    pub(super) fn begin_keywords(&mut self) -> bool {
        !std::mem::replace(&mut self.keywords_looked_up, true)
    }

    /// Says whether the event has the field of a slot.
    pub(super) fn has_field(&self, slot: u16) -> bool {
        self.fields.get(usize::from(slot)).is_some_and(|field| *field != 0)
    }
}
