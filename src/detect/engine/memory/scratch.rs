//! What matching one event needs to remember; kept between events so that nothing is allocated.
//!
//! Everything carries the number of the event it was written for, so that nothing has to be cleared for the next one.

use super::memo::Table;
use crate::detect::engine::index::Output;
use crate::detect::engine::plan::LEVELS;
use crate::detect::engine::plan::Level;
use crate::detect::sigma::value::fold_into;

/// How far a predicate of the plan is decided for the event at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::engine) enum State {
    Unknown,
    /// Its literals were seen; whether it holds is still to be decided.
    Seen,
    True,
    False,
}

/// A state and the event it belongs to, in one word: most of an event's work is reading and writing these.
#[derive(Debug, Clone, Copy, Default)]
struct Stamped(u32);

/// Events until the numbers begin anew.
const NUMBERS: u32 = 1 << 30;

impl Stamped {
    #[inline]
    fn new(number: u32, state: State) -> Stamped {
        Stamped(number << 2 | state as u32)
    }

    #[inline]
    fn state(self, number: u32) -> State {
        match self.0 ^ (number << 2) {
            1 => State::Seen,
            2 => State::True,
            3 => State::False,
            _ => State::Unknown,
        }
    }
}

/// Which event had a field last, and which one more of it was asked about.
#[derive(Debug, Clone, Copy, Default)]
struct Seat {
    number: u32,
    /// Where in the event the field stands.
    place: u32,
    /// It stands there more than once.
    several: bool,
    /// By level; the first is always known.
    asked: [u32; LEVELS],
    /// Patterns of the level that may still be tested one by one, before all are looked up together.
    singly: [u32; LEVELS],
}

/// How much is known of one level of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::engine) enum Known {
    /// Nobody asked yet.
    Nothing,
    /// So many patterns, at least 1, are left to be tested one by one; the last of them never is.
    Singly(u32),
    All,
}

/// The memory of one engine.
#[derive(Debug, Default)]
pub(in crate::detect::engine) struct Scratch {
    pub(in crate::detect::engine) marks: Marks,
    /// What values met when they were last looked up: for each slot a table a level.
    pub(in crate::detect::engine) memo: Vec<Table>,
    /// By how many bytes the memo grew with this event.
    pub(in crate::detect::engine) memo_growth: usize,
    /// The case-folded value.
    pub(in crate::detect::engine) folded: String,
    /// The text of a value that is not text.
    pub(in crate::detect::engine) printed: String,
    /// The value a lazy predicate looks at, case-folded.
    pub(in crate::detect::engine) lazy_folded: LazyFolded,
    /// What a value met.
    pub(in crate::detect::engine) found: Vec<Output>,
}

/// A case-folded value, kept while predicates of the same field ask for it one after the other.
#[derive(Debug, Default)]
pub(in crate::detect::engine) struct LazyFolded {
    text: String,
    /// Of which event and field the value is.
    of: Option<(u32, u16)>,
}

impl LazyFolded {
    /// Folds the only value of a field, unless that is what was folded last.
    pub(in crate::detect::engine) fn fold(&mut self, marks: &Marks, slot: u16, text: &str) -> &str {
        let of = Some((marks.number, slot));
        if self.of != of {
            self.fold_other(text);
            self.of = of;
        }
        &self.text
    }

    /// Folds a value that is one of several.
    pub(in crate::detect::engine) fn fold_other(&mut self, text: &str) -> &str {
        self.of = None;
        self.text.clear();
        fold_into(text, &mut self.text);
        &self.text
    }
}

/// What is known of predicates, rules and fields for the event at hand.
#[derive(Debug, Default)]
pub(in crate::detect::engine) struct Marks {
    /// Which event since the start this is.
    number: u32,
    states: Vec<Stamped>,
    is_candidate: Vec<u32>,
    pub(in crate::detect::engine) candidates: Vec<u32>,
    fields: Vec<Seat>,
    keywords_looked_up: bool,
}

impl Marks {
    /// Forgets the last event and makes room for a plan.
    pub(in crate::detect::engine) fn prepare(&mut self, predicates: usize, rules: usize, slots: usize) {
        self.number += 1;
        if self.number == NUMBERS {
            self.number = 1;
            self.states.fill(Stamped::default());
            self.is_candidate.fill(0);
            self.fields.fill(Seat::default());
        }
        self.candidates.clear();
        self.keywords_looked_up = false;
        if self.states.len() < predicates {
            self.states.resize(predicates, Stamped::default());
        }
        if self.is_candidate.len() < rules {
            self.is_candidate.resize(rules, 0);
        }
        if self.fields.len() < slots {
            self.fields.resize(slots, Seat::default());
        }
    }

    #[inline]
    pub(in crate::detect::engine) fn state(&self, predicate: u32) -> State {
        self.states.get(predicate as usize).map_or(State::Unknown, |stamped| stamped.state(self.number))
    }

    /// Records what a literal told. Returns whether the predicate was untouched before.
    #[inline]
    pub(in crate::detect::engine) fn meet(&mut self, output: Output) -> bool {
        let Some(stamped) = self.states.get_mut(output.predicate as usize) else { return false };
        let before = stamped.state(self.number);
        if before == State::True {
            return false;
        }
        *stamped = Stamped::new(self.number, if output.decided { State::True } else { State::Seen });
        before == State::Unknown
    }

    /// Records the outcome of a predicate that was worked out on demand.
    pub(in crate::detect::engine) fn decide(&mut self, predicate: u32, outcome: bool) {
        let Some(stamped) = self.states.get_mut(predicate as usize) else { return };
        *stamped = Stamped::new(self.number, if outcome { State::True } else { State::False });
    }

    /// Puts rules on the list of those to evaluate.
    #[inline]
    pub(in crate::detect::engine) fn add_candidates(&mut self, rules: &[u32]) {
        for rule in rules {
            if let Some(number) = self.is_candidate.get_mut(*rule as usize)
                && *number != self.number
            {
                *number = self.number;
                self.candidates.push(*rule);
            }
        }
    }

    /// Remembers where the event has the field of a slot.
    #[inline]
    pub(in crate::detect::engine) fn see_field(&mut self, slot: u16, place: u32) {
        let number = self.number;
        if let Some(seat) = self.fields.get_mut(usize::from(slot)) {
            seat.several = seat.number == number;
            seat.number = number;
            seat.place = place;
        }
    }

    /// Returns where the event has a field, if it does, and only once.
    #[inline]
    pub(in crate::detect::engine) fn place_of(&self, slot: u16) -> Option<u32> {
        let seat = self.fields.get(usize::from(slot))?;
        (seat.number == self.number && !seat.several).then_some(seat.place)
    }

    /// Returns how much is known of a level of a field.
    #[inline]
    pub(in crate::detect::engine) fn known(&self, slot: u16, level: Level) -> Known {
        let level = level as usize;
        match self.fields.get(usize::from(slot)) {
            Some(seat) if seat.asked[level] != self.number => Known::Nothing,
            Some(seat) if seat.singly[level] > 0 => Known::Singly(seat.singly[level]),
            _ => Known::All,
        }
    }

    /// Notes that predicates of a level are tested one by one, or that all were looked up.
    #[inline]
    pub(in crate::detect::engine) fn set_known(&mut self, slot: u16, level: Level, singly: u32) {
        let level = level as usize;
        if let Some(seat) = self.fields.get_mut(usize::from(slot)) {
            seat.asked[level] = self.number;
            seat.singly[level] = singly;
        }
    }

    /// Notes that the rest of the keywords is being looked up; says whether it is the first time for this event.
    pub(in crate::detect::engine) fn begin_keywords(&mut self) -> bool {
        !std::mem::replace(&mut self.keywords_looked_up, true)
    }

    /// Says whether the event has the field of a slot.
    pub(in crate::detect::engine) fn has_field(&self, slot: u16) -> bool {
        self.fields.get(usize::from(slot)).is_some_and(|seat| seat.number == self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_event_is_left_for_the_next_even_when_the_numbers_begin_anew() {
        let mut marks = Marks { number: NUMBERS - 3, ..Marks::default() };
        for _ in 0..6 {
            marks.prepare(2, 1, 1);
            assert_eq!((marks.state(0), marks.state(1)), (State::Unknown, State::Unknown));
            assert!(!marks.has_field(0) && marks.candidates.is_empty());
            marks.see_field(0, 7);
            assert_eq!(marks.place_of(0), Some(7));
            assert!(marks.has_field(0));
            assert_eq!(marks.known(0, Level::Rest), Known::Nothing);
            for (singly, known) in [(2, Known::Singly(2)), (0, Known::All)] {
                marks.set_known(0, Level::Rest, singly);
                assert_eq!((marks.known(0, Level::Rest), marks.known(0, Level::Scraps)), (known, Known::Nothing));
            }
            assert!(marks.meet(Output { predicate: 0, decided: false }));
            assert_eq!(marks.state(0), State::Seen);
            assert!(!marks.meet(Output { predicate: 0, decided: true }));
            assert_eq!(marks.state(0), State::True);
            marks.decide(1, false);
            assert_eq!(marks.state(1), State::False);
            marks.add_candidates(&[0, 0]);
            assert_eq!(marks.candidates, [0]);
        }
    }
}
