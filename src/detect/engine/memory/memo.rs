//! What values met when they were last looked up: paths, codes and names repeat all day, and asking anew costs more.
//!
//! Exact: a value is recognised by comparing all of it. Bounded: a table holds so many values, an engine so many bytes. What
//! is remembered never changes an answer, only how soon it is there.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::same::same;
use crate::detect::engine::index::Output;

/// Longer values hardly ever repeat.
const KEY_BYTES_MAX: usize = 2048;
/// Values of one field that are remembered.
const ENTRIES_MAX: usize = 2048;
const ENTRIES_MIN: usize = 16;
/// Bytes an engine remembers; past them it forgets everything and begins anew.
pub(in crate::detect::engine) const BYTES_MAX: usize = 48 << 20;

/// Look-ups after which a table is judged.
const TRIAL: u32 = 1024;
/// Of these, hits that make remembering worth it.
const HITS_MIN: u32 = TRIAL * 2 / 5;
/// Look-ups a table sits out when it was not, before the next trial.
const PAUSE: u32 = 16 * TRIAL;

/// A value as it is recognised.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::engine) enum Key<'v> {
    Text(&'v str),
    Int(i64),
}

/// Bytes of a value that are kept in its entry; more are kept elsewhere.
const INLINE_BYTES: usize = 40;

/// A remembered value; a line of the cache, which is all that most look-ups read.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Entry {
    /// 0 while nothing is remembered here.
    hash: u64,
    /// The text, or the bytes of the number.
    value: SmallVec<[u8; INLINE_BYTES]>,
    /// Most values meet nothing.
    outputs: Option<Box<SmallVec<[Output; 2]>>>,
}

impl Entry {
    #[inline]
    fn is(&self, hash: u64, key: Key<'_>) -> bool {
        self.hash == hash && self.has(key)
    }

    #[inline]
    fn has(&self, key: Key<'_>) -> bool {
        match key {
            Key::Text(text) => self.hash & KINDS == TEXT && same(&self.value, text.as_bytes()),
            Key::Int(int) => self.hash & KINDS == INT && same(&self.value, &int.to_le_bytes()),
        }
    }

    #[inline]
    fn outputs(&self) -> &[Output] {
        self.outputs.as_ref().map_or(&[], |outputs| outputs)
    }

    fn bytes(&self) -> usize {
        let text = if self.value.spilled() { self.value.capacity() } else { 0 };
        text + self.outputs.as_ref().map_or(0, |outputs| outputs.capacity() * size_of::<Output>())
    }
}

/// The values of one field index.
#[derive(Debug, Default)]
pub(in crate::detect::engine) struct Table {
    /// A power of two, or none before the first value.
    entries: Vec<Entry>,
    used: usize,
    evicted: usize,
    asked: u32,
    hits: u32,
    pausing: u32,
    /// The entry that was right the last time: many values are those of the event before.
    recent: u32,
}

/// What a table says to a value.
pub(in crate::detect::engine) enum Answer<'t> {
    Known(&'t [Output]),
    /// Not seen lately: to be remembered at this place.
    New(Place),
    /// Not worth remembering.
    Unfit,
}

/// Where a value is to be remembered.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::engine) struct Place(u64);

impl Table {
    /// Looks a value up.
    #[inline]
    pub(in crate::detect::engine) fn ask(&mut self, key: Key<'_>) -> Answer<'_> {
        if self.pausing > 0 {
            self.pausing -= 1;
            return Answer::Unfit;
        }
        if let Key::Text(text) = key
            && text.len() > KEY_BYTES_MAX
        {
            return Answer::Unfit;
        }
        self.asked += 1;
        if self.asked == TRIAL {
            self.judge();
        }
        if self.entries.get(self.recent as usize).is_some_and(|entry| entry.has(key)) {
            self.hits += 1;
            return Answer::Known(self.entries.get(self.recent as usize).map_or(&[], Entry::outputs));
        }
        let hash = hash_of(key);
        let mask = self.entries.len().wrapping_sub(1);
        let first = hash as usize & mask;
        for at in [first, first ^ 1] {
            if self.entries.get(at).is_some_and(|entry| entry.is(hash, key)) {
                self.hits += 1;
                self.recent = at as u32;
                return Answer::Known(self.entries.get(at).map_or(&[], Entry::outputs));
            }
        }
        Answer::New(Place(hash))
    }

    fn judge(&mut self) {
        if self.hits < HITS_MIN {
            self.pausing = PAUSE;
        }
        self.asked = 0;
        self.hits = 0;
    }

    /// Remembers what a value met. Returns by how many bytes the table grew.
    pub(in crate::detect::engine) fn remember(&mut self, place: Place, key: Key<'_>, outputs: &[Output]) -> usize {
        let grown = self.make_room();
        let mask = self.entries.len().wrapping_sub(1);
        let first = place.0 as usize & mask;
        let is_free = |at: usize| self.entries.get(at).is_some_and(|entry| entry.hash == 0);
        // Which of two makes way is the hash's own choice, so that both sorts of values get a chance.
        let at = if is_free(first) {
            first
        } else if is_free(first ^ 1) {
            first ^ 1
        } else {
            self.evicted += 1;
            first ^ (place.0 >> 63) as usize
        };
        let Some(entry) = self.entries.get_mut(at) else { return grown };
        if entry.hash == 0 {
            self.used += 1;
        }
        let before = entry.bytes();
        entry.hash = place.0;
        entry.value.clear();
        match key {
            Key::Text(text) => entry.value.extend_from_slice(text.as_bytes()),
            Key::Int(int) => entry.value.extend_from_slice(&int.to_le_bytes()),
        }
        entry.outputs = (!outputs.is_empty()).then(|| Box::new(SmallVec::from_slice(outputs)));
        grown + entry.bytes().saturating_sub(before)
    }

    /// Makes the table larger once values push each other out.
    fn make_room(&mut self) -> usize {
        let have = self.entries.len();
        let crowded = self.used * 2 >= have || self.evicted * 4 >= have;
        if have != 0 && (!crowded || have >= ENTRIES_MAX) {
            return 0;
        }
        let wanted = (have * 2).max(ENTRIES_MIN);
        let old = std::mem::take(&mut self.entries);
        self.entries.resize_with(wanted, Entry::default);
        self.used = 0;
        self.evicted = 0;
        for entry in old.into_iter().filter(|entry| entry.hash != 0) {
            let first = entry.hash as usize & (wanted - 1);
            let at =
                [first, first ^ 1].into_iter().find(|at| self.entries.get(*at).is_some_and(|entry| entry.hash == 0));
            if let Some(slot) = at.and_then(|at| self.entries.get_mut(at)) {
                *slot = entry;
                self.used += 1;
            }
        }
        (wanted - have) * size_of::<Entry>()
    }
}

/// Marks in a hash that keep numbers apart from texts, and zero free for an empty place.
const TEXT: u64 = 1 << 61;
const INT: u64 = 1 << 62;
const KINDS: u64 = TEXT | INT;

#[inline]
fn hash_of(key: Key<'_>) -> u64 {
    const STATE: FixedState = FixedState::with_seed(0x6c6f_6e67_616e);
    let (hash, mark) = match key {
        Key::Text(text) => (STATE.hash_one(text.as_bytes()), TEXT),
        Key::Int(int) => (STATE.hash_one(int), INT),
    };
    hash & !KINDS | mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(predicate: u32) -> Output {
        Output { predicate, decided: true }
    }

    #[test]
    fn a_value_is_known_after_it_was_remembered_and_no_other_is() {
        let mut table = Table::default();
        for number in 0..20_000_i64 {
            let text = format!("value {number}");
            let keys = [Key::Text(&text), Key::Int(number)];
            for (kind, key) in (0..).zip(keys) {
                let Answer::New(place) = table.ask(key) else { panic!("not seen before") };
                table.remember(place, key, &[output(number as u32), output(kind)]);
                let Answer::Known(outputs) = table.ask(key) else { panic!("just remembered") };
                assert_eq!(outputs, [output(number as u32), output(kind)]);
            }
        }
        assert_eq!(table.entries.len(), ENTRIES_MAX);
        assert!(table.used <= ENTRIES_MAX);
    }

    #[test]
    fn values_that_never_repeat_are_soon_not_asked_for() {
        let mut table = Table::default();
        let mut fit = 0;
        for number in 0..15_000 {
            let text = number.to_string();
            if let Answer::New(place) = table.ask(Key::Text(&text)) {
                table.remember(place, Key::Text(&text), &[]);
                fit += 1;
            }
        }
        assert_eq!(fit, TRIAL);
        assert!(matches!(table.ask(Key::Text(&"x".repeat(KEY_BYTES_MAX + 1))), Answer::Unfit));
    }
}
