//! Keys and values in the order of the line.

use std::cell::Cell;
use std::ops::Deref;
use std::ops::DerefMut;

use crate::model::Value;
use crate::parse::keys::Key;

/// A list of pairs. The memory of one that is dropped serves the next of its thread.
pub(in crate::parse::pack) struct Pairs<'a>(Vec<(Key<'a>, Value<'a>)>);

/// Pairs a new list has room for.
const PAIRS_AT_FIRST: usize = 48;
/// A list with room for more is not kept.
const PAIRS_KEPT_MAX: usize = 256;

thread_local! {
    /// The empty list of the line before.
    static SPARE: Cell<Vec<(Key<'static>, Value<'static>)>> = const { Cell::new(Vec::new()) };
}

impl Pairs<'_> {
    /// Makes an empty list.
    pub(in crate::parse::pack) fn new() -> Self {
        let spare = SPARE.try_with(Cell::take).unwrap_or_default();
        Pairs(if spare.capacity() == 0 { Vec::with_capacity(PAIRS_AT_FIRST) } else { emptied(spare) })
    }
}

/// Turns a list into an empty one of another lifetime; collecting in place keeps its memory.
fn emptied<'to>(mut list: Vec<(Key<'_>, Value<'_>)>) -> Vec<(Key<'to>, Value<'to>)> {
    list.clear();
    list.into_iter().map_while(|_| None).collect()
}

impl Drop for Pairs<'_> {
    fn drop(&mut self) {
        let list = std::mem::take(&mut self.0);
        if (1..=PAIRS_KEPT_MAX).contains(&list.capacity()) {
            let list = emptied(list);
            // Fails only while the thread ends, and then nobody needs it.
            SPARE.try_with(|spare| spare.set(list)).ok();
        }
    }
}

impl<'a> Deref for Pairs<'a> {
    type Target = Vec<(Key<'a>, Value<'a>)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Pairs<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
