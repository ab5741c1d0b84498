//! Looking an event's values up in the indexes of their fields.
//!
//! What sets rules off is looked up for every event. Everything else waits until a rule that was set off asks for it,
//! which for most events never happens.

use std::fmt::Write as _;

use super::evaluate::named;
use super::evaluate::virtual_value;
use super::index::FieldIndex;
use super::index::Output;
use super::memory::Answer;
use super::memory::Before;
use super::memory::Key;
use super::memory::Known;
use super::memory::Marks;
use super::memory::Names;
use super::memory::Place;
use super::plan::Brief;
use super::plan::LEVELS;
use super::plan::Level;
use super::plan::NO_SLOT;
use super::plan::Plan;
use super::plan::PlanPredicate;

use super::memory::Scratch;
use crate::model::Event;
use crate::model::Name;
use crate::model::Value;

/// Looks up what must be looked up for every event, and notes which fields it has.
pub(super) fn eagerly(plan: &Plan, names: &mut Names, event: &Event<'_>, scratch: &mut Scratch) {
    let keywords = plan.keywords.of(Level::First);
    // A keyword is looked for in the raw line; an event that came without one is its values.
    let in_values = (keywords.reads() && event.raw.is_empty()).then_some(keywords);
    let mut before = Before::START;
    for ((name, value), place) in event.fields.iter().zip(0..) {
        let slot = names.slot(plan, &mut before, name);
        if slot != NO_SLOT {
            see(plan, slot, place, value, in_values, scratch);
        } else if let Some(keywords) = in_values {
            see_keywords(plan, keywords, value, scratch);
        }
    }
    for (field, slot) in &plan.virtuals {
        if let Some(value) = virtual_value(event, *field) {
            see(plan, *slot, OUTSIDE, &value, None, scratch);
        }
    }
    if keywords.reads() && in_values.is_none() {
        let Scratch { marks, folded, .. } = scratch;
        keywords.scan(event.raw, folded, |output| meet(plan, output, marks));
    }
}

#[inline]
fn see(plan: &Plan, slot: u16, place: u32, value: &Value<'_>, keywords: Option<&FieldIndex>, scratch: &mut Scratch) {
    let Some(Brief { is_present_asked, reads, reads_numbers }) = plan.brief(slot) else { return };
    scratch.marks.see_field(slot, place);
    if keywords.is_none() && !is_present_asked && (!reads || (!reads_numbers && matches!(value, Value::Int(_)))) {
        return;
    }
    let Some(indexes) = plan.fields.get(usize::from(slot)) else { return };
    let index = indexes.of(Level::First);
    for output in &index.present {
        meet(plan, *output, &mut scratch.marks);
    }
    if reads {
        look_up_value(plan, Sought { index, keywords }, table_of(slot, Level::First), value, scratch);
    } else if let Some(keywords) = keywords {
        see_keywords(plan, keywords, value, scratch);
    }
}

#[inline]
fn see_keywords(plan: &Plan, keywords: &FieldIndex, value: &Value<'_>, scratch: &mut Scratch) {
    match value {
        Value::Int(_) if !keywords.reads_numbers => {}
        Value::Text(text) if keywords.is_too_short(text) => {}
        value => scan_value(plan, keywords, value, scratch),
    }
}

/// The place of a field that the event keeps outside its list.
const OUTSIDE: u32 = u32::MAX;

/// Patterns of a field that are tested one by one before all of a level are looked up together.
const SINGLY_MAX: u32 = 12;
const SINGLY_BYTES_MAX: usize = 1024;

/// Looks up what else a rule that was set off asks for, or says that the predicate is better tested by itself.
///
/// For a value that was seen before, all predicates are known at once. For any other, searching it for every short literal costs
/// more than testing the few that are asked for.
pub(super) fn on_demand(plan: &Plan, event: &Event<'_>, entry: &PlanPredicate, scratch: &mut Scratch) -> bool {
    let PlanPredicate { slot, level, .. } = *entry;
    if slot == NO_SLOT {
        if scratch.marks.begin_keywords() {
            look_up_keywords(plan, plan.keywords.of(Level::Rest), event, scratch);
            look_up_keywords(plan, plan.keywords.of(Level::Scraps), event, scratch);
        }
        return false;
    }
    if !scratch.marks.has_field(slot) {
        return false;
    }
    let Some(index) = plan.fields.get(usize::from(slot)).map(|indexes| indexes.of(level)) else { return false };
    let patterns = u32::try_from(entry.folded.len()).unwrap_or(u32::MAX);
    let is_worth_it = level == Level::Scraps || is_short(event, scratch.marks.place_of(slot));
    let fits = |budget: u32| is_worth_it && patterns > 0 && patterns < budget;
    match scratch.marks.known(slot, level) {
        Known::All => return false,
        Known::Singly(budget) if fits(budget) => {
            scratch.marks.set_known(slot, level, budget - patterns);
            return true;
        }
        Known::Nothing if recall(plan, event, slot, level, scratch) => {}
        Known::Nothing if fits(SINGLY_MAX) => {
            scratch.marks.set_known(slot, level, SINGLY_MAX - patterns);
            return true;
        }
        // One by one no more: so many were asked for that looking all up is cheaper.
        Known::Nothing | Known::Singly(_) => {
            each_value(plan, event, slot, scratch.marks.place_of(slot), &mut |value| {
                scan_value(plan, index, value, scratch);
                false
            });
        }
    }
    scratch.marks.set_known(slot, level, 0);
    false
}

/// Says whether a field's only value is short enough for searching it a few times to be cheaper than once for everything.
fn is_short(event: &Event<'_>, place: Option<u32>) -> bool {
    let value = place.and_then(|place| event.fields.get(place as usize)).and_then(|(_, value)| value.as_str());
    value.is_some_and(|text| text.len() <= SINGLY_BYTES_MAX)
}

/// Looks up a level of a field if its value is remembered, or to be remembered; says whether that was so.
fn recall(plan: &Plan, event: &Event<'_>, slot: u16, level: Level, scratch: &mut Scratch) -> bool {
    let place = scratch.marks.place_of(slot);
    let Some((_, value)) = place.and_then(|place| event.fields.get(place as usize)) else { return false };
    let Some(key) = key_of(value) else { return false };
    let Some(index) = plan.fields.get(usize::from(slot)).map(|indexes| indexes.of(level)) else { return false };
    let table = table_of(slot, level);
    let Scratch { marks, memo, .. } = scratch;
    match memo.get_mut(table).map_or(Answer::Unfit, |table| table.ask(key)) {
        Answer::Known(outputs) => outputs.iter().for_each(|output| meet(plan, *output, marks)),
        Answer::New(place) => learn(plan, Sought { index, keywords: None }, (table, place, key), value, scratch),
        Answer::Unfit => return false,
    }
    true
}

/// Calls `visit` with each value of a field until it returns true. `place` is where the field stands, if only once.
pub(super) fn each_value(
    plan: &Plan,
    event: &Event<'_>,
    slot: u16,
    place: Option<u32>,
    visit: &mut impl FnMut(&Value<'_>) -> bool,
) -> bool {
    if let Some((_, value)) = place.and_then(|place| event.fields.get(place as usize)) {
        return visit(value);
    }
    named(event, &Name::new(plan.field_name(slot)), visit)
}

/// What a value is looked up in: the index of its field, and the keywords where they are looked for in values.
#[derive(Clone, Copy)]
struct Sought<'p> {
    index: &'p FieldIndex,
    keywords: Option<&'p FieldIndex>,
}

/// The memo keeps the levels of a field side by side.
fn table_of(slot: u16, level: Level) -> usize {
    usize::from(slot) * LEVELS + level as usize
}

fn look_up_keywords(plan: &Plan, keywords: &FieldIndex, event: &Event<'_>, scratch: &mut Scratch) {
    if !keywords.reads() {
        return;
    }
    if !event.raw.is_empty() {
        let Scratch { marks, folded, .. } = scratch;
        return keywords.scan(event.raw, folded, |output| meet(plan, output, marks));
    }
    event.fields.iter().for_each(|(_, value)| scan_value(plan, keywords, value, scratch));
}

#[inline]
fn look_up_value(plan: &Plan, sought: Sought<'_>, table: usize, value: &Value<'_>, scratch: &mut Scratch) {
    match value {
        Value::List(items) => items.iter().for_each(|item| look_up_scalar(plan, sought, table, item, scratch)),
        scalar => look_up_scalar(plan, sought, table, scalar, scratch),
    }
}

#[inline]
fn look_up_scalar(plan: &Plan, sought: Sought<'_>, table: usize, value: &Value<'_>, scratch: &mut Scratch) {
    let Sought { index, keywords } = sought;
    if matches!(value, Value::Int(_)) && !index.reads_numbers && keywords.is_none_or(|keywords| !keywords.reads_numbers)
    {
        return;
    }
    let Scratch { marks, memo, folded, printed, .. } = scratch;
    let key = key_of(value);
    let answer = match (key, memo.get_mut(table)) {
        (Some(key), Some(table)) => table.ask(key),
        _ => Answer::Unfit,
    };
    match (answer, key) {
        (Answer::Known(outputs), _) => outputs.iter().for_each(|output| meet(plan, *output, marks)),
        (Answer::New(place), Some(key)) => learn(plan, sought, (table, place, key), value, scratch),
        _ => scan(sought, value, folded, printed, |output| meet(plan, output, marks)),
    }
}

/// Returns what a value is remembered by, if it is of a kind that is.
#[inline]
fn key_of<'v>(value: &'v Value<'_>) -> Option<Key<'v>> {
    match value {
        Value::Text(text) => Some(Key::Text(text)),
        Value::Int(int) => Some(Key::Int(*int)),
        _ => None,
    }
}

/// Looks a value up and remembers what it met.
#[cold]
fn learn(
    plan: &Plan,
    sought: Sought<'_>,
    (table, place, key): (usize, Place, Key<'_>),
    value: &Value<'_>,
    scratch: &mut Scratch,
) {
    let Scratch { marks, memo, memo_growth, folded, printed, found, .. } = scratch;
    found.clear();
    scan(sought, value, folded, printed, |output| found.push(output));
    found.sort_unstable();
    found.dedup();
    found.iter().for_each(|output| meet(plan, *output, marks));
    if let Some(table) = memo.get_mut(table) {
        *memo_growth += table.remember(place, key, found);
    }
}

fn scan_value(plan: &Plan, index: &FieldIndex, value: &Value<'_>, scratch: &mut Scratch) {
    let Scratch { marks, folded, printed, .. } = scratch;
    let mut scan_scalar = |scalar: &Value<'_>| {
        scan(Sought { index, keywords: None }, scalar, folded, printed, |output| meet(plan, output, marks));
    };
    match value {
        Value::List(items) => items.iter().for_each(scan_scalar),
        scalar => scan_scalar(scalar),
    }
}

/// Searches a value in one index, remembering nothing.
pub(super) fn scan_all(
    index: &FieldIndex,
    value: &Value<'_>,
    folded: &mut String,
    printed: &mut String,
    found: &mut Vec<Output>,
) {
    let mut one = |scalar: &Value<'_>| {
        scan(Sought { index, keywords: None }, scalar, folded, printed, |output| found.push(output));
    };
    match value {
        Value::List(items) => items.iter().for_each(one),
        scalar => one(scalar),
    }
}

/// Searches a scalar.
fn scan(
    sought: Sought<'_>,
    value: &Value<'_>,
    folded: &mut String,
    printed: &mut String,
    mut found: impl FnMut(Output),
) {
    let text: &str = match value {
        Value::Null | Value::List(_) => return,
        Value::Text(text) => text,
        other => {
            printed.clear();
            let written = write!(printed, "{other}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
            printed
        }
    };
    for index in [Some(sought.index), sought.keywords].into_iter().flatten() {
        index.scan_address(value, &mut found);
        index.scan(text, folded, &mut found);
    }
}

#[inline]
fn meet(plan: &Plan, output: Output, marks: &mut Marks) {
    if marks.meet(output) {
        marks.add_candidates(plan.triggered_by(output.predicate));
    }
}
