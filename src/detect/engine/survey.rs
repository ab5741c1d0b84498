//! Which predicates events really meet: counted on a few of them, so that each rule waits for what is rarest here.
//!
//! How rare a literal is can only be guessed before: `SetValue` is the rarest of words in prose and in every second registry
//! event. A sampled event is searched for all literals of its plan; after enough of them the plan is built anew with the
//! triggers that set the fewest rules off. What matches never changes, only what it costs.

mod rechoose;

use super::evaluate::virtual_value;
use super::index::FieldIndex;
use super::index::Output;
use super::memory::Before;
use super::memory::Names;
use super::plan::Level;
use super::plan::NO_SLOT;
use super::plan::Plan;
use crate::model::Event;
use crate::model::Value;

pub(super) use rechoose::Chosen;
pub(super) use rechoose::rechoose;

/// Events sampled before the plan is judged, and judged again.
const SAMPLES: u32 = 512;
/// Until the first judgement every so manieth event is sampled: those of one burst are too much alike.
const FIRST_STRIDE: u32 = 4;
/// After it, often enough to notice when other events come, too seldom to cost anything.
const LATER_STRIDE: u32 = 4096;

/// What was met in the sampled events of one plan.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Events until the next sample.
    pause: u32,
    is_later: bool,
    pub(super) samples: u32,
    /// By predicate of the plan.
    met: Vec<u32>,
    /// By slot: how many events had the field, and how many bytes its values had.
    fields: Vec<(u32, u64)>,
    found: Vec<Output>,
}

impl Survey {
    /// Says whether the event at hand is to be sampled.
    #[inline]
    pub(super) fn wants(&mut self) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        self.pause = if self.is_later { LATER_STRIDE } else { FIRST_STRIDE };
        true
    }

    /// Counts what an event meets. Says whether enough were seen to judge the plan.
    #[cold]
    pub(super) fn sample(&mut self, plan: &Plan, names: &mut Names, event: &Event<'_>) -> bool {
        self.met.resize(plan.predicates.len(), 0);
        self.fields.resize(plan.fields.len(), (0, 0));
        self.found.clear();
        let mut before = Before::START;
        for (name, value) in &event.fields {
            self.value(plan, names.slot(plan, &mut before, name), value, event.raw.is_empty());
        }
        for (field, slot) in &plan.virtuals {
            if let Some(value) = virtual_value(event, *field) {
                self.value(plan, *slot, &value, false);
            }
        }
        if !event.raw.is_empty() {
            for level in Level::ALL {
                self.scan(plan.keywords.of(level), &Value::from(event.raw));
            }
        }
        self.found.sort_unstable();
        self.found.dedup_by_key(|output| output.predicate);
        for output in &self.found {
            if let Some(count) = self.met.get_mut(output.predicate as usize) {
                *count += 1;
            }
        }
        self.samples += 1;
        self.samples >= SAMPLES
    }

    fn value(&mut self, plan: &Plan, slot: u16, value: &Value<'_>, has_keywords: bool) {
        if let Some((count, bytes)) = self.fields.get_mut(usize::from(slot)) {
            *count += 1;
            *bytes += value.as_str().map_or(0, |text| text.len() as u64);
        }
        for level in Level::ALL {
            if slot != NO_SLOT
                && let Some(indexes) = plan.fields.get(usize::from(slot))
            {
                self.found.extend(&indexes.of(level).present);
                self.scan(indexes.of(level), value);
            }
            if has_keywords {
                self.scan(plan.keywords.of(level), value);
            }
        }
    }

    fn scan(&mut self, index: &FieldIndex, value: &Value<'_>) {
        let (mut folded, mut printed) = (String::new(), String::new());
        super::look_up::scan_all(index, value, &mut folded, &mut printed, &mut self.found);
    }

    /// Forgets the counts; from now on only every so manieth event is sampled.
    pub(super) fn restart(&mut self) {
        *self = Survey { is_later: true, pause: LATER_STRIDE, ..Survey::default() };
    }

    /// Returns how often a predicate is met, `guess` standing for one more event.
    fn rate(&self, predicate: u32, guess: f64) -> f64 {
        let met = self.met.get(predicate as usize).copied().unwrap_or(0);
        (f64::from(met) + guess.min(1.0)) / (f64::from(self.samples) + 1.0)
    }

    /// Returns how often an event has the field of a slot, and how long its text then is.
    fn field(&self, slot: u16) -> (f64, f64) {
        let (count, bytes) = self.fields.get(usize::from(slot)).copied().unwrap_or((0, 0));
        let length = if count == 0 { 0.0 } else { bytes as f64 / f64::from(count) };
        (f64::from(count) / f64::from(self.samples.max(1)), length)
    }
}
