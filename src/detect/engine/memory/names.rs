//! Which slot an event's field has, told from the field before it.
//!
//! Events of a log source bring the same names in much the same order, so that comparing with the name that came next the
//! last time finds most of them without hashing. Names the program knows are numbers already and need no such help.

use hashbrown::HashMap;

use super::same::same;
use crate::detect::engine::plan::NO_SLOT;
use crate::detect::engine::plan::Plan;
use crate::model::Name;

/// Names that are remembered; whoever writes lines may invent names, but not make us keep them all.
const NAMES_MAX: usize = 4096;
const NAME_BYTES_MAX: usize = 256;

#[derive(Debug)]
struct Seen {
    /// Where the name stands among all names: those of an event lie one behind the other.
    start: u32,
    length: u16,
    slot: u16,
    /// The name that came after this one the last time.
    next: u32,
}

/// The names one plan has seen.
#[derive(Debug, Default)]
pub(in crate::detect::engine) struct Names {
    seen: Vec<Seen>,
    texts: Vec<u8>,
    places: HashMap<Box<str>, u32, foldhash::fast::FixedState>,
    /// The name events begin with.
    first: u32,
}

/// The place in an event: the name last met.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::engine) struct Before(u32);

impl Before {
    /// The place before an event's first field.
    pub(in crate::detect::engine) const START: Before = Before(u32::MAX);
}

impl Names {
    /// Returns the slot of a field, or `NO_SLOT`.
    #[inline]
    pub(in crate::detect::engine) fn slot(&mut self, plan: &Plan, before: &mut Before, name: &Name<'_>) -> u16 {
        let name: &str = match name {
            Name::Known(field) => return plan.known_slot(*field),
            Name::Other(name) => name,
        };
        let guess = self.seen.get(before.0 as usize).map_or(self.first, |seen| seen.next);
        if let Some(seen) = self.seen.get(guess as usize)
            && same(self.text(seen), name.as_bytes())
        {
            *before = Before(guess);
            return seen.slot;
        }
        self.find(plan, before, name)
    }

    #[inline]
    fn text(&self, seen: &Seen) -> &[u8] {
        let start = seen.start as usize;
        self.texts.get(start..start + usize::from(seen.length)).unwrap_or_default()
    }

    #[cold]
    fn find(&mut self, plan: &Plan, before: &mut Before, name: &str) -> u16 {
        let Some(place) = self.place(plan, name) else { return plan.other_slot(name) };
        match self.seen.get_mut(before.0 as usize) {
            Some(seen) => seen.next = place,
            None => self.first = place,
        }
        *before = Before(place);
        self.seen.get(place as usize).map_or(NO_SLOT, |seen| seen.slot)
    }

    fn place(&mut self, plan: &Plan, name: &str) -> Option<u32> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        if self.seen.len() >= NAMES_MAX || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let place = self.seen.len() as u32;
        let (start, length) = (self.texts.len() as u32, name.len() as u16);
        self.texts.extend_from_slice(name.as_bytes());
        self.seen.push(Seen { start, length, slot: plan.other_slot(name), next: place });
        self.places.insert(name.into(), place);
        Some(place)
    }
}
