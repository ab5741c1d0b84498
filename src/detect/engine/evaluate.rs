//! Whether a rule's condition holds for an event, once the indexes have said what they know.

use super::look_up;
use super::memory::Marks;
use super::memory::Scratch;
use super::memory::State;
use super::plan::How;
use super::plan::Level;
use super::plan::NO_SLOT;
use super::plan::Node;
use super::plan::Plan;
use super::plan::PlanPredicate;
use super::plan::VIRTUAL;
use super::predicates::Predicates;
use crate::detect::sigma::value::FieldPart;
use crate::detect::sigma::value::Test;
use crate::detect::sigma::value::folded;
use crate::detect::sigma::value::value_text;
use crate::model::Event;
use crate::model::Field;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;

/// What an evaluation reads.
#[derive(Clone, Copy)]
pub(super) struct Ctx<'e> {
    pub(super) plan: &'e Plan,
    pub(super) predicates: &'e Predicates,
    pub(super) event: &'e Event<'e>,
    pub(super) utc_offset_seconds: i32,
}

/// Evaluates a node. The depth of a condition is bounded by the reader's limits.
pub(super) fn holds(ctx: Ctx<'_>, scratch: &mut Scratch, at: u32) -> bool {
    let children = |first: u32, count: u32| first..first.saturating_add(count);
    match ctx.plan.nodes.get(at as usize) {
        Some(Node::Test(predicate)) => test_holds(ctx, scratch, *predicate),
        Some(Node::Not(inner)) => !holds(ctx, scratch, *inner),
        Some(Node::All { first, count }) => children(*first, *count).all(|child| holds(ctx, scratch, child)),
        Some(Node::Any { first, count }) => children(*first, *count).any(|child| holds(ctx, scratch, child)),
        None => false,
    }
}

fn test_holds(ctx: Ctx<'_>, scratch: &mut Scratch, predicate: u32) -> bool {
    let Some(entry) = ctx.plan.predicates.get(predicate as usize) else { return false };
    let mut singly = entry.how == How::Asked;
    if entry.level != Level::First && !singly && scratch.marks.state(predicate) == State::Unknown {
        singly = look_up::on_demand(ctx.plan, ctx.event, entry, scratch);
    }
    match scratch.marks.state(predicate) {
        State::True => true,
        State::False => false,
        State::Unknown if !singly => false,
        State::Seen | State::Unknown => {
            let outcome = work_out(ctx, scratch, entry);
            scratch.marks.decide(predicate, outcome);
            outcome
        }
    }
}

fn work_out(ctx: Ctx<'_>, scratch: &mut Scratch, entry: &PlanPredicate) -> bool {
    let test = &ctx.predicates.get(entry.id).test;
    let Scratch { marks, lazy_folded, .. } = scratch;
    if !entry.folded.is_empty() {
        let matches = |text: &str| entry.folded.iter().any(|pattern| pattern.matches(text));
        // The only value of a field stays folded for the next predicate.
        if let Some((_, Value::Text(text))) = place_of(marks, entry.slot).and_then(|place| ctx.event.fields.get(place))
        {
            return matches(lazy_folded.fold(marks, entry.slot, text));
        }
        let passes = |value: &Value<'_>| value_text(value).is_some_and(|text| matches(lazy_folded.fold_other(&text)));
        return any_value(ctx, marks, entry.slot, passes);
    }
    match test {
        Test::Null => !marks.has_field(entry.slot) || any_value(ctx, marks, entry.slot, |value| *value == Value::Null),
        Test::Field { other, part, cased } => relates(ctx, marks, entry.slot, other, *part, *cased),
        _ => {
            let regex = ctx.predicates.regex(entry.id);
            any_value(ctx, marks, entry.slot, |value| test.passes(value, regex, ctx.utc_offset_seconds))
        }
    }
}

fn place_of(marks: &Marks, slot: u16) -> Option<usize> {
    if slot == NO_SLOT { None } else { marks.place_of(slot).map(|place| place as usize) }
}

/// Says whether one of the field's values (for keywords: the raw line, or any value) satisfies `passes`.
fn any_value(ctx: Ctx<'_>, marks: &Marks, slot: u16, mut passes: impl FnMut(&Value<'_>) -> bool) -> bool {
    if slot == NO_SLOT {
        return keyword_values(ctx.event, &mut passes);
    }
    let place = marks.place_of(slot);
    look_up::each_value(ctx.plan, ctx.event, slot, place, &mut |value| any_scalar(value, &mut passes))
}

/// A keyword is looked for in the raw line; an event that came without one is its values.
fn keyword_values(event: &Event<'_>, passes: &mut impl FnMut(&Value<'_>) -> bool) -> bool {
    if event.raw.is_empty() {
        event.fields.iter().any(|(_, value)| any_scalar(value, passes))
    } else {
        passes(&Value::from(event.raw))
    }
}

fn any_scalar(value: &Value<'_>, passes: &mut impl FnMut(&Value<'_>) -> bool) -> bool {
    match value {
        Value::List(items) => items.iter().any(&mut *passes),
        scalar => passes(scalar),
    }
}

/// Calls `passes` with each value of the field until one satisfies it.
pub(super) fn named(event: &Event<'_>, name: &Name<'_>, passes: &mut impl FnMut(&Value<'_>) -> bool) -> bool {
    if let Name::Known(field) = name
        && VIRTUAL.contains(field)
        && let Some(value) = virtual_value(event, *field)
    {
        return passes(&value);
    }
    event.fields.iter().any(|(have, value)| have == name && passes(value))
}

/// Returns the value of a field that the event keeps outside its list.
pub(super) fn virtual_value<'e>(event: &'e Event<'_>, field: Field) -> Option<Value<'e>> {
    match field {
        ecs::TIMESTAMP => Some(Value::Time(event.timestamp)),
        ecs::EVENT_INGESTED => Some(Value::Time(event.ingested)),
        ecs::EVENT_ORIGINAL if !event.raw.is_empty() => Some(Value::from(event.raw)),
        ecs::LONGAN_PARSER => event.parser.map(Value::from),
        ecs::LONGAN_PARSE_ERROR => event.failure.map(|failure| Value::from(failure.as_str())),
        _ => None,
    }
}

fn relates(ctx: Ctx<'_>, marks: &Marks, slot: u16, other: &str, part: FieldPart, cased: bool) -> bool {
    let other = Name::new(other);
    let with_case = |text: &str| if cased { text.to_owned() } else { folded(text) };
    any_value(ctx, marks, slot, |value| {
        let Some(text) = value_text(value) else { return false };
        let text = with_case(&text);
        named(ctx.event, &other, &mut |other| {
            any_scalar(other, &mut |other| value_text(other).is_some_and(|other| part.holds(&text, &with_case(&other))))
        })
    })
}

/// Returns the text of a field's first value, if the event has one that is not empty.
pub(in crate::detect) fn first_text(event: &Event<'_>, field: &str) -> Option<String> {
    let mut found = None;
    named(event, &Name::new(field), &mut |value| {
        any_scalar(value, &mut |scalar| {
            found = value_text(scalar).filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned);
            found.is_some()
        })
    });
    found
}
