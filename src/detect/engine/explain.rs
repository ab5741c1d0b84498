//! Why a rule matched: the tests that held, what they looked at, and where it stands in the raw line.

use std::ops::Range;

use regex::Regex;

use super::evaluate::named;
use super::predicates::PredicateId;
use super::predicates::Predicates;
use super::predicates::Tree;
use crate::detect::sigma::value::Part;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;
use crate::detect::sigma::value::folded;
use crate::detect::sigma::value::value_text;
use crate::model::Event;
use crate::model::Name;
use crate::model::Value;

/// Parts listed for one match; a rule with more alternatives met says enough with these.
const PARTS_MAX: usize = 32;
/// Characters of a value that are kept.
const EXCERPT_CHARS: usize = 512;

/// One test that held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedPart {
    /// The field; empty for a keyword.
    pub field: String,
    /// The value, or its beginning.
    pub value: String,
    /// The test in words.
    pub predicate: String,
    /// What matched, in bytes of the value.
    pub value_span: Option<Range<usize>>,
    /// What matched, in bytes of the raw line, where it stands there unchanged.
    pub raw_span: Option<Range<usize>>,
}

/// What an explanation reads.
#[derive(Clone, Copy)]
struct Ctx<'e> {
    predicates: &'e Predicates,
    event: &'e Event<'e>,
    utc_offset_seconds: i32,
}

/// Lists the tests that made the condition hold, in the order written.
pub(in crate::detect) fn explain(
    tree: &Tree,
    predicates: &Predicates,
    event: &Event<'_>,
    utc_offset_seconds: i32,
) -> Vec<MatchedPart> {
    let mut parts = Vec::new();
    collect(Ctx { predicates, event, utc_offset_seconds }, tree, &mut parts);
    parts
}

/// Evaluates a node plainly, and keeps the parts of what held without negation.
fn collect(ctx: Ctx<'_>, tree: &Tree, parts: &mut Vec<MatchedPart>) -> bool {
    match tree {
        Tree::Test(id) => match find(ctx, *id) {
            Some(part) => {
                parts.extend(part.filter(|_| parts.len() < PARTS_MAX).filter(|part| !parts.contains(part)));
                true
            }
            None => false,
        },
        Tree::Not(inner) => !collect(ctx, inner, &mut Vec::new()),
        Tree::All(children) => {
            let kept = parts.len();
            let all = children.iter().all(|child| collect(ctx, child, parts));
            if !all {
                parts.truncate(kept);
            }
            all
        }
        // Every alternative that holds is part of the answer, not only the first.
        Tree::Any(children) => {
            let mut any = false;
            for child in children {
                any |= collect(ctx, child, parts);
            }
            any
        }
    }
}

/// Says whether a predicate holds (the outer option) and what it matched, where there is something to show.
fn find(ctx: Ctx<'_>, id: PredicateId) -> Option<Option<MatchedPart>> {
    let predicate = ctx.predicates.get(id);
    let regex = ctx.predicates.regex(id);
    let Some(field) = predicate.field.as_deref() else { return find_keyword(ctx, predicate, regex) };
    let name = Name::new(field);
    match &predicate.test {
        Test::Null => {
            let mut present = false;
            let null = named(ctx.event, &name, &mut |value| {
                present = true;
                any_scalar(value, |value| matches!(value, Value::Null))
            });
            (null || !present).then_some(None)
        }
        _ => {
            let mut found = None;
            named(ctx.event, &name, &mut |value| {
                any_scalar(value, |value| {
                    found = test(ctx, predicate, value, regex).map(|span| part(ctx, predicate, value, span));
                    found.is_some()
                })
            });
            found.map(Some)
        }
    }
}

fn find_keyword(ctx: Ctx<'_>, predicate: &Predicate, regex: Option<&Regex>) -> Option<Option<MatchedPart>> {
    let try_value =
        |value: &Value<'_>| test(ctx, predicate, value, regex).map(|span| part(ctx, predicate, value, span));
    if !ctx.event.raw.is_empty() {
        return try_value(&Value::from(ctx.event.raw)).map(Some);
    }
    let mut found = None;
    for (_, value) in &ctx.event.fields {
        if any_scalar(value, |value| {
            found = try_value(value);
            found.is_some()
        }) {
            break;
        }
    }
    found.map(Some)
}

fn any_scalar(value: &Value<'_>, mut passes: impl FnMut(&Value<'_>) -> bool) -> bool {
    match value {
        Value::List(items) => items.iter().any(passes),
        scalar => passes(scalar),
    }
}

/// Tests one scalar; gives the bytes that matched, where that means something.
fn test(ctx: Ctx<'_>, predicate: &Predicate, value: &Value<'_>, regex: Option<&Regex>) -> Option<Option<Range<usize>>> {
    match &predicate.test {
        Test::Exists => Some(None),
        Test::Field { other, part, cased } => {
            let with_case = |text: &str| if *cased { text.to_owned() } else { folded(text) };
            let text = with_case(&value_text(value)?);
            let other = Name::new(other.as_ref());
            named(ctx.event, &other, &mut |other| {
                any_scalar(other, |other| value_text(other).is_some_and(|other| part.holds(&text, &with_case(&other))))
            })
            .then_some(None)
        }
        other if !other.passes(value, regex, ctx.utc_offset_seconds) => None,
        Test::Text { pattern, .. } => Some(value_text(value).and_then(|text| pattern_span(pattern, &text))),
        Test::Regex(_) => {
            let text = value_text(value)?;
            Some(regex.and_then(|regex| regex.find(&text)).map(|found| found.range()))
        }
        _ => Some(None),
    }
}

/// Finds what a pattern matched: the literal without the open ends. Only where folding keeps byte positions.
fn pattern_span(pattern: &Pattern, text: &str) -> Option<Range<usize>> {
    let text_folded = folded(text);
    if text_folded.len() != text.len() {
        return None;
    }
    let pattern = pattern.folded();
    match pattern.shape() {
        Shape::Exact(_) => Some(0..text.len()),
        Shape::Prefix(want) => Some(0..want.len()),
        Shape::Suffix(want) => Some(text.len().checked_sub(want.len())?..text.len()),
        Shape::Contains(want) => text_folded.find(want).map(|at| at..at + want.len()),
        Shape::Glob => {
            // From the first literal to the last one, as nearly as a person would mark it.
            let literals: Vec<&str> = pattern
                .parts()
                .iter()
                .filter_map(|part| match part {
                    Part::Literal(literal) => Some(literal.as_str()),
                    _ => None,
                })
                .collect();
            let start = text_folded.find(literals.first()?)?;
            let last = literals.last()?;
            let end = text_folded.rfind(last)? + last.len();
            (start < end).then_some(start..end)
        }
    }
}

fn part(ctx: Ctx<'_>, predicate: &Predicate, value: &Value<'_>, span: Option<Range<usize>>) -> MatchedPart {
    let text = value.to_text();
    let whole_in_raw = match value {
        Value::Text(text) => ctx.event.span_in_raw(text),
        _ => None,
    };
    let raw_span = whole_in_raw.map(|whole| match &span {
        Some(span) => whole.start + span.start..whole.start + span.end,
        None => whole,
    });
    let excerpt = match (&predicate.field, &span) {
        // A keyword's value is the whole line; what matters is the match and a little around it.
        (None, Some(span)) => around(&text, span),
        _ => text.chars().take(EXCERPT_CHARS).collect(),
    };
    let value_span = if predicate.field.is_some() { span.filter(|span| span.end <= excerpt.len()) } else { None };
    MatchedPart {
        field: predicate.field.as_deref().unwrap_or_default().to_owned(),
        value: excerpt,
        predicate: predicate.test.to_string(),
        value_span,
        raw_span,
    }
}

fn around(text: &str, span: &Range<usize>) -> String {
    const MARGIN: usize = 40;
    let mut start = span.start.saturating_sub(MARGIN);
    let mut end = span.end.saturating_add(MARGIN).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text.get(start..end).unwrap_or(text).chars().take(EXCERPT_CHARS).collect()
}
