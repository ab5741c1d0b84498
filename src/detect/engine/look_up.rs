//! Looking an event's values up in the indexes of their fields.
//!
//! What sets rules off is looked up for every event. Everything else waits until a rule that was set off asks for it,
//! which for most events never happens.

use std::fmt::Write as _;

use super::evaluate::virtual_value;
use super::index::FieldIndex;
use super::index::Output;
use super::plan::NO_SLOT;
use super::plan::Plan;
use super::scratch::Scratch;
use crate::detect::sigma::value::fold_into;
use crate::model::Event;
use crate::model::Name;
use crate::model::Value;

/// Looks up what must be looked up for every event, and notes which fields it has.
pub(super) fn eagerly(plan: &Plan, event: &Event<'_>, scratch: &mut Scratch) {
    for ((name, value), place) in event.fields.iter().zip(0..) {
        if let Some(slot) = plan.slot(name) {
            see(plan, slot, place, value, scratch);
        }
    }
    for (field, slot) in &plan.virtuals {
        if let Some(value) = virtual_value(event, *field) {
            see(plan, *slot, 0, &value, scratch);
        }
    }
    look_up_keywords(plan, &plan.keywords.first, event, scratch);
}

#[inline]
fn see(plan: &Plan, slot: u16, place: u32, value: &Value<'_>, scratch: &mut Scratch) {
    let Some(indexes) = plan.fields.get(usize::from(slot)) else { return };
    scratch.see_field(slot, place);
    for output in &indexes.first.present {
        meet(plan, *output, scratch);
    }
    scan_value(plan, &indexes.first, value, scratch);
}

/// Looks up the rest of a field, unless that was done or the event does not have it.
pub(super) fn on_demand(plan: &Plan, event: &Event<'_>, slot: u16, scratch: &mut Scratch) {
    if slot == NO_SLOT {
        if scratch.begin_keywords() {
            look_up_keywords(plan, &plan.keywords.rest, event, scratch);
        }
        return;
    }
    if !scratch.has_field(slot) || !scratch.begin_look_up(slot) {
        return;
    }
    let Some(index) = plan.fields.get(usize::from(slot)).map(|indexes| &indexes.rest) else { return };
    let name = Name::new(plan.field_name(slot));
    for (have, value) in &event.fields {
        if *have == name {
            scan_value(plan, index, value, scratch);
        }
    }
    for (field, virtual_slot) in &plan.virtuals {
        if *virtual_slot == slot
            && let Some(value) = virtual_value(event, *field)
        {
            scan_value(plan, index, &value, scratch);
        }
    }
}

fn look_up_keywords(plan: &Plan, keywords: &FieldIndex, event: &Event<'_>, scratch: &mut Scratch) {
    if !keywords.reads_text && !keywords.reads_address() {
        return;
    }
    if !event.raw.is_empty() {
        return scan_text(plan, keywords, event.raw, scratch);
    }
    if plan.keywords_joined {
        return scan_joined(plan, keywords, event, scratch);
    }
    event.fields.iter().for_each(|(_, value)| scan_value(plan, keywords, value, scratch));
}

/// Looks for keywords in all values at once: one pass over a long text is several times faster than many over short ones.
fn scan_joined(plan: &Plan, keywords: &FieldIndex, event: &Event<'_>, scratch: &mut Scratch) {
    let mut folded = std::mem::take(&mut scratch.folded);
    folded.clear();
    for (_, value) in &event.fields {
        match value {
            Value::List(items) => items.iter().for_each(|item| append(item, &mut folded)),
            scalar => append(scalar, &mut folded),
        }
    }
    keywords.scan(&folded, |output| meet(plan, output, scratch));
    scratch.folded = folded;
}

fn append(value: &Value<'_>, folded: &mut String) {
    match value {
        Value::Null => return,
        Value::Text(text) => fold_into(text, folded),
        other => {
            let start = folded.len();
            let written = write!(folded, "{other}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
            if let Some(added) = folded.get_mut(start..) {
                added.make_ascii_lowercase();
            }
        }
    }
    folded.push(SEPARATOR);
}

/// Stands between values that are searched together; keywords that contain it are searched value by value.
pub(super) const SEPARATOR: char = '\u{1e}';

fn scan_value(plan: &Plan, index: &FieldIndex, value: &Value<'_>, scratch: &mut Scratch) {
    if let Value::List(items) = value {
        items.iter().for_each(|item| scan_scalar(plan, index, item, scratch));
    } else {
        scan_scalar(plan, index, value, scratch);
    }
}

fn scan_scalar(plan: &Plan, index: &FieldIndex, value: &Value<'_>, scratch: &mut Scratch) {
    if !index.reads_text && !index.reads_address() {
        return;
    }
    if index.reads_address()
        && let Some(address) = value.as_ip()
    {
        index.scan_address(address, |output| meet(plan, output, scratch));
    }
    match value {
        _ if !index.reads_text => {}
        Value::Null => {}
        Value::Text(text) => scan_text(plan, index, text, scratch),
        other => {
            let mut printed = std::mem::take(&mut scratch.printed);
            printed.clear();
            let written = write!(printed, "{other}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
            scan_text(plan, index, &printed, scratch);
            scratch.printed = printed;
        }
    }
}

#[inline]
fn scan_text(plan: &Plan, index: &FieldIndex, text: &str, scratch: &mut Scratch) {
    let mut folded = std::mem::take(&mut scratch.folded);
    folded.clear();
    fold_into(text, &mut folded);
    index.scan(&folded, |output| meet(plan, output, scratch));
    scratch.folded = folded;
}

#[inline]
fn meet(plan: &Plan, output: Output, scratch: &mut Scratch) {
    if scratch.meet(output) {
        scratch.add_candidates(plan.triggered_by(output.predicate));
    }
}
